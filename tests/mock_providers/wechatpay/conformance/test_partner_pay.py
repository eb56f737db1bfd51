"""Payment, refunds and bills as a partner (服务商) calls them for its sub-merchant: §3.1, §3.2, §3.3, §4, §7."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from mock_providers.wechatpay import notify
from tests.mock_providers.wechatpay.conformance import bill
from tests.mock_providers.wechatpay.conformance.conftest import refused
from tests.mock_providers.wechatpay.conftest import World
from tests.mock_providers.wechatpay.merchant import NOTIFY, Merchant

Tap = Callable[..., str]
ORDERS = "/v3/pay/partner/transactions"
NOT_MATCHED = "APPID_MCHID_NOT_MATCH"


def order(partner: Merchant, number: str, **changes: Any) -> dict[str, Any]:
    held = partner.held
    made = {
        "sp_appid": held["sp_appid"],
        "sp_mchid": held["sp_mchid"],
        "sub_appid": held["sub_appid"],
        "sub_mchid": held["sub_mchid"],
        "description": "样例药品",
        "out_trade_no": number,
        "notify_url": f"{NOTIFY}/pay",
        "amount": {"total": 4200, "currency": "CNY"},
        "payer": {"sub_openid": "openid-P01"},
        **changes,
    }
    return {name: value for name, value in made.items() if value is not None}


def create(partner: Merchant, number: str, **changes: Any) -> str:
    answer = partner.post(f"{ORDERS}/jsapi", order(partner, number, **changes))
    assert answer.status_code == 200, answer.text
    partner.verifies(answer)
    return answer.json["prepay_id"]


def where(partner: Merchant, **changes: str) -> str:
    asked = {"sp_mchid": partner.held["sp_mchid"], "sub_mchid": partner.held["sub_mchid"], **changes}
    return "&".join(f"{name}={value}" for name, value in asked.items() if value)


def query(partner: Merchant, number: str, **changes: str) -> Any:
    return partner.get(f"{ORDERS}/out-trade-no/{number}?{where(partner, **changes)}")


def close(partner: Merchant, number: str, **changes: Any) -> Any:
    asked = {"sp_mchid": partner.held["sp_mchid"], "sub_mchid": partner.held["sub_mchid"], **changes}
    return partner.post(f"{ORDERS}/out-trade-no/{number}/close", asked)


def pay(partner: Merchant, tap: Tap, number: str, **changes: Any) -> str:
    """The payer pays in the sub-merchant's mini program; the partner signed."""
    app = partner.held["sub_appid"]
    return tap("pay", partner.pay_params(create(partner, number, **changes), appId=app))


@pytest.fixture
def paid(partner: Merchant, tap: Tap) -> str:
    assert pay(partner, tap, "PARTNER-01") == "requestPayment:ok"
    return "PARTNER-01"


def test_an_order_of_a_sub_merchant_is_made_paid_and_shown_by_either_number(
    partner: Merchant, tap: Tap, paid: str
) -> None:
    found = query(partner, paid).json
    held = partner.held
    assert {name: found[name] for name in ("sp_appid", "sp_mchid", "sub_appid", "sub_mchid")} == {
        name: held[name] for name in ("sp_appid", "sp_mchid", "sub_appid", "sub_mchid")
    }
    assert not {"appid", "mchid"} & found.keys()
    assert found["payer"] == {"sub_openid": "openid-P01"}
    assert (found["trade_state"], found["amount"]["payer_total"]) == ("SUCCESS", 4200)
    assert partner.get(f"{ORDERS}/id/{found['transaction_id']}?{where(partner)}").json == found


def test_the_plaintext_is_the_partners_and_sealed_with_its_keys(
    world: World, partner: Merchant, merchant: Merchant, paid: str
) -> None:
    event, url = world.events()[-1]
    assert (event.type, url) == ("TRANSACTION.SUCCESS", f"{NOTIFY}/pay")
    assert event.plain == query(partner, paid).json
    assert event.about["account"] == "wechatpay_partner"


def test_the_payer_may_be_known_to_the_partners_app_alone(partner: Merchant, tap: Tap) -> None:
    prepay = create(partner, "PARTNER-02", sub_appid=None, payer={"sp_openid": "openid-P02"})
    assert tap("pay", partner.pay_params(prepay, appId=partner.held["sub_appid"])).startswith("requestPayment:fail")
    assert tap("pay", partner.pay_params(prepay, appId=partner.held["sp_appid"])) == "requestPayment:ok"
    found = query(partner, "PARTNER-02").json
    assert found["payer"] == {"sp_openid": "openid-P02"}
    assert "sub_appid" not in found


