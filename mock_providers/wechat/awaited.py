"""What WeChat will push of a person: nothing without an address."""

from sqlalchemy import select

from mock_providers import people
from mock_providers.db import db
from mock_providers.webhooks.awaited import Awaited, answers
from mock_providers.wechat.message_models import WechatPush


@answers("wechat", list)  # a person is not what somebody meant who mistyped an order
def asked(number: str) -> list[Awaited]:
    """Pushes are known by the person they are about."""
    if number not in people.world().people:
        return []
    apps = list(db.session.scalars(select(WechatPush.app)))
    hindered = "" if apps else "no app has an address to push to: `yibao push set URL`"
    when = "the person answers a subscribe message, or WeChat reports a send"
    what = f"{number} is a person; pushes of {', '.join(apps) or 'no app'} go out"
    return [Awaited("wechat", number, what, "subscribe_msg_popup_event", when, "", hindered)]
