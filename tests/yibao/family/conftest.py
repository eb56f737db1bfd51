"""A household around P01, a registry that answers by document number, and phones to act with."""

import base64
import io
import json
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image, ImageDraw
from urllib3 import encode_multipart_formdata

from tests.yibao.conftest import FakeVendors, Phone, Time, gateway_refusal
from yibao import tasks
from yibao.db import db
from yibao.spaces import entered

BEGIN, RESULT = "/cityservice/face/identify/getverifyid", "/cityservice/face/identify/queryverifyinfo"
UNKNOWN = "该参保人的基本信息为空"
UNINSURED = "该参保人的参保信息为空"
DEAD = "该参保人已登记死亡"
NOT_SYNCED = "该参保人信息尚未同步至省级平台"

PEOPLE: dict[str, dict[str, Any]] = {
    "P01": {"name": "林样一", "id_number": "469099198803159034", "relation": "self"},
    "P02": {"name": "陈样二", "id_number": "469099199007029049", "relation": "self"},
    "P03": {"name": "林样三", "id_number": "469099195805209070", "relation": "parent"},
    "P04": {"name": "林样四", "id_number": "469099201709109086", "relation": "child"},
    "P05": {"name": "林样五", "id_number": "469099200912019110", "relation": "child"},
    "P06": {
        "name": "林样六",
        "id_type": "birth_certificate",
        "id_number": "Z990000006",
        "born_on": "2025-11-10",
        "gender": "male",
        "mother_name": "王样七",
        "mother_id_number": "469099198911239146",
        "relation": "child",
    },
    "P07": {"name": "王样七", "id_number": "469099198911239146", "relation": "spouse"},
    "P09": {"name": "林样九", "id_number": "469099199506309192", "relation": "sibling"},
    "P10": {"name": "林样十", "id_number": "469099199308089205", "relation": "sibling"},
    "P12": {"name": "张样叁", "id_number": "469099198509099253", "relation": "sibling"},
    "P13": {"name": "林样未", "id_number": "469099200104269269", "relation": "sibling"},
    "P14": {
        "name": "何樣港",
        "id_type": "hk_permit",
        "id_number": "H00000014",
        "born_on": "1996-05-05",
        "gender": "female",
        "relation": "spouse",
    },
    "P15": {
        "name": "SAMPLE MARIA",
        "id_type": "passport",
        "id_number": "XSAMPLE015",
        "born_on": "1990-10-10",
        "gender": "female",
        "nationality": "PHL",
        "relation": "other",
    },
    "P16": {"name": "王样岳", "id_number": "469099196107129334", "relation": "parent_in_law"},
    "P18": {"name": "林样逝", "id_number": "46909919331006937X", "relation": "grandparent"},
    "P19": {"name": "林样十九", "id_number": "469099201905219397", "relation": "child"},
    "P22": {"name": "窗口样", "id_number": "469099199204049444", "relation": "other"},
    "P23": {"name": "林样童", "id_number": "469099200912029474", "relation": "child"},
}
PSN_NO = {"P22": "46000000000000000022"}


def born(person: dict[str, Any]) -> str:
    number = person["id_number"]
    return person.get("born_on") or f"{number[6:10]}-{number[10:12]}-{number[12:14]}"


def picture(width: int = 800, height: int = 600, shade: int = 0, kind: str = "JPEG", **more: Any) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (width, height), (shade, 120, 200)).save(out, kind, **more)
    return out.getvalue()


def signature(blank: bool = False, size: tuple[int, int] = (600, 200)) -> dict[str, Any]:
    paper = Image.new("RGB", size, "white")
    if not blank:
        ImageDraw.Draw(paper).line([(50, 150), (200, 40), (350, 160), (520, 60)], "black", 5)
    out = io.BytesIO()
    paper.save(out, "PNG")
    strokes = [[[50, 150, 0], [200, 40, 120], [350, 160, 260], [520, 60, 400]]]
    return {"png_base64": base64.b64encode(out.getvalue()).decode(), "strokes": strokes}


class Household:
    """Everything around the user P01."""

    def __init__(self, app: Flask, client: FlaskClient, vendors: FakeVendors, time: Time) -> None:
        self.app, self.client, self.vendors, self.time = app, client, vendors, time
        self.registry: dict[str, Any] = {}
        self.shade = 0
        for key in PEOPLE:
            self.insure(key)
        self.registry[PEOPLE["P06"]["id_number"]] = UNINSURED
        self.registry[PEOPLE["P09"]["id_number"]] = UNKNOWN
        self.registry[PEOPLE["P18"]["id_number"]] = DEAD
        self.registry[PEOPLE["P13"]["id_number"]] = NOT_SYNCED
        self.insure("P10", area="440100")
        self.insure("P12", name="张样三")
        vendors.on("/gateway", self._answer)
        self.face(10000)

    def insure(self, key: str, area: str = "460100", name: str = "") -> None:
        person = PEOPLE[key]
        base = {
            "psn_no": PSN_NO.get(key, f"460000000000000000{key[1:]}"),
            "psn_name": name or person["name"],
            "certno": person["id_number"],
            "gend": "1",
            "brdy": born(person),
        }
        row = {"balc": "0", "insutype": "310", "psn_type": "1101", "psn_insu_stas": "1", "insuplc_admdvs": area}
        self.registry[person["id_number"]] = {
            "infcode": 0,
            "output": {"baseinfo": base, "insuinfo": [row], "idetinfo": []},
        }

    def _answer(self, request: Any) -> Any:
        number = json.loads(request.body)["input"]["data"]["certno"]
        known = self.registry.get(number, UNKNOWN)
        return gateway_refusal(known) if isinstance(known, str) else known

    def face(self, verify_ret: int) -> None:
        self.vendors.on(BEGIN, {"errcode": 0, "verify_id": "v-1"})
        self.vendors.on(RESULT, {"errcode": 0, "verify_ret": verify_ret})

    def phone(self, key: str, active: bool = True) -> "Hand":
        return Hand(self, key).ready(active)

    def run_tasks(self) -> list[dict[str, Any]]:
        with entered(self.app, "default"):
            return tasks.run_due(self.time.now)

    def pass_time(self, **how_long: float) -> None:
        """Move the clock and do what has come due, one due moment after the other."""
        until = self.time.now
        self.time.advance(**how_long)
        until = self.time.now
        while True:
            with entered(self.app, "default"):
                due = tasks.next_due()
                db.session.rollback()
            if due is None or due > until:
                break
            self.time.now = due
            self.run_tasks()
        self.time.now = until


