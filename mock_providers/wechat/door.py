"""The door of api.weixin.qq.com: which address answers to which method, and how an answer or a refusal looks.

A view returns the body of a success, or raises Refused with an errcode. Both end the transaction with a
commit: a refusal may have counted a call. Order: chunked, method, token, then whatever the view looks at.
"""

import hmac
from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import Blueprint, Response, g, request
from sqlalchemy import select
from werkzeug.exceptions import RequestEntityTooLarge

from mock_providers import accounts, clock, outcomes, serials, switches
from mock_providers.db import db, in_write_mode, writes
from mock_providers.journal import explain
from mock_providers.wechat import limits, wire
from mock_providers.wechat.choices import ANY_API, ERRCODE_OF_WINDOW, OUTCOMES
from mock_providers.wechat.models import WechatToken

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
MINI_PROGRAM, OFFICIAL_ACCOUNT = "wechat", "wechat_official_account"
View = Callable[[], dict[str, Any] | Response]
bp = Blueprint("wechat", __name__, template_folder="html")


class Refused(Exception):
    """An errcode; the text comes from wire.ERRORS, `about` fills its gaps."""

    def __init__(self, errcode: int, **about: str) -> None:
        super().__init__(errcode)
        self.errcode, self.about = errcode, about


class Broken(Exception):
    """An HTTP status with an empty body."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


def api(path: str, method: str, *, token: bool = True, changes: bool = False) -> Callable[[View], View]:
    """Answer at `path`. `token`: an access token is demanded; `changes`: a GET that writes."""

    def register(view: View) -> View:
        @wraps(view)
        def answer() -> Response:
            return _answered(path, view, method, token)

        bp.add_url_rule(
            path,
            view.__name__,
            writes(answer) if changes else answer,
            methods=METHODS,
            provide_automatic_options=False,
        )
        return view

    return register


def _answered(path: str, view: View, method: str, token: bool) -> Response:
    try:
        _check_method(method)
        if token:
            _check_token()
            _spend(view.__name__)
            planned(ANY_API, ref=path)
        said = view()
        answer = said if isinstance(said, Response) else reply(path, said)
    except Refused as refused:
        rid = _rid()
        explain(errcode=refused.errcode, rid=rid, appid=g.get("wechat_appid"))
        answer = reply(path, wire.error(path, refused.errcode, rid, **refused.about))
    except RequestEntityTooLarge:
        answer = bare(413)
    except Broken as broken:
        answer = bare(broken.status)
    if in_write_mode():
        db.session.commit()
    return answer


def reply(path: str, body: dict[str, Any]) -> Response:
    """A body under the content type of its interface."""
    kind = wire.content_type(path)
    if kind is None:
        kind = switches.value(f"wechat.content_type_{'sns' if path.startswith('/sns/') else 'elsewhere'}")
    answer = Response(wire.dumps(body), content_type=kind)
    if relaxed := g.get("why", {}).get("relaxed"):
        answer.headers["X-Yibao-Relaxed"] = relaxed
    return answer


def bare(status: int) -> Response:
    """A status and nothing else: no body, so no type of one."""
    answer = Response(status=status)
    del answer.headers["Content-Type"]
    return answer


def _rid() -> str:
    """Depends on the time and the call, so that the same story gives the same bytes."""
    said = (request.method, request.full_path, clock.now().isoformat())
    return wire.rid(clock.unix(), serials.derive("rid", *said, size=8))


def _check_method(method: str) -> None:
    environ = request.environ
    chunked = environ.get("yibao.chunked") or "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "").lower()
    if request.method == "POST" and chunked and switches.value("wechat.chunked_post") == "refused":
        raise Broken(412)
    if method == "POST" and request.method != "POST":
        raise Refused(43002)
    reads = ("GET", "HEAD") if switches.value("wechat.post_on_get") == "43001" else ("GET", "HEAD", "POST")
    if method == "GET" and request.method not in reads:
        raise Refused(43001)


def _check_token() -> None:
    """The token counts only in the query."""
    token = request.args.get("access_token", "")
    if not token:
        raise Refused(41001)
    if not wire.TOKEN.fullmatch(token):
        raise Refused(int(switches.value("wechat.malformed_token")))
    row = db.session.scalar(select(WechatToken).where(WechatToken.token == token))
    now = clock.now()
    if row is None or (row.ends_at and now >= row.ends_at):
        raise Refused(40001)
    if now >= row.expires_at:
        raise Refused(42001)
    g.wechat_appid = row.appid


def app_of(appid: object) -> dict[str, Any] | None:
    """The credentials of this space's app of that appid: the mini program or the official account."""
    return next(
        (app for kind in (MINI_PROGRAM, OFFICIAL_ACCOUNT) if (app := accounts.account(kind))["appid"] == appid), None
    )


