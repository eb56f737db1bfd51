"""nhsa.md §B.5, checks 47-53, and E6: what goes back, and what never took place."""

from typing import Any

import pytest

from tests.mock_providers.national.conformance.fixtures import (
    BASKETS,
    HOSPITAL,
    Bureau,
    e1,
    e2,
    e3,
    identities,
    line,
    money,
    named,
    psn_no,
    purchase,
)

FIELDS_TEXT = """
mdtrt_id setl_id clr_optins medfee_sumamt setl_time fulamt_ownpay_amt overlmt_selfpay preselfpay_amt
inscp_scp_amt act_pay_dedc hifp_pay pool_prop_selfpay cvlserv_pay hifes_pay hifmi_pay hifob_pay maf_pay
oth_pay fund_pay_sumamt psn_pay acct_pay cash_payamt balc acct_mulaid_pay medins_setl_id
"""
FIELDS = FIELDS_TEXT.split()
PACK = {"drugtracinfo": [{"drug_trac_codg": "81000000000000000009"}]}


def state(bureau: Bureau, *people: str) -> list[dict[str, Any]]:
    return [bureau.look(who) for who in people]


def sent(bureau: Bureau, infno: str, content: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The msgid of a call that succeeded, and what it gave."""
    msgid = bureau.envelope(infno, content)["msgid"]
    return msgid, bureau.output(infno, content, msgid=msgid)


def test_n47_2103_of_e1_is_its_negative_mirror_under_its_own_names(bureau: Bureau) -> None:
    info = bureau.settle(e1())
    msgid, output = sent(bureau, "2103", {"data": named(info)})
    twin = output["setlinfo"]
    assert list(twin) == FIELDS
    assert twin["setl_id"] != info["setl_id"] and twin["mdtrt_id"] == info["mdtrt_id"]
    assert money(twin, "medfee_sumamt", "psn_pay", "acct_pay", "cash_payamt", "balc") == [
        *("-78.00", "-78.00", "-78.00", "0.00", "500.00")
    ]
    assert twin["medins_setl_id"] == msgid
    assert bureau.balance("P1") == "500.00"


def test_n47_e6_2103_of_e3_gives_back_deductible_and_limit(bureau: Bureau) -> None:
    before = state(bureau, "P3")
    output = bureau.refund(bureau.settle(e3()))
    names = (
        *("medfee_sumamt", "fulamt_ownpay_amt", "overlmt_selfpay", "preselfpay_amt", "inscp_scp_amt", "act_pay_dedc"),
        *("hifp_pay", "fund_pay_sumamt", "psn_pay", "acct_pay", "cash_payamt", "acct_mulaid_pay", "balc"),
    )
    expected = "-300.00 0.00 0.00 -20.00 -280.00 -50.00 -138.00 -138.00 -162.00 -162.00 0.00 0.00 500.00"
    assert money(output["setlinfo"], *names) == expected.split()
    rows = [(row["fund_pay_type"], f"{row['fund_payamt']:.2f}") for row in output["setldetail"]]
    assert rows == [("310100", "-138.00"), ("310200", "-162.00")]
    assert state(bureau, "P3") == before


def test_n47_e6_2103_of_e2_gives_each_account_its_own(bureau: Bureau) -> None:
    twin = bureau.refund(bureau.settle(e2()))["setlinfo"]
    assert money(twin, "acct_pay", "acct_mulaid_pay", "psn_pay", "balc") == ["-66.00", "-46.00", "-66.00", "20.00"]
    assert (bureau.balance("P2"), bureau.balance("P7")) == ("20.00", "300.00")


@pytest.mark.parametrize("mode", ["inclusive", "exclusive"])
@pytest.mark.parametrize("name", sorted(BASKETS))
def test_n46_n47_refunds_keep_the_identities_and_restore_everything(bureau: Bureau, name: str, mode: str) -> None:
    bureau.switch("acct_mulaid_mode", mode)
    before = state(bureau, "P1", "P2", "P3", "P4", "P5", "P7")
    identities(bureau.refund(bureau.settle(BASKETS[name]()))["setlinfo"], exclusive=mode == "exclusive")
    assert state(bureau, "P1", "P2", "P3", "P4", "P5", "P7") == before


def test_n48_a_settlement_is_refunded_once(bureau: Bureau) -> None:
    info = bureau.settle(e1())
    bureau.refund(info)
    assert bureau.refusal("2103", {"data": named(info)}) == "FSI-该结算已退费，不能重复退费"
    assert bureau.balance("P1") == "500.00"


def test_n49_another_persons_number_finds_no_settlement(bureau: Bureau) -> None:
    info = bureau.settle(e1())
    wrong = [{"psn_no": psn_no("P2")}, {"psn_no": "1"}, {"setl_id": "1"}, {"mdtrt_id": "1"}]
    for change in wrong:
        assert bureau.refusal("2103", {"data": {**named(info), **change}}) == "FSI-未查询到任何有效相关的记录"
    assert bureau.balance("P1") == "422.00"


def test_n49_a_refund_or_another_pharmacys_settlement_is_none_of_ours(bureau: Bureau) -> None:
    info = bureau.settle(e1())
    twin = bureau.refund(info)["setlinfo"]
    content = {"data": {**named(info), "setl_id": twin["setl_id"]}}
    assert bureau.refusal("2103", content) == "FSI-未查询到任何有效相关的记录"
    assert "不能办理" in bureau.refusal("2103", {"data": named(info)}, fixmedins_code=HOSPITAL)


def test_n50_a_reversed_settlement_never_took_place(bureau: Bureau) -> None:
    before = state(bureau, "P1")
    msgid, output = sent(bureau, "2102", e1())
    answer = bureau.reverse(msgid)
    assert (answer["infcode"], answer["output"]) == (0, {})
    assert bureau.balance("P1") == "500.00" and state(bureau, "P1") == before
    assert bureau.refusal("2103", {"data": named(output["setlinfo"])}) == "FSI-未查询到任何有效相关的记录"
    if "5203" in _known():
        assert "未查询到任何有效相关的记录" in bureau.refusal("5203", {"data": named(output["setlinfo"])})


def _known() -> set[str]:
    from mock_providers.national import gateway

    return set(gateway.TRANSACTIONS)


def test_n50_a_reversal_gives_back_mutual_aid_deductible_limit_and_packs(bureau: Bureau) -> None:
    before = state(bureau, "P2", "P3", "P7")
    for who, content in (("P2", e2()), ("P3", e3()), ("P3", purchase("P3", line("A1", 1, "5.00", **PACK)))):
        msgid, _ = sent(bureau, "2102", content)
        assert bureau.reverse(msgid, who=who)["infcode"] == 0
    assert state(bureau, "P2", "P3", "P7") == before
    assert bureau.settle(purchase("P1", line("A1", 1, "5.00", **PACK)))


def test_n51_a_reversal_asked_for_again_is_answered_again(bureau: Bureau) -> None:
    msgid, _ = sent(bureau, "2102", e1())
    for _ in range(3):
        answer = bureau.reverse(msgid)
        assert (answer["infcode"], answer["output"]) == (0, {})
    assert bureau.balance("P1") == "500.00"


def test_n51_an_answer_that_was_lost_can_be_reversed(bureau: Bureau) -> None:
    msgid = bureau.envelope("2102", {})["msgid"]
    bureau.plan("national.2102", "timeout")
    assert bureau.send("2102", e1(), msgid=msgid).status_code == 504
    assert bureau.balance("P1") == "422.00"
    assert bureau.reverse(msgid)["infcode"] == 0
    assert bureau.balance("P1") == "500.00"
    assert bureau.refusal("2102", e1(), msgid=msgid) == "FSI-发送方报文ID重复"


@pytest.mark.parametrize("change", [{"omsgid": "nobody"}, {"psn_no": "P"}, {"oinfno": "2103"}])
def test_n52_what_names_no_settlement_of_ours_is_not_reversed(bureau: Bureau, change: dict[str, str]) -> None:
    msgid, _ = sent(bureau, "2102", e1())
    data = {"psn_no": psn_no("P1"), "omsgid": msgid, "oinfno": "2102", **change}
    assert bureau.refusal("2601", {"data": data}) == "FSI-未查询到任何有效相关的记录"
    asked = {"psn_no": psn_no("P1"), "omsgid": msgid, "oinfno": "2102"}
    assert "未查询到" in bureau.refusal("2601", {"data": asked}, fixmedins_code=HOSPITAL)
    assert bureau.balance("P1") == "422.00"


@pytest.mark.parametrize("oinfno", ["2304", "2305", "2401", "2207A", "2208"])
def test_n52_other_numbers_that_can_be_reversed_find_nothing(bureau: Bureau, oinfno: str) -> None:
    data = {"psn_no": psn_no("P1"), "omsgid": "x", "oinfno": oinfno}
    assert bureau.refusal("2601", {"data": data}) == "FSI-未查询到任何有效相关的记录"


def test_n52_a_number_that_cannot_be_reversed_says_so(bureau: Bureau) -> None:
    data = {"psn_no": psn_no("P1"), "omsgid": "x", "oinfno": "1101"}
    assert "不支持冲正" in bureau.refusal("2601", {"data": data})


def test_n53_a_refunded_settlement_is_not_reversed(bureau: Bureau) -> None:
    msgid, output = sent(bureau, "2102", e1())
    bureau.refund(output["setlinfo"])
    asked = {"psn_no": psn_no("P1"), "omsgid": msgid, "oinfno": "2102"}
    assert bureau.refusal("2601", {"data": asked}) == (
        "FSI-调用业务基础子系统冲正失败:冲正的结算信息退费结算标志不为未退费，不能办理冲正交易"
        "[iptPsnSetlMgtBO_4412][outpatientSettleBO_40]"
    )
    assert bureau.balance("P1") == "500.00"


def test_n53_a_reversed_refund_leaves_the_settlement_standing(bureau: Bureau) -> None:
    settled, output = sent(bureau, "2102", e3())
    after = state(bureau, "P3")
    refunded, _ = sent(bureau, "2103", {"data": named(output["setlinfo"])})
    assert bureau.reverse(refunded, "2103", "P3")["infcode"] == 0
    assert state(bureau, "P3") == after
    assert bureau.reverse(refunded, "2103", "P3")["infcode"] == 0
    assert bureau.refund(output["setlinfo"])["setlinfo"]["psn_pay"] == -162
    assert "退费结算标志" in bureau.reverse(settled, "2102", "P3")["err_msg"]


def test_n53_a_refund_that_was_built_upon_is_not_reversed(bureau: Bureau) -> None:
    _, output = sent(bureau, "2102", e3())
    refunded, _ = sent(bureau, "2103", {"data": named(output["setlinfo"])})
    bureau.settle(purchase("P3", line("C1", 1, "1.00")))
    assert "不能冲正" in bureau.reverse(refunded, "2103", "P3")["err_msg"]


@pytest.mark.parametrize("spoil", ["balance", "pack"])
def test_n53_a_refund_whose_money_or_pack_is_gone_is_not_reversed(bureau: Bureau, spoil: str) -> None:
    pack = line("A1", 1, "5.00", **PACK)
    _, output = sent(bureau, "2102", purchase("P1", pack))
    refunded, _ = sent(bureau, "2103", {"data": named(output["setlinfo"])})
    if spoil == "balance":
        bureau.set("P1", balance_fen=499)
    else:
        bureau.settle(purchase("P4", pack))
    before = state(bureau, "P1")
    assert bureau.reverse(refunded, "2103")["infcode"] == -1
    assert state(bureau, "P1") == before


def test_n50_money_for_a_closed_account_waits_and_can_be_taken_again(bureau: Bureau) -> None:
    _, output = sent(bureau, "2102", e1())
    bureau.set("P1", frozen=True)
    refunded, _ = sent(bureau, "2103", {"data": named(output["setlinfo"])})
    assert (bureau.look("P1")["balance_fen"], bureau.look("P1")["suspense_fen"]) == (42200, 7800)
    assert bureau.reverse(refunded, "2103")["infcode"] == 0
    assert (bureau.look("P1")["balance_fen"], bureau.look("P1")["suspense_fen"]) == (42200, 0)
