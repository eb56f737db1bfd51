"""nhsa.md §2.5: `feedetl_sn` is unique inside the institution; the switch for the reading inside one purchase."""

from typing import Any

import pytest

from tests.mock_providers.national.conformance.fixtures import Bureau, line, named, purchase
from tests.mock_providers.national.conformance.test_outpatient import Visit

REPEATED = "FSI-费用明细流水号重复"


def basket(serial: str, who: str = "P1") -> dict[str, Any]:
    return purchase(who, line("A1", 1, "1.00", feedetl_sn=serial))


def test_a_line_serial_serves_an_institution_once(bureau: Bureau) -> None:
    bureau.output("2101", basket("S1"))
    bureau.settle(basket("S1"))
    assert bureau.refusal("2101", basket("S1", "P4")) == REPEATED
    assert bureau.refusal("2102", basket("S1", "P4")) == REPEATED
    assert bureau.balance("P4") == "50.00"
    bureau.settle(basket("S2", "P4"))


def test_another_institution_has_serials_of_its_own(bureau: Bureau) -> None:
    bureau.settle(basket("S1"))
    visit = Visit(bureau)
    visit.output("2203", visit.diagnosis())
    visit.charge(visit.line("A1", 1, "1.00", feedetl_sn="S1"))


@pytest.mark.parametrize("how", ["2103", "2601"])
def test_what_was_taken_back_frees_its_serials(bureau: Bureau, how: str) -> None:
    info = bureau.settle(basket("S1"))
    if how == "2103":
        bureau.refund(info)
    else:
        assert bureau.reverse(info["medins_setl_id"])["infcode"] == 0
    bureau.settle(basket("S1"))
    assert bureau.refusal("2102", basket("S1")) == REPEATED


def test_a_refund_whose_serials_were_used_since_is_not_reversed(bureau: Bureau) -> None:
    info = bureau.settle(basket("S1"))
    twin = bureau.refund(info)["setlinfo"]
    bureau.settle(basket("S1", "P4"))
    answer = bureau.reverse(twin["medins_setl_id"], "2103")
    assert (answer["infcode"], answer["err_msg"]) == (-1, REPEATED)
    assert bureau.balance("P1") == "500.00"


def test_a_reversed_refund_holds_its_serials_again(bureau: Bureau) -> None:
    info = bureau.settle(basket("S1"))
    twin = bureau.refund(info)["setlinfo"]
    assert bureau.reverse(twin["medins_setl_id"], "2103")["infcode"] == 0
    assert bureau.refusal("2102", basket("S1", "P4")) == REPEATED
    bureau.refund(info)
    bureau.settle(basket("S1", "P4"))


def test_two_visits_of_a_hospital_share_no_serial_until_the_lines_are_taken_back(bureau: Bureau) -> None:
    first, second = Visit(bureau), Visit(bureau, "P4")
    lines = {"feedetail": [second.line("A1", 1, "1.00", feedetl_sn="S1")]}
    first.charge(
        first.line("A1", 1, "1.00", feedetl_sn="S1"), first.line("A1", 1, "1.00", batch="B2", feedetl_sn="S2")
    )
    assert second.refusal("2204", lines) == REPEATED
    first.output("2205", {"data": {**first.named, "chrg_bchno": "B1"}})
    second.output("2204", lines)
    other = {"feedetail": [second.line("A1", 1, "1.00", feedetl_sn="S2")]}
    assert second.refusal("2204", other) == REPEATED
    bureau.switch("2202_with_lines", "allowed")
    first.output("2202", first.cancellation())
    second.output("2204", other)


def test_a_refunded_visit_keeps_its_lines_and_their_serials(bureau: Bureau) -> None:
    visit = Visit(bureau)
    visit.output("2203", visit.diagnosis())
    visit.charge(visit.line("A1", 1, "1.00", feedetl_sn="S1"))
    visit.bureau.switch("2207_amounts", "optional")
    info = visit.settle(visit.price("1.00"))
    visit.output("2208", {"data": named(info)})
    assert visit.refusal("2204", {"feedetail": [visit.line("A1", 1, "1.00", feedetl_sn="S1")]}) == REPEATED
    assert visit.settle(visit.price("1.00"))["mdtrt_id"] == visit.mdtrt_id


def test_with_the_switch_a_serial_is_unique_in_its_purchase_or_visit(bureau: Bureau) -> None:
    bureau.switch("feedetl_sn_unique", "purchase")
    for _ in range(2):
        info = bureau.settle(basket("S1"))
    twice = purchase("P1", *(line("A1", 1, "1.00", feedetl_sn="S3") for _ in range(2)))
    assert bureau.refusal("2102", twice) == REPEATED
    first, second = Visit(bureau), Visit(bureau)
    for visit in (first, second):
        visit.charge(visit.line("A1", 1, "1.00", feedetl_sn="S1"))
    assert first.refusal("2204", {"feedetail": [first.line("A1", 1, "1.00", feedetl_sn="S1")]}) == REPEATED
    bureau.refund(info)
    bureau.switch("feedetl_sn_unique", "institution")
    bureau.settle(basket("S1"))
    assert first.bureau.refusal("2102", basket("S1")) == REPEATED
