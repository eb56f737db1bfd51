"""Bills: checks B.6 of the protocol sheet, and the columns, words and refusals of its §7."""

import gzip
import hashlib
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest
from flask.testing import FlaskClient

from tests.mock_providers.wechatpay.conformance import bill
from tests.mock_providers.wechatpay.conformance.conftest import refused
from tests.mock_providers.wechatpay.conftest import World
from tests.mock_providers.wechatpay.merchant import Merchant

Tap = Callable[..., str]
TRADE = (
    "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,"
    "应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,"
    "手续费,费率,订单金额,申请退款金额,费率备注"
)
TRADE_SUMMARY = "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额"
FLOW = (
    "记账时间,微信支付业务单号,资金流水单号,业务名称,业务类型,收支类型,收支金额(元),账户结余(元),资金变更提交申请人,"
    "备注,业务凭证号"
)
FLOW_SUMMARY = "资金流水总笔数,收入笔数,收入金额,支出笔数,支出金额"
NOT_THERE = "请求的账单文件不存在"


@pytest.fixture
def day(world: World, merchant: Merchant, tap: Tap) -> None:
    """A day with two payments and a refund, and the morning after."""
    tap("pay", merchant.pay_params(merchant.create("BILL-00001", attach="附加,数据")))
    tap("pay", merchant.pay_params(merchant.create("BILL-00002", total=10000)))
    merchant.create("BILL-UNPAID")
    assert merchant.refund("BILL-00001", "BR1", 1000).status_code == 200
    world.advance(seconds=3)
    world.advance(days=1)


def test_p117_a_day_with_payments_has_a_trade_bill(merchant: Merchant, day: None) -> None:
    answer = bill.offer(merchant, "tradebill", bill.yesterday(merchant), bill_type="ALL")
    assert answer.status_code == 200
    merchant.verifies(answer)
    assert answer.json.keys() == {"hash_type", "hash_value", "download_url"}
    assert answer.json["hash_type"] == "SHA1"
    assert len(answer.json["hash_value"]) == 40


@pytest.mark.parametrize("packed", [False, True])
def test_p118_the_file_fits_its_hash_and_is_not_signed(merchant: Merchant, day: None, packed: bool) -> None:
    more = {"tar_type": "GZIP"} if packed else {}
    offered = bill.offer(merchant, "tradebill", bill.yesterday(merchant), **more).json
    assert offered["download_url"].endswith("&tartype=gzip") == packed
    answer = merchant.get(bill.path_of(merchant, offered))
    assert answer.status_code == 200
    assert not [name for name, _ in answer.headers if name.startswith("Wechatpay-")]
    assert not answer.content_type.startswith("application/json")
    content = gzip.decompress(answer.data) if packed else answer.data
    assert hashlib.sha1(content).hexdigest() == offered["hash_value"]


def test_p119_a_download_is_signed_by_the_merchant_path_and_query(merchant: Merchant, day: None) -> None:
    path = bill.path_of(merchant, bill.offer(merchant, "tradebill", bill.yesterday(merchant)).json)
    refused(merchant.get(path, authorized=False), 401, "SIGN_ERROR")
    refused(merchant.get(path, signed_target="/v3/billdownload/file"), 401, "SIGN_ERROR")


def test_p120_another_merchants_file_is_not_given(
    world: World, client: FlaskClient, merchant: Merchant, partner: Merchant, day: None
) -> None:
    path = bill.path_of(merchant, bill.offer(merchant, "tradebill", bill.yesterday(merchant)).json)
    refused(partner.get(path), 403, "NO_AUTH")
    client.post("/_mock/spaces", json={"name": "elsewhere"})
    refused(Merchant(client, world.credentials("elsewhere")).get(path), 403, "NO_AUTH")
    assert merchant.get(path).status_code == 200


