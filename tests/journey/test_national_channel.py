"""The national app end to end: both halves, its log-in, its faces, its cashier, and no WeChat anywhere."""

import itertools
import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
import requests

from app import InProcess, Simulator
from mock_providers import accounts, switches
from mock_providers import spaces as mock_spaces
from mock_providers.db import db
from mock_providers.national import faces, oidc_tokens
from mock_providers.phone import handset
from mock_providers.phone.handset import Handset, Json, Refusal
from mock_providers.phone.national_handset import NationalHandset
from tests.journey.conftest import BASE

SHOP = "P46019900008"
WITH_CASH = [("D09", 3), ("D13", 2), ("D25", 1)]


@pytest.fixture
def app(simulator: Simulator) -> NationalHandset:
    return in_app(simulator)


def in_app(simulator: Simulator, space: str = "default") -> NationalHandset:
    session = requests.Session()
    session.mount("http://", InProcess(simulator))
    made = NationalHandset(BASE, session=session)
    if space != "default":
        made.control("POST", "spaces", {"name": space})
        made.space = space
    return made


@pytest.fixture
def payer(app: NationalHandset) -> NationalHandset:
    """P02 has no balance: with a prescription the fund pays a part, and cash the rest."""
    app.ready("P02")
    return app


def bought_with_cash(phone: NationalHandset) -> Json:
    """A quote with a pooled and a cash part, confirmed, not paid yet."""
    quote = phone.quote(SHOP, WITH_CASH, prescription_no="RXSAMPLE-E3")
    return {**phone.confirm(quote), "id": quote["id"]}


def switch(simulator: Simulator, name: str, value: str, space: str = "default") -> None:
    with mock_spaces.entered(simulator.mocks, space):
        switches.put(name, value)
        db.session.commit()


def calls(phone: Handset, part: str) -> list[Json]:
    found = phone.control("GET", "calls?limit=500")["items"]
    return [call for call in found if part in call["target"]]


def alarms(phone: Handset) -> list[str]:
    rows = phone.control("GET", "timeline?limit=500")["items"]
    return [row["summary"] for row in rows if row["kind"] == "alarm"]


def events(phone: Handset, type: str) -> list[Json]:
    return phone.control("GET", f"events?type={type}")["items"]


def hold_all(phone: Handset) -> list[Json]:
    waiting = phone.control("GET", "deliveries?state=pending")["items"]
    for delivery in waiting:
        phone.control("POST", f"deliveries/{delivery['id']}/hold", {})
    return waiting


def release_all(phone: Handset) -> None:
    for delivery in phone.control("GET", "deliveries?state=held")["items"]:
        phone.control("POST", f"deliveries/{delivery['id']}/release", {})
    phone.deliver()


# logging in


def test_the_whole_way_needs_no_wechat(app: NationalHandset) -> None:
    app.ready("P01")
    child = app.bind("P04")
    assert (child["state"], child["channel"]) == ("ACTIVE", "nhsa_app")
    assert app.bind("P07")["state"] == "ACTIVE"
    own = app.buy(SHOP, [("D05", 1), ("D07", 1)])
    more = {"patient_binding_id": child["id"], "prescription_no": "RXSAMPLE-E2"}
    childs = app.buy(SHOP, [("D01", 2), ("D17", 1)], for_person="P04", **more)
    assert (own["state"], childs["state"]) == ("SETTLED", "SETTLED")
    assert (childs["split"]["pooled_fen"], childs["split"]["cash_fen"]) == (2759, 2581)
    assert app.refund(childs["id"])["state"] == "REFUNDED"
    assert app.api("GET", "/records/summary")["net"]["total_fen"] == 3130
    assert app.facts("P01")["bureau"]["balance_fen"] == 328650 - 3130
    assert calls(app, "/wechat/") == [] and calls(app, "/wechatpay/") == []
    assert alarms(app) == []


