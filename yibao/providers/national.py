"""The national platform: the institutions' gateway (1101 …), the mobile payment centre (6201 …) and its notice.

Yuan stays on this wire: everything given back is fen. Every call raises Unreachable (what happened is unknown) or
VendorRefused; its `code` is one of REASONS where the platform's words are known, else the platform's own code.
"""

import hashlib
import itertools
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from flask import current_app

from yibao import clock
from yibao.db import current_space
from yibao.money import fen, yuan
from yibao.providers import sealed
from yibao.providers.http import Answer, Unreachable, Untrusted, VendorRefused, send

CENTRE_VERSION = "2.0.1"
PRESCRIPTION_VERSION = "1.0.0"
PRESCRIPTION_PATH = "/fixmedins/hospRxDetlQuery"
IDENTITY_CARD, OTHER_DOCUMENT = "02", "99"
CERT_TYPES = {"id_card": "01", "hk_permit": "04", "tw_permit": "06", "passport": "08", "birth_certificate": "99"}
PHARMACY_PURCHASE = "41"
BY_ITEM = "01"
INSTITUTION_TYPES = {"hospital": "1", "pharmacy": "2"}
SERIALS = itertools.count(secrets.randbelow(10_000))

# The platform has words, not codes, for its reasons (nhsa §6: "match by substring").
REASONS = {
    "基本信息为空": "UNKNOWN_PERSON",
    "参保信息为空": "NOT_INSURED",
    "死亡": "DECEASED",
    "尚未同步": "NOT_SYNCED",
    "机构编码不存在": "UNKNOWN_INSTITUTION",
    "不是定点医药机构": "UNKNOWN_INSTITUTION",
    "服务协议已暂停": "CONTRACT_SUSPENDED",
    "不属于医保支付范围": "ITEM_FORBIDDEN",
    "追溯码未上传": "TRACE_MISSING",
    "追溯码已被使用": "TRACE_USED",
    "处方药未上传处方号": "RX_REQUIRED",
    "未查询到处方": "RX_NOT_FOUND",
    "处方与就诊人不一致": "RX_PATIENT_MISMATCH",
    "处方已使用": "RX_USED",
    "处方已失效": "RX_EXPIRED",
    "药品与处方不一致": "RX_ITEM_MISMATCH",
    "双通道药品须使用电子处方": "RX_PAPER_NOT_ALLOWED",
    "个人账户正被": "ACCT_LOCKED",
    "共济授权已暂停": "MA_PAUSED",
    "年度支付限额已变化": "FUND_CAP",
    "凭证授权已失效": "AUTHORISATION_INVALID",
    "PAY_AUTH_NO": "AUTHORISATION_INVALID",
}


@dataclass(frozen=True)
class Insurance:
    """One scheme of a person. `status`: 1 normal, 2 suspended, 4 terminated, 0 not insured."""

    kind: str
    person_type: str
    status: str
    area: str
    balance_fen: int
    paused_on: str = ""


@dataclass(frozen=True)
class Person:
    """Who the platform says somebody is. `insurances`: the scheme in force first; the mother only of a newborn."""

    psn_no: str
    name: str
    id_type: str
    id_number: str
    gender: str = ""
    born_on: date | None = None
    insurances: tuple[Insurance, ...] = ()
    mother_id_number: str = ""

    @property
    def insurance(self) -> Insurance | None:
        return self.insurances[0] if self.insurances else None


@dataclass(frozen=True)
class Institution:
    code: str
    name: str
    kind: str
    level: str
    raw: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Line:
    """One line of a bill. `serial` is unique at the institution; `list_code` is the national catalogue's."""

    serial: str
    list_code: str
    own_code: str
    name: str
    quantity: int
    price_fen: int
    prescription_no: str = ""
    trace_codes: tuple[str, ...] = ()

    @property
    def amount_fen(self) -> int:
        return self.quantity * self.price_fen