def test_p121_the_address_lives_five_minutes(world: World, merchant: Merchant, day: None) -> None:
    path = bill.path_of(merchant, bill.offer(merchant, "tradebill", bill.yesterday(merchant)).json)
    world.advance(minutes=4, seconds=55)
    assert merchant.get(path).status_code == 200
    world.advance(seconds=10)
    refused(merchant.get(path), 400, "INVALID_REQUEST")


@pytest.mark.parametrize("token", ["abc", "x" * 60, "MTkwMDAwMDAwMS4", "%E5%AD%97"])
def test_a_token_nobody_gave(merchant: Merchant, token: str) -> None:
    refused(merchant.get(f"/v3/billdownload/file?token={token}"), 400, "INVALID_REQUEST")


def test_a_download_without_a_token(merchant: Merchant) -> None:
    refused(merchant.get("/v3/billdownload/file"), 400, "PARAM_ERROR")


@pytest.mark.parametrize("name", ["tradebill", "fundflowbill"])
def test_p122_no_bill_of_today_the_future_long_ago_or_a_day_on_which_nothing_happened(
    merchant: Merchant, day: None, name: str
) -> None:
    today = bill.today(merchant)
    refused(bill.offer(merchant, name, today), 400, "INVALID_REQUEST")
    refused(bill.offer(merchant, name, today + timedelta(days=1)), 400, "INVALID_REQUEST")
    refused(bill.offer(merchant, name, today - timedelta(days=93)), 400, "INVALID_REQUEST", "请求的账单日期已过期")
    refused(bill.offer(merchant, name, today - timedelta(days=2)), 400, "NO_STATEMENT_EXIST", NOT_THERE)
    refused(bill.offer(merchant, name, today - timedelta(days=89)), 400, "NO_STATEMENT_EXIST", NOT_THERE)


def test_p123_what_moved_on_the_account_adds_up(merchant: Merchant, day: None) -> None:
    found = bill.fetched(merchant, "fundflowbill", account_type="BASIC", tar_type="GZIP")
    assert ",".join(found.headings) == FLOW
    assert ",".join(found.summary) == FLOW_SUMMARY
    income = [row for row in found.rows if row["收支类型"] == "收入"]
    expense = [row for row in found.rows if row["收支类型"] == "支出"]
    assert [row["业务类型"] for row in income] == ["交易", "交易"]
    assert sorted(row["业务类型"] for row in expense) == ["扣除交易手续费", "扣除交易手续费", "退款"]
    amounts = [sum(Decimal(row["收支金额(元)"]) for row in rows) for rows in (income, expense)]
    assert list(found.summary.values()) == ["5", "2", str(amounts[0]), "3", str(amounts[1])]
    left = Decimal("10000.00")
    for row in found.rows:
        left += Decimal(row["收支金额(元)"]) * (1 if row["收支类型"] == "收入" else -1)
        assert row["账户结余(元)"] == f"{left:.2f}"
    assert len({row["资金流水单号"] for row in found.rows}) == 5


def test_a_refund_stands_in_the_fund_flow_as_the_vendor_writes_it(merchant: Merchant, day: None) -> None:
    [back] = [row for row in bill.fetched(merchant, "fundflowbill").rows if row["业务名称"] == "退款"]
    refund = merchant.get("/v3/refund/domestic/refunds/BR1").json
    assert (back["微信支付业务单号"], back["业务凭证号"]) == (refund["refund_id"], "BR1")
    assert back["资金变更提交申请人"] == f"{merchant.held['mchid']}API"
    assert back["备注"] == "退款总金额10.00元;含手续费0.05元"
    assert back["收支金额(元)"] == "9.95"


@pytest.mark.parametrize("account", ["OPERATION", "FEES"])
def test_nothing_moves_on_the_other_accounts(merchant: Merchant, day: None, account: str) -> None:
    answer = bill.offer(merchant, "fundflowbill", bill.yesterday(merchant), account_type=account)
    refused(answer, 400, "NO_STATEMENT_EXIST", NOT_THERE)