def test_the_audit_says_by_which_door(app: NationalHandset, simulator: Simulator) -> None:
    from sqlalchemy import select

    from yibao import spaces
    from yibao.audit import AuditEntry
    from yibao.db import db as ours

    app.ready("P01")
    with spaces.entered(simulator.back_end, "default"):
        rows = ours.session.scalars(select(AuditEntry).where(AuditEntry.machine == "credential"))
        assert {(row.event, row.channel) for row in rows} >= {("activate", "nhsa_app")}


def test_a_space_logs_in_at_its_own_platform(simulator: Simulator) -> None:
    there = in_app(simulator, "elsewhere")
    page = there.log_in_page()
    assert page.startswith(f"{BASE}/s/elsewhere/national/oauth2/authorize?")
    there.ready("P01")
    assert there.buy(SHOP, [("D05", 1)])["state"] == "SETTLED"
    here = in_app(simulator)
    here.token = there.token
    here.space = "default"
    assert here.ask("GET", "/me").json()["code"] == "TOKEN_INVALID"


def test_who_came_by_wechat_before_is_the_same_user(simulator: Simulator, phone: Handset) -> None:
    phone.ready("P01")
    phone.bind("P04")
    app = in_app(simulator)
    app.log_in("P01")
    assert [row["relation"] for row in app.api("GET", "/bindings")["items"]] == ["child"]
    assert app.api("GET", "/credential")["state"] == "ACTIVE"
    assert phone.api("GET", "/me")["channel"] == "wechat"
    assert app.api("GET", "/me")["openid_masked"] == phone.api("GET", "/me")["openid_masked"]


def test_a_wechat_account_with_somebodys_typed_name_does_not_share_their_log_in(
    simulator: Simulator, phone: Handset
) -> None:
    phone.log_in("P02")
    who = phone.facts("P01")
    typed = {"name": who["name"], "id_type": who["id_type"], "id_number": who["id_number"]}
    phone.api("POST", "/me/real-name", typed)
    app = in_app(simulator).ready("P01")
    assert app.buy(SHOP, [("D05", 1)])["state"] == "SETTLED"
    assert phone.api("GET", "/me")["real_name"] is False
    assert phone.ask("GET", "/records").json().get("items") in (None, [])


@pytest.mark.parametrize("outcome, code", [("deny", "LOGIN_DENIED")])
def test_who_does_not_agree_is_not_logged_in(app: NationalHandset, outcome: str, code: str) -> None:
    with pytest.raises(Refusal) as refused:
        app.log_in("P01", outcome)
    assert refused.value.code == code and refused.value.response.status_code == 403
    assert refused.value.response.headers["Content-Type"] == "application/problem+json"


def test_whose_credential_is_not_active_at_the_platform_is_not_logged_in(
    app: NationalHandset, simulator: Simulator
) -> None:
    switch(simulator, "national.credential_default", "none")
    with pytest.raises(Refusal) as refused:
        app.log_in("P01")
    assert refused.value.code == "LOGIN_DENIED"
    app.phone("national/credential", person="P01", outcome="pass")
    assert app.log_in("P01")["token_type"] == "Bearer"


def test_an_answer_opens_one_session_and_no_second(app: NationalHandset) -> None:
    back = app.sent_back("P01", app.log_in_page())
    assert app.open(back).status_code == 200
    assert app.open(back).json()["code"] == "LOGIN_STATE_INVALID"
    assert len(calls(app, "/oauth2/token")) == 1


def test_a_code_of_another_attempt_does_not_fit(app: NationalHandset) -> None:
    """PKCE: the code of one attempt, the state (and verifier) of another."""
    stolen, own = (app.sent_back(who, app.log_in_page()) for who in ("P02", "P01"))
    code = parse_qs(urlsplit(stolen).query)["code"][0]
    ours = parse_qs(urlsplit(own).query)["code"][0]
    assert app.open(own.replace(ours, code)).json()["code"] == "LOGIN_CODE_INVALID"


