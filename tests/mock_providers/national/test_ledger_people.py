"""What the bureau knows of people, changed by hand, and two purchases at the same moment."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask, g

from mock_providers.errors import Problem
from mock_providers.national import ledger, person
from mock_providers.national.texts import Refused
from tests.mock_providers.national.bureau import adjust, bought, line, look, writing


def test_a_person_begins_with_the_facts_and_looking_writes_nothing(mocks: Flask) -> None:
    before = look(mocks, "P03")
    assert (before["balance_fen"], before["insutype"], before["status"], before["year"]) == (120000, "310", "1", 2025)
    assert look(mocks, "P17")["mutual_aid_from"] == "P25"
    assert (look(mocks, "P18")["frozen"], look(mocks, "P18")["deceased_on"]) == (True, "2025-09-01")
    assert look(mocks, "P09")["insured"] is False
    assert look(mocks, "P03") == before


def test_what_was_changed_stays_changed_and_the_rest_stays(mocks: Flask) -> None:
    adjust(mocks, "P11", balance_fen=5, deductible_paid_fen=7, pooled_used_fen=9, status="1", resumed_on="2025-10-01")
    now = look(mocks, "P11")
    assert (now["balance_fen"], now["deductible_paid_fen"], now["pooled_used_fen"]) == (5, 7, 9)
    assert (now["status"], now["resumed_on"], now["paused_on"], now["area"]) == (
        "1",
        "2025-10-01",
        "2025-08-01",
        "460100",
    )


def test_somebody_never_registered_can_become_a_terminated_resident(mocks: Flask) -> None:
    adjust(mocks, "P09", status="4")
    now = look(mocks, "P09")
    assert (now["insured"], now["insutype"], now["status"], now["area"]) == (True, "390", "4", "460000")


@pytest.mark.parametrize(
    "fields",
    [
        {"balance_fen": -1},
        {"balance_fen": True},
        {"balance_fen": 10**10},
        {"balance_fen": "5"},
        {"status": "3"},
        {"insutype": "510"},
        {"mutual_aid_from": "P01"},
        {"mutual_aid_from": "P99"},
        {"frozen": "yes"},
        {"deceased_on": "2025-13-01"},
        {"paused_on": 5},
        {"in_provincial_copy_from": "soon"},
        {"wallet": 1},
    ],
)
def test_a_change_that_makes_no_sense_is_refused_by_field(mocks: Flask, fields: dict[str, Any]) -> None:
    before = look(mocks, "P01")
    with pytest.raises(Problem) as problem, writing(mocks):
        person.adjust("P01", **fields)
    assert problem.value.code == "FIELD_INVALID" and list(problem.value.fields or ()) == list(fields)
    assert look(mocks, "P01") == before


def test_a_stranger_is_unknown(mocks: Flask) -> None:
    with pytest.raises(Problem, match="PERSON_UNKNOWN"):
        look(mocks, "P99")


def test_two_purchases_at_the_same_moment_never_overdraw_an_account(mocks: Flask) -> None:
    adjust(mocks, "P01", balance_fen=3000)
    purchases = [bought("P01", line("D07")) for _ in range(6)]

    def settle(purchase: Any) -> str:
        with mocks.app_context():
            g.write_mode = True
            try:
                ledger.commit_settlement(purchase, "M", (0, 1280, 0, 0))
                ledger.db.session.commit()
            except Refused as refused:
                ledger.db.session.rollback()
                return refused.key
        return "settled"

    with ThreadPoolExecutor(6) as pool:
        found = sorted(pool.map(settle, purchases))
    assert found == ["QUOTE_DIFFERS"] * 4 + ["settled"] * 2
    assert look(mocks, "P01")["balance_fen"] == 3000 - 2 * 1280
