"""Messages on the user's phone: wx.requestSubscribeMessage, the settings page, and what reaches an app by push."""

from typing import Any

from flask import Blueprint

from mock_providers import outcomes
from mock_providers.db import db
from mock_providers.errors import Problem
from mock_providers.phone import tap
from mock_providers.wechat import push, push_events, subscribe, templates, users
from mock_providers.wechat.models import WechatUser

bp = Blueprint("phone_wechat_messages", __name__)
TARGET = "wechat.request_subscribe"
API = "requestSubscribeMessage"
AT_MOST = 5
ANSWERS = (*subscribe.ACCEPTED, "reject", "ban", "filter")
FAILURES = {
    10001: "TmplIds can't be empty",
    10002: "Request list fail",
    10003: "Request subscribe fail",
    10004: "Invalid template id",
    10005: "Cannot show subscribe message UI",
    20001: "No template data return, verify the template id exist",
    20002: "Templates type must be same",
    20003: "Templates count out of max bounds",
    20004: "The main switch is switched off",
    20005: "This mini program was banned from subscribing messages",
    20013: "device template not allowed",
}
OUTCOMES = {"network_list": 10002, "network_subscribe": 10003, "background": 10005, "banned": 20005, "device": 20013}
outcomes.declare(TARGET, *OUTCOMES)


@bp.post("/phone/wechat/subscribe")
def request_subscribe_message() -> dict[str, Any]:
    """wx.requestSubscribeMessage: the pop-up, and what the user taps for each template."""
    given = tap.given("person", optional=("tmplIds", "answer", "tap"))
    person = tap.person(given["person"])
    if not isinstance(given.get("tap", True), bool):
        raise Problem("FIELD_INVALID", "tap is true or false", {"tap": ["not a boolean"]})
    if given.get("tap") is False:
        return {"errMsg": f"{API}:fail can only be invoked by user TAP gesture."}
    asked = given.get("tmplIds", [])
    answers = _answers(given.get("answer", "accept"), asked)
    who = users.opened_by(users.own_appid(), person.id)
    failed = _failure(who, asked)
    if failed:
        db.session.commit()
        return {"errMsg": f"{API}:fail {FAILURES[failed]}", "errCode": failed}
    shown = _taken(who, {id_: answers.get(id_, "accept") for id_ in dict.fromkeys(asked)})
    db.session.commit()
    return {"errMsg": f"{API}:ok", **shown}


def _failure(who: WechatUser, asked: Any) -> int:
    """Why the pop-up does not come up; 0 if it does."""
    if not asked:
        return 10001
    if not isinstance(asked, list) or not all(isinstance(id_, str) for id_ in asked):
        return 10004
    if len(asked) > AT_MOST:
        return 20003
    if not all(push_events.TEMPLATE_ID.fullmatch(id_) for id_ in asked):
        return 10004
    if planned := outcomes.take(TARGET, who.person):
        return OUTCOMES[planned]
    if not subscribe.main_switch(who.openid):
        return 20004
    known = [templates.by_id(id_) for id_ in asked]
    if None in known:
        return 20001
    return 20002 if len({one.type for one in known if one}) > 1 else 0


def _answers(given: Any, asked: Any) -> dict[str, str]:
    """What the user answers to each template; one word is for all."""
    said = given if isinstance(given, dict) else dict.fromkeys(asked, given) if isinstance(asked, list) else {}
    if wrong := {str(id_)[:60]: ["not asked"] for id_ in said if not isinstance(asked, list) or id_ not in asked}:
        raise Problem("FIELD_INVALID", "answer names templates of tmplIds", {"answer": wrong})
    words = [given] if not isinstance(given, dict) else list(said.values())
    if not all(isinstance(word, str) and word in ANSWERS for word in words):
        raise Problem("FIELD_INVALID", f"an answer is one of {', '.join(ANSWERS)}", {"answer": ["unknown"]})
    return said


