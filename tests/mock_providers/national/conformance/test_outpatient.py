"""nhsa.md §B.6, checks 60-65: an outpatient visit from registration to refund."""

from collections.abc import Mapping
from typing import Any

import pytest

from mock_providers.national import outpatient_rules as rules
from mock_providers.national.texts import Refused
from tests.mock_providers.national.conformance.fixtures import (
    HOSPITAL,
    PHARMACY,
    Bureau,
    identities,
    insutype,
    line,
    line_identities,
    money,
    number,
    psn_no,
)

AGREED = ("fulamt_ownpay_amt", "overlmt_selfpay", "preselfpay_amt", "inscp_scp_amt")
DOCTOR = {"bilg_dept_codg": "01", "bilg_dept_name": "全科", "bilg_dr_codg": "D1", "bilg_dr_name": "测试医生"}


class Visit:
    """A hospital's system in the middle of one visit."""

    def __init__(self, bureau: Bureau, who: str = "P1") -> None:
        self.bureau, self.who = bureau, who
        self.mdtrt_id = self.output("2201", {"data": self.registration()})["data"]["mdtrt_id"]

    def __call__(self, infno: str, content: Mapping[str, Any], **more: Any) -> dict[str, Any]:
        return self.bureau(infno, content, **{"fixmedins_code": HOSPITAL, **more})

    def output(self, infno: str, content: Mapping[str, Any], **more: Any) -> dict[str, Any]:
        return self.bureau.output(infno, content, **{"fixmedins_code": HOSPITAL, **more})

    def refusal(self, infno: str, content: Mapping[str, Any], **more: Any) -> str:
        return self.bureau.refusal(infno, content, **{"fixmedins_code": HOSPITAL, **more})

    @property
    def named(self) -> dict[str, str]:
        return {"mdtrt_id": self.mdtrt_id, "psn_no": psn_no(self.who)}

    def registration(self, **change: Any) -> dict[str, Any]:
        return {
            "psn_no": psn_no(self.who),
            "insutype": insutype(self.who),
            "begntime": "2025-01-02 02:00:00",
            "mdtrt_cert_type": "02",
            "mdtrt_cert_no": number(self.who),
            "ipt_otp_no": "OP1",
            "atddr_no": "D1",
            "dr_name": "测试医生",
            "dept_code": "01",
            "dept_name": "全科",
            "caty": "A02",
            **change,
        }

    def cancellation(self) -> dict[str, Any]:
        return {"data": {**self.named, "ipt_otp_no": "OP1"}}

    def diagnosis(self, **change: Any) -> dict[str, Any]:
        one = {
            "diag_type": "1",
            "diag_srt_no": "1",
            "diag_code": "J06.900",
            "diag_name": "急性上呼吸道感染",
            "diag_dept": "全科",
            "dise_dor_no": "D1",
            "dise_dor_name": "测试医生",
            "diag_time": "2025-01-02 02:10:00",
            "vali_flag": "1",
        }
        node = {**self.named, "med_type": "11", "begntime": "2025-01-02 02:00:00", **change}
        return {"mdtrtinfo": node, "diseinfo": [one]}

    def line(self, item: str, cnt: Any, pric: str, batch: str = "B1", **more: Any) -> dict[str, Any]:
        return {**line(item, cnt, pric), **self.named, "chrg_bchno": batch, "hosp_appr_flag": "0", **DOCTOR, **more}

    def price(self, total: str, batch: str = "B1", **change: Any) -> dict[str, Any]:
        return {
            "data": {
                **self.named,
                "mdtrt_cert_type": "02",
                "mdtrt_cert_no": number(self.who),
                "med_type": "11",
                "medfee_sumamt": total,
                "psn_setlway": "01",
                "chrg_bchno": batch,
                "acct_used_flag": "1",
                "insutype": insutype(self.who),
                **change,
            }
        }

    def charge(self, *lines: dict[str, Any]) -> list[dict[str, Any]]:
        return self.output("2204", {"feedetail": list(lines)})["result"]

    def charged(self) -> dict[str, Any]:
        """2203, 2204 of two lines (138.00) and 2206; what 2207 has to send."""
        self.output("2203", self.diagnosis())
        self.charge(self.line("A1", 4, "25.00"), self.line("B1", 1, "38.00"))
        info = self.output("2206", self.price("138.00"))["setlinfo"]
        return self.price("138.00", **{name: str(info[name]) for name in AGREED}, invono="F1")

    def settle(self, content: Mapping[str, Any], **more: Any) -> dict[str, Any]:
        return self.output("2207", content, **more)["setlinfo"]

    def refund(self, info: Mapping[str, Any]) -> dict[str, Any]:
        return {"data": {**self.named, "setl_id": info["setl_id"]}}


