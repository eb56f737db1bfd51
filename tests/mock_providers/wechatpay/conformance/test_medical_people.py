"""Who may pay for whom, what the bureau says, and refusals somebody asked for (wechatpay.md §6.5: 93 to 101)."""

import json
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.mock_providers.wechatpay.conformance.conftest import refused
from tests.mock_providers.wechatpay.conformance.medical import (
    CHILD,
    ORDERS,
    Json,
    Tap,
    internal,
    made,
    parameter,
    params,
    shown,
    states,
)
from tests.mock_providers.wechatpay.conftest import World
from tests.mock_providers.wechatpay.merchant import Merchant

NUMBERS = count(1)
ME = ("林样一", "469099198803159034")
P02 = ("陈样二", "469099199007029049")
OTHER_ID = ("入参个人身份ID摘要和医保电子凭证绑卡身份ID摘要不匹配", 268545961)
OTHER_NAME = ("入参用户姓名和医保电子凭证绑卡姓名不匹配", 268545962)
UNBOUND = ("微信号未绑定医保电子凭证", 268545963)
UNRELATED = ("亲属关系不存在，请确认亲属信息是否正确", 268545964)


def create(merchant: Merchant, **changes: Any) -> Any:
    return merchant.create_mixed(f"PEOPLE{next(NUMBERS):05d}", "INSURANCE_ONLY", **changes)


def test_p93_p96_an_openid_of_another_app(merchant: Merchant) -> None:
    parameter(create(merchant, openid="o-stranger"), "请确认AppID与OpenID是否正确，两者是否匹配", 268510603)


def test_an_app_that_is_not_bound_to_the_merchant(merchant: Merchant) -> None:
    answer = create(merchant, appid="wx0000000000000000")
    refused(answer, 400, "APPID_MCHID_NOT_MATCH")
    assert internal(answer) == 268445527


@pytest.mark.parametrize(
    ("openid", "said", "wrong"),
    [
        ("openid-P01", (ME[0], P02[1]), OTHER_ID),
        ("openid-P01", P02, OTHER_ID),
        ("openid-P02", ME, OTHER_ID),
        ("openid-P01", (P02[0], ME[1]), OTHER_NAME),
        ("openid-P01", ("林样", ME[1]), OTHER_NAME),
        ("openid-P09", ME, UNBOUND),
    ],
)
def test_p94_p95_the_payer_is_who_the_credential_says(
    merchant: Merchant, openid: str, said: tuple[str, str], wrong: tuple[str, int]
) -> None:
    parameter(create(merchant, openid=openid, payer=merchant.someone(*said)), *wrong)


def test_an_id_digest_is_in_lower_case_and_of_the_upper_cased_number(merchant: Merchant) -> None:
    made(create(merchant, openid="openid-P14", payer=merchant.someone("何樣港", "h00000014")))
    wrong = merchant.someone(*ME) | {"id_digest": merchant.seal("F" * 32)}
    parameter(create(merchant, payer=wrong), *OTHER_ID)


@pytest.mark.parametrize("compared", ["ignored", "compared"])
def test_whether_the_card_type_counts_is_a_choice(world: World, merchant: Merchant, compared: str) -> None:
    world.switch("card_type", compared)
    answer = create(merchant, payer=merchant.someone(*ME) | {"card_type": "FOREIGNER_PASSPORT"})
    if compared == "ignored":
        made(answer)
    else:
        parameter(answer, *OTHER_ID)
    made(create(merchant))


@pytest.mark.parametrize(
    ("relative", "related"),
    [
        (CHILD, True),
        (("林样五", CHILD[1]), False),
        (P02, False),
        ((CHILD[0], "469099200001010000"), False),
    ],
)
def test_a_relative_must_be_family(merchant: Merchant, relative: tuple[str, str], related: bool) -> None:
    answer = create(merchant, pay_for_relatives=True, relative=merchant.someone(*relative))
    if related:
        assert made(answer)["pay_for_relatives"] is True
    else:
        parameter(answer, *UNRELATED)


def test_a_relative_is_not_looked_at_where_the_payer_pays_for_themselves(merchant: Merchant) -> None:
    told = made(create(merchant, relative=merchant.someone(*P02)))
    assert told["pay_for_relatives"] is False and "relative" not in told


@pytest.mark.parametrize(("who", "field"), [("payer", "name"), ("payer", "id_digest"), ("relative", "name")])
def test_a_field_that_must_be_sealed_does_not_come_in_plain_text(merchant: Merchant, who: str, field: str) -> None:
    plain = merchant.someone(*ME) | {field: "林样一"}
    told = parameter(
        create(merchant, pay_for_relatives=True, **{"relative": merchant.someone(*CHILD), who: plain}),
        "请确认待处理的消息是否为加密后的密文",
    )
    assert told["detail"]["field"] == f"/{who}/{field}"


@pytest.mark.parametrize("mode", ["platform_serial_no", "public_key_id"])
def test_fields_are_opened_with_the_key_the_request_names(merchant: Merchant, mode: str) -> None:
    merchant.serial = merchant.held[mode]
    answer = create(merchant)
    made(answer)
    assert merchant.verifies(answer) == merchant.held[mode]


