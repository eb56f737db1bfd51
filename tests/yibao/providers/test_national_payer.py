"""The national app's consent code becomes a payment number; its cashier has an address."""

from typing import Any

import pytest

from yibao.providers import national
from yibao.providers.http import Unreachable, VendorRefused
from yibao.spaces import entered

QUERY = "/api/mipuserquery/userQuery/SIMPARTNER01"
OWN = {"code": 0, "message": "success", "user_name": "林样一", "user_card_no": "46909919331006937x", "psn_no": "46"}


@pytest.fixture(autouse=True)
def inside(yibao: Any) -> Any:
    with entered(yibao, "default"):
        yield


def test_the_code_is_asked_for_with_the_sub_of_the_log_in(vendors: Any) -> None:
    vendors.on(QUERY, {**OWN, "pay_auth_no": "AUTH1", "family_pay_auth_no": ""})
    payer = national.authorised_payer("CODE", "sub-1")
    assert payer == national.Payer("林样一", "46909919331006937X", "AUTH1", False, "46")
    assert vendors.sent(QUERY) == [{"qrcode": "CODE", "sub": "sub-1"}]
    assert vendors.calls[0].url.startswith("http://vendors.test/national/")
    assert len(vendors.calls[0].headers["god-portal-signature"]) == 64


def test_a_relatives_number_is_the_other_field(vendors: Any) -> None:
    vendors.on(QUERY, {**OWN, "family_pay_auth_no": "AUTH2"})
    assert national.authorised_payer("CODE", "sub-1").for_relative is True


@pytest.mark.parametrize("answer", [{"code": 10006, "message": "sub"}, {"message": "no code at all"}])
def test_a_refusal_is_the_platforms(vendors: Any, answer: dict[str, Any]) -> None:
    vendors.on(QUERY, answer)
    with pytest.raises(VendorRefused):
        national.authorised_payer("CODE", "sub-1")


@pytest.mark.parametrize(
    "answer",
    [
        OWN,
        {**OWN, "pay_auth_no": "A", "family_pay_auth_no": "B"},
        (404, b"{}", {}),
        (500, b"", {}),
        (200, b"[]", {}),
        (200, b"<html>", {}),
    ],
)
def test_an_answer_that_says_nothing_is_no_answer(vendors: Any, answer: Any) -> None:
    vendors.on(QUERY, answer)
    with pytest.raises(Unreachable):
        national.authorised_payer("CODE", "sub-1")


def test_the_cashier_is_at_the_issuers(accounts: dict[str, Any]) -> None:
    accounts["national"]["oauth"] = {"issuer": "http://vendors.test/s/x/national"}
    assert national.cashier_url("ORD 1/2") == "http://vendors.test/s/x/national/cashier/ORD%201%2F2"
