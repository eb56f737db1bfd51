"""Every mistake of a WeChat Pay merchant is made, and the explanation names exactly it, first."""

import html
import json
from base64 import b64encode, urlsafe_b64encode
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mock_providers.explain import told, wechatpay
from mock_providers.explain.merchant import Seen
from mock_providers.explain.pay_sign import pay_sign
from tests.mock_providers.explain import shop
from tests.mock_providers.explain.shop import (
    BODY,
    HASHES,
    NONCE,
    NOW,
    QUERY,
    SERIAL,
    TARGET,
    got,
    notified,
    paid,
    sent,
)

VALUE = json.loads(BODY)


def rewritten(**how: Any) -> bytes:
    return json.dumps(VALUE, **{"ensure_ascii": False, "separators": (",", ":"), **how}).encode()


REQUESTS: dict[str, Any] = {
    "newline_missing": lambda: sent(framed=b"\n".join),
    "newline_extra": lambda: sent(framed=lambda parts: shop.frame(parts) + b"\n"),
    "newline_literal": lambda: sent(framed=lambda parts: b"\\n".join(parts) + b"\\n"),
    "newline_none": lambda: sent(framed=b"".join),
    "crlf": lambda: sent(framed=lambda parts: b"\r\n".join(parts) + b"\r\n"),
    "line_order": lambda: sent(framed=lambda p: shop.frame([p[0], p[1], p[3], p[2], p[4]])),
    "body_line_left_out": lambda: got(framed=lambda parts: shop.frame(parts[:4])),
    "answer_form": lambda: sent(framed=lambda parts: shop.frame(parts[2:])),
    "bom": lambda: sent(signed_body=b"\xef\xbb\xbf" + BODY),
    "text_unknown": lambda: sent(signed_body=b"something else altogether"),
    "hashed_twice": lambda: sent(signing=shop.twice),
    "body_left_out": lambda: sent(signed_body=b""),
    "body_empty_object": lambda: sent(body=b"", signed_body=b"{}"),
    "body_trimmed": lambda: sent(body=BODY + b"\n", signed_body=BODY),
    "body_of_another": lambda: sent(signed_body=b'{"other":"request"}'),
    "body_changed": lambda: sent(signed_body=BODY.replace(b"100", b"900")),
    "json_spaces": lambda: sent(signed_body=rewritten(separators=(", ", ": "))),
    "json_indent": lambda: sent(signed_body=rewritten(indent=2, separators=(",", ": "))),
    "json_key_order": lambda: sent(signed_body=rewritten(sort_keys=True)),
    "json_unicode_escapes": lambda: sent(signed_body=rewritten(ensure_ascii=True)),
    "json_slash_escapes": lambda: sent(signed_body=BODY.replace(b"/", b"\\/")),
    "charset_gbk": lambda: sent(signed_body=BODY.decode().encode("gb18030")),
    "charset_twice": lambda: sent(signed_body=BODY.decode("latin-1").encode()),
    "charset_question_marks": lambda: sent(signed_body=BODY.decode().encode("latin-1", "replace")),
    "decoded_twice": lambda: sent(signed_body=unquote(BODY.decode()).encode()),
    "html_escaped": lambda: sent(signed_body=html.escape(BODY.decode()).encode()),
    "method_case": lambda: sent(signed_method="post"),
    "method_other": lambda: sent(signed_method="PUT"),
    "path_prefix": lambda: sent(signed_target="/api" + TARGET),
    "path_prefix_left_out": lambda: sent(signed_target=TARGET.removeprefix("/v3")),
    "path_slash": lambda: sent(signed_target=TARGET + "/"),
    "path_decoded": lambda: sent(
        target="/v3/refund/domestic/refunds/a%7Cb", signed_target="/v3/refund/domestic/refunds/a|b"
    ),
    "absolute_url": lambda: sent(signed_target=f"https://api.mch.weixin.qq.com{TARGET}"),
    "query_left_out": lambda: got(signed_target=QUERY.partition("?")[0]),
    "query_decoded": lambda: got(signed_target=unquote(QUERY)),
    "query_reencoded": lambda: got(signed_target=QUERY.replace("%20", "+")),
    "query_order": lambda: sent("GET", "/v3/x?b=1&a=2", b"", signed_target="/v3/x?a=2&b=1"),
    "timestamp_ms": lambda: sent(signed_stamp=NOW * 1000 + 123),
    "timestamp_twice": lambda: sent(signed_stamp=NOW + 1),
    "timestamp_no_number": lambda: sent(stamp="today"),
    "clock_ahead": lambda: sent(wall=NOW - 301),
    "clock_behind": lambda: sent(wall=NOW + 3600),
    "other_nonce": lambda: sent(signed_nonce="OTHERNONCE"),
    "nonce_rewritten": lambda: sent(signed_nonce=NONCE.lower()),
    "signature_truncated": lambda: sent(writing=lambda raw: shop.written(raw[:200])),
    "not_base64": lambda: sent(writing=lambda raw: "!" + shop.written(raw)[1:]),
    "base64url": lambda: sent(writing=lambda raw: urlsafe_b64encode(raw).decode().rstrip("=")),
    "base64_line_breaks": lambda: sent(writing=lambda raw: shop.written(raw)[:76] + "\\n" + shop.written(raw)[76:]),
    "base64_twice": lambda: sent(writing=lambda raw: b64encode(b64encode(raw)).decode()),
    "hex_not_base64": lambda: sent(writing=bytes.hex),
    "hex_then_base64": lambda: sent(writing=lambda raw: b64encode(raw.hex().encode()).decode()),
    "url_encoded": lambda: sent(writing=lambda raw: shop.written(raw).replace("+", "%2B").replace("=", "%3D")),
    "v2_signature": lambda: sent(writing=lambda raw: "C380BEC2BFD727A4B6845133519F3AD6"),
    "algorithm_name": lambda: sent(scheme="WECHATPAY2-RSA2048-SHA256"),
    "pss": lambda: sent(signing=shop.pss),
    "sha1_not_sha256": lambda: sent(signing=shop.by(HASHES["sha1"])),
    "md5_not_sha256": lambda: sent(signing=shop.by(HASHES["md5"])),
    "another_hash": lambda: sent(signing=shop.by(HASHES["sha512"])),
    "digest_info_missing": lambda: sent(signing=shop.bare),
    "hmac_not_rsa": lambda: sent(signing=shop.keyed(shop.APIV3)),
    "pem_as_key": lambda: sent(signing=shop.keyed(shop.pem())),
    "key_of_other_account": lambda: sent(signing=lambda m: shop.raw_sign(m, "partner")),
    "key_of_other_space": lambda: sent(signing=lambda m: shop.raw_sign(m, "elsewhere")),
    "key_of_platform": lambda: sent(signing=lambda m: shop.raw_sign(m, "platform")),
    "key_unknown": lambda: sent(signing=lambda m: shop.raw_sign(m, "nobody")),
    "serial_unknown": lambda: sent(serial_no="5" * 40),
    "serial_decimal": lambda: sent(serial_no=str(int(SERIAL, 16))),
    "serial_punctuated": lambda: sent(serial_no=":".join(SERIAL[at : at + 2] for at in range(0, 40, 2))),
    **{name: lambda serial=serial: sent(serial_no=serial) for serial, name in shop.OTHER_SERIALS.items()},
    "mchid_unknown": lambda: sent(mchid="1999999999"),
    "mchid_of_other_space": lambda: sent(mchid="1900000100"),
    "authorization_missing": lambda: Seen("GET", TARGET, {}, b"", NOW),
    "authorization_malformed": lambda: sent(nonce_str=""),
}
TOLD: dict[str, Any] = {
    "probe": lambda: notified(BODY, signature="WECHATPAY/SIGNTEST/abcd"),
    "signature_missing": lambda: notified(BODY, signature=""),
    "serial_of_merchant": lambda: notified(BODY, serial=SERIAL),
    "key_of_merchant": lambda: notified(BODY, by_="merchant"),
    "key_of_platform": lambda: notified(BODY, by_="pubkey"),
    "serial_unknown": lambda: notified(BODY, serial="9" * 40),
    "json_spaces": lambda: notified(rewritten(separators=(", ", ": ")), signed=BODY),
    "newline_extra": lambda: notified(BODY, signed=BODY + b"\n"),
    "body_trimmed": lambda: notified(BODY + b"\n", signed=BODY),
    "apiv3_key_of_another": lambda: notified(shop.envelope(shop.OTHER_APIV3)),
    "apiv3_key_unknown": lambda: notified(shop.envelope("x" * 32)),
    "associated_data": lambda: notified(shop.envelope(shown="refund")),
    "ciphertext_changed": lambda: notified(shop.envelope(damage=True)),
    "envelope_malformed": lambda: notified(BODY),
    "ciphertext_not_base64": lambda: notified(shop.envelope().replace(b'"ciphertext":"', b'"ciphertext":"!')),
    "clock_behind": lambda: notified(BODY, stamp=NOW - 301),
    "timestamp_no_number": lambda: notified(BODY, stamp="now"),
}
PREPAY = "wx201410272009395522657a690389285100"
PAID: dict[str, Any] = {
    "pay_parameter_missing": lambda: {**paid(), "paySign": ""},
    "pay_package_prefix": lambda: paid(signed_package=PREPAY),
    "pay_prepay_of_another": lambda: paid(package="prepay_id=wx2"),
    "pay_appid_of_another": lambda: paid(signed_app="wx-official"),
    "pay_sign_type": lambda: paid(kind="MD5"),
    "pay_sign_type_signed": lambda: paid(framed=lambda parts: shop.frame([*parts, b"RSA"])),
    "pay_prepay_only": lambda: paid(framed=lambda parts: parts[3]),
    "pay_query_form": lambda: paid(
        framed=lambda p: b"appId=%b&nonceStr=%b&package=%b&signType=RSA&timeStamp=%b" % (p[0], p[2], p[3], p[1])
    ),
    "timestamp_ms": lambda: paid(stamp=str(NOW * 1000)),
    "newline_missing": lambda: paid(framed=b"\n".join),
    "sha1_not_sha256": lambda: paid(signing=shop.by(HASHES["sha1"])),
    "key_of_other_account": lambda: paid(signing=lambda m: shop.raw_sign(m, "partner")),
    "base64url": lambda: paid(writing=lambda raw: urlsafe_b64encode(raw).decode()),
}


