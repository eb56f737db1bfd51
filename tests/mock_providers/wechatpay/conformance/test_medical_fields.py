"""Every field of a mixed order: its length, its type, its words (wechatpay.md §6.2)."""

from itertools import count
from typing import Any

import pytest

from mock_providers.wechatpay import shapes
from tests.mock_providers.wechatpay.conformance.medical import FEES, ORDERS, Json, made, parameter
from tests.mock_providers.wechatpay.conftest import World
from tests.mock_providers.wechatpay.merchant import Merchant

NUMBERS = count(1)


def number() -> str:
    return f"FIELDS{next(NUMBERS):05d}"


TEXTS = {
    "appid": 32, "openid": 128, "out_trade_no": 64, "serial_no": 40, "pay_order_id": 64, "pay_auth_no": 40,
    "geo_location": 40, "city_id": 8, "med_inst_name": 128, "med_inst_no": 32, "med_ins_order_create_time": 64,
    "callback_url": 256, "prepay_id": 64, "passthrough_request_content": 2048, "attach": 128, "channel_no": 32,
}  # fmt: skip
FILLED = {"callback_url": "https://a.example/", "geo_location": "110.", "passthrough_request_content": "1"}
REQUIRED = (
    "mix_pay_type", "order_type", "appid", "openid", "payer", "out_trade_no", "serial_no", "city_id",
    "med_inst_name", "med_inst_no", "total_fee", "callback_url",
)  # fmt: skip
AMOUNT_FIELDS = ("total_fee", *FEES, "wechat_pay_cash_fee")


def filled(field: str, length: int) -> str:
    begin = FILLED.get(field, "")
    end = ",20" if field == "geo_location" else ""
    return begin + "1" * (length - len(begin) - len(end)) + end


@pytest.mark.parametrize("field", TEXTS)
def test_every_text_has_its_length(merchant: Merchant, field: str) -> None:
    most = TEXTS[field]
    asked = merchant.mixed(number(), "INSURANCE_ONLY", **{field: filled(field, most + 1)})
    assert f"{most + 1}，大于最大值 {most}" in parameter(merchant.post(ORDERS, asked))["message"]
    asked[field] = filled(field, most)
    assert "大于最大值" not in merchant.post(ORDERS, asked).text


@pytest.mark.parametrize("field", REQUIRED)
def test_every_required_field_is_required(merchant: Merchant, field: str) -> None:
    told = parameter(merchant.post(ORDERS, merchant.mixed(number(), "INSURANCE_ONLY", **{field: None})))
    assert f"/body/{field}”" in told["message"] and "必填性规则校验失败，此字段为必填项" in told["message"]
    assert told["detail"] == {"location": "body", "value": ""}


@pytest.mark.parametrize("field", shapes.MIXED_ORDER)
def test_every_field_has_its_json_type(merchant: Merchant, field: str) -> None:
    wrong: Any = "1" if field in (*AMOUNT_FIELDS, "pay_for_relatives", "med_ins_test_env") else 1
    asked = merchant.mixed(number(), "INSURANCE_ONLY")
    told = parameter(merchant.post(ORDERS, asked | {field: wrong}))
    assert f"/body/{field}”" in told["message"] and "此字段需要一个" in told["message"]


@pytest.mark.parametrize("field", AMOUNT_FIELDS)
def test_an_amount_is_not_below_nothing(merchant: Merchant, field: str) -> None:
    answer = merchant.post(ORDERS, merchant.mixed(number(), "INSURANCE_ONLY", **{field: -1}))
    assert "低于最小值 0" in parameter(answer, number=268435464)["message"]


@pytest.mark.parametrize("wrong", ["somewhere", "110.3", "110.3，20.0", "110.3,20.0,1"])
def test_a_place_is_longitude_and_latitude(merchant: Merchant, wrong: str) -> None:
    parameter(merchant.create_mixed(number(), "INSURANCE_ONLY", geo_location=wrong))


@pytest.mark.parametrize("url", ["https://a.example/cb?x=1", "ftp://a.example/cb", "a.example/cb", "https://a b/cb"])
def test_an_address_is_a_url_without_a_query(merchant: Merchant, url: str) -> None:
    parameter(merchant.create_mixed(number(), "INSURANCE_ONLY", callback_url=url))


def test_plain_http_is_accepted_unless_a_switch_demands_https(world: World, merchant: Merchant) -> None:
    made(merchant.create_mixed(number(), "INSURANCE_ONLY"))
    world.switch("callback_url", "https_only")
    parameter(merchant.create_mixed(number(), "INSURANCE_ONLY"))


