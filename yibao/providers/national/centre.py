"""The mobile payment centre (6201 upload, 6202 order, 6203 refund, 6301, 6401), its notice (6302), and D005."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from yibao import clock
from yibao.money import yuan
from yibao.providers import sealed
from yibao.providers.http import Unreachable, Untrusted, VendorRefused, send
from yibao.providers.national.facts import (
    CERT_TYPES,
    PHARMACY_PURCHASE,
    Line,
    OrderState,
    Person,
    Refund,
    SettlementNotice,
    Split,
    amount,
    credentials,
    insured,
    parsed,
    reason_of,
    text,
)

CENTRE_VERSION = "2.0.1"
SKEW_SECONDS = 300  # no window is published; WeChat Pay's
PRESCRIPTION_VERSION = "1.0.0"
PRESCRIPTION_PATH = "/fixmedins/hospRxDetlQuery"
BY_ITEM = "01"


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
    insurance = insured(patient)
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
    answer = call("/org/local/api/hos/uldFeeInfo", data)
    return text(answer, "payOrdId"), text(answer, "payToken")


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
    insurance = insured(patient)
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
    return _order(call("/org/local/api/hos/pay_order", data))


def refund(
    pay_order_id: str, refund_no: str, at: datetime, split: Split, pay_auth_no: str, kind: str = "ALL"
) -> Refund:
    """6203: give money back. ALL wants the original parts; HI leaves the cash alone, CASH the insurance."""
    cash_fen = 0 if kind == "HI" else split.cash_fen
    account_fen, pooled_fen = (0, 0) if kind == "CASH" else (split.own_fen + split.mutual_fen, split.pooled_fen)
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
    answer = call("/org/local/api/hos/refund_Order", data)
    return Refund(str(answer.get("refdSn", "")), text(answer, "refStatus"), answer)


def order_state(pay_order_id: str, pay_token: str, institution_code: str, patient: Person) -> OrderState:
    """6301: how far the order is."""
    data = _about_order(pay_order_id, pay_token, institution_code, patient)
    return _order(call("/org/local/api/hos/query_order_info", data))


def revoke(pay_order_id: str, pay_token: str, institution_code: str, patient: Person) -> None:
    """6401: take an unpaid upload back."""
    data = _about_order(pay_order_id, pay_token, institution_code, patient)
    answer = call("/org/local/api/hos/revoke_order", data)
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
    return call(PRESCRIPTION_PATH, data, PRESCRIPTION_VERSION)


def read_settlement_notice(raw_body: bytes) -> SettlementNotice:
    """6302: open and verify the sealed notice. Raises Untrusted."""
    data = opened(raw_body)
    try:
        order = _order(data)
    except (VendorRefused, Unreachable) as error:
        raise Untrusted(f"the notice makes no sense: {error}") from error
    call_type = str(data.get("callType", ""))
    return SettlementNotice(f"{order.pay_order_id}:{call_type}", order, call_type)


def opened(raw_body: bytes) -> dict[str, Any]:
    """What a sealed notice says. Raises Untrusted."""
    try:
        message = json.loads(raw_body, parse_float=sealed.Number)
    except (ValueError, RecursionError) as error:
        raise Untrusted("the notice is not JSON") from error
    if not isinstance(message, dict):
        raise Untrusted("the notice is not an object")
    data = sealed.unseal(message, credentials()["mip"])
    _agreed(message)
    return data


def _agreed(message: Mapping[str, Any]) -> None:
    """A notice names what was agreed on, and it is of now. Raises Untrusted."""
    for name, value in {"encType": "SM4", "signType": "SM2", "version": CENTRE_VERSION}.items():
        if message.get(name) != value:
            raise Untrusted(f"{name} of the notice is not {value}")
    said = str(message.get("timestamp", ""))
    try:
        if not (said.isascii() and said.isdecimal() and len(said) <= 14):
            raise ValueError(said[:20])
        told = (
            datetime.strptime(f"{said}+0800", "%Y%m%d%H%M%S%z").timestamp() if len(said) == 14 else int(said) / 1000
        )
    except ValueError as error:
        raise Untrusted("the timestamp of the notice is none") from error
    if abs(clock.wall_unix() - told) > SKEW_SECONDS:
        raise Untrusted(f"the notice is {told - clock.wall_unix():+.0f} s from our clock")


def call(path: str, data: Mapping[str, Any], version: str = CENTRE_VERSION) -> dict[str, Any]:
    """One sealed call; the answer's seal is broken only after its signature was verified."""
    mip = credentials()["mip"]
    base_url = mip["base_url"].rstrip("/")
    message = sealed.seal(data, mip, str(clock.wall_unix() * 1000), version)
    body = json.dumps(message, ensure_ascii=False).encode()
    headers = {"Content-Type": "application/json"}
    answer = parsed(send("POST", base_url + path, base_url=base_url, headers=headers, body=body))
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
    pay_order_id = text(data, "payOrdId")
    split = None
    if data.get("feeSumamt") not in (None, ""):
        cash = amount(data, "ownPayAmt") if "ownPayAmt" in data else amount(data, "ownpayAmt")
        account, mutual = amount(data, "psnAcctPay"), amount(data, "acctMulaidPay")
        split = Split(
            total_fen=amount(data, "feeSumamt"),
            pooled_fen=amount(data, "fundPay") + amount(data, "othFeeAmt"),
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
