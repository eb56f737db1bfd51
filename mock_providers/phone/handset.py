"""A simulated handset: what a mini program and the WeChat app around it do, over HTTP and nothing else.

It knows the back end's API (`/api/v1`) and the phone's side of the mocks (`/_mock/phone`). The walk, the journey
tests and the benchmarks hold one each.
"""

import base64
import io
import itertools
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import requests

Json = dict[str, Any]
LETTER_SECONDS = 5


class Refusal(AssertionError):
    """An answer that was not the expected one. `code` is the problem's code when it was a problem document."""

    def __init__(self, method: str, path: str, response: requests.Response) -> None:
        self.response = response
        try:
            self.body: Json = response.json()
        except ValueError:
            self.body = {}
        self.code = str(self.body.get("code", ""))
        said = self.body.get("detail") or response.text[:300]
        super().__init__(f"{method} {path} → {response.status_code} {self.code} {said} {self.body.get('fields', '')}")


@dataclass
class Handset:
    """One phone in somebody's hand. `person` is the sample person logged in; `space` the world it is in."""

    base: str
    space: str = "default"
    session: requests.Session = field(default_factory=requests.Session)
    person: str = ""
    token: str = ""
    refresh_token: str = ""
    keys: Any = field(default_factory=lambda: itertools.count(1))

    def call(self, method: str, path: str, body: Any = None, **more: Any) -> requests.Response:
        """One request in our space; nothing is raised for a refusal."""
        headers = {"X-Yibao-Space": self.space, "User-Agent": "handset", **more.pop("headers", {})}
        if body is not None:
            more["json"] = body
        return self.session.request(method, f"{self.base}{path}", headers=headers, timeout=30, **more)

    def control(self, method: str, path: str, body: Any = None) -> Json:
        """The control API. Raises Refusal."""
        return self._read(method, f"/_mock/{path}", self.call(method, f"/_mock/{path}", body))

    def phone(self, action: str, **body: Any) -> Json:
        """What the WeChat app does when the user taps: `wechat/login`, `wechatpay/pay` … Raises Refusal."""
        return self.control("POST", f"phone/{action}", body)

    def api(self, method: str, path: str, body: Any = None, **more: Any) -> Json:
        """The back end, as the logged-in user. Raises Refusal."""
        response = self.ask(method, path, body, **more)
        return self._read(method, path, response)

    def ask(self, method: str, path: str, body: Any = None, **more: Any) -> requests.Response:
        """The back end, as the logged-in user; refusals are returned."""
        headers = dict(more.pop("headers", {}))
        if self.token:
            headers.setdefault("Authorization", f"Bearer {self.token}")
        if method == "POST":
            headers.setdefault("Idempotency-Key", f"{self.person or 'nobody'}-{next(self.keys)}-{id(self)}")
        return self.call(method, f"/api/v1{path}", body, headers=headers, **more)

    @staticmethod
    def _read(method: str, path: str, response: requests.Response) -> Json:
        if response.status_code >= 400:
            raise Refusal(method, path, response)
        if not response.content:
            return {}
        return response.json()

    # the user's own account

    def log_in(self, person: str) -> Json:
        """wx.login, then our back end's tokens."""
        code = self.phone("wechat/login", person=person)["code"]
        self.person, self.token = person, ""
        tokens = self.api("POST", "/login/wechat", {"code": code})
        self.token, self.refresh_token = tokens["access_token"], tokens["refresh_token"]
        return tokens

    def refresh(self) -> Json:
        """New tokens for the same session."""
        tokens = self.api("POST", "/login/refresh", {"refresh_token": self.refresh_token})
        self.token, self.refresh_token = tokens["access_token"], tokens["refresh_token"]
        return tokens

    def facts(self, person: str | None = None) -> Json:
        """What the control API says of a sample person."""
        return self.control("GET", f"people/{person or self.person}")

    def give_phone_number(self) -> Json:
        """The getPhoneNumber button."""
        code = self.phone("wechat/phone-number", person=self.person)["code"]
        return self.api("POST", "/me/phone", {"code": code})

    def subscribe(self, answer: str | Json = "accept") -> Json:
        """wx.requestSubscribeMessage for what the back end asks: one pop-up for each kind of template."""
        offered = self.api("GET", "/me/message-templates")["items"]
        said: Json = {}
        for kind in dict.fromkeys(row["kind"] for row in offered):
            ids = [row["template_id"] for row in offered if row["kind"] == kind]
            said |= self.phone("wechat/subscribe", person=self.person, tmplIds=ids, answer=answer)
        return said

    def messages(self) -> list[Json]:
        """The subscribe messages WeChat shows on this phone."""
        return list(self.control("GET", f"people/{self.person}/messages?limit=500")["items"])

    def bind_real_name(self) -> Json:
        """Name and document of the person who holds the phone."""
        me = self.facts()
        return self.api(
            "POST", "/me/real-name", {"name": me["name"], "id_type": me["id_type"], "id_number": me["id_number"]}
        )

    def pass_face(self, ticket: Json, outcome: str | int | None = None) -> Json:
        """wx.requestFacialVerify, then tell the back end that the user is done."""
        more = {} if outcome is None else {"outcome": outcome}
        self.phone("wechat/face", verify_id=ticket["verify_id"], **more)
        return self.api("POST", f"/face/tickets/{ticket['id']}/result", {})

    def activate_credential(self) -> Json:
        """医保电子凭证: apply, own face, active."""
        self.api("POST", "/credential", {})
        self.pass_face(self.api("POST", "/face/tickets", {"purpose": "ACTIVATE"}), "pass")
        return self.api("GET", "/credential")

    def ready(self, person: str) -> "Handset":
        """Logged in, real name bound, credential active."""
        self.log_in(person)
        self.bind_real_name()
        self.activate_credential()
        return self

    # adding a patient

    def start_binding(self) -> Json:
        """A draft whose notice was read to the end."""
        binding = self.api("POST", "/bindings", {})
        notice = self.api("GET", "/notices/family-binding")
        return self.api(
            "POST",
            f"/bindings/{binding['id']}/notice",
            {"version": notice["version"], "read_to_end": True, "agreed": True},
        )

    def fill_in(self, binding_id: str, person: str, relation: str | None = None, **changes: Any) -> Json:
        """The relative's data as the persona types them."""
        facts = self.facts(person)
        data = {
            "name": facts.get("typed_name") or facts["name"],
            "id_type": facts["id_type"],
            "id_number": facts["id_number"],
            "relation": relation or facts["relation"],
        }
        if facts.get("phone"):
            data["phone"] = facts["phone"]
        if facts["id_type"] != "id_card":
            data["born_on"], data["gender"] = facts["born_on"], facts["gender"]
        if facts.get("mother"):
            mother = self.facts(facts["mother"])
            data["mother_name"], data["mother_id_number"] = mother["name"], mother["id_number"]
        return self.api("PUT", f"/bindings/{binding_id}/person", {**data, **changes})

    def upload(self, binding_id: str, kind: str, picture: bytes | None = None) -> Json:
        """One picture of a paper."""
        content = picture or sample_picture(f"{binding_id} {kind}")
        return self.api(
            "POST",
            f"/bindings/{binding_id}/materials",
            data={"type": kind},
            files={"file": ("paper.jpg", content, "image/jpeg")},
        )

    def sign_letter(self, binding_id: str) -> Json:
        """Render the 承诺书, read it long enough, sign it by hand."""
        letter = self.api("POST", f"/bindings/{binding_id}/letter", {})
        self.api("GET", f"/letters/{letter['id']}")
        self.control("POST", "clock", {"advance": f"{LETTER_SECONDS}s"})
        png, strokes = sample_signature()
        return self.api(
            "POST",
            f"/letters/{letter['id']}/signature",
            {"png_base64": base64.b64encode(png).decode(), "strokes": strokes},
        )

    def show_face(self, binding_id: str, subject: str, outcome: str | int | None = "pass") -> Json:
        """Open a face check of a binding and pass it on this phone."""
        return self.pass_face(self.api("POST", f"/bindings/{binding_id}/face", {"subject": subject}), outcome)

    def prepare_binding(self, person: str, relation: str | None = None) -> str:
        """Everything up to the button 【激活并添加账户】; the binding's id."""
        binding_id = self.start_binding()["id"]
        self.fill_in(binding_id, person, relation)
        for kind in self.wanted_materials(binding_id):
            self.upload(binding_id, kind)
        self.sign_letter(binding_id)
        self.show_face(binding_id, "self")
        return binding_id

    def wanted_materials(self, binding_id: str) -> list[str]:
        """The first way to satisfy the list the back end gives for this person."""
        offered = self.api("GET", f"/bindings/{binding_id}/material-types")
        return [group[0] for group in offered["required"]]

    def submit(self, binding_id: str) -> Json:
        return self.api("POST", f"/bindings/{binding_id}/submission", {})

    def bind(self, person: str, relation: str | None = None) -> Json:
        """Bind a relative all the way to ACTIVE."""
        binding_id = self.prepare_binding(person, relation)
        binding = self.submit(binding_id)
        if binding["state"] == "FACE_PENDING":
            self.show_face(binding_id, "mother" if binding.get("face_subject") == "mother" else "relative")
            binding = self.api("GET", f"/bindings/{binding_id}")
        return binding

    # buying at a pharmacy

    def quote(self, institution: str, items: list[tuple[str, int]], **more: Any) -> Json:
        """The cart with its five-part split."""
        return self.api("POST", "/settlements", cart(institution, items, more.pop("packs", self.person), **more))

    def authorise(self, quote: Json, for_person: str | None = None) -> str:
        """The 医保 authorisation mini program: the user agrees, a code comes back."""
        more = {"for_person": for_person} if for_person and for_person != self.person else {}
        params = {"orgCodg": quote["institution"]["code"], "bizType": "04107"}
        return self.phone("wechat/insurance-authorisation", person=self.person, params=params, **more)["authCode"]

    def confirm(self, quote: Json, for_person: str | None = None, **more: Any) -> Json:
        """Authorise and confirm; the answer holds what wx.requestMedicalInsurancePay needs."""
        body = {"auth_code": self.authorise(quote, for_person), "accept_cash": True}
        return self.api("POST", f"/settlements/{quote['id']}/confirmation", body, **more)

    def pay(self, confirmed: Json, outcome: str | None = None) -> Json:
        """The user enters the password. Without an outcome it is the planned one, or paid."""
        said = {"outcome": outcome} if outcome else {}
        return self.phone("wechatpay/medical-pay", params=confirmed["pay"], **said)

    def deliver(self) -> Json:
        """Let every callback that is due arrive; business time does not move."""
        return self.control("POST", "clock", {"advance": "0s"})

    def advance(self, how_long: str) -> Json:
        """Move business time; what fell due meanwhile has happened when this returns."""
        return self.control("POST", "clock", {"advance": how_long})

    def settlement(self, settlement_id: str) -> Json:
        return self.api("GET", f"/settlements/{settlement_id}")

    def buy(
        self,
        institution: str,
        items: list[tuple[str, int]],
        for_person: str | None = None,
        outcome: str | None = None,
        **more: Any,
    ) -> Json:
        """Quote, confirm, pay, and let the callbacks arrive: the settlement as it then stands."""
        quote = self.quote(institution, items, **more)
        self.pay(self.confirm(quote, for_person), outcome)
        self.deliver()
        return self.settlement(quote["id"])

    def refund(self, settlement_id: str, reason: str = "quality") -> Json:
        """Give everything back; the settlement as it stands when the callbacks have arrived."""
        self.api("POST", f"/settlements/{settlement_id}/refunds", {"reason": reason})
        self.advance("5s")
        return self.settlement(settlement_id)