def test_an_answer_that_comes_too_late_is_refused(app: NationalHandset) -> None:
    code_is_over, state_is_over = (app.sent_back("P01", app.log_in_page()) for _ in range(2))
    app.advance("5m1s")
    assert app.open(code_is_over).json()["code"] == "LOGIN_CODE_INVALID"
    app.advance("5m")
    assert app.open(state_is_over).json()["code"] == "LOGIN_STATE_INVALID"


def test_a_front_end_gets_its_tokens_in_the_fragment(app: NationalHandset) -> None:
    begun = app.call("GET", "/api/v1/login/national?return_to=http://localhost:5173/me", allow_redirects=False)
    cookie, home = begun.headers["Set-Cookie"].partition(";")[0], app.sent_back("P01", begun.headers["Location"])
    back = app.session.get(home, headers={"Cookie": cookie}, allow_redirects=False)
    page, _, fragment = back.headers["Location"].partition("#")
    assert back.status_code == 302 and page == "http://localhost:5173/me"
    app.token = parse_qs(fragment)["access_token"][0]
    assert app.api("GET", "/me")["channel"] == "nhsa_app"


def test_keys_changed_at_the_platform_are_read_again(app: NationalHandset, simulator: Simulator) -> None:
    from mock_providers import keys

    app.log_in("P01")
    private, public = keys.rsa_pem()
    with mock_spaces.entered(simulator.mocks, "default"):
        row = db.session.query(accounts.Account).filter_by(vendor="national.oauth").one()
        row.secret = {**row.secret, "private_key": private, "public_key": public, "kid": "rotated"}
        db.session.commit()
    assert app.log_in("P01")["token_type"] == "Bearer"
    assert len(calls(app, "/oauth2/jwks")) == 2


def forged(monkeypatch: pytest.MonkeyPatch, **changes: Any) -> None:
    """The platform signs other claims than it should."""
    encode = jwt.encode

    def other(claims: dict[str, Any], key: Any, algorithm: str, headers: Any) -> str:
        return encode({**claims, **changes}, key, algorithm, headers)

    monkeypatch.setattr(jwt, "encode", lambda *given, **more: (other if len(given) == 4 else encode)(*given, **more))


@pytest.mark.parametrize(
    "changes",
    [{"iss": "http://evil.test"}, {"aud": "SIMCLIENT999999"}, {"nonce": "n"}, {"exp": 1_700_000_000}, {"sub": "s"}],
    ids=lambda changes: next(iter(changes)),
)
def test_an_id_token_that_is_not_for_this_attempt_opens_nothing(
    app: NationalHandset, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any]
) -> None:
    back = app.sent_back("P01", app.log_in_page())
    forged(monkeypatch, **changes)
    assert app.open(back).json()["code"] == "VENDOR_ERROR"
    assert any("LOGIN_FORGED" in alarm for alarm in alarms(app))


def test_the_dead_and_the_uninsured_are_not_let_in(app: NationalHandset) -> None:
    app.log_in("P01")
    app.control("POST", "people/P01", {"status": "0"})
    with pytest.raises(Refusal) as refused:
        app.log_in("P01")
    assert refused.value.code in ("PERSON_NOT_FOUND", "LOGIN_DENIED")


# faces


@pytest.fixture
def waiting(app: NationalHandset) -> NationalHandset:
    app.log_in("P01")
    app.api("POST", "/credential", {})
    return app


def ticket(phone: NationalHandset) -> Json:
    return phone.api("POST", "/face/tickets", {"purpose": "ACTIVATE"})


OUTCOMES = {
    "mismatch": "FACE_FAIL",
    "not_live": "FACE_NOT_LIVE",
    "poor_quality": "FACE_QUALITY",
    "timeout": "FACE_TIMEOUT",
    "cancel": "FACE_CANCELLED",
    "no_device": "FACE_DEVICE",
    "no_subject": "FACE_SUBJECT_MISMATCH",
}


