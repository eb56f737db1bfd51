"""Every field of the tables of payment, refunds and bills: its type, length, pattern, words, and whether it must be.

The tables stand here once more, as the protocol sheet has them (§3.1, §3.3, §4.1, §7), not as the mock keeps them.
"""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any

import pytest

from mock_providers.wechatpay import schema, shapes
from mock_providers.wechatpay.schema import Field

GOODS = {
    "merchant_goods_id": "g",
    "wechatpay_goods_id": "1001",
    "goods_name": "样例",
    "quantity": 1,
    "unit_price": 1,
}
COMMON = {
    "description": "样例药品",
    "out_trade_no": "ORDER-0001",
    "time_expire": "2030-01-01T00:00:00+08:00",
    "attach": "a",
    "notify_url": "https://a.example/pay",
    "goods_tag": "WXG",
    "support_fapiao": True,
    "amount": {"total": 1, "currency": "CNY"},
    "detail": {"cost_price": 1, "invoice_id": "i", "goods_detail": [GOODS]},
    "scene_info": {
        "payer_client_ip": "::1",
        "device_id": "d",
        "store_info": {"id": "s", "name": "n", "area_code": "460100", "address": "a"},
    },
    "settle_info": {"profit_sharing": False},
    "limit_pay": ["no_balance"],
}
BODIES: Mapping[str, tuple[Mapping[str, Field], dict[str, Any]]] = {
    "order": (shapes.ORDER, {"appid": "wx1", "mchid": "19", "payer": {"openid": "o"}, **COMMON}),
    "partner order": (
        shapes.PARTNER_ORDER,
        {
            "sp_appid": "wx1",
            "sp_mchid": "19",
            "sub_appid": "wx2",
            "sub_mchid": "20",
            "payer": {"sp_openid": "o", "sub_openid": "p"},
            **COMMON,
        },
    ),
    "query and close": (shapes.MERCHANT, {"mchid": "19"}),
    "partner query and close": (shapes.PARTNER, {"sp_mchid": "19", "sub_mchid": "20"}),
    "refund": (
        shapes.REFUND,
        {
            "sub_mchid": "20",
            "transaction_id": "4200",
            "out_trade_no": "ORDER-0001",
            "out_refund_no": "R1",
            "reason": "r",
            "notify_url": "https://a.example/refund",
            "funds_account": "AVAILABLE",
            "amount": {
                "refund": 1,
                "total": 1,
                "currency": "CNY",
                "from": [{"account": "AVAILABLE", "amount": 1}],
            },
            "goods_detail": [
                {
                    "merchant_goods_id": "g",
                    "wechatpay_goods_id": "w",
                    "goods_name": "n",
                    "unit_price": 1,
                    "refund_amount": 1,
                    "refund_quantity": 1,
                }
            ],
        },
    ),
    "abnormal refund": (
        shapes.ABNORMAL_REFUND,
        {
            "sub_mchid": "20",
            "out_refund_no": "R1",
            "type": "USER_BANK_CARD",
            "bank_type": "ICBC_DEBIT",
            "bank_account": "sealed",
            "real_name": "sealed",
        },
    ),
    "trade bill": (
        shapes.TRADE_BILL,
        {"bill_date": "2026-01-01", "bill_type": "ALL", "tar_type": "GZIP", "sub_mchid": "20"},
    ),
    "fund flow": (
        shapes.FLOW_BILL,
        {"bill_date": "2026-01-01", "account_type": "BASIC", "tar_type": "GZIP"},
    ),
}
ORDER_REQUIRED = ["description", "out_trade_no", "notify_url", "amount", "amount/total", "payer"]
ORDER_REQUIRED += [f"detail/goods_detail/0/{name}" for name in ("merchant_goods_id", "quantity", "unit_price")]
ORDER_REQUIRED += ["scene_info/payer_client_ip", "scene_info/store_info/id"]
REQUIRED = {
    "order": ["appid", "mchid", "payer/openid", *ORDER_REQUIRED],
    "partner order": ["sp_appid", "sp_mchid", "sub_mchid", *ORDER_REQUIRED],
    "query and close": ["mchid"],
    "partner query and close": ["sp_mchid", "sub_mchid"],
    "refund": ["out_refund_no", "amount", "amount/refund", "amount/total", "amount/currency"]
    + ["amount/from/0/account", "amount/from/0/amount", "goods_detail/0/merchant_goods_id"]
    + [f"goods_detail/0/{name}" for name in ("unit_price", "refund_amount", "refund_quantity")],
    "abnormal refund": ["out_refund_no", "type"],
    "trade bill": ["bill_date"],
    "fund flow": ["bill_date"],
}
ORDER_LENGTHS = {
    "description": 127,
    "out_trade_no": 32,
    "time_expire": 64,
    "notify_url": 255,
    "goods_tag": 32,
    "detail/invoice_id": 32,
    "detail/goods_detail/0/merchant_goods_id": 32,
    "detail/goods_detail/0/wechatpay_goods_id": 32,
    "detail/goods_detail/0/goods_name": 256,
    "scene_info/payer_client_ip": 45,
    "scene_info/device_id": 32,
    "scene_info/store_info/id": 32,
}
CHARACTERS = {
    "order": {"appid": 32, "mchid": 32, "payer/openid": 128, **ORDER_LENGTHS},
    "partner order": {
        **dict.fromkeys(("sp_appid", "sp_mchid", "sub_appid", "sub_mchid"), 32),
        "payer/sp_openid": 128,
        "payer/sub_openid": 128,
        **ORDER_LENGTHS,
    },
    "query and close": {"mchid": 32},
    "partner query and close": {"sp_mchid": 32, "sub_mchid": 32},
    "refund": {
        "sub_mchid": 32,
        "transaction_id": 32,
        "out_trade_no": 32,
        "out_refund_no": 64,
        "notify_url": 256,
        "goods_detail/0/merchant_goods_id": 32,
        "goods_detail/0/wechatpay_goods_id": 32,
        "goods_detail/0/goods_name": 256,
    },
    "abnormal refund": {"out_refund_no": 64, "bank_account": 1024, "real_name": 1024},
    "trade bill": {"sub_mchid": 32},
}
BYTES = {"order": {"attach": 128}, "partner order": {"attach": 128}, "refund": {"reason": 80}}
NUMBERS_PATTERN = r"^[0-9a-zA-Z_\-\|\*]+$"
PATTERNS = {
    ("order", "out_trade_no"): (["AZaz09_-|*", "sixsix"], ["a bcdef", "六个字符以上", "semi;colon", "at@sign"]),
    ("refund", "out_trade_no"): (["AZaz09_-|*"], ["at@sign"]),
    ("refund", "out_refund_no"): (["AZaz09_-|*@", "1"], ["a b", "字", "a;b"]),
    ("abnormal refund", "out_refund_no"): (["AZaz09_-|*@"], ["a b"]),
    ("order", "notify_url"): (
        ["http://localhost:8000/x", "https://a.example/x", "https://a.example"],
        ["https://a.example/x?a=1", "ftp://a.example/", "https://a.example/#x", "https://a b/", " https://a.example"],
    ),
    ("refund", "notify_url"): (["http://127.0.0.1:9/x"], ["https://a.example/x?a=1", "a.example"]),
    ("trade bill", "bill_date"): (["2026-01-31"], ["20260131", "2026-1-31", "2026-01-3x"]),
}
TRADE_KINDS = ["ALL", "SUCCESS", "REFUND", "RECHARGE_REFUND", "ALL_SPECIAL", "SUC_SPECIAL", "REF_SPECIAL"]
BANKS = ["CMB", "COMM", "ABC", "CCB", "ICBC", "BOC", "PAB", "SPDB", "CITIC", "CEB", "CMBC", "CIB", "GDB"]
BANKS += ["PSBC", "NBCB"]
WORDS = {
    ("order", "amount/currency"): ["CNY"],
    ("partner order", "amount/currency"): ["CNY"],
    ("refund", "amount/currency"): ["CNY"],
    ("refund", "funds_account"): ["AVAILABLE", "UNSETTLED"],
    ("refund", "amount/from/0/account"): ["AVAILABLE", "UNAVAILABLE"],
    ("abnormal refund", "type"): ["USER_BANK_CARD", "MERCHANT_BANK_CARD"],
    ("abnormal refund", "bank_type"): [f"{bank}_DEBIT" for bank in BANKS],
    ("trade bill", "bill_type"): TRADE_KINDS,
    ("trade bill", "tar_type"): ["GZIP"],
    ("fund flow", "account_type"): ["BASIC", "OPERATION", "FEES"],
    ("fund flow", "tar_type"): ["GZIP"],
}
WHOLE_FROM = {
    "order": {"amount/total": 1, "detail/cost_price": 0, "detail/goods_detail/0/unit_price": 0},
    "refund": {"amount/refund": 1, "amount/total": 1, "amount/from/0/amount": 1},
}