@dataclass(frozen=True)
class Split:
    """Who pays how much of a bill. pooled + own + mutual + cash = total was checked where it was received."""

    total_fen: int
    pooled_fen: int
    own_fen: int
    mutual_fen: int
    cash_fen: int
    balance_after_fen: int = 0
    visit_no: str = ""
    raw: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class OrderState:
    """An order at the payment centre. `split` is None while the platform does not say any amounts."""

    pay_order_id: str
    status: str
    order_no: str
    split: Split | None
    reverse_token: str = ""
    raw: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Refund:
    """`status`: SUCC, FAIL or EXP."""

    serial: str
    status: str
    raw: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class SettlementNotice:
    """A verified 6302. `id` is the same in every repeat (payOrdId and callType)."""

    id: str
    order: OrderState
    call_type: str


# the gateway


def person(name: str, id_type: str, id_number: str) -> Person:
    """1101: who has this document. VendorRefused UNKNOWN_PERSON, NOT_INSURED, DECEASED … if nobody."""
    is_card = id_type == "id_card"
    data = {
        "mdtrt_cert_type": IDENTITY_CARD if is_card else OTHER_DOCUMENT,
        "mdtrt_cert_no": id_number,
        "psn_cert_type": CERT_TYPES[id_type],
        "certno": id_number,
        "psn_name": name,
    }
    output = _gateway("1101", {"data": data})
    base = output.get("baseinfo") or {}
    if not base.get("psn_no"):
        raise Unreachable("1101 answered without baseinfo")
    rows = [_insurance(row) for row in output.get("insuinfo") or []]
    return Person(
        psn_no=str(base["psn_no"]),
        name=str(base.get("psn_name", "")),
        id_type=id_type,
        id_number=str(base.get("certno", "")).upper(),
        gender={"1": "male", "2": "female"}.get(str(base.get("gend", "")), ""),
        born_on=_day(base.get("brdy")),
        insurances=tuple(sorted(rows, key=lambda row: row.status != "1")),
        mother_id_number=_mother(base.get("exp_content")),
    )


def _mother(extension: Any) -> str:
    """The mother's ID number a birth certificate names, where the region puts it into `exp_content`."""
    try:
        told = json.loads(extension)
    except (TypeError, ValueError):
        return ""
    return str(told.get("mother_certno") or "").upper() if isinstance(told, dict) else ""


def institution(code: str) -> Institution:
    """1201: a designated institution by its code. VendorRefused UNKNOWN_INSTITUTION if there is none."""
    output = _gateway("1201", {"medinsinfo": {"fixmedins_type": _kind_of(code), "fixmedins_code": code}})
    for row in output.get("medinsinfo") or []:
        if row.get("fixmedins_code") == code:
            return _institution(row)
    raise VendorRefused("national", "UNKNOWN_INSTITUTION", "not a designated institution")


def institutions(kind: str) -> list[Institution]:
    """1201 without a code: every designated hospital or pharmacy."""
    output = _gateway("1201", {"medinsinfo": {"fixmedins_type": INSTITUTION_TYPES[kind]}})
    return sorted((_institution(row) for row in output.get("medinsinfo") or []), key=lambda found: found.code)


def catalogue_page(page: int, size: int, on: date, name: str = "", code: str = "") -> dict[str, Any]:
    """1312: a page of the insurance catalogue: {"data": [...], "recordCounts": …} as the platform gives it."""
    data = {
        "query_date": on.isoformat(),
        "hilist_code": code,
        "hilist_name": name,
        "updt_time": f"{on.isoformat()} 00:00:00",
        "page_num": page,
        "page_size": size,
    }
    return _gateway("1312", {"data": data})


def preview(
    patient: Person,
    institution_code: str,
    lines: Sequence[Line],
    at: datetime,
    use_account: bool = True,
    visit_kind: str = PHARMACY_PURCHASE,
) -> Split:
    """2101: what each side would pay. Nothing is booked. VendorRefused SPLIT_MISMATCH if it does not add up."""
    insurance = _insured(patient)
    moment = at.strftime("%Y-%m-%d %H:%M:%S")
    bill = {
        "psn_no": patient.psn_no,
        "mdtrt_cert_type": IDENTITY_CARD if patient.id_type == "id_card" else OTHER_DOCUMENT,
        "mdtrt_cert_no": patient.id_number,
        "begntime": moment,
        "medfee_sumamt": yuan(sum(line.amount_fen for line in lines)),
        "insutype": insurance.kind,
        "acct_used_flag": "1" if use_account else "0",
        "med_type": visit_kind,
    }
    detail = [_gateway_line(line, moment) for line in lines]
    output = _gateway("2101", {"druginfo": bill, "drugdetail": detail}, institution_code, insurance.area)
    return _split(output.get("setlinfo") or {})


