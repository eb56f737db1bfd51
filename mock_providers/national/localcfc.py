"""The credential service's door at an institution: ec.query and its family (nhsa §4.2, §4.3). Plain JSON, no keys.

The driver stands in the institution's own network, so nothing is signed; the space comes from the path or header.
"""

from collections.abc import Callable, Mapping
from typing import Any

from flask import Blueprint, Response, request
from sqlalchemy import String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, mapped_column

from mock_providers import clock, journal, serials, switches
from mock_providers.db import InSpace, Model, db
from mock_providers.national import amounts, credential, setlinfo, wire
from mock_providers.national.credential import BUSINESS, EcToken, ShownCode
from mock_providers.national.person import standing
from mock_providers.people import Person, world

bp = Blueprint("national_localcfc", __name__)
SAYS = {
    "wrong_code": (500159, "请使用医保电子凭证二维码"),
    "body": (500100, "请求报文不是有效的JSON对象"),
    "empty": (500101, "{name}不能为空"),
    "long": (500102, "{name}长度超过限制"),
    "institution": (500103, "机构编码不存在"),
    "business": (500104, "业务类型不正确"),
    "type": (500105, "transType不正确"),
    "stale": (500160, "医保电子凭证二维码已失效，请刷新后重试"),
    "frozen": (500161, "医保电子凭证未激活或已锁定"),
    "nobody": (500162, "未获取到医保电子凭证，请出示后重试"),
    "auth": (500163, "授权编号不存在或已失效"),
    "order": (500164, "业务流水号不存在"),
    "format": (500165, "{name}格式不正确"),
}
CHANNEL = "a1b2c3d4e5f60718293a4b5c6d7e8f90"
switches.declare(
    "national.ec_codes",
    "500159_and_ours",
    ("500159_and_ours",),
    kind="choice",
    source="nhsa §4.2, §6",
    why="only 500159 is public; the other failure codes of the credential service are ours (500100 and following)",
)


class Refusal(Exception):
    """A failure of the credential service."""

    def __init__(self, key: str, **about: str) -> None:
        super().__init__(key)
        self.code, text = SAYS[key]
        self.text = text.format(**about)


