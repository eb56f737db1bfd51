"""How the back end speaks to the national platform, and how strictly it reads amounts."""

import json
from datetime import date

import pytest
import requests

from tests.yibao.conftest import MIP, TODAY, centre_answer, centre_notice, gateway_refusal, person_answer
from yibao.providers import national, sealed
from yibao.providers.http import Unreachable, Untrusted, VendorRefused
from yibao.spaces import entered

LIN = national.Person(
    psn_no="46000000000000000001",
    name="林样一",
    id_type="id_card",
    id_number="469099198803159034",
    insurances=(national.Insurance("310", "1101", "1", "460100", 328650),),
)
PHARMACY = "P46019900008"
LINES = [national.Line("L1", "XSAMPLE005A001010199905", "D05", "对乙酰氨基酚片", 2, 390, "", ("8" * 20,))]
SETLINFO = {
    "mdtrt_id": "M1",
    "medfee_sumamt": 100.00,
    "fulamt_ownpay_amt": "10.00",
    "overlmt_selfpay": 0,
    "preselfpay_amt": "5",
    "inscp_scp_amt": "85.00",
    "fund_pay_sumamt": "42.50",
    "psn_part_amt": 57.50,
    "acct_pay": "50.00",
    "acct_mulaid_pay": "20.00",
    "psn_cash_pay": "7.50",
    "hosp_part_amt": None,
    "balc": "3236.50",
}
ORDER = {
    "payOrdId": "ORD1",
    "ordStas": "1",
    "feeSumamt": "100.00",
    "ownPayAmt": "7.50",
    "psnAcctPay": "50.00",
    "fundPay": "42.50",
    "selfAcctPay": "30.00",
    "acctMulaidPay": "20.00",
}
HOS = "/org/local/api/hos"


@pytest.fixture(autouse=True)
def inside(yibao):
    with entered(yibao, "default"):
        yield


def refusal(call):
    with pytest.raises(VendorRefused) as caught:
        call()
    return caught.value.code


def opened(vendors, path):
    """What we sent to the payment centre, opened again."""
    return sealed.unseal(vendors.sent(path)[-1], MIP)


# the gateway


def test_a_transaction_carries_envelope_and_headers(vendors):
    vendors.on("/gateway", person_answer("林样一", "469099198803159034"))
    national.person("林样一", "id_card", "469099198803159034")
    sent, headers = vendors.sent("/gateway")[0], vendors.calls[0].headers
    assert sent["infno"] == "1101"
    assert sent["input"]["data"]["mdtrt_cert_type"] == "02"
    assert (sent["mdtrtarea_admvs"], sent["inf_time"]) == ("460199", "2025-12-01 10:00:00")
    stamp, nonce = headers["x-tif-timestamp"], headers["x-tif-nonce"]
    secret = "SIMPAASTOKEN0000000000000000001"
    assert headers["x-tif-signature"] == national.gateway_signature(stamp, secret, nonce)


def test_the_published_gateway_signature_comes_out():
    nonce = "0123456789abcdef0123456789abcdef"
    signature = national.gateway_signature("1735787045", "SIMPAASTOKEN0000000000000000001", nonce)
    assert signature == "2fe062520fd136a25b3a8e599f46d8eb908e48c556082ab907f8f0ca73ca0cfe"


def test_message_ids_are_thirty_characters_and_never_the_same():
    made = [national.message_id("P46019900008") for _ in range(100)]
    assert {len(number) for number in made} == {30}
    assert len(set(made)) == 100


def test_a_person_is_read_with_the_scheme_in_force_first(vendors):
    answer = person_answer("林样一", "469099198803159034", psn_insu_stas="4", insutype="390")
    answer["output"]["insuinfo"].append({**answer["output"]["insuinfo"][0], "psn_insu_stas": "1", "insutype": "310"})
    answer["infcode"] = "0"
    vendors.on("/gateway", answer)
    person = national.person("林样一", "id_card", "469099198803159034")
    assert (person.insurance.kind, person.insurance.balance_fen) == ("310", 328650)
    assert (person.gender, person.born_on) == ("male", date(1988, 3, 15))


