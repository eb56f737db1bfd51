"""The institutions' gateway: one address that dispatches on `infno`, its headers, its envelope (sheet §1).

Rule of the file: bytes are verified before they are parsed; a refusal rolls back what the transaction did, but a
nonce once shown stays used.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Blueprint, Response, g, request
from flask.blueprints import BlueprintSetupState
from sqlalchemy import select
from werkzeug.routing import BaseConverter

from mock_providers import clock, journal, outcomes, serials, switches
from mock_providers.db import db
from mock_providers.national import amounts, fields, policy, services, wire
from mock_providers.national.headers import Unsigned, authenticate
from mock_providers.national.models import GatewayMessage, SignIn
from mock_providers.national.texts import TEXTS, Refused
from mock_providers.people import Person, world

bp = Blueprint("gateway", __name__)
PATH = "/fsi/gateway"
ENVELOPE = fields.table("""
infno C6 Y
msgid C30 Y
mdtrtarea_admvs C6 Y
insuplc_admdvs C6
recer_sys_code C10 Y
dev_no C100
dev_safe_info C2000
cainfo C1024
signtype C10
infver C6 Y
opter_type C3 Y opter_type
opter C30 Y
opter_name C50 Y
inf_time DT Y
fixmedins_code C30 Y
fixmedins_name C200 Y
sign_no C30
fixmedins_soft_fcty C200
enc_type C10
""")
MSGID = re.compile(r"[A-Z][0-9]{11}[0-9]{14}[0-9]{4}")
FATES = ("system_busy", "timeout", "unavailable")


class Infno(BaseConverter):
    """A transaction number at the end of a path."""

    regex = r"\d{4}[A-Z]?"


@bp.record
def _know_numbers(state: BlueprintSetupState) -> None:
    state.app.url_map.converters["infno"] = Infno


def _choice(name: str, choices: tuple[str, ...], source: str, why: str) -> None:
    switches.declare(f"national.{name}", choices[0], choices, kind="choice", source=source, why=why)


_choice("infcode_type", ("number", "string"), "nhsa §1.2", "infcode as a JSON number, or as text like Powersi")
_choice("success_err_msg", ("null", "empty", "success"), "nhsa §1.2", "what err_msg holds when nothing is wrong")
_choice(
    "sign_no",
    ("optional", "required"),
    "nhsa §1.1",
    "most regions want the 9001 number everywhere; optional: may be empty, but one that is shown must be good",
)
_choice(
    "sign_no_operator",
    ("own", "any"),
    "nhsa §1.6 rule 1",
    "a 9001 number serves the operator who signed in, or whoever stands at the counter",
)
_choice(
    "msgid_warning",
    ("on", "off"),
    "nhsa §1.1",
    "a msgid that is not institution, time and serial is taken, with a hint in warn_msg",
)
switches.declare(
    "national.input_limit",
    "off",
    ("off", "40000"),
    kind="relaxation",
    source="nhsa §1.1",
    why="input holds up to 40 000 characters; two hundred lines are more, and regions take them",
)


@dataclass(frozen=True)
class Call:
    """One transaction, its envelope checked."""

    infno: str
    msgid: str
    envelope: Mapping[str, str]
    input: Mapping[str, Any]
    received_at: datetime


Transaction = Callable[[Call], Any]  # output: an object, None, the array of 5204, or the stream of 9102
TRANSACTIONS: dict[str, Transaction] = {}
SERVICES: dict[str, str] = dict(services.SERVICES)


def transaction(infno: str, service: str = "") -> Callable[[Transaction], Transaction]:
    """Register what a number does, and a service path of its own if services.py has none.

    It can be told to fail: `system_busy`, `unavailable` (HTTP 503, nothing done), `timeout` (done, then HTTP 504).
    """
    outcomes.declare(f"national.{infno}", *FATES)

    def register(does: Transaction) -> Transaction:
        TRANSACTIONS[infno] = does
        if service:
            SERVICES[service] = infno
        return does

    return register


@bp.post("")
@bp.post("/")
@bp.post(PATH)
@bp.post("/mbs-fsi/web/api/fsi/callService")
@bp.post("/hss-call-service-interface")
@bp.post("/<infno:number>")
@bp.post("/fsi/<infno:number>")
@bp.post("/fsi/api/<infno:number>")
@bp.post(PATH + "/<infno:number>")
@bp.post("/fsi/api/<path:service>")
def call(number: str = "", service: str = "") -> Response:
    """Any transaction. The path may name one; then the body must agree."""
    received_at = clock.now()
    body = request.get_data()
    try:
        authenticate(request.headers, body)
    except Unsigned as error:
        journal.explain(verdict=str(error))
        return _short("SIM-SIGNATURE", 401)
    try:
        envelope = wire.parse(body)
    except wire.Malformed:
        envelope = None
    if not isinstance(envelope, dict):
        return _short("SIM-BODY")
    named = number or SERVICES.get(service, "unknown" if service else "")
    return _answer(envelope, named, received_at)


def withhold(number: str) -> None:
    """Keep a number that may be a real person's out of the journal."""
    before = g.get("journal_body", request.get_data())
    kept = re.sub(re.escape(number.encode()), b"*" * len(number), before, flags=re.IGNORECASE)
    g.journal_body = b"" if kept == before and number.encode() not in request.get_data().upper() else kept