def test_every_outcome_of_the_platform_is_known_here() -> None:
    assert set(OUTCOMES) | {"pass"} == set(faces.OUTCOMES)


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_every_outcome_has_our_word_by_query_and_by_notice(waiting: NationalHandset, outcome: str) -> None:
    with pytest.raises(Refusal) as refused:
        waiting.pass_face(ticket(waiting), outcome)
    assert refused.value.code == OUTCOMES[outcome]
    made = ticket(waiting)
    waiting.phone("national/face", faceToken=made["verify_id"], outcome=outcome)
    waiting.deliver()
    told = waiting.api("GET", f"/face/tickets/{made['id']}")
    assert (told["state"], told["code"]) == ("FAILED", OUTCOMES[outcome])


def test_the_page_itself_can_be_used_and_its_redirect_proves_nothing(waiting: NationalHandset) -> None:
    made = ticket(waiting)
    posted = waiting.session.post(made["page_url"], data={"outcome": "pass"}, allow_redirects=False)
    hold_all(waiting)
    assert waiting.open(posted.headers["Location"]).status_code == 200
    assert waiting.api("GET", f"/face/tickets/{made['id']}")["state"] == "ISSUED"
    release_all(waiting)
    assert waiting.api("GET", "/credential")["state"] == "ACTIVE"


def test_a_forged_a_repeated_and_a_late_notice(waiting: NationalHandset) -> None:
    made = ticket(waiting)
    waiting.phone("national/face", faceToken=made["verify_id"], outcome="pass")
    hold_all(waiting)
    (event,) = events(waiting, "FACE.RESULT")
    waiting.control("POST", f"events/{event['id']}/resend", {"signature": "wrong_key"})
    waiting.deliver()
    assert waiting.api("GET", f"/face/tickets/{made['id']}")["state"] == "ISSUED"
    assert waiting.control("GET", "attempts")["items"][0]["status"] == 401
    waiting.advance("6m")
    release_all(waiting)
    waiting.log_in("P01")
    assert waiting.api("GET", f"/face/tickets/{made['id']}")["state"] == "EXPIRED"
    assert waiting.api("GET", "/credential")["state"] == "FACE_PENDING"
    again = ticket(waiting)
    waiting.phone("national/face", faceToken=again["verify_id"], outcome="pass")
    waiting.deliver()
    for event in events(waiting, "FACE.RESULT"):
        waiting.control("POST", f"events/{event['id']}/resend", {"signature": "fresh"})
    waiting.deliver()
    assert waiting.api("GET", "/credential")["state"] == "ACTIVE"


def test_a_face_nobody_held_up_times_out_on_both_sides(waiting: NationalHandset) -> None:
    made = ticket(waiting)
    waiting.advance("5m1s")
    told = waiting.api("GET", f"/face/tickets/{made['id']}")
    assert (told["state"], told["code"]) == ("EXPIRED", "FACE_TIMEOUT")


# paying


@pytest.mark.parametrize("parts", ["own", "pooled and cash", "cash alone"])
def test_6302_alone_settles_and_one_6203_gives_everything_back(payer: NationalHandset, parts: str) -> None:
    if parts == "own":
        payer.ready("P01")
        quote = payer.quote(SHOP, [("D05", 1)])
    elif parts == "cash alone":
        quote = payer.quote(SHOP, [("X01", 1)])
    else:
        quote = payer.quote(SHOP, WITH_CASH, prescription_no="RXSAMPLE-E3")
    before = payer.facts()["bureau"]
    confirmed = payer.confirm(quote)
    assert payer.session.get(confirmed["pay"]["cashier_url"]).status_code == 200
    assert payer.pay(confirmed)["paid"] is True
    assert payer.settlement(quote["id"])["state"] == "FUND_PAYING"
    payer.deliver()
    settled = payer.settlement(quote["id"])
    assert settled["state"] == "SETTLED" and settled["split"] == quote["split"]
    refunded = payer.refund(quote["id"])
    assert refunded["state"] == "REFUNDED"
    assert (refunded["refund"]["cash_back_at"] is None) == (quote["split"]["cash_fen"] == 0)
    assert payer.facts()["bureau"] == before
    assert len(calls(payer, "refund_Order")) == 1 and calls(payer, "/wechatpay/") == []