def test_other_documents_say_which_they_are(vendors):
    vendors.on("/gateway", person_answer("何樣港", "H00000014", brdy="?"))
    national.person("何樣港", "hk_permit", "H00000014")
    sent = vendors.sent("/gateway")[0]["input"]["data"]
    assert (sent["mdtrt_cert_type"], sent["psn_cert_type"], sent["certno"]) == ("99", "04", "H00000014")


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("FSI-该参保人的基本信息为空[x]", "UNKNOWN_PERSON"),
        ("该参保人的参保信息为空", "NOT_INSURED"),
        ("FSI-该参保人已登记死亡，不能办理业务", "DECEASED"),
        ("FSI-该参保人信息尚未同步至省级平台，请稍后再试", "NOT_SYNCED"),
        ("FSI-别的", "-1"),
        (None, "-1"),
    ],
)
def test_the_platforms_words_become_codes(vendors, words, code):
    vendors.on("/gateway", gateway_refusal(words))
    assert refusal(lambda: national.person("a", "id_card", "b")) == code


@pytest.mark.parametrize(
    "answer",
    [
        (500, b"", {}),
        (200, b"<html>", {}),
        (200, b"[]", {}),
        (200, b"{}", {}),
        {"infcode": 0, "output": None},
        {"infcode": 0, "output": {}},
        {"infcode": 0, "output": {"baseinfo": {"psn_no": "1"}, "insuinfo": [{"balc": "abc"}]}},
        {"infcode": 0, "output": {"baseinfo": {"psn_no": "1"}, "insuinfo": [{"balc": True}]}},
        requests.ReadTimeout("slow"),
    ],
)
def test_what_says_nothing_is_unreachable(vendors, answer):
    vendors.on("/gateway", answer)
    with pytest.raises(Unreachable):
        national.person("a", "id_card", "b")


def test_an_institution_is_found_by_its_code(vendors):
    row = {"fixmedins_code": PHARMACY, "fixmedins_name": "样例药店", "fixmedins_type": "2", "hosp_lv": None}
    vendors.on("/gateway", {"infcode": 0, "output": {"medinsinfo": [{"fixmedins_code": "P0"}, row]}})
    found = national.institution(PHARMACY)
    assert (found.name, found.kind, found.level) == ("样例药店", "pharmacy", "")
    assert [each.code for each in national.institutions("pharmacy")] == ["P0", PHARMACY]
    assert refusal(lambda: national.institution("H46019900009")) == "UNKNOWN_INSTITUTION"


def test_the_catalogue_is_asked_page_by_page(vendors):
    vendors.on("/gateway", {"infcode": 0, "output": {"data": [], "recordCounts": 0}})
    assert national.catalogue_page(1, 50, date(2025, 12, 1))["recordCounts"] == 0
    assert vendors.sent("/gateway")[0]["input"]["data"]["page_num"] == 1


def quote(vendors, **changes):
    vendors.on("/gateway", {"infcode": 0, "output": {"setlinfo": {**SETLINFO, **changes}}})
    return national.preview(LIN, PHARMACY, LINES, TODAY)


def test_a_preview_is_read_as_fen(vendors):
    split = quote(vendors)
    parts = (split.total_fen, split.pooled_fen, split.own_fen, split.mutual_fen, split.cash_fen)
    assert parts == (10000, 4250, 3000, 2000, 750)
    assert (split.balance_after_fen, split.visit_no) == (323650, "M1")
    sent = vendors.sent("/gateway")[0]
    assert sent["fixmedins_code"] == PHARMACY
    assert sent["insuplc_admdvs"] == "460100"
    assert sent["input"]["druginfo"]["medfee_sumamt"] == "7.80"
    assert sent["input"]["drugdetail"][0]["drugtracinfo"] == [{"drug_trac_codg": "8" * 20}]


