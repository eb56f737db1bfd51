"""Quote, confirm, pay, settle: what a citizen sees, leg by leg."""

import threading

import pytest

from tests.yibao.settlement.conftest import DOWN, LOST, PHARMACY
from yibao.db import db
from yibao.providers import wechat
from yibao.providers.http import VendorRefused
from yibao.spaces import entered
from yibao.steps.records.rules import LEGS
from yibao.steps.settlement.models import held


def refused(answer, code):
    body = answer.get_json()
    assert body["code"] == code, body
    return body


# ---- institutions


def test_institutions_are_listed_scanned_and_sell_goods(shop):
    listed = shop.phone.call("get", "/institutions?kind=pharmacy").get_json()
    assert listed["items"][0]["code"] == PHARMACY and listed["next"] is None
    scanned = shop.post("/institutions/scan", {"content": f"yibao://institution/{PHARMACY}"}).get_json()
    assert scanned["name"] == shop.phone.call("get", f"/institutions/{PHARMACY}").get_json()["name"]
    goods = shop.phone.call("get", f"/institutions/{PHARMACY}/items").get_json()["items"]
    assert {"code": "D05", "price_fen": 1850, "insurance_class": "甲"}.items() <= goods[4].items()


def test_what_the_platform_said_is_kept_for_ten_minutes(shop):
    for _ in range(2):
        shop.phone.call("get", f"/institutions/{PHARMACY}")
    assert shop.vendors.called.count("institution") == 1
    shop.wait(minutes=10)
    shop.phone.call("get", f"/institutions/{PHARMACY}")
    assert shop.vendors.called.count("institution") == 2


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/institutions?kind=bakery", 400, "FIELD_INVALID"),
        ("/institutions", 400, "FIELD_INVALID"),
        ("/institutions/H46019900007", 403, "PH_NOT_DESIGNATED"),
        ("/institutions/P46019900011/items", 403, "PH_CONTRACT_SUSPENDED"),
        ("/institutions/%F0%9F%98%80", 404, "NOT_FOUND"),
    ],
)
def test_places_that_are_refused(shop, path, status, code):
    answer = shop.phone.call("get", path)
    assert answer.status_code == status
    refused(answer, code)


@pytest.mark.parametrize(
    "content", ["https://example.com", "yibao://institution/", "yibao://institution/😀" + "1" * 11]
)
def test_other_qr_codes_are_refused(shop, content):
    refused(shop.post("/institutions/scan", {"content": content}), "FIELD_INVALID")


# ---- quote


@pytest.mark.parametrize(
    ("case", "cart", "parts", "expected"),
    [
        ("E1", [("D05", 1), ("D07", 1)], (0, None, 0), (3130, 0, 3130, 0, 0, 0)),
        ("E3", [("D09", 3), ("D13", 2), ("D25", 1)], (1696, 0, 0), (10390, 1696, 0, 0, 0, 8694)),
        ("E5", [("D24", 1)], (16510, 31290, 0), (47800, 16510, 31290, 0, 0, 0)),
        ("E5b", [("D24", 1)], (14528, 6000, 5000), (47800, 14528, 1000, 5000, 0, 27272)),
        ("E6", [("X01", 1)], (0, None, 0), (19900, 0, 19900, 0, 0, 0)),
        ("E7", [("D01", 2)], (0, None, 0), (1360, 0, 1360, 0, 0, 0)),
    ],
)
def test_the_worked_cases_come_out_to_the_fen(shop, case, cart, parts, expected):
    shop.vendors.parts = parts
    lines = [line for code, n in cart for line in [prescribed(code, n)] if line]
    shop.vendors.prescriptions["RX1"] = prescription(lines)
    codes = [{"code": c, "quantity": n, "trace_codes": trace(i, c, n)} for i, (c, n) in enumerate(cart)]
    number = shop.quoted(items=codes, prescription_no="RX1" if lines else None)
    assert shop.get(number)["split"] == dict(zip(LEGS, expected, strict=True))
    assert shop.confirm(number).status_code == 200
    shop.pay_everything(number)
    shop.tell_all(number)
    assert shop.state(number) == "SETTLED"


