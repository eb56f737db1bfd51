"""A settlement of the national app: the payment centre's order is the only one, and its word the only word."""

from dataclasses import replace
from typing import Any

import pytest

from tests.yibao.conftest import P01, Phone
from tests.yibao.settlement.conftest import DOWN, LOST, PAY, PHARMACY, Shop, Vendors, insurance
from yibao import spaces
from yibao.db import db
from yibao.providers import national
from yibao.providers.http import Unreachable, VendorRefused
from yibao.steps.login import models as login
from yibao.steps.login.rules import NATIONAL

ISSUER = "http://vendors.test/national"
PERSON = national.Person("46000000000088159034", **P01, insurances=(insurance(),))


class AppPhone(Phone):
    """P01 in the national app."""

    def log_in(self, openid: str = "") -> "AppPhone":
        with spaces.entered(self.client.application, "default"):
            session = login.open_session(login.national_user("sub-1", PERSON, ""), NATIONAL)
            db.session.commit()
            self.tokens = session.tokens()
        return self


@pytest.fixture
def buyer(yibao: Any, vendors: Any, accounts: dict[str, Any]) -> AppPhone:
    accounts["national"]["oauth"] = {"issuer": ISSUER}
    return AppPhone(yibao.test_client(), vendors).log_in()


@pytest.fixture
def bureau(monkeypatch: pytest.MonkeyPatch, bureau: Vendors) -> Vendors:
    """It also takes the national app's codes; whatever of WeChat is called is an error."""

    def authorised(code: str, sub: str) -> national.Payer:
        assert sub == "sub-1"
        return bureau.authorised_payer(code, "")

    monkeypatch.setattr(national, "authorised_payer", bureau.hear("national.authorised_payer", authorised))
    for name in (*PAY, "authorised_payer"):
        bureau.go_wrong[name] = [AssertionError(f"{name} was called")] * 9
    return bureau


def paid(shop: Shop, number: str, status: str = "6") -> None:
    shop.vendors.uploads[shop.row(number).pay_ord_id]["status"] = status


def asked_of_wechat(shop: Shop) -> set[str]:
    return set(shop.vendors.called) & {*PAY, "authorised_payer"}


def test_the_phone_gets_the_order_and_its_cashier(shop: Shop) -> None:
    number = shop.quoted()
    answer = shop.confirm(number).get_json()
    order = shop.row(number).pay_ord_id
    assert answer["pay"] == {"payOrdId": order, "cashier_url": f"{ISSUER}/cashier/{order}"}
    assert (answer["state"], answer["channel"]) == ("FUND_PAYING", "nhsa_app")
    row = shop.row(number)
    assert (row.out_trade_no, row.mix_trade_no, row.prepay_id, row.openid) == (None, None, None, "")
    assert asked_of_wechat(shop) == set()


def test_6302_settles_an_order_without_cash(shop: Shop) -> None:
    number = shop.confirmed()
    assert shop.tell_fund(number).status_code == 200
    settled = shop.get(number)
    assert settled["state"] == "SETTLED" and settled["pay"] is None
    assert settled["payment"]["mix_pay_status"] == "SUCCESS"
    assert shop.wait(hours=2) == []


def test_6302_settles_the_cash_of_its_cashier_too(shop: Shop) -> None:
    shop.vendors.parts = (1000, 500, 100)
    number = shop.confirmed()
    assert shop.tell_fund(number).status_code == 200
    settled = shop.get(number)
    assert settled["state"] == "SETTLED"
    assert set(settled["payment"].values()) == {"SUCCESS"}
    receipt = shop.phone.call("get", f"/settlements/{number}/receipt").get_json()
    assert receipt["payment_order"] == shop.row(number).pay_ord_id
    assert asked_of_wechat(shop) == set()


def test_an_order_the_bureau_pays_nothing_of_is_still_its_order(shop: Shop) -> None:
    shop.vendors.parts = (0, 0, 0)
    number = shop.confirmed()
    assert shop.get(number)["pay"]["payOrdId"] == shop.row(number).pay_ord_id
    assert "revoke" not in shop.vendors.called
    shop.tell_fund(number)
    assert shop.state(number) == "SETTLED"


def test_without_the_cash_it_waits_for_it_and_goes_back_when_its_time_is_over(shop: Shop) -> None:
    shop.vendors.parts = (1000, 500, 0)
    number = shop.confirmed()
    paid(shop, number, "4")
    shop.tell_fund(number, ordStas="4")
    assert shop.state(number) == "CASH_WAIT"
    shop.wait(minutes=20)
    ended = shop.get(number)
    assert (ended["state"], ended["failure"]) == ("REVERSED", "CASH_FAIL")
    ((_, kind, pooled, own, _),) = shop.vendors.insurance_refunds.values()
    assert (kind, pooled, own) == ("HI", 1000, 500)
    assert asked_of_wechat(shop) == set()