@pytest.fixture
def visit(bureau: Bureau) -> Visit:
    return Visit(bureau)


def test_n60_a_whole_visit_is_priced_and_settled_on_the_hospitals_terms(visit: Visit) -> None:
    visit.output("2203", visit.diagnosis())
    rows = visit.charge(visit.line("A1", 4, "25.00"), visit.line("B1", 1, "38.00"))
    line_identities(rows)
    assert [row["lmt_used_flag"] for row in rows] == ["0", "0"]
    assert money(rows[1], "overlmt_amt", "preselfpay_amt", "inscp_scp_amt") == ["2.00", "3.60", "32.40"]
    priced = visit.output("2206", visit.price("138.00"))
    assert list(priced) == ["setlinfo", "setldetail"] and "setl_id" not in priced["setlinfo"]
    assert visit.bureau.balance("P1") == "500.00"
    info = visit.settle(visit.price("138.00", **{name: str(priced["setlinfo"][name]) for name in AGREED}))
    assert money(info, "act_pay_dedc", "hifp_pay", "acct_pay", "psn_cash_pay", "hosp_part_amt", "balc") == [
        *("50.00", "49.44", "88.56", "0.00", "0.00", "411.44")
    ]
    assert (info["mdtrt_id"], info["clr_type"], info["med_type"]) == (visit.mdtrt_id, "11", "11")
    assert info["setl_id"] and len(info["medins_setl_id"]) <= 30
    identities(info)
    assert visit.bureau.balance("P1") == "411.44"


def test_n60_201_echoes_who_and_which_visit(bureau: Bureau) -> None:
    content = {"data": Visit(bureau).registration()}
    data = bureau.output("2201", content, fixmedins_code=HOSPITAL)["data"]
    assert set(data) == {"mdtrt_id", "psn_no", "ipt_otp_no"} and data["ipt_otp_no"] == "OP1"
    again = bureau.output("2201", content, fixmedins_code=HOSPITAL)["data"]
    assert int(again["mdtrt_id"]) > int(data["mdtrt_id"])


def test_n61_a_cancelled_registration_takes_no_lines(visit: Visit) -> None:
    answer = visit("2202", visit.cancellation())
    assert (answer["infcode"], answer["output"]) == (0, {})
    assert "已撤销" in visit.refusal("2204", {"feedetail": [visit.line("A1", 1, "1.00")]})
    for infno, content in (
        ("2202", visit.cancellation()),
        ("2203", visit.diagnosis()),
        ("2205", {"data": {**visit.named, "chrg_bchno": "0000"}}),
        ("2206", visit.price("1.00")),
        ("2207", visit.price("1.00")),
    ):
        assert "已撤销" in visit.refusal(infno, content)


def test_n62_deleted_lines_leave_nothing_to_price(visit: Visit) -> None:
    visit.output("2203", visit.diagnosis())
    visit.charge(visit.line("A1", 1, "1.00"))
    answer = visit("2205", {"data": {**visit.named, "chrg_bchno": "0000"}})
    assert (answer["infcode"], answer["output"]) == (0, {})
    assert "费用明细" in visit.refusal("2206", visit.price("1.00"))


def test_n62_deleting_takes_one_batch_or_all_that_are_not_settled(visit: Visit) -> None:
    visit.output("2203", visit.diagnosis())
    visit.charge(visit.line("A1", 1, "1.00"), visit.line("A1", 1, "2.00", batch="B2"))
    visit.output("2205", {"data": {**visit.named, "chrg_bchno": "B1"}})
    assert "费用明细" in visit.refusal("2206", visit.price("1.00"))
    assert visit.output("2206", visit.price("2.00", batch="B2"))
    assert visit.refusal("2205", {"data": {**visit.named, "chrg_bchno": "B1"}}) == "费用明细List不能为空"


