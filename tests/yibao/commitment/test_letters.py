"""A letter's life: rendered, read for five seconds, signed, sealed, checked, printed."""

import hashlib
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask, g
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, update

from tests.yibao.conftest import Phone, Time
from tests.yibao.family.conftest import signature
from yibao import policies, texts
from yibao.clock import CHINA
from yibao.db import db
from yibao.errors import CATALOGUE, Refused
from yibao.spaces import entered
from yibao.steps.commitment import models, rules
from yibao.steps.commitment.models import Letter, Seal, Signer

VALUES = {
    "signer_name": "林样一",
    "signer_id": "469***********9034",
    "relative_name": "林样四",
    "relative_id": "469***********9086",
    "relation": "子女",
    "evidence": "户口本",
    "guardian_clause": "监护",
    "product": "绑定亲情账户",
    "place": "海南省",
}


@pytest.fixture
def user(phone: Phone) -> Phone:
    return phone.log_in()


@pytest.fixture
def key(yibao: Flask, user: Phone) -> str:
    """A letter of the user, just rendered."""
    return render(yibao)


def render(app: Flask, target: str = "test:1", **values: str) -> str:
    with entered(app, "default"):
        signer = Signer("林样一", "469099198803159034")
        letter = models.render(1, target, signer, {**VALUES, **values}, guardian_of="林*四")
        db.session.commit()
        return letter.key


def sign(user: Phone, key: str, **changes: Any) -> Any:
    return user.call("post", f"/letters/{key}/signature", {**signature(), **changes})


def read_and_sign(user: Phone, key: str, time: Time) -> dict[str, Any]:
    user.call("get", f"/letters/{key}")
    time.advance(seconds=5)
    answer = sign(user, key)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return answer.get_json()


def test_opening_marks_the_letter_as_viewed_once(user: Phone, key: str, business_time: Time) -> None:
    first = user.call("get", f"/letters/{key}").get_json()
    business_time.advance(seconds=3)
    second = user.call("get", f"/letters/{key}").get_json()
    assert (first["state"], second["viewed_at"]) == ("VIEWED", first["viewed_at"])
    assert "林样四" in first["html"] and key in first["html"]


def test_the_letter_must_be_open_for_five_seconds(user: Phone, key: str, business_time: Time) -> None:
    assert sign(user, key).get_json()["code"] == "LETTER_NOT_VIEWED"
    user.call("get", f"/letters/{key}")
    business_time.advance(seconds=4.999)
    assert sign(user, key).get_json()["code"] == "LETTER_NOT_VIEWED"
    business_time.advance(seconds=0.001)
    assert sign(user, key).get_json()["state"] == "SEALED"


def test_a_letter_is_signed_once(user: Phone, key: str, business_time: Time) -> None:
    read_and_sign(user, key, business_time)
    assert sign(user, key).get_json()["code"] == "STATE_CONFLICT"


def test_signing_tells_the_step_the_letter_belongs_to(user: Phone, key: str, business_time: Time) -> None:
    heard: list[str] = []

    def listener(letter: Letter) -> None:
        heard.append(letter.target)

    with models.letter_sealed.connected_to(listener):
        read_and_sign(user, key, business_time)
    assert heard == ["test:1"]


def test_the_seal_is_the_hash_of_its_five_parts(yibao: Flask, user: Phone, key: str, business_time: Time) -> None:
    letter = read_and_sign(user, key, business_time)
    with entered(yibao, "default"):
        seal = db.session.scalars(select(Seal)).one()
        stored = db.session.scalars(select(Letter)).one()
    signed_at = "2025-12-01T10:00:05.000+08:00"
    text = letter["content_sha256"] + letter["signature_sha256"] + signed_at + stored.signer_id_hash + "1.0"
    assert seal.seal_sha256 == hashlib.sha256(text.encode()).hexdigest()
    assert letter["content_sha256"] == hashlib.sha256(texts.canonical(letter["html"]).encode()).hexdigest()
    assert "469099198803159034" not in letter["html"] + str(stored.fields)


def test_verification_computes_everything_again(user: Phone, key: str, business_time: Time) -> None:
    assert user.call("get", f"/letters/{key}/verification").get_json()["code"] == "LETTER_MISSING"
    read_and_sign(user, key, business_time)
    assert user.call("get", f"/letters/{key}/verification").get_json()["intact"] is True