def changed(body: Mapping[str, Any], pointer: str, value: Any) -> dict[str, Any]:
    """The body with one member changed; None takes it away."""
    made = deepcopy(dict(body))
    *way, last = pointer.split("/")
    at: Any = made
    for step in way:
        at = at[int(step)] if step.isdigit() else at[step]
    if value is None:
        del at[last]
    else:
        at[last] = value
    return made


def fits(kind: str, pointer: str, value: Any) -> None:
    fields, body = BODIES[kind]
    schema.read(fields, changed(body, pointer, value))


def refusal(kind: str, pointer: str, value: Any) -> schema.Invalid:
    fields, body = BODIES[kind]
    with pytest.raises(schema.Invalid) as caught:
        schema.read(fields, changed(body, pointer, value))
    assert f"“/body/{pointer}”" in caught.value.message
    assert caught.value.detail["location"] == "body"
    return caught.value


def leaves(value: Any, way: str = "") -> Iterator[tuple[str, Any]]:
    if way:
        yield way, value
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, one in inner:
        yield from leaves(one, f"{way}/{name}" if way else str(name))


@pytest.mark.parametrize("kind", BODIES)
def test_a_body_with_every_field_of_its_table_is_taken_whole(kind: str) -> None:
    fields, body = BODIES[kind]
    assert schema.read(fields, body) == body


