"""Notifications: checks 68 to 80 of the protocol sheet, by number, and the tables of §5."""

import hashlib
import itertools
import json
import re
from base64 import b64decode
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from xml.etree import ElementTree

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB

from mock_providers.wechatpay import notify
from tests.mock_providers.wechatpay.conformance.receiver import Receiver
from tests.mock_providers.wechatpay.conftest import World
from tests.mock_providers.wechatpay.merchant import NOTIFY, Merchant

Tap = Callable[..., str]
LADDER = (15, 15, 30, 180, 600, 1200, 1800, 1800, 1800, 3600, 10800, 10800, 10800, 21600, 21600)
PROBE = "WECHATPAY/SIGNTEST/"


@pytest.fixture
def receiver(world: World, merchant: Merchant) -> Receiver:
    return Receiver(world, merchant)


@pytest.fixture
def paid(merchant: Merchant, tap: Tap) -> str:
    tap("pay", merchant.pay_params(merchant.create("NOTIFY-001", attach="备注")))
    return "NOTIFY-001"


@pytest.mark.parametrize(("status", "heard"), [(200, True), (204, True), (500, False), (401, False), (202, False)])
def test_p69_and_p70_the_status_decides(status: int, heard: bool) -> None:
    assert notify.accepted(status, [], b'{"code":"FAIL"}')[0] is heard


def test_p71_sixteen_deliveries_in_a_day_and_four_minutes() -> None:
    ladder = notify.SCHEDULE[""]
    assert ladder == (
        15, 15, 30, 180, 600, 1200, 1800, 1800, 1800, 3600, 10800, 10800, 10800, 21600, 21600,
    )  # fmt: skip
    assert sum(ladder) == 24 * 3600 + 4 * 60


def test_p74_the_envelope(world: World, merchant: Merchant, paid: str) -> None:
    headers, body = world.built(world.events()[0][0])
    told = json.loads(body)
    assert headers["Content-Type"] == "application/json"
    assert headers["Wechatpay-Signature-Type"] == "WECHATPAY2-SHA256-RSA2048"
    assert len(told["id"]) <= 36
    assert (told["resource_type"], told["event_type"]) == ("encrypt-resource", "TRANSACTION.SUCCESS")
    assert told["summary"] == "支付成功"
    resource = told["resource"]
    assert (resource["original_type"], resource["associated_data"]) == ("transaction", "transaction")
    assert (resource["algorithm"], len(resource["nonce"])) == ("AEAD_AES_256_GCM", 12)
    assert json.loads(merchant.open(resource)) == merchant.query(paid)
    assert b": " not in body
    assert b"\\u" not in body


def test_p79_a_merchant_without_an_apiv3_key_is_not_told(world: World, merchant: Merchant, tap: Tap) -> None:
    world.switch("merchant_state", "no_apiv3_key")
    tap("pay", merchant.pay_params(merchant.create("NOKEY-0001")))
    assert not world.events()


def pauses(fired: list[dict[str, Any]]) -> list[int]:
    at = [datetime.fromisoformat(one["at"]) for one in fired]
    return [round((later - sooner) / timedelta(seconds=1)) for sooner, later in itertools.pairwise(at)]


@pytest.mark.parametrize("status", [200, 204])
def test_p68_p69_an_answer_of_200_or_204_ends_it_after_one_delivery(
    receiver: Receiver, world: World, paid: str, status: int
) -> None:
    receiver.answers = [status]
    receiver.wait()
    [one] = receiver.heard
    assert one.url == f"{NOTIFY}/pay"
    assert one.told["event_type"] == "TRANSACTION.SUCCESS"
    assert json.loads(receiver.merchant.open(one.told["resource"])) == receiver.merchant.query(paid)


def test_p70_the_status_decides_even_if_the_body_says_fail(receiver: Receiver, paid: str) -> None:
    receiver.says = b'{"code":"FAIL","message":"no"}'
    receiver.wait()
    assert len(receiver.heard) == 1