def test_n62_settled_lines_are_not_deleted(visit: Visit) -> None:
    visit.settle(visit.charged())
    assert "已结算" in visit.refusal("2205", {"data": {**visit.named, "chrg_bchno": "B1"}})
    visit.charge(visit.line("A1", 1, "1.00", batch="B2"))
    visit.output("2205", {"data": {**visit.named, "chrg_bchno": "0000"}})
    assert visit.bureau.balance("P1") == "411.44"


@pytest.mark.parametrize("name", AGREED)
def test_n63_2207_repeats_the_amounts_of_2206(visit: Visit, name: str) -> None:
    content = visit.charged()
    wrong = {"data": {**content["data"], name: "0.01"}}
    assert "预结算金额不匹配" in visit.refusal("2207", wrong)
    assert visit.bureau.balance("P1") == "500.00"
    missing = {"data": {k: v for k, v in content["data"].items() if k != name}}
    assert "不能为空" in visit.refusal("2207", missing)
    visit.bureau.switch("2207_amounts", "optional")
    assert visit.settle(missing)


def test_n63_a_total_that_is_not_the_lines_is_refused(visit: Visit) -> None:
    content = visit.charged()
    content["data"]["medfee_sumamt"] = "137.99"
    for infno in ("2206", "2207"):
        assert "总额不一致" in visit.refusal(infno, content)


def test_n63_a_visit_without_lines_or_diagnosis_is_not_settled(visit: Visit) -> None:
    assert "费用明细" in visit.refusal("2206", visit.price("1.00"))
    visit.charge(visit.line("A1", 1, "1.00"))
    assert "未上传就诊信息" in visit.refusal("2206", visit.price("1.00"))
    visit.bureau.switch("diagnosis_first", "charge")
    assert "未上传就诊信息" in visit.refusal("2204", {"feedetail": [visit.line("A1", 1, "1.00")]})
    visit.bureau.switch("diagnosis_first", "off")
    assert visit.output("2206", visit.price("1.00"))


def test_n64_a_settled_visit_is_not_cancelled_diagnosed_or_settled_again(visit: Visit) -> None:
    content = visit.charged()
    visit.settle(content)
    for infno, again in (("2202", visit.cancellation()), ("2203", visit.diagnosis()), ("2207", content)):
        assert "已结算" in visit.refusal(infno, again)
    assert visit.bureau.balance("P1") == "411.44"


def test_n64_lines_that_were_not_deleted_hold_a_registration(visit: Visit) -> None:
    visit.charge(visit.line("A1", 1, "1.00"))
    assert "费用明细" in visit.refusal("2202", visit.cancellation())
    visit.bureau.switch("2202_with_lines", "allowed")
    visit.output("2202", visit.cancellation())
    assert "已撤销" in visit.refusal("2206", visit.price("1.00"))


@pytest.mark.parametrize("mode, names", [("both", {"pdn_cash_pay", "psn_cash_pay"}), ("pdn", {"pdn_cash_pay"})])
def test_n65_2208_gives_everything_back_under_its_own_names(visit: Visit, mode: str, names: set[str]) -> None:
    before = visit.bureau.look("P1")
    info = visit.settle(visit.charged())
    visit.bureau.switch("cash_field_2208", mode)
    output = visit.output("2208", visit.refund(info))
    twin = output["setlinfo"]
    assert twin["setl_id"] != info["setl_id"] and {"pdn_cash_pay", "psn_cash_pay"} & set(twin) == names
    assert money(twin, "medfee_sumamt", "psn_part_amt", "acct_pay", "pdn_cash_pay", "hosp_part_amt", "balc") == [
        *("-138.00", "-88.56", "-88.56", "0.00", "0.00", "500.00")
    ]
    assert "psn_pay" not in twin and "cash_payamt" not in twin
    identities(twin)
    assert [f"{row['fund_payamt']:.2f}" for row in output["setldetail"]] == ["-49.44", "-88.56"]
    assert visit.bureau.look("P1") == before


