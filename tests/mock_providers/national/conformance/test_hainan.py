"""nhsa.md §3.1: the older Hainan form of the payment centre, and its insured query (check 75)."""

from typing import Any

import pytest

from tests.mock_providers.national.conformance.centre import Centre
from tests.mock_providers.national.conformance.fixtures import (
    HOSPITAL,
    WORLD,
    Bureau,
    e1,
    e3,
)


@pytest.fixture
def centre(bureau: Bureau) -> Centre:
    return Centre(bureau)


# the older Hainan form


def test_n75_the_older_form_knows_upload_refund_revoke_and_the_insured_query(centre: Centre) -> None:
    number = centre.grant("P3")
    order = centre.call("/pmc/api", centre.bill(e3(), payAuthNo=number), transType="hos.upload.fee")
    order |= {"payAuthNo": number, "medOrgOrd": "M", "who": "P3"}
    split = centre.place(order)
    assert centre.pay(order, split)["ok"]
    data = centre.refunding(order, "ALL", "162.00", "138.00", "0.00", appId="37B0")
    assert centre.call("/pmc/api", data, transType="hos.refund.setl")["refStatus"] == "SUCC"
    other = centre.upload(e1())
    assert centre.call("/pmc/api", centre.named(other), transType="hos.revoke.order")["success"] is True
    assert "transType不能为空" in centre.call("/pmc/api", data, transType="hos.other")["refused"]


def insured(who: str, **change: Any) -> dict[str, Any]:
    person = WORLD.people[who]
    named = {"idNo": person.id_number, "userName": person.name, "idType": "01", "insuCode": "460100"}
    return {"appId": "37B0", "orgCodg": HOSPITAL, "medType": "11", **named, **change}


def test_n75_the_insured_query_says_who_and_under_which_scheme(centre: Centre) -> None:
    said = centre.call("/pmc/api", insured("P1"), transType="hos.query.insu")
    (row,) = said["insuList"]
    assert (row["insutype"], row["acctBalc"], row["insuStatus"]) == ("310", "500.00", "1")
    assert row["extData"]["insuplcAdmdvs"] == "460100"
    base = said["extData"]["baseinfo"]
    assert (base["psnName"], base["certno"]) == (WORLD.people["P1"].name, WORLD.people["P1"].id_number)


@pytest.mark.parametrize(
    ("who", "change", "says"),
    [
        ("P1", {"idNo": "460105190001010999"}, "该参保人的基本信息为空"),
        ("P1", {"userName": "测试乙"}, "姓名不匹配"),
        ("P1", {"insuCode": "460200"}, "参保地区划与参保信息不一致"),
        ("P8", {}, "该参保人的参保信息为空"),
        ("P1", {"ecToken": "x"}, "电子凭证授权已失效"),
        ("P1", {"idType": "77"}, "证件类型格式不正确"),
    ],
)
def test_n75_the_insured_query_refuses_in_the_platforms_words(
    centre: Centre, who: str, change: dict[str, Any], says: str
) -> None:
    assert says in centre.call("/pmc/api", insured(who, **change), transType="hos.query.insu")["refused"]