@pytest.mark.parametrize("status", [201, 202, 206, 301, 302, 304, 400, 401, 403, 404, 429, 500, 502, 503, None])
def test_only_200_and_204_are_heard(status: int | None) -> None:
    assert notify.accepted(status, [], b'{"code":"SUCCESS","message":"ok"}')[0] is False


@pytest.mark.parametrize("status", [500, 302, None])
def test_p71_p72_p80_any_other_answer_is_tried_again_fifteen_times(
    receiver: Receiver, paid: str, status: int | None
) -> None:
    receiver.answers = [status]
    fired = receiver.wait()
    assert len(receiver.heard) == 16
    assert pauses(fired) == list(LADDER)
    assert sum(LADDER) == 24 * 3600 + 4 * 60
    assert not receiver.wait("30d")


@pytest.mark.parametrize("event", ["TRANSACTION.SUCCESS", "REFUND.SUCCESS", "REFUND.ABNORMAL", "REFUND.CLOSED",
                                   "SECURITY_ECHO.SUCCESS"])  # fmt: skip
def test_every_other_event_has_the_same_ladder(event: str) -> None:
    assert notify.SCHEDULE.get(event, notify.SCHEDULE[""]) == LADDER


def test_p73_retries_keep_the_id_and_are_signed_afresh_until_one_is_heard(receiver: Receiver, paid: str) -> None:
    receiver.answers = [500, 500, 200]
    receiver.wait()
    assert len(receiver.heard) == 3
    assert receiver.verified() == [True] * 3
    assert len({one.told["id"] for one in receiver.heard}) == 1
    assert len({one.headers["Wechatpay-Nonce"] for one in receiver.heard}) == 3
    assert len({one.signature for one in receiver.heard}) == 3
    assert len({one.headers["Request-ID"] for one in receiver.heard}) == 3
    assert len({receiver.merchant.open(one.told["resource"]) for one in receiver.heard}) == 1


@pytest.mark.parametrize(("form", "length_mod_4"), [("signature_probe", 0), ("signature_probe_not_base64", 1)])
def test_p75_the_first_attempt_is_a_probe_and_the_next_is_right(
    receiver: Receiver, world: World, merchant: Merchant, tap: Tap, form: str, length_mod_4: int
) -> None:
    world.plan("callback", form)
    tap("pay", merchant.pay_params(merchant.create("PROBED-0001")))
    receiver.respond = lambda heard: 401 if heard.signature.startswith(PROBE) else 200
    fired = receiver.wait()
    assert receiver.verified() == [False, True]
    assert receiver.heard[0].signature.startswith(PROBE)
    assert len(receiver.heard[0].signature) % 4 == length_mod_4
    assert pauses(fired) == [15]
    assert receiver.heard[0].told["id"] == receiver.heard[1].told["id"]


def test_p75_an_answer_of_200_to_a_probe_says_that_the_receiver_does_not_verify(
    receiver: Receiver, world: World, merchant: Merchant, tap: Tap
) -> None:
    world.plan("callback", "signature_probe")
    tap("pay", merchant.pay_params(merchant.create("PROBED-0002")))
    [one] = receiver.wait()
    assert "does not verify" in one["reason"]
    [shown] = merchant.client.get("/_mock/deliveries").json["items"]
    assert shown["state"] == "delivered"
    assert "does not verify" in shown["reason"]


def test_probes_come_at_the_rate_of_the_switch_and_by_the_seed(
    receiver: Receiver, world: World, merchant: Merchant, tap: Tap
) -> None:
    world.switch("callback_probe_percent", "100")
    tap("pay", merchant.pay_params(merchant.create("PROBED-0003")))
    receiver.answers = [401, 200]
    receiver.wait()
    assert receiver.verified() == [False, True]