def test_without_the_name_of_a_key_nothing_is_opened(merchant: Merchant) -> None:
    asked = merchant.mixed("NOSERIAL01", "INSURANCE_ONLY")
    merchant.serial = None
    parameter(merchant.post(ORDERS, asked), "HTTP header缺少微信支付平台证书序列号(Wechatpay-Serial)")


# the bureau

SELF = {"payer": "P01", "patient": "P01", "family": False}
FOR_CHILD = {"payer": "P01", "patient": "P04", "family": True}
BAD_NUMBER = ("PAY_AUTH_NO 校验失败，请重新获取授权", 268547120)


@pytest.mark.parametrize(
    ("granted", "relative", "wrong"),
    [
        ({"refused": "number"}, False, BAD_NUMBER),
        ({"refused": "unknown"}, False, ("医保局未查询到授权信息", 268545967)),
        ({"refused": "order"}, False, ("医保局结算校验失败，请联系医保局确认", 268510610)),
        ({**SELF, "payer": "P02"}, False, BAD_NUMBER),
        (FOR_CHILD, False, BAD_NUMBER),
        (SELF, True, BAD_NUMBER),
        ({**FOR_CHILD, "patient": "P03"}, True, UNRELATED),
        (SELF, False, None),
        (FOR_CHILD, True, None),
    ],
)
def test_the_bureau_says_who_may_pay_for_whom(
    world: World, merchant: Merchant, granted: Json, relative: bool, wrong: tuple[str, int] | None
) -> None:
    seen: list[Any] = []
    world.app.extensions["check_authorisation"] = lambda *asked: seen.append(asked) or granted
    more: Json = {"pay_for_relatives": True, "relative": merchant.someone(*CHILD)} if relative else {}
    answer = create(merchant, **more)
    if wrong:
        parameter(answer, *wrong)
    else:
        made(answer)
    amounts = {"gov_fee": 3000, "self_fee": 1500, "other_fee": 0, "cash_fee": 500}
    assert seen == [("AUTH460000000000000000000001", "ORD460000000000000000000001", amounts)]


@pytest.fixture
def elsewhere(world: World) -> Iterator[set[str]]:
    """Our bureau knows none of the payment numbers, and of the orders those put in here."""
    known: set[str] = set()
    world.app.extensions["check_authorisation"] = lambda *asked: {"refused": "unknown"}
    world.app.extensions["bureau_order"] = lambda number: number if number in known else None
    yield known
    del world.app.extensions["check_authorisation"], world.app.extensions["bureau_order"]


@pytest.mark.parametrize(
    ("outcome", "ends"),
    [
        ("paid", ("SUCCESS", "NO_SELF_PAY", "MED_INS_PAY_SUCCESS")),
        ("insurance_failed", ("FAIL", "NO_SELF_PAY", "MED_INS_PAY_FAIL")),
    ],
)
def test_p81_p88_an_order_of_another_bureau_is_taken_and_settled_as_the_phone_says(
    world: World, merchant: Merchant, tap: Tap, elsewhere: set[str], outcome: str, ends: tuple[str, ...]
) -> None:
    world.settled.clear()
    mixed = made(create(merchant))
    tap("medical-pay", params(merchant, mixed), outcome)
    told = shown(merchant, mixed["out_trade_no"])
    assert (states(told), world.settled) == (ends, [])
    passed = json.loads(told.get("passthrough_response_content", "{}"))
    assert passed == (
        {"payOrdId": mixed["pay_order_id"], "medOrgOrd": mixed["serial_no"]} if outcome == "paid" else {}
    )


def test_an_order_of_our_bureau_needs_its_payment_number(merchant: Merchant, elsewhere: set[str]) -> None:
    elsewhere.add("ORD460000000000000000000001")
    parameter(create(merchant), "医保局未查询到授权信息", 268545967)


def test_other_bureaus_can_be_forbidden(world: World, merchant: Merchant, elsewhere: set[str]) -> None:
    world.switch("other_bureau", "reject")
    parameter(create(merchant), "医保局未查询到授权信息", 268545967)


@pytest.mark.parametrize("said", ["400 PARAM_ERROR", "403 RULE_LIMIT", "400 INVALID_REQUEST"])
@pytest.mark.parametrize(
    ("switch", "outcome", "number"),
    [
        ("medical_identity_error", "name_mismatch", 268545962),
        ("medical_bureau_error", "bureau_refused", 268510610),
    ],
)
def test_status_and_code_that_were_never_published_are_a_choice(
    world: World, merchant: Merchant, switch: str, outcome: str, number: int, said: str
) -> None:
    world.switch(switch, said)
    world.plan("med_ins", outcome)
    answer = create(merchant)
    status, code = said.split()
    refused(answer, int(status), code)
    assert internal(answer) == number


# what was asked for

