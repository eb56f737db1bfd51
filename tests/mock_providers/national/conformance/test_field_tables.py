"""nhsa.md §2.1-§2.8, every field of every table: missing, too long, of no dictionary, of another form; unknown."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from mock_providers.national import fields, outpatient_fields, pharmacy, reversal, transactions
from mock_providers.national.fields import Field
from tests.mock_providers.national.conformance.fixtures import HOSPITAL, PHARMACY, Bureau, e1, number, psn_no
from tests.mock_providers.national.conformance.test_outpatient import Visit

Call = tuple[str, dict[str, Any], dict[str, Any]]


def counter(infno: str, node: str) -> Callable[[Bureau], Call]:
    def make(bureau: Bureau) -> Call:
        content = e1()
        return infno, content, content[node] if node == "druginfo" else content[node][0]

    return make


def visit(infno: str, node: str) -> Callable[[Bureau], Call]:
    def make(bureau: Bureau) -> Call:
        one = Visit(bureau)
        contents = {
            "2201": lambda: {"data": one.registration()},
            "2202": one.cancellation,
            "2203": one.diagnosis,
            "2204": lambda: {"feedetail": [one.line("A1", 1, "1.00")]},
            "2205": lambda: {"data": {**one.named, "chrg_bchno": "B1"}},
            "2206": lambda: one.price("1.00"),
            "2207": one.charged,
        }
        content = contents[infno]()
        found = content[node]
        return infno, content, found[0] if isinstance(found, list) else found

    return make


def named(infno: str, **more: str) -> Callable[[Bureau], Call]:
    def make(bureau: Bureau) -> Call:
        data = {"psn_no": psn_no("P1"), **more}
        return infno, {"data": data}, data

    return make


def asked(infno: str, node: str, **given: str) -> Callable[[Bureau], Call]:
    """9001, 9002, 1101, 1201 and 2001: one node, of the fields given."""

    def make(bureau: Bureau) -> Call:
        content = {node: dict(given)}
        return infno, content, content[node]

    return make


def signed_in(bureau: Bureau) -> Call:
    content = {"signOut": {"sign_no": bureau.sign_in(), "opter_no": "001"}}
    return "9002", content, content["signOut"]


ENTITLED = {"psn_no": psn_no("P1"), "insutype": "310", "fixmedins_code": PHARMACY, "med_type": "41"}
REFUND = {"setl_id": "1", "mdtrt_id": "1"}
TABLES: dict[str, tuple[Callable[[Bureau], Call], Sequence[Field]]] = {
    "9001.signIn": (asked("9001", "signIn", opter_no="001", mac="00", ip="10.0.0.1"), transactions.SIGN_IN),
    "9002.signOut": (signed_in, transactions.SIGN_OUT),
    "1101.data": (asked("1101", "data", mdtrt_cert_type="02", mdtrt_cert_no=number("P1")), transactions.PERSON),
    "1201.medinsinfo": (asked("1201", "medinsinfo", fixmedins_type="2"), transactions.INSTITUTION),
    "2001.data": (asked("2001", "data", **ENTITLED, begntime="2025-01-02 03:00:00"), transactions.ENTITLEMENT),
    "2101.druginfo": (counter("2101", "druginfo"), pharmacy.DRUGINFO),
    "2101.drugdetail": (counter("2101", "drugdetail"), pharmacy.DRUGDETAIL),
    "2102.druginfo": (counter("2102", "druginfo"), pharmacy.DRUGINFO),
    "2102.drugdetail": (counter("2102", "drugdetail"), pharmacy.DRUGDETAIL),
    "2103.data": (named("2103", **REFUND), pharmacy.REFUND),
    "2201.data": (visit("2201", "data"), outpatient_fields.REGISTRATION),
    "2202.data": (visit("2202", "data"), outpatient_fields.CANCELLATION),
    "2203.mdtrtinfo": (visit("2203", "mdtrtinfo"), outpatient_fields.VISIT),
    "2203.diseinfo": (visit("2203", "diseinfo"), outpatient_fields.DIAGNOSIS),
    "2204.feedetail": (visit("2204", "feedetail"), outpatient_fields.LINE),
    "2205.data": (visit("2205", "data"), outpatient_fields.WITHDRAWAL),
    "2206.data": (visit("2206", "data"), outpatient_fields.PRICE),
    "2207.data": (visit("2207", "data"), (*outpatient_fields.PRICE, *outpatient_fields.SETTLEMENT)),
    "2208.data": (named("2208", **REFUND), outpatient_fields.REFUND),
    "2601.data": (named("2601", omsgid="1", oinfno="2102"), reversal.REVERSAL),
}


def wrong(field: Field) -> Iterator[tuple[Any, str]]:
    """Values a field must not have, and what the refusal holds."""
    name = fields.name_of(field.name)
    if field.needed:
        yield from ((None, f"{name}不能为空"), ("", f"{name}不能为空"), ("  ", f"{name}不能为空"))
    if field.kind == "C":
        yield "9" * (field.size + 1), f"{name}长度超过限制"
        yield {"a": 1}, f"{name}格式"
        if field.dictionary:
            yield "8" * min(field.size, 2), f"{name}格式"
    elif field.kind == "N":
        yield "1" * (field.size - field.places + 1), f"{name}长度超过限制"
        yield f"0.{'0' * field.places}1", f"{name}格式"
        yield from (("x", f"{name}格式"), ("-1", f"{name}格式"), (True, f"{name}格式"), ([1], f"{name}"))
    else:
        yield "2025/01/02 03:04:05" if field.kind == "DT" else "2025/01/02", f"{name}格式"
        yield "2025-02-30 03:04:05" if field.kind == "DT" else "2025-02-30", f"{name}格式"
        yield "2025-01-02 03:04:05x", f"{name}长度超过限制"


@pytest.mark.parametrize("name, field", [(name, field) for name, (_, table) in TABLES.items() for field in table])
def test_n27_n60_every_field_is_held_against_its_table(bureau: Bureau, name: str, field: Field) -> None:
    make, _ = TABLES[name]
    infno, content, node = make(bureau)
    right = node.get(field.name)
    for value, text in wrong(field):
        node[field.name] = value
        more = {"fixmedins_code": HOSPITAL} if infno.startswith("22") else {}
        assert text in bureau.refusal(infno, content, **more), (field.name, value)
    node[field.name] = right


@pytest.mark.parametrize(
    "name", [name for name in TABLES if not name.startswith(("2103", "2205", "2206", "2208", "2601"))]
)
def test_n27_n60_unknown_fields_are_tolerated(bureau: Bureau, name: str) -> None:
    infno, content, node = TABLES[name][0](bureau)
    node.update({"expContent": "x", "anything": [1, {"a": None}], "中文": True})
    assert (
        bureau.output(infno, content, **({"fixmedins_code": HOSPITAL} if infno.startswith("22") else {})) is not None
    )


def test_n27_a_whole_table_is_read_as_the_sheet_writes_it() -> None:
    table = fields.table("""
psn_no C30 Y
insutype C6 Y insutype
cnt N16,4
day D
""")
    assert table == (
        Field("psn_no", "C", 30, 0, True, ""),
        Field("insutype", "C", 6, 0, True, "insutype"),
        Field("cnt", "N", 16, 4, False, ""),
        Field("day", "D", 19, 0, False, ""),
    )