def _answer(envelope: dict[str, Any], named: str, received_at: datetime) -> Response:
    planned = _planned(envelope)
    inside = db.session.begin_nested()
    try:
        infno = fields.text(envelope, "infno", 6, needed=True)
        if infno not in TRANSACTIONS or named == "unknown":
            inside.rollback()
            return _short("UNKNOWN_INFNO")
        if named and named != infno:
            raise Refused("SIM-PATH")
        if planned == "unavailable":
            inside.rollback()
            return _short("SIM-UNAVAILABLE", 503)
        if planned == "system_busy":
            raise Refused("SIM-SYSTEM")
        asked = _read(infno, envelope, received_at)
        output = TRANSACTIONS[infno](asked)
        db.session.add(GatewayMessage(msgid=asked.msgid, infno=infno))
        inside.commit()
        if planned == "timeout":
            return _short("SIM-TIMEOUT", 504)
        if isinstance(output, Response):
            db.session.commit()
            return output
        return _reply(received_at, output, warning=_warning(asked.msgid))
    except Refused as refused:
        inside.rollback()
        journal.explain(refused=refused.key, text=refused.text)
        return _reply(received_at, None, refused)


def _read(infno: str, envelope: Mapping[str, Any], received_at: datetime) -> Call:
    fields.check(envelope, ENVELOPE)
    found = {field.name: fields.text(envelope, field.name, field.size) for field in ENVELOPE}
    for name in ("mdtrtarea_admvs", "insuplc_admdvs"):
        if found[name] and not (found[name].isdecimal() and len(found[name]) == 6):
            raise Refused("SIM-FORMAT", name=fields.name_of(name))
    content = fields.node(envelope, "input")
    limit = switches.value("national.input_limit")
    if limit != "off" and len(wire.compact(content)) > int(limit):
        raise Refused("SIM-LEN", name=fields.name_of("input"))
    if found["fixmedins_code"] not in world().institutions:
        raise Refused("SIM-INST")
    if db.session.scalar(select(GatewayMessage.id).where(GatewayMessage.msgid == found["msgid"])):
        raise Refused("SIM-DUPMSG")
    if infno not in ("9001", "9002"):
        check_sign_no(found["sign_no"], received_at, found["opter"])
    return Call(infno, found["msgid"], found, content, received_at)


def check_sign_no(shown: str, now: datetime, operator: str) -> None:
    """A 9001 number is good for its operator until 9002 or the end of its day. Raises Refused SIM-SIGN."""
    if not shown:
        if switches.value("national.sign_no") == "required":
            raise Refused("SIM-SIGN")
        return
    row = db.session.scalar(select(SignIn).where(SignIn.sign_no == shown))
    if row is None or row.ended_at or row.at.date() != now.date():
        raise Refused("SIM-SIGN")
    if row.opter_no != operator and switches.value("national.sign_no_operator") == "own":
        raise Refused("SIM-SIGN")


def _warning(msgid: str) -> str | None:
    """What is odd about a msgid that is taken all the same."""
    odd = switches.on("national.msgid_warning") and not MSGID.fullmatch(msgid)
    return TEXTS["SIM-MSGID"] if odd else None


def _planned(envelope: Mapping[str, Any]) -> str | None:
    """The result somebody asked for; used up even though the transaction is then refused."""
    infno, content = envelope.get("infno"), envelope.get("input")
    if not isinstance(infno, str) or infno not in TRANSACTIONS or not isinstance(content, Mapping):
        return None
    person = _person_in(content)
    return outcomes.take(f"national.{infno}", person.id if person else "", str(envelope.get("msgid"))[:64])


def _person_in(content: Mapping[str, Any]) -> Person | None:
    """Whom a transaction is about, for planned outcomes."""
    for given in content.values():
        node = given[0] if isinstance(given, list) and given else given
        if isinstance(node, Mapping):
            for name in ("psn_no", "certno", "mdtrt_cert_no"):
                number = str(node.get(name) or "").upper()
                if found := world().by_psn_no.get(number) or world().by_number.get(number):
                    return found
    return None


def _infcode(number: int) -> int | str:
    return str(number) if switches.value("national.infcode_type") == "string" else number


def _reply(
    received_at: datetime, output: Any, refused: Refused | None = None, warning: str | None = None
) -> Response:
    """The full answer of §1.2; HTTP 200 also for a refusal."""
    fine = {"null": None, "empty": "", "success": "success"}[switches.value("national.success_err_msg")]
    region = policy.in_force(received_at.date()).region
    document = {
        "infcode": _infcode(-1 if refused else 0),
        "inf_refmsgid": f"{region}{received_at:%Y%m%d%H%M%S}{serials.number('inf_refmsgid'):010d}",
        "refmsg_time": _stamp(received_at),
        "respond_time": _stamp(max(clock.now(), received_at)),
        "enctype": None,
        "signtype": None,
        "cainfo": None,
        "warn_msg": warning,
        "err_msg": refused.text[:200] if refused else fine,
        "output": None if refused else output or {},
    }
    return _sent(document, 200)


def _short(key: str, status: int = 200) -> Response:
    """What the gateway itself refuses has no time fields."""
    text = TEXTS[key].format(serial=serials.number("gateway_refusal"))
    return _sent({"type": "error", "infcode": -1, "err_msg": text}, status)


def _sent(document: dict[str, Any], status: int) -> Response:
    db.session.commit()
    return Response(amounts.dumps(document), status, content_type="application/json;charset=UTF-8")


def _stamp(moment: datetime) -> str:
    """yyyyMMddHHmmssSSS"""
    return f"{moment:%Y%m%d%H%M%S}{moment.microsecond // 1000:03d}"
