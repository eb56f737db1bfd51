"""nhsa.md §B.8, checks 85-89: the encrypted message, both ways and broken open."""

import json
import tomllib
from base64 import b64decode, b64encode
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from mock_providers.national import wire
from tests.mock_providers.national.conformance.centre import HOS, STAMP, Centre
from tests.mock_providers.national.conformance.fixtures import (
    Bureau,
    e1,
)

VECTORS = tomllib.loads((Path(__file__).parents[3] / "vectors" / "nhsa.toml").read_text("utf-8"))
V, KEY = VECTORS["envelope"], VECTORS["sm2"]


@pytest.fixture
def centre(bureau: Bureau) -> Centre:
    return Centre(bureau)


# 85-89: the message


def _envelope(**change: Any) -> bytes:
    names = {"appId": "app_id", "encData": "encdata", "timestamp": "timestamp", "version": "version"}
    fields = {name: V[key] for name, key in names.items()}
    fields |= {"encType": "SM4", "signType": "SM2", "signData": V["sign_data_app_secret"], **change}
    return json.dumps(fields).encode()


@pytest.mark.parametrize(
    ("user_id", "right", "wrong"),
    [
        ("appSecret", "sign_data_app_secret", "sign_data_default"),
        ("default", "sign_data_default", "sign_data_app_secret"),
    ],
)
def test_n85_the_vector_decrypts_and_verifies_under_the_configured_user_id_only(
    user_id: str, right: str, wrong: str
) -> None:
    party = wire.Party(V["app_id"], V["app_secret"], KEY["private"], KEY["public"], user_id)
    assert wire.open_message(_envelope(signData=V[right]), party) == json.loads(V["plain"])
    with pytest.raises(wire.Malformed, match="验签失败"):
        wire.open_message(_envelope(signData=V[wrong]), party)


def sealed(centre: Centre, **change: Any) -> dict[str, Any]:
    order = centre.upload(e1())
    message = json.loads(wire.seal(centre.named(order), centre.party, STAMP))
    return {**message, **change}


def post(centre: Centre, message: dict[str, Any]) -> dict[str, Any]:
    return centre.send(f"{HOS}query_order_info", json.dumps(message).encode())


def test_n86_hexadecimal_in_lower_case_is_read(centre: Centre) -> None:
    message = sealed(centre)
    assert post(centre, {**message, "encData": message["encData"].lower()})["code"] == 0
    assert message["encData"] == message["encData"].upper()


def test_n87_calls_and_answers_are_signed_under_the_other_user_id_too(centre: Centre) -> None:
    message = sealed(centre)
    centre.bureau.switch("sm2_user_id", "default")
    said = post(centre, message)
    assert (said["code"], said["message"]) == (-1, "验签失败")
    centre.party = replace(centre.party, user_id="default")
    assert centre.paid(e1())[1]["feeSumamt"] == "78.00"


def test_n88_a_signature_in_der_is_refused(centre: Centre) -> None:
    message = sealed(centre)
    raw = b64decode(message["signData"])
    assert len(raw) == 64 and len(message["signData"]) == 88
    r, s = (int.from_bytes(part) for part in (raw[:32], raw[32:]))
    said = post(centre, {**message, "signData": b64encode(encode_dss_signature(r, s)).decode()})
    assert (said["code"], said["message"], said["success"]) == (-1, "验签失败", False)
    assert post(centre, message)["code"] == 0


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"timestamp": "1735787045001"}, "验签失败"),
        ({"transType": "x"}, "验签失败"),
        ({"version": "1.0.0"}, "version应为2.0.1"),
        ({"encType": "AES"}, "encType应为SM4"),
        ({"signType": ""}, "signType应为SM2"),
        ({"encData": "00"}, "encData解密失败"),
        ({"signData": ""}, "signData不能为空"),
        ({"timestamp": "soon"}, "timestamp应为"),
    ],
)
def test_n89_what_was_changed_on_the_way_is_refused(centre: Centre, change: dict[str, Any], says: str) -> None:
    assert says in post(centre, sealed(centre, **change))["message"]


def test_n89_extra_and_empty_fields_are_not_signed(centre: Centre) -> None:
    assert post(centre, sealed(centre, extra={"a": 1}, transType="", other=None, more=[]))["code"] == 0


def test_n89_numbers_are_signed_as_they_stand(centre: Centre) -> None:
    data = centre.bill(e1(), payAuthNo=centre.grant("P1"))
    text = wire.compact(data).replace('"78.00"', "78.00").replace('"cnt":2', '"cnt":2.0000')
    as_sent = wire.parse(text)
    assert wire.compact(as_sent) == text and "78.00" in text
    assert centre.call(f"{HOS}uldFeeInfo", as_sent)["payOrdId"]
    message = json.loads(wire.seal(as_sent, centre.party, STAMP))
    shorter = wire.parse(text.replace("78.00", "78.0"))
    message["encData"] = json.loads(wire.seal(shorter, centre.party, STAMP))["encData"]
    assert centre.send(f"{HOS}uldFeeInfo", json.dumps(message).encode())["message"] == "验签失败"


@pytest.mark.parametrize(
    ("form", "taken", "refused"),
    [
        ("either", (str(STAMP), "20250102030405"), ("20251302030405", "123456789012345")),
        ("ms", (str(STAMP),), ("20250102030405",)),
        ("datetime", ("20250102030405",), (str(STAMP), "20250231000000")),
    ],
)
def test_n89_the_timestamp_has_the_form_the_switch_says(
    centre: Centre, form: str, taken: tuple[str, ...], refused: tuple[str, ...]
) -> None:
    order = centre.upload(e1())
    centre.bureau.switch("centre_timestamp", form)
    for stamp in (*taken, *refused):
        message = {"appId": centre.party.app_id, "timestamp": stamp, "version": "2.0.1"}
        message |= {"encType": "SM4", "signType": "SM2"}
        data = wire.pruned(centre.named(order))
        message["signData"] = wire.sign(wire.string_to_sign(message, data, centre.party.app_secret), centre.party)
        key = wire.message_key(centre.party.app_id, centre.party.app_secret)
        message["encData"] = wire.encrypt(key, wire.compact(data).encode())
        said = post(centre, message)
        assert (said["code"] == 0) is (stamp in taken), (stamp, said)
        assert len(said["timestamp"]) == (14 if form == "datetime" else 13)
