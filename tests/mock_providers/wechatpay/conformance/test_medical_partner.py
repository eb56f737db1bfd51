"""Mixed orders a partner (服务商) makes for its sub-merchant: the rows marked PT of wechatpay.md §6, check 100."""

import json
from itertools import count
from typing import Any

import pytest

from tests.mock_providers.wechatpay.conformance.conftest import refused
from tests.mock_providers.wechatpay.conformance.medical import (
    CALL,
    KINDS,
    MIXED_FIELDS,
    NEVER,
    ORDERS,
    Json,
    Tap,
    internal,
    made,
    parameter,
    report,
    ruled,
    states,
)
from tests.mock_providers.wechatpay.conftest import World
from tests.mock_providers.wechatpay.merchant import NOTIFY, Merchant

NUMBERS = count(1)
BOTH, SERVICE, OWN = ("sp", "sub"), ("sp",), ("sub",)


@pytest.fixture
def openids(world: World, partner: Merchant) -> None:
    """In the partner's app somebody is sp-P01, in the sub-merchant's sub-P01."""
    held = partner.held
    apps = {held["sp_appid"]: "sp-", held["sub_appid"]: "sub-"}

    def person_of(appid: str, openid: str) -> str | None:
        begin = apps.get(appid, "?")
        return openid.removeprefix(begin) if openid.startswith(begin) else None

    world.app.extensions["person_of_openid"] = person_of


def own_number() -> str:
    return f"PARTNER{next(NUMBERS):05d}"


def asked(partner: Merchant, number: str, kind: str = "INSURANCE_ONLY", ids: Any = BOTH, **changes: Any) -> Json:
    held = partner.held
    rows = {
        "sub_mchid": held["sub_mchid"],
        "sub_appid": held["sub_appid"],
        "openid": "sp-P01" if "sp" in ids else None,
        "sub_openid": "sub-P01" if "sub" in ids else None,
    }
    return partner.mixed(number, kind, **{**rows, **changes})


def cash_order(partner: Merchant, number: str, total: int, ids: Any = BOTH) -> str:
    held = partner.held
    order = {
        "sp_appid": held["sp_appid"],
        "sp_mchid": held["sp_mchid"],
        "sub_appid": held["sub_appid"],
        "sub_mchid": held["sub_mchid"],
        "description": "样例药品",
        "out_trade_no": number,
        "notify_url": f"{NOTIFY}/pay",
        "amount": {"total": total, "currency": "CNY"},
        "payer": {f"{side}_openid": f"{side}-P01" for side in ids},
    }
    return str(made(partner.post("/v3/pay/partner/transactions/jsapi", order))["prepay_id"])


def create(partner: Merchant, kind: str = "INSURANCE_ONLY", ids: Any = BOTH, **changes: Any) -> Any:
    number = own_number()
    if kind != "INSURANCE_ONLY":
        changes.setdefault("prepay_id", cash_order(partner, number, 42000 if kind != "CASH_ONLY" else 5000, ids))
    return partner.post(ORDERS, asked(partner, number, kind, ids, **changes))


def params(partner: Merchant, mixed: Json, appid: str) -> Json:
    given = {"mixTradeNo": mixed["mix_trade_no"]}
    if "prepay_id" in mixed:
        signed = partner.pay_params(mixed["prepay_id"], appId=appid)
        given |= {k: v for k, v in signed.items() if k != "appId"}
    return given


pytestmark = pytest.mark.usefixtures("openids")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("ids", [BOTH, SERVICE, OWN])
def test_a_partners_order_shows_its_own_rows_too(partner: Merchant, kind: str, ids: Any) -> None:
    answer = create(partner, kind, ids)
    told = made(answer)
    partner.verifies(answer)
    expected = asked(partner, told["out_trade_no"], kind, ids)
    assert all(told[name] == value for name, value in expected.items() if name != "payer")
    assert not (NEVER | {"sp_mchid"}) & told.keys()
    assert {"sub_mchid", "sub_appid"} <= told.keys()
    for path in (f"out-trade-no/{told['out_trade_no']}", f"mix-trade-no/{told['mix_trade_no']}"):
        assert partner.get(f"{ORDERS}/{path}?sub_mchid={told['sub_mchid']}").json == told


