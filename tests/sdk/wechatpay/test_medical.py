"""wechatpayv3 on mixed orders (移动医保支付 2.0), which it has no methods for: its generic request carries them."""

import hashlib
from typing import Any

import pytest

from tests.mock_providers.wechatpay.conftest import World
from tests.mock_providers.wechatpay.merchant import Merchant
from tests.sdk.wechatpay.conftest import get, heard, order, post, tap

pytestmark = [
    pytest.mark.sdk,
    pytest.mark.filterwarnings("ignore::cryptography.utils.CryptographyDeprecationWarning"),
]
ID_NUMBER = "469099198803159034"


def digest(id_number: str) -> str:
    return hashlib.md5(id_number.upper().encode()).hexdigest()


def mixed(world: World, sdk: Any, number: str, kind: str = "CASH_AND_INSURANCE", **changes: Any) -> dict[str, Any]:
    """The official example, sealed by the SDK."""
    fields = Merchant(world.app.test_client(), world.credentials()).mixed(number, kind, **changes)
    core = getattr(sdk, "_inner", sdk)._core
    sealed = {"name": core.encrypt("林样一"), "id_digest": core.encrypt(digest(ID_NUMBER))}
    return {**fields, "payer": {**sealed, "card_type": "ID_CARD"}}


def test_a_mixed_order_is_made_paid_told_and_found(world: World, sdk: Any) -> None:
    prepay_id = order(sdk, "SDK-000004", 42000)
    fields = mixed(world, sdk, "SDK-000004", prepay_id=prepay_id)
    code, made = post(sdk, "/v3/med-ins/orders", fields)
    assert (code, made["mix_pay_status"]) == (200, "MIX_PAY_CREATED"), made
    said = tap(world, sdk, "medical-pay", prepay_id, mixTradeNo=made["mix_trade_no"])
    assert said == "requestMedicalInsurancePay:ok"
    cash, medical = heard(world, sdk)
    assert (cash["event_type"], medical["event_type"]) == ("TRANSACTION.SUCCESS", "MEDICAL_INSURANCE.SUCCESS")
    assert medical["resource"]["mix_pay_status"] == "MIX_PAY_SUCCESS"
    found = get(sdk, f"/v3/med-ins/orders/mix-trade-no/{made['mix_trade_no']}")
    assert found == (200, medical["resource"])
    assert get(sdk, "/v3/med-ins/orders/out-trade-no/SDK-000004") == found


def test_the_insurance_alone_pays_and_its_refund_is_reported(world: World, sdk: Any) -> None:
    code, made = post(sdk, "/v3/med-ins/orders", mixed(world, sdk, "SDK-000005", "INSURANCE_ONLY"))
    assert (code, made["self_pay_status"]) == (200, "NO_SELF_PAY"), made
    number = made["mix_trade_no"]
    assert tap(world, sdk, "medical-pay", None, mixTradeNo=number) == "requestMedicalInsurancePay:ok"
    report = {
        "med_refund_total_fee": 4500,
        "med_refund_gov_fee": 3000,
        "med_refund_self_fee": 1500,
        "med_refund_other_fee": 0,
        "refund_time": "2026-01-02T09:00:00+08:00",
        "out_refund_no": "R-SDK-000005",
    }
    path = f"/v3/med-ins/refunds/notify?mix_trade_no={number}"
    code, said = post(sdk, path, {**report, "med_refund_total_fee": 4501})
    assert (code, said["code"]) == (403, "RULE_LIMIT")
    assert post(sdk, path, report) == (204, None)
    code, found = get(sdk, f"/v3/med-ins/orders/mix-trade-no/{number}")
    assert (code, found["med_ins_pay_status"]) == (200, "MED_INS_PAY_REFUND")


def test_a_failing_bureau_is_seen_in_the_query_and_not_told(world: World, sdk: Any) -> None:
    code, made = post(sdk, "/v3/med-ins/orders", mixed(world, sdk, "SDK-000006", "INSURANCE_ONLY"))
    assert code == 200
    said = tap(world, sdk, "medical-pay", None, "insurance_failed", mixTradeNo=made["mix_trade_no"])
    assert said == "requestMedicalInsurancePay:fail"
    code, found = get(sdk, "/v3/med-ins/orders/out-trade-no/SDK-000006")
    assert (found["mix_pay_status"], found["med_ins_pay_status"]) == ("MIX_PAY_FAIL", "MED_INS_PAY_FAIL")
    assert found["med_ins_fail_reason"] and heard(world, sdk) == []


def test_refusals_name_their_class(world: World, sdk: Any) -> None:
    core = getattr(sdk, "_inner", sdk)._core
    other = {"name": core.encrypt("林样一"), "id_digest": core.encrypt(digest("460000199001010000"))}
    stranger = {**mixed(world, sdk, "SDK-000007", "INSURANCE_ONLY"), "payer": {**other, "card_type": "ID_CARD"}}
    code, said = post(sdk, "/v3/med-ins/orders", stranger)
    assert (code, said["code"], "身份ID摘要" in said["message"]) == (400, "PARAM_ERROR", True)
    code, said = post(sdk, "/v3/med-ins/orders", mixed(world, sdk, "SDK-000007", "INSURANCE_ONLY", total_fee=5001))
    assert (code, said["code"]) == (403, "RULE_LIMIT")
    world.plan("med_ins", "system_error")
    code, said = post(sdk, "/v3/med-ins/orders", mixed(world, sdk, "SDK-000007", "INSURANCE_ONLY"))
    assert (code, said["code"]) == (500, "SYSTEM_ERROR")
    assert post(sdk, "/v3/med-ins/orders", mixed(world, sdk, "SDK-000007", "INSURANCE_ONLY"))[0] == 200
    code, said = post(sdk, "/v3/med-ins/orders", mixed(world, sdk, "SDK-000007", "INSURANCE_ONLY"))
    assert (code, said["code"]) == (400, "ALREADY_EXISTS")
    assert get(sdk, "/v3/med-ins/orders/out-trade-no/NOBODYS-01")[0] == 404