def test_a_trade_bill_has_its_27_columns_and_the_days_figures(merchant: Merchant, day: None) -> None:
    found = bill.fetched(merchant)
    assert ",".join(found.headings) == TRADE
    assert ",".join(found.summary) == TRADE_SUMMARY
    assert [row["商户订单号"] for row in found.rows].count("BILL-00001") == 2
    assert "BILL-UNPAID" not in {row["商户订单号"] for row in found.rows}
    refund = next(row for row in found.rows if row["交易状态"] == "REFUND")
    first = next(row for row in found.rows if row["商户订单号"] == "BILL-00001" and row != refund)
    order = merchant.query("BILL-00001")
    common = {
        "公众账号ID": merchant.held["appid"],
        "商户号": merchant.held["mchid"],
        "特约商户号": "0",
        "设备号": "",
        "微信订单号": order["transaction_id"],
        "商户订单号": "BILL-00001",
        "用户标识": "openid-P01",
        "交易类型": "JSAPI",
        "付款银行": "OTHERS",
        "货币种类": "CNY",
        "商品名称": "样例药品",
        "商户数据包": "附加 数据",
        "费率": "0.60%",
        "费率备注": "",
    }
    paid = {
        "交易状态": "SUCCESS",
        "应结订单金额": "42.00",
        "代金券金额": "0.00",
        "微信退款单号": "0",
        "商户退款单号": "0",
        "退款金额": "0.00",
        "充值券退款金额": "0.00",
        "退款类型": "",
        "退款状态": "",
        "手续费": "0.25",
        "订单金额": "42.00",
        "申请退款金额": "0.00",
    }
    assert first == {**common, **paid, "交易时间": order["success_time"][:19].replace("T", " ")}
    back = {
        "交易状态": "REFUND",
        "应结订单金额": "0.00",
        "商户退款单号": "BR1",
        "退款金额": "10.00",
        "退款类型": "ORIGINAL",
        "退款状态": "SUCCESS",
        "手续费": "-0.05",
        "订单金额": "0.00",
        "申请退款金额": "10.00",
    }
    told = merchant.get("/v3/refund/domestic/refunds/BR1").json
    at = told["create_time"][:19].replace("T", " ")
    assert refund == {**common, **paid, **back, "微信退款单号": told["refund_id"], "交易时间": at}
    assert list(found.summary.values()) == ["3", "142.00", "10.00", "0.00", "0.80", "142.00", "10.00"]


def test_each_kind_of_trade_bill_has_its_own_lines(world: World, merchant: Merchant, day: None) -> None:
    def lines(kind: str) -> list[str]:
        return [row["交易状态"] for row in bill.fetched(merchant, bill_type=kind).rows]

    assert sorted(lines("ALL")) == sorted(lines("ALL_SPECIAL")) == ["REFUND", "SUCCESS", "SUCCESS"]
    assert lines("SUCCESS") == lines("SUC_SPECIAL") == ["SUCCESS", "SUCCESS"]
    assert lines("REFUND") == lines("REF_SPECIAL") == ["REFUND"]
    answer = bill.offer(merchant, "tradebill", bill.yesterday(merchant), bill_type="RECHARGE_REFUND")
    refused(answer, 400, "NO_STATEMENT_EXIST")


def test_a_refund_from_the_available_balance_stands_in_a_bill_of_its_own(
    world: World, merchant: Merchant, day: None
) -> None:
    merchant.refund("BILL-00002", "BR2", 500, 10000, funds_account="AVAILABLE")
    world.advance(days=1)
    assert [row["商户退款单号"] for row in bill.fetched(merchant, bill_type="RECHARGE_REFUND").rows] == ["BR2"]
    answer = bill.offer(merchant, "tradebill", bill.yesterday(merchant), bill_type="ALL")
    refused(answer, 400, "NO_STATEMENT_EXIST")