def test_cash_that_comes_a_moment_later_settles_by_the_query(shop: Shop) -> None:
    shop.vendors.parts = (1000, 500, 0)
    number = shop.confirmed()
    shop.tell_fund(number, ordStas="4")
    paid(shop, number)
    assert shop.wait(seconds=30) == ["settlement.reconcile"]
    assert shop.state(number) == "SETTLED"


@pytest.mark.parametrize("parts", [(0, None, 0), (1000, 500, 0), (0, 0, 0)])
def test_without_a_notice_6301_is_asked(shop: Shop, parts: tuple[int, int | None, int]) -> None:
    shop.vendors.parts = parts
    number = shop.confirmed()
    paid(shop, number)
    assert shop.wait(seconds=29) == [] and shop.state(number) == "FUND_PAYING"
    assert shop.wait(seconds=1) == ["settlement.reconcile"]
    assert shop.state(number) == "SETTLED"


def test_a_notice_of_other_sums_is_refused_and_looked_into(shop: Shop) -> None:
    shop.vendors.parts = (1000, 500, 0)
    number = shop.confirmed()
    for change in ({"fundPay": "10.01", "psnAcctPay": "4.99"}, {"ownPayAmt": "16.31", "psnAcctPay": "4.99"}):
        assert shop.tell_fund(number, **change).status_code == 409
    assert shop.tell_fund(number, payOrdId="ORD99").status_code == 409
    assert shop.tell_fund(number, medOrgOrd="nobody's").status_code == 404
    assert shop.state(number) == "FUND_PAYING" and len(shop.alarms()) == 4


def test_a_query_of_other_sums_is_not_believed(shop: Shop) -> None:
    shop.vendors.parts = (1000, 500, 0)
    number = shop.confirmed()
    paid(shop, number)
    shop.vendors.uploads[shop.row(number).pay_ord_id]["split"] = national.Split(3130, 1001, 499, 0, 1630)
    shop.wait(seconds=30)
    assert shop.state(number) == "FUND_PAYING" and shop.alarms() == ["query_differs"]
    shop.wait(minutes=20)  # nor is anything given back on such a word
    assert shop.state(number) == "FUND_PAYING" and shop.vendors.insurance_refunds == {}


def test_the_same_notice_again_or_after_the_end_changes_nothing(shop: Shop) -> None:
    number = shop.confirmed()
    for _ in range(3):
        assert shop.tell_fund(number).status_code == 200
    settled = shop.get(number)
    assert shop.tell_fund(number, callType="03").status_code == 200
    assert shop.get(number) == settled and shop.alarms() == []