# the mobile payment centre


def upload_fees(
    patient: Person,
    institution_code: str,
    order_no: str,
    pay_auth_no: str,
    lines: Sequence[Line],
    at: datetime,
    visit_no: str,
    visit_kind: str = PHARMACY_PURCHASE,
    location: str = "",
) -> tuple[str, str]:
    """6201: put the bill there. Gives (payOrdId, payToken). `order_no` (≤ 20) is unique and names it ever after."""
    insurance = _insured(patient)
    moment = at.strftime("%Y-%m-%d %H:%M:%S")
    with_prescription = any(line.prescription_no for line in lines)
    data = {
        "orgCodg": institution_code,
        "psnNo": patient.psn_no,
        "insutype": insurance.kind,
        "insuCode": insurance.area,
        "medOrgOrd": order_no,
        "initRxOrd": next((line.prescription_no for line in lines if line.prescription_no), ""),
        "rxCircFlag": "1" if with_prescription else "0",
        "begntime": moment,
        "idNo": patient.id_number,
        "userName": patient.name,
        "idType": CERT_TYPES[patient.id_type],
        "payAuthNo": pay_auth_no,
        "iptOtpNo": order_no,
        "deptCode": "01",
        "deptName": "药房",
        "caty": "A99",
        "mdtrtId": visit_no or order_no,
        "medType": visit_kind,
        "feeType": "01",
        "medfeeSumamt": yuan(sum(line.amount_fen for line in lines)),
        "acctUsedFlag": "1",
        "psnSetlway": BY_ITEM,
        "chrgBchno": order_no,
        "pubHospRfomFlag": "0",
        "uldLatlnt": location,
        "feedetailList": [_centre_line(line, patient, order_no, moment) for line in lines],
    }
    answer = _centre("/org/local/api/hos/uldFeeInfo", data)
    return _text(answer, "payOrdId"), _text(answer, "payToken")


def place_payment(
    pay_auth_no: str,
    pay_order_id: str,
    pay_token: str,
    institution_code: str,
    order_no: str,
    patient: Person,
    visit_no: str = "",
) -> OrderState:
    """6202: let the centre work out the split. Nothing is debited yet."""
    insurance = _insured(patient)
    data = {
        "payAuthNo": pay_auth_no,
        "payOrdId": pay_order_id,
        "payToken": pay_token,
        "orgCodg": institution_code,
        "orgBizSer": order_no,
        "chrgBchno": order_no,
        "feeType": "01",
        "mdtrtId": visit_no,
        "acctUsedFlag": "1",
        "insuCode": insurance.area,
    }
    return _order(_centre("/org/local/api/hos/pay_order", data))


def refund(
    pay_order_id: str, refund_no: str, at: datetime, split: Split, pay_auth_no: str, kind: str = "ALL"
) -> Refund:
    """6203: give the insurance money back. ALL wants the original parts; HI leaves the cash alone."""
    cash_fen = 0 if kind == "HI" else split.cash_fen
    account_fen, pooled_fen = split.own_fen + split.mutual_fen, split.pooled_fen
    data = {
        "payOrdId": pay_order_id,
        "appRefdSn": refund_no,
        "appRefdTime": at.strftime("%Y%m%d%H%M%S"),
        "totlRefdAmt": yuan(account_fen + pooled_fen + cash_fen),
        "psnAcctRefdAmt": yuan(account_fen),
        "fundRefdAmt": yuan(pooled_fen),
        "cashRefdAmt": yuan(cash_fen),
        "payAuthNo": pay_auth_no,
        "refdType": kind,
    }
    answer = _centre("/org/local/api/hos/refund_Order", data)
    return Refund(str(answer.get("refdSn", "")), _text(answer, "refStatus"), answer)


