"""Subscribe messages (订阅消息): who accepted which template, and sending one."""

from typing import Any

from sqlalchemy import select

from mock_providers import clock, outcomes, serials, switches
from mock_providers.db import db
from mock_providers.journal import explain
from mock_providers.wechat import app_pages, limits, push, templates, users
from mock_providers.wechat.door import Refused, api, body, caller, number, planned, text
from mock_providers.wechat.message_models import WechatMainSwitch, WechatMessage, WechatSubscription
from mock_providers.wechat.models import WechatUser

DECLINE = "wechat.subscribe_decline"
SEND = "/cgi-bin/message/subscribe/send"
TARGET = "wechat.subscribe_send"
STATES = ("developer", "trial", "formal")
LANGUAGES = ("zh_CN", "en_US", "zh_HK", "zh_TW")
OPENID_LENGTH = 28
PAGE_AT_MOST = 1024
FIRST_MSG_ID = 1_700_000_000_000_000_000
DECLINED = "reject"
ACCEPTED = ("accept", "acceptWithAlert", "acceptWithAudio", "acceptWithForcePush")

outcomes.declare(
    TARGET,
    "system_error",
    "daily_quota",
    "rate_limited",
    "unauthorized",
    "user_refuses",
    "subscription_banned",
    "concurrent_sends",
    "sensitive_word",
    "http_500",
)
switches.declare(
    "wechat.subscribe_check_order",
    "fields-subscription",
    ("fields-subscription", "subscription-fields"),
    kind="choice",
    source="wechat.md §5.6, §10.2",
    why="that bad fields (47003) are named before a missing subscription (43101) is only weakly attested",
)
switches.declare(
    "wechat.subscribe_daily_limit",
    "30000000",
    (),
    kind="choice",
    source="wechat.md §5.6",
    why="30 million a day with payment ability, 10 million without: which of the two this mini program has",
)
switches.declare(
    "wechat.subscribe_bad_argument",
    "40097",
    ("40097", "ignored"),
    kind="choice",
    source="wechat.md §5.6",
    why="what a miniprogram_state or lang outside its list answers is not published",
)
switches.declare(
    "wechat.subscribe_amount_sign",
    "required",
    ("required", "optional"),
    kind="choice",
    source="wechat.md §5.6",
    why="the rule says one currency sign and up to 10 digits; amounts without a sign were seen to be sent",
)
switches.declare(
    DECLINE,
    "ends_all",
    ("ends_all", "ends_none"),
    kind="choice",
    source="wechat.md §9",
    why="a one-time acceptance lasts until used or declined: whether one refusal ends all that had added up",
)
switches.declare(
    "wechat.subscribe_page",
    "published",
    ("published", "any"),
    kind="choice",
    source="wechat.md §5.6",
    why="41030 for a page that is not published stands in an older table only (see wechat.published_pages)",
)


@api(SEND, "POST")
def send() -> dict[str, Any]:
    """One subscribe message to one user; an accepted one-time template is used up by it."""
    given = body()
    words = {name: text(given, name) for name in ("touser", "template_id", "page", "miniprogram_state", "lang")}
    who = users.user(caller(), words["touser"]) if len(words["touser"]) == OPENID_LENGTH else None
    if who is None:
        raise Refused(40003)
    template = templates.by_id(words["template_id"]) if caller() == users.own_appid() else None
    if template is None:
        raise Refused(40037)
    planned(TARGET, who.person, words["template_id"])
    _check_page(words["page"])
    _check_arguments(words)
    said = given.get("data")
    data: dict[str, Any] = said if isinstance(said, dict) else {}
    checks = {"fields": lambda: _check_fields(template, data), "subscription": lambda: _check_right(who, template)}
    for name in switches.value("wechat.subscribe_check_order").split("-"):
        checks[name]()
    if not limits.spend(f"{who.appid}.day.subscribe_send", number("wechat.subscribe_daily_limit"), limits.DAY):
        raise Refused(45009)
    _use_up(who, template)
    _deliver(who, template, data, words)
    return {"errcode": 0, "errmsg": "ok"}


def _check_page(page: str) -> None:
    is_there = switches.value("wechat.subscribe_page") == "any" or app_pages.is_published(
        page.partition("?")[0].lstrip("/")
    )
    if page and (len(page) > PAGE_AT_MOST or not is_there):
        raise Refused(41030)