@pytest.mark.parametrize("field", ["sub_mchid", "sub_appid", "sub_openid"])
def test_the_partners_rows_have_their_lengths(partner: Merchant, field: str) -> None:
    most = 128 if field == "sub_openid" else 32
    told = parameter(create(partner, **{field: "x" * (most + 1)}))
    assert f"大于最大值 {most}" in told["message"]


def test_a_partner_must_name_its_sub_merchant(partner: Merchant) -> None:
    told = parameter(create(partner, sub_mchid=None))
    assert "/body/sub_mchid”" in told["message"] and "必填性" in told["message"]


def test_a_sub_merchant_of_nobody_or_of_somebody_else(merchant: Merchant, partner: Merchant) -> None:
    refused(create(partner, sub_mchid="1999999999"), 400, "MCH_NOT_EXISTS")
    refused(create(partner, sub_mchid=merchant.held["mchid"]), 403, "NO_AUTH")


@pytest.mark.parametrize(("ids", "changes"), [((), {}), (OWN, {"sub_appid": None})])
def test_somebody_must_be_named_in_an_app_that_is_named(partner: Merchant, ids: Any, changes: Json) -> None:
    parameter(create(partner, ids=ids, **changes))


@pytest.mark.parametrize(
    ("changes", "number"),
    [
        ({"openid": "sub-P01"}, 268510603),
        ({"sub_openid": "sp-P01"}, 268510604),
        ({"sub_openid": "sub-P02"}, 268510604),
    ],
)
def test_each_openid_belongs_to_its_own_app_and_both_to_one_person(
    partner: Merchant, changes: Json, number: int
) -> None:
    parameter(create(partner, **changes), "请确认AppID与OpenID是否正确，两者是否匹配", number)


@pytest.mark.parametrize("field", ["appid", "sub_appid"])
def test_each_app_is_the_one_that_is_bound(partner: Merchant, field: str) -> None:
    refused(create(partner, **{field: "wx0000000000000000"}), 400, "APPID_MCHID_NOT_MATCH")


@pytest.mark.parametrize(
    ("said", "number"), [(("林样一", "469099199007029049"), 268545961), (("陈样二", "469099198803159034"), 268545962)]
)
def test_the_payer_is_checked_for_partners_too(partner: Merchant, said: tuple[str, str], number: int) -> None:
    assert internal(create(partner, ids=OWN, payer=partner.someone(*said))) == number


@pytest.mark.parametrize(("cash", "mixed", "same"), [(BOTH, SERVICE, True), (BOTH, OWN, True), (SERVICE, OWN, False)])
def test_the_cash_order_is_for_the_same_user_in_one_of_the_apps(
    partner: Merchant, cash: Any, mixed: Any, same: bool
) -> None:
    number = own_number()
    prepay_id = cash_order(partner, number, 42000, cash)
    answer = partner.post(ORDERS, asked(partner, number, "CASH_AND_INSURANCE", mixed, prepay_id=prepay_id))
    if same:
        made(answer)
    else:
        ruled(answer, *MIXED_FIELDS)


def test_a_cash_order_of_the_other_merchant_is_no_cash_order_of_the_partner(
    world: World, merchant: Merchant, partner: Merchant
) -> None:
    number = own_number()
    world.app.extensions["person_of_openid"] = lambda appid, openid: "P01"
    prepay_id = merchant.create(number, total=42000)
    answer = partner.post(ORDERS, asked(partner, number, "CASH_AND_INSURANCE", prepay_id=prepay_id))
    ruled(answer, *MIXED_FIELDS)


def test_numbers_are_the_sub_merchants_own(world: World, merchant: Merchant, partner: Merchant) -> None:
    told = made(create(partner))
    number = told["out_trade_no"]
    refused(partner.post(ORDERS, asked(partner, number)), 400, "ALREADY_EXISTS", "订单已存在")
    for path in (f"out-trade-no/{number}", f"mix-trade-no/{told['mix_trade_no']}"):
        refused(merchant.get(f"{ORDERS}/{path}"), 404, "ORDER_NOT_EXIST")
    world.app.extensions["person_of_openid"] = lambda appid, openid: "P01"
    assert made(merchant.create_mixed(number, "INSURANCE_ONLY"))["mix_trade_no"] != told["mix_trade_no"]