@pytest.mark.parametrize("kind", BODIES)
def test_the_table_here_knows_every_field_the_mock_knows(kind: str) -> None:
    fields, body = BODIES[kind]

    def names(shape: Any) -> Any:
        if isinstance(shape, schema.Group):
            return {name: names(inner) for name, inner in shape.fields.items()}
        return [names(shape.of)] if isinstance(shape, schema.Many) else None

    def shown(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: shown(inner) for name, inner in value.items()}
        return [shown(value[0])] if isinstance(value, list) else None

    assert {name: names(shape) for name, shape in fields.items()} == shown(body)


@pytest.mark.parametrize(("kind", "pointer"), [(kind, one) for kind, all_ in REQUIRED.items() for one in all_])
def test_a_required_field_is_missed(kind: str, pointer: str) -> None:
    found = refusal(kind, pointer, None)
    assert found.message.endswith("必填性规则校验失败，此字段为必填项")
    assert found.message.startswith(f"输入源“/body/{pointer}”映射到字段“")
    assert found.detail == {"location": "body", "value": ""}


@pytest.mark.parametrize("kind", BODIES)
def test_no_other_field_is_missed(kind: str) -> None:
    fields, body = BODIES[kind]
    for pointer, _ in leaves(body):
        if pointer not in REQUIRED[kind] and not pointer.endswith("/0"):
            schema.read(fields, changed(body, pointer, None))


@pytest.mark.parametrize("kind", BODIES)
def test_every_field_wants_its_own_json_type(kind: str) -> None:
    _fields, body = BODIES[kind]
    words = {
        str: "一个 string 类型的 Json 值",
        bool: "一个 bool 类型的 Json 值",
        int: "一个合法的 64 位有符号整数",
        dict: "一个 object 类型的 Json 值",
        list: "一个 array 类型的 Json 值",
    }
    for pointer, value in leaves(body):
        if pointer.rpartition("/")[2].isdigit():
            continue
        for wrong in ("text", 7, 0.01, True, {"a": 1}, ["a"]):
            if type(wrong) is type(value):
                continue
            message = refusal(kind, pointer, wrong).message
            assert message.startswith(f"无法将 JSON 输入源“/body/{pointer}”映射到目标字段“")
            assert message.endswith(f"此字段需要{words[type(value)]}")