def _check_arguments(words: dict[str, str]) -> None:
    if switches.value("wechat.subscribe_bad_argument") == "ignored":
        return
    if (words["miniprogram_state"] or STATES[-1]) not in STATES or (words["lang"] or LANGUAGES[0]) not in LANGUAGES:
        raise Refused(40097)


def _check_fields(template: templates.Template, data: dict[str, Any]) -> None:
    amount = "signed_amount" if switches.value("wechat.subscribe_amount_sign") == "required" else "amount"
    if fault := template.fault(data, amount):
        raise Refused(47003, field=f"data.{fault[0]}.value {fault[1]}")


def _check_right(who: WechatUser, template: templates.Template) -> None:
    row = answer_of(who.openid, templates.id_of(template.name))
    if (row and row.refused) or not main_switch(who.openid):
        explain(expected="the user switched these messages off in the settings of the mini program")
        raise Refused(43101)
    if not row or not (row.standing if template.type == templates.LONG_TERM else row.units > 0):
        explain(expected="the user accepts first: POST /_mock/phone/wechat/subscribe")
        raise Refused(43101)


def _use_up(who: WechatUser, template: templates.Template) -> None:
    if template.type == templates.ONCE:
        subscription(who.openid, templates.id_of(template.name)).units -= 1


def _deliver(who: WechatUser, template: templates.Template, data: dict[str, Any], words: dict[str, str]) -> None:
    template_id, msg_id = words["template_id"], str(FIRST_MSG_ID + serials.number("wechat.subscribe_msg") * 4096)
    db.session.add(
        WechatMessage(
            msg_id=msg_id,
            appid=who.appid,
            openid=who.openid,
            person=who.person,
            template_id=template_id,
            title=template.title,
            lines=template.rendered(data),
            page=words["page"],
            miniprogram_state=words["miniprogram_state"] or STATES[-1],
            lang=words["lang"] or LANGUAGES[0],
            at=clock.now(),
        )
    )
    result = {"TemplateId": template_id, "MsgID": msg_id, "ErrorCode": "0", "ErrorStatus": "success"}
    push.tell_list(who.openid, who.person, "subscribe_msg_sent_event", [result])


@api("/wxaapi/newtmpl/gettemplate", "GET")
def own_templates() -> dict[str, Any]:
    """The templates of the mini program that calls."""
    mine = templates.load().values() if caller() == users.own_appid() else ()
    return {"errcode": 0, "errmsg": "ok", "data": [one.entry() for one in mine]}


def answer_of(openid: str, template_id: str) -> WechatSubscription | None:
    """What a user said about a template, if ever asked."""
    row = WechatSubscription
    return db.session.scalar(select(row).where(row.openid == openid, row.template_id == template_id))


def subscription(openid: str, template_id: str) -> WechatSubscription:
    """What a user said about a template; a row with nothing in it the first time."""
    row = answer_of(openid, template_id)
    if row is None:
        row = WechatSubscription(openid=openid, template_id=template_id, units=0, standing=False, refused=False)
        db.session.add(row)
    return row


def subscriptions(openid: str) -> list[WechatSubscription]:
    """Everything a user said about templates."""
    wanted = select(WechatSubscription).where(WechatSubscription.openid == openid)
    return list(db.session.scalars(wanted.order_by(WechatSubscription.id)))


def main_switch(openid: str) -> bool:
    """Whether the user lets the mini program send anything at all."""
    row = db.session.scalar(select(WechatMainSwitch).where(WechatMainSwitch.openid == openid))
    return row is None or row.is_on


def turn_main_switch(openid: str, is_on: bool) -> None:
    """Remember how it stands."""
    row = db.session.scalar(select(WechatMainSwitch).where(WechatMainSwitch.openid == openid))
    if row is None:
        db.session.add(WechatMainSwitch(openid=openid, is_on=is_on))
    else:
        row.is_on = is_on


def answered(who: WechatUser, template: templates.Template, answer: str) -> None:
    """What the user tapped in the pop-up. Declining ends a long-term template, and what has added up of another."""
    row = subscription(who.openid, templates.id_of(template.name))
    if template.type == templates.LONG_TERM:
        row.standing = answer in ACCEPTED
    elif answer in ACCEPTED:
        row.units += 1
    elif answer == DECLINED:
        _end_units(row)


def switched(openid: str, template_id: str, is_refused: bool) -> None:
    """What the user set for a template on the settings page."""
    row = subscription(openid, template_id)
    row.refused = is_refused
    if is_refused:
        _end_units(row)


def _end_units(row: WechatSubscription) -> None:
    if switches.value(DECLINE) == "ends_all":
        row.units = 0
