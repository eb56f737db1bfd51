"""Every refusal of the catalogue, reached by a persona, an outcome, the clock or bad input; one row a code.

A scenario ends in the refusal itself, or shows the code where a user or an operator meets it: in the settlement, in
the binding, or as an alarm of the timeline.
"""

import base64
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from PIL import Image

from app import InProcess, Simulator, join
from mock_providers.phone.handset import LETTER_SECONDS, Handset, Json, Refusal, sample_picture, sample_signature
from mock_providers.phone.national_handset import NationalHandset
from tests.journey.conftest import BASE, post_to
from yibao.errors import CATALOGUE
from yibao.identity import check_character

Scenario = Callable[[Handset], Any]
HERE = Path(__file__).parents[1]
SHOP, WINDOW_ONLY = "P46019900008", "P46019900012"
DEVICE = [("X01", 1)]
PATHS: dict[str, Scenario] = {}

# What only a fault of ours or two requests in the same instant can bring about.
ELSEWHERE = {
    "IDEMPOTENCY_IN_PROGRESS": "yibao/test_idempotency.py",
    "SPLIT_MISMATCH": "yibao/settlement/test_settlement_flow.py",
    "REFUND_SUM": "yibao/settlement/test_settlement_rules.py",
}
# Codes only another region's rules, or another day's, let a user see.
WORLDS: dict[str, dict[str, str]] = {
    "REVIEW_DENIED": {"region": "taiyuan-review"},
    "FA_MEMBER_LIMIT": {"region": "chongqing-1"},
    "LETTER_VERSION_OLD": {"start": "2024-12-31T23:55:00+08:00"},
}


