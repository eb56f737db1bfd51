"""JSAPI orders and the cashier: checks B.2 of the protocol sheet."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from mock_providers import clock
from tests.mock_providers.wechatpay.conftest import World
from tests.mock_providers.wechatpay.merchant import Merchant
from tests.mock_providers.wechatpay.test_door import refused

JSON = "application/json; charset=utf-8"
JSAPI = "/v3/pay/transactions/jsapi"
Tap = Callable[..., str]
UNMAPPED = "无法将 JSON 输入源“/body/payer/openid”映射到目标字段“用户标识”中"
GOODS = {"merchant_goods_id": "g" * 32, "goods_name": "字" * 200, "quantity": 1, "unit_price": 1}


def closed(merchant: Merchant, number: str, mchid: str | None = None) -> Any:
    content = {"mchid": mchid or merchant.held["mchid"]}
    return merchant.post(f"/v3/pay/transactions/out-trade-no/{number}/close", content)


def test_p32_a_minimal_order_gets_a_prepay_id(merchant: Merchant) -> None:
    answer = merchant.post(JSAPI, merchant.order("MINIMAL-01"))
    assert answer.status_code == 200
    assert answer.json["prepay_id"].startswith("wx")
    merchant.verifies(answer)


def test_p33_the_same_order_again_gets_a_usable_prepay_id(merchant: Merchant, tap: Tap) -> None:
    merchant.create("AGAIN-0001")
    assert tap("pay", merchant.pay_params(merchant.create("AGAIN-0001"))) == "requestPayment:ok"


def test_p34_the_same_number_with_another_amount(merchant: Merchant) -> None:
    merchant.create("USED-00001")
    refused(merchant.post(JSAPI, merchant.order("USED-00001", total=1)), 403, "OUT_TRADE_NO_USED", "商户订单号重复")


def test_p35_an_amount_of_nothing(merchant: Merchant) -> None:
    message = "输入源“/body/amount/total”映射到数值字段“总金额”规则校验失败，值低于最小值 1"
    answer = merchant.post(JSAPI, merchant.order("ZERO-00001", total=0))
    assert refused(answer, 400, "PARAM_ERROR", message)["detail"]["location"] == "body"
    assert answer.headers["Request-ID"].endswith("-268435464")


def test_p37_an_order_without_a_payer(merchant: Merchant) -> None:
    answer = merchant.post(JSAPI, merchant.order("NOPAYER-01", payer={}))
    message = "输入源“/body/payer/openid”映射到字段“用户标识”必填性规则校验失败，此字段为必填项"
    assert refused(answer, 400, "PARAM_ERROR", message)["detail"] == {"location": "body", "value": ""}


def test_p36_another_currency_is_told_with_its_field(merchant: Merchant) -> None:
    answer = merchant.post(JSAPI, merchant.order("USD-000001", amount={"total": 1, "currency": "USD"}))
    detail = refused(answer, 400, "PARAM_ERROR")["detail"]
    assert detail.pop("issue")
    assert detail == {"field": "/amount/currency", "location": "body", "value": "USD"}


@pytest.mark.parametrize("number", ["short", "x" * 33, "has a space", "符号不对符号不对", "semi;colon"])
def test_p38_an_order_number_out_of_shape(merchant: Merchant, number: str) -> None:
    refused(merchant.post(JSAPI, merchant.order(number)), 400, "PARAM_ERROR")


@pytest.mark.parametrize("number", ["AZaz09_-|*", "x" * 32, "sixsix"])
def test_p39_an_order_number_in_shape(merchant: Merchant, number: str) -> None:
    merchant.create(number)


@pytest.mark.parametrize(
    "url",
    [
        "https://a.example/b?a=1",
        "ftp://a.example/",
        "https://a.example/#x",
        "http://[::1]/",
        "https://a b/",
        "a.example",
    ],
)
def test_p40_a_notify_url_out_of_shape(merchant: Merchant, url: str) -> None:
    refused(merchant.post(JSAPI, merchant.order("URL-000001", notify_url=url)), 400, "PARAM_ERROR")


@pytest.mark.parametrize("url", ["http://localhost:8000/s/default/callbacks/x", "https://a.example/pay"])
def test_http_and_localhost_are_accepted_unless_a_switch_says_no(world: World, merchant: Merchant, url: str) -> None:
    merchant.create("LOCAL-0001", notify_url=url)
    world.switch("callback_url", "https_only")
    answer = merchant.post(JSAPI, merchant.order("LOCAL-0002", notify_url=url))
    assert answer.status_code == (200 if url.startswith("https") else 400)


def test_p41_an_appid_that_is_not_the_merchants(merchant: Merchant) -> None:
    refused(merchant.post(JSAPI, merchant.order("APPID-0001", appid="wx0")), 400, "APPID_MCHID_NOT_MATCH")


def test_the_mchid_of_the_body_is_the_callers(merchant: Merchant) -> None:
    answer = merchant.post(JSAPI, merchant.order("MCHID-0001", mchid="1900000002"))
    refused(answer, 400, "PARAM_ERROR", "http header中的mchid与post payload中的mchid不匹配")


def test_an_openid_of_another_app(merchant: Merchant) -> None:
    refused(merchant.post(JSAPI, merchant.order("OPENID-001", openid="o-stranger")), 400, "PARAM_ERROR")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"payer": {"openid": 7}}, f"{UNMAPPED}，此字段需要一个 string 类型的 Json 值"),
        ({"attach": "字" * 43}, "字节数 129，大于最大值 128"),
        ({"description": "字" * 128}, "字符数 128，大于最大值 127"),
        ({"description": "笑😀"}, "1 至 3 字节"),
        ({"amount": {"total": 1.5}}, "需要一个合法的 64 位有符号整数"),
        ({"amount": {"total": True}}, "需要一个合法的 64 位有符号整数"),
        ({"amount": {"total": 2**40}}, "高于最大值"),
        ({"amount": {"total": 10**30}}, "需要一个合法的 64 位有符号整数"),
        ({"amount": [1]}, "需要一个 object 类型"),
        ({"amount": None}, "必填性规则校验失败"),
        ({"amount": {"total": 1, "currency": "USD"}}, "枚举"),
        ({"time_expire": "2026-01-01 00:00:00"}, "支付结束时间格式错误"),
        ({"time_expire": "0001-01-01T00:00:00+14:00"}, "支付结束时间格式错误"),
        ({"detail": {"goods_detail": [{"quantity": 1, "unit_price": 1}]}}, "goods_detail/0/merchant_goods_id"),
        ({"detail": {"goods_detail": [GOODS] * 10}}, "优惠功能长度超过限制"),
        ({"scene_info": {"device_id": "d"}}, "/body/scene_info/payer_client_ip"),
    ],
)
def test_the_schema_layer_says_what_is_wrong(merchant: Merchant, changes: dict[str, Any], says: str) -> None:
    answer = merchant.post(JSAPI, merchant.order("SCHEMA-001") | changes)
    assert says in refused(answer, 400, "PARAM_ERROR")["message"]


def test_null_and_unknown_members_are_as_good_as_absent(merchant: Merchant) -> None:
    merchant.create("NULLS-0001", attach=None, goods_tag="", unheard_of={"x": 1})


def test_p42_an_unpaid_order_has_no_transaction(merchant: Merchant) -> None:
    merchant.create("UNPAID-001")
    found = merchant.query("UNPAID-001")
    assert found["trade_state"] == "NOTPAY"
    assert found["amount"]["total"] == 4200
    assert not {"transaction_id", "trade_type", "success_time"} & found.keys()


def test_p43_and_p44_a_paid_order_by_either_number(merchant: Merchant, tap: Tap) -> None:
    assert tap("pay", merchant.pay_params(merchant.create("PAID-00001"))) == "requestPayment:ok"
    found = merchant.query("PAID-00001")
    assert (found["trade_state"], found["trade_type"]) == ("SUCCESS", "JSAPI")
    assert found["amount"]["payer_total"] == 4200
    assert found["success_time"].endswith("+08:00")
    number = found["transaction_id"]
    assert merchant.get(f"/v3/pay/transactions/id/{number}?mchid={merchant.held['mchid']}").json == found


def test_p45_an_unknown_order(merchant: Merchant) -> None:
    answer = merchant.get(f"/v3/pay/transactions/out-trade-no/NOBODYS-01?mchid={merchant.held['mchid']}")
    refused(answer, 404, "ORDER_NOT_EXIST", "订单不存在")
    answer = merchant.get(f"/v3/pay/transactions/id/4200?mchid={merchant.held['mchid']}")
    refused(answer, 404, "ORDER_NOT_EXIST")


def test_p46_a_query_without_a_merchant(merchant: Merchant) -> None:
    said = refused(merchant.get("/v3/pay/transactions/out-trade-no/UNPAID-001"), 400, "PARAM_ERROR")
    assert said["detail"]["location"] == "query"


def test_a_query_with_another_merchant(merchant: Merchant) -> None:
    answer = merchant.get("/v3/pay/transactions/out-trade-no/UNPAID-001?mchid=1900000002")
    refused(answer, 400, "PARAM_ERROR")
    assert answer.headers["Request-ID"].endswith("-268447843")


def test_p47_and_p48_close_is_204_signed_and_may_be_repeated(merchant: Merchant) -> None:
    merchant.create("CLOSE-0001")
    for _ in range(2):
        answer = closed(merchant, "CLOSE-0001")
        assert (answer.status_code, answer.data) == (204, b"")
        assert (answer.headers["Content-Length"], answer.headers["Content-Type"]) == ("0", JSON)
        merchant.verifies(answer)
        assert answer.content_type.startswith("application/json")
    assert merchant.query("CLOSE-0001")["trade_state"] == "CLOSED"


@pytest.mark.parametrize("code", ["ORDERPAID", "ORDER_PAID"])
def test_p49_a_paid_order_is_not_closed(world: World, merchant: Merchant, tap: Tap, code: str) -> None:
    world.switch("paid_order_code", code)
    tap("pay", merchant.pay_params(merchant.create("PAID-00002")))
    refused(closed(merchant, "PAID-00002"), 400, code, "该订单已支付")
    refused(merchant.post(JSAPI, merchant.order("PAID-00002")), 400, code)


def test_closing_an_unknown_order(merchant: Merchant) -> None:
    refused(closed(merchant, "NOBODYS-02"), 404, "ORDER_NOT_EXIST")


def test_p50_a_closed_number_is_used_up(merchant: Merchant) -> None:
    merchant.create("CLOSE-0002")
    closed(merchant, "CLOSE-0002")
    refused(merchant.post(JSAPI, merchant.order("CLOSE-0002")), 400, "ORDER_CLOSED")


def test_p51_the_cashier_checks_the_signature(merchant: Merchant, tap: Tap) -> None:
    params = merchant.pay_params(merchant.create("SIGN-00001"))
    assert tap("pay", {**params, "nonceStr": "other"}) == "requestPayment:fail 支付验证签名失败"
    assert tap("pay", {**params, "signType": "MD5"}) == "requestPayment:fail 支付验证签名失败"
    assert tap("pay", {**params, "timeStamp": 1}).startswith("requestPayment:fail parameter error")
    assert tap("pay", {k: v for k, v in params.items() if k != "paySign"}).startswith("requestPayment:fail")
    assert merchant.query("SIGN-00001")["trade_state"] == "NOTPAY"


@pytest.mark.parametrize("package", ["", "prepay_id=", "prepay_id=wx0", "id=x"])
def test_p52_a_package_without_a_prepay_id(merchant: Merchant, tap: Tap, package: str) -> None:
    params = merchant.pay_params(merchant.create("PACKAGE-01"), package=package)
    assert tap("pay", params).startswith("requestPayment:fail")
    bare = merchant.create("PACKAGE-01")
    assert tap("pay", merchant.pay_params(bare, package=bare)).startswith("requestPayment:fail")


def test_the_cashier_wants_the_orders_own_app(merchant: Merchant, tap: Tap) -> None:
    params = merchant.pay_params(merchant.create("APP-000001"), appId="wx0000000000000000")
    assert tap("pay", params) == "requestPayment:fail appId 与下单时不一致"


def test_p53_a_prepay_id_lives_two_hours(world: World, merchant: Merchant, tap: Tap) -> None:
    old = merchant.create("PREPAY-001")
    world.advance(hours=2, seconds=1)
    assert tap("pay", merchant.pay_params(old)).startswith("requestPayment:fail")
    new = merchant.create("PREPAY-001")
    assert new != old
    assert tap("pay", merchant.pay_params(new)) == "requestPayment:ok"


def test_p54_a_paid_or_closed_order_cannot_be_paid(merchant: Merchant, tap: Tap) -> None:
    params = merchant.pay_params(merchant.create("TWICE-0001"))
    tap("pay", params)
    assert tap("pay", params) == "requestPayment:fail 该订单已支付"
    params = merchant.pay_params(merchant.create("TWICE-0002"))
    closed(merchant, "TWICE-0002")
    assert tap("pay", params) == "requestPayment:fail 该订单已关闭"


@pytest.mark.parametrize(
    ("outcome", "says"),
    [("insufficient", "fail 余额不足"), ("cancel", "fail cancel"), ("expired", "fail 订单已过期")],
)
def test_p55_a_failed_attempt_changes_nothing(
    world: World, merchant: Merchant, tap: Tap, outcome: str, says: str
) -> None:
    params = merchant.pay_params(merchant.create("FAILED-001"))
    assert tap("pay", params, outcome) == f"requestPayment:{says}"
    assert merchant.query("FAILED-001")["trade_state"] == "NOTPAY"
    assert not world.events()
    assert tap("pay", params) == "requestPayment:ok"


def test_an_unpaid_order_closes_after_seven_days(world: World, merchant: Merchant) -> None:
    merchant.create("LATE-00001")
    world.advance(days=7, seconds=-5)
    assert merchant.query("LATE-00001")["trade_state"] == "NOTPAY"
    world.advance(seconds=6)
    assert merchant.query("LATE-00001")["trade_state"] == "CLOSED"


@pytest.mark.parametrize(
    ("days", "seconds", "cap", "closes_after"),
    [(0, 5, "15", 60), (0, 3600, "15", 3600), (30, 0, "15", 15 * 86400), (30, 0, "7", 7 * 86400), (-3, 0, "15", 60)],
)
def test_time_expire_is_moved_into_its_bounds(
    world: World, merchant: Merchant, days: int, seconds: int, cap: str, closes_after: int
) -> None:
    world.switch("time_expire_cap_days", cap)
    with world.app.app_context():
        wanted = clock.now() + timedelta(days=days, seconds=seconds)
    merchant.create("EXPIRE-001", time_expire=wanted.isoformat(timespec="seconds"))
    world.advance(seconds=closes_after - 4)
    assert merchant.query("EXPIRE-001")["trade_state"] == "NOTPAY"
    world.advance(seconds=5)
    assert merchant.query("EXPIRE-001")["trade_state"] == "CLOSED"


@pytest.mark.parametrize(
    ("outcome", "status", "code"),
    [
        ("system_error", 500, "SYSTEM_ERROR"),
        ("frequency", 429, "FREQUENCY_LIMITED"),
        ("no_auth", 403, "NO_AUTH"),
        ("rule_limit", 403, "RULE_LIMIT"),
    ],
)
def test_a_planned_refusal_happens_once(
    world: World, merchant: Merchant, outcome: str, status: int, code: str
) -> None:
    world.plan("jsapi", outcome, person="P01")
    refused(merchant.post(JSAPI, merchant.order("PLANNED-01")), status, code)
    merchant.create("PLANNED-01")


def test_the_frequency_code_is_a_choice(world: World, merchant: Merchant) -> None:
    world.switch("frequency_code", "RATELIMIT_EXCEEDED")
    world.plan("close", "frequency")
    refused(closed(merchant, "ANY-000001"), 429, "RATELIMIT_EXCEEDED")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (None, "BODY_NOT_JSON"),
        ([], "BODY_NOT_JSON"),
        ({"outcome": "paid"}, "FIELD_INVALID"),
        ({"params": {}, "outcome": 1}, "FIELD_INVALID"),
        ({"params": {}, "person": "P01"}, "FIELD_INVALID"),
        ({"params": {}, "outcome": "rich"}, "OUTCOME_UNKNOWN"),
    ],
)
@pytest.mark.parametrize("call", ["pay", "medical-pay"])
def test_the_phone_refuses_bad_control_input(
    merchant: Merchant, client: FlaskClient, call: str, body: Any, code: str
) -> None:
    answer = client.post(f"/_mock/phone/wechatpay/{call}", json=body)
    assert (answer.status_code, answer.json["code"]) == (400, code)  # type: ignore[index]


def test_without_anybody_who_knows_openids_every_openid_will_do(world: World, merchant: Merchant, tap: Tap) -> None:
    del world.app.extensions["person_of_openid"]
    mixed = merchant.create_mixed("ANYBODY-01", openid="o-anybody", payer=merchant.someone("某样", "1"))
    assert mixed.status_code == 403, "the cash order is P01's"
    order = merchant.order("ANYBODY-02", openid="o-anybody", scene_info={"payer_client_ip": "::1", "device_id": "D1"})
    assert merchant.post(JSAPI, order).status_code == 200
    assert merchant.query("ANYBODY-02")["scene_info"] == {"device_id": "D1"}


def test_p44_by_the_transaction_id_the_body_is_the_same(merchant: Merchant, tap: Tap) -> None:
    tap("pay", merchant.pay_params(merchant.create("PAID-00003")))
    found = merchant.query("PAID-00003")
    number = found["transaction_id"]
    assert merchant.get(f"/v3/pay/transactions/id/{number}?mchid={merchant.held['mchid']}").json == found


def test_p48_closing_a_closed_order_is_204_again(merchant: Merchant) -> None:
    merchant.create("CLOSE-0003")
    assert [closed(merchant, "CLOSE-0003").status_code for _ in range(3)] == [204, 204, 204]
    refused(closed(merchant, "CLOSE-0003", "1900000002"), 400, "PARAM_ERROR")


def test_p36_attach_is_counted_in_bytes(merchant: Merchant) -> None:
    merchant.create("ATTACH-001", attach="字" * 42 + "ab")
    assert merchant.query("ATTACH-001")["attach"] == "字" * 42 + "ab"
    answer = merchant.post(JSAPI, merchant.order("ATTACH-002", attach="字" * 43))
    message = "输入源“/body/attach”映射到值字段“商户数据包”字符串规则校验失败，字节数 129，大于最大值 128"
    assert refused(answer, 400, "PARAM_ERROR", message)["detail"] == {"location": "body", "value": 129}


EVERYTHING = {
    "time_expire": "2099-01-01T00:00:00+08:00",
    "attach": "附加",
    "goods_tag": "WXG",
    "support_fapiao": True,
    "detail": {
        "cost_price": 4300,
        "invoice_id": "INV1",
        "goods_detail": [
            {
                "merchant_goods_id": "G1",
                "wechatpay_goods_id": "1001",
                "goods_name": "样例药品",
                "quantity": 1,
                "unit_price": 4200,
            }
        ],
    },
    "scene_info": {
        "payer_client_ip": "127.0.0.1",
        "device_id": "D1",
        "store_info": {"id": "S1", "name": "样例药房", "area_code": "460100", "address": "样例路1号"},
    },
    "settle_info": {"profit_sharing": False},
    "limit_pay": ["no_credit"],
}


def test_every_optional_field_is_taken_and_belongs_to_what_must_be_the_same(merchant: Merchant) -> None:
    order = merchant.order("FULL-00001", **EVERYTHING)
    first = merchant.post(JSAPI, order)
    assert first.status_code == 200, first.text
    assert merchant.post(JSAPI, order).json == first.json
    found = merchant.query("FULL-00001")
    assert (found["attach"], found["scene_info"]) == ("附加", {"device_id": "D1"})
    for name in EVERYTHING:
        fewer = {key: value for key, value in order.items() if key != name}
        refused(merchant.post(JSAPI, fewer), 403, "OUT_TRADE_NO_USED", "商户订单号重复")


@pytest.mark.parametrize(
    "changes",
    [
        {"total": 4201},
        {"description": "另一样药品"},
        {"notify_url": "https://a.example/other"},
        {"openid": "openid-P02"},
        {"time_expire": "2099-01-01T00:00:00+08:00"},
    ],
)
def test_p34_any_other_parameter_is_refused_too(merchant: Merchant, changes: dict[str, Any]) -> None:
    merchant.create("CHANGED-01")
    answer = merchant.post(JSAPI, merchant.order("CHANGED-01", **changes))
    refused(answer, 403, "OUT_TRADE_NO_USED", "商户订单号重复")
    assert answer.headers["Request-ID"].endswith("-268498688")
    assert merchant.query("CHANGED-01")["amount"]["total"] == 4200


@pytest.mark.parametrize(
    ("order", "status", "code", "number"),
    [
        ({"appid": "wx0000000000000000"}, 400, "APPID_MCHID_NOT_MATCH", 268445527),
        ({"amount": {"total": 0}}, 400, "PARAM_ERROR", 268435464),
        ({"description": ""}, 400, "PARAM_ERROR", 268435461),
        ({"payer": {"openid": "o-stranger"}}, 400, "PARAM_ERROR", 268501013),
    ],
)
def test_a_refusal_carries_its_internal_number(
    merchant: Merchant, order: dict[str, Any], status: int, code: str, number: int
) -> None:
    answer = merchant.post(JSAPI, {**merchant.order("NUMBER-001"), **order})
    refused(answer, status, code)
    assert answer.headers["Request-ID"].endswith(f"-{number}")


def test_paid_closed_and_unknown_carry_their_internal_numbers(merchant: Merchant, tap: Tap) -> None:
    tap("pay", merchant.pay_params(merchant.create("NUMBER-002")))
    merchant.create("NUMBER-003")
    closed(merchant, "NUMBER-003")
    ends = {
        merchant.post(JSAPI, merchant.order("NUMBER-002")): 268498689,
        closed(merchant, "NUMBER-002"): 268449538,
        merchant.post(JSAPI, merchant.order("NUMBER-003")): 268447914,
        closed(merchant, "NUMBER-004"): 268512771,
        merchant.get(f"/v3/pay/transactions/id/1?mchid={merchant.held['mchid']}"): 268512771,
    }
    for answer, number in ends.items():
        assert answer.headers["Request-ID"].endswith(f"-{number}"), answer.text


def test_time_expire_counts_from_the_first_create(world: World, merchant: Merchant) -> None:
    """It cannot be put off by creating again; a time sooner than a minute is a minute ahead."""
    soon = (clock_in(world) + timedelta(seconds=30)).isoformat(timespec="seconds")
    order = merchant.order("SOON-00001", time_expire=soon)
    assert merchant.post(JSAPI, order).status_code == 200
    world.advance(seconds=50)
    assert merchant.post(JSAPI, order).status_code == 200
    assert merchant.query("SOON-00001")["trade_state"] == "NOTPAY"
    world.advance(seconds=15)
    assert merchant.query("SOON-00001")["trade_state"] == "CLOSED"
    refused(merchant.post(JSAPI, order), 400, "ORDER_CLOSED")


def clock_in(world: World) -> Any:
    with world.app.app_context():
        return clock.now()


@pytest.mark.parametrize("coupon", ["paid_with_coupon", "paid_with_cash_coupon"])
def test_a_coupon_pays_part_of_the_total_and_every_sum_is_right(merchant: Merchant, tap: Tap, coupon: str) -> None:
    assert tap("pay", merchant.pay_params(merchant.create("COUPON-001")), coupon) == "requestPayment:ok"
    found = merchant.query("COUPON-001")
    [one] = found["promotion_detail"]
    assert found["amount"]["total"] == 4200
    assert found["amount"]["payer_total"] + one["amount"] == 4200
    assert one["type"] == ("CASH" if "cash" in coupon else "NOCASH")
    assert one["amount"] == sum(one[f"{who}_contribute"] for who in ("wechatpay", "merchant", "other"))
    assert one["scope"] == "GLOBAL"


def test_a_coupon_leaves_the_payer_at_least_a_fen(merchant: Merchant, tap: Tap) -> None:
    tap("pay", merchant.pay_params(merchant.create("COUPON-002", total=1)), "paid_with_coupon")
    found = merchant.query("COUPON-002")
    assert (found["promotion_detail"], found["amount"]["payer_total"]) == ([], 1)


@pytest.mark.parametrize(
    "outcome", ["insufficient", "wrong_password", "account_frozen", "account_closed", "bank_refused", "cancel"]
)
def test_p55_the_next_payment_of_a_person_fails_as_planned_and_the_one_after_succeeds(
    world: World, merchant: Merchant, client: FlaskClient, outcome: str
) -> None:
    world.plan("pay", outcome, person="P03")
    params = merchant.pay_params(merchant.create("PLANNED-02", openid="openid-P03"))
    first = client.post("/_mock/phone/wechatpay/pay", json={"params": params}).json["errMsg"]
    assert first.startswith("requestPayment:fail")
    assert merchant.query("PLANNED-02")["trade_state"] == "NOTPAY"
    assert world.events() == []
    again = client.post("/_mock/phone/wechatpay/pay", json={"params": params}).json["errMsg"]
    assert again == "requestPayment:ok"


def test_no_state_of_the_payment_code_is_ever_shown() -> None:
    from mock_providers.wechatpay import rules

    assert set(rules.TRADE_SAYS) == {"NOTPAY", "SUCCESS", "CLOSED", "REFUND"}
    assert set(rules.TRADE.values()) | {"NOTPAY"} == set(rules.TRADE_SAYS)


def test_the_official_account_is_bound_to_the_merchant_too(world: World, merchant: Merchant, tap: Tap) -> None:
    appid = world.credentials(vendor="wechatpay_partner")["sp_appid"]
    prepay = merchant.create("OFFICIAL-1", appid=appid)
    assert tap("pay", merchant.pay_params(prepay)).startswith("requestPayment:fail")
    assert tap("pay", merchant.pay_params(prepay, appId=appid)) == "requestPayment:ok"
    assert merchant.query("OFFICIAL-1")["appid"] == appid