@pytest.mark.parametrize("cause", REQUESTS)
def test_a_request_with_this_mistake_is_explained_by_it(cause: str) -> None:
    document = wechatpay.request(REQUESTS[cause](), shop.ring()).document()
    assert [one["name"] for one in document["causes"]][:1] == [cause]
    assert document["verdict"] != "ok"


@pytest.mark.parametrize("cause", TOLD)
def test_a_notification_with_this_mistake_is_explained_by_it(cause: str) -> None:
    assert told.told(TOLD[cause](), shop.ring()).found[:1] == [cause]


@pytest.mark.parametrize("cause", PAID)
def test_a_pay_sign_with_this_mistake_is_explained_by_it(cause: str) -> None:
    assert pay_sign(PAID[cause](), "wx1", PREPAY, shop.ring()).found[:1] == [cause]


@pytest.mark.parametrize("prefix", ["", "/wechatpay", "/s/default/wechatpay"])
@pytest.mark.parametrize("signed", ["", "/wechatpay", "/s/default/wechatpay", "/s/default"])
def test_an_honest_request_is_fine_with_every_prefix_the_door_takes(prefix: str, signed: str) -> None:
    for seen in (
        sent(prefix=prefix, signed_target=signed + TARGET),
        got(prefix=prefix, signed_target=signed + QUERY),
    ):
        report = wechatpay.request(seen, shop.ring())
        assert (report.verdict, report.found, report.first_difference) == ("ok", [], None)


