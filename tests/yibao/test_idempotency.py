"""Idempotency-Key: the first answer again, for the same key and body."""

from datetime import timedelta

import pytest
from flask import Flask, g, jsonify, request
from sqlalchemy import select

from yibao.db import db
from yibao.errors import Refused
from yibao.idempotency import Answered, once


@pytest.fixture
def counted(yibao: Flask):
    """A route that counts how often it really ran, and fails as told."""
    runs: list[str] = []

    def view():
        what = request.get_json()["do"]
        runs.append(what)
        if what == "refuse":
            raise Refused("QTY_LIMIT")
        if what == "break":
            raise RuntimeError("broken")
        if what == "busy":
            return jsonify(code="x"), 503
        return jsonify(n=len(runs)), 201

    def as_user():
        g.user_id = int(request.headers.get("User", "1"))
        return once(view)()

    yibao.add_url_rule("/counted", view_func=as_user, methods=["POST"])
    yibao.add_url_rule("/counted-too", endpoint="too", view_func=as_user, methods=["POST"])
    client = yibao.test_client()

    def post(key, do="count", path="/counted", **headers):
        keys = {} if key is None else {"Idempotency-Key": key}
        return client.post(path, json={"do": do}, headers={**keys, **headers})

    post.runs = runs
    return post


@pytest.mark.parametrize("key", [None, "", "k" * 65])
def test_a_key_is_needed(counted, key):
    assert counted(key).get_json()["code"] == "IDEMPOTENCY_KEY_MISSING"
    assert counted.runs == []


def test_the_same_key_and_body_get_the_first_answer(counted):
    first, again = counted("k1"), counted("k1")
    assert (again.status_code, again.data) == (first.status_code, first.data) == (201, first.data)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert counted.runs == ["count"]


def test_another_body_under_the_key_is_refused(counted):
    counted("k1")
    assert counted("k1", "refuse").get_json()["code"] == "IDEMPOTENCY_KEY_REUSED"


def test_a_refusal_is_an_answer_too(counted):
    first, again = counted("k1", "refuse"), counted("k1", "refuse")
    assert first.get_json()["code"] == again.get_json()["code"] == "QTY_LIMIT"
    assert again.content_type == "application/problem+json"
    assert len(counted.runs) == 1


def test_a_server_error_forgets_the_key(counted, yibao):
    assert counted("k1", "busy").status_code == 503
    assert counted("k1", "busy").status_code == 503
    yibao.testing = False
    yibao.config["PROPAGATE_EXCEPTIONS"] = False
    assert counted("k2", "break").status_code == 500
    assert counted("k2", "count").status_code == 201
    assert len(counted.runs) == 4


def test_users_paths_and_spaces_do_not_share_keys(counted):
    counted("k1")
    counted("k1", User="2")
    counted("k1", path="/counted-too")
    counted("k1", **{"X-Yibao-Space": "other"})
    assert len(counted.runs) == 4


def test_a_key_in_use_waits_until_it_was_abandoned(counted, yibao, business_time):
    counted("k1")
    with yibao.app_context():
        row = db.session.scalars(select(Answered)).one()
        row.status = None
        db.session.commit()
    assert counted("k1").get_json()["code"] == "IDEMPOTENCY_IN_PROGRESS"
    business_time.now += timedelta(minutes=2)
    assert counted("k1").status_code == 201
    assert len(counted.runs) == 2
