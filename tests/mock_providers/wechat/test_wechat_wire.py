"""The vectors of the WeChat sheet, recomputed, and the forms of what is minted."""

import hashlib
import re
import tomllib
from base64 import b64decode
from pathlib import Path

import orjson
import pytest

from mock_providers.wechat import wire

VECTORS = tomllib.loads((Path(__file__).parents[2] / "vectors" / "wechat.toml").read_text("utf-8"))
GRAIN = hashlib.sha512(b"grain").digest()


@pytest.mark.parametrize("v", VECTORS["session_signature"])
def test_a_session_signature_uses_the_keys_base64_text(v: dict) -> None:
    assert wire.session_signature(v["session_key"], v["message"].encode()) == v["signature"]


@pytest.mark.parametrize("v", VECTORS["raw_data_signature"])
def test_a_raw_data_signature_matches(v: dict) -> None:
    assert wire.raw_data_signature(v["raw_data"], v["session_key"]) == v["signature"]


@pytest.mark.parametrize("v", VECTORS["open_data"])
def test_37_open_data_decrypts_and_encrypts_back(v: dict) -> None:
    plain = wire.decrypt_open_data(v["encrypted"], v["session_key"], v["iv"])
    assert orjson.loads(plain)[v["member"]] == v["value"]
    assert orjson.loads(plain)["watermark"] == {"timestamp": 1477314187, "appid": "wx4f4bc4dec97d474b"}
    assert wire.encrypt_open_data(plain, v["session_key"], b64decode(v["iv"])) == v["encrypted"]


def test_the_phone_plaintext_is_written_as_the_vector_has_it() -> None:
    plain = VECTORS["open_data"][1]["plain"]
    assert wire.dumps(wire.phone_info("13580006666", "wx4f4bc4dec97d474b", 1477314187)).decode() == plain


@pytest.mark.parametrize("v", VECTORS["cert_hash"])
def test_47_a_cert_hash_matches(v: dict) -> None:
    assert wire.cert_text("IDENTITY_CARD", v["cert_name"], v["cert_no"]) == v["text"]
    assert wire.cert_hash("IDENTITY_CARD", v["cert_name"], v["cert_no"]) == v["cert_hash"]


def test_a_rid_carries_its_time() -> None:
    assert wire.rid(0x61793830, bytes(range(8))) == "61793830-00010203-04050607"


@pytest.mark.parametrize(
    ("path", "errcode", "shape"),
    [
        ("/sns/jscode2session", 40029, r"invalid code, rid: "),
        ("/sns/jscode2session", 40163, r"code been used, rid: "),
        ("/wxa/business/getuserphonenumber", 40029, r"invalid code hint: \[[^\]]{11}\] rid: "),
        ("/cgi-bin/token", 40125, r"invalid appsecret, view more at http://t\.cn/RAEkdVq hint: \[[^\]]+\] rid: "),
        ("/cgi-bin/token", 41002, r"appid missing rid: "),
        ("/cityservice/face/identify/getverifyid", 40097, r"invalid args rid: "),
    ],
)
def test_each_family_has_its_own_suffix(path: str, errcode: int, shape: str) -> None:
    body = wire.error(path, errcode, "00000001-00000002-00000003")
    assert body["errcode"] == errcode
    assert re.fullmatch(f"{shape}00000001-00000002-00000003", body["errmsg"])


def test_the_ip_error_keeps_the_shape_tools_parse() -> None:
    said = wire.error("/cgi-bin/token", 40164, "r", ip="118.190.42.90")["errmsg"]
    assert said.startswith("invalid ip 118.190.42.90 ipv6 ::ffff:118.190.42.90, not in whitelist")


@pytest.mark.parametrize(
    ("value", "form"),
    [
        (wire.user_id(GRAIN[:32]), r"o[0-9A-Za-z_-]{27}"),
        (wire.session_key(GRAIN), r"[0-9A-Za-z+/]{22}=="),
        (wire.login_code(GRAIN), r"[0-9A-Za-z]{32}"),
        (wire.access_token(GRAIN), r"\d+_[0-9A-Za-z_-]{134}"),
        (wire.alphanumeric(GRAIN, 43), r"[0-9A-Za-z]{43}"),
    ],
)
def test_what_is_minted_has_its_form(value: str, form: str) -> None:
    assert re.fullmatch(form, value)


@pytest.mark.parametrize("raw", [b"", b"x", b"[1]", b"null", b'"a"', b"\xff", b'{"a":"\\ud800"}', b"[" * 100_000])
def test_what_is_no_json_object_is_a_value_error(raw: bytes) -> None:
    with pytest.raises(ValueError):
        wire.parse(raw)


def test_only_sample_numbers_survive_masking() -> None:
    raw = b'{"a":"469099198803159034","b":"11010519491231002x","c":"1000000000000000000"}'
    assert wire.masked(raw) == b'{"a":"469099198803159034","b":"******************","c":"1000000000000000000"}'


@pytest.mark.parametrize(
    ("verify_ret", "said", "code"),
    [
        (10000, "ok", 0),
        (10004, "ok", 0),
        (90004, "fail cancel", 90004),
        (90001, "fail", 90001),
        (10300, "fail", 10300),
    ],
)
def test_the_page_hears_only_that_the_process_ended(verify_ret: int, said: str, code: int) -> None:
    assert wire.face_result(verify_ret) == {"errMsg": f"requestFacialVerify:{said}", "errCode": code}


def test_a_fail_code_can_be_fixed() -> None:
    assert wire.face_result(90004, "-1")["errCode"] == -1


def test_every_named_result_is_a_documented_one() -> None:
    assert set(wire.FACES.values()) <= wire.VERIFY_RET