@pytest.mark.parametrize(
    "change",
    [
        {"medfee_sumamt": "100.01"},
        {"inscp_scp_amt": "84.99"},
        {"fund_pay_sumamt": "42.51"},
        {"psn_part_amt": "57.51"},
        {"psn_cash_pay": "7.49"},
        {"hosp_part_amt": "0.01"},
        {"acct_mulaid_pay": "50.01"},
        {"acct_mulaid_pay": "-0.01"},
        {"fund_pay_sumamt": "-42.50", "psn_part_amt": "142.50", "psn_cash_pay": "92.50"},
        {key: "0" for key in SETLINFO if key != "mdtrt_id"},
    ],
)
def test_parts_that_do_not_add_up_are_refused(vendors, change):
    assert refusal(lambda: quote(vendors, **change)) == "SPLIT_MISMATCH"


def test_a_thousandth_of_a_yuan_is_no_amount(vendors):
    with pytest.raises(Unreachable):
        quote(vendors, psn_cash_pay="7.505")


def test_nobody_without_insurance_is_quoted():
    nobody = national.Person("1", "a", "id_card", "b")
    assert refusal(lambda: national.preview(nobody, PHARMACY, LINES, TODAY)) == "NOT_INSURED"


# the payment centre


def test_fees_are_uploaded_sealed(vendors):
    vendors.on(f"{HOS}/uldFeeInfo", centre_answer({"payOrdId": "ORD1", "payToken": "TOK1"}))
    rx = [national.Line("L1", "X", "D01", "阿莫西林胶囊", 1, 680, "RX1")]
    assert national.upload_fees(LIN, PHARMACY, "B1", "AUTH1", rx, TODAY, "") == ("ORD1", "TOK1")
    sent = opened(vendors, f"{HOS}/uldFeeInfo")
    assert (sent["medfeeSumamt"], sent["medOrgOrd"], sent["initRxOrd"]) == ("6.80", "B1", "RX1")
    assert (sent["mdtrtId"], sent["rxCircFlag"]) == ("B1", "1")


def test_an_order_is_placed_and_its_amounts_are_read(vendors):
    vendors.on(f"{HOS}/pay_order", centre_answer(ORDER))
    order = national.place_payment("AUTH1", "ORD1", "TOK1", PHARMACY, "B1", LIN)
    assert (order.status, order.split.own_fen, order.split.mutual_fen) == ("1", 3000, 2000)
    assert opened(vendors, f"{HOS}/pay_order")["insuCode"] == "460100"


def test_an_order_is_asked_for(vendors):
    answer = {"payOrdId": "ORD1", "ordStas": "0", "medOrgOrd": "B1"}
    vendors.on(f"{HOS}/query_order_info", centre_answer(answer))
    order = national.order_state("ORD1", "TOK1", PHARMACY, LIN)
    assert (order.status, order.order_no, order.split) == ("0", "B1", None)


@pytest.mark.parametrize("change", [{"feeSumamt": "100.01"}, {"acctMulaidPay": "50.01"}, {"ownPayAmt": "-7.50"}])
def test_an_order_that_does_not_add_up_is_refused(vendors, change):
    vendors.on(f"{HOS}/pay_order", centre_answer({**ORDER, **change}))
    assert refusal(lambda: national.place_payment("A", "O", "T", PHARMACY, "B", LIN)) == "SPLIT_MISMATCH"


def test_an_upload_is_revoked(vendors):
    vendors.on(f"{HOS}/revoke_order", centre_answer({"success": True}), centre_answer({"success": False}))
    national.revoke("ORD1", "TOK1", PHARMACY, LIN)
    assert refusal(lambda: national.revoke("ORD1", "TOK1", PHARMACY, LIN)) == "NOT_REVOKED"


