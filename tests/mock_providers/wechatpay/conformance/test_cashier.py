"""The cashier on the phone: what was planned, what the page hears, and in a page of the official account (§3.4)."""

import json
from typing import Any

import pytest
from flask.testing import FlaskClient

from mock_providers.phone.wechatpay import PAYS, SAYS
from tests.mock_providers.wechatpay.conformance.medical import CALL, ORDERS, Json, Tap, made, params, shown, states
from tests.mock_providers.wechatpay.conftest import World
from tests.mock_providers.wechatpay.merchant import Merchant

PAY = "/_mock/phone/wechatpay/pay"


def test_every_end_of_a_payment_can_be_planned(client: FlaskClient) -> None:
    known = client.get("/_mock/outcomes").json["known"]  # type: ignore[index]
    assert known["wechatpay.pay"] == list(SAYS)


@pytest.mark.parametrize("which", [{"person": "P01"}, {"ref": "PLANNED001"}, {}])
@pytest.mark.parametrize("end", SAYS)
def test_an_end_planned_by_person_by_number_or_for_the_next_happens_once(
    world: World, merchant: Merchant, tap: Tap, end: str, which: Json
) -> None:
    world.plan("pay", end, **which)
    prepay_id = merchant.create("PLANNED001")
    assert tap("pay", merchant.pay_params(prepay_id)) == f"requestPayment:{SAYS[end]}"
    paid = merchant.query("PLANNED001")["trade_state"] == "SUCCESS"
    assert paid == (end in PAYS)
    assert len(world.events()) == paid
    again = tap("pay", merchant.pay_params(prepay_id))
    assert again == ("requestPayment:fail 该订单已支付" if paid else "requestPayment:ok")


@pytest.mark.parametrize(
    ("end", "says"), [(None, "ok"), ("cancel", "cancel"), ("insufficient", "fail 余额不足"), ("paid_unseen", "fail")]
)
def test_a_page_hears_err_msg_in_the_bridges_words(
    merchant: Merchant, client: FlaskClient, end: str | None, says: str
) -> None:
    body = {"params": merchant.pay_params(merchant.create("PAGE-00001")), "via": "h5"} | (
        {"outcome": end} if end else {}
    )
    assert client.post(PAY, json=body).json == {"err_msg": f"get_brand_wcpay_request:{says}"}


@pytest.mark.parametrize("via", ["app", 1, None, []])
def test_a_call_comes_from_a_mini_program_or_a_page(client: FlaskClient, via: Any) -> None:
    answer = client.post(PAY, json={"params": {}, "via": via})
    assert (answer.status_code, answer.json["code"]) == (400, "FIELD_INVALID")  # type: ignore[index]


def test_a_mixed_order_of_the_official_account_is_paid_in_its_page(
    world: World, merchant: Merchant, client: FlaskClient
) -> None:
    appid = world.credentials(vendor="wechatpay_partner")["sp_appid"]
    prepay_id = merchant.create("OFFICIAL01", appid=appid, total=42000)
    mixed = made(merchant.post(ORDERS, merchant.mixed("OFFICIAL01", appid=appid, prepay_id=prepay_id)))
    signed = {k: v for k, v in merchant.pay_params(prepay_id, appId=appid).items() if k != "appId"}
    given = {"appid": appid, "mixTradeNo": mixed["mix_trade_no"], **signed}
    answer = client.post("/_mock/phone/wechatpay/medical-pay", json={"params": given, "via": "h5"})
    assert answer.json == {"err_msg": f"{CALL}:ok"}
    assert states(shown(merchant, "OFFICIAL01"))[0] == "SUCCESS"


def test_a_cash_order_of_the_one_app_does_not_fit_a_mixed_order_of_the_other(
    world: World, merchant: Merchant
) -> None:
    appid = world.credentials(vendor="wechatpay_partner")["sp_appid"]
    prepay_id = merchant.create("OFFICIAL02", appid=appid, total=42000)
    assert merchant.post(ORDERS, merchant.mixed("OFFICIAL02", prepay_id=prepay_id)).status_code == 403


def test_what_only_documents_forbid_is_warned_of_where_the_call_is_explained(
    world: World, merchant: Merchant, client: FlaskClient
) -> None:
    made(
        merchant.create_mixed(
            "WARNED0001", "CASH_ONLY", serial_no="S" * 21, callback_url="http://127.0.0.1:9/callbacks/pay"
        )
    )
    world.app.extensions["journal"].flush()
    rows = client.get("/_mock/calls?door=wechatpay&limit=500").json["items"]  # type: ignore[index]
    call = next(row["id"] for row in rows if row["target"].endswith(ORDERS))
    why = json.dumps(client.get(f"/_mock/calls/{call}").json)
    assert all(f"warning_{name}" in why for name in ("serial_no", "callback_url", "address"))


@pytest.mark.parametrize("number", [None, 1, "", "x", "1" * 300, [], {}])
def test_any_number_of_a_mixed_order_is_answered_with_a_fail(merchant: Merchant, tap: Tap, number: Any) -> None:
    mixed = made(merchant.create_mixed("GARBAGE001", "INSURANCE_ONLY"))
    assert tap("medical-pay", {**params(merchant, mixed), "mixTradeNo": number}).startswith(f"{CALL}:fail ")