def test_a_bill_shows_a_refund_as_it_stood_at_midnight(world: World, merchant: Merchant, tap: Tap) -> None:
    world.switch("refund_seconds", str(3 * 24 * 3600))
    tap("pay", merchant.pay_params(merchant.create("BILL-00003")))
    merchant.refund("BILL-00003", "BR3", 1000)
    world.advance(days=4)
    assert merchant.get("/v3/refund/domestic/refunds/BR3").json["status"] == "SUCCESS"
    found = bill.fetched(merchant, day=bill.today(merchant) - timedelta(days=4), bill_type="REFUND")
    assert [row["退款状态"] for row in found.rows] == ["PROCESSING"]


@pytest.mark.parametrize(("outcome", "shown"), [("closed", "CLOSED"), ("abnormal", "ABNORMAL")])
def test_a_refund_that_came_to_nothing_says_so_and_its_money_stays(
    world: World, merchant: Merchant, tap: Tap, outcome: str, shown: str
) -> None:
    tap("pay", merchant.pay_params(merchant.create("BILL-00004")))
    world.plan("refunds", outcome)
    merchant.refund("BILL-00004", "BR4", 1000)
    world.advance(seconds=3)
    world.advance(days=1)
    [row] = bill.fetched(merchant, bill_type="REFUND").rows
    assert row["退款状态"] == shown
    moved = [row["收支类型"] for row in bill.fetched(merchant, "fundflowbill").rows if row["业务名称"] == "退款"]
    assert moved == (["支出", "收入"] if outcome == "closed" else ["支出"])


@pytest.mark.parametrize(
    ("coupon", "figures"),
    [
        ("paid_with_coupon", {"应结订单金额": "37.80", "代金券金额": "4.20", "手续费": "0.23"}),
        ("paid_with_cash_coupon", {"应结订单金额": "42.00", "代金券金额": "0.00", "手续费": "0.25"}),
    ],
)
def test_a_coupon_in_a_bill(world: World, merchant: Merchant, tap: Tap, coupon: str, figures: dict[str, str]) -> None:
    tap("pay", merchant.pay_params(merchant.create("BILL-00005")), coupon)
    merchant.refund("BILL-00005", "BR5", 4200)
    world.advance(days=1)
    found = bill.fetched(merchant)
    [paid] = [row for row in found.rows if row["交易状态"] == "SUCCESS"]
    [back] = [row for row in found.rows if row["交易状态"] == "REFUND"]
    assert {name: paid[name] for name in figures} == figures
    assert Decimal(paid["应结订单金额"]) + Decimal(paid["代金券金额"]) == Decimal(paid["订单金额"])
    assert back["退款金额"] == paid["应结订单金额"]
    assert back["充值券退款金额"] == ("4.20" if "cash" in coupon else "0.00")
    assert found.summary["手续费总金额"] == "0.00"


@pytest.mark.parametrize(
    "query",
    [
        "bill_type=ALL",
        "bill_date=20260101",
        "bill_date=2026-02-30",
        "bill_date=2026-01-01&bill_type=NONE",
        "bill_date=2026-01-01&tar_type=None",
        "bill_date=2026-01-01&tar_type=ZIP",
    ],
)
def test_a_query_out_of_shape(merchant: Merchant, query: str) -> None:
    told = refused(merchant.get(f"/v3/bill/tradebill?{query}"), 400, "PARAM_ERROR")
    assert told["detail"]["location"] == "query"


@pytest.mark.parametrize("query", ["account_type=BASIC", "bill_date=2026-01-01&account_type=ALL"])
def test_a_fund_flow_query_out_of_shape(merchant: Merchant, query: str) -> None:
    refused(merchant.get(f"/v3/bill/fundflowbill?{query}"), 400, "PARAM_ERROR")