def test_without_6302_the_back_end_asks_by_itself(payer: NationalHandset) -> None:
    confirmed = bought_with_cash(payer)
    payer.pay(confirmed)
    for delivery in hold_all(payer):
        payer.control("POST", f"deliveries/{delivery['id']}/cancel", {})
    payer.advance("29s")
    assert payer.settlement(confirmed["id"])["state"] == "FUND_PAYING"
    payer.advance("2s")
    assert payer.settlement(confirmed["id"])["state"] == "SETTLED"


def test_a_forged_or_repeated_6302_changes_nothing(payer: NationalHandset) -> None:
    confirmed = bought_with_cash(payer)
    payer.pay(confirmed)
    hold_all(payer)
    (event,) = events(payer, "6302")
    payer.control("POST", f"events/{event['id']}/resend", {"signature": "wrong_key"})
    payer.deliver()
    assert payer.settlement(confirmed["id"])["state"] == "FUND_PAYING"
    release_all(payer)
    settled, facts = payer.settlement(confirmed["id"]), payer.facts()["bureau"]
    payer.control("POST", f"events/{event['id']}/resend", {"signature": "fresh"})
    payer.deliver()
    assert settled["state"] == "SETTLED"
    assert payer.settlement(confirmed["id"]) == settled and payer.facts()["bureau"] == facts


@pytest.mark.parametrize(
    "outcome, state",
    [("insurance_failed", "REJECTED"), ("cash_failed", "REVERSED"), ("abandoned", "EXPIRED")],
)
def test_a_payment_that_fails_leaves_no_money_behind(payer: NationalHandset, outcome: str, state: str) -> None:
    before = payer.facts()["bureau"]
    confirmed = bought_with_cash(payer)
    told = payer.pay(confirmed, outcome)
    assert told["paid"] is False and told["reason"]
    payer.advance("20m")
    payer.refresh()
    assert payer.settlement(confirmed["id"])["state"] == state
    after = payer.facts()["bureau"]
    assert (after["balance_fen"], after["pooled_used_fen"]) == (before["balance_fen"], before["pooled_used_fen"])
    assert calls(payer, "/wechatpay/") == []


def test_a_planned_end_is_taken_where_the_phone_says_none(payer: NationalHandset) -> None:
    payer.control("POST", "outcomes", {"target": "national.cashier", "outcome": "insurance_failed"})
    confirmed = bought_with_cash(payer)
    assert payer.pay(confirmed)["ordStas"] == "15"
    payer.advance("31s")
    assert payer.settlement(confirmed["id"])["state"] == "REJECTED"


def test_a_cashier_that_takes_no_cash_says_so(payer: NationalHandset, simulator: Simulator) -> None:
    switch(simulator, "national.cashier_cash", "refused")
    confirmed = bought_with_cash(payer)
    assert payer.session.get(confirmed["pay"]["cashier_url"]).status_code == 404
    assert payer.pay(confirmed)["reason"] == "该订单含现金部分,请到窗口支付"
    payer.api("POST", f"/settlements/{confirmed['id']}/cancellation", {})
    assert payer.settlement(confirmed["id"])["state"] == "CANCELLED"


def test_the_cashiers_page_pays_once(payer: NationalHandset) -> None:
    confirmed = bought_with_cash(payer)
    url = confirmed["pay"]["cashier_url"]
    assert payer.session.post(url, data={"outcome": "?"}).status_code == 400
    paid = payer.session.post(url, data={"outcome": "paid"})
    assert paid.status_code == 200 and "支付成功" in paid.text
    assert payer.session.post(url, data={"outcome": "paid"}).status_code == 400
    assert payer.session.get(url).status_code == 404
    payer.deliver()
    assert payer.settlement(confirmed["id"])["state"] == "SETTLED"


