"""The WeChat app on the phone, the insurance user query, and two spaces side by side."""

import pytest
from flask import Flask

from mock_providers import accounts, clock, spaces, switches
from mock_providers.db import db
from mock_providers.wechat import ROOMS
from tests.mock_providers.wechat.conftest import World

QUERY = "/api/mipuserquery/userQuery/"


@pytest.mark.parametrize(
    ("action", "body", "status", "code", "field"),
    [
        ("login", {"person": "P99"}, 404, "PERSON_UNKNOWN", "person"),
        ("login", {"person": ["P01"]}, 404, "PERSON_UNKNOWN", "person"),
        ("login", {}, 400, "FIELD_INVALID", "person"),
        ("login", {"person": "P01", "colour": "red"}, 400, "FIELD_INVALID", "colour"),
        ("login", {"person": "P01", "appid": "wx"}, 400, "FIELD_INVALID", "appid"),
        ("login", {"person": "P01", "appid": 5}, 400, "FIELD_INVALID", "appid"),
        ("phone-number", {"person": "P04"}, 400, "FIELD_INVALID", "person"),
        ("face", {"verify_id": 5}, 400, "FIELD_INVALID", "verify_id"),
        ("face", {"outcome": "pass"}, 400, "FIELD_INVALID", "verify_id"),
        ("insurance-authorisation", {"person": "P01", "for_person": "P99"}, 404, "PERSON_UNKNOWN", "for_person"),
        ("insurance-authorisation", {"person": "P01", "params": "x"}, 400, "FIELD_INVALID", "params"),
        (
            "insurance-authorisation",
            {"person": "P01", "params": {"bizType": "1"}},
            400,
            "FIELD_INVALID",
            "params.bizType",
        ),
    ],
)
def test_a_wrong_tap_is_a_problem_document(
    world: World, action: str, body: dict, status: int, code: str, field: str
) -> None:
    answer = world.phone(action, status, **body)
    assert answer["code"] == code and field in answer["fields"]


def test_a_tap_without_json_is_a_problem(world: World) -> None:
    answer = world.client.post("/_mock/phone/wechat/login", data=b"x")
    assert (answer.status_code, answer.get_json()["code"]) == (400, "BODY_NOT_JSON")


def test_the_insurance_page_hands_out_the_bureaus_code(world: World) -> None:
    asked: list[dict] = []

    def authorise(**given: object) -> str:
        asked.append(given)
        return "CODE"

    world.app.extensions["authorise"] = authorise
    params = {"openType": "getAuthCode", "bizType": "04107", "cityCode": "460100"}
    answer = world.phone("insurance-authorisation", person="P01", for_person="P03", params=params)
    assert answer["authCode"] == "CODE"
    assert asked == [{"person": "P01", "for_person": "P03", "params": params}]
    world.phone("insurance-authorisation", person="P01")
    assert asked[1] == {"person": "P01", "for_person": None, "params": {}}


@pytest.mark.parametrize(
    ("host", "path"),
    [
        ("http://127.0.0.1", f"/wechat{QUERY}"),
        ("http://127.0.0.1", f"/wechat{QUERY.replace('api', 'testapi')}"),
        ("https://mip-receiver.tengmed.com", QUERY),
    ],
)
def test_the_user_query_is_handed_on_as_it_came(world: World, host: str, path: str) -> None:
    seen: list[tuple] = []

    def user_query(partner: str, headers: dict, body: bytes) -> dict:
        seen.append((partner, headers["god-portal-signature"], body))
        return {"code": 0, "user_name": "林样一"}

    world.app.extensions["user_query"] = user_query
    path, sent = f"{path}SIMPARTNER000000", {"god-portal-signature": "s"}
    answer = world.client.post(path, data=b'{"qrcode": ', base_url=host, headers=sent)
    assert answer.content_type == "application/json"
    assert answer.get_json() == {"code": 0, "user_name": "林样一"}
    assert seen == [("SIMPARTNER000000", "s", b'{"qrcode": ')]
    refused = world.client.get(path, base_url=host)
    assert (refused.status_code, refused.data, refused.headers["Allow"]) == (405, b"", "POST")
    assert "Content-Type" not in refused.headers


def another(app: Flask, name: str) -> World:
    with spaces.entered(app, "default"):
        spaces.create(name, 1, 0)
        db.session.commit()
    return World(app, app.test_client(), name)


def test_two_spaces_never_see_each_other(world: World) -> None:
    other = another(world.app, "other")
    assert other.account["appid"] != world.account["appid"]
    code = world.phone("login", person="P01")["code"]
    assert other.session(code)["errcode"] == 40029
    assert other.log_in("P01")["openid"] != world.session(code)["openid"]
    token = other.token()
    number = other.phone("phone-number", person="P01")["code"]
    answer = world.client.post(
        "/wechat/wxa/business/getuserphonenumber", json={"code": number}, query_string={"access_token": token}
    )
    assert answer.get_json(force=True)["errcode"] == 0


def test_a_partner_number_leads_to_its_space(world: World) -> None:
    other = another(world.app, "other")
    with spaces.entered(world.app, "other"):
        secret = {"mip": {"partner_id": "SIMPARTNERabcdef"}}
        db.session.add(accounts.Account(vendor="national", public_id="x", secret=secret))
        db.session.commit()
    other.advance(3600)
    seen: list[str] = []
    world.app.extensions["user_query"] = lambda *_: seen.append(clock.now().isoformat()) or {}
    for partner in ("SIMPARTNERabcdef", "unknown"):
        world.client.post(f"/wechat{QUERY}{partner}")
    assert seen == ["2025-12-01T11:00:00+08:00", "2025-12-01T10:00:00+08:00"]


def test_the_credentials_have_their_forms(world: World) -> None:
    account = world.account
    assert account["base_url"] == "http://127.0.0.1:8000/wechat"
    assert account["appid"].startswith("wx") and len(account["appid"]) == 18
    assert len(account["secret"]) == 32 and len(account["encoding_aes_key"]) == 43
    assert account["original_id"].startswith("gh_") and 3 <= len(account["push_token"]) <= 32


def test_every_choice_names_its_source() -> None:
    assert len(ROOMS) > 5
    ours = [switch for name, switch in switches.ALL.items() if name.startswith("wechat.")]
    assert len(ours) >= 20
    assert all(switch.source.startswith("wechat.md §") and switch.why for switch in ours)
    assert all(not switch.choices or switch.default in switch.choices for switch in ours)