def test_only_a_partner_asks_for_a_sub_merchant(merchant: Merchant, day: None) -> None:
    answer = bill.offer(merchant, "tradebill", bill.yesterday(merchant), sub_mchid="1900000101")
    refused(answer, 403, "NO_AUTH")


def test_the_host_of_the_address_is_a_choice(world: World, merchant: Merchant, day: None) -> None:
    def host() -> str:
        return bill.offer(merchant, "tradebill", bill.yesterday(merchant)).json["download_url"].partition("/v3/")[0]

    assert host() == merchant.held["base_url"]
    world.switch("bill_host", "official")
    assert host() == "https://api.mch.weixin.qq.com"
    world.switch("bill_host", "as_called")
    assert host() == "http://localhost/wechatpay"
    merchant.mount = "/s/default/wechatpay"
    assert host() == "http://localhost/s/default/wechatpay"


def test_a_caller_by_the_official_host_is_sent_back_to_it(world: World, merchant: Merchant, day: None) -> None:
    merchant.mount, merchant.headers["Host"] = "", "api2.mch.weixin.qq.com"
    offered = bill.offer(merchant, "tradebill", bill.yesterday(merchant)).json
    base = "http://api2.mch.weixin.qq.com"
    assert offered["download_url"].startswith(f"{base}/v3/billdownload/file")
    assert merchant.get(offered["download_url"].removeprefix(base)).status_code == 200
    world.switch("bill_host", "base_url")
    offered = bill.offer(merchant, "tradebill", bill.yesterday(merchant)).json
    assert offered["download_url"].startswith(merchant.held["base_url"])


def test_before_ten_yesterdays_bill_is_being_made(world: World, merchant: Merchant, tap: Tap) -> None:
    world.switch("bill_ready_hour", "10")
    tap("pay", merchant.pay_params(merchant.create("BILL-00006")))
    world.advance(hours=20)
    answer = bill.offer(merchant, "tradebill", bill.yesterday(merchant))
    refused(answer, 400, "STATEMENT_CREATING", "请求的账单正在生成中")
    world.advance(hours=4, minutes=5)
    assert bill.offer(merchant, "tradebill", bill.yesterday(merchant)).status_code == 200


def test_columns_by_kind_and_fees_with_five_decimals_are_choices(world: World, merchant: Merchant, day: None) -> None:
    world.switch("bill_columns", "by_type")
    world.switch("bill_fee_digits", "5")
    found = bill.fetched(merchant, bill_type="SUCCESS")
    assert len(found.headings) == 20
    assert {row["手续费"] for row in found.rows} == {"0.25000", "0.60000"}
    assert found.summary["手续费总金额"] == "0.85000"
    assert len(bill.fetched(merchant, bill_type="ALL").headings) == 27


@pytest.mark.parametrize(
    ("rate", "fee", "shown"), [("0", "0.00", "0.00%"), ("0.38", "0.16", "0.38%"), ("1", "0.42", "1.00%")]
)
def test_the_fee_rate_is_a_choice(
    world: World, merchant: Merchant, tap: Tap, rate: str, fee: str, shown: str
) -> None:
    world.switch("fee_rate", rate)
    tap("pay", merchant.pay_params(merchant.create("BILL-00007")))
    world.switch("fee_rate", "9.99")
    world.advance(days=1)
    [row] = bill.fetched(merchant).rows
    assert (row["手续费"], row["费率"]) == (fee, shown)


def test_only_the_cash_part_of_a_mixed_order_is_in_a_bill(world: World, merchant: Merchant, tap: Tap) -> None:
    prepay = merchant.create("BILL-00008", total=42000)
    mixed = merchant.create_mixed("BILL-00008", prepay_id=prepay).json
    params = {**merchant.pay_params(prepay), "mixTradeNo": mixed["mix_trade_no"]}
    assert tap("medical-pay", params).endswith(":ok")
    world.advance(days=1)
    [row] = bill.fetched(merchant).rows
    assert row["订单金额"] == "420.00"