def _taken(who: WechatUser, answers: dict[str, str]) -> dict[str, str]:
    """Remember the answers and tell the app. A template the settings refuse is refused without asking."""
    shown, items = {}, []
    for id_, answer in answers.items():
        template = templates.by_id(id_)
        assert template is not None  # looked at before
        earlier = subscribe.answer_of(who.openid, id_)
        if earlier and earlier.refused:
            shown[id_] = "reject"
            continue
        shown[id_] = answer
        if answer in ("ban", "filter"):
            continue
        subscribe.answered(who, template, answer)
        status = "accept" if answer in subscribe.ACCEPTED else "reject"
        items.append({"TemplateId": id_, "SubscribeStatusString": status, "PopupScene": "0"})
    push.tell_list(who.openid, who.person, "subscribe_msg_popup_event", items)
    return shown


@bp.post("/phone/wechat/subscription-settings")
def subscription_settings() -> dict[str, Any]:
    """The settings page of the mini program: the main switch, and each template the user was asked about."""
    given = tap.given("person", optional=("main_switch", "templates"))
    person, changes, main = tap.person(given["person"]), given.get("templates", {}), given.get("main_switch")
    if main is not None and not isinstance(main, bool):
        raise Problem("FIELD_INVALID", "main_switch is true or false", {"main_switch": ["not a boolean"]})
    _check_changes(changes)
    who = users.opened_by(users.own_appid(), person.id)
    rejected = [row.template_id for row in subscribe.subscriptions(who.openid) if not row.refused]
    was_on = subscribe.main_switch(who.openid)
    for id_, status in changes.items():
        subscribe.switched(who.openid, id_, status == "reject")
    if main is not None:
        subscribe.turn_main_switch(who.openid, main)
    off = rejected if main is False and was_on else [id_ for id_ in changes if changes[id_] == "reject"]
    items = [{"TemplateId": id_, "SubscribeStatusString": "reject"} for id_ in off]
    push.tell_list(who.openid, who.person, "subscribe_msg_change_event", items)
    answer = _settings(who)
    db.session.commit()
    return answer


def _check_changes(changes: Any) -> None:
    if not isinstance(changes, dict):
        raise Problem("FIELD_INVALID", "templates is an object: id → accept or reject", {"templates": ["wrong"]})
    wrong = {id_[:60]: ["no such template"] for id_ in changes if templates.by_id(id_) is None}
    wrong |= {id_[:60]: ["accept or reject"] for id_, status in changes.items() if status not in ("accept", "reject")}
    if wrong:
        raise Problem("FIELD_INVALID", "templates is an object: id → accept or reject", {"templates": wrong})


def _settings(who: WechatUser) -> dict[str, Any]:
    """As the page shows it, and what is left of one-time acceptances."""
    rows = subscribe.subscriptions(who.openid)
    items = {row.template_id: "reject" if row.refused else "accept" for row in rows}
    left = {row.template_id: row.units for row in rows if row.units}
    return {"mainSwitch": subscribe.main_switch(who.openid), "itemSettings": items, "left": left}


@bp.post("/phone/wechat/push")
def push_message() -> dict[str, Any]:
    """Something happens that WeChat pushes to the app's owner: any message or event of §5.5."""
    given = tap.given("person", "event", optional=("fields", "app"))
    person, app = tap.person(given["person"]), tap.choice(given, "app", *push.APPS)
    fields = given.get("fields", {})
    if not isinstance(fields, dict):
        raise Problem("FIELD_INVALID", "fields is an object", {"fields": ["not an object"]})
    if push.address(app) is None:
        raise Problem("STATE_CONFLICT", f"the {app} has no push address: set one with POST /_mock/push")
    openid = users.openid_of(push.appid_of(app), person.id)
    said = push.message(app, openid, tap.text(given, "event"), fields, templates.id_of("binding_done"))
    users.opened_by(push.appid_of(app), person.id)
    row = push.tell(app, person.id, said)
    db.session.commit()
    return {"event": row.id if row else None, "message": said}
