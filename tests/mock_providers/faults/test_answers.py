"""Faults on the vendors' answers: done, recorded, and what an SDK makes of them."""

import threading
from pathlib import Path
from typing import Any

import pytest
import requests
from cryptography.exceptions import InvalidSignature
from flask import Flask
from flask.testing import FlaskClient

from mock_providers.webhooks.catalogue import ANSWER, CATALOGUE
from tests.mock_providers.wechatpay.conftest import World
from tests.mock_providers.wechatpay.merchant import Merchant
from tests.served import served

CERTIFICATES = "/v3/certificates"
SIGNED = [name for name, fault in CATALOGUE.items() if fault.on == ANSWER and fault.verdict == "distrust"]


@pytest.fixture
def merchant(mocks: Flask, client: FlaskClient) -> Merchant:
    return Merchant(client, World(mocks).credentials())


def fault_of(ask: Any) -> Any:
    """The fault of the newest call."""
    return ask("GET", "calls")["items"][-1]["fault"]


@pytest.mark.parametrize(("name", "status", "code"), [
    ("answer_500", 500, "SYSTEM_ERROR"),
    ("answer_502", 502, "SERVICE_UNAVAILABLE"),
    ("answer_503", 503, "SERVICE_UNAVAILABLE"),
    ("answer_429", 429, "FREQUENCY_LIMITED"),
    ("answer_500_after", 500, "SYSTEM_ERROR"),
])  # fmt: skip
def test_wechat_pays_gateway_refuses_in_its_own_words(
    merchant: Merchant, ask: Any, name: str, status: int, code: str
) -> None:
    ask("POST", "faults", {"fault": name})
    answer = merchant.get(CERTIFICATES)
    assert (answer.status_code, answer.json["code"]) == (status, code)
    assert fault_of(ask)["name"] == name
    assert merchant.get(CERTIFICATES).status_code == 200


@pytest.mark.parametrize(
    ("name", "status"), [("answer_500", 500), ("answer_502", 502), ("answer_503", 503), ("answer_429", 429)]
)
@pytest.mark.parametrize("path", ["/wechat/cgi-bin/token", "/national/fsi/api/rsfComIfsService/callService"])
def test_elsewhere_a_gateway_answers_with_its_page(
    client: FlaskClient, ask: Any, name: str, status: int, path: str
) -> None:
    ask("POST", "faults", {"fault": name})
    answer = client.get(path)
    assert (answer.status_code, answer.mimetype) == (status, "text/html")
    assert "nginx" in answer.text


def created(merchant: Merchant, number: str) -> Any:
    body = {
        "appid": merchant.held["appid"],
        "mchid": merchant.held["mchid"],
        "description": "样例药房",
        "out_trade_no": number,
        "notify_url": "http://127.0.0.1:9/n",
        "amount": {"total": 1, "currency": "CNY"},
        "payer": {"openid": "openid-P01"},
    }
    return merchant.post("/v3/pay/transactions/jsapi", body)


@pytest.mark.parametrize(("name", "made"), [("answer_500", False), ("answer_503", False), ("answer_500_after", True)])
def test_the_call_is_made_or_not_as_the_catalogue_says(
    mocks: Flask, merchant: Merchant, ask: Any, name: str, made: bool
) -> None:
    World(mocks)
    ask("POST", "faults", {"fault": name, "path": "/v3/pay/*"})
    assert created(merchant, "ANSWER-001").status_code == int(name.split("_")[1])
    found = merchant.get(f"/v3/pay/transactions/out-trade-no/ANSWER-001?mchid={merchant.held['mchid']}")
    assert (found.status_code == 200) is made


@pytest.mark.parametrize(("name", "made"), [("answer_reset", False), ("answer_lost", True)])
def test_a_reset_comes_before_or_after_the_call(
    mocks: Flask, merchant: Merchant, ask: Any, name: str, made: bool
) -> None:
    World(mocks)
    ask("POST", "faults", {"fault": name})
    with pytest.raises(ConnectionResetError):
        created(merchant, "ANSWER-002")
    found = merchant.get(f"/v3/pay/transactions/out-trade-no/ANSWER-002?mchid={merchant.held['mchid']}")
    assert (found.status_code == 200) is made
    call = ask("GET", "calls")["items"][-2]
    assert (call["fault"]["name"], call["status"]) == (name, None), "nobody saw a status"
    assert call["fault"]["heard"] == "the connection was reset: the caller got no answer"


