"""A mixed order is paid: the call, the three state columns, the notification (wechatpay.md §6.4 to §6.10)."""

import json
from typing import Any

import pytest
from flask.testing import FlaskClient

from mock_providers.phone.medical_pay import ENDS
from mock_providers.webhooks.models import Event
from mock_providers.webhooks.transport import Reply
from tests.mock_providers.wechatpay.conformance.medical import (
    CALL,
    KINDS,
    NEVER,
    Json,
    Tap,
    made,
    params,
    pay,
    shown,
    states,
)
from tests.mock_providers.wechatpay.conftest import World
from tests.mock_providers.wechatpay.merchant import NOTIFY, Merchant

MEDICAL = "MEDICAL_INSURANCE.SUCCESS"


def types(world: World) -> list[str]:
    return [event.type for event, _ in world.events()]


def medical_event(world: World) -> Event:
    return next(event for event, _ in world.events() if event.type == MEDICAL)


# paid

PAID = {
    "CASH_AND_INSURANCE": ("SUCCESS", "SELF_PAY_SUCCESS", "MED_INS_PAY_SUCCESS"),
    "CASH_ONLY": ("SUCCESS", "SELF_PAY_SUCCESS", "NO_MED_INS_PAY"),
    "INSURANCE_ONLY": ("SUCCESS", "NO_SELF_PAY", "MED_INS_PAY_SUCCESS"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_p102_p106_paid_tells_every_address_there_is(world: World, merchant: Merchant, tap: Tap, kind: str) -> None:
    world.settled.clear()
    mixed = made(merchant.create_mixed("PAID-00001", kind))
    assert "paid_time" not in mixed
    assert tap("medical-pay", params(merchant, mixed)) == f"{CALL}:ok"
    told = shown(merchant, "PAID-00001")
    assert states(told) == PAID[kind]
    assert told["paid_time"].endswith("+08:00")
    assert told.keys() - mixed.keys() <= {"paid_time", "passthrough_response_content"}
    addresses = [(event.type, url) for event, url in world.events()]
    cash = [("TRANSACTION.SUCCESS", f"{NOTIFY}/pay")] if kind != "INSURANCE_ONLY" else []
    assert addresses == [*cash, (MEDICAL, f"{NOTIFY}/medical-insurance")]
    if cash:
        order = merchant.query("PAID-00001")
        assert (order["trade_state"], order["amount"]["total"]) == ("SUCCESS", told["wechat_pay_cash_fee"])
    if kind == "CASH_ONLY":
        assert not world.settled and "passthrough_response_content" not in told
    else:
        assert json.loads(told["passthrough_response_content"]) == {"setl_id": "S1"}


def test_the_bureau_settles_with_the_orders_own_numbers(world: World, merchant: Merchant, tap: Tap) -> None:
    pay(merchant, tap, "SETTLE0001")
    [asked] = world.settled
    amounts = {"gov_fee": 100000, "self_fee": 45000, "other_fee": 5000, "cash_fee": 50000}
    numbers = {"pay_order_id": "ORD460000000000000000000001", "pay_auth_no": "AUTH460000000000000000000001"}
    assert asked == {**amounts, **numbers, "outcome": "paid"}


@pytest.mark.parametrize(
    ("fields", "summary", "original"), [("summary", True, False), ("both", True, True), ("neither", False, False)]
)
def test_p103_the_notification_opens_to_the_query(
    world: World, merchant: Merchant, tap: Tap, fields: str, summary: bool, original: bool
) -> None:
    world.switch("medical_event_fields", fields)
    told = pay(merchant, tap, "NOTICE0001")
    headers, body = world.built(medical_event(world))
    merchant.verify(headers, body)
    envelope = json.loads(body)
    assert envelope["event_type"] == MEDICAL and len(envelope["id"]) <= 64
    assert envelope["resource_type"] == "encrypt-resource"
    assert ("summary" in envelope, "original_type" in envelope["resource"]) == (summary, original)
    assert (envelope["resource"]["algorithm"], envelope["resource"]["associated_data"]) == ("AEAD_AES_256_GCM", "")
    plain = json.loads(merchant.open(envelope["resource"]))
    assert plain == told
    assert not NEVER & plain.keys()


def test_a_merchant_without_an_apiv3_key_is_not_told(world: World, merchant: Merchant, tap: Tap) -> None:
    mixed = made(merchant.create_mixed("NOKEY00001", "INSURANCE_ONLY"))
    world.switch("merchant_state", "no_apiv3_key")
    tap("medical-pay", params(merchant, mixed))
    assert not types(world)


# failed

FAILED = {
    "insurance_failed": {
        "CASH_AND_INSURANCE": ("FAIL", "SELF_PAY_FAIL", "MED_INS_PAY_FAIL"),
        "INSURANCE_ONLY": ("FAIL", "NO_SELF_PAY", "MED_INS_PAY_FAIL"),
    },
    "insurance_failed_after_cash": {"CASH_AND_INSURANCE": ("FAIL", "SELF_PAY_SUCCESS", "MED_INS_PAY_FAIL")},
    "cash_failed": {"CASH_AND_INSURANCE": ("FAIL", "SELF_PAY_FAIL", "MED_INS_PAY_SUCCESS")},
}
ROWS = [(end, kind, expected) for end, kinds in FAILED.items() for kind, expected in kinds.items()]


@pytest.mark.parametrize(("end", "kind", "expected"), ROWS)
def test_p104_p105_a_failure_is_shown_in_its_column_and_told_to_nobody(
    world: World, merchant: Merchant, tap: Tap, end: str, kind: str, expected: tuple[str, ...]
) -> None:
    mixed = made(merchant.create_mixed("FAILED0001", kind))
    assert tap("medical-pay", params(merchant, mixed), end) == f"{CALL}:fail"
    told = shown(merchant, "FAILED0001")
    assert states(told) == expected
    assert MEDICAL not in types(world)
    assert types(world) == (["TRANSACTION.SUCCESS"] if "SELF_PAY_SUCCESS" in expected else [])
    assert told.get("med_ins_fail_reason") == ("账户已冻结" if "MED_INS_PAY_FAIL" in expected else None)
    assert "paid_time" not in told
    if kind != "INSURANCE_ONLY":
        paid = "SELF_PAY_SUCCESS" in expected
        assert merchant.query("FAILED0001")["trade_state"] == ("SUCCESS" if paid else "NOTPAY")
    assert tap("medical-pay", params(merchant, mixed)).startswith(f"{CALL}:fail "), "it ended, it cannot be paid"


@pytest.mark.parametrize("end", [None, "cash_failed"])
def test_the_bureau_may_refuse_by_itself(world: World, merchant: Merchant, tap: Tap, end: str | None) -> None:
    world.bureau = {"ok": False, "reason": "授权已失效"}
    told = pay(merchant, tap, "BUREAU0001", outcome=end)
    assert states(told) == ("FAIL", "SELF_PAY_FAIL", "MED_INS_PAY_FAIL")
    assert told["med_ins_fail_reason"] == "授权已失效"


def test_after_a_failure_a_new_number_with_the_same_serial_number_is_taken(merchant: Merchant, tap: Tap) -> None:
    pay(merchant, tap, "AGAIN00001", outcome="insurance_failed")
    assert made(merchant.create_mixed("AGAIN00002"))["serial_no"] == shown(merchant, "AGAIN00001")["serial_no"]


# not paid, whatever the page heard

UNTOUCHED = [name for name, end in ENDS.items() if not end.event]


@pytest.mark.parametrize("end", UNTOUCHED)
def test_an_attempt_that_moved_nothing_can_be_repeated(world: World, merchant: Merchant, tap: Tap, end: str) -> None:
    mixed = made(merchant.create_mixed("ATTEMPT001"))
    said = tap("medical-pay", params(merchant, mixed), end)
    assert said.startswith(f"{CALL}:ok" if end == "ok_unpaid" else f"{CALL}:fail")
    assert "cancel" not in said
    assert shown(merchant, "ATTEMPT001") == mixed
    assert not world.settled and not types(world)
    assert tap("medical-pay", params(merchant, mixed)) == f"{CALL}:ok"
    assert len(world.settled) == 1


def test_ok_is_no_proof_of_payment_and_fail_none_against_it(merchant: Merchant, tap: Tap) -> None:
    unpaid, unseen = (made(merchant.create_mixed(f"PROOF0000{n}", "INSURANCE_ONLY")) for n in (1, 2))
    assert tap("medical-pay", params(merchant, unpaid), "ok_unpaid") == f"{CALL}:ok"
    assert states(shown(merchant, "PROOF00001"))[0] == "CREATED"
    assert tap("medical-pay", params(merchant, unseen), "paid_unseen") == f"{CALL}:fail"
    assert states(shown(merchant, "PROOF00002"))[0] == "SUCCESS"


# the call


def test_p113_insurance_alone_takes_no_payment_parameters(world: World, merchant: Merchant, tap: Tap) -> None:
    mixed = made(merchant.create_mixed("INSURED001", "INSURANCE_ONLY"))
    only = {"mixTradeNo": mixed["mix_trade_no"]}
    for name, value in merchant.pay_params(merchant.create("UNRELATED1")).items():
        if name != "appId":
            assert "纯医保" in tap("medical-pay", {**only, name: value})
    assert not world.settled
    assert tap("medical-pay", only) == f"{CALL}:ok"


def test_w79_ok_on_the_phone_is_not_yet_paid(merchant: Merchant, tap: Tap) -> None:
    mixed = made(merchant.create_mixed("INSURED002", "INSURANCE_ONLY"))
    only = {"mixTradeNo": mixed["mix_trade_no"]}
    assert tap("medical-pay", {**only, "paySign": "x"}).startswith(f"{CALL}:fail")
    assert tap("medical-pay", only, "ok_unpaid") == f"{CALL}:ok"
    assert states(shown(merchant, "INSURED002"))[0] == "CREATED"


def test_p114_the_cashier_checks_signature_and_order(world: World, merchant: Merchant, tap: Tap) -> None:
    given = params(merchant, made(merchant.create_mixed("CASHIER001")))
    for name in ("timeStamp", "nonceStr", "paySign"):
        assert "签名失败" in tap("medical-pay", {**given, name: given[name][::-1] + "0"})
        assert tap("medical-pay", {k: v for k, v in given.items() if k != name}).startswith(f"{CALL}:fail")
    assert "签名失败" in tap("medical-pay", {**given, "signType": "MD5"})
    other = merchant.pay_params(merchant.create("CASHIER002", total=42000))
    for wrong in ({**given, **other}, {"mixTradeNo": given["mixTradeNo"]}, {**given, "mixTradeNo": "1" * 257}):
        assert tap("medical-pay", wrong).startswith(f"{CALL}:fail ")
    assert not world.settled
    assert tap("medical-pay", given) == f"{CALL}:ok"


def test_a_prepay_of_yesterday_is_too_old_for_the_cashier(world: World, merchant: Merchant, tap: Tap) -> None:
    given = params(merchant, made(merchant.create_mixed("OLD0000001")))
    world.advance(hours=2, seconds=1)
    assert "已过期" in tap("medical-pay", given)


def test_without_the_permission_the_call_is_denied(world: World, merchant: Merchant, client: FlaskClient) -> None:
    mixed = made(merchant.create_mixed("DENIED0001", "INSURANCE_ONLY"))
    world.switch("medical_permission", "denied")
    answer = client.post("/_mock/phone/wechatpay/medical-pay", json={"params": params(merchant, mixed)})
    assert answer.json == {"errMsg": f"{CALL}:fail:access denied", "errno": 102}
    assert states(shown(merchant, "DENIED0001"))[0] == "CREATED"


def test_in_a_page_the_call_names_its_appid_and_hears_err_msg(merchant: Merchant, client: FlaskClient) -> None:
    given = params(merchant, made(merchant.create_mixed("H500000001")))
    said = []
    for appid in (None, "wx0", merchant.held["appid"]):
        body = {"params": {**given, "appid": appid}, "via": "h5"}
        said.append(client.post("/_mock/phone/wechatpay/medical-pay", json=body).json["err_msg"])  # type: ignore[index]
    assert [text.partition(" ")[0] for text in said] == [f"{CALL}:fail", f"{CALL}:fail", f"{CALL}:ok"]


def test_p115_the_test_environment_is_echoed_and_changes_nothing_else(merchant: Merchant, tap: Tap) -> None:
    mixed = made(merchant.create_mixed("TESTENV001", med_ins_test_env=True))
    assert mixed["med_ins_test_env"] is True
    assert merchant.query("TESTENV001")["trade_state"] == "NOTPAY"
    tap("medical-pay", params(merchant, mixed))
    assert merchant.query("TESTENV001")["trade_state"] == "SUCCESS"


# planned


def test_every_end_of_a_tap_can_be_planned(client: FlaskClient) -> None:
    known = client.get("/_mock/outcomes").json["known"]  # type: ignore[index]
    assert known["wechatpay.medical_pay"] == list(ENDS)


@pytest.mark.parametrize("which", [{"person": "P01"}, {"ref": "PLAN000001"}, {"ref": "H20260101000001"}, {}])
@pytest.mark.parametrize("end", [name for name in ENDS if name != "paid"])
def test_an_end_planned_by_person_by_number_or_for_the_next_happens_once(
    world: World, merchant: Merchant, tap: Tap, end: str, which: Json
) -> None:
    world.plan("medical_pay", end, **which)
    mixed = made(merchant.create_mixed("PLAN000001"))
    said = tap("medical-pay", params(merchant, mixed))
    told = shown(merchant, "PLAN000001")
    assert (said == f"{CALL}:ok", states(told)[0]) == (
        end == "ok_unpaid",
        {"": "CREATED", "paid": "SUCCESS"}.get(ENDS[end].event, "FAIL"),
    )
    again = made(merchant.create_mixed("PLAN000002"))
    assert tap("medical-pay", params(merchant, again)) == f"{CALL}:ok"


def test_an_end_planned_for_the_next_three_happens_three_times(world: World, merchant: Merchant, tap: Tap) -> None:
    world.plan("medical_pay", "wrong_password", count=3)
    mixed = made(merchant.create_mixed("THRICE0001", "INSURANCE_ONLY"))
    said = [tap("medical-pay", params(merchant, mixed)) for _ in range(4)]
    assert [text == f"{CALL}:ok" for text in said] == [False, False, False, True]


def test_what_the_phone_says_goes_before_what_was_planned(world: World, merchant: Merchant, tap: Tap) -> None:
    world.plan("medical_pay", "insurance_failed")
    told = pay(merchant, tap, "SAID000001", "INSURANCE_ONLY", "paid")
    assert states(told)[0] == "SUCCESS"
    assert states(pay(merchant, tap, "SAID000002", "INSURANCE_ONLY"))[0] == "FAIL"


def test_an_end_an_order_cannot_have_waits_for_one_that_can(world: World, merchant: Merchant, tap: Tap) -> None:
    world.plan("medical_pay", "insurance_failed")
    assert states(pay(merchant, tap, "WAITS00001", "CASH_ONLY"))[0] == "SUCCESS"
    assert states(pay(merchant, tap, "WAITS00002", "INSURANCE_ONLY"))[0] == "FAIL"


IMPOSSIBLE = [(kind, name) for kind in KINDS for name, end in ENDS.items() if not end.fits(kind)]


@pytest.mark.parametrize(("kind", "end"), IMPOSSIBLE)
def test_an_order_cannot_fail_in_a_part_it_has_not(
    merchant: Merchant, client: FlaskClient, kind: str, end: str
) -> None:
    mixed = made(merchant.create_mixed("PARTS00001", kind))
    given = {"params": params(merchant, mixed), "outcome": end}
    answer = client.post("/_mock/phone/wechatpay/medical-pay", json=given)
    assert (answer.status_code, answer.json["code"]) == (400, "OUTCOME_UNKNOWN")  # type: ignore[index]
    assert states(shown(merchant, "PARTS00001"))[0] == "CREATED"


# an address that does not listen


@pytest.mark.parametrize(("retries", "at"), [("short", [0, 15, 30]), ("full", [0, 15, 30, 60])])
def test_p116_an_address_that_answers_500_is_tried_again_and_the_query_stays_right(
    world: World, merchant: Merchant, tap: Tap, client: FlaskClient, retries: str, at: list[int]
) -> None:
    heard: list[Json] = []

    def deaf(url: str, headers: Any, body: bytes) -> Reply:
        heard.append({"url": url, "headers": dict(headers), "body": json.loads(body)})
        return Reply(500, [], b"")

    world.app.extensions["sender"].post = deaf
    world.switch("medical_retries", retries)
    client.post("/_mock/clock", json={"freeze": True})
    told = pay(merchant, tap, "DEAF000001", "INSURANCE_ONLY")
    seen = []
    for second in range(0, 76, 15):
        client.post("/_mock/clock", json={"advance": f"{15 if second else 0}s"})
        seen += [second] * (len(heard) - len(seen))
    assert seen == at
    assert {one["url"] for one in heard} == {f"{NOTIFY}/medical-insurance"}
    assert len({one["body"]["id"] for one in heard}) == 1
    assert len({one["headers"]["Wechatpay-Signature"] for one in heard}) == len(heard)
    assert shown(merchant, "DEAF000001") == told