def test_wechats_orders_are_not_paid_at_the_national_cashier(phone: Handset, simulator: Simulator) -> None:
    phone.ready("P01")
    phone.confirm(phone.quote(SHOP, [("D05", 1)]))
    app = in_app(simulator)
    app.log_in("P01")
    url = next(call["target"] for call in calls(phone, "pay_order"))
    assert url
    with mock_spaces.entered(simulator.mocks, "default"):
        from mock_providers.national.payment_models import PayOrder

        number = db.session.query(PayOrder).one().pay_ord_id
    assert app.phone("national/pay", payOrdId=number)["reason"] == "该订单须在原渠道支付"


def test_an_unknown_order_is_a_problem(app: NationalHandset) -> None:
    with pytest.raises(Refusal) as refused:
        app.phone("national/pay", payOrdId="ORD-nobody's")
    assert refused.value.response.status_code == 404


# the consent


def test_a_consent_is_good_once_and_for_who_logged_in(payer: NationalHandset, simulator: Simulator) -> None:
    quote = payer.quote(SHOP, [("X01", 1)])
    code = payer.authorise(quote)
    somebody_elses = payer.sent_back("P01", payer.consent_page(quote))
    for said in ("nobody's", parse_qs(urlsplit(somebody_elses).query)["authCode"][0]):
        body = {"auth_code": said, "accept_cash": True}
        refused = payer.ask("POST", f"/settlements/{quote['id']}/confirmation", body)
        assert refused.json()["code"] == "AUTHORISATION_INVALID"
    assert payer.sent_back("P02", payer.consent_page(quote), "deny").find("authCode") == -1
    body = {"auth_code": code, "accept_cash": True}
    assert payer.api("POST", f"/settlements/{quote['id']}/confirmation", body)["state"] == "FUND_PAYING"
    other = payer.quote(SHOP, [("X01", 2)])
    assert payer.ask("POST", f"/settlements/{other['id']}/confirmation", body).json()["code"] == (
        "AUTHORISATION_INVALID"
    )


def test_a_platform_that_knows_openids_only_refuses_the_sub(payer: NationalHandset, simulator: Simulator) -> None:
    switch(simulator, "national.user_query_identity", "openid")
    quote = payer.quote(SHOP, [("X01", 1)])
    with pytest.raises(Refusal) as refused:
        payer.confirm(quote)
    assert refused.value.code == "AUTHORISATION_INVALID"


def test_a_sub_is_one_persons(app: NationalHandset, simulator: Simulator) -> None:
    from mock_providers.people import world

    with mock_spaces.entered(simulator.mocks, "default"):
        subs = {oidc_tokens.subject(person) for person in world().people.values()}
        assert len(subs) == len(world().people)
        db.session.commit()


# the walk


def test_the_walk_of_the_national_app_ends_well_and_tells_the_same_story_again(
    app: NationalHandset, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from mock_providers.phone.walk import new_space, take_steps
    from mock_providers.phone.walk_national import STEPS, NationalWalk

    stories = []
    for _ in range(2):
        monkeypatch.setattr(handset, "_packs", itertools.count(1))  # as a process of its own begins
        app.space = "default"
        space = new_space(app)
        assert take_steps(NationalWalk(app), False, STEPS) == 0, capsys.readouterr().out
        lines = capsys.readouterr().out.splitlines()
        assert len(lines) == len(STEPS) and all(line.startswith("ok") for line in lines)
        stories.append(json.dumps(app.control("GET", "timeline?stable=true&limit=500")["items"]))
        app.space = "default"
        app.control("DELETE", f"spaces/{space}")
    assert stories[0] == stories[1]
    assert len(json.loads(stories[0])) > 150