def order_state(pay_order_id: str, pay_token: str, institution_code: str, patient: Person) -> OrderState:
    """6301: how far the order is."""
    data = _about_order(pay_order_id, pay_token, institution_code, patient)
    return _order(_centre("/org/local/api/hos/query_order_info", data))


def revoke(pay_order_id: str, pay_token: str, institution_code: str, patient: Person) -> None:
    """6401: take an unpaid upload back."""
    data = _about_order(pay_order_id, pay_token, institution_code, patient)
    answer = _centre("/org/local/api/hos/revoke_order", data)
    if answer.get("success") not in (True, "true"):
        raise VendorRefused("payment centre", "NOT_REVOKED", str(answer.get("message", "")))


def prescription(number: str, institution_code: str, patient: Person) -> dict[str, Any]:
    """D005: an electronic prescription as its centre has it. VendorRefused if there is none for this person."""
    data = {
        "hiRxno": number,
        "fixmedinsCode": institution_code,
        "psnName": patient.name,
        "psnCertType": CERT_TYPES[patient.id_type],
        "certno": patient.id_number,
    }
    return _centre(PRESCRIPTION_PATH, data, PRESCRIPTION_VERSION)


def read_settlement_notice(raw_body: bytes) -> SettlementNotice:
    """6302: open and verify the sealed notice. Raises Untrusted."""
    try:
        message = json.loads(raw_body, parse_float=sealed.Number)
    except ValueError as error:
        raise Untrusted("the notice is not JSON") from error
    if not isinstance(message, dict):
        raise Untrusted("the notice is not an object")
    data = sealed.unseal(message, _account()["mip"])
    try:
        order = _order(data)
    except (VendorRefused, Unreachable) as error:
        raise Untrusted(f"the notice makes no sense: {error}") from error
    call_type = str(data.get("callType", ""))
    return SettlementNotice(f"{order.pay_order_id}:{call_type}", order, call_type)


# the wire of the gateway


def _account() -> Mapping[str, Any]:
    return current_app.config["SETTINGS"].vendor(current_space(), "national")


def gateway_signature(timestamp: str, secret: str, nonce: str) -> str:
    """SHA-256 of the four joined; the body is not covered."""
    return hashlib.sha256(f"{timestamp}{secret}{nonce}{timestamp}".encode()).hexdigest()


def _gateway(infno: str, content: Mapping[str, Any], institution_code: str = "", area: str = "") -> dict[str, Any]:
    account = _account()
    code = institution_code or account["fixmedins_code"]
    stamp, nonce = str(clock.wall_unix()), secrets.token_hex(16)
    envelope = {
        "infno": infno,
        "msgid": message_id(code),
        "mdtrtarea_admvs": code[1:7],
        "insuplc_admdvs": area,
        "recer_sys_code": account.get("recer_sys_code", "FSI_LOCAL"),
        "dev_no": "",
        "dev_safe_info": "",
        "cainfo": "",
        "signtype": "",
        "infver": "V1.0",
        "opter_type": "3",
        "opter": "yibao",
        "opter_name": "小程序",
        "inf_time": clock.now().strftime("%Y-%m-%d %H:%M:%S"),
        "fixmedins_code": code,
        "fixmedins_name": account.get("fixmedins_name", "海南医保小程序"),
        "sign_no": "",
        "input": content,
    }
    headers = {
        "Content-Type": "application/json",
        "x-tif-paasid": account["paas_id"],
        "x-tif-timestamp": stamp,
        "x-tif-nonce": nonce,
        "x-tif-signature": gateway_signature(stamp, account["secret"], nonce),
    }
    url = account["gateway_url"]
    body = json.dumps(envelope, ensure_ascii=False).encode()
    answer = _json(send("POST", url, base_url=url, headers=headers, body=body))
    if str(answer.get("infcode")) != "0":
        message = str(answer.get("err_msg") or "")
        if "infcode" not in answer:
            raise Unreachable(f"{infno} answered without infcode")
        raise VendorRefused("national", reason_of(message) or str(answer["infcode"]), message)
    output = answer.get("output")
    if not isinstance(output, dict):
        raise Unreachable(f"{infno} answered without output")
    return output


