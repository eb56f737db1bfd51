"""The tables and pure functions of settlement and refund."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yibao.clock import CHINA
from yibao.errors import CATALOGUE, Refused
from yibao.steps.settlement import rules, shelf
from yibao.steps.settlement.rules import Facts, Line, Prescription, Split

NOW = datetime(2025, 11, 22, 10, tzinfo=CHINA)
SHELF = shelf.items()
PATIENT = "460199199001010016"


def refused(code, call, *args, **kwargs):
    with pytest.raises(Refused) as caught:
        call(*args, **kwargs)
    assert caught.value.code == code


def lines(*wanted):
    return rules.lines_of([{"code": code, "quantity": n, "trace_codes": []} for code, n in wanted], SHELF, 20)


# ---- machine

HAPPY = [
    ("identified", "IDENTIFIED"),
    ("prescription_loaded", "RX_OK"),
    ("lines_checked", "PRESETTLED"),
    ("quoted", "CONFIRM_WAIT"),
    ("authorised", "AUTH_OK"),
    ("ordered", "FUND_PAYING"),
    ("fund_paid", "FUND_PAID"),
    ("cash_due", "CASH_WAIT"),
    ("all_paid", "SETTLED"),
    ("refund_requested", "REFUND_REQUESTED"),
    ("refund_checked", "REFUND_CHECKED"),
    ("fund_returned", "FUND_RETURNED"),
    ("cash_returned", "CASH_RETURNED"),
    ("refunded", "REFUNDED"),
]


def test_a_purchase_walks_from_cart_to_refunded():
    state = "CART"
    for event, expected in HAPPY:
        state = rules.move(state, event)
        assert state == expected


def test_every_state_is_reached_and_ends_have_no_way_out():
    reached = set(rules.NEXT.values()) | {"CART"}
    assert {state for state, _ in rules.NEXT} <= reached
    assert reached - {state for state, _ in rules.NEXT} == {
        "EXPIRED",
        "CANCELLED",
        "REJECTED",
        "REVERSED",
        "REFUNDED",
    }


@pytest.mark.parametrize(
    ("state", "event"),
    [
        ("SETTLED", "fund_paid"),
        ("SETTLED", "all_paid"),
        ("EXPIRED", "authorised"),
        ("REFUNDED", "refund_requested"),
        ("REVERSED", "all_paid"),
        ("CONFIRM_WAIT", "fund_paid"),
        ("AUTH_OK", "authorised"),
        ("nonsense", "quoted"),
    ],
)
def test_an_event_out_of_its_place_is_refused(state, event):
    refused("STATE_CONFLICT", rules.move, state, event)


# ---- split


@pytest.mark.parametrize(
    ("case", "bureau", "parts", "kind"),
    [
        ("E1", (3130, 0, 3130, 0, 0), (3130, 0, 3130, 0, 0, 0), "INSURANCE_ONLY"),
        ("E2", (5340, 2759, 2581, 2581, 0), (5340, 2759, 0, 2581, 0, 0), "INSURANCE_ONLY"),
        ("E3", (10390, 1696, 0, 0, 8694), (10390, 1696, 0, 0, 0, 8694), "CASH_AND_INSURANCE"),
        ("E4", (10920, 3000, 5000, 5000, 2920), (10920, 3000, 0, 5000, 0, 2920), "CASH_AND_INSURANCE"),
        ("E5", (47800, 16510, 31290, 0, 0), (47800, 16510, 31290, 0, 0, 0), "INSURANCE_ONLY"),
        ("E5b", (47800, 14528, 6000, 5000, 27272), (47800, 14528, 1000, 5000, 0, 27272), "CASH_AND_INSURANCE"),
        ("E7", (1360, 0, 1360, 0, 0), (1360, 0, 1360, 0, 0, 0), "INSURANCE_ONLY"),
        ("cash", (1360, 0, 0, 0, 1360), (1360, 0, 0, 0, 0, 1360), "CASH_ONLY"),
    ],
)
def test_the_bureaus_numbers_become_five_parts(case, bureau, parts, kind):
    split = rules.split_of(*bureau)
    assert tuple(split.as_dict().values()) == parts
    assert rules.mix_pay_type(split) == kind
    assert split.insured_fen + split.cash_fen == split.total_fen


@pytest.mark.parametrize("parts", [(100, 50, 50, 0, 0, 1), (100, 150, -50, 0, 0, 0), (0, 0, 0, 0, 1, -1)])
def test_parts_that_do_not_add_up_are_no_split(parts):
    refused("SPLIT_MISMATCH", Split, *parts)


@given(st.lists(st.integers(0, 10**9), min_size=5, max_size=5))
def test_any_five_parts_make_a_split_of_their_sum(parts):
    split = Split(sum(parts), *parts)
    assert split.insured_fen == sum(parts[:4]) and split.account_fen == sum(parts[1:4])


@given(st.lists(st.integers(-50, 50), min_size=6, max_size=6))
def test_a_split_exists_only_when_the_identity_holds(numbers):
    total, *parts = numbers
    try:
        Split(total, *parts)
    except Refused:
        assert sum(parts) != total or min(parts) < 0
    else:
        assert sum(parts) == total and min(parts) >= 0


def test_less_pooled_money_than_quoted_is_a_cap_and_the_rest_a_balance():
    quoted = Split(1000, 500, 500, 0, 0, 0)
    assert rules.why_changed(quoted, Split(1000, 400, 500, 0, 0, 100)) == "FUND_CAP"
    assert rules.why_changed(quoted, Split(1000, 500, 400, 0, 0, 100)) == "BALANCE_CHANGED"


# ---- cart


@pytest.mark.parametrize(
    ("code", "quantity", "expected"),
    [
        ("D99", 1, "ITEM_UNKNOWN"),
        ("D05", 0, "QTY_LIMIT"),
        ("D05", 21, "QTY_LIMIT"),
        ("X03", 1, "ITEM_FORBIDDEN"),
        ("X04", 1, "ITEM_FORBIDDEN"),
    ],
)
def test_a_cart_is_refused_for(code, quantity, expected):
    refused(expected, lines, (code, quantity))


def test_devices_and_consumables_may_be_in_an_insurance_order():
    assert [line.total_fen for line in lines(("X01", 1), ("X02", 2))] == [19900, 3160]


def test_the_same_item_twice_is_refused():
    refused("QTY_LIMIT", lines, ("D05", 1), ("D05", 1))


CODE = "81234567890123456789"


@pytest.mark.parametrize(
    ("item", "codes", "required", "expected"),
    [
        ("D05", [CODE], True, None),
        ("D05", [], False, None),
        ("X01", [], True, None),
        ("D05", [], True, "TRACE_MISSING"),
        ("D05", [CODE, "8" * 20], True, "TRACE_MISSING"),
        ("D05", ["8" * 19], True, "TRACE_MISSING"),
        ("D05", ["8" * 19], False, "TRACE_MISSING"),
        ("D05", [CODE, CODE], True, "TRACE_USED"),
        ("X06", [], True, "TRACE_MISSING"),
        ("X06", [CODE], True, "TRACE_MISSING"),
        ("X06", [], False, None),
    ],
)
def test_trace_codes(item, codes, required, expected):
    cart = [Line(SHELF[item], 1, tuple(codes))]
    if expected:
        refused(expected, rules.check_traces, cart, required)
    else:
        rules.check_traces(cart, required)


# ---- prescription


def prescription(**changed):
    given = {
        "number": "RX1",
        "psn_no": "1",
        "id_number": PATIENT,
        "state": "VALID",
        "used": False,
        "electronic": True,
        "valid_until": NOW + timedelta(days=1),
        "items": {"D09": 3, "D24": 1, "D15": 1},
    }
    return Prescription(**given | changed)


@pytest.mark.parametrize(
    ("changed", "cart", "expected"),
    [
        ({}, [("D09", 3), ("D25", 1)], None),
        ({}, [("D24", 1)], None),
        ({"id_number": "460199199001010024"}, [("D09", 3)], "RX_PATIENT_MISMATCH"),
        ({"state": "REVOKED"}, [("D09", 3)], "RX_REVOKED"),
        ({"used": True}, [("D09", 3)], "RX_USED"),
        ({"state": "EXPIRED"}, [("D09", 3)], "RX_EXPIRED"),
        ({"valid_until": NOW - timedelta(seconds=1)}, [("D09", 3)], "RX_EXPIRED"),
        ({}, [("D09", 2)], None),
        ({}, [("D09", 4)], "RX_ITEM_MISMATCH"),
        ({}, [("D15", 2)], "RX_ITEM_MISMATCH"),
        ({}, [("D10", 1)], "RX_ITEM_MISMATCH"),
        ({"electronic": False}, [("D24", 1)], "RX_PAPER_NOT_ALLOWED"),
        ({"electronic": False}, [("D09", 3)], None),
    ],
)
def test_prescriptions(changed, cart, expected):
    args = (prescription(**changed), PATIENT, lines(*cart), NOW)
    if expected:
        refused(expected, rules.check_prescription, *args)
    else:
        rules.check_prescription(*args)


def test_only_prescription_drugs_need_a_prescription():
    assert rules.needs_prescription(lines(("D09", 1), ("D05", 1)))
    assert not rules.needs_prescription(lines(("D05", 1), ("X01", 1)))


# ---- judgement over the legs

BOTH, FUND, CASH = Split(100, 60, 0, 0, 0, 40), Split(100, 60, 40, 0, 0, 0), Split(100, 0, 0, 0, 0, 100)


@pytest.mark.parametrize(
    ("split", "facts", "late", "expected"),
    [
        (BOTH, Facts("paid", "paid", "SUCCESS"), False, "settle"),
        (BOTH, Facts("paid", "paid", "SUCCESS"), True, "settle"),
        (FUND, Facts("paid", "none", "SUCCESS"), False, "settle"),
        (CASH, Facts("none", "paid", "SUCCESS"), False, "settle"),
        (BOTH, Facts("open", "open", "CREATED"), False, "wait"),
        (BOTH, Facts("open", "open", "CREATED"), True, "close"),
        (BOTH, Facts("none", "none"), True, "close"),
        (BOTH, Facts("paid", "open", "CREATED"), False, "wait"),
        (BOTH, Facts("paid", "open", "CREATED"), True, "reverse"),
        (BOTH, Facts("open", "paid", "FAIL"), False, "reverse"),
        (BOTH, Facts("failed", "paid"), False, "reverse"),
        (BOTH, Facts("paid", "open", "FAIL"), False, "reverse"),
        (BOTH, Facts("paid", "closed"), False, "reverse"),
        (BOTH, Facts("open", "open", "FAIL"), False, "reject"),
        (FUND, Facts("failed", "none"), False, "reject"),
        (FUND, Facts("undone", "none"), False, "close"),
        (CASH, Facts("none", "closed"), False, "close"),
        (BOTH, Facts("paid", "paid", "FAIL"), False, "reverse"),
        (CASH, Facts("none", "open"), True, "close"),
    ],
)
def test_what_is_done_about_the_legs(split, facts, late, expected):
    assert rules.judge(split, facts, late) == expected


@given(
    st.sampled_from([BOTH, FUND, CASH]),
    st.builds(
        Facts,
        st.sampled_from(["none", "open", "paid", "failed", "undone"]),
        st.sampled_from(["none", "open", "paid", "closed", "refunded"]),
        st.sampled_from(["", "CREATED", "SUCCESS", "FAIL"]),
    ),
    st.booleans(),
)
def test_nothing_that_was_paid_is_ever_closed_or_rejected(split, facts, late):
    verdict = rules.judge(split, facts, late)
    if "paid" in (facts.fund, facts.cash):
        assert verdict in ("settle", "wait", "reverse")
    if late:
        assert verdict != "wait"


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (Facts("failed", "paid"), "FUND_REFUSED"),
        (Facts("failed", "none", "FAIL", "FUND_CAP"), "FUND_CAP"),
        (Facts("open", "paid", "FAIL"), "FUND_REFUSED"),
        (Facts("open", "open", "FAIL"), "FUND_REFUSED"),
        (Facts("paid", "paid", "FAIL"), "FUND_REFUSED"),
        (Facts("paid", "open", "FAIL"), "CASH_FAIL"),
        (Facts("paid", "none"), "CASH_FAIL"),
        (Facts("none", "open", "FAIL"), "CASH_FAIL"),
        (Facts("open", "open"), "PAY_EXPIRED"),
        (Facts("undone", "closed"), "PAY_EXPIRED"),
    ],
)
def test_why_it_was_not_settled(facts, expected):
    assert rules.failure_of(facts) == expected
    assert expected in CATALOGUE


def test_pauses_grow_and_the_last_repeats():
    assert [rules.pause(rules.ASK_UNKNOWN, n).total_seconds() for n in (0, 1, 2, 3, 9)] == [3, 10, 60, 600, 600]


@pytest.mark.parametrize(
    ("split", "paid", "expected"),
    [
        (BOTH, {}, ("CREATED", "CREATED", "CREATED")),
        (BOTH, {"fund_paid": True}, ("SUCCESS", "CREATED", "CREATED")),
        (BOTH, {"fund_paid": True, "cash_paid": True}, ("SUCCESS", "SUCCESS", "SUCCESS")),
        (BOTH, {"cash_paid": True, "failed": True}, ("FAIL", "SUCCESS", "FAIL")),
        (BOTH, {"fund_paid": True, "failed": True}, ("SUCCESS", "FAIL", "FAIL")),
        (
            BOTH,
            {"fund_paid": True, "cash_paid": True, "fund_back": True, "cash_back": True},
            ("REFUND", "REFUND", "REFUND"),
        ),
        (BOTH, {"fund_paid": True, "cash_paid": True, "cash_back": True}, ("SUCCESS", "REFUND", "SUCCESS")),
        (FUND, {"fund_paid": True}, ("SUCCESS", "NONE", "SUCCESS")),
        (CASH, {"cash_paid": True}, ("NONE", "SUCCESS", "SUCCESS")),
    ],
)
def test_three_payment_states_are_kept_apart(split, paid, expected):
    every = dict.fromkeys(("fund_paid", "cash_paid", "fund_back", "cash_back", "failed"), False) | paid
    assert tuple(rules.three_states(split, **every).values()) == expected


# ---- refund


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, None),
        ({"state": "REFUND_DENIED"}, None),
        ({"state": "FUND_RETURNED"}, "REFUND_DUPLICATE"),
        ({"state": "REFUNDED"}, "REFUND_DUPLICATE"),
        ({"state": "CONFIRM_WAIT"}, "STATE_CONFLICT"),
        ({"window_only": True}, "REFUND_WINDOW_ONLY"),
        ({"reason": "mind"}, "REFUND_NOT_ALLOWED"),
        ({"unopened": False}, "REFUND_NOT_ALLOWED"),
        ({"too_late": True}, "REFUND_NOT_ALLOWED"),
    ],
)
def test_refund_guards(changed, expected):
    given = {"state": "SETTLED", "reason": "quality", "unopened": True, "window_only": False, "too_late": False}
    args = (given | changed).values()
    if expected:
        refused(expected, rules.check_refund, *args)
    else:
        rules.check_refund(*args)


def test_a_refund_is_the_whole_order():
    rules.check_refund_amount(BOTH, None)
    rules.check_refund_amount(BOTH, 100)
    refused("REFUND_AMOUNT", rules.check_refund_amount, BOTH, 60)


def test_the_parts_of_a_refund_add_up():
    rules.check_refund_sum(60, 60, 0, 0)
    refused("REFUND_SUM", rules.check_refund_sum, 61, 60, 0, 0)


# ---- shelf


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('[items.A]\nkind = "gold"', "items.A: kind"),
        ('[items.A]\nkind = "drug"\nprice_fen = 1.5', "items.A: price_fen"),
        ('[items.A]\nkind = "drug"\nprice_fen = 1\ntrace = 1', "items.A: trace"),
        ('[items.A]\nkind = "drug"\nprice_fen = 1\nsmell = "rose"', "items.A"),
    ],
)
def test_a_wrong_price_list_is_named_by_its_key(text, complaint):
    with pytest.raises(ValueError, match=complaint):
        shelf.parse(text)
