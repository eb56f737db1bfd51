"""What open.weixin.qq.com/connect/oauth2/authorize accepts. Pure: the query comes in as text."""

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

from mock_providers.wechat.pages import Wrong

PAGES = {
    10003: "redirect_uri域名与后台配置不一致",
    10004: "此公众号被封禁",
    10005: "此公众号并没有这些scope的权限",
    10006: "必须关注此测试号",
    10009: "操作太频繁了,请稍后重试",
    10010: "scope不能为空",
    10011: "redirect_uri不能为空",
    10012: "appid不能为空",
    10013: "state不能为空",
    10015: "公众号未授权第三方平台,请检查授权状态",
    10016: "不支持微信开放平台的Appid,请使用公众号Appid",
}
UNREACHABLE = "该链接无法访问"
ORDER = ("appid", "redirect_uri", "response_type", "scope", "state")
LOOPBACK = ("127.0.0.1", "localhost", "::1")
STATE = {
    "strict": re.compile(r"[0-9A-Za-z]{1,128}"),
    "length": re.compile(r"(?s).{1,128}"),
    "ignored": re.compile(r"(?s).*"),
}


@dataclass(frozen=True)
class Asked:
    """A well-formed wish to authorise."""

    appid: str
    redirect_uri: str
    scope: str
    state: str
    popup: bool
    snapshot: bool


def page(code: int) -> Wrong:
    """The page of a number."""
    return Wrong(PAGES[code], code)


def read(query: str, *, strict_order: bool, state_required: bool, state_form: str) -> Asked:
    """The wish in a query. Raises Wrong: what is empty first, then what is malformed."""
    pairs = parse_qsl(query, keep_blank_values=True)
    if not strict_order:
        known = {name.lower(): name for name in (*ORDER, "forcePopup", "forceSnapShot")}
        pairs = [(known.get(name.lower(), name), value) for name, value in pairs]
    given = dict(reversed(pairs))
    for name, code in (("appid", 10012), ("redirect_uri", 10011), ("scope", 10010)):
        if not given.get(name):
            raise page(code)
    state = given.get("state", "")
    if not state and state_required:
        raise page(10013)
    places = [ORDER.index(name) for name, _ in pairs if name in ORDER]
    if strict_order and places != sorted(set(places)):
        raise Wrong(f"{UNREACHABLE}:参数须各出现一次,顺序为 {', '.join(ORDER)}")
    if given.get("response_type") != "code":
        raise Wrong(f"{UNREACHABLE}:response_type 须为 code")
    if state and not _fits(state, state_form):
        raise Wrong(f"{UNREACHABLE}:state 只能是字母和数字,最多128字节")
    popup, snapshot = (given.get(name, "").lower() == "true" for name in ("forcePopup", "forceSnapShot"))
    return Asked(given["appid"], given["redirect_uri"], given["scope"], state, popup, snapshot)


def _fits(state: str, form: str) -> bool:
    return bool(STATE[form].fullmatch(state)) and (form == "ignored" or len(state.encode()) <= 128)


def domain_verdict(redirect_uri: str, domains: str) -> str:
    """`configured`, `loopback` (a relaxation: any port) or `foreign`."""
    try:
        parts = urlsplit(redirect_uri)
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError:
        return "foreign"
    if parts.scheme not in ("http", "https") or not host or re.search(r"[\s\\]", redirect_uri):
        return "foreign"
    allowed = domains.lower().replace(",", " ").split()
    if host in LOOPBACK and "loopback" in allowed:
        return "loopback"
    return "configured" if host in allowed and port is None and not parts.username else "foreign"
