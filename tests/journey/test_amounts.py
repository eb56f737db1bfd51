"""The worked cases of the domain sheet (§5.3), end to end and to the fen."""

import pytest

from mock_providers.phone.handset import Handset, Refusal
from mock_providers.phone.walk import expect_split

SHOP = "P46019900008"


CASES = [
    ("E1", "P01", {}, [("D05", 1), ("D07", 1)], dict(total=3130, pooled=0, own=3130, mutual=0, cash=0)),
    (
        "E3",
        "P02",
        {"deductible_paid_fen": 1000},
        [("D09", 3), ("D13", 2), ("D25", 1)],
        dict(total=10390, pooled=1696, own=0, mutual=0, cash=8694),
    ),
    ("E5", "P24", {}, [("D24", 1)], dict(total=47800, pooled=16510, own=31290, mutual=0, cash=0)),
    (
        "E5b",
        "P03",
        {"balance_fen": 1000, "mutual_aid_from": "P01"},
        [("D24", 1)],
        dict(total=47800, pooled=14528, own=1000, mutual=5000, cash=27272),
    ),
    ("E7", "P11", {}, [("D01", 2)], dict(total=1360, pooled=0, own=1360, mutual=0, cash=0)),
]


@pytest.mark.parametrize("case, person, bureau, items, split", CASES, ids=[row[0] for row in CASES])
def test_a_case_comes_out_to_the_fen_and_a_refund_restores_it(
    phone: Handset, case: str, person: str, bureau: dict, items: list, split: dict
) -> None:
    phone.ready(person)
    if bureau:
        phone.control("POST", f"people/{person}", bureau)
    if bureau.get("mutual_aid_from"):
        phone.control("POST", "people/P01", {"balance_fen": 5000})
    before = phone.facts(person)["bureau"]
    more = {} if case == "E1" else {"prescription_no": f"RXSAMPLE-{case.upper()}"}
    bought = phone.buy(SHOP, items, **more)
    assert bought["state"] == "SETTLED"
    expect_split(bought, **{"wallet": 0, **split})
    assert phone.facts(person)["bureau"]["balance_fen"] == before["balance_fen"] - split["own"]
    refunded = phone.refund(bought["id"])
    assert refunded["state"] == "REFUNDED"
    after = phone.facts(person)["bureau"]
    assert {k: after[k] for k in ("balance_fen", "deductible_paid_fen", "pooled_used_fen")} == {
        k: before[k] for k in ("balance_fen", "deductible_paid_fen", "pooled_used_fen")
    }


def test_case_e6_refuses_the_food_supplement_and_takes_the_device_alone(phone: Handset) -> None:
    phone.ready("P01")
    with pytest.raises(Refusal) as refused:
        phone.quote(SHOP, [("X01", 1), ("X03", 1)])
    assert refused.value.code == "ITEM_FORBIDDEN"
    bought = phone.buy(SHOP, [("X01", 1)])
    assert bought["state"] == "SETTLED"
    expect_split(bought, total=19900, pooled=0, own=19900, mutual=0, wallet=0, cash=0)
