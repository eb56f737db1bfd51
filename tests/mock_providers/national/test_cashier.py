"""The national app's cashier, and how somebody without an openid gets there: consent, `sub`, order, payment, 6302."""

import json
from typing import Any

import pytest
from sqlalchemy import select

from mock_providers.db import db
from mock_providers.national import oidc_tokens
from mock_providers.people import world
from mock_providers.webhooks.models import Event
from tests.mock_providers.national.institution import PHARMACY, Institution
from tests.mock_providers.national.test_authorisation import signature

HOME = "http://127.0.0.1:8000/callbacks/national/login"
PAGE = f"http://127.0.0.1:8000/national/oauth/code?redirectUrl={HOME}&bizType=04107&orgCodg={PHARMACY}"


def consent(pharmacy: Institution, person: str, for_person: str | None = None) -> str:
    said = {"person": person, "url": PAGE, **({"for_person": for_person} if for_person else {})}
    told = pharmacy.client.post("/_mock/phone/national/authorise", json=said)
    return told.get_json()["redirect"].partition("authCode=")[2].partition("&")[0]


def subject(pharmacy: Institution, person: str) -> str:
    with pharmacy.inside():
        found = oidc_tokens.subject(world().people[person])
        db.session.commit()
        return found


def ask(pharmacy: Institution, **asked: Any) -> dict[str, Any]:
    """The user query at the platform's own address."""
    mip, stamp = pharmacy.account["mip"], "1735787045000"
    headers = {
        "god-portal-timestamp": stamp,
        "god-portal-request-id": "0" * 32,
        "god-portal-signature": signature(mip["partner_secret"], mip["partner_id"], stamp),
    }
    url = f"/national/api/mipuserquery/userQuery/{mip['partner_id']}"
    answer = pharmacy.client.post(url, data=json.dumps(asked), headers=headers, content_type="application/json")
    assert answer.status_code == 200
    return answer.get_json()


def placed(pharmacy: Institution, person: str, items: dict[str, int], payer: str = "") -> dict[str, Any]:
    """An order of the national app after 6202."""
    payer = payer or person
    code = consent(pharmacy, payer, person if payer != person else None)
    answer = ask(pharmacy, qrcode=code, sub=subject(pharmacy, payer))
    assert answer["code"] == 0, answer
    number = answer["pay_auth_no"] or answer["family_pay_auth_no"]
    order = pharmacy.upload(person, items, payAuthNo=number)
    return {**order, "split": pharmacy.place(order)}


def pay(pharmacy: Institution, order: dict[str, Any], **more: str) -> dict[str, Any]:
    return pharmacy.client.post("/_mock/phone/national/pay", json={"payOrdId": order["payOrdId"], **more}).get_json()


def notices(pharmacy: Institution) -> list[Event]:
    with pharmacy.inside():
        return list(db.session.scalars(select(Event).where(Event.type == "6302")))


def test_a_code_is_exchanged_by_the_sub_of_the_log_in(pharmacy: Institution) -> None:
    answer = ask(pharmacy, qrcode=consent(pharmacy, "P01"), sub=subject(pharmacy, "P01"))
    assert (answer["code"], answer["user_name"], answer["family_pay_auth_no"]) == (0, "林样一", "")
    answer = ask(pharmacy, qrcode=consent(pharmacy, "P01", "P04"), sub=subject(pharmacy, "P01"))
    assert (answer["user_name"], answer["pay_auth_no"]) == ("林样四", "") and answer["family_pay_auth_no"]


def test_a_sub_is_held_to_the_code_and_stands_in_place_of_the_openid(pharmacy: Institution) -> None:
    code, sub = consent(pharmacy, "P01"), subject(pharmacy, "P01")
    assert ask(pharmacy, qrcode=code, sub=subject(pharmacy, "P02"))["message"] == "sub与授权用户不一致"
    for asked in ({}, {"sub": ""}, {"sub": 7}, {"sub": sub, "openid": "o1"}):
        assert ask(pharmacy, qrcode=code, **asked)["code"] == 10003
    assert ask(pharmacy, qrcode=code, sub=sub)["code"] == 0
    assert ask(pharmacy, qrcode=code, sub=sub)["code"] == 10005


def test_the_switch_leaves_the_openid_only(pharmacy: Institution) -> None:
    pharmacy.switch("national.user_query_identity", "openid")
    assert ask(pharmacy, qrcode=consent(pharmacy, "P01"), sub=subject(pharmacy, "P01"))["code"] == 10003


def test_the_cashier_pays_every_part_and_6302_tells_of_it(pharmacy: Institution) -> None:
    order, before = placed(pharmacy, "P01", {"D05": 1}), pharmacy.balance("P01")
    assert pay(pharmacy, order) == {"payOrdId": order["payOrdId"], "ordStas": "6", "paid": True, "reason": ""}
    assert pharmacy.balance("P01") == before - 1850
    (event,) = notices(pharmacy)
    assert (event.plain["ordStas"], event.plain["setlType"]) == ("6", "HI")


