"""Every error row of §3.1, §3.2, §3.3, §4.1, §4.2 and §7 that a tester asks for by `/_mock/outcomes`."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from mock_providers import clock, outcomes
from tests.mock_providers.wechatpay.conformance.conftest import refused
from tests.mock_providers.wechatpay.conftest import World
from tests.mock_providers.wechatpay.merchant import Merchant

JSAPI = "/v3/pay/transactions/jsapi"
LIMITED = {
    "invalid_request": (400, "INVALID_REQUEST"),
    "frequency": (429, "FREQUENCY_LIMITED"),
    "system_error": (500, "SYSTEM_ERROR"),
}
QUERY = {
    **LIMITED,
    "mch_not_exists": (400, "MCH_NOT_EXISTS"),
    "rule_limit": (403, "RULE_LIMIT"),
    "trade_error": (403, "TRADE_ERROR"),
}
MISSING = {"mch_not_exists": (404, "MCH_NOT_EXISTS")}
ROWS: dict[str, dict[str, tuple[int, str]]] = {
    "jsapi": {
        **LIMITED,
        "mch_not_exists": (400, "MCH_NOT_EXISTS"),
        "no_auth": (403, "NO_AUTH"),
        "account_limited": (403, "NO_AUTH"),
        "rule_limit": (403, "RULE_LIMIT"),
        "illegal_parameter": (400, "INVALID_REQUEST"),
    },
    "query": QUERY,
    "close": QUERY,
    "refunds": {
        **LIMITED,
        **MISSING,
        "not_enough": (403, "NOT_ENOUGH"),
        "account_abnormal": (403, "USER_ACCOUNT_ABNORMAL"),
        "no_auth": (403, "NO_AUTH"),
        "request_blocked": (403, "REQUEST_BLOCKED"),
    },
    "refund_query": {**LIMITED, **MISSING},
    "abnormal_refund": {**LIMITED, **MISSING, "no_auth": (403, "NO_AUTH")},
    "bills": {
        **LIMITED,
        "no_auth": (403, "NO_AUTH"),
        "no_statement": (400, "NO_STATEMENT_EXIST"),
        "creating": (400, "STATEMENT_CREATING"),
    },
    "bill_download": {name: LIMITED[name] for name in ("frequency", "system_error")},
}
NOT_FAILURES = {"refunds": {"closed", "abnormal"}}
INTERNAL = {
    ("jsapi", "mch_not_exists"): 268443715,
    ("jsapi", "account_limited"): 268448010,
    ("jsapi", "frequency"): 268447840,
    ("jsapi", "illegal_parameter"): 270924358,
    ("jsapi", "invalid_request"): 268435461,
    ("close", "rule_limit"): 268449641,
}


def called(merchant: Merchant, target: str, number: str = "FAILS-0001") -> Any:
    """The call a target is about; no order need be there."""
    mchid = merchant.held["mchid"]
    with merchant.client.application.app_context():
        yesterday = clock.now().date() - timedelta(days=1)
    calls: dict[str, Callable[[], Any]] = {
        "jsapi": lambda: merchant.post(JSAPI, merchant.order(number)),
        "query": lambda: merchant.get(f"/v3/pay/transactions/out-trade-no/{number}?mchid={mchid}"),
        "close": lambda: merchant.post(f"/v3/pay/transactions/out-trade-no/{number}/close", {"mchid": mchid}),
        "refunds": lambda: merchant.refund(number, "R1"),
        "refund_query": lambda: merchant.get("/v3/refund/domestic/refunds/R1"),
        "abnormal_refund": lambda: merchant.post(
            "/v3/refund/domestic/refunds/5030/apply-abnormal-refund",
            {"out_refund_no": "R1", "type": "MERCHANT_BANK_CARD"},
        ),
        "bills": lambda: merchant.get(f"/v3/bill/tradebill?bill_date={yesterday}"),
        "bill_download": lambda: merchant.get("/v3/billdownload/file?token=abc"),
    }
    return calls[target]()


@pytest.mark.parametrize(("target", "outcome"), [(target, name) for target, rows in ROWS.items() for name in rows])
def test_an_error_row_answers_once_as_its_table_says(
    world: World, merchant: Merchant, target: str, outcome: str
) -> None:
    world.plan(target, outcome)
    answer = called(merchant, target)
    refused(answer, *ROWS[target][outcome])
    if number := INTERNAL.get((target, outcome)):
        assert answer.headers["Request-ID"].endswith(f"-{number}")
    again = called(merchant, target)
    assert again.status_code in (200, 400, 404)
    assert (again.status_code, (again.json or {}).get("code")) != ROWS[target][outcome] or outcome == "no_statement"


@pytest.mark.parametrize("target", ROWS)
def test_no_target_knows_a_failure_that_is_not_in_the_table(target: str) -> None:
    assert set(outcomes.KNOWN[f"wechatpay.{target}"]) - NOT_FAILURES.get(target, set()) == ROWS[target].keys()


def test_a_failure_is_for_a_person_an_order_or_the_next_few(world: World, merchant: Merchant) -> None:
    world.plan("jsapi", "rule_limit", person="P03")
    world.plan("jsapi", "system_error", ref="FAILS-0002", count=2)
    assert called(merchant, "jsapi").status_code == 200
    refused(merchant.post(JSAPI, merchant.order("FAILS-0003", openid="openid-P03")), 403, "RULE_LIMIT")
    for _ in range(2):
        refused(called(merchant, "jsapi", "FAILS-0002"), 500, "SYSTEM_ERROR")
    assert called(merchant, "jsapi", "FAILS-0002").status_code == 200


def test_a_query_that_fails_for_a_person_leaves_others_alone(world: World, merchant: Merchant) -> None:
    merchant.create("FAILS-0001", openid="openid-P02")
    merchant.create("FAILS-0002")
    world.plan("query", "system_error", person="P02")
    assert called(merchant, "query", "FAILS-0002").status_code == 200
    refused(called(merchant, "query"), 500, "SYSTEM_ERROR")
    assert called(merchant, "query").json["trade_state"] == "NOTPAY"


def test_failures_are_planned_through_the_control_api(client: FlaskClient, merchant: Merchant) -> None:
    asked = {"target": "wechatpay.close", "outcome": "trade_error", "next": 1}
    assert client.post("/_mock/outcomes", json=asked).status_code < 300
    refused(called(merchant, "close"), 403, "TRADE_ERROR")


@pytest.mark.parametrize("code", ["FREQUENCY_LIMITED", "RATELIMIT_EXCEEDED"])
@pytest.mark.parametrize("target", ["query", "refunds", "bills"])
def test_too_often_has_two_names(world: World, merchant: Merchant, target: str, code: str) -> None:
    world.switch("frequency_code", code)
    world.plan(target, "frequency")
    refused(called(merchant, target), 429, code)


@pytest.mark.parametrize("target", ["jsapi", "query", "close"])
def test_a_merchant_without_the_product_may_not_do_anything_with_orders(
    world: World, merchant: Merchant, target: str
) -> None:
    world.switch("merchant_state", "no_payment")
    refused(called(merchant, target), 403, "NO_AUTH")
