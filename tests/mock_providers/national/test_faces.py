"""National face recognition: begun by a sealed call, finished on a page or headless, told by notice and query."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import select

from mock_providers.db import db
from mock_providers.national import faces, notify, wire
from mock_providers.people import world
from mock_providers.webhooks.models import Event
from tests.mock_providers.national.institution import Institution

NOTIFY = "http://127.0.0.1:8000/callbacks/national/face"


def begin(pharmacy: Institution, person: str = "P01", **change: Any) -> dict[str, Any]:
    who = world().people[person]
    data = {
        "outBizNo": "B1",
        "userName": who.name,
        "idNo": who.id_number,
        "idType": "01",
        "redirectUrl": "http://127.0.0.1:8000/done?x=1",
        "notifyUrl": NOTIFY,
        **change,
    }
    return pharmacy.call("/org/local/api/face/begin", data)


def query(pharmacy: Institution, token: str, number: str = "B1") -> dict[str, Any]:
    return pharmacy.call("/org/local/api/face/query", {"faceToken": token, "outBizNo": number})


def held_up(pharmacy: Institution, token: str, **more: str) -> Any:
    headers = {"X-Yibao-Space": pharmacy.space}
    return pharmacy.client.post("/_mock/phone/national/face", json={"faceToken": token, **more}, headers=headers)


def notices(pharmacy: Institution) -> list[Event]:
    with pharmacy.inside():
        return list(db.session.scalars(select(Event).where(Event.type == faces.EVENT)))


def test_a_check_waits_until_the_face_is_held_up_and_then_says_it_passed(pharmacy: Institution) -> None:
    begun = begin(pharmacy)
    assert begun["expiresIn"] == "300" and begun["url"].endswith(begun["faceToken"])
    assert query(pharmacy, begun["faceToken"])["faceStas"] == "0"
    done = held_up(pharmacy, begun["faceToken"]).get_json()
    assert parse_qs(urlsplit(done["redirect"]).query) == {
        "x": ["1"],
        "faceToken": [begun["faceToken"]],
        "outBizNo": ["B1"],
    }
    told = query(pharmacy, begun["faceToken"])
    assert (told["faceStas"], "failCode" in told) == ("1", False) and told["finishTime"]


def test_the_notice_is_sealed_and_says_what_the_query_says(pharmacy: Institution) -> None:
    token = begin(pharmacy)["faceToken"]
    held_up(pharmacy, token, outcome="mismatch")
    (event,) = notices(pharmacy)
    with pharmacy.inside():
        headers, body = notify.build(event, pharmacy.account, event.created_at)
    assert dict(headers)["Content-Type"].startswith("application/json")
    opened = wire.open_message(body, pharmacy.party)
    assert opened == query(pharmacy, token)
    assert (opened["faceStas"], opened["failCode"], opened["failReason"]) == ("2", "mismatch", "人脸比对不一致")


@pytest.mark.parametrize("outcome", [code for code in faces.OUTCOMES if code != "pass"])
def test_every_way_to_fail_can_be_had(pharmacy: Institution, outcome: str) -> None:
    token = begin(pharmacy)["faceToken"]
    held_up(pharmacy, token, outcome=outcome)
    assert query(pharmacy, token)["failCode"] == outcome


def test_a_check_ends_once(pharmacy: Institution) -> None:
    token = begin(pharmacy)["faceToken"]
    held_up(pharmacy, token)
    assert held_up(pharmacy, token, outcome="mismatch").get_json()["faceStas"] == "1"
    assert len(notices(pharmacy)) == 1


def test_nobody_there_is_a_timeout_after_five_minutes(pharmacy: Institution) -> None:
    token = begin(pharmacy)["faceToken"]
    pharmacy.client.post("/_mock/clock", json={"advance": "5m1s"}, headers={"X-Yibao-Space": pharmacy.space})
    assert query(pharmacy, token)["failCode"] == "timeout"
    assert len(notices(pharmacy)) == 1


def test_the_same_number_again_is_the_same_check_while_it_waits(pharmacy: Institution) -> None:
    token = begin(pharmacy)["faceToken"]
    assert begin(pharmacy)["faceToken"] == token
    assert begin(pharmacy, "P02") == {"refused": "订单已存在"}
    held_up(pharmacy, token)
    assert begin(pharmacy) == {"refused": "订单已存在"}


@pytest.mark.parametrize(
    "change, text",
    [
        ({"idNo": "469099190001010000"}, "基本信息为空"),
        ({"userName": "别人"}, "姓名"),
        ({"outBizNo": ""}, "不能为空"),
        ({"idType": ""}, "不能为空"),
        ({"outBizNo": "B" * 65}, "长度超过限制"),
        ({"notifyUrl": "ftp://127.0.0.1/"}, "格式"),
        ({"redirectUrl": "done"}, "格式"),
    ],
)
def test_a_check_of_nobody_or_to_nowhere_is_refused(pharmacy: Institution, change: dict[str, str], text: str) -> None:
    assert text in begin(pharmacy, **change)["refused"]


def test_an_unknown_check_is_refused_by_query_and_phone(pharmacy: Institution) -> None:
    assert "未查询到" in query(pharmacy, "nobody")["refused"]
    assert "未查询到" in query(pharmacy, begin(pharmacy)["faceToken"], "B2")["refused"]
    assert held_up(pharmacy, "nobody").status_code == 404


def test_the_page_shows_whose_face_and_sends_the_browser_back(pharmacy: Institution) -> None:
    token = begin(pharmacy)["faceToken"]
    page = pharmacy.client.get(f"/national/face/{token}")
    assert page.status_code == 200 and "林样一" in page.get_data(as_text=True)
    posted = pharmacy.client.post(f"/national/face/{token}", data={"outcome": "pass"})
    assert posted.status_code == 302 and posted.location.startswith("http://127.0.0.1:8000/done?x=1&faceToken=")
    assert pharmacy.client.get(f"/national/face/{token}").status_code == 404
    assert pharmacy.client.post(f"/national/face/{token}", data={"outcome": "?"}).status_code == 404


def test_the_persona_decides_unless_somebody_else_does(pharmacy: Institution) -> None:
    who = next(p for p in world().people.values() if p.face == "mismatch")
    token = begin(pharmacy, who.id)["faceToken"]
    assert held_up(pharmacy, token).get_json()["failCode"] == "mismatch"