def message_id(institution_code: str) -> str:
    """Institution code (12), wall time (14), serial (4): unique for as long as anybody keeps it."""
    moment = datetime.fromtimestamp(clock.wall_unix(), clock.CHINA)
    return f"{institution_code}{moment:%Y%m%d%H%M%S}{next(SERIALS) % 10_000:04d}"


def reason_of(message: str) -> str:
    return next((code for words, code in REASONS.items() if words in message), "")


def _insurance(row: Mapping[str, Any]) -> Insurance:
    return Insurance(
        kind=str(row.get("insutype", "")),
        person_type=str(row.get("psn_type", "")),
        status=str(row.get("psn_insu_stas") or ""),
        area=str(row.get("insuplc_admdvs", "")),
        balance_fen=_fen(row, "balc"),
        paused_on=str(row.get("paus_insu_date") or ""),
    )


def _institution(row: Mapping[str, Any]) -> Institution:
    kinds = {number: kind for kind, number in INSTITUTION_TYPES.items()}
    return Institution(
        code=str(row.get("fixmedins_code", "")),
        name=str(row.get("fixmedins_name", "")),
        kind=kinds.get(str(row.get("fixmedins_type")), "other"),
        level=str(row.get("hosp_lv") or ""),
        raw=dict(row),
    )


def _insured(patient: Person) -> Insurance:
    if patient.insurance is None:
        raise VendorRefused("national", "NOT_INSURED", "the person has no insurance")
    return patient.insurance


def _gateway_line(line: Line, moment: str) -> dict[str, Any]:
    return {
        "feedetl_sn": line.serial,
        "rxno": line.prescription_no,
        "rx_circ_flag": "1" if line.prescription_no else "0",
        "fee_ocur_time": moment,
        "med_list_codg": line.list_code,
        "medins_list_codg": line.own_code,
        "det_item_fee_sumamt": yuan(line.amount_fen),
        "cnt": str(line.quantity),
        "pric": yuan(line.price_fen),
        "drugtracinfo": [{"drug_trac_codg": code} for code in line.trace_codes],
    }


def _split(info: Mapping[str, Any]) -> Split:
    """`setlinfo` as fen. Every identity of nhsa §2.5 that concerns money is held against it."""
    total, pooled = _fen(info, "medfee_sumamt"), _fen(info, "fund_pay_sumamt")
    account, mutual = _fen(info, "acct_pay"), _fen(info, "acct_mulaid_pay")
    cash, part = _fen(info, "psn_cash_pay"), _fen(info, "psn_part_amt")
    classes = ("fulamt_ownpay_amt", "overlmt_selfpay", "preselfpay_amt", "inscp_scp_amt")
    holds = (
        total == sum(_fen(info, name) for name in classes)
        and total == pooled + part + _fen(info, "hosp_part_amt")
        and part == account + cash
        and total == pooled + account + cash
        and 0 <= mutual <= account
        and min(total, pooled, cash) >= 0
    )
    if not holds or total == 0:
        raise VendorRefused("national", "SPLIT_MISMATCH", "the parts of the settlement do not add up")
    return Split(
        total_fen=total,
        pooled_fen=pooled,
        own_fen=account - mutual,
        mutual_fen=mutual,
        cash_fen=cash,
        balance_after_fen=_fen(info, "balc"),
        visit_no=str(info.get("mdtrt_id") or ""),
        raw=dict(info),
    )


def _fen(row: Mapping[str, Any], name: str) -> int:
    """An amount that may be a number, a text, or missing (0)."""
    value = row.get(name)
    if value is None or value == "":
        return 0
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        raise Unreachable(f"{name} is not an amount")
    try:
        return fen(value)
    except ValueError as error:
        raise Unreachable(f"{name}: {error}") from error


def _day(value: Any) -> date | None:
    try:
        return date.fromisoformat(str(value)[:10])
    except ValueError:
        return None


