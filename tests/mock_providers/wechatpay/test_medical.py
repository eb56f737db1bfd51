"""Medical-insurance mixed orders: checks B.5 of the protocol sheet."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.mock_providers.wechatpay.conftest import World
from tests.mock_providers.wechatpay.merchant import NOTIFY, Merchant
from tests.mock_providers.wechatpay.test_door import refused

Tap = Callable[..., str]
ORDERS = "/v3/med-ins/orders"
CALL = "requestMedicalInsurancePay"
STATES = ("mix_pay_status", "self_pay_status", "med_ins_pay_status")
NEVER = {"payer", "relative", "transaction_id", "mchid"}


def states(shown: dict[str, Any]) -> tuple[str, ...]:
    return tuple(shown[name].removeprefix("MIX_PAY_") for name in STATES)


def shown(merchant: Merchant, number: str) -> dict[str, Any]:
    answer = merchant.get(f"{ORDERS}/out-trade-no/{number}")
    assert answer.status_code == 200, answer.text
    merchant.verifies(answer)
    return answer.json


def blocked(answer: Any, message: str, internal: int, status: int = 403) -> None:
    refused(answer, status, "RULE_LIMIT", message)
    assert answer.headers["Request-ID"].endswith(f"-{internal}")


def params(merchant: Merchant, mixed: dict[str, Any]) -> dict[str, str]:
    """What wx.requestMedicalInsurancePay is called with."""
    given = {"mixTradeNo": mixed["mix_trade_no"]}
    if "prepay_id" in mixed:
        given |= {k: v for k, v in merchant.pay_params(mixed["prepay_id"]).items() if k != "appId"}
    return given


def report(merchant: Merchant, mix_trade_no: str | None, **changes: Any) -> Any:
    told = {
        "med_refund_total_fee": 150000,
        "med_refund_gov_fee": 100000,
        "med_refund_self_fee": 45000,
        "med_refund_other_fee": 5000,
        "refund_time": "2026-01-02T09:00:00+08:00",
        "out_refund_no": "R1",
        **changes,
    }
    query = f"?mix_trade_no={mix_trade_no}" if mix_trade_no else ""
    return merchant.post(f"/v3/med-ins/refunds/notify{query}", told)


@pytest.fixture
def paid(merchant: Merchant, tap: Tap) -> dict[str, Any]:
    mixed = merchant.create_mixed("MIXED-PAID").json
    assert tap("medical-pay", params(merchant, mixed)) == f"{CALL}:ok"
    return shown(merchant, "MIXED-PAID")


def test_b81_a_mixed_order_shows_what_was_asked_but_never_who(merchant: Merchant) -> None:
    answer = merchant.create_mixed("MIXED-0001", attach="备注", passthrough_request_content='{"x":1}')
    assert answer.status_code == 200, answer.text
    merchant.verifies(answer)
    told = answer.json
    assert states(told) == ("CREATED", "SELF_PAY_CREATED", "MED_INS_PAY_CREATED")
    assert not NEVER & told.keys()
    assert "paid_time" not in told
    asked = merchant.mixed("MIXED-0001", prepay_id=told["prepay_id"], attach="备注")
    assert all(told[name] == value for name, value in asked.items() if name != "payer")
    assert shown(merchant, "MIXED-0001") == told
    assert merchant.get(f"{ORDERS}/mix-trade-no/{told['mix_trade_no']}").json == told


def test_b82_a_used_number_even_with_the_same_content(merchant: Merchant) -> None:
    asked = merchant.mixed("TWICE-0001", "INSURANCE_ONLY")
    assert merchant.post(ORDERS, asked).status_code == 200
    refused(merchant.post(ORDERS, asked), 400, "ALREADY_EXISTS", "订单已存在")


def test_b83_a_total_off_by_one(merchant: Merchant) -> None:
    blocked(merchant.create_mixed("SUM-000001", total_fee=202001), "订单总金额校验不通过", 268529477)


def test_b84_a_cash_amount_that_does_not_follow(merchant: Merchant) -> None:
    answer = merchant.create_mixed("SUM-000002", med_ins_cash_fee=50001)
    blocked(answer, "自费金额校验不通过", 268529476)


def test_b85_bureau_fields_in_a_cash_order(merchant: Merchant) -> None:
    answer = merchant.create_mixed("CASH-00001", "CASH_ONLY", pay_auth_no="A")
    blocked(answer, "纯自费单字段校验失败", 268529474)


def test_b86_a_cash_order_with_and_without_additions(world: World, merchant: Merchant) -> None:
    told = merchant.create_mixed("CASH-00002", "CASH_ONLY").json
    assert states(told) == ("CREATED", "SELF_PAY_CREATED", "NO_MED_INS_PAY")
    assert merchant.create_mixed("CASH-00003", "CASH_ONLY", cash_add_detail=None).status_code == 200
    world.switch("cash_only_identities", "always")
    answer = merchant.create_mixed("CASH-00004", "CASH_ONLY", cash_add_detail=None)
    blocked(answer, "自费金额校验不通过", 268529476)


def test_b87_and_b88_insurance_alone(merchant: Merchant) -> None:
    told = merchant.create_mixed("INSUR-0001", "INSURANCE_ONLY").json
    assert states(told) == ("CREATED", "NO_SELF_PAY", "MED_INS_PAY_CREATED")
    assert "prepay_id" not in told


def test_insurance_alone_takes_no_prepay_id(merchant: Merchant) -> None:
    answer = merchant.create_mixed("INSUR-0002", "INSURANCE_ONLY", prepay_id=merchant.create("INSUR-0002"))
    blocked(answer, "混合支付单字段校验失败", 268529475)


@pytest.mark.parametrize(
    "field",
    [
        "geo_location",
        "pay_order_id",
        "pay_auth_no",
        "med_ins_order_create_time",
        "med_ins_gov_fee",
        "med_ins_cash_fee",
    ],
)
def test_b89_a_field_of_the_type_is_missing(merchant: Merchant, field: str) -> None:
    answer = merchant.create_mixed("FIELDS-001", **{field: None})
    blocked(answer, "混合支付单字段校验失败", 268529475)


@pytest.mark.parametrize("status", ["403", "400"])
def test_the_status_of_a_rule_is_a_choice(world: World, merchant: Merchant, status: str) -> None:
    world.switch("medical_rule_status", status)
    blocked(merchant.create_mixed("STATUS-001", total_fee=1), "订单总金额校验不通过", 268529477, int(status))


@pytest.mark.parametrize("number", ["OTHER-0001", "MIXED-0003"])
def test_b90_the_cash_order_must_be_the_same_order(merchant: Merchant, number: str) -> None:
    prepay = merchant.create(number, total=42000 if number == "OTHER-0001" else 41999)
    answer = merchant.create_mixed("MIXED-0003", prepay_id=prepay)
    refused(answer, 403, "RULE_LIMIT")


def test_b91_paying_for_a_relative_needs_the_relative(merchant: Merchant) -> None:
    answer = merchant.create_mixed("FAMILY-001", "INSURANCE_ONLY", pay_for_relatives=True)
    refused(answer, 400, "PARAM_ERROR", "亲属信息为空")


@pytest.mark.parametrize("time", ["2026-01-01T09:00:00", "2026-13-01T09:00:00+08:00", "yesterday"])
def test_b92_a_time_must_say_its_offset(merchant: Merchant, time: str) -> None:
    answer = merchant.create_mixed("TIME-00001", "INSURANCE_ONLY", med_ins_order_create_time=time)
    refused(answer, 400, "PARAM_ERROR", "时间解析失败")


def test_an_openid_of_another_app(merchant: Merchant) -> None:
    answer = merchant.create_mixed("OPENID-001", "INSURANCE_ONLY", openid="o-stranger")
    refused(answer, 400, "PARAM_ERROR")
    assert answer.headers["Request-ID"].endswith("-268510603")


def test_b94_the_number_of_somebody_else(merchant: Merchant) -> None:
    payer = merchant.someone("林样一", "469099199007029049")
    answer = merchant.create_mixed("PEOPLE-001", "INSURANCE_ONLY", payer=payer)
    refused(answer, 400, "PARAM_ERROR", "入参个人身份ID摘要和医保电子凭证绑卡身份ID摘要不匹配")
    assert answer.headers["Request-ID"].endswith("-268545961")


def test_the_name_of_somebody_else(merchant: Merchant) -> None:
    payer = merchant.someone("陈样二", "469099198803159034")
    answer = merchant.create_mixed("PEOPLE-002", "INSURANCE_ONLY", payer=payer)
    assert answer.headers["Request-ID"].endswith("-268545962")


def test_b95_an_openid_without_a_credential(merchant: Merchant) -> None:
    answer = merchant.create_mixed("PEOPLE-003", "INSURANCE_ONLY", openid="openid-P09")
    refused(answer, 400, "PARAM_ERROR", "微信号未绑定医保电子凭证")
    assert answer.headers["Request-ID"].endswith("-268545963")


@pytest.mark.parametrize(
    ("name", "number", "status"),
    [
        ("林样四", "469099201709109086", 200),
        ("林样五", "469099201709109086", 400),
        ("陈样二", "469099199007029049", 400),
        ("林样四", "469099200001010000", 400),
    ],
)
def test_a_relative_must_be_family(merchant: Merchant, name: str, number: str, status: int) -> None:
    relative = merchant.someone(name, number)
    answer = merchant.create_mixed("FAMILY-002", "INSURANCE_ONLY", pay_for_relatives=True, relative=relative)
    assert answer.status_code == status, answer.text
    if status == 400:
        assert answer.headers["Request-ID"].endswith("-268545964")


SELF = {"payer": "P01", "patient": "P01", "family": False}
CHILD = {"payer": "P01", "patient": "P04", "family": True}


@pytest.mark.parametrize(
    ("granted", "relative", "internal"),
    [
        ({"refused": "number"}, False, 268547120),
        ({"refused": "unknown"}, False, 268545967),
        ({"refused": "order"}, False, 268510610),
        ({**SELF, "payer": "P02"}, False, 268547120),
        (CHILD, False, 268547120),
        (SELF, True, 268547120),
        ({**CHILD, "patient": "P03"}, True, 268545964),
        (SELF, False, 0),
        (CHILD, True, 0),
    ],
)
def test_the_bureau_says_who_may_pay_for_whom(
    world: World, merchant: Merchant, granted: Any, relative: bool, internal: int
) -> None:
    seen: list[Any] = []
    world.app.extensions["check_authorisation"] = lambda *asked: seen.append(asked) or granted
    more = (
        {"pay_for_relatives": True, "relative": merchant.someone("林样四", "469099201709109086")} if relative else {}
    )
    answer = merchant.create_mixed("AUTH-00001", "INSURANCE_ONLY", **more)
    assert answer.status_code == (400 if internal else 200), answer.text
    assert answer.headers["Request-ID"].endswith(f"-{internal}")
    amounts = {"gov_fee": 3000, "self_fee": 1500, "other_fee": 0, "cash_fee": 500}
    assert seen == [("AUTH460000000000000000000001", "ORD460000000000000000000001", amounts)]


@pytest.mark.parametrize(
    ("outcome", "status", "internal"),
    [
        ("system_error", 500, 268435457),
        ("frequency", 429, 268447840),
        ("request_blocked", 403, 268448010),
        ("no_credential", 400, 268545963),
        ("identity_mismatch", 400, 268545961),
        ("name_mismatch", 400, 268545962),
        ("not_family", 400, 268545964),
        ("authorisation_invalid", 400, 268547120),
        ("authorisation_not_found", 400, 268545967),
        ("bureau_refused", 400, 268510610),
    ],
)
def test_b96_every_refusal_can_be_asked_for(
    world: World, merchant: Merchant, outcome: str, status: int, internal: int
) -> None:
    world.plan("med_ins", outcome, person="P01")
    answer = merchant.create_mixed("PLANNED-01", "INSURANCE_ONLY")
    assert answer.status_code == status
    assert answer.headers["Request-ID"].endswith(f"-{internal}")
    assert merchant.create_mixed("PLANNED-01", "INSURANCE_ONLY").status_code == 200


def test_b97_a_merchant_without_the_product(world: World, merchant: Merchant) -> None:
    world.switch("merchant_state", "no_medical_insurance")
    answer = merchant.create_mixed("PRODUCT-01", "INSURANCE_ONLY")
    refused(answer, 403, "REQUEST_BLOCKED", "暂不支持当前商户下单")


def test_b98_a_parameter_is_named_before_a_rule(merchant: Merchant) -> None:
    refused(merchant.create_mixed("ORDER-0001", total_fee=1, med_inst_no=None), 400, "PARAM_ERROR")
    refused(merchant.create_mixed("ORDER-0002", total_fee=1, med_ins_order_create_time="x"), 400, "PARAM_ERROR")


def test_b101_an_unknown_order(world: World, merchant: Merchant) -> None:
    for path in ("out-trade-no/NOBODY", "mix-trade-no/1"):
        answer = merchant.get(f"{ORDERS}/{path}")
        refused(answer, 404, "ORDER_NOT_EXIST", "未找到订单，请确认订单号是否正确")
        assert answer.headers["Request-ID"].endswith("-268529515")
    world.switch("medical_unknown_order", "400 PARAM_ERROR")
    refused(merchant.get(f"{ORDERS}/mix-trade-no/1"), 400, "PARAM_ERROR")


def test_b102_paid_tells_both_addresses(world: World, merchant: Merchant, paid: dict[str, Any]) -> None:
    assert states(paid) == ("SUCCESS", "SELF_PAY_SUCCESS", "MED_INS_PAY_SUCCESS")
    assert paid["paid_time"].endswith("+08:00")
    assert json.loads(paid["passthrough_response_content"]) == {"setl_id": "S1"}
    assert [(event.type, url) for event, url in world.events()] == [
        ("TRANSACTION.SUCCESS", f"{NOTIFY}/pay"),
        ("MEDICAL_INSURANCE.SUCCESS", f"{NOTIFY}/medical-insurance"),
    ]
    assert world.settled == [
        {
            "pay_order_id": "ORD460000000000000000000001",
            "pay_auth_no": "AUTH460000000000000000000001",
            "gov_fee": 100000,
            "self_fee": 45000,
            "other_fee": 5000,
            "cash_fee": 50000,
            "outcome": "paid",
        }
    ]


@pytest.mark.parametrize(
    ("fields", "summary", "original"), [("summary", True, False), ("both", True, True), ("neither", False, False)]
)
def test_b103_the_notification_opens_to_the_query(
    world: World, merchant: Merchant, tap: Tap, fields: str, summary: bool, original: bool
) -> None:
    world.switch("medical_event_fields", fields)
    tap("medical-pay", params(merchant, merchant.create_mixed("NOTICE-001").json))
    headers, body = world.built(world.events()[1][0])
    merchant.verify(headers, body)
    told = json.loads(body)
    assert told["event_type"] == "MEDICAL_INSURANCE.SUCCESS"
    assert ("summary" in told, "original_type" in told["resource"]) == (summary, original)
    assert told["resource"]["associated_data"] == ""
    plain = json.loads(merchant.open(told["resource"]))
    assert plain == shown(merchant, "NOTICE-001")
    assert not NEVER & plain.keys()


def test_b104_the_bureau_refuses(world: World, merchant: Merchant, tap: Tap) -> None:
    mixed = merchant.create_mixed("BUREAU-001").json
    assert tap("medical-pay", params(merchant, mixed), "insurance_failed") == f"{CALL}:fail"
    told = shown(merchant, "BUREAU-001")
    assert states(told) == ("FAIL", "SELF_PAY_FAIL", "MED_INS_PAY_FAIL")
    assert told["med_ins_fail_reason"] == "账户已冻结"
    assert not world.events()
    assert merchant.query("BUREAU-001")["trade_state"] == "NOTPAY"


def test_the_bureau_may_refuse_by_itself(world: World, merchant: Merchant, tap: Tap) -> None:
    world.bureau = {"ok": False, "reason": "授权已失效"}
    mixed = merchant.create_mixed("BUREAU-002").json
    assert tap("medical-pay", params(merchant, mixed)) == f"{CALL}:fail"
    assert shown(merchant, "BUREAU-002")["med_ins_fail_reason"] == "授权已失效"


def test_b105_the_bureau_refuses_after_the_cash(world: World, merchant: Merchant, tap: Tap) -> None:
    mixed = merchant.create_mixed("BUREAU-003").json
    assert tap("medical-pay", params(merchant, mixed), "insurance_failed_after_cash") == f"{CALL}:fail"
    assert states(shown(merchant, "BUREAU-003")) == ("FAIL", "SELF_PAY_SUCCESS", "MED_INS_PAY_FAIL")
    assert [event.type for event, _ in world.events()] == ["TRANSACTION.SUCCESS"]
    merchant.refund("BUREAU-003", "R1", 42000, 42000)
    world.advance(seconds=3)
    assert states(shown(merchant, "BUREAU-003")) == ("FAIL", "SELF_PAY_REFUND", "MED_INS_PAY_FAIL")


def test_the_cash_fails_after_the_bureau(world: World, merchant: Merchant, tap: Tap) -> None:
    mixed = merchant.create_mixed("CASHFAIL-1").json
    assert tap("medical-pay", params(merchant, mixed), "cash_failed") == f"{CALL}:fail"
    assert states(shown(merchant, "CASHFAIL-1")) == ("FAIL", "SELF_PAY_FAIL", "MED_INS_PAY_SUCCESS")
    assert len(world.settled) == 1
    assert not world.events()


def test_abandoned_can_be_paid_later(world: World, merchant: Merchant, tap: Tap) -> None:
    given = params(merchant, merchant.create_mixed("ABANDON-01").json)
    assert tap("medical-pay", given, "abandoned") == f"{CALL}:fail"
    assert states(shown(merchant, "ABANDON-01"))[0] == "CREATED"
    assert not world.settled
    assert tap("medical-pay", given) == f"{CALL}:ok"
    assert tap("medical-pay", given).startswith(f"{CALL}:fail")
    assert len(world.settled) == 1


def test_b106_the_cash_order_is_paid_too(merchant: Merchant, paid: dict[str, Any]) -> None:
    cash = merchant.query("MIXED-PAID")
    assert (cash["trade_state"], cash["amount"]["total"]) == ("SUCCESS", paid["wechat_pay_cash_fee"])


def test_b107_and_b108_each_part_goes_back_by_itself(world: World, merchant: Merchant, paid: dict[str, Any]) -> None:
    answer = report(merchant, paid["mix_trade_no"])
    assert (answer.status_code, answer.data) == (204, b"")
    merchant.verifies(answer)
    assert states(shown(merchant, "MIXED-PAID")) == ("SUCCESS", "SELF_PAY_SUCCESS", "MED_INS_PAY_REFUND")
    merchant.refund("MIXED-PAID", "R1", 42000, 42000)
    world.advance(seconds=3)
    assert states(shown(merchant, "MIXED-PAID")) == ("REFUND", "SELF_PAY_REFUND", "MED_INS_PAY_REFUND")


def test_cash_goes_back_first(world: World, merchant: Merchant, paid: dict[str, Any]) -> None:
    merchant.refund("MIXED-PAID", "R1", 42000, 42000)
    world.advance(seconds=3)
    assert states(shown(merchant, "MIXED-PAID")) == ("SUCCESS", "SELF_PAY_REFUND", "MED_INS_PAY_SUCCESS")
    report(merchant, paid["mix_trade_no"])
    assert states(shown(merchant, "MIXED-PAID"))[0] == "REFUND"


def test_b109_there_is_no_insurance_part(merchant: Merchant, tap: Tap) -> None:
    mixed = merchant.create_mixed("CASH-00005", "CASH_ONLY").json
    assert tap("medical-pay", params(merchant, mixed)) == f"{CALL}:ok"
    assert states(shown(merchant, "CASH-00005")) == ("SUCCESS", "SELF_PAY_SUCCESS", "NO_MED_INS_PAY")
    refused(report(merchant, mixed["mix_trade_no"]), 403, "RULE_LIMIT")


def test_b110_a_report_without_its_number(merchant: Merchant) -> None:
    said = refused(report(merchant, None), 400, "PARAM_ERROR")
    assert said["detail"]["location"] == "query"


def test_b111_a_report_that_does_not_add_up(merchant: Merchant, paid: dict[str, Any]) -> None:
    refused(report(merchant, paid["mix_trade_no"], med_refund_total_fee=1), 403, "RULE_LIMIT")


def test_b112_the_newest_report_counts(merchant: Merchant, paid: dict[str, Any]) -> None:
    report(merchant, paid["mix_trade_no"])
    less = {"med_refund_total_fee": 1, "med_refund_gov_fee": 1, "med_refund_self_fee": 0, "med_refund_other_fee": 0}
    assert report(merchant, paid["mix_trade_no"], **less).status_code == 204


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"refund_time": "2026-01-02 09:00"}, "时间解析失败"),
        ({"med_refund_gov_fee": 2**63 - 1}, "金额计算出现溢出"),
        ({"med_refund_gov_fee": -1}, "低于最小值 0"),
        ({"out_refund_no": None}, "必填性"),
    ],
)
def test_a_report_out_of_shape(merchant: Merchant, paid: dict[str, Any], changes: dict[str, Any], says: str) -> None:
    assert says in refused(report(merchant, paid["mix_trade_no"], **changes), 400, "PARAM_ERROR")["message"]


def test_a_report_before_payment_or_for_nobody(merchant: Merchant) -> None:
    mixed = merchant.create_mixed("EARLY-0001").json
    refused(report(merchant, mixed["mix_trade_no"]), 403, "RULE_LIMIT")
    refused(report(merchant, "1"), 404, "ORDER_NOT_EXIST")


def test_b113_insurance_alone_takes_no_payment_parameters(merchant: Merchant, tap: Tap, world: World) -> None:
    mixed = merchant.create_mixed("INSUR-0003", "INSURANCE_ONLY").json
    extra = merchant.pay_params(merchant.create("UNRELATED1"))
    assert tap("medical-pay", {**extra, "mixTradeNo": mixed["mix_trade_no"]}).startswith(f"{CALL}:fail")
    assert not world.settled
    assert tap("medical-pay", {"mixTradeNo": mixed["mix_trade_no"]}) == f"{CALL}:ok"
    assert states(shown(merchant, "INSUR-0003")) == ("SUCCESS", "NO_SELF_PAY", "MED_INS_PAY_SUCCESS")
    assert [event.type for event, _ in world.events()] == ["MEDICAL_INSURANCE.SUCCESS"]
    assert report(merchant, mixed["mix_trade_no"]).status_code == 204
    assert states(shown(merchant, "INSUR-0003"))[0] == "REFUND"


def test_b114_the_cashier_checks_signature_and_order(merchant: Merchant, tap: Tap) -> None:
    given = params(merchant, merchant.create_mixed("CASHIER-01").json)
    assert "签名失败" in tap("medical-pay", {**given, "nonceStr": "x"})
    other = merchant.pay_params(merchant.create("CASHIER-02", total=42000))
    assert tap("medical-pay", {**given, **other}).startswith(f"{CALL}:fail")
    assert tap("medical-pay", {"mixTradeNo": given["mixTradeNo"]}).startswith(f"{CALL}:fail")
    assert tap("medical-pay", {**given, "mixTradeNo": "1"}).startswith(f"{CALL}:fail")
    assert tap("medical-pay", given) == f"{CALL}:ok"


@pytest.mark.parametrize(
    ("kind", "outcome"),
    [
        ("INSURANCE_ONLY", "cash_failed"),
        ("INSURANCE_ONLY", "insurance_failed_after_cash"),
        ("CASH_ONLY", "insurance_failed"),
    ],
)
def test_an_order_cannot_fail_in_a_part_it_has_not(
    merchant: Merchant, client: FlaskClient, kind: str, outcome: str
) -> None:
    mixed = merchant.create_mixed("PARTS-0001", kind).json
    given = {"params": params(merchant, mixed), "outcome": outcome}
    answer = client.post("/_mock/phone/wechatpay/medical-pay", json=given)
    assert (answer.status_code, answer.json["code"]) == (400, "OUTCOME_UNKNOWN")  # type: ignore[index]


def test_b115_the_test_environment_is_echoed(merchant: Merchant) -> None:
    assert merchant.create_mixed("TESTENV-01", med_ins_test_env=True).json["med_ins_test_env"] is True
    assert merchant.query("TESTENV-01")["trade_state"] == "NOTPAY"


@pytest.mark.parametrize("retries", ["short", "full"])
def test_b116_the_ladder_of_this_event_is_a_choice(world: World, merchant: Merchant, tap: Tap, retries: str) -> None:
    from mock_providers.wechatpay.notify import SCHEDULE

    world.switch("medical_retries", retries)
    tap("medical-pay", params(merchant, merchant.create_mixed("LADDER-001").json))
    event = world.events()[1][0]
    ladder = SCHEDULE[event.about.get("schedule", event.type)]
    assert ladder == ((15, 15) if retries == "short" else SCHEDULE[""])


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"serial_no": "S" * 40}, 200),
        ({"serial_no": "S" * 41}, 400),
        ({"mix_pay_type": "UNKNOWN_MIX_PAY_TYPE"}, 400),
        ({"order_type": "UNKNOWN_ORDER_TYPE"}, 400),
        ({"callback_url": "https://a.example/?x=1"}, 400),
        ({"passthrough_request_content": "{"}, 400),
        ({"passthrough_request_content": '{"x": "' + "y" * 2048 + '"}'}, 400),
        ({"geo_location": "somewhere"}, 400),
        ({"total_fee": -1}, 400),
        ({"appid": "wx0"}, 400),
        ({"cash_reduce_detail": [{"cash_reduce_fee": 500, "cash_reduce_type": "UNKNOWN"}]}, 400),
    ],
)
def test_the_shape_of_an_order(merchant: Merchant, changes: dict[str, Any], status: int) -> None:
    answer = merchant.create_mixed("SHAPE-0001", "INSURANCE_ONLY", **changes)
    assert answer.status_code == status, answer.text


def test_the_length_of_serial_no_is_a_choice(world: World, merchant: Merchant) -> None:
    world.switch("serial_no_length", "20")
    answer = merchant.create_mixed("SERIAL-001", "INSURANCE_ONLY", serial_no="S" * 21)
    assert "字符数 21，大于最大值 20" in refused(answer, 400, "PARAM_ERROR")["message"]


@pytest.mark.parametrize("allowed", ["allow", "reject"])
def test_a_zero_insurance_sum_is_a_choice(world: World, merchant: Merchant, allowed: str) -> None:
    world.switch("insurance_only_zero", allowed)
    zero = dict.fromkeys(("total_fee", "med_ins_gov_fee", "med_ins_self_fee", "med_ins_cash_fee"), 0)
    answer = merchant.create_mixed("ZERO-00001", "INSURANCE_ONLY", cash_reduce_detail=None, **zero)
    assert answer.status_code == (200 if allowed == "allow" else 403), answer.text