def trace(place, code, n):
    return [f"8{place:03d}{i:016d}" for i in range(n)] if code[0] == "D" else []


def prescribed(code, n):
    from yibao.steps.settlement import shelf

    item = shelf.items()[code]
    return {"medListCodg": item.med_list_codg, "drugCnt": f"{n}.0000"} if item.prescription else None


def prescription(lines, **changes):
    certno = changes.pop("certno", "469099198803159034")
    base = {
        "rxOtpinfo": {"certno": certno},
        "rxStasCodg": "1",
        "rxUsedStasCodg": "1",
        "valiEndTime": "2025-12-04 10:00:00",
        "rxDetlList": lines,
    }
    return base | changes


def test_a_quote_shows_the_split_and_pins_its_versions(shop):
    answer = shop.quote()
    body = answer.get_json()
    assert answer.status_code == 201 and body["state"] == "CONFIRM_WAIT"
    assert body["versions"]["policy"] == "hn-2025.1" and len(body["versions"]["prices"]) == 16
    assert body["patient"] == {"name": "林*一", "id_number": "469***********9034"}
    assert body["quote_expires_at"] == "2025-12-01T10:10:00+08:00" and body["pay"] is None


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"institution_code": "H46019900007"}, "PH_NOT_DESIGNATED"),
        ({"institution_code": "P46019900011"}, "PH_CONTRACT_SUSPENDED"),
        ({"institution_code": "nowhere"}, "FIELD_INVALID"),
        ({"items": []}, "FIELD_INVALID"),
        ({"items": [{"code": "D05", "quantity": "1"}]}, "FIELD_INVALID"),
        ({"items": [{"code": "D05", "quantity": True}]}, "FIELD_INVALID"),
        ({"items": [{"code": "D05", "quantity": 1.5}]}, "FIELD_INVALID"),
        ({"items": [{"code": "D05", "quantity": -1}]}, "QTY_LIMIT"),
        ({"items": [{"code": "D05", "quantity": 21}]}, "QTY_LIMIT"),
        ({"items": [{"code": "😀", "quantity": 1}]}, "ITEM_UNKNOWN"),
        ({"items": [{"code": "X01", "quantity": 1}, {"code": "X03", "quantity": 1}]}, "ITEM_FORBIDDEN"),
        ({"items": [{"code": "X04", "quantity": 1}]}, "ITEM_FORBIDDEN"),
        ({"items": [{"code": "D05", "quantity": 1}]}, "TRACE_MISSING"),
        ({"items": [{"code": "X06", "quantity": 1}]}, "TRACE_MISSING"),
        ({"items": [{"code": "D05", "quantity": 2, "trace_codes": ["8" * 20, "8" * 20]}]}, "TRACE_USED"),
        ({"items": [{"code": "D01", "quantity": 1, "trace_codes": ["8" * 20]}]}, "RX_REQUIRED"),
        ({"prescription_no": "RX404"}, "RX_NOT_FOUND"),
        ({"prescription_no": "'; drop table"}, "FIELD_INVALID"),
        ({"patient_binding_id": "somebody-elses"}, "PAY_NOT_BOUND"),
        ({"credential_code": "SIM-never-issued"}, "CODE_EXPIRED"),
        ({"credential_code": "\ud800"}, "FIELD_INVALID"),
        ({"patient_binding_id": "a\u0000"}, "FIELD_INVALID"),
        ({"items": [{"code": "\udfff", "quantity": 1}]}, "FIELD_INVALID"),
        ({"items": [{"code": "D05", "quantity": 1, "trace_codes": ["\ud800"]}]}, "FIELD_INVALID"),
        ({"items": [{"code": "D05", "quantity": 10**30}]}, "FIELD_INVALID"),
        ({"items": None}, "FIELD_INVALID"),
        ({"institution_code": {}}, "FIELD_INVALID"),
        ({"unknown": 1}, "FIELD_INVALID"),
    ],
)
def test_a_quote_is_refused_for(shop, more, code):
    answer = shop.quote(**more)
    assert 400 <= answer.status_code < 500
    refused(answer, code)