@pytest.mark.parametrize("path", ["out-trade-no/X", "mix-trade-no/1"])
def test_p100_a_partners_query_names_the_sub_merchant(merchant: Merchant, partner: Merchant, path: str) -> None:
    told = parameter(partner.get(f"{ORDERS}/{path}"))
    assert "/query/sub_mchid”" in told["message"] and told["detail"]["location"] == "query"
    refused(partner.get(f"{ORDERS}/{path}?sub_mchid=1999999999"), 400, "MCH_NOT_EXISTS")
    unknown = partner.get(f"{ORDERS}/{path}?sub_mchid={partner.held['sub_mchid']}")
    refused(unknown, 404, "ORDER_NOT_EXIST", "未找到订单，请确认订单号是否正确")
    refused(merchant.get(f"{ORDERS}/{path}?sub_mchid=1"), 404, "ORDER_NOT_EXIST")


@pytest.mark.parametrize("ids", [SERVICE, OWN])
def test_a_partners_order_is_paid_told_and_given_back(
    world: World, merchant: Merchant, partner: Merchant, tap: Tap, ids: Any
) -> None:
    mixed = made(create(partner, "CASH_AND_INSURANCE", ids))
    appid = partner.held["sub_appid" if ids == OWN else "sp_appid"]
    given = params(partner, mixed, appid)
    assert "签名失败" in tap("medical-pay", given | {"paySign": merchant.sign(b"x")})
    assert tap("medical-pay", given) == f"{CALL}:ok"
    query = f"?sub_mchid={partner.held['sub_mchid']}"
    told = partner.get(f"{ORDERS}/mix-trade-no/{mixed['mix_trade_no']}{query}").json
    assert states(told) == ("SUCCESS", "SELF_PAY_SUCCESS", "MED_INS_PAY_SUCCESS")
    [event] = [event for event, _ in world.events() if event.type == "MEDICAL_INSURANCE.SUCCESS"]
    headers, body = world.built(event)
    assert partner.verify(headers, body) == partner.serial
    assert json.loads(partner.open(json.loads(body)["resource"])) == told
    answer = report(partner, mixed["mix_trade_no"], sub_mchid=partner.held["sub_mchid"])
    assert (answer.status_code, answer.data) == (204, b"")
    partner.verifies(answer)
    told = partner.get(f"{ORDERS}/mix-trade-no/{mixed['mix_trade_no']}{query}").json
    assert states(told) == ("SUCCESS", "SELF_PAY_SUCCESS", "MED_INS_PAY_REFUND")


def test_a_partners_report_names_the_sub_merchant(merchant: Merchant, partner: Merchant, tap: Tap) -> None:
    mixed = made(create(partner))
    tap("medical-pay", {"mixTradeNo": mixed["mix_trade_no"]})
    less = {"med_refund_total_fee": 4500, "med_refund_gov_fee": 3000}
    amounts = {**less, "med_refund_self_fee": 1500, "med_refund_other_fee": 0}
    told = parameter(report(partner, mixed["mix_trade_no"], **amounts))
    assert "/body/sub_mchid”" in told["message"]
    refused(report(partner, mixed["mix_trade_no"], sub_mchid="1999999999", **amounts), 400, "MCH_NOT_EXISTS")
    refused(report(merchant, mixed["mix_trade_no"], **amounts), 404, "ORDER_NOT_EXIST")
    assert report(partner, mixed["mix_trade_no"], sub_mchid=partner.held["sub_mchid"], **amounts).status_code == 204


def test_ends_of_a_partners_order_can_be_planned(world: World, partner: Merchant, tap: Tap) -> None:
    world.plan("med_ins", "bureau_refused", person="P01")
    assert internal(create(partner, ids=OWN)) == 268510610
    world.plan("medical_pay", "insurance_failed", person="P01")
    mixed = made(create(partner))
    assert tap("medical-pay", {"mixTradeNo": mixed["mix_trade_no"]}) == f"{CALL}:fail"