def caller() -> str:
    """The appid whose access token or secret the call at hand showed; the mini program's before that."""
    return g.get("wechat_appid") or accounts.account(MINI_PROGRAM)["appid"]


def check_app(given: dict[str, Any], grant_type: str) -> None:
    """appid, secret and grant type of a caller that has no token yet."""
    account = app_of(given.get("appid")) or accounts.account(MINI_PROGRAM)

    def appid() -> None:
        if not given.get("appid"):
            raise Refused(41002)
        if given["appid"] != account["appid"]:
            raise Refused(40013)
        g.wechat_appid = account["appid"]

    def secret() -> None:
        if not given.get("secret"):
            raise Refused(41004)
        if not hmac.compare_digest(str(given["secret"]).encode(), account["secret"].encode()):
            explain(expected="the AppSecret of this appid, see /_mock/credentials")
            raise Refused(int(switches.value("wechat.wrong_secret")))

    def grant() -> None:
        if given.get("grant_type") != grant_type:
            raise Refused(40002)

    checks = {"appid": appid, "secret": secret, "grant": grant}
    for name in switches.value("wechat.check_order").split("-"):
        checks[name]()


def body() -> dict[str, Any]:
    """The JSON object of a POST."""
    raw = request.get_data()
    if not raw:
        raise Refused(44002)
    try:
        return wire.parse(raw)
    except ValueError:
        raise Refused(47001) from None


def text(given: dict[str, Any], name: str) -> str:
    """A text member of a body; empty if absent."""
    value = given.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Refused(int(switches.value("wechat.wrong_json_type")))
    return value


def begin_writing() -> None:
    """Let a call that so far only read write as well. What it has read is read anew."""
    if not in_write_mode():
        db.session.rollback()
        g.write_mode = True


def _spend(name: str) -> None:
    """One of the quotas of an interface, where somebody set one: 0 is no limit."""
    for window in ("day", "minute"):
        if at_most := number(f"wechat.api_{window}_quota"):
            begin_writing()
            if not limits.spend(f"{caller()}.{window}.{name}", at_most, limits.WINDOWS[window]):
                raise Refused(ERRCODE_OF_WINDOW[window])


def planned(target: str, person: str = "", ref: str = "") -> None:
    """Do what somebody asked for this call, if anything."""
    if not in_write_mode():
        if db.session.scalar(select(outcomes.Outcome.id).where(outcomes.Outcome.target == target).limit(1)) is None:
            return
        begin_writing()
    outcome = outcomes.take(target, person, ref)
    if outcome == "http_500":
        raise Broken(500)
    if outcome is not None:
        raise Refused(OUTCOMES[outcome], ip=address())


def address() -> str:
    """Where the call came from."""
    return request.remote_addr or "127.0.0.1"


def number(name: str) -> int:
    """A switch that is a whole number; its default where somebody set something else."""
    value = switches.value(name)
    return int(value if value.isascii() and value.isdigit() and len(value) < 10 else switches.ALL[name].default)


@bp.route("/", defaults={"rest": ""}, methods=METHODS, provide_automatic_options=False)
@bp.route("/<path:rest>", methods=METHODS, provide_automatic_options=False)
def unknown(rest: str) -> Response:
    """Any other address."""

    def nothing_here() -> dict[str, Any]:
        raise Refused(40066)

    return _answered(f"/{rest}", nothing_here, request.method, token=False)
