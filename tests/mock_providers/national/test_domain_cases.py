"""The worked cases of the domain sheet (§5.3) over the institutions' gateway, to the fen; 2103 restores all."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from mock_providers import clock, switches
from tests.mock_providers.national.bureau import Gateway, adjust, line, look, writing

# who, what the bureau knew before, the goods and the prescription
CASES: dict[str, tuple[str, dict[str, dict[str, Any]], list[tuple[str, int]], str]] = {
    "E1": ("P01", {}, [("D05", 1), ("D07", 1)], ""),
    "E2": ("P04", {"P04": {"mutual_aid_from": "P01"}}, [("D01", 2), ("D17", 1)], "RXSAMPLE-E2"),
    "E3": ("P02", {"P02": {"deductible_paid_fen": 1000}}, [("D09", 3), ("D13", 2), ("D25", 1)], "RXSAMPLE-E3"),
    "E4": (
        "P08",
        {
            "P08": {"deductible_paid_fen": 1000, "pooled_used_fen": 67_000, "mutual_aid_from": "P01"},
            "P01": {"balance_fen": 5000},
        },
        [("D09", 6), ("D14", 6)],
        "RXSAMPLE-E4",
    ),
    "E5": ("P24", {}, [("D24", 1)], "RXSAMPLE-E5"),
    "E5b": (
        "P03",
        {"P03": {"balance_fen": 1000, "mutual_aid_from": "P01"}, "P01": {"balance_fen": 5000}},
        [("D24", 1)],
        "RXSAMPLE-E5B",
    ),
    "E6": ("P01", {}, [("X01", 1)], ""),
    "E7": ("P11", {}, [("D01", 2)], "RXSAMPLE-E7"),
}
COLUMNS = ("medfee_sumamt", "inscp_scp_amt", "preselfpay_amt", "act_pay_dedc", "hifp_pay", "own", "acct_mulaid_pay")
COLUMNS += ("psn_cash_pay",)
# total, in scope, first pay, deductible, pooled, own, mutual, cash: the table of the sheet, in fen
SHEET = {
    "E1": (3130, 2945, 185, 0, 0, 3130, 0, 0),
    "E2": (5340, 4942, 398, 1000, 2759, 0, 2581, 0),
    "E3": (10390, 6828, 572, 4000, 1696, 0, 0, 8694),
    "E4": (10920, 10920, 0, 0, 3000, 0, 5000, 2920),
    "E5": (47800, 43020, 4780, 10000, 16510, 31290, 0, 0),
    "E5b": (47800, 43020, 4780, 10000, 14528, 1000, 5000, 27272),
    "E6": (19900, 0, 0, 0, 0, 19900, 0, 0),
    "E7": (1360, 1360, 0, 0, 0, 1360, 0, 0),
}


@pytest.fixture
def call(mocks: Flask, client: FlaskClient) -> Gateway:
    return Gateway(mocks, client)


def bill(call: Gateway, case: str) -> dict[str, Any]:
    who, before, goods, rxno = CASES[case]
    for other, facts in before.items():
        adjust(call.app, other, **facts)
    with call.app.app_context():
        moment = (clock.now() - timedelta(minutes=1)).strftime("%Y-%m-%d %H:%M:%S")
    return call.preview(who, *(line(code, count, rxno) for code, count in goods), begntime=moment)


def fen(info: dict[str, Any]) -> tuple[int, ...]:
    said = {**info, "own": info["acct_pay"] - info["acct_mulaid_pay"]}
    return tuple(int(said[name] * 100) for name in COLUMNS)


@pytest.mark.parametrize("case", CASES)
def test_a_case_is_exact_to_the_fen_over_2101_and_2102_and_2103_restores_everybody(call: Gateway, case: str) -> None:
    content, people = bill(call, case), [CASES[case][0], "P01"]
    before = [look(call.app, who) for who in people]
    assert fen(call.output("2101", content)["setlinfo"]) == SHEET[case]
    assert [look(call.app, who) for who in people] == before
    info = call.output("2102", content)["setlinfo"]
    assert fen(info) == SHEET[case]
    assert info["balc"] == Decimal(before[0]["balance_fen"]) / 100 - info["acct_pay"] + info["acct_mulaid_pay"]
    after = look(call.app, people[0])
    assert after["pooled_used_fen"] == before[0]["pooled_used_fen"] + SHEET[case][4]
    assert after["deductible_paid_fen"] == before[0]["deductible_paid_fen"] + SHEET[case][3]
    assert look(call.app, "P01")["mutual_used_fen"] == SHEET[case][6]
    named = {name: info[name] for name in ("setl_id", "mdtrt_id", "psn_no")}
    assert call.output("2103", {"data": named})["setlinfo"]["medfee_sumamt"] == -info["medfee_sumamt"]
    assert [look(call.app, who) for who in people] == before
    assert fen(call.output("2102", content)["setlinfo"]) == SHEET[case]


def test_case_e6_is_refused_with_the_food_supplement_in_it(call: Gateway) -> None:
    before = look(call.app, "P01")
    assert "蛋白粉" in call.refusal("2102", call.preview("P01", line("X01"), line("X03")))
    assert look(call.app, "P01") == before


@pytest.mark.parametrize("mode, pooled", [("off", 0), ("rx_only", 2759), ("open", 2759)])
def test_case_e2_in_the_three_modes_of_pharmacies(call: Gateway, mode: str, pooled: int) -> None:
    with writing(call.app):
        switches.put("national.pharmacy_pooled_mode", mode)
    info = call.output("2102", bill(call, "E2"))["setlinfo"]
    assert (fen(info)[4], fen(info)[6]) == (pooled, 5340 - pooled)


def test_case_e2_bought_again_and_again_stops_at_the_residents_cap(call: Gateway) -> None:
    """500.00 a year under sixty; the deductible is paid once."""
    with writing(call.app):
        switches.put("national.rxno_check", "form")
    left = 50_000
    for number in range(16):
        rxno = f"RX{number}"
        content = call.preview("P04", line("D01", 2, rxno), line("D17", 1, rxno))
        _, _, _, deductible, pooled, *_ = fen(call.output("2102", content)["setlinfo"])
        assert (deductible, pooled) == (1000 if number == 0 else 0, min(2759 if number == 0 else 3459, left))
        left -= pooled
    assert left == 0 and look(call.app, "P04")["pooled_used_fen"] == 50_000
