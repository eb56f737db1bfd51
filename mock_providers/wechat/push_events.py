"""Every message and event of §5.5: its fields, what they may hold, and a sample for each that is not given.

Rule of the file: no I/O. A sample of None means the field is left out unless it is given; `{openid}`, `{appid}` and
`{now}` stand for what they say.
"""

import re
from typing import Any, NamedTuple

TEXT, NUMBER, OBJECT, LIST = "text", "number", "object", "list"
REVOKED = (*range(1, 9), 12, 13, 14, 15, 16, 18, 19, 20)
MEMBER = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,40}")
TEMPLATE_ID = re.compile(r"[A-Za-z0-9_-]{43}")
TEXT_AT_MOST, ITEMS_AT_MOST, BIGGEST = 2048, 20, 2**63 - 1


class Field(NamedTuple):
    kind: str
    sample: Any = None
    values: tuple[str, ...] = ()


class Wrong(ValueError):
    """What is wrong with the fields of a message: field → sentence."""

    def __init__(self, **wrong: str) -> None:
        super().__init__(f"{wrong}")
        self.wrong = wrong


TEMPLATE = Field(TEXT, "")
STATUS = ("accept", "reject")
ITEMS = {
    "subscribe_msg_popup_event": {
        "TemplateId": TEMPLATE,
        "SubscribeStatusString": Field(TEXT, "accept", STATUS),
        "PopupScene": Field(TEXT, "0", ("0", "1", "2")),
    },
    "subscribe_msg_change_event": {
        "TemplateId": TEMPLATE,
        "SubscribeStatusString": Field(TEXT, "reject", STATUS),
    },
    "subscribe_msg_sent_event": {
        "TemplateId": TEMPLATE,
        "MsgID": Field(TEXT, "1700827132819554304"),
        "ErrorCode": Field(TEXT, "0"),
        "ErrorStatus": Field(TEXT, "success"),
    },
}
_LIST = {"List": Field(LIST, None)}
_PERSONAL = {
    "OpenID": Field(TEXT, "{openid}"),
    "AppID": Field(TEXT, "{appid}"),
    "RevokeInfo": Field(TEXT, "8", tuple(map(str, REVOKED))),
    "PluginID": Field(TEXT),
    "OpenPID": Field(TEXT),
}
_ORDER = {
    "transaction_id": Field(TEXT, "4200001234202512010000000001"),
    "merchant_id": Field(TEXT, "1900000109"),
    "sub_merchant_id": Field(TEXT, ""),
    "merchant_trade_no": Field(TEXT, "SAMPLE0001"),
    "pay_time": Field(NUMBER, "{now}"),
}
EVENTS: dict[str, dict[str, Field]] = {
    "subscribe_msg_popup_event": _LIST,
    "subscribe_msg_change_event": _LIST,
    "subscribe_msg_sent_event": _LIST,
    "user_info_modified": _PERSONAL | {"RevokeInfo": Field(TEXT, None, _PERSONAL["RevokeInfo"].values)},
    "user_authorization_revoke": _PERSONAL,
    "user_authorization_cancellation": _PERSONAL | {"RevokeInfo": Field(TEXT, None, _PERSONAL["RevokeInfo"].values)},
    "user_enter_tempsession": {"SessionFrom": Field(TEXT, "sample")},
    "wxa_media_check": {
        "appid": Field(TEXT, "{appid}"),
        "trace_id": Field(TEXT, "674d4ed3-0f0b0a17-5b6cf9a1"),
        "version": Field(NUMBER, 2),
        "detail": Field(
            LIST, [{"strategy": "content_model", "errcode": 0, "suggest": "pass", "label": 100, "prob": 90}]
        ),
        "errcode": Field(NUMBER, 0),
        "errmsg": Field(TEXT, "ok"),
        "result": Field(OBJECT, {"suggest": "pass", "label": 100}),
    },
    "trade_manage_remind_access_api": {"msg": Field(TEXT, "样例:请接入发货信息管理服务 API")},
    "trade_manage_remind_shipping": _ORDER | {"msg": Field(TEXT, "样例:有订单超过 48 小时未发货")},
    "trade_manage_order_settlement": _ORDER
    | {
        "shipped_time": Field(NUMBER, "{now}"),
        "estimated_settlement_time": Field(NUMBER),
        "confirm_receive_method": Field(NUMBER, 2),
        "confirm_receive_time": Field(NUMBER, "{now}"),
        "settlement_time": Field(NUMBER, "{now}"),
    },
}
MESSAGES: dict[str, dict[str, Field]] = {
    "text": {"Content": Field(TEXT, "样例:医保怎么报销")},
    "image": {
        "PicUrl": Field(TEXT, "http://mmbiz.qpic.cn/sample/0"),
        "MediaId": Field(TEXT, "sample_media_id"),
    },
    "miniprogrampage": {
        "Title": Field(TEXT, "样例 海南医保"),
        "AppId": Field(TEXT, "{appid}"),
        "PagePath": Field(TEXT, "pages/index/index"),
        "ThumbUrl": Field(TEXT, "http://mmbiz.qpic.cn/sample/1"),
        "ThumbMediaId": Field(TEXT, "sample_thumb_id"),
    },
}
KNOWN = (*EVENTS, *MESSAGES)


