"""What is known of people, institutions, bills and orders, and how an answer of the platform is read."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from flask import current_app

from yibao.db import current_space
from yibao.money import fen
from yibao.providers import sealed
from yibao.providers.http import Answer, Unreachable, VendorRefused

CERT_TYPES = {"id_card": "01", "hk_permit": "04", "tw_permit": "06", "passport": "08", "birth_certificate": "99"}
PHARMACY_PURCHASE = "41"

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


def credentials() -> Mapping[str, Any]:
    return current_app.config["SETTINGS"].vendor(current_space(), "national")


def reason_of(message: str) -> str:
    return next((code for words, code in REASONS.items() if words in message), "")


def insured(patient: Person) -> Insurance:
    if patient.insurance is None:
        raise VendorRefused("national", "NOT_INSURED", "the person has no insurance")
    return patient.insurance


def amount(row: Mapping[str, Any], name: str) -> int:
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


def text(data: Mapping[str, Any], name: str) -> str:
    if not isinstance(data.get(name), str) or not data[name]:
        raise Unreachable(f"the payment centre answered without {name}")
    return data[name]


def parsed(answer: Answer) -> dict[str, Any]:
    if answer.status >= 500:
        raise Unreachable(f"HTTP {answer.status}")
    try:
        parsed = json.loads(answer.body, parse_float=sealed.Number)
    except ValueError as error:
        raise Unreachable(f"HTTP {answer.status}, and the answer is not JSON") from error
    if not isinstance(parsed, dict):
        raise Unreachable("the answer is not a JSON object")
    return parsed