BROKEN = {
    "answer_empty": lambda answer: not answer.data,
    "answer_garbage": lambda answer: not answer.is_json or answer.get_json(silent=True) is None,
    "answer_truncated": lambda answer: answer.get_json(silent=True) is None,
    "answer_html": lambda answer: (
        answer.mimetype == "text/html" and answer.status_code == 200 and "Wechatpay-Signature" not in answer.headers
    ),
    "answer_unsigned": lambda answer: not any(name.startswith("Wechatpay-") for name in dict(answer.headers)),
}


@pytest.mark.parametrize("name", [name for name in SIGNED if name not in ("answer_lost", "answer_cut_off")])
def test_an_honest_client_does_not_believe_a_spoilt_answer(merchant: Merchant, ask: Any, name: str) -> None:
    ask("POST", "faults", {"fault": name})
    answer = merchant.get(CERTIFICATES)
    assert answer.status_code == 200
    assert fault_of(ask) == {"id": 1, "name": name, "expected": "distrust"}
    if name in BROKEN:
        assert BROKEN[name](answer)
        return
    if name == "answer_timestamp_stale":
        merchant.verifies(answer)
        return
    with pytest.raises((InvalidSignature, ValueError, KeyError, AssertionError)):
        merchant.verifies(answer)
    merchant.verifies(merchant.get(CERTIFICATES))


def test_text_plain_is_still_the_right_answer(merchant: Merchant, ask: Any) -> None:
    ask("POST", "faults", {"fault": "answer_content_type_wrong"})
    answer = merchant.get(CERTIFICATES)
    assert answer.mimetype == "text/plain"
    merchant.verifies(answer)


def test_a_fault_that_does_not_fit_waits_for_an_answer_it_fits(
    client: FlaskClient, merchant: Merchant, ask: Any
) -> None:
    ask("POST", "faults", {"fault": "answer_unsigned"})
    ask("POST", "faults", {"fault": "answer_probe"})
    assert client.get("/wechat/cgi-bin/token").status_code == 200  # WeChat signs nothing
    assert len(ask("GET", "faults")["items"]) == 2
    assert "Wechatpay-Signature" not in merchant.get(CERTIFICATES).headers
    assert merchant.get(CERTIFICATES).headers["Wechatpay-Signature"].startswith("WECHATPAY/SIGNTEST/")


@pytest.mark.parametrize(("scope", "strikes"), [
    ({"path": "/v3/certificates"}, True),
    ({"path": "/wechatpay/v3/certificates"}, True),
    ({"path": "/v3/*"}, True),
    ({"path": "/v3/bill*"}, False),
    ({"vendor": "wechat"}, False),
    ({"vendor": "wechatpay"}, True),
    ({"ref": "ORDER-1"}, False),
    ({"person": "P01"}, False),
])  # fmt: skip
def test_the_scope_of_an_answers_fault_is_kept_to(
    merchant: Merchant, ask: Any, scope: dict[str, str], strikes: bool
) -> None:
    ask("POST", "faults", {"fault": "answer_503", **scope})
    assert (merchant.get(CERTIFICATES).status_code == 503) is strikes


def test_an_order_is_known_by_its_number_and_a_person_by_his_openid(
    mocks: Flask, merchant: Merchant, ask: Any
) -> None:
    World(mocks)
    with mocks.test_request_context():
        openid = mocks.extensions["openids_of"]("P01")[0]
    ask("POST", "faults", {"fault": "answer_503", "ref": "MINE-00001"})
    assert [created(merchant, number).status_code for number in ("OTHER-0001", "MINE-00001")] == [200, 503]
    ask("POST", "faults", {"fault": "answer_502", "person": "P01"})
    assert merchant.get(CERTIFICATES).status_code == 200
    assert merchant.get(f"{CERTIFICATES}?openid={openid}").status_code == 502