def test_n65_2208_can_call_the_cash_as_the_live_answer_did(visit: Visit) -> None:
    info = visit.settle(visit.charged())
    visit.bureau.switch("cash_field_2208", "psn")
    twin = visit.output("2208", visit.refund(info))["setlinfo"]
    assert "pdn_cash_pay" not in twin and twin["psn_cash_pay"] == 0


def test_n65_a_visit_is_refunded_once_and_only_by_who_settled_it(visit: Visit) -> None:
    info = visit.settle(visit.charged())
    asked = visit.refund(info)
    assert "未查询到" in visit.refusal("2208", {"data": {**asked["data"], "psn_no": psn_no("P2")}})
    assert "未查询到" in visit.refusal("2208", asked, fixmedins_code=PHARMACY)
    assert "未查询到" in visit.refusal("2103", asked, fixmedins_code=PHARMACY)
    visit.output("2208", asked)
    assert visit.refusal("2208", asked) == "FSI-该结算已退费，不能重复退费"


def test_n65_after_a_refund_the_lines_are_open_again(visit: Visit) -> None:
    content = visit.charged()
    visit.output("2208", visit.refund(visit.settle(content)))
    again = visit.settle(content)
    assert visit.bureau.balance("P1") == "411.44"
    visit.output("2208", visit.refund(again))
    visit.output("2205", {"data": {**visit.named, "chrg_bchno": "0000"}})
    visit.output("2202", visit.cancellation())


def test_n63_batches_are_settled_one_by_one_or_together(visit: Visit) -> None:
    visit.output("2203", visit.diagnosis())
    visit.charge(visit.line("C1", 1, "1.00"), visit.line("C1", 1, "2.00", "B2"), visit.line("C1", 1, "4.00", "B3"))
    visit.bureau.switch("2207_amounts", "optional")
    assert visit.settle(visit.price("1.00"))["medfee_sumamt"] == 1
    assert visit.settle(visit.price("6.00", batch="0000"))["medfee_sumamt"] == 6


def test_n60_the_a_forms_do_the_same(visit: Visit) -> None:
    visit.output("2203A", visit.diagnosis(matn_type="1", geso_val="12"))
    visit.charge(visit.line("C1", 1, "1.00"))
    info = visit.output("2206A", visit.price("1.00"))["setlinfo"]
    content = visit.price("1.00", **{name: str(info[name]) for name in AGREED})
    msgid = visit.bureau.envelope("2207A", content, fixmedins_code=HOSPITAL)["msgid"]
    assert visit.output("2207A", content, msgid=msgid)["setlinfo"]["setl_id"]
    asked = {"data": {"psn_no": psn_no("P1"), "omsgid": msgid, "oinfno": "2207A"}}
    assert visit.output("2601", asked) == {}
    assert visit.bureau.balance("P1") == "500.00"


def test_n63_guangzhous_extra_fields_are_tolerated(visit: Visit) -> None:
    content = visit.charged()
    extra = {"mdtrt_mode": "0", "order_no": "1", "hcard_basinfo": "x", "hcard_chkinfo": "y"}
    content["data"].update(extra)
    assert visit.output("2206", content) and visit.settle(content, recer_admdvs="440100")


def test_n65_a_reversed_visit_settlement_leaves_its_lines_open(visit: Visit) -> None:
    content = visit.charged()
    before = visit.bureau.look("P1")
    msgid = visit.bureau.envelope("2207", content, fixmedins_code=HOSPITAL)["msgid"]
    info = visit.settle(content, msgid=msgid)
    asked = {"data": {"psn_no": psn_no("P1"), "omsgid": msgid, "oinfno": "2207"}}
    assert visit.output("2601", asked) == {} and visit.output("2601", asked) == {}
    assert visit.bureau.look("P1") == before
    assert "未查询到" in visit.refusal("2208", visit.refund(info))
    assert visit.settle(content)