def test_cash_is_paid_there_too(pharmacy: Institution) -> None:
    pharmacy.set("P01", balance_fen=1000)
    order = placed(pharmacy, "P01", {"D05": 1})
    assert order["split"]["ownPayAmt"] == "8.50"
    assert pay(pharmacy, order)["ordStas"] == "6"
    (event,) = notices(pharmacy)
    assert (event.plain["setlType"], event.plain["ownpayAmt"]) == ("ALL", "8.50")
    assert pharmacy.refund(order, order["split"])["refStatus"] == "SUCC"
    assert pharmacy.query(order)["ordStas"] == "7" and pharmacy.balance("P01") == 1000


def test_for_a_relative_the_payer_agrees(pharmacy: Institution) -> None:
    order = placed(pharmacy, "P04", {"X01": 1}, payer="P01")
    assert pay(pharmacy, order)["paid"] is True


@pytest.mark.parametrize(
    ("outcome", "stas", "notified"), [("insurance_failed", "15", 0), ("cash_failed", "4", 1), ("abandoned", "1", 0)]
)
def test_every_other_end(pharmacy: Institution, outcome: str, stas: str, notified: int) -> None:
    pharmacy.set("P01", balance_fen=1000)
    order = placed(pharmacy, "P01", {"D05": 1})
    told = pay(pharmacy, order, outcome=outcome)
    assert (told["ordStas"], told["paid"]) == (stas, False) and told["reason"]
    assert len(notices(pharmacy)) == notified
    assert pharmacy.balance("P01") == (0 if outcome == "cash_failed" else 1000)


def test_an_end_that_was_asked_for_beforehand_is_used_up(pharmacy: Institution) -> None:
    pharmacy.plan("national.cashier", "cash_failed")
    pharmacy.plan("national.cashier", "abandoned", person="P01")
    order = placed(pharmacy, "P01", {"D05": 1})
    assert pay(pharmacy, order)["ordStas"] == "1"  # no cash in it: cash_failed stays planned
    assert pay(pharmacy, order)["ordStas"] == "6"


def test_nothing_fails_that_there_is_not(pharmacy: Institution) -> None:
    order = placed(pharmacy, "P01", {"D05": 1})
    body = {"payOrdId": order["payOrdId"], "outcome": "cash_failed"}
    refused = pharmacy.client.post("/_mock/phone/national/pay", json=body)
    assert refused.get_json()["code"] == "OUTCOME_UNKNOWN"


def test_the_switch_for_cash(pharmacy: Institution) -> None:
    pharmacy.switch("national.cashier_cash", "refused")
    order = placed(pharmacy, "P01", {"D05": 1})
    assert pay(pharmacy, order)["paid"] is True
    pharmacy.set("P01", balance_fen=1000)
    order = placed(pharmacy, "P01", {"D05": 1})
    assert "现金" in pay(pharmacy, order)["reason"]
    assert pharmacy.query(order)["ordStas"] == "1"


def test_an_order_before_6202_or_after_its_end_cannot_be_paid(pharmacy: Institution) -> None:
    code = consent(pharmacy, "P01")
    number = ask(pharmacy, qrcode=code, sub=subject(pharmacy, "P01"))["pay_auth_no"]
    order = pharmacy.upload("P01", {"D05": 1}, payAuthNo=number)
    assert pay(pharmacy, order)["paid"] is False
    pharmacy.place(order)
    pharmacy.revoke(order)
    assert pay(pharmacy, order)["ordStas"] == "12"
    paid = placed(pharmacy, "P01", {"D05": 1})
    assert pay(pharmacy, paid)["paid"] is True
    again = pay(pharmacy, paid)
    assert (again["paid"], again["ordStas"], len(notices(pharmacy))) == (False, "6", 1)


def test_an_order_of_wechats_stays_in_wechat(pharmacy: Institution) -> None:
    order = pharmacy.upload("P01", {"D05": 1})
    pharmacy.place(order)
    assert pay(pharmacy, order)["reason"] == "该订单须在原渠道支付"
    assert pharmacy.client.get(f"/national/cashier/{order['payOrdId']}").status_code == 404


def test_the_page_shows_the_parts_and_pays_once(pharmacy: Institution) -> None:
    order = placed(pharmacy, "P01", {"D05": 1})
    url = f"/national/cashier/{order['payOrdId']}"
    shown = pharmacy.client.get(url)
    assert shown.status_code == 200 and "¥18.50" in shown.text and "样例 SAMPLE" in shown.text
    assert "cash_failed" not in shown.text
    assert pharmacy.client.post(url, data={"outcome": "cash_failed"}).status_code == 400
    assert "支付成功" in pharmacy.client.post(url, data={"outcome": "paid"}).text
    assert pharmacy.client.post(url, data={"outcome": "paid"}).status_code == 400
    assert pharmacy.client.get("/national/cashier/nobody's").status_code == 404


def test_the_bureau_may_say_no_at_the_last_moment(pharmacy: Institution) -> None:
    order = placed(pharmacy, "P01", {"D05": 1})
    pharmacy.set("P01", balance_fen=0)
    told = pay(pharmacy, order)
    assert (told["paid"], told["ordStas"]) == (False, "15") and told["reason"]