PLANNED = {
    "system_error": (500, "SYSTEM_ERROR", 268435457),
    "frequency": (429, "FREQUENCY_LIMITED", 268447840),
    "request_blocked": (403, "REQUEST_BLOCKED", 268448010),
    "openid_mismatch": (400, "PARAM_ERROR", 268510603),
    "no_credential": (400, "PARAM_ERROR", 268545963),
    "identity_mismatch": (400, "PARAM_ERROR", 268545961),
    "name_mismatch": (400, "PARAM_ERROR", 268545962),
    "not_family": (400, "PARAM_ERROR", 268545964),
    "authorisation_invalid": (400, "PARAM_ERROR", 268547120),
    "authorisation_not_found": (400, "PARAM_ERROR", 268545967),
    "bureau_refused": (400, "PARAM_ERROR", 268510610),
}


def test_every_declared_outcome_of_creating_is_in_the_table(client: FlaskClient) -> None:
    known = client.get("/_mock/outcomes").json["known"]  # type: ignore[index]
    assert set(known["wechatpay.med_ins"]) == {*PLANNED, "answer_lost"}


@pytest.mark.parametrize("which", ["person", "number", "next"])
@pytest.mark.parametrize("outcome", PLANNED)
def test_p99_every_refusal_can_be_asked_for_by_person_by_number_and_for_the_next(
    world: World, merchant: Merchant, outcome: str, which: str
) -> None:
    status, code, number = PLANNED[outcome]
    own = f"PLANNED{next(NUMBERS):05d}"
    world.plan("med_ins", outcome, **{"person": {"person": "P01"}, "number": {"ref": own}, "next": {}}[which])
    if which != "next":
        asked = merchant.mixed("OTHER00001", "INSURANCE_ONLY", openid="openid-P02", payer=merchant.someone(*P02))
        made(merchant.post(ORDERS, asked))
    asked = merchant.mixed(own, "INSURANCE_ONLY")
    answer = merchant.post(ORDERS, asked)
    refused(answer, status, code)
    assert internal(answer) == number
    made(merchant.post(ORDERS, asked))


def test_a_system_error_for_the_next_three_then_all_is_well(world: World, merchant: Merchant) -> None:
    world.plan("med_ins", "system_error", count=3)
    asked = merchant.mixed("RETRY00001", "INSURANCE_ONLY")
    assert [merchant.post(ORDERS, asked).status_code for _ in range(4)] == [500, 500, 500, 200]


def test_an_order_whose_answer_was_lost_is_there_and_cannot_be_made_again(world: World, merchant: Merchant) -> None:
    world.plan("med_ins", "answer_lost")
    asked = merchant.mixed("LOST000001", "INSURANCE_ONLY")
    refused(merchant.post(ORDERS, asked), 500, "SYSTEM_ERROR")
    refused(merchant.post(ORDERS, asked), 400, "ALREADY_EXISTS", "订单已存在")
    assert states(shown(merchant, "LOST000001"))[0] == "CREATED"


def test_a_refused_order_is_not_there(merchant: Merchant) -> None:
    asked = merchant.mixed("REFUSED001", "INSURANCE_ONLY", total_fee=1)
    assert merchant.post(ORDERS, asked).status_code == 403
    assert merchant.get(f"{ORDERS}/out-trade-no/REFUSED001").status_code == 404


@pytest.mark.parametrize("status", ["403", "400"])
def test_p97_a_merchant_without_the_product(world: World, merchant: Merchant, status: str) -> None:
    world.switch("merchant_state", "no_medical_insurance")
    world.switch("medical_rule_status", status)
    refused(create(merchant), int(status), "REQUEST_BLOCKED", "暂不支持当前商户下单")


# queries


@pytest.mark.parametrize("path", ["out-trade-no/NOBODY", "mix-trade-no/1"])
def test_p101_an_unknown_order(world: World, merchant: Merchant, path: str) -> None:
    for said in ("404 ORDER_NOT_EXIST", "400 PARAM_ERROR", "404 RESOURCE_NOT_EXISTS"):
        world.switch("medical_unknown_order", said)
        answer = merchant.get(f"{ORDERS}/{path}")
        status, code = said.split()
        refused(answer, int(status), code, "未找到订单，请确认订单号是否正确")
        assert internal(answer) == 268529515


@pytest.mark.parametrize(("path", "most"), [("out-trade-no", 64), ("mix-trade-no", 32)])
def test_the_numbers_of_queries_have_their_lengths(merchant: Merchant, path: str, most: int) -> None:
    assert merchant.get(f"{ORDERS}/{path}/{'1' * most}").status_code == 404
    told = parameter(merchant.get(f"{ORDERS}/{path}/{'1' * (most + 1)}"))
    assert f"大于最大值 {most}" in told["message"] and told["detail"]["location"] == "path"


@pytest.mark.parametrize(("outcome", "status"), [("system_error", 500), ("frequency", 429)])
def test_queries_can_be_told_to_fail_for_one_order(
    world: World, merchant: Merchant, outcome: str, status: int
) -> None:
    for own in ("QUERY00001", "QUERY00002"):
        made(merchant.create_mixed(own, "INSURANCE_ONLY"))
    world.plan("med_ins_query", outcome, ref="QUERY00001")
    shown(merchant, "QUERY00002")
    assert merchant.get(f"{ORDERS}/out-trade-no/QUERY00001").status_code == status
    shown(merchant, "QUERY00001")