def test_an_honest_notification_and_pay_sign_are_fine() -> None:
    for report in (
        told.told(notified(shop.envelope()), shop.ring()),
        told.told(notified(shop.envelope(), by_="pubkey", serial="PUB_KEY_ID_1"), shop.ring()),
        pay_sign(paid(), "wx1", PREPAY, shop.ring()),
    ):
        assert (report.verdict, report.found) == ("ok", [])


def test_two_mistakes_at_once_are_both_named_and_located() -> None:
    seen = sent(signed_target="/api" + TARGET, framed=b"\n".join)
    report = wechatpay.request(seen, shop.ring())
    assert sorted(report.found) == ["newline_missing", "path_prefix"]
    found = report.document()["first_difference"]
    assert (found["line"], found["column"], found["offset"]) == (2, 2, 6)
    assert found["expected"]["byte"] == "76" and found["signed"]["byte"] == "61"
    assert found["signed"]["text"].startswith("POST\\n/▸api/v3")


def test_a_clock_says_how_many_seconds_and_in_whose_favour() -> None:
    assert "+301 s" in wechatpay.request(sent(wall=NOW - 301), shop.ring()).facts["clock"]
    assert wechatpay.request(sent(wall=NOW - 300), shop.ring()).verdict == "ok"
    assert wechatpay.request(sent(wall=NOW + 300), shop.ring()).verdict == "ok"