def test_a_draw_of_answers_is_the_same_again(merchant: Merchant, ask: Any) -> None:
    seen = []
    for _ in range(2):
        ask("POST", "faults", {"fault": "answer_503", "next": 100, "percent": 40})
        seen.append([merchant.get(CERTIFICATES).status_code for _ in range(25)])
        ask("POST", "reset", {"level": "all"})
    assert seen[0] == seen[1] and {200, 503} == set(seen[0])


def test_a_slow_answer_pauses_outside_the_request_and_gives_its_place_back(
    mocks: Flask, merchant: Merchant, ask: Any
) -> None:
    pauses: list[float] = []
    mocks.extensions["pause"] = pauses.append
    ask("POST", "faults", {"fault": "answer_slow", "seconds": 7, "next": 20})
    for _ in range(20):
        merchant.verifies(merchant.get(CERTIFICATES))
    assert pauses == [7.0] * 20
    ask("POST", "faults", {"fault": "answer_dribbled", "seconds": 3})
    merchant.verifies(merchant.get(CERTIFICATES))
    assert len(pauses[20:]) == 10 and sum(pauses[20:]) == pytest.approx(3)


def test_only_a_few_answers_wait_at_once_the_others_are_answered(mocks: Flask, ask: Any) -> None:
    waiting, go = threading.Semaphore(0), threading.Event()

    def pause(seconds: float) -> None:
        waiting.release()
        go.wait(10)

    mocks.extensions["pause"] = pause
    ask("POST", "faults", {"fault": "answer_slow", "next": 100})
    slow = [threading.Thread(target=lambda: mocks.test_client().get("/wechat/cgi-bin/token").data) for _ in range(8)]
    for thread in slow:
        thread.start()
    for _ in slow:
        assert waiting.acquire(timeout=10)
    assert mocks.test_client().get("/wechat/cgi-bin/token").status_code == 200
    go.set()
    for thread in slow:
        thread.join(10)
    assert ask("GET", "faults")["items"][0]["struck"] == 8


def test_the_timeline_says_which_answer_was_spoilt(merchant: Merchant, ask: Any) -> None:
    ask("POST", "faults", {"fault": "answer_unsigned"})
    merchant.get(CERTIFICATES)
    said = ask("GET", "timeline", kind="call")["items"][-1]
    assert said["summary"].endswith("[fault answer_unsigned: an honest party does not believe it]")
    assert said["fault"]["name"] == "answer_unsigned"


def test_the_control_api_itself_is_never_damaged(client: FlaskClient, ask: Any) -> None:
    ask("POST", "faults", {"fault": "answer_503", "next": 10})
    assert client.get("/_mock/clock").status_code == client.get("/healthz").status_code == 200


def test_over_a_real_connection_it_is_reset_cut_off_and_slow(tmp_path: Path) -> None:
    with served(tmp_path, background=False) as app:
        base, pauses = app.config["SETTINGS"].public_url, []
        app.extensions["pause"] = pauses.append

        def ask_for(name: str) -> None:
            assert requests.post(f"{base}/_mock/faults", json={"fault": name}, timeout=10).status_code == 200

        token = f"{base}/wechat/cgi-bin/token"
        ask_for("answer_reset")
        with pytest.raises(requests.ConnectionError) as broken:
            requests.get(token, timeout=10)
        assert any(isinstance(cause, ConnectionResetError) for cause in causes(broken.value))
        ask_for("answer_cut_off")
        with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
            requests.get(token, timeout=10)
        ask_for("answer_slow")
        assert requests.get(token, timeout=10).status_code == 200 and pauses == [3.0]
        assert requests.get(token, timeout=10).status_code == 200


def causes(error: BaseException | None) -> list[BaseException]:
    """What a library wrapped, from outside to inside."""
    found: list[BaseException] = []
    while error is not None:
        found.append(error)
        inner = next((arg for arg in error.args if isinstance(arg, BaseException)), None)
        error = error.__cause__ or error.__context__ or inner
        if error in found:
            break
    return found