class Seen(Exception):
    """A code that was not an answer but could be read."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def reaches(*codes: str) -> Callable[[Scenario], Scenario]:
    """The way to a code. Of several codes the scenario finds its own in `phone.wanted`."""

    def keep(scenario: Scenario) -> Scenario:
        for code in codes:
            assert code not in PATHS
            PATHS[code] = scenario
        return scenario

    return keep


def opened(data: Path, **options: str) -> Simulator:
    made = join(data, BASE, background=False, **options)
    made.mocks.extensions["sender"].post = post_to(made)
    return made


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    made = opened(tmp_path_factory.mktemp("usual"))
    yield made
    made.close()


def handset(simulator: Simulator, space: str = "default") -> Handset:
    session = requests.Session()
    session.mount("http://", InProcess(simulator))
    phone = Handset(BASE, session=session)
    if space != "default":
        phone.control("POST", "spaces", {"name": space})
    phone.space = space
    return phone


def in_the_national_app(phone: Handset) -> NationalHandset:
    """The same phone, the other app."""
    return NationalHandset(phone.base, phone.space, phone.session)


@pytest.mark.parametrize(
    "code", [code for code in CATALOGUE if code not in ELSEWHERE and code not in ("INTERNAL", "BUSY")]
)
def test_a_refusal_can_be_reached(code: str, usual: Simulator, tmp_path: Path) -> None:
    own = opened(tmp_path, **WORLDS[code]) if code in WORLDS else None
    phone = handset(own or usual, "default" if own else code.lower().replace("_", "-"))
    phone.wanted = code  # type: ignore[attr-defined]
    try:
        with pytest.raises((Refusal, Seen)) as reached:
            PATHS[code](phone)
    finally:
        if own:
            own.close()
    assert reached.value.code == code
    if isinstance(reached.value, Refusal):
        said, row = reached.value.body, CATALOGUE[code]
        assert reached.value.response.status_code == row.status
        assert (said["title"], said["remedy"], said["retryable"]) == (row.title, row.remedy, row.retryable)


@pytest.mark.parametrize("error, code", [(TimeoutError("no lock"), "BUSY"), (KeyError("a fault"), "INTERNAL")])
def test_a_fault_of_ours_is_a_problem_document_that_tells_no_secrets(
    usual: Simulator, monkeypatch: pytest.MonkeyPatch, error: Exception, code: str
) -> None:
    def fails(**_: Any) -> None:
        raise error

    monkeypatch.setitem(usual.back_end.view_functions, "login.me", fails)
    answer = handset(usual).ask("GET", "/me")
    assert (answer.status_code, answer.json()["code"]) == (CATALOGUE[code].status, code)
    assert "fault" not in answer.text and "lock" not in answer.text


def test_what_is_not_reached_here_is_reached_there() -> None:
    assert set(PATHS) | set(ELSEWHERE) | {"INTERNAL", "BUSY"} == set(CATALOGUE)
    assert not set(PATHS) & set(ELSEWHERE)
    for code, path in ELSEWHERE.items():
        assert f'"{code}"' in (HERE / path).read_text("utf-8")


# any request


@reaches("FIELD_INVALID")
def _(phone: Handset) -> None:
    phone.api("POST", "/login/wechat", {"code": 1})


@reaches("BODY_NOT_JSON")
def _(phone: Handset) -> None:
    phone.api("POST", "/login/wechat", data=b"[", headers={"Content-Type": "application/json"})


@reaches("BODY_TOO_BIG")
def _(phone: Handset) -> None:
    phone.api("POST", "/login/wechat", {"code": "x" * 400_000})


@reaches("MEDIA_TYPE")
def _(phone: Handset) -> None:
    phone.api("POST", "/login/wechat", data=b"<code/>", headers={"Content-Type": "text/xml"})


@reaches("NOT_FOUND")
def _(phone: Handset) -> None:
    phone.api("GET", "/nothing")


@reaches("METHOD_NOT_ALLOWED")
def _(phone: Handset) -> None:
    phone.api("PUT", "/me", {})


@reaches("SPACE_UNKNOWN")
def _(phone: Handset) -> None:
    phone.space = "nowhere"
    phone.api("GET", "/me")


@reaches("STATE_CONFLICT")
def _(phone: Handset) -> None:
    phone.ready("P01").api("POST", "/credential", {})


@reaches("IDEMPOTENCY_KEY_MISSING")
def _(phone: Handset) -> None:
    phone.ready("P01").api("POST", "/settlements", {}, headers={"Idempotency-Key": ""})


@reaches("IDEMPOTENCY_KEY_REUSED")
def _(phone: Handset) -> None:
    same = {"headers": {"Idempotency-Key": "same"}}
    phone.ready("P01").quote(SHOP, DEVICE)
    body = {"institution_code": SHOP, "items": [{"code": "X01", "quantity": 1}]}
    phone.api("POST", "/settlements", body, **same)
    phone.api("POST", "/settlements", {**body, "items": [{"code": "X01", "quantity": 2}]}, **same)


@reaches("VENDOR_ERROR")
def _(phone: Handset) -> None:
    plan(phone, "wechat.jscode2session", "http_500")
    phone.log_in("P01")


# session


@reaches("TOKEN_MISSING")
def _(phone: Handset) -> None:
    phone.api("GET", "/me")


@reaches("TOKEN_INVALID")
def _(phone: Handset) -> None:
    phone.token = "x.y.z"
    phone.api("GET", "/me")


@reaches("SESSION_EXPIRED")
def _(phone: Handset) -> None:
    phone.log_in("P01")
    phone.advance("31m")
    phone.api("GET", "/me")


@reaches("LOGIN_CODE_INVALID")
def _(phone: Handset) -> None:
    phone.api("POST", "/login/wechat", {"code": "0a3NobodyGaveThis"})


@reaches("LOGIN_CODE_USED")
def _(phone: Handset) -> None:
    code = phone.phone("wechat/login", person="P01")["code"]
    for _ in range(2):
        phone.api("POST", "/login/wechat", {"code": code})


@reaches("LOGIN_DENIED")
def _(phone: Handset) -> None:
    in_the_national_app(phone).log_in("P01", "deny")


@reaches("LOGIN_STATE_INVALID")
def _(phone: Handset) -> None:
    app = in_the_national_app(phone)
    back = app.sent_back("P01", app.log_in_page())
    app.open(back)
    raise Refusal("GET", back, app.open(back))


@reaches("LOGIN_BLOCKED", "LOGIN_TOO_OFTEN")
def _(phone: Handset) -> None:
    plan(phone, "wechat.jscode2session", {"LOGIN_BLOCKED": "blocked"}.get(phone.wanted, "rate_limited"))
    phone.log_in("P01")


@reaches("PHONE_CODE_INVALID")
def _(phone: Handset) -> None:
    phone.log_in("P01")
    phone.api("POST", "/me/phone", {"code": "nobody-gave-this"})


@reaches("REAL_NAME_REQUIRED")
def _(phone: Handset) -> None:
    phone.log_in("P01")
    phone.api("GET", "/credential")


@reaches("REAL_NAME_TAKEN")
def _(phone: Handset) -> None:
    phone.log_in("P01")
    phone.bind_real_name()
    phone.log_in("P02")
    bind_as(phone, "P01")


@reaches("REAL_NAME_BOUND")
def _(phone: Handset) -> None:
    phone.log_in("P01")
    phone.bind_real_name()
    bind_as(phone, "P02")


@reaches("PERSON_NOT_FOUND")
def _(phone: Handset) -> None:
    phone.log_in("P01")
    bind_as(phone, "P01", name="林样错")


@reaches("PERSON_DECEASED")
def _(phone: Handset) -> None:
    phone.log_in("P18")
    phone.bind_real_name()


@reaches("REAL_ID_REFUSED", "ID_CHECKSUM", "ID_DATE", "ID_FORMAT")
def _(phone: Handset) -> None:
    real = "11010119000101001"
    numbers = {
        "REAL_ID_REFUSED": real + check_character(real),
        "ID_CHECKSUM": "469099198803159035",
        "ID_DATE": "469099198813159034",
        "ID_FORMAT": "46909919880315",
    }
    phone.log_in("P01")
    bind_as(phone, "P01", id_number=numbers[phone.wanted])


# credential and face


@reaches("CREDENTIAL_INACTIVE")
def _(phone: Handset) -> None:
    phone.log_in("P01")
    phone.bind_real_name()
    phone.api("POST", "/credential/codes", {})


@reaches("CREDENTIAL_FROZEN")
def _(phone: Handset) -> None:
    phone.ready("P01")
    know(phone, "P01", deceased_on="2025-11-30")
    assert phone.ask("POST", "/credential/codes", {}).json()["code"] == "PERSON_DECEASED"
    know(phone, "P01", deceased_on=None)
    phone.api("POST", "/credential/codes", {})


@reaches("CODE_EXPIRED")
def _(phone: Handset) -> None:
    code = phone.ready("P01").api("POST", "/credential/codes", {})["code"]
    phone.advance("61s")
    phone.quote(SHOP, DEVICE, credential_code=code)


FACES = {
    "FACE_FAIL": "mismatch",
    "FACE_NOT_LIVE": "not_live",
    "FACE_QUALITY": "poor_quality",
    "FACE_SUBJECT_MISMATCH": "wrong_number",
    "FACE_DEVICE": "no_device",
    "FACE_CANCELLED": "cancel",
    "FACE_TIMEOUT": "timeout",
    "FACE_NOT_FINISHED": "unfinished",
    "FACE_VENDOR_DOWN": "vendor_down",
}


@reaches(*FACES)
def _(phone: Handset) -> None:
    phone.log_in("P01")
    phone.bind_real_name()
    phone.api("POST", "/credential", {})
    phone.pass_face(phone.api("POST", "/face/tickets", {"purpose": "ACTIVATE"}), FACES[phone.wanted])


@reaches("FACE_LOCKED")
def _(phone: Handset) -> None:
    phone.log_in("P01")
    phone.bind_real_name()
    phone.api("POST", "/credential", {})
    for _ in range(3):
        ticket = phone.api("POST", "/face/tickets", {"purpose": "ACTIVATE"})
        with pytest.raises(Refusal):
            phone.pass_face(ticket, "mismatch")
    phone.api("POST", "/face/tickets", {"purpose": "ACTIVATE"})


@reaches("FACE_TICKET_USED")
def _(phone: Handset) -> None:
    phone.show_face(phone.ready("P01").prepare_binding("P04"), "self")


# family account


@reaches("NOTICE_NOT_READ", "NOTICE_VERSION_OLD")
def _(phone: Handset) -> None:
    binding = phone.ready("P01").api("POST", "/bindings", {})["id"]
    version, read = ("1.0", False) if phone.wanted == "NOTICE_NOT_READ" else ("0.9", True)
    phone.api("POST", f"/bindings/{binding}/notice", {"version": version, "read_to_end": read, "agreed": True})


@reaches("FA_NAME_EMPTY", "FA_RELATION_NOT_ALLOWED", "FA_SELF")
def _(phone: Handset) -> None:
    binding = phone.ready("P01").start_binding()["id"]
    person = "P01" if phone.wanted == "FA_SELF" else "P15" if "RELATION" in phone.wanted else "P04"
    changes = {"name": " "} if phone.wanted == "FA_NAME_EMPTY" else {}
    phone.fill_in(binding, person, "child" if person == "P01" else None, **changes)


@reaches("FA_DUPLICATE")
def _(phone: Handset) -> None:
    phone.ready("P01").bind("P04")
    phone.bind("P04")


@reaches("FA_CHILD_LIMIT")
def _(phone: Handset) -> None:
    phone.ready("P01")
    for child in ("P04", "P19", "P23", "P06"):
        phone.bind(child, "child")


@reaches("FA_MEMBER_LIMIT")
def _(phone: Handset) -> None:
    phone.ready("P01")
    for relative in ("P04", "P19"):
        phone.bind(relative)


@reaches("FA_BINDER_LIMIT")
def _(phone: Handset) -> None:
    for binder in ("P01", "P07", "P02"):
        phone.ready(binder).bind("P04")


@reaches("FA_NAME_ID_MISMATCH", "FA_NOT_REGISTERED", "FA_NOT_IN_PROVINCE", "FA_DATA_NOT_SYNCED")
def _(phone: Handset) -> None:
    people = dict(
        zip(("FA_NAME_ID_MISMATCH", "FA_NOT_REGISTERED", "FA_NOT_IN_PROVINCE"), ("P12", "P09", "P10"), strict=True)
    )
    phone.ready("P01").bind(people.get(phone.wanted, "P13"))


@reaches("FA_MOTHER_MISMATCH")
def _(phone: Handset) -> None:
    binding, other = phone.ready("P01").start_binding()["id"], phone.facts("P02")
    phone.fill_in(binding, "P06", mother_name=other["name"], mother_id_number=other["id_number"])
    for kind in phone.wanted_materials(binding):
        phone.upload(binding, kind)
    phone.sign_letter(binding)
    phone.show_face(binding, "self")
    phone.submit(binding)


@reaches("MATERIAL_MISSING")
def _(phone: Handset) -> None:
    phone.api("POST", f"/bindings/{typed(phone)}/letter")


@reaches("MATERIAL_TYPE", "MATERIAL_TOO_BIG", "MATERIAL_TOO_SMALL")
def _(phone: Handset) -> None:
    binding = typed(phone)
    kind = "permit_front" if phone.wanted == "MATERIAL_TYPE" else phone.wanted_materials(binding)[0]
    pictures = {
        "MATERIAL_TOO_BIG": b"\xff\xd8\xff" + bytes(5 * 1024 * 1024),
        "MATERIAL_TOO_SMALL": sample_picture("small", (400, 300)),
    }
    phone.upload(binding, kind, pictures.get(phone.wanted))


@reaches("MATERIAL_DUPLICATE")
def _(phone: Handset) -> None:
    binding = typed(phone)
    for kind in ("household_register", "id_card"):
        phone.upload(binding, kind, sample_picture("the same"))


@reaches("EDIT_LOCKED")
def _(phone: Handset) -> None:
    phone.api("PATCH", f"/bindings/{typed(phone)}", {"phone": "15400000009"})


@reaches("EDIT_IDENTITY")
def _(phone: Handset) -> None:
    binding = phone.ready("P01").bind("P04")
    phone.api("PATCH", f"/bindings/{binding['id']}", {"name": "林样死"})


@reaches("UNBIND_PENDING_ORDER")
def _(phone: Handset) -> None:
    binding = phone.ready("P01").bind("P04")["id"]
    phone.quote(SHOP, DEVICE, patient_binding_id=binding)
    phone.api("DELETE", f"/bindings/{binding}")


@reaches("REVIEW_DENIED")
def _(phone: Handset) -> None:
    binding = phone.ready("P01").bind("P04")
    assert binding["state"] == "REVIEW"
    phone.ready("P22").api("POST", f"/bindings/{binding['id']}/review", {"decision": "deny", "note": "样例"})
    phone.log_in("P01")
    phone.submit(binding["id"])


@reaches("REAUTH_REQUIRED")
def _(phone: Handset) -> None:
    binding = phone.ready("P01").bind("P23")["id"]
    phone.advance("32d")
    phone.log_in("P01")
    phone.api("POST", f"/bindings/{binding}/codes")


@reaches("BINDING_EXPIRED")
def _(phone: Handset) -> None:
    binding = typed(phone)
    phone.advance("25h")
    phone.log_in("P01")
    raise Seen(phone.api("GET", f"/bindings/{binding}")["reason"])


# commitment letter


@reaches("LETTER_MISSING")
def _(phone: Handset) -> None:
    binding = typed(phone)
    phone.upload(binding, phone.wanted_materials(binding)[0])
    phone.submit(binding)


@reaches("LETTER_NOT_VIEWED", "LETTER_SIGNATURE_EMPTY", "LETTER_SIGNATURE_BAD", "LETTER_STALE", "LETTER_VERSION_OLD")
def _(phone: Handset) -> None:
    binding = typed(phone)
    phone.upload(binding, phone.wanted_materials(binding)[0])
    letter = phone.api("POST", f"/bindings/{binding}/letter")["id"]
    png, strokes = sample_signature()
    if phone.wanted != "LETTER_NOT_VIEWED":
        phone.api("GET", f"/letters/{letter}")
        phone.advance(f"{LETTER_SECONDS}s")
    if phone.wanted == "LETTER_SIGNATURE_EMPTY":
        png = blank()
    elif phone.wanted == "LETTER_SIGNATURE_BAD":
        png = sample_picture("no signature")
    elif phone.wanted == "LETTER_STALE":
        phone.upload(binding, "id_card")
    elif phone.wanted == "LETTER_VERSION_OLD":
        phone.advance("6m")
    phone.api(
        "POST", f"/letters/{letter}/signature", {"png_base64": base64.b64encode(png).decode(), "strokes": strokes}
    )


# pharmacy


@reaches("PH_NOT_DESIGNATED", "PH_CONTRACT_SUSPENDED")
def _(phone: Handset) -> None:
    phone.ready("P01").quote("H46019900007" if phone.wanted == "PH_NOT_DESIGNATED" else "P46019900011", DEVICE)


@reaches("PAY_NOT_BOUND")
def _(phone: Handset) -> None:
    phone.ready("P01").quote(SHOP, DEVICE, patient_binding_id="nobody")


CARTS: dict[str, tuple[list[tuple[str, int]], str | None]] = {
    "RX_REQUIRED": ([("D01", 1)], None),
    "RX_NOT_FOUND": ([("D01", 1)], "RXSAMPLE-NONE"),
    "RX_EXPIRED": ([("D01", 1)], "RXSAMPLE-EXPIRED"),
    "RX_USED": ([("D01", 1)], "RXSAMPLE-USED"),
    "RX_REVOKED": ([("D01", 1)], "RXSAMPLE-REVOKED"),
    "RX_PATIENT_MISMATCH": ([("D09", 1)], "RXSAMPLE-E3"),
    "RX_ITEM_MISMATCH": ([("D01", 3)], "RXSAMPLE-P01"),
    "RX_PAPER_NOT_ALLOWED": ([("D24", 1)], "RXSAMPLE-PAPER"),
    "ITEM_UNKNOWN": ([("Z99", 1)], None),
    "ITEM_FORBIDDEN": ([("X03", 1)], None),
    "QTY_LIMIT": ([("X01", 0)], None),
}


@reaches(*CARTS)
def _(phone: Handset) -> None:
    items, prescription = CARTS[phone.wanted]
    more = {"prescription_no": prescription} if prescription else {}
    phone.ready("P01").quote(SHOP, items, **more)


@reaches("TRACE_MISSING", "TRACE_USED")
def _(phone: Handset) -> None:
    phone.ready("P01")
    pack = ["89999999000000000001"] if phone.wanted == "TRACE_USED" else []
    body = {"institution_code": SHOP, "items": [{"code": "D05", "quantity": 1, "trace_codes": pack}]}
    quote = phone.api("POST", "/settlements", body)
    phone.pay(phone.confirm(quote))
    phone.deliver()
    phone.api("POST", "/settlements", body)


@reaches("QUOTE_EXPIRED")
def _(phone: Handset) -> None:
    quote = phone.ready("P01").quote(SHOP, DEVICE)
    phone.advance("11m")
    phone.log_in("P01")
    phone.confirm(quote)


@reaches("BALANCE_CHANGED")
def _(phone: Handset) -> None:
    quote = phone.ready("P01").quote(SHOP, DEVICE)
    know(phone, "P01", balance_fen=100)
    phone.confirm(quote)


@reaches("CASH_NOT_ACCEPTED")
def _(phone: Handset) -> None:
    quote = phone.ready("P02").quote(SHOP, DEVICE)
    phone.api("POST", f"/settlements/{quote['id']}/confirmation", {"auth_code": phone.authorise(quote)})


@reaches("AUTHORISATION_INVALID")
def _(phone: Handset) -> None:
    quote = phone.ready("P01").quote(SHOP, DEVICE)
    phone.api("POST", f"/settlements/{quote['id']}/confirmation", {"auth_code": "nobody-gave-this"})


@reaches("AUTHORISATION_PERSON")
def _(phone: Handset) -> None:
    phone.ready("P01").bind("P04")
    phone.confirm(phone.quote(SHOP, DEVICE), for_person="P04")


LEGS = {
    "ACCT_LOCKED": ("national.6202", "account_locked"),
    "FUND_CAP": ("national.6202", "cap_changed"),
    "MA_PAUSED": ("national.6202", "mutual_aid_paused"),
    "FUND_REFUSED": ("national.6202", "refuse"),
    "STATE_UNKNOWN": ("national.6202", "timeout"),
}


@reaches(*LEGS)
def _(phone: Handset) -> None:
    quote = phone.ready("P01").quote(SHOP, DEVICE)
    plan(phone, *LEGS[phone.wanted])
    phone.confirm(quote)


@reaches("CASH_FAIL", "PAY_EXPIRED")
def _(phone: Handset) -> None:
    quote = phone.ready("P02").quote(SHOP, [("D09", 3), ("D13", 2), ("D25", 1)], prescription_no="RXSAMPLE-E3")
    phone.pay(phone.confirm(quote), "cash_failed" if phone.wanted == "CASH_FAIL" else "abandoned")
    phone.advance("20m")
    phone.log_in("P02")
    raise Seen(phone.settlement(quote["id"])["failure"])


@reaches("CALLBACK_FORGED", "CALLBACK_AMOUNT", "CALLBACK_UNKNOWN")
def _(phone: Handset) -> None:
    phone.ready("P02").buy(SHOP, DEVICE)
    event = phone.control("GET", "events?type=TRANSACTION.SUCCESS")["items"][0]["id"]
    plain = phone.control("GET", f"events/{event}")["plain"]
    ways = {
        "CALLBACK_FORGED": {"signature": "wrong_key"},
        "CALLBACK_AMOUNT": {"edit": {**plain, "amount": {**plain["amount"], "total": 1}}},
        "CALLBACK_UNKNOWN": {"edit": {**plain, "out_trade_no": "NOBODYS00001"}},
    }
    phone.control("POST", f"events/{event}/resend", ways[phone.wanted])
    phone.deliver()
    alarms = [row for row in phone.control("GET", "timeline?limit=500")["items"] if row["kind"] == "alarm"]
    assert len(alarms) == 1
    raise Seen(next(code for code in ways if code in alarms[0]["summary"]))


# refund


@reaches(
    "REFUND_NOT_ALLOWED", "REFUND_WINDOW_ONLY", "REFUND_AMOUNT", "REFUND_DUPLICATE", "FUND_DOWN", "REFUND_TO_SUSPENSE"
)
def _(phone: Handset) -> None:
    place = WINDOW_ONLY if phone.wanted == "REFUND_WINDOW_ONLY" else SHOP
    bought = phone.ready("P01").buy(place, DEVICE)
    assert bought["state"] == "SETTLED"
    body: Json = {"reason": "dislike" if phone.wanted == "REFUND_NOT_ALLOWED" else "quality"}
    if phone.wanted == "REFUND_AMOUNT":
        body["amount_fen"] = 1
    elif phone.wanted == "REFUND_DUPLICATE":
        phone.refund(bought["id"])
    elif phone.wanted in ("FUND_DOWN", "REFUND_TO_SUSPENSE"):
        plan(phone, "national.6203", "unavailable" if phone.wanted == "FUND_DOWN" else "fail")
    phone.api("POST", f"/settlements/{bought['id']}/refunds", body)


# what the scenarios share


def plan(phone: Handset, target: str, outcome: str) -> None:
    phone.control("POST", "outcomes", {"target": target, "outcome": outcome})


def know(phone: Handset, person: str, **facts: Any) -> None:
    """Change what the bureau knows of somebody."""
    phone.control("POST", f"people/{person}", facts)


def bind_as(phone: Handset, person: str, **changes: str) -> Json:
    facts = phone.facts(person)
    data = {name: facts[name] for name in ("name", "id_type", "id_number")}
    return phone.api("POST", "/me/real-name", {**data, **changes})


def typed(phone: Handset) -> str:
    """A draft of P01 with the data of a child."""
    binding = phone.ready("P01").start_binding()["id"]
    phone.fill_in(binding, "P04")
    return str(binding)


def blank() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (600, 200), "white").save(out, "PNG")
    return out.getvalue()
