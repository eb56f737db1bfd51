"""Keys of a space, consent on the phone, and the user query that turns it into a payment number."""

import hashlib
import hmac
import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mock_providers import accounts, clock, spaces
from mock_providers.db import db
from mock_providers.errors import Problem
from mock_providers.national import authorisation
from mock_providers.people import world
from tests.mock_providers.national.institution import Institution

garbage = st.text(max_size=40).map(lambda t: json.dumps({"qrcode": t, "openid": t}).encode())
VECTOR = tomllib.loads((Path(__file__).parents[2] / "vectors" / "nhsa.toml").read_text("utf-8"))["user_query"]


def signature(secret: str, partner: str, timestamp: str) -> str:
    return hmac.new(secret.encode(), f"{partner}{timestamp}".encode(), hashlib.sha256).hexdigest()


def ask(who: Institution, code: Any, openid: Any = None, **change: str) -> dict[str, Any]:
    """userQuery, through the callable the WeChat door uses."""
    mip = who.account["mip"]
    partner, stamp = change.get("partner", mip["partner_id"]), "1735787045000"
    signed = change.get("signature", signature(mip["partner_secret"], partner, stamp))
    headers = {"god-portal-timestamp": stamp, "god-portal-request-id": "0" * 32, "god-portal-signature": signed}
    openid = openid or "o-anybody"
    body = change.get("body", json.dumps({"qrcode": code, "openid": openid})).encode()
    with who.app.test_request_context(), who.inside():
        held = who.app.extensions.pop("person_of_openid", None) if openid == "o-anybody" else None
        answer = who.app.extensions["user_query"](partner, headers, body)
        db.session.commit()
        if held:
            who.app.extensions["person_of_openid"] = held
        return answer


def test_the_signature_is_that_of_the_sheet() -> None:
    assert signature(VECTOR["secret"], VECTOR["partner"], VECTOR["timestamp"]) == VECTOR["signature"]


def test_a_space_has_every_key_of_the_contract(pharmacy: Institution) -> None:
    account = pharmacy.account
    assert set(account) >= {"public_id", "gateway_url", "paas_id", "secret", "fixmedins_code", "mip"}
    wanted = "base_url partner_id partner_secret app_id app_secret private_key public_key platform_public_key"
    assert set(wanted.split()) < set(account["mip"])
    assert account["mip"]["notify_url"].endswith("/s/default/callbacks/national/settlement")
    assert account["mip"]["base_url"].endswith("/national") and len(account["mip"]["app_id"]) == 32


def test_keys_are_the_same_for_the_same_seed_and_differ_between_spaces(
    pharmacy: Institution, mocks: Flask, client: FlaskClient
) -> None:
    with spaces.entered(mocks, "default"):
        assert authorisation.make().items() <= pharmacy.account.items()
        spaces.create("other", 1, 0)
        db.session.commit()
    other = Institution(mocks, client, "other")
    ours, theirs = pharmacy.account["mip"], other.account["mip"]
    assert all(ours[key] != theirs[key] for key in ours if key not in ("base_url", "user_query_url"))
    for key in ("app_id", "partner_id"):
        with spaces.entered(mocks, "default"):
            found = accounts.space_of("national", authorisation.public_id(other.account["mip"][key]))
        assert found == "other"


def test_a_consent_becomes_a_payment_number_once(pharmacy: Institution) -> None:
    code = pharmacy.consent("P01")
    answer = ask(pharmacy, code)
    me = world().people["P01"]
    assert (answer["code"], answer["message"]) == (0, "success")
    assert (answer["user_name"], answer["user_card_no"], answer["psn_no"]) == (me.name, me.id_number, me.psn_no)
    assert answer["pay_auth_no"].startswith("AUTH460100") and len(answer["pay_auth_no"]) <= 40
    assert answer["family_pay_auth_no"] == "" and answer["ec_token"].startswith("460100ec")
    again = ask(pharmacy, code)
    assert again["code"] != 0 and "pay_auth_no" not in again