@pytest.mark.parametrize(
    ("column", "value", "wrong"),
    [
        ("rendered_html", "<p>something else</p>", "content_matches"),
        ("signature_png", b"another", "signature_matches"),
        ("signed_at", datetime(2020, 1, 1, tzinfo=CHINA), "seal_matches"),
        ("signer_id_hash", "0" * 64, "seal_matches"),
        ("template_version", "2.0", "seal_matches"),
        ("content_sha256", "0" * 64, "content_matches"),
    ],
)
def test_whatever_is_changed_behind_its_back_is_found(
    yibao: Flask, user: Phone, key: str, business_time: Time, column: str, value: Any, wrong: str
) -> None:
    read_and_sign(user, key, business_time)
    with entered(yibao, "default"):
        db.session.execute(update(Letter).values({column: value}))
        db.session.commit()
    found = user.call("get", f"/letters/{key}/verification").get_json()
    assert (found[wrong], found["intact"]) == (False, False)


def test_a_seal_is_never_changed_or_deleted(yibao: Flask, user: Phone, key: str, business_time: Time) -> None:
    read_and_sign(user, key, business_time)
    with entered(yibao, "default"):
        seal = db.session.scalars(select(Seal)).one()
        seal.seal_sha256 = "0" * 64
        with pytest.raises(RuntimeError, match="never changed"):
            db.session.commit()
        db.session.rollback()
        db.session.delete(seal)
        with pytest.raises(RuntimeError, match="never changed"):
            db.session.commit()
        db.session.rollback()


def test_a_second_letter_supersedes_the_first(yibao: Flask, user: Phone, key: str, business_time: Time) -> None:
    read_and_sign(user, key, business_time)
    second = render(yibao)
    assert user.call("get", f"/letters/{key}").get_json()["state"] == "SUPERSEDED"
    assert user.call("get", f"/letters/{second}").get_json()["supersedes"] == key
    assert second > key


@pytest.mark.parametrize("change", ["stale", "version"])
def test_what_is_no_longer_true_cannot_be_signed(
    yibao: Flask, user: Phone, key: str, business_time: Time, change: str
) -> None:
    user.call("get", f"/letters/{key}")
    business_time.advance(seconds=9)
    with entered(yibao, "default"):
        if change == "stale":
            models.outdate("test:1")
        else:
            db.session.execute(update(Letter).values(template_version="0.9"))
        db.session.commit()
    assert sign(user, key).get_json()["code"] == ("LETTER_STALE" if change == "stale" else "LETTER_VERSION_OLD")


def test_the_sealed_letter_of_a_target_is_what_counts(yibao: Flask, user: Phone, business_time: Time) -> None:
    with entered(yibao, "default"):
        with pytest.raises(Refused, match="LETTER_MISSING"):
            models.sealed("test:1")
        db.session.rollback()
    read_and_sign(user, render(yibao), business_time)
    with entered(yibao, "default"):
        assert models.sealed("test:1").state == "SEALED"
        models.outdate("test:1")
        with pytest.raises(Refused, match="LETTER_STALE"):
            models.sealed("test:1")
        models.revoke("test:1", "U")
        with pytest.raises(Refused, match="LETTER_MISSING"):
            models.sealed("test:1")
        db.session.rollback()


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        (signature(blank=True), "LETTER_SIGNATURE_EMPTY"),
        (signature(size=(300, 100)), "LETTER_SIGNATURE_BAD"),
        ({"strokes": [[[1, 1, 0]]]}, "LETTER_SIGNATURE_EMPTY"),
        ({"strokes": []}, "FIELD_INVALID"),
        ({"strokes": [[]]}, "FIELD_INVALID"),
        ({"strokes": [[[1, 2]]]}, "FIELD_INVALID"),
        ({"strokes": [[[1, 2, float("nan")]]]}, "BODY_NOT_JSON"),
        ({"strokes": [[["a", None, {}]]]}, "FIELD_INVALID"),
        ({"strokes": None}, "FIELD_INVALID"),
        ({"png_base64": None}, "FIELD_INVALID"),
        ({"png_base64": "🙂"}, "LETTER_SIGNATURE_BAD"),
        ({"png_base64": "A" * 280_004}, "FIELD_INVALID"),
        ({"png_base64": "A" * 1_000_000}, "BODY_TOO_BIG"),
        ({"device": "a\u0000b"}, "FIELD_INVALID"),
        ({"seal": True}, "FIELD_INVALID"),
    ],
)
def test_a_signature_that_is_none_is_refused_and_the_letter_stays(
    user: Phone, key: str, business_time: Time, changes: Any, code: str
) -> None:
    user.call("get", f"/letters/{key}")
    business_time.advance(seconds=5)
    assert sign(user, key, **changes).get_json()["code"] == code
    assert user.call("get", f"/letters/{key}").get_json()["state"] == "VIEWED"


