"""A quote or a settlement in the platform's own words: setlinfo, setldetail, detlcutinfo of 2101 and 2102."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from mock_providers import clock, switches
from mock_providers.national import benefit
from mock_providers.national.amounts import CENT, yuan
from mock_providers.people import Item, Person

if TYPE_CHECKING:
    from mock_providers.national.ledger import Quote
    from mock_providers.national.purchase import PurchaseLine

FUND = {"310": ("310100", "职工基本医疗保险统筹基金"), "390": ("390100", "城乡居民基本医疗保险基金")}
ACCOUNT = ("310200", "职工基本医疗保险个人账户")
CERT_TYPES = {"id_card": "01", "hk_permit": "04", "passport": "08", "birth_certificate": "99"}
NO_CEILING = Decimal(999999)
OTHER_AMOUNTS = ("balc", "crt_payb_lmt_amt", "fund_payamt", "det_item_fee_sumamt", "overlmt_amt")
NUMBERS = ("pool_prop_selfpay", "selfpay_prop", "cnt", "pric", "pric_uplmt_amt", "age")
REFUND_2103 = (
    *("mdtrt_id", "setl_id", "clr_optins", "medfee_sumamt", "setl_time", "fulamt_ownpay_amt", "overlmt_selfpay"),
    *("preselfpay_amt", "inscp_scp_amt", "act_pay_dedc", "hifp_pay", "pool_prop_selfpay", "cvlserv_pay", "hifes_pay"),
    *("hifmi_pay", "hifob_pay", "maf_pay", "oth_pay", "fund_pay_sumamt", "psn_part_amt", "acct_pay", "psn_cash_pay"),
    *("balc", "acct_mulaid_pay", "medins_setl_id"),
)
NEGATED = [
    "medfee_sumamt",
    "fulamt_ownpay_amt",
    "overlmt_selfpay",
    "preselfpay_amt",
    "inscp_scp_amt",
    "act_pay_dedc",
    "hifp_pay",
    "cvlserv_pay",
    "hifes_pay",
    "hifmi_pay",
    "hifob_pay",
    "maf_pay",
    "oth_pay",
    "fund_pay_sumamt",
    "psn_part_amt",
    "acct_pay",
    "psn_cash_pay",
    "hosp_part_amt",
    "acct_mulaid_pay",
]
switches.declare(
    "national.acct_mulaid_mode",
    "inclusive",
    ("inclusive", "exclusive"),
    kind="choice",
    source="nhsa §2.5 identity 6",
    why="acct_pay includes acct_mulaid_pay, or stands beside it",
)
switches.declare(
    "national.fund_sum_includes_account",
    "false",
    ("false", "true"),
    kind="choice",
    source="nhsa §2.5 identity 3",
    why="Hunan-type platforms leave the personal account out of fund_pay_sumamt, Guangdong-type ones count it",
)
switches.declare(
    "national.cash_field_2208",
    "both",
    ("both", "pdn", "psn"),
    kind="choice",
    source="nhsa §2.7, §A",
    why="2208's cash is pdn_cash_pay in the written edition (a slip that was kept), psn_cash_pay in a live answer",
)


def facts(person: Person, day: datetime) -> dict[str, Any]:
    """Who somebody is: the person fields that 1101 and 2101 share."""
    return {
        "psn_no": person.psn_no,
        "psn_cert_type": CERT_TYPES[person.id_type],
        "certno": person.id_number,
        "psn_name": person.name,
        "gend": {"male": "1", "female": "2"}[person.gender],
        "naty": "",
        "brdy": person.born_on.isoformat(),
        "age": Decimal(benefit.age_on(person.born_on, day.date())).quantize(Decimal("0.1")),
    }


def setlinfo(quote: Quote, mdtrt_id: str = "", medins_setl_id: str = "", setl_id: str = "") -> dict[str, Any]:
    """The header. Amounts are Decimal yuan with two decimals; `setl_id` only in a settlement."""
    split, purchase = quote.split, quote.purchase
    account = split.own_fen + split.wallet_fen
    if switches.value("national.acct_mulaid_mode") == "inclusive":
        account += split.mutual_fen
    fund = split.pooled_fen
    if switches.value("national.fund_sum_includes_account") == "true":
        fund += split.own_fen + split.wallet_fen + split.mutual_fen
    return {
        **({"setl_id": setl_id} if setl_id else {}),
        "mdtrt_id": mdtrt_id,
        **facts(quote.patient.person, purchase.at),
        "insutype": purchase.insutype,
        "psn_type": quote.patient.person_type,
        "cvlserv_flag": "0",
        "setl_time": clock.now().strftime("%Y-%m-%d %H:%M:%S"),
        "mdtrt_cert_type": purchase.mdtrt_cert_type,
        "med_type": purchase.med_type,
        "medfee_sumamt": yuan(split.total_fen),
        "fulamt_ownpay_amt": yuan(split.full_self_fen),
        "overlmt_selfpay": yuan(split.over_limit_fen),
        "preselfpay_amt": yuan(split.first_pay_fen),
        "inscp_scp_amt": yuan(split.in_scope_fen),
        "act_pay_dedc": yuan(split.deductible_fen),
        "hifp_pay": yuan(split.pooled_fen),
        "pool_prop_selfpay": ratio(split.ratio_bp),
        **dict.fromkeys(("cvlserv_pay", "hifes_pay", "hifmi_pay", "hifob_pay", "maf_pay", "oth_pay"), yuan(0)),
        "fund_pay_sumamt": yuan(fund),
        "psn_part_amt": yuan(split.personal_fen),
        "acct_pay": yuan(account),
        "psn_cash_pay": yuan(split.cash_fen),
        "hosp_part_amt": yuan(0),
        "balc": yuan(quote.patient.balance_fen - split.own_fen),
        "acct_mulaid_pay": yuan(split.mutual_fen),
        "medins_setl_id": medins_setl_id,
        "clr_optins": quote.policy.clearing_office,
        "clr_way": "1",
        "clr_type": "41" if quote.place.kind == "pharmacy" else "11",
    }


def ratio(bp: int) -> Decimal:
    """6000 → 0.6000."""
    return (Decimal(bp) / 10_000).quantize(Decimal("0.0001"))


def setldetail(quote: Quote) -> list[dict[str, Any]]:
    """One row per source of money: the fund, and the personal account although it is not in the fund sum."""
    split = quote.split
    rows = []
    if split.pooled_fen:
        fund = FUND[quote.patient.insutype]
        rows.append(_source(fund, split.pooled_scope_fen, split.cap_left_fen, split.pooled_fen))
    if paid := split.own_fen + split.mutual_fen + split.wallet_fen:
        there = split.purses.own_fen + benefit.mutual_left_fen(quote.policy, split.purses) + split.purses.wallet_fen
        rows.append(_source(ACCOUNT, split.in_scope_fen, there, paid))
    return rows


def _source(kind: tuple[str, str], in_scope: int, limit: int, paid: int) -> dict[str, Any]:
    return {
        "fund_pay_type": kind[0],
        "inscp_scp_amt": yuan(in_scope),
        "crt_payb_lmt_amt": yuan(limit),
        "fund_payamt": yuan(paid),
        "fund_pay_type_name": kind[1],
        "setl_proc_info": "",
    }


def detlcutinfo(quote: Quote) -> list[dict[str, Any]]:
    """One row per line: how it was cut."""
    return [cut(line, part) for line, part in zip(quote.purchase.lines, quote.split.lines, strict=True)]


def cut(line: PurchaseLine, part: benefit.LineSplit) -> dict[str, Any]:
    """One row of detlcutinfo."""
    limit = line.item.price_limit_fen
    return {
        "feedetl_sn": line.feedetl_sn,
        "det_item_fee_sumamt": yuan(part.total_fen),
        "cnt": line.quantity.quantize(Decimal("0.0001")),
        "pric": (line.unit_price_fen / 100).quantize(Decimal("0.000001")),
        "pric_uplmt_amt": NO_CEILING if limit is None else (Decimal(limit) / 100).quantize(Decimal("0.000001")),
        "selfpay_prop": ratio(part.first_pay_bp),
        "fulamt_ownpay_amt": yuan(part.full_self_fen),
        "overlmt_amt": yuan(part.over_limit_fen),
        "preselfpay_amt": yuan(part.first_pay_fen),
        "inscp_scp_amt": yuan(part.in_scope_fen),
        "chrgitm_lv": line.item.level,
        "med_chrgitm_type": charge_type(line.item),
        "bas_medn_flag": "0",
        "hi_nego_drug_flag": "1" if line.item.negotiated else "0",
        **dict.fromkeys(("chld_medc_flag", "list_sp_item_flag", "drt_reim_flag"), "0"),
        "memo": "",
    }


def charge_type(item: Item) -> str:
    """med_chrgitm_type: 09 western, 11 patent medicine, 08 consumables and devices, 14 other."""
    if item.kind == "drug":
        return "11" if item.med_list_codg.startswith("Z") else "09"
    return "08" if item.kind in ("device", "consumable") else "14"


def as_text(value: Any) -> Any:
    """The same with amounts as text, for keeping."""
    if isinstance(value, dict):
        return {k: as_text(v) for k, v in value.items()}
    if isinstance(value, list):
        return [as_text(v) for v in value]
    return format(value, "f") if isinstance(value, Decimal) else value


def mirrored(kept: dict[str, Any], setl_id: str, medins_setl_id: str, balance_fen: int) -> dict[str, Any]:
    """The kept header of a settlement as its refund's: every amount negative, the balance as it is now."""
    negative = {name: str(minus(kept[name])) for name in NEGATED}
    about = {"setl_id": setl_id, "medins_setl_id": medins_setl_id, "balc": str(yuan(balance_fen))}
    return {**kept, **negative, **about, "setl_time": clock.now().strftime("%Y-%m-%d %H:%M:%S")}


