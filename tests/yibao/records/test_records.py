"""What was bought, and the year's totals by leg."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.yibao.settlement.test_settlement_flow import refused
from yibao.steps.records import rules
from yibao.steps.settlement.models import Settlement
from yibao.steps.settlement.rules import Split


def records(shop, query=""):
    answer = shop.phone.call("get", f"/records{query}")
    assert answer.status_code == 200
    return answer.get_json()


def test_a_settlement_appears_once_when_it_is_settled(shop):
    shop.quoted()
    shop.confirmed()
    assert records(shop)["items"] == []
    number = shop.settled()
    (record,) = records(shop)["items"]
    assert record["id"] == number and record["mine"] and not record["refunded"]
    assert record["split"]["own_fen"] == 3130 and record["patient"]["name"] == "林*一"


def test_records_are_paged_newest_first(shop):
    numbers = [shop.settled() for _ in range(3)]
    first = records(shop, "?limit=2")
    second = records(shop, f"?limit=2&after={first['next']}")
    assert [row["id"] for row in first["items"] + second["items"]] == numbers[::-1]
    assert second["next"] is None


def test_a_year_is_counted_in_china(shop):
    shop.time.now = shop.time.now.replace(month=12, day=31, hour=23, minute=50)
    shop.phone.log_in()
    shop.settled()
    shop.wait(minutes=20)
    shop.settled()
    assert len(records(shop, "?year=2025")["items"]) == len(records(shop, "?year=2026")["items"]) == 1
    assert shop.phone.call("get", "/records/summary").get_json()["year"] == 2026


def test_the_summary_takes_refunds_off(shop):
    shop.settled()
    shop.vendors.parts = (1000, 130, 0)
    number = shop.settled()
    before = shop.phone.call("get", "/records/summary?year=2025").get_json()
    assert before["net"] == before["spent"] and before["net"]["pooled_fen"] == 1000 and before["count"] == 2
    shop.post(f"/settlements/{number}/refunds", {"reason": "quality"})
    shop.tell_refund(number)
    after = shop.phone.call("get", "/records/summary?year=2025").get_json()
    assert after["net"] == {**dict.fromkeys(rules.LEGS, 0), "total_fen": 3130, "own_fen": 3130}
    assert after["refunds"] == 1 and after["returned"]["cash_fen"] == 2000
    assert after["patients"][0]["net"] == after["net"] and after["sample"] == "样例"


def test_others_do_not_see_my_records(shop):
    shop.settled()
    shop.phone.log_in("oSAMPLEOPENID0000000000000002")
    assert records(shop)["items"] == []
    assert shop.phone.call("get", "/records/summary").get_json()["net"]["total_fen"] == 0


@pytest.mark.parametrize(
    "query",
    ["?year=1", "?year=x", "?limit=0", "?limit=101", "?after=0", "?after=x", "?after=9223372036854775808"],
)
def test_bad_questions_are_refused(shop, query):
    refused(shop.phone.call("get", f"/records{query}"), "FIELD_INVALID")


@given(st.lists(st.tuples(st.lists(st.integers(0, 10**8), min_size=5, max_size=5), st.booleans()), max_size=8))
def test_net_is_what_was_not_refunded_and_still_adds_up(orders):
    rows = []
    for parts, back in orders:
        row = Settlement(state="REFUNDED" if back else "SETTLED", patient_name="林样一", patient_id_number="1")
        row.set_split(Split(sum(parts), *parts))
        rows.append(row)
    found = rules.totals(rows)
    assert found["net"]["total_fen"] == sum(sum(parts) for parts, back in orders if not back)
    assert sum(found["net"][leg] for leg in rules.LEGS[1:]) == found["net"]["total_fen"]