class Envelope(NamedTuple):
    """What every message says: to which account, from whom, when; `msg_id` is for messages only."""

    to: str
    appid: str
    openid: str
    unix: int
    msg_id: int


def composed(name: str, given: dict[str, Any], envelope: Envelope, template_id: str = "") -> dict[str, Any]:
    """A whole message. Raises Wrong; KeyError for a name that is not KNOWN."""
    head = {"ToUserName": envelope.to, "FromUserName": envelope.openid, "CreateTime": envelope.unix}
    fields = MESSAGES[name] if name in MESSAGES else EVENTS[name]
    if name in ITEMS:
        body = {"List": _items(name, given, template_id)}
        return {**head, "MsgType": "event", "Event": name, **body}
    body = _filled(fields, given, envelope)
    if name in MESSAGES:
        return {**head, "MsgType": name, **body, "MsgId": envelope.msg_id}
    return {**head, "MsgType": "event", "Event": name, **body}


def _items(name: str, given: dict[str, Any], template_id: str) -> list[dict[str, str]]:
    if unknown := [key for key in given if key != "List"]:
        raise Wrong(**{unknown[0][:60]: "unknown field; this event takes List"})
    items = given.get("List", [{}])
    if isinstance(items, dict):
        items = [items]
    if not isinstance(items, list) or not 1 <= len(items) <= ITEMS_AT_MOST:
        raise Wrong(List=f"an object, or 1 to {ITEMS_AT_MOST} of them")
    made = []
    for number, item in enumerate(items):
        if not isinstance(item, dict):
            raise Wrong(**{f"List.{number}": "not an object"})
        try:
            filled = _filled(ITEMS[name], {"TemplateId": template_id, **item}, None)
        except Wrong as wrong:
            raise Wrong(**{f"List.{number}.{key}": why for key, why in wrong.wrong.items()}) from None
        if not TEMPLATE_ID.fullmatch(filled["TemplateId"]):
            raise Wrong(**{f"List.{number}.TemplateId": "a template id is 43 letters, digits, - and _"})
        made.append(filled)
    return made


def _filled(fields: dict[str, Field], given: dict[str, Any], envelope: Envelope | None) -> dict[str, Any]:
    """Every field in its order: as given, else its sample."""
    wrong = {key[:60]: f"unknown field; known are {', '.join(fields)}" for key in given if key not in fields}
    made = {}
    for name, field in fields.items():
        value = given.get(name, field.sample)
        if value is None:
            continue
        if envelope and isinstance(value, str) and name not in given:
            value = {"{openid}": envelope.openid, "{appid}": envelope.appid, "{now}": envelope.unix}.get(value, value)
        if why := trouble(field, value):
            wrong[name] = why
        made[name] = value
    if wrong:
        raise Wrong(**wrong)
    return made


def trouble(field: Field, value: Any) -> str:
    """Why a field cannot hold this; empty if it can."""
    if field.values and value not in field.values:
        return f"one of {', '.join(field.values)}"
    good = {
        TEXT: lambda: isinstance(value, str) and is_text(value),
        NUMBER: lambda: is_number(value),
        OBJECT: lambda: isinstance(value, dict) and is_plain(value),
        LIST: lambda: isinstance(value, list) and all(isinstance(one, dict) and is_plain(one) for one in value),
    }
    return "" if good[field.kind]() else f"not a {field.kind} a message can carry"


def is_text(value: str) -> bool:
    """Text both containers can carry: no control characters but line breaks, no half surrogates."""
    return len(value) <= TEXT_AT_MOST and all(char.isprintable() or char in "\n\t　" for char in value)


def is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= BIGGEST


def is_plain(value: dict[str, Any]) -> bool:
    """An object of texts and numbers under names an element can have."""
    return len(value) <= ITEMS_AT_MOST and all(
        MEMBER.fullmatch(key) and (is_number(inner) or (isinstance(inner, str) and is_text(inner)))
        for key, inner in value.items()
    )