@pytest.mark.parametrize(
    ("changes", "cart", "code"),
    [
        ({"certno": "469099199003159031"}, [("D09", 1)], "RX_PATIENT_MISMATCH"),
        ({"rxStasCodg": "3"}, [("D09", 1)], "RX_REVOKED"),
        ({"rxUsedStasCodg": "2"}, [("D09", 1)], "RX_USED"),
        ({"rxStasCodg": "2"}, [("D09", 1)], "RX_EXPIRED"),
        ({"valiEndTime": "2025-11-30"}, [("D09", 1)], "RX_EXPIRED"),
        ({}, [("D10", 1)], "RX_ITEM_MISMATCH"),
        ({}, [("D09", 4)], "RX_ITEM_MISMATCH"),
        ({"rxPaperFlag": "1"}, [("D24", 1)], "RX_PAPER_NOT_ALLOWED"),
    ],
)
def test_prescriptions_that_do_not_serve(shop, changes, cart, code):
    lines = [prescribed("D09", 3), prescribed("D24", 1)]
    shop.vendors.prescriptions["RX1"] = prescription(lines, **changes)
    refused(shop.quote(*cart, prescription_no="RX1"), code)


@pytest.mark.parametrize(
    ("call", "wrong", "status", "code"),
    [
        ("person", VendorRefused("national", "DECEASED", "死亡"), 403, "PERSON_DECEASED"),
        ("person", VendorRefused("national", "UNKNOWN_PERSON", ""), 422, "PERSON_NOT_FOUND"),
        ("person", DOWN, 424, "VENDOR_ERROR"),
        ("institution", DOWN, 424, "VENDOR_ERROR"),
        ("preview", VendorRefused("national", "SPLIT_MISMATCH", ""), 424, "SPLIT_MISMATCH"),
        ("preview", VendorRefused("national", "TRACE_USED", ""), 409, "TRACE_USED"),
        ("preview", VendorRefused("national", "-1", "医保局拒绝"), 424, "FUND_REFUSED"),
        ("preview", DOWN, 424, "VENDOR_ERROR"),
    ],
)
def test_a_quote_the_bureau_refuses(shop, call, wrong, status, code):
    shop.vendors.go_wrong[call] = [wrong]
    answer = shop.quote()
    assert answer.status_code == status
    refused(answer, code)


def test_trace_codes_were_not_needed_before_july_2025(shop):
    shop.time.now = shop.time.now.replace(month=6, day=30)
    shop.phone.log_in()
    assert shop.quote(items=[{"code": "D05", "quantity": 1}]).status_code == 201


def test_somebody_without_a_real_name_cannot_buy(shop):
    shop.phone.log_in("oSAMPLEOPENID0000000000000002")
    refused(shop.quote(), "REAL_NAME_REQUIRED")


def test_a_quote_ends_after_ten_minutes(shop):
    number = shop.quoted()
    shop.wait(minutes=10)
    assert shop.state(number) == "EXPIRED"
    refused(shop.confirm(number), "QUOTE_EXPIRED")


def test_a_quote_that_nobody_cleared_yet_is_still_over(shop):
    number = shop.quoted()
    shop.time.advance(minutes=10)
    shop.phone.log_in()
    refused(shop.confirm(number), "QUOTE_EXPIRED")
    assert shop.state(number) == "EXPIRED"