def mirrored_detail(kept: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The sources of money, negative. What could be paid at most is what can be paid now again."""
    money = ("inscp_scp_amt", "fund_payamt")
    return [{**row, **{name: str(minus(row[name])) for name in money}} for row in kept]


def mirrored_lines(kept: list[dict[str, Any]]) -> list[dict[str, Any]]:
    money = ("det_item_fee_sumamt", "fulamt_ownpay_amt", "overlmt_amt", "preselfpay_amt", "inscp_scp_amt", "cnt")
    return [{**row, **{name: negative(row[name]) for name in money}} for row in kept]


def negative(number: str) -> str:
    """-2.0000 of "2.0000", zero without a sign."""
    return number if not Decimal(number) else format(-Decimal(number), "f")


def spoken(kept: Any) -> Any:
    """What was kept as text, with its amounts and ratios as numbers again."""
    if isinstance(kept, list):
        return [spoken(row) for row in kept]
    return {k: Decimal(v) if _is_number(k) and isinstance(v, str) and v else v for k, v in kept.items()}


def _is_number(name: str) -> bool:
    return name in NEGATED or name in OTHER_AMOUNTS or name in NUMBERS


def refund_2103(kept: dict[str, Any]) -> dict[str, Any]:
    """2103's header: these names in this order; personal burden and cash are called otherwise than in 2102."""
    renamed = {"psn_part_amt": "psn_pay", "psn_cash_pay": "cash_payamt"}
    said = spoken(kept)
    return {renamed.get(name, name): said[name] for name in REFUND_2103}


def refund_2208(kept: dict[str, Any]) -> dict[str, Any]:
    """2208's header: 2103's fields under 2207's names, what the hospital bears, and the cash under either name."""
    said = spoken(kept)
    made = {name: said[name] for name in REFUND_2103 if name != "psn_cash_pay"}
    fields = {"both": ("pdn_cash_pay", "psn_cash_pay"), "pdn": ("pdn_cash_pay",), "psn": ("psn_cash_pay",)}
    cash = dict.fromkeys(fields[switches.value("national.cash_field_2208")], said["psn_cash_pay"])
    return {**made, "hosp_part_amt": said["hosp_part_amt"], **cash}


def minus(amount: str) -> Decimal:
    """-12.30 of "12.30"; zero stays 0.00 without a sign."""
    return (Decimal(0) - Decimal(amount)).quantize(CENT)
