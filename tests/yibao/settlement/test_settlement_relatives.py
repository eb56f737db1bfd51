"""Paying for a bound relative, by binding or by the code on the screen."""

from datetime import date

import pytest

from tests.yibao.settlement.test_settlement_flow import refused
from yibao import clock
from yibao.db import db
from yibao.providers import wechat
from yibao.spaces import entered
from yibao.steps.credential import models as credentials
from yibao.steps.family import models as family
from yibao.steps.login.models import User

CHILD = {"name": "林样小", "id_type": "id_card", "id_number": "469099201703159034"}


def bind(shop, state="ACTIVE", **more):
    with entered(shop.app, "default"):
        user = db.session.query(User).one()
        row = family.Binding(
            key="b" * 16, user_id=user.id, state=state, notice_version="1", created_at=clock.now(), relation="child",
            born_on=date(2017, 3, 15), usable_from=clock.now(), psn_no="46000000000000000099", **CHILD, **more
        )  # fmt: skip
        db.session.add(row)
        db.session.commit()
        return row.key


def code_for(shop, binding_id=None, openid=None):
    with entered(shop.app, "default"):
        user = db.session.query(User).one()
        shown = credentials.issue_code(user.id + (1 if openid else 0), user.person, clock.now(), binding_id)
        db.session.commit()
        return shown.code


@pytest.fixture
def child(shop):
    shop.vendors.payer = wechat.Payer(CHILD["name"], CHILD["id_number"], "FAMILY1", True, "")
    return bind(shop)


def test_a_bound_relative_is_the_patient_and_the_user_the_payer(shop, child):
    number = shop.confirmed(patient_binding_id=child)
    (order,) = shop.vendors.mixed.values()
    assert order["payer"][2] == "469099198803159034" and order["relative"] == tuple(CHILD.values())
    assert order["pay_auth_no"] == "FAMILY1"
    shop.pay_everything(number)
    shop.tell_all(number)
    paper = shop.phone.call("get", f"/settlements/{number}/receipt").get_json()
    assert (paper["patient"]["name"], paper["payer"]["name"]) == ("林*小", "林*一")


def test_a_relative_is_authorised_as_a_relative(shop, child):
    number = shop.quoted(patient_binding_id=child)
    shop.vendors.payer = wechat.Payer("", CHILD["id_number"], "AUTH1", False, "")
    refused(shop.confirm(number), "AUTHORISATION_PERSON")


@pytest.mark.parametrize("state", ["DRAFT", "FACE_PENDING", "UNBOUND", "REJECTED"])
def test_only_an_active_binding_pays(shop, state):
    refused(shop.quote(patient_binding_id=bind(shop, state)), "PAY_NOT_BOUND")


def test_an_open_order_keeps_the_binding(shop, child):
    number = shop.quoted(patient_binding_id=child)
    refused(shop.phone.call("delete", f"/bindings/{child}"), "UNBIND_PENDING_ORDER")
    shop.post(f"/settlements/{number}/cancellation")
    assert shop.phone.call("delete", f"/bindings/{child}").status_code < 300


def test_the_code_on_the_screen_says_who_the_patient_is(shop, child):
    number = shop.quoted(credential_code=code_for(shop, child))
    assert shop.get(number)["binding_id"] == child
    assert shop.get(shop.quoted(credential_code=code_for(shop)))["binding_id"] is None


def test_codes_that_do_not_serve(shop, child):
    old = code_for(shop)
    shop.wait(seconds=60)
    refused(shop.quote(credential_code=old), "CODE_EXPIRED")
    refused(shop.quote(credential_code=code_for(shop, openid="another phone")), "CODE_EXPIRED")
    refused(shop.quote(credential_code=code_for(shop), patient_binding_id=child), "FIELD_INVALID")


def test_a_refund_needs_no_binding_any_more(shop, child):
    number = shop.confirmed(patient_binding_id=child)
    shop.pay_everything(number)
    shop.tell_all(number)
    with entered(shop.app, "default"):
        family.by_key(child).state = "UNBOUND"
        db.session.commit()
    answer = shop.post(f"/settlements/{number}/refunds", {"reason": "quality"})
    assert answer.status_code == 202 and answer.get_json()["state"] == "REFUNDED"