def test_attach_is_counted_in_bytes(merchant: Merchant) -> None:
    answer = merchant.create_mixed(number(), "INSURANCE_ONLY", attach="字" * 43)
    assert "字节数 129，大于最大值 128" in parameter(answer)["message"]


@pytest.mark.parametrize(("limit", "length", "accepted"), [("40", 40, True), ("20", 20, True), ("20", 21, False)])
def test_the_length_of_serial_no_is_a_choice(
    world: World, merchant: Merchant, limit: str, length: int, accepted: bool
) -> None:
    world.switch("serial_no_length", limit)
    answer = merchant.create_mixed(number(), "INSURANCE_ONLY", serial_no="S" * length)
    if accepted:
        made(answer)
    else:
        assert f"字符数 {length}，大于最大值 {limit}" in parameter(answer)["message"]


ORDER_TYPES = (
    "REG_PAY", "DIAG_PAY", "COVID_EXAM_PAY", "IN_HOSP_PAY", "PHARMACY_PAY", "INSURANCE_PAY", "INT_REG_PAY",
    "INT_RE_DIAG_PAY", "INT_RX_PAY", "COVID_ANTIGEN_PAY", "MED_PAY",
)  # fmt: skip
CARD_TYPES = (
    "ID_CARD", "HOUSEHOLD_REGISTRATION", "FOREIGNER_PASSPORT", "MAINLAND_TRAVEL_PERMIT_FOR_TW",
    "MAINLAND_TRAVEL_PERMIT_FOR_MO", "MAINLAND_TRAVEL_PERMIT_FOR_HK", "FOREIGN_PERMANENT_RESIDENT",
)  # fmt: skip
REDUCED = (
    "DEFAULT_REDUCE_TYPE", "HOSPITAL_REDUCE", "PHARMACY_DISCOUNT", "DISCOUNT", "PRE_PAYMENT", "DEPOSIT_DEDUCTION",
)  # fmt: skip
WORDS = [
    *(("order_type", word) for word in ORDER_TYPES),
    *(("card_type", word) for word in CARD_TYPES),
    *(("cash_reduce_type", word) for word in REDUCED),
    *(("cash_add_type", word) for word in ("DEFAULT_ADD_TYPE", "FREIGHT", "OTHER_MEDICAL_EXPENSES")),
]


def worded(merchant: Merchant, field: str, word: str) -> Json:
    if field == "card_type":
        return {"payer": {**merchant.mixed("x")["payer"], "card_type": word}}
    if field == "cash_reduce_type":
        return {"cash_reduce_detail": [{"cash_reduce_fee": 500, "cash_reduce_type": word}]}
    if field == "cash_add_type":
        more = [{"cash_add_fee": 100, "cash_add_type": word}]
        less = [{"cash_reduce_fee": 600, "cash_reduce_type": "DISCOUNT"}]
        return {"cash_add_detail": more, "cash_reduce_detail": less, "total_fee": 5100}
    return {field: word}


@pytest.mark.parametrize(("field", "word"), WORDS)
def test_every_word_of_every_enumeration_is_known(merchant: Merchant, field: str, word: str) -> None:
    made(merchant.create_mixed(number(), "INSURANCE_ONLY", **worded(merchant, field, word)))


@pytest.mark.parametrize(
    ("field", "word"),
    [
        ("mix_pay_type", "UNKNOWN_MIX_PAY_TYPE"),
        ("order_type", "UNKNOWN_ORDER_TYPE"),
        ("card_type", "UNKNOWN_USER_CARD_TYPE"),
        ("cash_add_type", "UNKNOWN"),
        ("cash_reduce_type", "freight"),
    ],
)
def test_a_word_of_no_enumeration_is_refused(merchant: Merchant, field: str, word: str) -> None:
    answer = merchant.create_mixed(number(), "INSURANCE_ONLY", **worded(merchant, field, word))
    assert "枚举" in parameter(answer)["message"]


@pytest.mark.parametrize("detail", ["cash_add_detail", "cash_reduce_detail"])
@pytest.mark.parametrize("missing", ["fee", "type"])
def test_both_members_of_a_detail_are_required(merchant: Merchant, detail: str, missing: str) -> None:
    name = detail.removesuffix("_detail")
    row = {f"{name}_fee": 1, f"{name}_type": "FREIGHT" if name == "cash_add" else "DISCOUNT"}
    del row[f"{name}_{missing}"]
    told = parameter(merchant.create_mixed(number(), "INSURANCE_ONLY", **{detail: [row]}))
    assert f"/body/{detail}/0/{name}_{missing}”" in told["message"]
