"""Who may ask the control API, and what it says to what it does not know."""

import pytest
from flask.testing import FlaskClient


@pytest.mark.parametrize("host, status", [("127.0.0.1:8000", 200), ("localhost", 200), ("[::1]:8000", 200)])
def test_the_control_api_answers_to_loopback_names(client: FlaskClient, host: str, status: int) -> None:
    assert client.get("/_mock/clock", headers={"Host": host}).status_code == status


def test_a_page_elsewhere_cannot_reach_the_keys_through_a_name_of_its_own(client: FlaskClient) -> None:
    answer = client.get("/_mock/credentials", headers={"Host": "evil.example"})
    assert (answer.status_code, answer.json["code"]) == (403, "HOST_REFUSED")


def test_an_unknown_target_is_told_which_there_are(client: FlaskClient) -> None:
    answer = client.post("/_mock/outcomes", json={"target": "wechatpay.refund", "outcome": "not_enough"})
    assert answer.status_code == 400 and "wechatpay.refunds" in answer.json["detail"]


@pytest.mark.parametrize("wrong", ["abc", "-1", "1.5", "", "9" * 12])
def test_a_switch_that_is_a_number_takes_nothing_else(client: FlaskClient, wrong: str) -> None:
    answer = client.post("/_mock/deviations", json={"wechatpay.refund_seconds": wrong})
    assert answer.status_code == 400 and answer.json["code"] == "FIELD_INVALID"