class SettleNotice(InSpace, Model):
    """SettleNotify: what an institution told the credential platform of a settlement. Told again: the same row."""

    __tablename__ = "national_settle_notice"
    __table_args__ = (UniqueConstraint("space", "institution", "out_biz_no"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    institution: Mapped[str] = mapped_column(String(40))
    out_biz_no: Mapped[str] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(String(10))
    biz_type: Mapped[str] = mapped_column(String(10))
    total_fen: Mapped[int]


Call = Callable[[Mapping[str, Any], str], dict[str, Any]]
CALLS: dict[str, Call] = {}


def call(trans_type: str) -> Callable[[Call], Call]:
    """Answer this transType."""

    def register(view: Call) -> Call:
        CALLS[trans_type] = view
        return view

    return register


@bp.post("/localcfc/api/hsecfc/localQrCodeQuery")
@bp.post("/fsi/api/hsecfc/localQrCodeQuery")
def local_qr_code_query() -> Response:
    """One address, the transaction in transType."""
    try:
        data = answered(request.get_data())
    except Refusal as refused:
        journal.explain(refused=refused.text)
        db.session.rollback()
        return _sent({"success": False, "code": refused.code, "message": refused.text})
    db.session.commit()
    return _sent({"code": 0, "type": "success", "message": "成功", "data": data})


def answered(body: bytes) -> dict[str, Any]:
    """The data of an answer to a message. Raises Refusal; commits nothing."""
    try:
        message = wire.parse(body)
    except wire.Malformed:
        raise Refusal("body") from None
    if not isinstance(message, dict) or not isinstance(message.get("data"), dict):
        raise Refusal("body")
    run = CALLS.get(str(message.get("transType")))
    if run is None:
        raise Refusal("type")
    data = message["data"]
    institution = _text(data, "orgId", 40) or _text(message, "orgId", 40, needed=True)
    if institution not in world().institutions:
        raise Refusal("institution")
    return run(data, institution)


def _sent(document: dict[str, Any]) -> Response:
    return Response(wire.compact(document), content_type="application/json;charset=UTF-8")


def _text(data: Mapping[str, Any], name: str, at_most: int, needed: bool = False) -> str:
    value = data.get(name)
    if value is None:
        value = ""
    if not isinstance(value, str):
        raise Refusal("format", name=name)
    if needed and not value:
        raise Refusal("empty", name=name)
    if len(value) > at_most:
        raise Refusal("long", name=name)
    return value


def _business(data: Mapping[str, Any]) -> str:
    business = _text(data, "businessType", 5, needed=True)
    if business not in BUSINESS:
        raise Refusal("business")
    return business


def _operator(data: Mapping[str, Any]) -> None:
    for name, at_most in (("operatorId", 64), ("operatorName", 64), ("officeId", 20), ("officeName", 30)):
        _text(data, name, at_most, needed=True)
    _text(data, "deviceType", 30)


@call("ec.query")
def query(data: Mapping[str, Any], institution: str) -> dict[str, Any]:
    """Decode a code the caller scanned, or the one the driver's own scanner is shown."""
    business = _business(data)
    _operator(data)
    scanned = _text(data, "ecQrCode", 64)
    if scanned and not scanned.startswith(("424", "ano")):
        raise Refusal("wrong_code")
    row = _by_code(scanned) if scanned else credential.waiting_at(institution)
    if row is None and not scanned:
        raise Refusal("nobody")
    if row is None or not credential.decodable(row, institution):
        raise Refusal("stale")
    return _decoded(row, institution, business)


def _by_code(code: str) -> ShownCode | None:
    return db.session.scalar(select(ShownCode).where(ShownCode.code == code))


def _decoded(row: ShownCode, institution: str, business: str) -> dict[str, Any]:
    person = world().people[row.person]
    if credential.state_of(person) != "ACTIVE":
        raise Refusal("frozen")
    return _identity(person, credential.decode(row, institution, business), row)


def _identity(person: Person, token: EcToken, row: ShownCode) -> dict[str, Any]:
    return {
        "userName": person.name,
        "idNo": person.id_number,
        "idType": setlinfo.CERT_TYPES[person.id_type],
        "ecToken": token.token,
        "insuOrg": standing(person).area,
        "ecIndexNo": credential.index_of(person),
        "gender": {"male": "1", "female": "2"}[person.gender],
        "birthday": person.born_on.isoformat(),
        "nationality": "01",
        "email": "",
        "chnlId": CHANNEL,
        "ecQrCode": row.code,
        "authNo": row.auth_no or serials.fresh_hex("auth_no", 64),
        "extData": "",
    }


@call("EcAuth")
def ask_face(data: Mapping[str, Any], institution: str) -> dict[str, Any]:
    """The authNo of the face that passed at this terminal under the institution's own number."""
    number = _text(data, "outBizNo", 64, needed=True)
    said = select(ShownCode).where(ShownCode.out_biz_no == number, ShownCode.institution == institution)
    row = db.session.scalars(said.order_by(ShownCode.id.desc()).limit(1)).first()
    if row is None or not credential.decodable(row, institution):
        raise Refusal("nobody")
    return {"outBizNo": number, "authNo": row.auth_no, "ecQrCode": row.code}


@call("AuthCheck")
def check_auth(data: Mapping[str, Any], institution: str) -> dict[str, Any]:
    """An authNo becomes identity and ecToken, once."""
    number = _text(data, "authNo", 64, needed=True)
    row = db.session.scalar(select(ShownCode).where(ShownCode.auth_no == number))
    if row is None or not credential.decodable(row, institution):
        raise Refusal("auth")
    return _decoded(row, institution, _text(data, "businessType", 5) or "01301")


@call("iot.gain.ec.qrcode")
def gain(data: Mapping[str, Any], institution: str) -> dict[str, Any]:
    """What a terminal of this institution is being shown: a code (MOBILE), a face (FACE), or whichever (ALL)."""
    way = _text(data, "gainWay", 10) or "ALL"
    if way not in ("ALL", "MOBILE", "FACE"):
        raise Refusal("format", name="gainWay")
    row = credential.waiting_at(institution)
    if row is None or (way != "ALL" and (way == "FACE") != row.code.startswith("ano")):
        raise Refusal("nobody")
    return {"ecQrCode": row.code, "outBizNo": _text(data, "outBizNo", 64)}


MONEY = (
    *("totalFee", "ownAmt", "hifAmt", "acctAmt", "hifpAmt", "hifmiAmt", "cvlservAmt", "maAmt"),
    *("hosPreAmt", "medOverLmtAmt", "mafAmt", "cvlservDedcAmt", "balance"),
)


@call("SettleNotify")
def settled(data: Mapping[str, Any], institution: str) -> dict[str, Any]:
    """The credential platform hears how a settlement ended; hearing it again changes nothing."""
    number = _text(data, "outBizNo", 64, needed=True)
    state, kind = _text(data, "medicalSettleState", 10, needed=True), _text(data, "bizType", 10, needed=True)
    if state not in ("SUCCESS", "FAIL"):
        raise Refusal("format", name="medicalSettleState")
    if kind not in ("register", "settle"):
        raise Refusal("format", name="bizType")
    fees = {name: _fen(data, name) for name in MONEY}
    known = select(SettleNotice).where(SettleNotice.institution == institution, SettleNotice.out_biz_no == number)
    if db.session.scalar(known) is None:
        row = SettleNotice(institution=institution, out_biz_no=number, state=state, biz_type=kind)
        row.total_fen = fees["totalFee"]
        db.session.add(row)
    return {"outBizNo": number, "notifyTime": clock.now().strftime("%Y-%m-%d %H:%M:%S")}


def _fen(data: Mapping[str, Any], name: str) -> int:
    value = data.get(name)
    try:
        return 0 if value in (None, "") else amounts.fen(value)
    except ValueError:
        raise Refusal("format", name=name) from None
