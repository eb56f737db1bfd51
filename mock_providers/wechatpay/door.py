"""The way in: the observed order of checks, then the body, the query and the path against their shapes.

Order (architecture of the real gateway, as seen without credentials): the route exists, its method, Accept and
User-Agent, a readable Authorization, its scheme, its time, the certificate's serial number, the signature. On
`/v3/pay/transactions/*` Accept and User-Agent come after authentication.
"""

from collections.abc import Callable, Mapping
from typing import Any

import orjson
from flask import Blueprint, Response, current_app, g, request
from werkzeug.exceptions import HTTPException

from mock_providers import clock, journal, outcomes, switches
from mock_providers.db import current_space, db, writing
from mock_providers.wechatpay import account, answers, schema, wire
from mock_providers.wechatpay import errors as e
from mock_providers.wechatpay.account import mine
from mock_providers.wechatpay.answers import answer, nothing, signer
from mock_providers.wechatpay.errors import Refusal

NAME = "wechatpay"
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
PAY = (f"/{NAME}/v3/pay/transactions/", f"/{NAME}/v3/pay/partner/transactions/")
View = Callable[..., Response]
BARRED = ("certificate_expired", "certificate_revoked", "certificate_replaced", "no_certificate")
NO_PRODUCT = {"no_payment": "/v3/pay/", "no_medical_insurance": "/v3/med-ins/"}
LONGEST_NONCE = 32
__all__ = [
    "NAME",
    "answer",
    "body",
    "bp",
    "nothing",
    "opener",
    "path",
    "planned",
    "query",
    "route",
    "signer",
    "space_of",
]
bp = Blueprint(NAME, __name__)
bp.register_error_handler(Refusal, answers.refused)
bp.register_error_handler(HTTPException, answers.http)
bp.after_request(answers.leave)


def route(method: str, path: str) -> Callable[[View], View]:
    """A vendor's path with the one method it allows."""

    def register(view: View) -> View:
        name = f"{view.__module__.rpartition('.')[2]}_{view.__name__}"
        bp.add_url_rule(path, name, view, methods=[method], provide_automatic_options=False)
        return view

    return register


@bp.route("/", defaults={"rest": ""}, methods=METHODS)
@bp.route("/<path:rest>", methods=METHODS)
def nowhere(rest: str) -> Response:
    """An unknown path is 404, a known one with another method 405; both empty."""
    adapter = current_app.url_map.bind("")
    known = any(adapter.match(request.path, method)[0] != request.endpoint for method in METHODS)
    return Response(status=405 if known else 404)


def space_of() -> str | None:
    """The space of the merchant who calls."""
    try:
        mchid = wire.read_authorization(request.headers.get("Authorization")).mchid
    except (wire.Malformed, wire.UnknownScheme):  # its author looks for it where its mchid belongs
        mchid = wire.named_mchid(request.headers.get("Authorization"))
    return account.find(mchid) if mchid else None


@bp.before_request
def check() -> Response | None:
    """Everything that comes before the business of a call."""
    if request.endpoint == f"{NAME}.nowhere":
        return None
    if request.method == "HEAD":  # the framework would serve it as GET
        return Response(status=405)
    answers.begin()
    g.on_pay = request.path.startswith(PAY)
    if not g.on_pay:
        _check_headers()
    caller = _read_authorization()
    _check_signature(caller)
    g.mchid = caller.mchid
    if g.on_pay:
        _check_headers()
    state = switches.value("wechatpay.merchant_state")
    if (prefix := NO_PRODUCT.get(state)) and request.path.startswith(f"/{NAME}{prefix}"):
        if state == "no_medical_insurance":
            status = int(switches.value("wechatpay.medical_rule_status"))
            raise Refusal("REQUEST_BLOCKED", "暂不支持当前商户下单", status=status)
        raise Refusal("NO_AUTH", "商户号该产品权限未开通，请前往商户平台>产品中心检查后重试")
    return answers.planned_for_answer()


def _check_headers() -> None:
    if not request.headers.get("Accept") or not request.headers.get("User-Agent"):
        raise Refusal("INVALID_REQUEST", e.HEADERS_MISSING)


def _unauthorised(message: str, verdict: str, **more: Any) -> Refusal:
    journal.explain(verdict=verdict)
    return Refusal("SIGN_ERROR", message, **more)


def _read_authorization() -> wire.Authorization:
    try:
        caller = wire.read_authorization(request.headers.get("Authorization"))
    except wire.Malformed as error:
        if g.on_pay and switches.value("wechatpay.missing_authorization") == "by_path":
            message = e.AUTHORIZATION_MALFORMED_ON_PAY
            raise _unauthorised(message, f"Authorization: {error}", nameless=True) from error
        raise _unauthorised(e.AUTHORIZATION_MALFORMED, f"Authorization: {error}") from error
    except wire.UnknownScheme as error:
        raise _unauthorised(e.SCHEME_UNKNOWN, f"scheme {error} is not {wire.SCHEME}") from error
    if len(caller.nonce_str) > LONGEST_NONCE and switches.value("wechatpay.nonce_length") == "32":
        raise _unauthorised(e.AUTHORIZATION_MALFORMED, f"nonce_str is longer than {LONGEST_NONCE}")
    now = clock.wall_unix()
    journal.explain(timestamp=caller.timestamp, server_time=now)
    if abs(now - caller.timestamp) > wire.SKEW_SECONDS:
        off = caller.timestamp - now
        raise _unauthorised(e.TIMESTAMP_OFF, f"the timestamp is {off:+d} s from the server's wall clock")
    return caller


