"""Whatever comes, signed or not: an answer in the vendor's words, never a 500."""

import json
from base64 import urlsafe_b64encode
from typing import Any
from urllib.parse import quote

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.mock_providers.wechatpay.merchant import Merchant

PATHS = [
    "/v3/pay/transactions/jsapi",
    "/v3/pay/transactions/out-trade-no/GARBAGE-01/close",
    "/v3/refund/domestic/refunds",
    "/v3/med-ins/orders",
    "/v3/med-ins/refunds/notify?mix_trade_no=1",
    "/v3/refund/domestic/refunds/5030/apply-abnormal-refund",
]
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
LEAF = st.none() | st.booleans() | st.integers() | FLOATS | st.text(max_size=8)
JSON = st.recursive(
    LEAF, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
)
patient = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def harmless(answer: Any) -> None:
    assert answer.status_code < 500, answer.text
    if answer.status_code >= 400 and answer.data:
        assert {"code", "message"} <= answer.json.keys()


def bodies(merchant: Merchant) -> list[dict[str, Any]]:
    refund = {
        "out_trade_no": "GARBAGE-01",
        "out_refund_no": "R",
        "amount": {"refund": 1, "total": 1, "currency": "CNY"},
    }
    report = {f"med_refund_{part}_fee": 0 for part in ("total", "gov", "self", "other")}
    return [
        merchant.order("GARBAGE-01"),
        {"mchid": merchant.held["mchid"]},
        refund,
        merchant.mixed("GARBAGE-01", "INSURANCE_ONLY"),
        {**report, "refund_time": "2026-01-01T00:00:00Z", "out_refund_no": "R"},
        {
            "out_refund_no": "R",
            "type": "USER_BANK_CARD",
            "bank_type": "CMB_DEBIT",
            "bank_account": "",
            "real_name": "",
        },
    ]


@pytest.mark.parametrize("which", range(len(PATHS)))
def test_any_value_in_any_place(merchant: Merchant, which: int) -> None:
    good = bodies(merchant)[which]

    @patient
    @given(st.dictionaries(st.sampled_from(sorted(good)), JSON, min_size=1, max_size=3))
    def throw(changes: dict[str, Any]) -> None:
        harmless(merchant.call("POST", PATHS[which], raw=json.dumps({**good, **changes}).encode()))

    throw()


@patient
@given(raw=st.binary(max_size=60), path=st.sampled_from(PATHS))
def test_any_signed_bytes(merchant: Merchant, raw: bytes, path: str) -> None:
    harmless(merchant.call("POST", path, raw=raw, headers={"Content-Type": "application/json"}))


@patient
@given(
    authorization=st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=80),
    path=st.sampled_from([*PATHS, "/v3/certificates", "/v3/%ff", "/v3/../..", "/x"]),
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"]),
)
def test_any_authorization(client: FlaskClient, authorization: str, path: str, method: str) -> None:
    headers = {"Authorization": authorization, "Accept": "*/*", "User-Agent": "x"}
    harmless(client.open(f"/wechatpay{path}", method=method, headers=headers, data=b"{}"))


@pytest.mark.parametrize("name", ["张" * 350_000, "😀", "\0", "\ud800"])
def test_a_megabyte_an_emoji_a_nul(merchant: Merchant, name: str) -> None:
    raw = json.dumps(merchant.order("GARBAGE-02", description=name)).encode()
    answer = merchant.call("POST", PATHS[0], raw=raw)
    assert (answer.status_code, answer.json["code"]) == (400, "PARAM_ERROR")


@patient
@given(
    params=st.dictionaries(
        st.sampled_from(["appId", "timeStamp", "nonceStr", "package", "signType", "paySign", "mixTradeNo"]), JSON
    )
)
def test_any_tap_on_the_phone(merchant: Merchant, client: FlaskClient, params: dict[str, Any]) -> None:
    for call in ("pay", "medical-pay"):
        answer = client.post(f"/_mock/phone/wechatpay/{call}", json={"params": params})
        assert answer.status_code == 200
        assert ":fail" in answer.json["errMsg"]  # type: ignore[index]


@pytest.mark.parametrize(
    "path",
    ["bill/tradebill?bill_date=", "bill/fundflowbill?bill_date=", "billdownload/file?token=", "bill/tradebill?"],
)
def test_any_query_of_a_bill(merchant: Merchant, path: str) -> None:
    @patient
    @given(
        st.text(max_size=30)
        | st.dates().map(str)
        | st.binary(max_size=80).map(lambda raw: urlsafe_b64encode(raw).decode())
    )
    def throw(text: str) -> None:
        harmless(merchant.get(f"/v3/{path}{quote(text, safe='=&')}"))

    throw()
