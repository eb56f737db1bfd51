"""Booking and taking back: every leg, every counter, trace codes and prescriptions."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from mock_providers import clock, switches
from mock_providers.db import db
from mock_providers.national import ledger, prescriptions, setlinfo
from mock_providers.national.models import PrescriptionUse, TraceCode
from mock_providers.national.texts import Refused
from tests.mock_providers.national.bureau import PHARMACY_WITHOUT_FUND, adjust, bought, line, look, writing

HOSPITAL_1, HOSPITAL_2, HOSPITAL_3 = "H46019900005", "H46019900003", "H46019900001"


@pytest.fixture(autouse=True)
def paper(monkeypatch: pytest.MonkeyPatch) -> dict[str, prescriptions.Prescription]:
    """Prescriptions of these tests: RX-<case>."""
    rows: dict[str, tuple[str, str, dict[str, int]]] = {
        "RX-E2": ("P04", HOSPITAL_1, {"D01": 2, "D17": 1}),
        "RX-E3": ("P02", HOSPITAL_2, {"D09": 3, "D13": 2, "D25": 1}),
        "RX-E4": ("P08", HOSPITAL_1, {"D09": 6, "D14": 6}),
        "RX-E5": ("P24", HOSPITAL_3, {"D24": 1}),
        "RX-E5b": ("P03", HOSPITAL_3, {"D24": 1}),
        "RX-E7": ("P11", HOSPITAL_1, {"D01": 2}),
    }
    made = {}

    def find(rxno: str) -> Any:
        return made.get(rxno)

    for rxno, (who, place, items) in rows.items():
        made[rxno] = prescriptions.Prescription(
            number=rxno,
            person=who,
            institution=place,
            items=items,
            diagnosis=("J00", "样例"),
            issued_at=clock.wall() - timedelta(days=9000),
            valid_until=clock.wall() + timedelta(days=9000),
        )
    monkeypatch.setattr(prescriptions, "find", find)
    return made


@pytest.fixture
def tx(mocks: Flask) -> Iterator[Flask]:
    with writing(mocks):
        yield mocks


CASES: dict[str, tuple[dict[str, dict[str, Any]], str, list[tuple[str, int, str]], tuple[int, int, int, int]]] = {
    "E1": ({}, "P01", [("D05", 1, ""), ("D07", 1, "")], (0, 3130, 0, 0)),
    "E2": (
        {"P04": {"mutual_aid_from": "P01"}},
        "P04",
        [("D01", 2, "RX-E2"), ("D17", 1, "RX-E2")],
        (2759, 0, 2581, 0),
    ),
    "E3": (
        {"P02": {"deductible_paid_fen": 1000}},
        "P02",
        [("D09", 3, "RX-E3"), ("D13", 2, "RX-E3"), ("D25", 1, "RX-E3")],
        (1696, 0, 0, 8694),
    ),
    "E4": (
        {
            "P08": {"deductible_paid_fen": 1000, "pooled_used_fen": 67000, "mutual_aid_from": "P01"},
            "P01": {"balance_fen": 5000},
        },
        "P08",
        [("D09", 6, "RX-E4"), ("D14", 6, "RX-E4")],
        (3000, 0, 5000, 2920),
    ),
    "E5": ({}, "P24", [("D24", 1, "RX-E5")], (16510, 31290, 0, 0)),
    "E5b": (
        {"P03": {"balance_fen": 1000, "mutual_aid_from": "P01"}, "P01": {"balance_fen": 5000}},
        "P03",
        [("D24", 1, "RX-E5b")],
        (14528, 1000, 5000, 27272),
    ),
    "E6": ({}, "P01", [("X01", 1, "")], (0, 19900, 0, 0)),
    "E7": ({}, "P11", [("D01", 2, "RX-E7")], (0, 1360, 0, 0)),
}


def arranged(app: Flask, case: str) -> Any:
    before, who, goods, _ = CASES[case]
    for other, fields in before.items():
        adjust(app, other, **fields)
    return bought(who, *(line(code, count, rxno) for code, count, rxno in goods))


@pytest.mark.parametrize("case", CASES)
def test_the_cases_of_the_domain_sheet_settle_to_the_fen_and_come_back_whole(mocks: Flask, case: str) -> None:
    purchase = arranged(mocks, case)
    people = [purchase.person, "P01"]
    before = [look(mocks, who) for who in people]
    with writing(mocks):
        assert ledger.presettle(purchase).split.legs == CASES[case][3]
    assert [look(mocks, who) for who in people] == before
    with writing(mocks):
        made = ledger.commit_settlement(purchase, "M1", CASES[case][3])
    assert (made.pooled_fen, made.own_fen, made.mutual_fen, made.cash_fen) == CASES[case][3]
    assert look(mocks, purchase.person)["pooled_used_fen"] == before[0]["pooled_used_fen"] + made.pooled_fen
    with writing(mocks):
        twin = ledger.reverse_settlement(made.setl_id, "M2")
    assert [look(mocks, who) for who in people] == before
    assert (twin.refund_of, twin.total_fen) == (made.setl_id, -made.total_fen)
    assert twin.setlinfo["medfee_sumamt"] == f"-{made.setlinfo['medfee_sumamt']}"
    assert "-0.00" not in twin.setlinfo.values()


def test_a_settlement_debits_the_giver_and_counts_what_was_given(mocks: Flask) -> None:
    purchase = arranged(mocks, "E2")
    with writing(mocks):
        ledger.commit_settlement(purchase, "M1")
    giver, member = look(mocks, "P01"), look(mocks, "P04")
    assert (giver["balance_fen"], giver["mutual_used_fen"], giver["pooled_used_fen"]) == (328650 - 2581, 2581, 0)
    assert (member["deductible_paid_fen"], member["pooled_used_fen"]) == (1000, 2759)


def test_the_deductible_is_paid_once_a_year_whatever_the_level(mocks: Flask) -> None:
    with writing(mocks):
        ledger.commit_settlement(arranged_e2(mocks), "M1")
        again = ledger.presettle(bought("P04", line("D04"), at=HOSPITAL_2, med_type="11"))
        assert again.split.deductible_fen == 390
        next_year = bought("P04", line("D04"), at=HOSPITAL_1, begntime="2026-01-01 00:00:00")
        assert ledger.presettle(next_year).split.deductible_fen == 390
        same_level = ledger.presettle(bought("P04", line("D04"), at=HOSPITAL_1))
        assert same_level.split.deductible_fen == 0


def arranged_e2(app: Flask) -> Any:
    return bought("P04", line("D01", 2, "RX-E2"), line("D17", 1, "RX-E2"))


def test_a_purchase_is_taken_back_once(tx: Flask) -> None:
    made = ledger.commit_settlement(bought("P01", line("D07")), "M1")
    ledger.reverse_settlement(made.setl_id, "M2")
    for setl_id, key in ((made.setl_id, "SIM-SETLDONE"), ("123", "SIM-NOSETL")):
        with pytest.raises(Refused) as refused:
            ledger.reverse_settlement(setl_id, "M3")
        assert refused.value.key == key


def test_a_split_the_payer_did_not_agree_to_is_not_booked(mocks: Flask) -> None:
    purchase = bought("P01", line("D07"))
    adjust(mocks, "P01", balance_fen=1000)
    with writing(mocks), pytest.raises(Refused, match="预结算金额不匹配"):
        ledger.commit_settlement(purchase, "M1", (0, 1280, 0, 0))
    assert look(mocks, "P01")["balance_fen"] == 1000


def test_trace_codes_and_the_prescription_are_used_up_and_released(tx: Flask) -> None:
    purchase = arranged_e2(tx)
    made = ledger.commit_settlement(purchase, "M1")
    assert refusal(lambda: ledger.presettle(purchase)) == "SIM-RXUSED"
    codes = [{"drug_trac_codg": purchase.lines[0].trace_codes[0]}]
    assert refusal(lambda: ledger.presettle(bought("P01", line("D04", drugtracinfo=codes)))) == "SIM-TRACUSED"
    ledger.reverse_settlement(made.setl_id, "M2")
    assert db.session.query(TraceCode).count() == db.session.query(PrescriptionUse).count() == 0
    ledger.presettle(purchase)


def refusal(attempt: Any) -> str:
    with pytest.raises(Refused) as refused:
        attempt()
    return refused.value.key


@pytest.mark.parametrize(
    "who, fields, goods, place, key",
    [
        ("P01", {}, [("X03", 1, "")], None, "SIM-FORBIDDEN"),
        ("P01", {}, [("X01", 1, ""), ("X04", 1, "")], None, "SIM-FORBIDDEN"),
        ("P01", {}, [("D01", 1, "")], None, "SIM-RX"),
        ("P01", {}, [("D01", 1, "RX-NONE")], None, "SIM-NORX"),
        ("P01", {}, [("D01", 1, "RX-E2")], None, "SIM-RXPERSON"),
        ("P04", {}, [("D01", 3, "RX-E2")], None, "SIM-RXITEM"),
        ("P04", {}, [("D01", 2, "RX-E2"), ("D08", 1, "RX-E2")], None, "SIM-RXITEM"),
        ("P01", {}, [("X05", 1, "")], None, "SIM-TRACUSED"),
        ("P01", {}, [("D04", 1, "")], "H46019900007", "SIM-NOTDESIGNATED"),
        ("P01", {}, [("D04", 1, "")], "P46019900011", "SIM-SUSPENDED"),
        ("P01", {}, [("D04", 1, "")], "P46019999999", "SIM-INST"),
        ("P10", {}, [("D04", 1, "")], None, "SIM-OUTSIDE"),
        ("P13", {}, [("D04", 1, "")], None, "SIM-SYNC"),
        ("P18", {}, [("D04", 1, "")], None, "SIM-DECEASED"),
        ("P01", {"status": "4"}, [("D04", 1, "")], None, "SIM-END"),
        ("P01", {"status": "0"}, [("D04", 1, "")], None, "NO_INSURANCE"),
        ("P01", {"insutype": "390"}, [("D04", 1, "")], None, "NO_INSURANCE"),
        ("P01", {"frozen": True}, [("D04", 1, "")], None, "SIM-FROZEN"),
    ],
)
def test_what_may_not_be_sold_or_to_whom_is_refused(
    mocks: Flask, who: str, fields: dict[str, Any], goods: list[Any], place: str | None, key: str
) -> None:
    adjust(mocks, who, **fields)
    with writing(mocks):
        purchase = bought(who, *(line(*row) for row in goods), **({"at": place} if place else {}))
        assert refusal(lambda: ledger.presettle(purchase)) == key


def test_prescriptions_run_out_are_revoked_and_must_be_electronic_for_dual_channel_drugs(
    tx: Flask, paper: dict[str, prescriptions.Prescription]
) -> None:
    purchase, usual = bought("P24", line("D24", 1, "RX-E5")), paper["RX-E5"]
    for changed, key in (
        ({"state": "REVOKED"}, "SIM-RXSTATE"),
        ({"valid_until": purchase.at - timedelta(seconds=1)}, "SIM-RXSTATE"),
        ({"electronic": False}, "SIM-RXPAPER"),
    ):
        paper["RX-E5"] = replace(usual, **changed)
        assert refusal(lambda: ledger.presettle(purchase)) == key
    before = bought("P24", line("D24", 1, "RX-E5"), begntime="2024-12-31 10:00:00")
    assert ledger.presettle(before).policy.version == "hn-2024.4"


def test_a_trace_code_per_pack_is_wanted_from_july_2025(tx: Flask) -> None:
    without = line("D04", 2, drugtracinfo=[])
    assert refusal(lambda: ledger.presettle(bought("P01", without))) == "SIM-TRAC"
    ledger.presettle(bought("P01", without, begntime="2025-06-30 23:59:59"))
    switches.put("national.trace_code_policy", "off")
    ledger.presettle(bought("P01", without))
    codes = line("D04")["drugtracinfo"]
    assert refusal(lambda: ledger.presettle(bought("P01", line("D04", 2, drugtracinfo=codes * 2)))) == "SIM-TRACUSED"


@pytest.mark.parametrize("mode, pooled", [("off", 0), ("rx_only", 2759), ("open", 2759), ("policy", 2759)])
def test_one_switch_decides_about_the_fund_in_pharmacies(tx: Flask, mode: str, pooled: int) -> None:
    switches.put("national.pharmacy_pooled_mode", mode)
    assert ledger.presettle(arranged_e2(tx)).split.pooled_fen == pooled


def test_an_open_pharmacy_pays_without_a_prescription_at_the_basis_level(tx: Flask) -> None:
    switches.put("national.pharmacy_pooled_mode", "open")
    assert ledger.presettle(bought("P01", line("D07", 2))).split.pooled_fen == (2560 - 1000) * 7 // 10


def test_a_pharmacy_outside_the_fund_takes_accounts_and_mutual_aid_only(mocks: Flask) -> None:
    adjust(mocks, "P04", mutual_aid_from="P01")
    with writing(mocks):
        purchase = bought("P04", line("D01", 2, "RX-E2"), at=PHARMACY_WITHOUT_FUND)
        assert ledger.presettle(purchase).split.legs == (0, 0, 1360, 0)


@pytest.mark.parametrize(
    "who, fields",
    [
        ("P01", {"status": "2"}),
        ("P01", {"frozen": True}),
        ("P01", {"deceased_on": "2025-11-01"}),
        ("P01", {"balance_fen": 0}),
        ("P07", {"mutual_aid_from": None}),
        ("P07", {"status": "2"}),
    ],
)
def test_mutual_aid_rests_while_either_side_is_not_in_order(mocks: Flask, who: str, fields: dict[str, Any]) -> None:
    adjust(mocks, "P07", mutual_aid_from="P01", balance_fen=1000)
    adjust(mocks, who, **fields)
    with writing(mocks):
        assert ledger.presettle(bought("P07", line("D07"))).split.legs == (0, 1000, 0, 280)


def test_own_money_goes_before_mutual_aid_and_p17_has_a_giver_from_the_start(tx: Flask) -> None:
    split = ledger.presettle(bought("P17", line("D07", 3))).split
    assert split.legs == (0, 3000, 840, 0)


def test_without_the_account_flag_everything_personal_is_cash(tx: Flask) -> None:
    split = ledger.presettle(bought("P17", line("D07"), acct_used_flag="0")).split
    assert split.legs == (0, 0, 0, 1280)


def test_the_bureau_can_be_told_to_refuse_the_suspended(tx: Flask) -> None:
    switches.put("national.suspended_person", "refuse")
    assert refusal(lambda: ledger.presettle(bought("P11", line("D04")))) == "SIM-STOP"


def test_money_for_a_closed_account_waits_in_suspense(mocks: Flask) -> None:
    adjust(mocks, "P04", mutual_aid_from="P01")
    with writing(mocks):
        made = ledger.commit_settlement(bought("P04", line("D04")), "M1")
    adjust(mocks, "P01", deceased_on="2025-12-01")
    with writing(mocks):
        ledger.reverse_settlement(made.setl_id, "M2")
    giver = look(mocks, "P01")
    assert (giver["balance_fen"], giver["suspense_fen"], giver["mutual_used_fen"]) == (328650 - 390, 390, 0)


def test_mutual_aid_money_goes_back_to_the_giver_even_after_leaving(mocks: Flask) -> None:
    adjust(mocks, "P04", mutual_aid_from="P01")
    with writing(mocks):
        made = ledger.commit_settlement(bought("P04", line("D04")), "M1")
    adjust(mocks, "P04", mutual_aid_from=None)
    with writing(mocks):
        ledger.reverse_settlement(made.setl_id, "M2")
    assert look(mocks, "P01")["balance_fen"] == 328650


def test_the_header_keeps_its_identities_under_every_switch(mocks: Flask) -> None:
    purchase = arranged(mocks, "E5b")
    with writing(mocks):
        quote = ledger.presettle(purchase)
        usual = setlinfo.setlinfo(quote, "1", "M1")
        assert usual["psn_part_amt"] == usual["acct_pay"] + usual["psn_cash_pay"]
        assert usual["medfee_sumamt"] == usual["fund_pay_sumamt"] + usual["psn_part_amt"] + usual["hosp_part_amt"]
        switches.put("national.acct_mulaid_mode", "exclusive")
        beside = setlinfo.setlinfo(quote, "1", "M1")
        parts = beside["acct_pay"] + beside["acct_mulaid_pay"] + beside["psn_cash_pay"]
        assert beside["psn_part_amt"] == parts
        switches.put("national.fund_sum_includes_account", "true")
        counted = setlinfo.setlinfo(quote, "1", "M1")
        assert counted["medfee_sumamt"] == counted["fund_pay_sumamt"] + counted["psn_cash_pay"]
