"""What the back end does with every end WeChat Pay, the bank or the bureau can give an order: planned, then lived.

One pair of halves for the whole file, emptied of nothing: every test uses an order of its own.
"""

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from app import InProcess, join
from mock_providers.phone.handset import Handset, Json, Refusal
from tests.journey.conftest import BASE, post_to

SHOP = "P46019900008"
CASH, INSURED = [("X01", 1)], [("D05", 1)]
NO_PASSWORD = ["abandoned", "wrong_password", "account_frozen", "account_closed", "insufficient", "quota_reached"]


@pytest.fixture(scope="module")
def halves(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    made = join(tmp_path_factory.mktemp("data"), BASE, background=False)
    made.mocks.extensions["sender"].post = post_to(made)
    yield made
    made.close()


def phone_of(halves: Any, person: str) -> Handset:
    session = requests.Session()
    session.mount("http://", InProcess(halves))
    return Handset(BASE, session=session).ready(person)


@pytest.fixture(scope="module")
def phones(halves: Any) -> dict[str, Handset]:
    return {person: phone_of(halves, person) for person in ("P01", "P02")}


@pytest.fixture
def cash_payer(phones: dict[str, Handset]) -> Handset:
    """P02 has no balance: what P02 buys without a prescription is cash."""
    phones["P02"].log_in("P02")
    return phones["P02"]


@pytest.fixture
def insured(phones: dict[str, Handset]) -> Handset:
    """P01 pays from the account."""
    phones["P01"].log_in("P01")
    return phones["P01"]


@pytest.fixture(autouse=True)
def nothing_planned(phones: dict[str, Handset]) -> Iterator[None]:
    yield
    phones["P01"].control("DELETE", "outcomes")


def plan(phone: Handset, target: str, outcome: str, **more: Any) -> None:
    phone.control("POST", "outcomes", {"target": f"wechatpay.{target}", "outcome": outcome, **more})


def wait(phone: Handset, how_long: str) -> None:
    phone.advance(how_long)
    phone.log_in(phone.person)


def ordered(phone: Handset, items: list[tuple[str, int]] = CASH) -> Json:
    quote = phone.quote(SHOP, items)
    return {**phone.confirm(quote), "id": quote["id"]}


def money(phone: Handset) -> tuple[int, int]:
    bureau = phone.facts()["bureau"]
    return bureau["balance_fen"], bureau["pooled_used_fen"]


def answers(phone: Handset, path: str, after: int = 0) -> dict[int, int]:
    """What WeChat Pay answered to POSTs of a path: status by the call's id, oldest first."""
    rows = phone.control("GET", "calls?door=wechatpay&limit=500")["items"]
    mine = {row["id"]: row["status"] for row in rows if row["method"] == "POST" and path in row["target"]}
    return {number: status for number, status in sorted(mine.items()) if number > after}


def lost(phone: Handset, target: str, outcome: str, items: list[tuple[str, int]], count: int = 1) -> str:
    """A confirm whose leg did not answer: STATE_UNKNOWN, and the settlement's id."""
    quote = phone.quote(SHOP, items)
    plan(phone, target, outcome, person=phone.person, count=count)
    with pytest.raises(Refusal) as refusal:
        phone.confirm(quote)
    assert refusal.value.code == "STATE_UNKNOWN"
    assert phone.settlement(quote["id"])["state"] == "UNKNOWN"
    return str(quote["id"])


def pays(phone: Handset, settlement: str) -> Json:
    """The order is there after all; the user pays it."""
    phone.pay({"pay": phone.settlement(settlement)["pay"]})
    phone.deliver()
    return phone.settlement(settlement)


# at the cashier


def test_a_tap_that_moved_nothing_may_be_repeated(cash_payer: Handset) -> None:
    confirmed = ordered(cash_payer)
    for end in NO_PASSWORD:
        plan(cash_payer, "medical_pay", end, person="P02")
        assert cash_payer.pay(confirmed)["errMsg"].startswith("requestMedicalInsurancePay:fail")
        cash_payer.deliver()
        assert cash_payer.settlement(confirmed["id"])["state"] == "CASH_WAIT"
    assert pays(cash_payer, confirmed["id"])["state"] == "SETTLED"


def test_what_the_page_heard_is_believed_neither_way(cash_payer: Handset) -> None:
    told, untold = ordered(cash_payer), ordered(cash_payer)
    assert cash_payer.pay(told, "ok_unpaid")["errMsg"].endswith(":ok")
    assert cash_payer.pay(untold, "paid_unseen")["errMsg"].endswith(":fail")
    cash_payer.deliver()
    assert cash_payer.settlement(untold["id"])["state"] == "SETTLED"
    assert cash_payer.settlement(told["id"])["state"] == "CASH_WAIT"
    wait(cash_payer, "20m")
    assert cash_payer.settlement(told["id"])["state"] == "EXPIRED"


def test_the_bureau_refuses_at_the_cashier_for_one_person_only(insured: Handset, cash_payer: Handset) -> None:
    before = money(insured)
    plan(insured, "medical_pay", "insurance_failed", person="P01")
    paid, refused = ordered(cash_payer), ordered(insured, INSURED)
    cash_payer.pay(paid)
    insured.pay(refused)
    insured.deliver()
    wait(insured, "1m")
    assert insured.settlement(refused["id"])["state"] == "REJECTED"
    assert cash_payer.settlement(paid["id"])["state"] == "SETTLED"
    assert money(insured) == before


def test_an_account_frozen_at_the_bureau_is_named(insured: Handset) -> None:
    confirmed = ordered(insured, INSURED)
    insured.control("POST", "outcomes", {"target": "national.settle", "outcome": "account_locked", "person": "P01"})
    insured.pay(confirmed)
    wait(insured, "1m")
    settlement = insured.settlement(confirmed["id"])
    assert (settlement["state"], settlement["failure"]) == ("REJECTED", "ACCT_LOCKED")


# while the order is made


@pytest.mark.parametrize(
    ("target", "outcome", "items"),
    [
        ("med_ins", "system_error", INSURED),
        ("med_ins", "frequency", INSURED),
        ("med_ins", "system_error", CASH),
        ("jsapi", "system_error", CASH),
        ("jsapi", "frequency", CASH),
    ],
)
def test_a_system_error_is_asked_about_and_tried_again_with_the_same_numbers(
    cash_payer: Handset, insured: Handset, target: str, outcome: str, items: list[tuple[str, int]]
) -> None:
    phone = insured if items is INSURED else cash_payer
    settlement = lost(phone, target, outcome, items, count=2)
    wait(phone, "4s")
    assert phone.settlement(settlement)["state"] == "UNKNOWN", "the second try failed too"
    wait(phone, "11s")
    assert pays(phone, settlement)["state"] == "SETTLED"


def test_an_order_whose_answer_was_lost_is_looked_up_and_used(insured: Handset) -> None:
    before = max(answers(insured, "/v3/med-ins/orders"), default=0)
    settlement = lost(insured, "med_ins", "answer_lost", INSURED)
    wait(insured, "4s")
    assert list(answers(insured, "/v3/med-ins/orders", before).values()) == [500, 400]
    assert pays(insured, settlement)["state"] == "SETTLED"


@pytest.mark.parametrize(
    ("outcome", "failure"),
    [
        ("bureau_refused", "FUND_REFUSED"),
        ("no_credential", "FUND_REFUSED"),
        ("identity_mismatch", "FUND_REFUSED"),
        ("request_blocked", "FUND_REFUSED"),
        ("authorisation_invalid", "AUTHORISATION_INVALID"),
        ("authorisation_not_found", "AUTHORISATION_INVALID"),
    ],
)
def test_a_refused_order_ends_with_its_upload_revoked_and_its_cash_order_closed(
    cash_payer: Handset, insured: Handset, outcome: str, failure: str
) -> None:
    both = ((insured, INSURED), (cash_payer, CASH))
    for phone, items in both if outcome == "bureau_refused" else both[:1]:
        before = money(phone)
        quote = phone.quote(SHOP, items)
        plan(phone, "med_ins", outcome, person=phone.person)
        with pytest.raises(Refusal) as refusal:
            phone.confirm(quote)
        assert refusal.value.code == failure
        settlement = phone.settlement(quote["id"])
        assert (settlement["state"], settlement["failure"]) == ("REJECTED", failure)
        assert money(phone) == before


# when nobody is told


@pytest.mark.parametrize(("target", "outcome"), [("med_ins_query", "system_error"), ("query", "system_error")])
def test_a_query_that_fails_is_asked_again_until_it_answers(cash_payer: Handset, target: str, outcome: str) -> None:
    confirmed = ordered(cash_payer)
    cash_payer.pay(confirmed)
    for delivery in cash_payer.control("GET", "deliveries?state=pending")["items"]:
        cash_payer.control("POST", f"deliveries/{delivery['id']}/cancel", {})
    plan(cash_payer, target, outcome, count=2)
    wait(cash_payer, "31s")
    assert cash_payer.settlement(confirmed["id"])["state"] == "UNKNOWN"
    wait(cash_payer, "2m")
    assert cash_payer.settlement(confirmed["id"])["state"] == "SETTLED"


# money back


@pytest.mark.parametrize(
    ("target", "outcome"),
    [
        ("refunds", "not_enough"),
        ("refunds", "system_error"),
        ("refunds", "frequency"),
        ("refund_query", "system_error"),
    ],
)
def test_a_refund_that_cannot_be_made_yet_is_made_later(cash_payer: Handset, target: str, outcome: str) -> None:
    bought = cash_payer.buy(SHOP, CASH)
    assert bought["state"] == "SETTLED"
    plan(cash_payer, target, outcome)
    cash_payer.refund(bought["id"])
    wait(cash_payer, "5s")
    wait(cash_payer, "20m")
    assert cash_payer.settlement(bought["id"])["state"] == "REFUNDED"


@pytest.mark.parametrize(("outcome", "status"), [("system_error", 500), ("frequency", 429)])
def test_the_report_of_an_insurance_refund_is_repeated_until_it_is_taken(
    insured: Handset, outcome: str, status: int
) -> None:
    bought = insured.buy(SHOP, INSURED)
    before = max(answers(insured, "/refunds/notify"), default=0)
    plan(insured, "med_ins_refund", outcome, person="P01")
    insured.refund(bought["id"])
    assert insured.settlement(bought["id"])["state"] != "REFUNDED"
    wait(insured, "1m")
    assert insured.settlement(bought["id"])["state"] == "REFUNDED"
    assert list(answers(insured, "/refunds/notify", before).values()) == [status, 204]