@pytest.mark.parametrize("meanwhile", ["nothing", "deleted"])
def test_n65_a_reversed_visit_refund_closes_its_lines_again(visit: Visit, meanwhile: str) -> None:
    content = visit.charged()
    info = visit.settle(content)
    refund = visit.refund(info)
    msgid = visit.bureau.envelope("2208", refund, fixmedins_code=HOSPITAL)["msgid"]
    visit.output("2208", refund, msgid=msgid)
    asked = {"data": {"psn_no": psn_no("P1"), "omsgid": msgid, "oinfno": "2208"}}
    if meanwhile == "deleted":
        visit.output("2205", {"data": {**visit.named, "chrg_bchno": "0000"}})
        assert "不能冲正" in visit.refusal("2601", asked)
        assert visit.bureau.balance("P1") == "500.00"
        return
    assert visit.output("2601", asked) == {}
    assert visit.bureau.balance("P1") == "411.44"
    assert "已结算" in visit.refusal("2207", content)


def test_n61_who_may_not_register(bureau: Bureau) -> None:
    visit = Visit(bureau)
    for change, text in (
        ({"insutype": "390"}, "该参保人的参保信息为空"),
        ({"psn_no": "1"}, "该参保人的基本信息为空"),
        ({"mdtrt_cert_no": number("P2")}, "就诊凭证与人员编号不一致"),
        ({"mdtrt_cert_type": "01", "mdtrt_cert_no": "x"}, "电子凭证授权已失效"),
        ({"psn_no": psn_no("P6"), "mdtrt_cert_no": number("P6")}, "暂停参保"),
    ):
        assert text in visit.refusal("2201", {"data": visit.registration(**change)})
    assert "不能办理" in visit.refusal("2201", {"data": visit.registration()}, fixmedins_code=PHARMACY)


def test_n61_a_visit_is_known_by_person_number_and_place(visit: Visit) -> None:
    other = {**visit.named, "psn_no": psn_no("P2")}
    assert "未查询到" in visit.refusal("2202", {"data": {**other, "ipt_otp_no": "OP1"}})
    assert "未查询到" in visit.refusal("2202", {"data": {**visit.named, "ipt_otp_no": "OP2"}})
    assert "未查询到" in visit.refusal("2202", visit.cancellation(), fixmedins_code=PHARMACY)
    mixed = [visit.line("A1", 1, "1.00"), {**visit.line("A1", 1, "1.00"), **other}]
    assert "未查询到" in visit.refusal("2204", {"feedetail": mixed})


def test_n62_line_serials_are_the_visits_own(visit: Visit) -> None:
    one = visit.line("A1", 1, "1.00")
    assert "重复" in visit.refusal("2204", {"feedetail": [one, one]})
    visit.charge(one)
    assert "重复" in visit.refusal("2204", {"feedetail": [one]})
    assert "格式" in visit.refusal("2204", {"feedetail": [visit.line("A1", 1, "1.00", batch="0000")]})
    assert "未对照" in visit.refusal("2204", {"feedetail": [visit.line("A1", 1, "1.00", med_list_codg="X")]})
    assert "费用明细List不能为空" in visit.refusal("2204", {"feedetail": []})


def test_n60_a_hospital_numbers_its_own_prescriptions(visit: Visit) -> None:
    visit.bureau.switch("rxno_check", "centre")
    visit.output("2203", visit.diagnosis())
    visit.charge(visit.line("B3", 1, "1.00", rxno="H-1", rx_circ_flag="0"), visit.line("B3", 1, "1.00"))
    assert visit.output("2206", visit.price("2.00"))


@pytest.mark.parametrize(
    "facts, state",
    [
        ((False, False, 0, 0, 0), "registered"),
        ((False, True, 0, 0, 0), "diagnosed"),
        ((False, True, 2, 0, 0), "charged"),
        ((False, True, 0, 1, 0), "settled"),
        ((False, True, 2, 1, 0), "settled"),
        ((False, True, 0, 0, 1), "refunded"),
        ((False, True, 2, 0, 1), "charged"),
        ((True, True, 0, 0, 1), "cancelled"),
    ],
)
def test_n64_a_visits_state_follows_from_its_facts(facts: tuple[bool, bool, int, int, int], state: str) -> None:
    visit = rules.Visit(*facts)
    assert rules.state(visit) == state
    for event, refused in rules.REFUSED.items():
        if state in refused:
            with pytest.raises(Refused, match=refused[state]):
                rules.may(visit, event)
        else:
            rules.may(visit, event)