_packs = itertools.count(1)


def cart(institution: str, items: list[tuple[str, int]], packs: str, **more: Any) -> Json:
    """A cart; every pack of a drug gets a trace code nobody has used."""
    lines: list[Json] = []
    for code, quantity in items:
        line: Json = {"code": code, "quantity": quantity}
        if code.startswith("D") or code == "X05":
            line["trace_codes"] = [trace_code() for _ in range(quantity)]
        lines.append(line)
    return {"institution_code": institution, "items": lines, **more}


def trace_code() -> str:
    """A 药品追溯码: 20 digits, the first seven name the product."""
    return f"8999999{next(_packs):013d}"


@cache
def _blank(width: int, height: int, colour: str) -> Any:
    from PIL import Image

    return Image.new("RGB", (width, height), colour)


def sample_picture(text: str, size: tuple[int, int] = (900, 640), form: str = "JPEG") -> bytes:
    """A picture of a paper that says 样例, different for every text."""
    from PIL import ImageDraw

    picture = _blank(*size, "white").copy()
    drawing = ImageDraw.Draw(picture)
    drawing.rectangle((20, 20, size[0] - 20, size[1] - 20), outline="black", width=4)
    drawing.text((60, 60), f"SAMPLE {text}".encode("ascii", "replace").decode(), fill="black")
    out = io.BytesIO()
    picture.save(out, form)
    return out.getvalue()


def sample_signature() -> tuple[bytes, list[list[list[int]]]]:
    """A hand signature: PNG of 600×200 and the strokes it was drawn with ([x, y, milliseconds])."""
    from PIL import ImageDraw

    picture = _blank(600, 200, "white").copy()
    strokes = [
        [[80 + 12 * step, 60 + 70 * (step % 2), 40 * step] for step in range(16)],
        [[320 + 10 * step, 150 - 6 * step, 900 + 30 * step] for step in range(14)],
    ]
    drawing = ImageDraw.Draw(picture)
    for stroke in strokes:
        drawing.line([(x, y) for x, y, _ in stroke], fill="black", width=5)
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue(), strokes