@pytest.mark.parametrize(
    ("kind", "pointer", "most"), [(kind, *row) for kind, rows in CHARACTERS.items() for row in rows.items()]
)
def test_a_text_has_its_longest_length_in_characters(kind: str, pointer: str, most: int) -> None:
    letter = "a" if pointer.endswith("_no") or "url" in pointer else "字"
    start = "https://a.example/" if "url" in pointer else ""
    fits(kind, pointer, start + letter * (most - len(start)))
    found = refusal(kind, pointer, start + letter * (most + 1 - len(start)))
    assert found.message.endswith(f"字符串规则校验失败，字符数 {most + 1}，大于最大值 {most}")
    assert found.detail["value"] == most + 1


@pytest.mark.parametrize(
    ("kind", "pointer", "most"), [(kind, *row) for kind, rows in BYTES.items() for row in rows.items()]
)
def test_a_text_has_its_longest_length_in_bytes(kind: str, pointer: str, most: int) -> None:
    fits(kind, pointer, "字" * (most // 3) + "a" * (most % 3))
    found = refusal(kind, pointer, "字" * (most // 3) + "a" * (most % 3 + 1))
    assert found.message.endswith(f"字符串规则校验失败，字节数 {most + 1}，大于最大值 {most}")


@pytest.mark.parametrize(("kind", "pointer"), [("order", "description"), ("refund", "out_refund_no")])
def test_a_required_text_of_no_characters_is_too_short(kind: str, pointer: str) -> None:
    found = refusal(kind, pointer, "")
    assert found.message.endswith("字符串规则校验失败，字符数 0，小于最小值 1")
    assert found.detail["value"] == 0


def test_an_order_number_has_six_characters_at_least() -> None:
    fits("order", "out_trade_no", "123456")
    assert "字符数 5，小于最小值 6" in refusal("order", "out_trade_no", "12345").message


@pytest.mark.parametrize(("place", "rows"), PATTERNS.items())
def test_a_text_fits_its_pattern(place: tuple[str, str], rows: tuple[list[str], list[str]]) -> None:
    for good in rows[0]:
        fits(*place, good)
    for bad in rows[1]:
        found = refusal(*place, bad)
        assert "字符串必须匹配正则表达式“^" in found.message, bad
        assert found.detail["value"] == bad


def test_the_pattern_of_order_numbers_is_quoted_as_the_gateway_quotes_it() -> None:
    message = refusal("order", "out_trade_no", "订单号订单号").message
    assert message == (
        f"输入源“/body/out_trade_no”映射到值字段“商户订单号”字符串规则校验失败，字符串必须匹配正则表达式“{NUMBERS_PATTERN}”"
    )


@pytest.mark.parametrize(("place", "words"), WORDS.items())
def test_an_enumeration_knows_its_words_and_no_other(place: tuple[str, str], words: list[str]) -> None:
    for word in words:
        fits(*place, word)
    for wrong in ("NOT_A_WORD", words[0].lower(), f"{words[0]} "):
        assert "枚举" in refusal(*place, wrong).message


@pytest.mark.parametrize(
    ("kind", "pointer", "least"), [(kind, *row) for kind, rows in WHOLE_FROM.items() for row in rows.items()]
)
def test_an_amount_has_its_least_value(kind: str, pointer: str, least: int) -> None:
    fits(kind, pointer, least)
    found = refusal(kind, pointer, least - 1)
    assert found.message.endswith(f"规则校验失败，值低于最小值 {least}")
    assert found.internal == 268435464


def test_characters_beyond_the_basic_plane_are_refused_everywhere() -> None:
    for kind, (_, body) in BODIES.items():
        for pointer, value in leaves(body):
            if isinstance(value, str) and not pointer.endswith("/0"):
                refusal(kind, pointer, "笑😀")
