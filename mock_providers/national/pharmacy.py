"""A pharmacy's counter: 2101 药店预结算, 2102 药店结算, 2103 药店结算撤销 (sheet §2.5, §2.6)."""

from typing import Any

from mock_providers.national import fields, ledger, line_serials, purchase, setlinfo
from mock_providers.national.gateway import Call, transaction
from mock_providers.national.insured import check_credential, insured_person
from mock_providers.national.models import Settlement
from mock_providers.national.purchase import Purchase
from mock_providers.national.texts import Refused
from mock_providers.people import world

PHARMACY, BUSINESSES = "pharmacy", ("02121",)
DRUGINFO = fields.table("""
psn_no C30 Y
mdtrt_cert_type C3 Y mdtrt_cert_type
mdtrt_cert_no C50
begntime DT Y
medfee_sumamt N16,2 Y
invono C20
insutype C6 Y insutype
dise_codg C30
dise_name C500
acct_used_flag C3 Y acct_used_flag
med_type C6 Y med_type
expContent C4000
""")
DRUGDETAIL = fields.table("""
feedetl_sn C30 Y
rxno C40
rx_circ_flag C3 Y rx_circ_flag
fee_ocur_time DT Y
med_list_codg C50 Y
medins_list_codg C150 Y
det_item_fee_sumamt N16,2 Y
cnt N16,4 Y
pric N16,6 Y
sin_dos_dscr C200
used_frqu_dscr C200
prd_days N4,2
medc_way_dscr C200
bilg_dr_codg C30
bilg_dr_name C50
tcmdrug_used_way C6 tcmdrug_used_way
""")
REFUND = fields.table("""
setl_id C30 Y
mdtrt_id C30 Y
psn_no C30 Y
expContent C4000
""")


@transaction("2101")
def preview(call: Call) -> dict[str, Any]:
    """药店预结算: what the purchase would cost whom. Nothing is booked."""
    bought = _purchase(call)
    quote = ledger.presettle(bought)
    line_serials.check(bought.institution, bought.serials)
    return {
        "setlinfo": setlinfo.setlinfo(quote, ledger.new_mdtrt_id(), call.msgid),
        "setldetail": setlinfo.setldetail(quote),
        "detlcutinfo": setlinfo.detlcutinfo(quote),
    }


@transaction("2102")
def settle(call: Call) -> dict[str, Any]:
    """药店结算: as 2101, and booked."""
    bought = _purchase(call)
    _only_pharmacies(call)
    made = ledger.commit_settlement(bought, call.msgid, kind=PHARMACY, infno=call.infno, about=operator(call))
    line_serials.keep(made.institution, made.mdtrt_id, bought.serials)
    return {name: setlinfo.spoken(kept) for name, kept in _parts(made).items()}


@transaction("2103")
def refund(call: Call) -> dict[str, Any]:
    """药店结算撤销: all of it goes back to where it came from; the negative twin is a settlement of its own."""
    data = fields.node(call.input, "data")
    fields.check(data, REFUND)
    _only_pharmacies(call)
    first = ours(call, data, PHARMACY)
    twin = ledger.reverse_settlement(first.setl_id, call.msgid, call.infno)
    line_serials.release(first.mdtrt_id)
    return {
        "setlinfo": setlinfo.refund_2103(twin.setlinfo),
        "setldetail": setlinfo.spoken(twin.detail["setldetail"]),
    }


def _purchase(call: Call) -> Purchase:
    head = fields.node(call.input, "druginfo")
    fields.check(head, DRUGINFO)
    person = insured_person(call, head)
    check_credential(call, head, person, BUSINESSES)
    lines = fields.rows(call.input, "drugdetail")
    for line in lines:
        fields.check(line, DRUGDETAIL)
    return purchase.read(person.id, call.envelope["fixmedins_code"], head, lines)


def _parts(made: Settlement) -> dict[str, Any]:
    return {"setlinfo": made.setlinfo, **{name: made.detail[name] for name in ("setldetail", "detlcutinfo")}}


def _only_pharmacies(call: Call) -> None:
    if world().institutions[call.envelope["fixmedins_code"]].kind != PHARMACY:
        raise Refused("SIM-KIND")


def ours(call: Call, data: dict[str, Any] | Any, kind: str) -> Settlement:
    """The settlement that setl_id, mdtrt_id and psn_no name together, made by this institution. Raises SIM-NOSETL."""
    found = ledger.settlement(fields.text(data, "setl_id", 30, needed=True))
    person = world().by_psn_no.get(fields.text(data, "psn_no", 30, needed=True))
    said = (fields.text(data, "mdtrt_id", 30, needed=True), person and person.id, call.envelope["fixmedins_code"])
    if found is None or found.kind != kind or (found.mdtrt_id, found.person, found.institution) != said:
        raise Refused("SIM-NOSETL")
    return found


def operator(call: Call) -> dict[str, str]:
    """Who stood at the counter, for 5203 and 5204."""
    return {name: call.envelope[name] for name in ("opter", "opter_name")}