def test_a_quote_can_be_given_up(shop):
    number = shop.quoted()
    assert shop.post(f"/settlements/{number}/cancellation").get_json()["state"] == "CANCELLED"
    refused(shop.post(f"/settlements/{number}/cancellation"), "STATE_CONFLICT")
    refused(shop.confirm(number), "STATE_CONFLICT")


# ---- confirmation


def test_insurance_alone_needs_only_the_mixed_number(shop):
    number = shop.quoted()
    body = shop.confirm(number).get_json()
    assert body["state"] == "FUND_PAYING" and body["pay"] == {"mixTradeNo": "MIX1"}
    order = next(iter(shop.vendors.mixed.values()))
    assert order["mix_pay_type"] == "INSURANCE_ONLY" and "prepay_id" not in order
    assert (order["total_fee"], order["med_ins_self_fee"]) == (3130, 3130) and len(order["serial_no"]) <= 20
    assert order["callback_url"].endswith("/s/default/callbacks/wechatpay/medical-insurance")


def test_insurance_and_cash_make_a_mixed_order(shop):
    shop.vendors.parts = (1000, 130, 0)
    body = shop.confirm(shop.quoted()).get_json()
    assert body["pay"]["package"].startswith("prepay_id=wx-") and body["pay"]["signType"] == "RSA"
    order = next(iter(shop.vendors.mixed.values()))
    assert order["mix_pay_type"] == "CASH_AND_INSURANCE"
    assert (order["med_ins_gov_fee"], order["med_ins_cash_fee"], order["wechat_pay_cash_fee"]) == (1000, 2000, 2000)


def test_cash_alone_takes_the_upload_back_and_settles_by_the_cash(shop):
    shop.vendors.parts = (0, 0, 0)
    number = shop.confirmed()
    order = next(iter(shop.vendors.mixed.values()))
    assert order["mix_pay_type"] == "CASH_ONLY" and not any("med_ins_" in k or "pay_order" in k for k in order)
    assert shop.vendors.uploads["ORD1"]["status"] == "12" and shop.state(number) == "CASH_WAIT"
    shop.pay_everything(number)
    assert shop.tell_cash(number).status_code == 204
    assert shop.state(number) == "SETTLED"
    assert shop.tell_mixed(number).status_code == 204 and not shop.alarms()


def test_an_uninsured_patient_pays_cash_without_an_upload(shop):
    shop.vendors.go_wrong["person"] = [VendorRefused("national", "NOT_INSURED", "")]
    number = shop.confirmed()
    assert shop.get(number)["split"]["cash_fen"] == 3130 and not shop.vendors.uploads
    shop.pay_everything(number)
    shop.tell_all(number)
    assert shop.state(number) == "SETTLED"


def test_a_cash_part_must_be_accepted(shop):
    shop.vendors.parts = (1000, 130, 0)
    number = shop.quoted()
    assert refused(shop.confirm(number, accept_cash=False), "CASH_NOT_ACCEPTED")["cash_fen"] == 2000
    assert shop.confirm(number).status_code == 200


def test_an_authorisation_must_be_known_and_the_patients(shop):
    number = shop.quoted()
    refused(shop.confirm(number, "unknown"), "AUTHORISATION_INVALID")
    shop.vendors.payer = wechat.Payer("", "469099199003159031", "AUTH1", False, "")
    refused(shop.confirm(number), "AUTHORISATION_PERSON")
    shop.vendors.payer = wechat.Payer("", "469099198803159034", "AUTH1", True, "")
    refused(shop.confirm(number), "AUTHORISATION_PERSON")
    shop.vendors.go_wrong["authorised_payer"] = [DOWN]
    refused(shop.confirm(number), "VENDOR_ERROR")
    assert shop.state(number) == "CONFIRM_WAIT"