def test_the_string_to_sign_is_shown_line_by_line() -> None:
    assert wechatpay.request(got(), shop.ring()).document()["string_to_sign"] == ["GET", QUERY, str(NOW), NONCE, ""]


@given(st.integers(0, len(BODY) - 1), st.integers(1, 255))
@settings(max_examples=12, deadline=None)
def test_any_single_byte_flip_in_a_signed_body_is_located(at: int, flip: int) -> None:
    spoilt = BODY[:at] + bytes((BODY[at] ^ flip,)) + BODY[at + 1 :]
    report = wechatpay.request(sent(body=spoilt, signed_body=BODY), shop.ring(others=()))
    _is_located(report.document(), report, at, BODY, spoilt, len(report.message or b"") - len(spoilt) - 1)
    notice = told.told(notified(spoilt, signed=BODY), shop.ring(others=()))
    _is_located(notice.document(), notice, at, BODY, spoilt, len(notice.message or b"") - len(spoilt) - 1)


def _is_located(document: dict[str, Any], report: Any, at: int, signed: bytes, spoilt: bytes, start: int) -> None:
    found = document["first_difference"]
    assert (found["offset"], found["expected"]["byte"], found["signed"]["byte"]) == (
        start + at,
        spoilt[at : at + 1].hex(),
        signed[at : at + 1].hex(),
    )


@given(
    st.binary(max_size=300), st.text(max_size=120), st.binary(max_size=400).map(lambda raw: b64encode(raw).decode())
)
@settings(max_examples=25, deadline=None)
def test_garbage_is_explained_without_raising(body: bytes, text: str, encoded: str) -> None:
    for value in (text, f'WECHATPAY2-SHA256-RSA2048 mchid="{text}",timestamp="1",nonce_str="{text}"', encoded):
        seen = Seen(
            text, text, {"authorization": value, "wechatpay-signature": value, "wechatpay-serial": text}, body, NOW
        )
        for report in (
            wechatpay.request(seen, shop.ring()),
            told.told(seen, shop.ring()),
            pay_sign({"timeStamp": text, "paySign": value, "package": encoded}, text, "", shop.ring()),
            wechatpay.request(sent(body=body, signature=encoded, others=text.replace('"', "")), shop.ring()),
        ):
            document = report.document()
            assert document["verdict"] != "ok" and json.dumps(document)


def test_secrets_and_numbers_of_real_people_are_never_shown() -> None:
    body = f'{{"key":"{shop.APIV3}","id":"110101199003074514"}}'.encode()
    shown = json.dumps(wechatpay.request(sent(body=body, signed_body=body[:-1] + b" "), shop.ring()).document())
    assert (
        shop.APIV3 not in shown and "110101199003074514" not in shown and b"110101199003074514".hex(" ") not in shown
    )