@pytest.mark.parametrize("how", ["planned", "switched"])
def test_p76_the_same_event_comes_twice_although_it_was_heard(
    receiver: Receiver, world: World, merchant: Merchant, tap: Tap, how: str
) -> None:
    if how == "planned":
        world.plan("callback", "duplicate", ref="TWICE-00001")
    else:
        world.switch("callback_duplicates", "on")
    tap("pay", merchant.pay_params(merchant.create("TWICE-00001")))
    receiver.wait()
    first, second = receiver.heard
    assert first.told["id"] == second.told["id"]
    assert merchant.open(first.told["resource"]) == merchant.open(second.told["resource"])
    assert receiver.verified() == [True, True]


def test_the_same_fact_may_come_under_two_ids(receiver: Receiver, world: World, merchant: Merchant, tap: Tap) -> None:
    world.plan("callback", "duplicate_with_new_id")
    tap("pay", merchant.pay_params(merchant.create("TWICE-00002")))
    receiver.wait()
    first, second = receiver.heard
    assert first.told["id"] != second.told["id"]
    assert merchant.open(first.told["resource"]) == merchant.open(second.told["resource"])


@pytest.mark.parametrize("how", ["planned", "switched"])
def test_p77_a_refund_is_told_before_the_payment_of_the_same_order(
    receiver: Receiver, world: World, merchant: Merchant, tap: Tap, how: str
) -> None:
    if how == "planned":
        world.plan("callback", "late", ref="ORDERED-001")
    else:
        world.switch("callback_order", "refund_first")
    tap("pay", merchant.pay_params(merchant.create("ORDERED-001")))
    assert not receiver.wait("30s")
    assert merchant.refund("ORDERED-001", "R-0001", notify_url=f"{NOTIFY}/refund").status_code == 200
    receiver.wait("1m")
    assert [one.told["event_type"] for one in receiver.heard] == ["REFUND.SUCCESS", "TRANSACTION.SUCCESS"]


def test_a_late_payment_is_told_after_ten_minutes_where_nothing_is_refunded(
    receiver: Receiver, world: World, merchant: Merchant, tap: Tap
) -> None:
    world.switch("callback_order", "refund_first")
    tap("pay", merchant.pay_params(merchant.create("ORDERED-002")))
    assert not receiver.wait("9m")
    assert len(receiver.wait("2m")) == 1


def test_p78_a_plaintext_names_the_amount_and_the_merchant_to_compare(receiver: Receiver, paid: str) -> None:
    receiver.wait()
    told = json.loads(receiver.merchant.open(receiver.heard[0].told["resource"]))
    assert told["mchid"] == receiver.merchant.held["mchid"]
    assert told["amount"]["total"] == 4200


@pytest.mark.parametrize(("form", "pattern"), [
    ("EV", r"EV-[0-9a-f]{32}"),
    ("UUID", r"[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"),
])  # fmt: skip
def test_the_id_has_at_most_36_characters_in_either_form(
    receiver: Receiver, world: World, merchant: Merchant, tap: Tap, form: str, pattern: str
) -> None:
    world.switch("callback_id", form)
    tap("pay", merchant.pay_params(merchant.create("IDFORM-0001")))
    receiver.wait()
    found = receiver.heard[0].told["id"]
    assert re.fullmatch(pattern, found)
    assert len(found) <= 36


@pytest.mark.parametrize(("said", "expected"), [
    ("as_made", {"pubkey"}),
    ("cert", {"cert"}),
    ("pubkey", {"pubkey"}),
    ("100", {"pubkey"}),
    ("50", {"cert", "pubkey"}),
])  # fmt: skip
def test_while_a_merchant_moves_to_the_public_key_so_many_callbacks_are_signed_with_it(
    receiver: Receiver, world: World, merchant: Merchant, tap: Tap, said: str, expected: set[str]
) -> None:
    world.switch("callback_key", said)
    for number in range(12 if said == "50" else 2):
        tap("pay", merchant.pay_params(merchant.create(f"MOVING-{number:04d}")))
    receiver.wait()
    assert all(receiver.verified())
    named = {one.headers["Wechatpay-Serial"] == merchant.held["public_key_id"] for one in receiver.heard}
    assert {"pubkey" if it else "cert" for it in named} == expected