@pytest.mark.parametrize(("before", "after", "code"), [(500, 400, "FUND_CAP"), (500, 500, "BALANCE_CHANGED")])
def test_a_split_that_changed_is_shown_again(shop, before, after, code):
    shop.vendors.parts = (before, None, 0)
    number = shop.quoted()
    shop.vendors.parts = (after, 100, 0)
    body = refused(shop.confirm(number), code)
    assert body["split"]["cash_fen"] == 3130 - after - 100
    assert shop.vendors.uploads["ORD1"]["status"] == "12" and not shop.vendors.mixed
    assert shop.state(number) == "CONFIRM_WAIT"
    assert shop.confirm(number, "code-2").status_code == 200
    assert len(shop.vendors.mixed) == 1


def test_the_same_key_answers_once(shop):
    number = shop.quoted()
    first, second = (shop.confirm(number, key="same") for _ in range(2))
    assert first.get_json()["pay"] == second.get_json()["pay"]
    assert second.headers["Idempotent-Replayed"] == "true" and shop.vendors.called.count("upload_fees") == 1


def test_a_confirmed_order_is_not_confirmed_again(shop):
    number = shop.confirmed()
    refused(shop.confirm(number, "code-2"), "STATE_CONFLICT")
    assert len(shop.vendors.uploads) == len(shop.vendors.mixed) == 1