@pytest.mark.parametrize(("kind", "total", "cash"), [("ALL", "100.00", "7.50"), ("HI", "92.50", "0.00")])
def test_money_is_given_back(vendors, kind, total, cash):
    vendors.on(f"{HOS}/refund_Order", centre_answer({"refdSn": "S1", "refStatus": "SUCC"}))
    split = national.Split(10000, 4250, 3000, 2000, 750)
    assert national.refund("ORD1", "R1", TODAY, split, "AUTH1", kind).status == "SUCC"
    sent = opened(vendors, f"{HOS}/refund_Order")
    assert (sent["totlRefdAmt"], sent["cashRefdAmt"], sent["appRefdTime"]) == (total, cash, "20251201100000")


def test_a_prescription_is_asked_for_in_its_own_version(vendors):
    vendors.on(national.PRESCRIPTION_PATH, centre_answer({"hiRxno": "RX1"}))
    assert national.prescription("RX1", PHARMACY, LIN) == {"hiRxno": "RX1"}
    assert vendors.sent(national.PRESCRIPTION_PATH)[0]["version"] == "1.0.0"


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (
            {"code": -1, "success": False, "message": "PAY_AUTH_NO 校验失败"},
            "AUTHORISATION_INVALID",
        ),
        ({"code": "500", "message": "系统错误"}, "500"),
        ({"message": "?"}, ""),
    ],
)
def test_a_refusal_of_the_centre(vendors, answer, code):
    vendors.on(f"{HOS}/pay_order", answer)
    assert refusal(lambda: national.place_payment("A", "O", "T", PHARMACY, "B", LIN)) == code


@pytest.mark.parametrize("damage", [{"signData": "AAAA"}, {"encData": "00"}, {"timestamp": "1"}])
def test_an_answer_with_a_wrong_seal_says_nothing(vendors, damage):
    vendors.on(f"{HOS}/pay_order", {**centre_answer(ORDER), **damage})
    with pytest.raises(Unreachable):
        national.place_payment("A", "O", "T", PHARMACY, "B", LIN)


def test_an_answer_without_its_numbers_says_nothing(vendors):
    vendors.on(f"{HOS}/uldFeeInfo", centre_answer({"payOrdId": "ORD1", "payToken": ""}))
    with pytest.raises(Unreachable):
        national.upload_fees(LIN, PHARMACY, "B1", "AUTH1", LINES, TODAY, "M1")


NOTICE = {**ORDER, "ordStas": "6", "callType": "02", "medOrgOrd": "B1", "revsToken": "REV1"}


def test_a_settlement_notice_is_opened_and_verified():
    notice = national.read_settlement_notice(centre_notice(NOTICE))
    assert (notice.id, notice.call_type) == ("ORD1:02", "02")
    assert (notice.order.status, notice.order.order_no, notice.order.reverse_token) == ("6", "B1", "REV1")
    assert notice.order.split.total_fen == 10000


def test_the_other_spelling_of_the_cash_part_is_read():
    other = {("ownpayAmt" if key == "ownPayAmt" else key): value for key, value in NOTICE.items()}
    assert national.read_settlement_notice(centre_notice(other)).order.split.cash_fen == 750


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b"\xff",
        centre_notice(NOTICE, signData="AAAA"),
        centre_notice(NOTICE, timestamp="1"),
        centre_notice({**NOTICE, "feeSumamt": "1.00"}),
        centre_notice({**NOTICE, "feeSumamt": "x"}),
        centre_notice({**NOTICE, "payOrdId": ""}),
    ],
)
def test_a_notice_that_is_wrong_is_not_trusted(body):
    with pytest.raises(Untrusted):
        national.read_settlement_notice(body)


def test_amounts_of_a_notice_keep_their_zeros():
    raw = json.dumps({"payOrdId": "ORD1", "callType": "02"})
    number = sealed.Number("12.50")
    assert sealed.canonical({"a": number}) == '{"a":12.50}'
    assert national.read_settlement_notice(centre_notice(json.loads(raw))).order.split is None