def _check_signature(caller: wire.Authorization) -> None:
    space = current_space()
    if "caller" not in g:
        account.find(caller.mchid, space)
    merchant = mine()
    body = request.get_data()
    raw = journal.raw_target()
    messages = [
        wire.request_message(request.method, target, caller.timestamp, caller.nonce_str, body)
        for target in wire.targets(raw, space)
    ]
    journal.explain(string_to_sign=messages[0].decode(errors="replace"), signature=caller.signature)
    if caller.mchid != merchant["mchid"]:
        raise _unauthorised(e.MERCHANT_UNKNOWN, f"no merchant {caller.mchid[:40]} in space {space}")
    if (state := switches.value("wechatpay.merchant_state")) in BARRED:
        raise _unauthorised(e.MERCHANT_STATES[state], f"switch wechatpay.merchant_state is {state}")
    if caller.serial_no.upper() in merchant.get("replaced_serial_nos", ()):
        why = f"{caller.serial_no[:50]} was replaced by {merchant['merchant_serial_no']}"
        raise _unauthorised(e.MERCHANT_STATES["certificate_replaced"], why)
    if caller.serial_no.upper() != merchant["merchant_serial_no"]:
        why = f"serial_no is {caller.serial_no[:50]}, the merchant's certificate is {merchant['merchant_serial_no']}"
        raise _unauthorised(e.SERIAL_UNKNOWN, why)
    key = wire.read_certificate(merchant["merchant_certificate"])[0]
    signed = wire.first_match(key, messages, caller.signature)
    if signed is None:
        detail = wire.signature_detail(request.method, wire.bare_target(raw), messages[0])
        message = switches.value("wechatpay.wrong_signature")
        raise _unauthorised(message, "the signature does not fit string_to_sign", detail=detail)
    journal.explain(verdict="ok", string_to_sign=signed.decode(errors="replace"))


def body(fields: Mapping[str, schema.Field]) -> dict[str, Any]:
    """The JSON body, checked. Its `mchid`, if it has one, must be the caller's."""
    if request.mimetype != "application/json":
        raise Refusal("PARAM_ERROR", "Http头Content-Type须为application/json")
    try:
        given = orjson.loads(request.get_data())
    except orjson.JSONDecodeError as error:
        raise Refusal("PARAM_ERROR", "解析 JSON 输入源“/body”失败，请确认请求体是合法的 Json") from error
    if not isinstance(given, dict):
        invalid = schema.Invalid(
            "无法将 JSON 输入源“/body”映射到目标中，此字段需要一个 object 类型的 Json 值", "body", ""
        )
        raise Refusal.of(invalid)
    if switches.value("wechatpay.json_null") == "refused" and _has_null(given):
        raise Refusal("PARAM_ERROR", "JSON 中不允许使用 null")
    if switches.value("wechatpay.unknown_fields") == "refused" and (extra := given.keys() - fields.keys()):
        raise e.wrong_value(f"/{min(extra)}", "", "unknown field", "非法的额外参数", 270924358)
    found = _fit(fields, given, "body")
    if any(found.get(name, g.mchid) != g.mchid for name in ("mchid", "sp_mchid")):
        raise Refusal("PARAM_ERROR", e.MCHID_DIFFERS)
    return found


def _has_null(given: Any) -> bool:
    if isinstance(given, dict | list):
        return any(map(_has_null, given.values() if isinstance(given, dict) else given))
    return given is None


def query(fields: Mapping[str, schema.Field]) -> dict[str, Any]:
    """The query string, checked."""
    return _fit(fields, request.args, "query")


def path(fields: Mapping[str, schema.Field]) -> dict[str, Any]:
    """What stands in the path, checked."""
    return _fit(fields, request.view_args or {}, "path")


def _fit(fields: Mapping[str, schema.Field], given: Mapping[str, Any], location: str) -> dict[str, Any]:
    try:
        return schema.read(fields, given, location)
    except schema.Invalid as invalid:
        raise Refusal.of(invalid) from invalid


def opener() -> Callable[[str, str], str]:
    """Opens sealed fields with the key the request names. Raises Refusal when it names none, or one not ours."""
    named = request.headers.get("Wechatpay-Serial", "").upper()
    merchant, mode = mine(), switches.value("wechatpay.mode")
    if not named:
        raise Refusal("PARAM_ERROR", e.SERIAL_MISSING)
    key = account.unsealing_key(merchant, named, mode)
    if key is None:
        raise Refusal("PARAM_ERROR", e.PLATFORM_SERIAL_UNKNOWN)

    def unseal(pointer: str, sealed: str) -> str:
        try:
            return wire.open_rsa(key, sealed)
        except wire.Unreadable as error:
            raise wrong_seal(pointer, str(error)) from error

    return unseal


def wrong_seal(pointer: str, issue: str) -> Refusal:
    return e.wrong_value(pointer, "", issue, e.NOT_SEALED)


def planned(target: str, failures: Mapping[str, Refusal], person: str, *refs: str) -> str | None:
    """The outcome asked for this call. One that is a failure is used up and raised; others are the caller's."""
    found = outcomes.take(target, person, *refs)
    if found and found in failures:
        db.session.commit()
        like = failures[found]
        many = like.code == "FREQUENCY_LIMITED"
        code = switches.value("wechatpay.frequency_code") if many else like.code
        raise Refusal(code, like.message, like.internal, status=like.status)
    return found


def planned_on_read(target: str, failures: Mapping[str, Refusal], person: str, *refs: str) -> None:
    """The same for a call that only reads: the write lock is taken only where something is planned at all."""
    if not outcomes.anything(target):
        return
    with writing():
        planned(target, failures, person, *refs)