def _kind_of(code: str) -> str:
    """Institution codes begin with H (hospital-type) or P (pharmacy)."""
    return "2" if code.startswith("P") else "1"


# the wire of the payment centre


def _centre(path: str, data: Mapping[str, Any], version: str = CENTRE_VERSION) -> dict[str, Any]:
    """One sealed call; the answer's seal is broken only after its signature was verified."""
    mip = _account()["mip"]
    base_url = mip["base_url"].rstrip("/")
    message = sealed.seal(data, mip, str(clock.wall_unix() * 1000), version)
    body = json.dumps(message, ensure_ascii=False).encode()
    headers = {"Content-Type": "application/json"}
    answer = _json(send("POST", base_url + path, base_url=base_url, headers=headers, body=body))
    if str(answer.get("code")) != "0" or answer.get("success") in (False, "false"):
        words = str(answer.get("message") or "")
        raise VendorRefused("payment centre", reason_of(words) or str(answer.get("code", "")), words)
    try:
        return sealed.unseal(answer, mip)
    except Untrusted as error:
        raise Unreachable(f"the answer is not to be trusted: {error}") from error


def _about_order(pay_order_id: str, pay_token: str, institution_code: str, patient: Person) -> dict[str, Any]:
    return {
        "payOrdId": pay_order_id,
        "orgCodg": institution_code,
        "payToken": pay_token,
        "idNo": patient.id_number,
        "userName": patient.name,
        "idType": CERT_TYPES[patient.id_type],
    }


def _centre_line(line: Line, patient: Person, order_no: str, moment: str) -> dict[str, Any]:
    return {
        "feedetlSn": line.serial,
        "psnNo": patient.psn_no,
        "chrgBchno": order_no,
        "rxno": line.prescription_no,
        "rxCircFlag": "1" if line.prescription_no else "0",
        "feeOcurTime": moment,
        "medListCodg": line.list_code,
        "medinsListCodg": line.own_code,
        "medListName": line.name,
        "detItemFeeSumamt": yuan(line.amount_fen),
        "cnt": str(line.quantity),
        "pric": yuan(line.price_fen),
        "extData": {"drugtracinfo": [{"drugTracCodg": code} for code in line.trace_codes]},
    }


def _order(data: Mapping[str, Any]) -> OrderState:
    """An order in the words of 6202, 6301 or 6302. VendorRefused SPLIT_MISMATCH if its amounts do not add up."""
    pay_order_id = _text(data, "payOrdId")
    split = None
    if data.get("feeSumamt") not in (None, ""):
        cash = _fen(data, "ownPayAmt") if "ownPayAmt" in data else _fen(data, "ownpayAmt")
        account, mutual = _fen(data, "psnAcctPay"), _fen(data, "acctMulaidPay")
        split = Split(
            total_fen=_fen(data, "feeSumamt"),
            pooled_fen=_fen(data, "fundPay") + _fen(data, "othFeeAmt"),
            own_fen=account - mutual,
            mutual_fen=mutual,
            cash_fen=cash,
            raw=dict(data),
        )
        if split.total_fen != split.pooled_fen + account + cash or min(split.own_fen, mutual, cash) < 0:
            raise VendorRefused("payment centre", "SPLIT_MISMATCH", "the parts of the order do not add up")
    return OrderState(
        pay_order_id=pay_order_id,
        status=str(data.get("ordStas", "")),
        order_no=str(data.get("medOrgOrd", "")),
        split=split,
        reverse_token=str(data.get("revsToken") or ""),
        raw=dict(data),
    )


def _text(data: Mapping[str, Any], name: str) -> str:
    if not isinstance(data.get(name), str) or not data[name]:
        raise Unreachable(f"the payment centre answered without {name}")
    return data[name]


def _json(answer: Answer) -> dict[str, Any]:
    if answer.status >= 500:
        raise Unreachable(f"HTTP {answer.status}")
    try:
        parsed = json.loads(answer.body, parse_float=sealed.Number)
    except ValueError as error:
        raise Unreachable(f"HTTP {answer.status}, and the answer is not JSON") from error
    if not isinstance(parsed, dict):
        raise Unreachable("the answer is not a JSON object")
    return parsed