def test_both_openids_are_taken_and_shown(partner: Merchant, tap: Tap) -> None:
    both = {"sp_openid": "openid-P01", "sub_openid": "openid-P01"}
    assert pay(partner, tap, "PARTNER-03", payer=both) == "requestPayment:ok"
    assert query(partner, "PARTNER-03").json["payer"] == both


def test_the_same_order_again_and_another_by_its_number(partner: Merchant) -> None:
    assert create(partner, "PARTNER-04") == create(partner, "PARTNER-04")
    answer = partner.post(f"{ORDERS}/jsapi", order(partner, "PARTNER-04", attach="x"))
    refused(answer, 403, "OUT_TRADE_NO_USED", "商户订单号重复")


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"sp_appid": "wx0"}, 400, NOT_MATCHED),
        ({"sub_appid": "wx0"}, 400, NOT_MATCHED),
        ({"sub_appid": "wx0", "payer": {"sp_openid": "openid-P01"}}, 400, NOT_MATCHED),
        ({"sp_mchid": "1900000001"}, 400, "PARAM_ERROR"),
        ({"sub_mchid": "1900000009"}, 400, "MCH_NOT_EXISTS"),
        ({"sub_mchid": "1900000001"}, 403, "NO_AUTH"),
        ({"sub_appid": None}, 400, "PARAM_ERROR"),
        ({"payer": {}}, 400, "PARAM_ERROR"),
        ({"payer": {"sub_openid": "o-stranger"}}, 400, "PARAM_ERROR"),
        ({"payer": {"sub_openid": "openid-P01", "sp_openid": "o-stranger"}}, 400, "PARAM_ERROR"),
        ({"amount": {"total": 0}}, 400, "PARAM_ERROR"),
        ({"sub_mchid": None}, 400, "PARAM_ERROR"),
    ],
)
def test_an_order_out_of_order(
    partner: Merchant, merchant: Merchant, changes: dict[str, Any], status: int, code: str
) -> None:
    refused(partner.post(f"{ORDERS}/jsapi", order(partner, "PARTNER-05", **changes)), status, code)
    refused(query(partner, "PARTNER-05"), 404, "ORDER_NOT_EXIST")


def test_a_merchant_has_nobody_to_sell_for_and_a_partner_does_not_sell(merchant: Merchant, partner: Merchant) -> None:
    asked = order(partner, "PARTNER-06", sp_mchid=merchant.held["mchid"])
    refused(merchant.post(f"{ORDERS}/jsapi", asked), 403, "NO_AUTH")
    refused(merchant.get(f"{ORDERS}/out-trade-no/PARTNER-06?{where(partner)}"), 403, "NO_AUTH")
    mine = {**merchant.order("PARTNER-06"), "mchid": partner.held["mchid"], "appid": partner.held["appid"]}
    refused(partner.post("/v3/pay/transactions/jsapi", mine), 403, "NO_AUTH")


def test_a_query_names_both(partner: Merchant, paid: str) -> None:
    for name in ("sp_mchid", "sub_mchid"):
        told = refused(query(partner, paid, **{name: ""}), 400, "PARAM_ERROR")
        assert told["detail"]["location"] == "query"
        answer = query(partner, paid, **{name: "1900000009"})
        refused(answer, 400, "PARAM_ERROR")
        assert answer.headers["Request-ID"].endswith("-268447843")
    refused(query(partner, "NOBODYS-01"), 404, "ORDER_NOT_EXIST", "订单不存在")


def test_close_is_204_and_may_be_repeated(partner: Merchant, paid: str) -> None:
    create(partner, "PARTNER-07")
    for _ in range(2):
        answer = close(partner, "PARTNER-07")
        assert (answer.status_code, answer.data) == (204, b"")
        partner.verifies(answer)
    assert query(partner, "PARTNER-07").json["trade_state"] == "CLOSED"
    refused(partner.post(f"{ORDERS}/jsapi", order(partner, "PARTNER-07")), 400, "ORDER_CLOSED")
    refused(close(partner, paid), 400, "ORDERPAID")
    refused(close(partner, "NOBODYS-01"), 404, "ORDER_NOT_EXIST")
    refused(close(partner, "PARTNER-07", sub_mchid=None), 400, "PARAM_ERROR")
    refused(close(partner, "PARTNER-07", sp_mchid="1900000001"), 400, "PARAM_ERROR")


