"""What the bureau knows of a person can be seen and set."""

import pytest
from flask.testing import FlaskClient


def test_a_persons_prescriptions_are_listed_with_what_they_hold(client: FlaskClient) -> None:
    papers = client.get("/_mock/people/P02").json["prescriptions"]
    assert [(paper["no"], paper["items"]) for paper in papers] == [("RXSAMPLE-E3", {"D09": 3, "D13": 2, "D25": 1})]


def test_every_fact_the_bureau_can_change_can_be_set(client: FlaskClient) -> None:
    wanted = {
        "balance_fen": 7,
        "suspense_fen": 8,
        "deductible_paid_fen": 9,
        "pooled_used_fen": 10,
        "mutual_used_fen": 11,
        "status": "2",
        "frozen": True,
        "area": "460200",
        "paused_on": "2025-11-01",
        "mutual_aid_from": "P03",
    }
    answer = client.post("/_mock/people/P01", json=wanted)
    assert answer.status_code == 200
    assert {key: answer.json["bureau"][key] for key in wanted} == wanted


@pytest.mark.parametrize(
    "wrong",
    [
        {"balance_fen": -1},
        {"balance_fen": 10**9 + 1},
        {"balance_fen": 1.5},
        {"frozen": "yes"},
        {"paused_on": "2025-13-01"},
        {"mutual_aid_from": "P99"},
        {"mutual_aid_from": "P01"},
        {"nothing": 1},
    ],
    ids=str,
)
def test_a_fact_that_cannot_be_is_refused_and_changes_nothing(client: FlaskClient, wrong: dict) -> None:
    before = client.get("/_mock/people/P01").json
    answer = client.post("/_mock/people/P01", json=wrong)
    assert answer.status_code in (400, 404) and answer.json["code"]
    assert client.get("/_mock/people/P01").json == before