def test_for_a_relative_the_family_number_is_filled_instead(pharmacy: Institution) -> None:
    answer = ask(pharmacy, pharmacy.consent("P01", "P04"))
    assert answer["pay_auth_no"] == "" and answer["family_pay_auth_no"].startswith("AUTH")
    assert answer["user_name"] == world().people["P04"].name


def test_a_consent_lives_fifteen_minutes(pharmacy: Institution) -> None:
    code = pharmacy.consent("P01")
    pharmacy.advance(minutes=15)
    assert ask(pharmacy, code)["code"] == authorisation.SAYS["code"][0]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"partner": "SIMPARTNER999999"}, "partner"),
        ({"signature": "0" * 64}, "signature"),
        ({"signature": "é"}, "signature"),
        ({"signature": ""}, "signature"),
        ({"body": "{"}, "body"),
        ({"body": "[]"}, "body"),
        ({"body": '{"qrcode":"x"}'}, "body"),
        ({"body": '{"qrcode":["x"],"openid":"o"}'}, "body"),
        ({"body": '{"qrcode":"x","openid":"o"}'}, "code"),
    ],
)
def test_a_wrong_query_gets_a_number_that_is_not_zero(
    pharmacy: Institution, change: dict[str, str], reason: str
) -> None:
    answer = ask(pharmacy, pharmacy.consent("P01"), **change)
    assert answer == dict(zip(("code", "message"), authorisation.SAYS[reason], strict=True))


def test_somebody_elses_openid_is_refused(pharmacy: Institution) -> None:
    accounts.MAKERS.setdefault("wechat", lambda: {"public_id": "wx", "appid": "wx"})
    pharmacy.app.extensions["person_of_openid"] = lambda appid, openid: "P02"
    assert ask(pharmacy, pharmacy.consent("P01"), "o-of-P02")["code"] == authorisation.SAYS["openid"][0]
    assert ask(pharmacy, pharmacy.consent("P02"), "o-of-P02")["code"] == 0


@pytest.mark.parametrize(("outcome", "reason"), [("system_error", "system"), ("not_bound", "not_bound")])
def test_a_planned_failure_happens_once_and_spends_nothing(pharmacy: Institution, outcome: str, reason: str) -> None:
    pharmacy.plan("national.user_query", outcome)
    code = pharmacy.consent("P01")
    assert ask(pharmacy, code)["code"] == authorisation.SAYS[reason][0]
    assert ask(pharmacy, code)["code"] == 0


def test_an_unknown_person_cannot_consent(pharmacy: Institution) -> None:
    with pytest.raises(Problem, match="PERSON_UNKNOWN"):
        pharmacy.consent("P99")
    with pytest.raises(Problem, match="PERSON_UNKNOWN"):
        pharmacy.consent("P01", "nobody")


def test_a_number_and_its_token_stand_for_the_patient_while_they_live(pharmacy: Institution) -> None:
    answer = ask(pharmacy, pharmacy.consent("P01", "P04"))
    with pharmacy.inside():
        assert authorisation.holder(answer["family_pay_auth_no"]) == "P04"
        assert authorisation.holder(answer["ec_token"]) == "P04"
        assert authorisation.holder("") is None and authorisation.holder("AUTH") is None
    pharmacy.advance(seconds=601)
    with pharmacy.inside():
        assert authorisation.holder(answer["ec_token"]) is None
        assert clock.now()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    body=st.binary(max_size=80) | st.text(max_size=40).map(lambda t: json.dumps({"qrcode": t, "openid": t}).encode())
)
def test_any_body_gets_an_answer(pharmacy: Institution, body: bytes) -> None:
    mip = pharmacy.account["mip"]
    headers = {"god-portal-timestamp": "1", "god-portal-signature": ""}
    headers["god-portal-signature"] = signature(mip["partner_secret"], mip["partner_id"], "1")
    with pharmacy.inside():
        assert authorisation.user_query(mip["partner_id"], headers, body)["code"] != 0