def test_two_confirms_at_once_charge_once(shop, monkeypatch):
    number = shop.quoted()
    gate, real = threading.Barrier(2), wechat.authorised_payer

    def together(code, openid):
        gate.wait(5)
        return real(code, openid)

    monkeypatch.setattr(wechat, "authorised_payer", together)
    clients = [(shop.app.test_client(), f"key-a{n}") for n in range(2)]
    answers = []

    def go(client, key):
        headers = {"Authorization": f"Bearer {shop.phone.tokens['access_token']}", "Idempotency-Key": key}
        body = {"auth_code": key, "accept_cash": True}
        answers.append(client.post(f"/api/v1/settlements/{number}/confirmation", json=body, headers=headers))

    threads = [threading.Thread(target=go, args=one) for one in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    assert len(shop.vendors.uploads) == len(shop.vendors.mixed) == 1


@pytest.mark.parametrize(
    ("call", "code", "state"),
    [
        ("upload_fees", "TRACE_USED", "REJECTED"),
        ("place_payment", "MA_PAUSED", "REJECTED"),
        ("place_payment", "FUND_CAP", "REJECTED"),
        ("place_payment", "-1", "REJECTED"),
        ("place_payment", "ACCT_LOCKED", "CONFIRM_WAIT"),
        ("create_order", "NO_AUTH", "REJECTED"),
        ("create_medical_order", "RULE_LIMIT", "REJECTED"),
    ],
)
def test_a_leg_that_is_refused_ends_the_order_before_anybody_pays(shop, call, code, state):
    shop.vendors.parts = (1000, 130, 0)
    number = shop.quoted()
    shop.vendors.go_wrong[call] = [VendorRefused("somebody", code, "no", 403)]
    answer = shop.confirm(number)
    known = {"-1": "FUND_REFUSED", "RULE_LIMIT": "FUND_REFUSED", "NO_AUTH": "CASH_FAIL"}
    refused(answer, known.get(code, code))
    assert shop.state(number) == state
    assert all(row["status"] == "12" for row in shop.vendors.uploads.values())
    assert all(row["trade_state"] == "CLOSED" for row in shop.vendors.orders.values())


# ---- answers that never come


@pytest.mark.parametrize("call", ["place_payment", "create_order", "create_medical_order"])
@pytest.mark.parametrize("wrong", [DOWN, LOST])
def test_an_unknown_outcome_is_asked_and_resumed(shop, call, wrong):
    shop.vendors.parts = (1000, 130, 0)
    number = shop.quoted()
    shop.vendors.go_wrong[call] = [wrong]
    assert refused(shop.confirm(number), "STATE_UNKNOWN")["retryable"]
    assert shop.state(number) == "UNKNOWN"
    refused(shop.confirm(number, "code-2"), "STATE_UNKNOWN")
    shop.wait(seconds=3)
    assert shop.get(number)["pay"]["mixTradeNo"] == "MIX1" and shop.state(number) == "FUND_PAYING"
    assert len(shop.vendors.uploads) == len(shop.vendors.orders) == len(shop.vendors.mixed) == 1


def test_an_upload_whose_answer_was_lost_is_left_behind_and_the_quote_stands(shop):
    number = shop.quoted()
    shop.vendors.go_wrong["upload_fees"] = [LOST]
    refused(shop.confirm(number), "STATE_UNKNOWN")
    shop.wait(seconds=3)
    assert shop.state(number) == "CONFIRM_WAIT"
    assert shop.confirm(number, "code-2").status_code == 200


def test_unknown_is_asked_at_3_10_60_seconds_and_10_minutes_then_a_clerk_hears_of_it(shop):
    number = shop.quoted()
    shop.vendors.go_wrong["place_payment"] = [DOWN] * 20
    refused(shop.confirm(number), "STATE_UNKNOWN")
    asked = []
    for seconds in (3, 10, 60, 600):
        before = len(shop.vendors.called)
        shop.wait(seconds=seconds)
        asked.append(len(shop.vendors.called) - before)
    assert asked == [1, 1, 1, 1] and "unknown_for_a_clerk" in shop.alarms()
    shop.wait(minutes=5)
    assert shop.state(number) == "EXPIRED" and shop.vendors.uploads["ORD1"]["status"] == "12"


def test_a_crash_in_the_middle_is_resumed(shop, monkeypatch):
    from yibao.steps.settlement import confirm

    number = shop.quoted()
    with monkeypatch.context() as crashing, pytest.raises(ZeroDivisionError):
        crashing.setattr(confirm, "_compare", lambda number: 1 / 0)
        shop.confirm(number)
    assert shop.row(number).state == "AUTH_OK" and shop.row(number).pay_ord_id == "ORD1"
    shop.wait(minutes=1)
    assert shop.get(number)["pay"] == {"mixTradeNo": "MIX1"} and len(shop.vendors.uploads) == 1


def test_a_crash_after_the_last_leg_is_noticed_too(shop):
    number = shop.confirmed()
    with entered(shop.app, "default"):
        held(number).state = "AUTH_OK"
        db.session.commit()
    shop.wait(seconds=30)
    assert shop.state(number) == "FUND_PAYING"


# ---- other people


def test_somebody_elses_settlement_is_not_found(shop):
    number = shop.settled()
    shop.phone.log_in("oSAMPLEOPENID0000000000000002")
    for answer in (
        shop.phone.call("get", f"/settlements/{number}"),
        shop.phone.call("get", f"/settlements/{number}/receipt"),
        shop.confirm(number),
        shop.post(f"/settlements/{number}/cancellation"),
        shop.post(f"/settlements/{number}/refunds", {"reason": "quality"}),
    ):
        refused(answer, "NOT_FOUND")


@pytest.mark.parametrize("number", ["nothing", "😀", "' or 1=1", "a" * 3000])
def test_a_settlement_that_is_not_there(shop, number):
    assert shop.phone.call("get", f"/settlements/{number}").status_code == 404


def test_the_receipt_shows_lines_and_legs_and_says_it_is_a_sample(shop):
    quoted = shop.quoted()
    refused(shop.phone.call("get", f"/settlements/{quoted}/receipt"), "STATE_CONFLICT")
    paper = shop.phone.call("get", f"/settlements/{shop.settled()}/receipt").get_json()
    assert paper["sample"] == "样例" and paper["split"]["own_fen"] == 3130
    assert paper["payer"]["name"] == "林*一" and [line["code"] for line in paper["lines"]] == ["D05", "D07"]


def test_the_real_name_stays_while_an_order_is_open(shop):
    shop.confirmed()
    refused(shop.phone.call("delete", "/me/real-name"), "UNBIND_PENDING_ORDER")