def test_a_signature_of_just_under_200_kib_passes_the_door(user: Phone, key: str, business_time: Time) -> None:
    user.call("get", f"/letters/{key}")
    business_time.advance(seconds=5)
    many = [[[x % 600, x % 200, x] for x in range(2000)]]
    assert sign(user, key, strokes=many).status_code == 200


def test_the_pdf_shows_text_signature_and_hashes_and_is_the_same_every_time(
    yibao: Flask, user: Phone, business_time: Time
) -> None:
    key = render(yibao, relative_name="林样🙂𠀀<b>")
    assert user.call("get", f"/letters/{key}/pdf").get_json()["code"] == "LETTER_MISSING"
    read_and_sign(user, key, business_time)
    first, second = user.call("get", f"/letters/{key}/pdf"), user.call("get", f"/letters/{key}/pdf")
    assert first.content_type == "application/pdf"
    assert first.data.startswith(b"%PDF-") and first.data == second.data
    with entered(yibao, "default"):
        models.revoke("test:1", "U")
        db.session.commit()
    assert user.call("get", f"/letters/{key}/pdf").data != first.data


def test_nobody_else_reads_signs_or_prints_a_letter(user: Phone, key: str) -> None:
    user.log_in("oSAMPLEOPENID0000000000000002")
    for method, path in [("get", ""), ("get", "/pdf"), ("get", "/verification")]:
        assert user.call(method, f"/letters/{key}{path}").status_code == 404
    assert sign(user, key).get_json()["code"] == "NOT_FOUND"


def test_without_a_token_there_is_no_letter(client: Any, key: str) -> None:
    assert client.get(f"/api/v1/letters/{key}").get_json()["code"] == "TOKEN_MISSING"


def test_a_policy_whose_text_is_missing_does_not_start(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    from yibao import create_app
    from yibao.policy import BadPolicy
    from yibao.settings import Settings

    only_notices = {key: text for key, text in texts.load().items() if text.kind == "notice"}
    monkeypatch.setattr(texts, "load", lambda: only_notices)
    with pytest.raises(BadPolicy, match="no text hn-letter-family"):
        create_app(Settings(data=tmp_path, background=False))


STATES = sorted({state for state, _ in rules.NEXT} | set(rules.NEXT.values()))


@given(st.lists(st.sampled_from(["view", "sign", "seal", "supersede", "revoke"]), max_size=20))
def test_no_order_of_events_unseals_a_letter(events: list[str]) -> None:
    state, sealed = "RENDERED", False
    for event in events:
        try:
            state = rules.move(state, event)
        except Refused as refused:
            assert refused.code == "STATE_CONFLICT"
        sealed = sealed or state == "SEALED"
        assert not sealed or state in ("SEALED", "SUPERSEDED", "REVOKED")


@given(
    st.sampled_from(STATES),
    st.booleans(),
    st.sampled_from(["0.9", "1.0"]),
    st.none() | st.integers(0, 10),
)
def test_signing_is_allowed_only_when_everything_is_in_order(
    state: str, stale: bool, version: str, seconds: int | None
) -> None:
    now = datetime(2025, 12, 1, tzinfo=CHINA)
    viewed_at = None if seconds is None else now - timedelta(seconds=seconds)
    fine = state in ("RENDERED", "VIEWED") and not stale and version == "1.0" and (seconds or 0) >= 5
    try:
        rules.may_sign(state, stale, (version, "1.0"), viewed_at, now, timedelta(seconds=5))
    except Refused as refused:
        assert refused.code in CATALOGUE and not fine
    else:
        assert fine


@given(st.integers(0, 4_000_000_000), st.integers(0, 16**20 - 1))
def test_letter_numbers_sort_by_time(second: int, number: int) -> None:
    moment = datetime.fromtimestamp(second, CHINA)
    early = rules.ulid(moment, f"{number:020x}")
    late = rules.ulid(moment + timedelta(milliseconds=2), "0" * 20)
    assert len(early) == 26 and early < late


def test_audit_rows_of_a_letter_carry_the_policy(yibao: Flask, key: str) -> None:
    with entered(yibao, "default"):
        assert policies.current().version == g.policy_version == "hn-2025.1"
        assert policies.version("hn-2022.1").letter.version == "0.9"
