"""Two testers at once never see each other."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from mock_providers.phone.handset import Handset

SHOP = "P46019900008"


def journey(phone: Handset) -> dict[str, Any]:
    phone.ready("P01")
    child = phone.bind("P04")
    bought = phone.buy(SHOP, [("D05", 1), ("D07", 1)])
    return {
        "child": child,
        "bought": bought,
        "balance": phone.facts("P01")["bureau"]["balance_fen"],
        "calls": len(phone.control("GET", "calls?limit=500")["items"]),
        "events": [event["type"] for event in phone.control("GET", "events")["items"]],
        "records": [row["id"] for row in phone.api("GET", "/records")["items"]],
    }


def test_the_same_journey_in_two_spaces_at_once_crosses_nowhere(phone_in: Callable[[str], Handset]) -> None:
    phones = [phone_in("left"), phone_in("right")]
    with ThreadPoolExecutor(2) as pool:
        left, right = pool.map(journey, phones)
    for seen in (left, right):
        assert seen["bought"]["state"] == "SETTLED"
        assert seen["child"]["state"] == "ACTIVE"
        assert seen["balance"] == 328650 - 3130
        assert sorted(seen["events"]) == ["6302", "MEDICAL_INSURANCE.SUCCESS"]
        assert seen["records"] == [seen["bought"]["id"]]
    assert left["calls"] == right["calls"]
    other = phones[0]
    other.space, home = "right", other.space
    assert other.ask("GET", f"/settlements/{right['bought']['id']}").status_code == 401
    other.space = home
    assert phone_in("default").control("GET", "events")["items"] == []


def test_the_clock_of_one_space_leaves_the_other_alone(phone_in: Callable[[str], Handset]) -> None:
    left, right = phone_in("left"), phone_in("right")
    for phone in (left, right):
        phone.control("POST", "clock", {"freeze": True})
    before = right.control("GET", "clock")["now"]
    left.advance("2d")
    assert right.control("GET", "clock")["now"] == before


def test_without_a_header_the_path_prefix_names_the_space(phone_in: Callable[[str], Handset]) -> None:
    phone = phone_in("left")
    plain = phone.session.get(f"{phone.base}/s/left/_mock/credentials", timeout=5).json()
    assert plain["wechat"]["appid"] == phone.control("GET", "credentials")["wechat"]["appid"]


def test_a_path_that_names_another_space_than_the_token_is_refused(phone_in: Callable[[str], Handset]) -> None:
    phone, other = phone_in("left"), phone_in("right")
    phone.log_in("P01")
    answer = phone.session.get(
        f"{phone.base}/s/{other.space}/api/v1/me", headers={"Authorization": f"Bearer {phone.token}"}, timeout=5
    )
    assert (answer.status_code, answer.json()["code"]) == (401, "TOKEN_INVALID")


def test_before_the_first_policy_nothing_can_be_bound_and_the_answer_says_why(phone: Handset) -> None:
    phone.ready("P01")
    phone.control("POST", "clock", {"set": "2010-01-01T00:00:00+08:00"})
    answer = phone.session.get(f"{phone.base}/api/v1/notices/family-binding", timeout=5)
    assert (answer.status_code, answer.json()["code"]) == (409, "STATE_CONFLICT")
