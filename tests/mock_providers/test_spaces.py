import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from mock_providers import keys, outcomes, spaces
from mock_providers.db import db
from mock_providers.errors import Problem
from mock_providers.outcomes import Outcome


@pytest.fixture
def other(client: FlaskClient) -> FlaskClient:
    assert client.post("/_mock/spaces", json={"name": "other", "seed": 7}).status_code == 200
    return client


def test_the_space_of_a_request_is_found_by_header_then_credential_then_path(other: FlaskClient) -> None:
    theirs = other.get("/s/other/_mock/credentials").json["wechat"]["appid"]
    body = {"grant_type": "client_credential", "appid": theirs, "secret": "wrong"}
    for call in (
        {"path": "/wechat/cgi-bin/stable_token", "json": body},
        {"path": "/s/other/wechat/none", "json": {}},
        {"path": "/wechat/none", "json": {}, "headers": {"X-Yibao-Space": "other"}},
    ):
        other.post(**call)  # type: ignore[arg-type]
    assert len(other.get("/s/other/_mock/calls?door=wechat").json["items"]) == 3
    assert other.get("/_mock/calls?door=wechat").json["items"] == []


def test_a_query_sees_its_own_space_only(mocks: Flask, other: FlaskClient) -> None:
    outcomes.declare("toy.call", "good")
    for space in ("default", "other"):
        with spaces.entered(mocks, space):
            outcomes.plan("toy.call", "good")
            db.session.commit()
            assert len(list(db.session.scalars(select(Outcome)))) == 1
            every = select(Outcome).execution_options(all_spaces=True)
            assert {row.space for row in db.session.scalars(every)} >= {space}
    del outcomes.KNOWN["toy.call"]


def test_spaces_are_refused_when_unknown_twice_or_misnamed(mocks: Flask, other: FlaskClient) -> None:
    with mocks.app_context():
        for name, code in (("other", "SPACE_EXISTS"), ("Bad", "SPACE_NAME")):
            with pytest.raises(Problem, match=code):
                spaces.create(name, 1, 0)
        with pytest.raises(Problem, match="SPACE_UNKNOWN"):
            spaces.named("nowhere")
        assert spaces.names() == ["default", "other"]


def test_an_account_made_before_there_were_templates_has_them_all_the_same(mocks: Flask, client: FlaskClient) -> None:
    from mock_providers import accounts
    from mock_providers.db import db

    made = client.get("/_mock/credentials").get_json()["wechat"]
    with mocks.app_context():
        row = db.session.query(accounts.Account).filter_by(vendor="wechat").one()
        row.secret = {name: value for name, value in row.secret.items() if name != "templates"}
        db.session.commit()
    assert client.get("/_mock/credentials").get_json()["wechat"] == made


def test_keys_of_a_new_space_are_made_while_others_can_write(
    other: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    make, seen = keys.MAKE, []

    def watched() -> keys.Pair:
        seen.append(db.session().in_transaction())
        return make()

    monkeypatch.setattr(keys, "MAKE", watched)
    assert other.get("/s/other/_mock/credentials").status_code == 200
    assert seen == [False] * 7