def test_a_notice_may_overtake_the_answer_of_the_confirmation(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    number, place = shop.quoted(), national.place_payment

    def placed(*args: Any) -> Any:
        answer = place(*args)
        assert shop.tell_fund(number).status_code == 200
        return answer

    monkeypatch.setattr(national, "place_payment", placed)
    assert shop.confirm(number).get_json()["state"] == "SETTLED"


@pytest.mark.parametrize("leg", ["upload_fees", "place_payment"])
@pytest.mark.parametrize("how", [DOWN, LOST])
def test_a_leg_that_does_not_answer_is_resumed(shop: Shop, leg: str, how: str) -> None:
    shop.vendors.go_wrong[leg] = [how]
    number = shop.quoted()
    assert shop.confirm(number).get_json()["code"] == "STATE_UNKNOWN"
    shop.wait(seconds=3)
    # an upload whose number was lost with its answer is left behind, and the user decides again
    assert shop.state(number) == ("CONFIRM_WAIT" if (leg, how) == ("upload_fees", LOST) else "FUND_PAYING")


def test_an_order_that_cannot_be_asked_for_is_unknown_until_it_can(shop: Shop) -> None:
    number = shop.confirmed()
    shop.vendors.go_wrong["order_state"] = [DOWN, DOWN]
    paid(shop, number)
    shop.wait(seconds=30)
    assert shop.state(number) == "UNKNOWN"
    shop.wait(seconds=20)
    assert shop.state(number) == "SETTLED"


def test_money_that_changed_is_shown_again(shop: Shop) -> None:
    number = shop.quoted()
    shop.vendors.parts = (0, 500, 0)
    refused = shop.confirm(number).get_json()
    assert refused["code"] == "BALANCE_CHANGED" and refused["split"]["cash_fen"] == 2630
    assert shop.state(number) == "CONFIRM_WAIT" and shop.vendors.uploads["ORD1"]["status"] == "12"
    assert shop.confirm(number).status_code == 200


def test_an_order_nobody_pays_is_revoked_when_its_time_is_over(shop: Shop) -> None:
    number = shop.confirmed()
    shop.wait(minutes=16)
    ended = shop.get(number)
    assert (ended["state"], ended["failure"], ended["pay"]) == ("EXPIRED", "PAY_EXPIRED", None)
    assert shop.vendors.uploads["ORD1"]["status"] == "12" and asked_of_wechat(shop) == set()


def test_an_order_can_be_given_up(shop: Shop) -> None:
    number = shop.confirmed()
    assert shop.post(f"/settlements/{number}/cancellation").get_json()["state"] == "CANCELLED"
    assert shop.vendors.uploads["ORD1"]["status"] == "12"


def test_an_order_the_bureau_failed_is_rejected(shop: Shop) -> None:
    number = shop.confirmed()
    paid(shop, number, "15")
    shop.wait(seconds=30)
    ended = shop.get(number)
    assert (ended["state"], ended["failure"]) == ("REJECTED", "FUND_REFUSED")


@pytest.mark.parametrize("parts", [(0, None, 0), (1000, 500, 100), (0, 0, 0)])
def test_a_refund_is_one_6203_of_everything(shop: Shop, parts: tuple[int, int | None, int]) -> None:
    shop.vendors.parts = parts
    number = shop.confirmed()
    shop.tell_fund(number)
    answer = shop.post(f"/settlements/{number}/refunds", {"reason": "quality"})
    assert answer.status_code == 202, answer.get_json()
    told = answer.get_json()
    assert told["state"] == "REFUNDED" and told["refund"]["finished_at"]
    assert bool(told["refund"]["cash_back_at"]) == bool(told["split"]["cash_fen"])
    ((_, kind, pooled, _, cash),) = shop.vendors.insurance_refunds.values()
    assert (kind, pooled, cash) == ("ALL", told["split"]["pooled_fen"], told["split"]["cash_fen"])
    assert asked_of_wechat(shop) == set() and shop.vendors.reports == []


def test_a_refund_that_does_not_answer_is_tried_again_under_its_number(shop: Shop) -> None:
    number = shop.confirmed()
    shop.tell_fund(number)
    shop.vendors.go_wrong["refund"] = [LOST]
    assert shop.post(f"/settlements/{number}/refunds", {"reason": "quality"}).get_json()["code"] == "FUND_DOWN"
    shop.wait(seconds=30)
    assert shop.state(number) == "REFUNDED" and len(shop.vendors.insurance_refunds) == 1


def test_a_code_that_is_no_good_or_somebody_elses_pays_nothing(shop: Shop) -> None:
    number = shop.quoted()
    assert shop.confirm(number, "unknown").get_json()["code"] == "AUTHORISATION_INVALID"
    shop.vendors.go_wrong["national.authorised_payer"] = [DOWN]
    assert shop.confirm(number).get_json()["code"] == "VENDOR_ERROR"
    shop.vendors.payer = national.Payer("", "469099199007029049", "AUTH1", False, "")
    assert shop.confirm(number).get_json()["code"] == "AUTHORISATION_PERSON"
    shop.vendors.payer = national.Payer("", P01["id_number"], "AUTH1", True, "")
    assert shop.confirm(number).get_json()["code"] == "AUTHORISATION_PERSON"
    assert shop.state(number) == "CONFIRM_WAIT" and "upload_fees" not in shop.vendors.called


def test_who_is_not_insured_pays_at_the_counter(shop: Shop) -> None:
    shop.vendors.patient = replace(shop.vendors.patient, insurances=())
    number = shop.quoted(("X01", 1))
    assert shop.confirm(number).get_json()["code"] == "FUND_REFUSED"
    assert shop.state(number) == "CONFIRM_WAIT" and "national.authorised_payer" not in shop.vendors.called


def test_where_it_is_confirmed_it_is_paid(shop: Shop, buyer: AppPhone, vendors: Any, yibao: Any) -> None:
    number = shop.quoted()
    with spaces.entered(yibao, "default"):
        user = login.user_by_sub("sub-1")
        assert user is not None
        user.openid = "oSAMPLEOPENID0000000000000001"
        db.session.commit()
    shop.vendors.go_wrong.clear()
    shop.phone = Phone(buyer.client, vendors).log_in()
    confirmed = shop.confirm(number).get_json()
    assert (confirmed["channel"], confirmed["pay"]["mixTradeNo"]) == ("wechat", "MIX1")
    assert "cashier_url" not in confirmed["pay"]


@pytest.mark.parametrize("error", [Unreachable("slow"), VendorRefused("payment centre", "-1", "订单不存在")])
def test_a_closing_that_fails_is_tried_again(shop: Shop, error: Exception) -> None:
    number = shop.confirmed()
    shop.vendors.go_wrong["revoke"] = [error]
    shop.wait(hours=1)
    assert shop.state(number) == "EXPIRED"


def test_the_quote_says_where_it_was_made(shop: Shop) -> None:
    quoted = shop.quote().get_json()
    assert (quoted["channel"], quoted["institution"]["code"], quoted["pay"]) == ("nhsa_app", PHARMACY, None)