class Hand(Phone):
    """A person's phone: what they do, in the order they do it."""

    def __init__(self, household: Household, key: str) -> None:
        super().__init__(household.client, household.vendors)
        self.home, self.key = household, key

    def again(self) -> "Hand":
        """Log in once more: tokens do not outlive a jump of the clock."""
        self.tokens = {}
        self.log_in(f"oSAMPLEOPENID00000000000000{self.key}")
        return self

    def ready(self, active: bool) -> "Hand":
        self.again()
        person = {"id_type": "id_card", **PEOPLE[self.key]}
        body = {name: person[name] for name in ("name", "id_type", "id_number")}
        assert self.call("post", "/me/real-name", body).status_code == 200
        if active:
            assert self.call("post", "/credential", {}).status_code == 200
            self.show_face(self.call("post", "/face/tickets", {"purpose": "ACTIVATE"}))
        return self

    def ask(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        response = self.call(method, path, body)
        assert response.status_code < 300, response.get_data(as_text=True)
        return response.get_json()

    def refused(self, method: str, path: str, body: Any = None) -> str:
        response = self.call(method, path, body)
        assert response.status_code >= 400, response.get_data(as_text=True)
        return response.get_json()["code"]

    def start(self) -> str:
        key = self.ask("post", "/bindings", {})["id"]
        version = self.ask("get", f"/bindings/{key}")["notice_version"]
        self.ask("post", f"/bindings/{key}/notice", {"version": version, "read_to_end": True, "agreed": True})
        return key

    def person(self, who: str, **changes: Any) -> dict[str, Any]:
        return {"id_type": "id_card", **PEOPLE[who], **changes}

    def enter(self, key: str, who: str, **changes: Any) -> dict[str, Any]:
        return self.ask("put", f"/bindings/{key}/person", self.person(who, **changes))

    def upload(self, key: str, kind: str, content: bytes | None = None) -> Any:
        self.home.shade += 17
        content = content if content is not None else picture(shade=self.home.shade % 256)
        headers = {"Authorization": f"Bearer {self.tokens['access_token']}"}
        parts = {"type": kind, "file": ("paper.jpg", content, "image/jpeg")}
        data, content_type = encode_multipart_formdata(parts)
        path = f"/api/v1/bindings/{key}/materials"
        return self.client.post(path, data=data, content_type=content_type, headers=headers)

    def papers(self, key: str) -> None:
        for group in self.ask("get", f"/bindings/{key}/material-types")["missing"]:
            assert self.upload(key, group[0]).status_code == 201

    def sign(self, key: str) -> str:
        letter = self.ask("post", f"/bindings/{key}/letter")["id"]
        self.ask("get", f"/letters/{letter}")
        self.home.time.advance(seconds=5)
        self.ask("post", f"/letters/{letter}/signature", signature())
        return letter

    def show_face(self, response: Any) -> Any:
        assert response.status_code < 300, response.get_data(as_text=True)
        return self.call("post", f"/face/tickets/{response.get_json()['id']}/result", {})

    def own_face(self, key: str) -> None:
        assert self.show_face(self.call("post", f"/bindings/{key}/face", {"subject": "self"})).status_code == 200

    def prepare(self, who: str, **changes: Any) -> str:
        key = self.start()
        self.enter(key, who, **changes)
        self.papers(key)
        self.sign(key)
        self.own_face(key)
        return key

    def submit(self, key: str) -> Any:
        return self.call("post", f"/bindings/{key}/submission")

    def bind(self, who: str, **changes: Any) -> str:
        key = self.prepare(who, **changes)
        binding = self.ask("post", f"/bindings/{key}/submission")
        if binding["state"] == "FACE_PENDING":
            self.show_face(self.call("post", f"/bindings/{key}/face", {"subject": binding["face_subject"]}))
        assert self.state(key) == "ACTIVE"
        return key

    def state(self, key: str) -> str:
        return self.ask("get", f"/bindings/{key}")["state"]


@pytest.fixture
def home(yibao: Flask, client: FlaskClient, vendors: FakeVendors, business_time: Time) -> Household:
    return Household(yibao, client, vendors, business_time)


@pytest.fixture
def lin(home: Household) -> Hand:
    """P01, ready to bind."""
    return home.phone("P01")