def refund(partner: Merchant, number: str, refund_no: str, amount: int = 1000, **changes: Any) -> Any:
    more = {"sub_mchid": partner.held["sub_mchid"], **changes}
    return partner.refund(number, refund_no, amount, **{k: v for k, v in more.items() if v is not None})


def test_a_refund_for_a_merchant_nobody_knows_is_404_where_payment_says_400(partner: Merchant, paid: str) -> None:
    refused(refund(partner, paid, "PR1", sub_mchid="1900000009"), 404, "MCH_NOT_EXISTS")


def test_a_refund_names_the_sub_merchant(world: World, partner: Merchant, merchant: Merchant, paid: str) -> None:
    told = refused(refund(partner, paid, "PR1", sub_mchid=None), 400, "PARAM_ERROR")
    assert told["message"].endswith("必填性规则校验失败，此字段为必填项")
    assert told["detail"] == {"location": "body", "value": ""}
    refused(refund(partner, paid, "PR1", sub_mchid=merchant.held["mchid"]), 403, "NO_AUTH")
    answer = refund(partner, paid, "PR1", notify_url=f"{NOTIFY}/refund")
    assert answer.status_code == 200, answer.text
    assert (answer.json["status"], answer.json["out_trade_no"]) == ("PROCESSING", paid)
    refused(merchant.refund(paid, "PR2", 1000), 404, "RESOURCE_NOT_EXISTS")
    world.advance(seconds=3)
    event, _ = world.events()[-1]
    assert event.type == "REFUND.SUCCESS"
    assert (event.plain["sp_mchid"], event.plain["sub_mchid"]) == (
        partner.held["sp_mchid"],
        partner.held["sub_mchid"],
    )
    assert "mchid" not in event.plain
    assert event.plain["refund_status"] == "SUCCESS"


def test_a_query_of_a_refund_names_the_sub_merchant(partner: Merchant, paid: str) -> None:
    told = refund(partner, paid, "PR1").json
    target = "/v3/refund/domestic/refunds/PR1"
    assert partner.get(f"{target}?sub_mchid={partner.held['sub_mchid']}").json == told
    refused(partner.get(target), 400, "PARAM_ERROR")
    refused(partner.get(f"{target}?sub_mchid=1900000009"), 404, "MCH_NOT_EXISTS")


def test_a_stuck_refund_of_a_sub_merchant(world: World, partner: Merchant, paid: str) -> None:
    world.plan("refunds", "abnormal")
    number = refund(partner, paid, "PR1").json["refund_id"]
    world.advance(seconds=3)
    target = f"/v3/refund/domestic/refunds/{number}/apply-abnormal-refund"
    asked = {"out_refund_no": "PR1", "type": "MERCHANT_BANK_CARD"}
    refused(partner.post(target, asked), 400, "PARAM_ERROR")
    answer = partner.post(target, {**asked, "sub_mchid": partner.held["sub_mchid"]})
    assert answer.json["status"] == "PROCESSING"


def test_a_partners_bill_names_its_sub_merchant_in_each_line(
    world: World, partner: Merchant, merchant: Merchant, paid: str
) -> None:
    refund(partner, paid, "PR1")
    merchant.create("DIRECT-001")
    world.advance(seconds=3)
    world.advance(days=1)
    found = bill.fetched(partner, sub_mchid=partner.held["sub_mchid"], tar_type="GZIP")
    assert {(row["商户号"], row["特约商户号"]) for row in found.rows} == {
        (partner.held["sp_mchid"], partner.held["sub_mchid"])
    }
    assert {row["公众账号ID"] for row in found.rows} == {partner.held["sp_appid"]}
    assert found == bill.fetched(partner)
    assert sorted(row["交易状态"] for row in found.rows) == ["REFUND", "SUCCESS"]
    refused(bill.offer(merchant, "tradebill", bill.yesterday(merchant)), 400, "NO_STATEMENT_EXIST")
    day = bill.yesterday(partner)
    refused(bill.offer(partner, "tradebill", day, sub_mchid="1900000001"), 403, "NO_AUTH")
    refused(bill.offer(partner, "fundflowbill", day), 400, "NO_STATEMENT_EXIST")


def test_a_partners_notification_is_sealed_and_signed_with_the_partners_keys(
    world: World, partner: Merchant, paid: str
) -> None:
    event, _ = world.events()[-1]
    headers, body = notify.build(event, partner.held, datetime.now(UTC))
    partner.verify(dict(headers), body)
    assert json.loads(partner.open(json.loads(body)["resource"])) == query(partner, paid).json