def test_a_callback_url_must_be_https_and_public_where_a_switch_says_so(world: World, merchant: Merchant) -> None:
    world.switch("callback_url", "https_only")
    for url in ("http://shop.example/pay", "https://localhost/pay", "https://127.0.0.1/pay"):
        answer = merchant.post("/v3/pay/transactions/jsapi", merchant.order("HTTPS-00001", notify_url=url))
        assert (answer.status_code, answer.json["code"]) == (400, "PARAM_ERROR")
    merchant.create("HTTPS-00001", notify_url="https://shop.example/pay")


def test_the_headers_of_a_callback(receiver: Receiver, paid: str) -> None:
    receiver.wait()
    headers = receiver.heard[0].headers
    assert headers["Content-Type"] == "application/json"
    assert headers["Wechatpay-Signature-Type"] == "WECHATPAY2-SHA256-RSA2048"
    assert re.fullmatch(r"[0-9A-F]{42}-0", headers["Request-ID"])
    assert re.fullmatch(r"[0-9a-f]{32}", headers["Wechatpay-Nonce"])


def test_the_same_story_makes_the_same_ids_and_a_replay_the_same_bytes(
    receiver: Receiver, world: World, paid: str
) -> None:
    event, _ = world.events()[0]
    at = datetime.fromisoformat("2026-01-01T10:00:00+08:00")
    assert notify.build(event, world.credentials(), at) == notify.build(event, world.credentials(), at)


def opened_v2(key: str, sealed: str) -> dict[str, str]:
    """What `req_info` says, opened without the mock's own code."""
    secret = hashlib.md5(key.encode()).hexdigest().encode()
    decryptor = Cipher(AES(secret), ECB()).decryptor()
    padded = decryptor.update(b64decode(sealed)) + decryptor.finalize()
    return {one.tag: one.text or "" for one in ElementTree.fromstring(padded[: -padded[-1]])}


def test_a_refund_without_address_is_told_to_the_platforms_in_the_old_xml_form(
    receiver: Receiver, world: World, merchant: Merchant, paid: str
) -> None:
    world.switch("platform_refund_url", f"{NOTIFY}/v2")
    receiver.wait("1s")
    receiver.heard.clear()
    merchant.refund(paid, "V2-00001", refund=1200)
    receiver.answers, receiver.says = [200], b"<xml><return_code><![CDATA[SUCCESS]]></return_code></xml>"
    receiver.wait("1m")
    [one] = receiver.heard
    assert one.url == f"{NOTIFY}/v2"
    outer = {field.tag: field.text for field in ElementTree.fromstring(one.body)}
    assert (outer["return_code"], outer["mch_id"]) == ("SUCCESS", merchant.held["mchid"])
    told = opened_v2(merchant.held["apiv2_key"], outer["req_info"] or "")
    assert (told["out_refund_no"], told["refund_status"], told["refund_fee"]) == ("V2-00001", "SUCCESS", "1200")
    assert (told["total_fee"], told["out_trade_no"]) == ("4200", paid)
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", told["success_time"])


def test_the_old_form_wants_its_word_in_the_answer(
    receiver: Receiver, world: World, merchant: Merchant, paid: str
) -> None:
    receiver.wait("1s")
    receiver.heard.clear()
    world.switch("platform_refund_url", f"{NOTIFY}/v2")
    merchant.refund(paid, "V2-00002")
    receiver.wait("40s")
    assert len(receiver.heard) > 1


def test_with_neither_address_a_refund_is_not_told(receiver: Receiver, merchant: Merchant, paid: str) -> None:
    receiver.wait("1s")
    receiver.heard.clear()
    merchant.refund(paid, "V2-00003")
    receiver.wait("1m")
    assert not receiver.heard
