"""WeChat's wire to the letter: error bodies, open data, signatures, the forms of ids and tokens.

Rule of the file: bytes and times come in as arguments, nothing is looked up.
"""

import hashlib
import hmac
import re
from base64 import b64decode, b64encode, urlsafe_b64encode
from typing import Any

import orjson
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES128
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.padding import PKCS7

JSON = "application/json; encoding=utf-8"
TEXT = "text/plain"
CONTENT_TYPES = {
    "/sns/jscode2session": TEXT,
    "/sns/oauth2/access_token": TEXT,
    "/sns/userinfo": TEXT,
    "/cgi-bin/token": JSON,
    "/wxa/business/getuserphonenumber": JSON,
    "/wxa/getwxacodeunlimit": JSON,
    "/wxa/getwxacode": JSON,
    "/cgi-bin/wxaapp/createwxaqrcode": JSON,
}
STABLE_HINT = "could get access_token by getStableAccessToken, more details at https://mmbizurl.cn/s/JtxxFh33r"
ERRORS = {
    -1: "system error",
    1: "data not exit",
    40001: f"invalid credential, access_token is invalid or not latest, {STABLE_HINT}",
    40002: "invalid grant_type",
    40003: "invalid openid",
    40013: "invalid appid",
    40014: "invalid access_token",
    40029: "invalid code",
    40030: "invalid refresh_token",
    40037: "invalid template_id",
    40066: "invalid url",
    40097: "invalid args",
    40125: "invalid appsecret, view more at http://t.cn/RAEkdVq",
    40129: "invalid scene",
    40159: "invalid length for path, or the data is not json string",
    40163: "code been used",
    40164: "invalid ip {ip} ipv6 ::ffff:{ip}, not in whitelist",
    40165: "invalid weapp pagepath",
    40169: "invalid length for scene, or the data is not json string",
    40212: "invalid query",
    40226: "code blocked",
    40243: "AppSecret frozen",
    41001: "access_token missing",
    41002: "appid missing",
    41003: "refresh_token missing",
    41004: "appsecret missing",
    41008: "missing code",
    41030: "invalid page",
    42001: "access_token expired",
    42002: "refresh_token expired",
    42003: "oauth code expired",
    42007: "access_token and refresh_token are void, the user changed the password",
    43001: "require GET method",
    43002: "require POST method",
    43101: "user refuse to accept the msg",
    43107: "subscribe message capability is banned",
    43108: "concurrent sending to the same user",
    44002: "empty post data",
    44990: "http request reach freq limit",
    45009: f"reach max api daily quota limit, {STABLE_HINT}",
    45011: "api minute-quota reach limit  mustslower  retry next minute",
    45029: "qrcode count out of limit",
    45063: "accesstoken is not xiaochengxu",
    45168: "keyword in blacklist",
    47001: "data format error",
    47003: "argument invalid! {field}",
    48001: "api unauthorized",
    48004: "api forbidden for irregularities, view more on mp.weixin.qq.com",
    48006: "forbid to clear quota because of reaching the limit",
    50002: "user limited",
    50004: "token api forbidden",
    50007: "account frozen",
    76001: "rid not found, please check",
    76002: "rid is error",
    76003: "could not query this rid,no permission",
    76004: "rid is expired",
    76022: "rid of this api is not supported",
    84001: "invalid identify id",
    84002: "user data expired",
    84003: "user data not exist",
    84004: "video upload fail!",
    84005: "video download fail! please try again",
    84006: "name or id_card_number empty",
    85079: "miniprogram has no online release",
    85400: "long-term link count out of limit",
    85401: "invalid expire_time",
    85402: "invalid expire_interval",
    87007: "session_key is not existd or expired",
    87008: "invalid sig_method",
    87009: "invalid signature",
    89002: "open not exists",
    89300: "invalid trade",
    89501: "the ip is waiting for the administrator's confirmation",
    89502: "a confirmation is pending, please wait",
    89503: "the call from this ip needs the administrator's confirmation",
    89504: "a confirmation is pending, please retry later",
    89505: "a confirmation is pending",
    89506: "the administrator refused this ip twice, try again in 24 hours",
    89507: "the administrator refused this ip, try again in 1 hour",
}
WITH_HINT = {("/wxa/business/", 40029), ("/cgi-bin/", 40125)}

PASSED = 10000
NOT_FINISHED = 10300
CANCELLED = (90002, 90003, 90004, 90005, 90006)
FACES = {
    "pass": PASSED,
    "mismatch": 10004,
    "wrong_number": 10003,
    "no_subject": 10018,
    "not_live": 10002,
    "poor_quality": 10010,
    "timeout": 10020,
    "vendor_down": 10008,
    "cancel": 90004,
    "no_device": 90001,
    "unfinished": NOT_FINISHED,
}
SERVER_RESULTS = (*range(10000, 10009), 10010, *range(10012, 10019), 10020, 10021, 10026, 10029, 10040, 10041)
CLIENT_RESULTS = (*range(90000, 90025), 90104, 90105, 90106, 90107, 90109, 90110, 90199)
VERIFY_RET = frozenset((*SERVER_RESULTS, 10042, 10045, 10052, NOT_FINISHED, *CLIENT_RESULTS))

OUT_SEQ_NO = re.compile(r"[0-9A-Za-z_-]{5,32}")
TOKEN = re.compile(r"[0-9A-Za-z_-]+")
APPID = re.compile(r"wx[0-9a-f]{16}")
HASH = re.compile(r"[0-9A-Fa-f]{64}")
RID = re.compile(r"([0-9a-f]{8})-[0-9a-f]{8}-[0-9a-f]{8}")
ID_LIKE = re.compile(rb"(?<!\d)(?!469099)\d{17}[\dXx](?!\d)")


def dumps(body: dict[str, Any]) -> bytes:
    """A body as WeChat writes it: UTF-8 as it is, no blanks."""
    return orjson.dumps(body)


def content_type(path: str) -> str | None:
    """The Content-Type that was captured for an interface's JSON, if one was."""
    return CONTENT_TYPES.get(path)


def parse(raw: bytes) -> dict[str, Any]:
    """A JSON object out of a request body, whatever its Content-Type said. Raises ValueError."""
    body = orjson.loads(raw)
    if not isinstance(body, dict):
        raise ValueError("not an object")
    return body


def rid(unix: int, grain: bytes) -> str:
    """A request id; its first group is the time in hex, the rest comes from `grain` (8 bytes)."""
    return f"{unix & 0xFFFFFFFF:08x}-{grain[:4].hex()}-{grain[4:8].hex()}"


def error(path: str, errcode: int, request_id: str, **about: str) -> dict[str, Any]:
    """The error envelope. /sns/* puts a comma before `rid`, all others a blank, some a hint between."""
    said = ERRORS[errcode].format(**about)
    if path.startswith("/sns/"):
        said = f"{said}, rid: {request_id}"
    elif any(errcode == code and path.startswith(family) for family, code in WITH_HINT):
        said = f"{said} hint: [{hint(request_id)}] rid: {request_id}"
    else:
        said = f"{said} rid: {request_id}"
    return {"errcode": errcode, "errmsg": said}


def hint(request_id: str) -> str:
    """The eleven characters in brackets that go with some errors."""
    return _text(hashlib.sha256(request_id.encode()).digest(), 11)


def session_signature(session_key: str, message: bytes = b"") -> str:
    """HMAC-SHA256 in hex. The key is the base64 text of the session key, not its bytes."""
    return hmac.new(session_key.encode(), message, hashlib.sha256).hexdigest()


def raw_data_signature(raw_data: str, session_key: str) -> str:
    """SHA-1 in hex over rawData as it is and the session key's base64 text."""
    return hashlib.sha1((raw_data + session_key).encode(), usedforsecurity=False).hexdigest()


def encrypt_open_data(plain: bytes, session_key: str, iv: bytes) -> str:
    """encryptedData: AES-128-CBC, PKCS#7 to 16, base64."""
    padder = PKCS7(128).padder()
    coder = Cipher(AES128(b64decode(session_key)), CBC(iv)).encryptor()
    return b64encode(coder.update(padder.update(plain) + padder.finalize()) + coder.finalize()).decode()


def decrypt_open_data(encrypted: str, session_key: str, iv: str) -> bytes:
    """The plaintext of encryptedData. Raises ValueError when the key is not the one it was made with."""
    coder = Cipher(AES128(b64decode(session_key)), CBC(b64decode(iv))).decryptor()
    unpadder = PKCS7(128).unpadder()
    return unpadder.update(coder.update(b64decode(encrypted)) + coder.finalize()) + unpadder.finalize()


def phone_info(number: str, appid: str, unix: int) -> dict[str, Any]:
    """What WeChat tells about a mainland number; countryCode is text."""
    return {
        "phoneNumber": number,
        "purePhoneNumber": number,
        "countryCode": "86",
        "watermark": {"timestamp": unix, "appid": appid},
    }


def cert_text(cert_type: str, cert_name: str, cert_no: str) -> str:
    """The text a cert_hash is over: three base64 values, padded, in this order."""
    parts = {"cert_type": cert_type, "cert_name": cert_name, "cert_no": cert_no}
    return "&".join(f"{name}={b64encode(value.encode()).decode()}" for name, value in parts.items())


def cert_hash(cert_type: str, cert_name: str, cert_no: str) -> str:
    """SHA-256 in lower-case hex. A lower-case x in the number gives another hash than X."""
    return hashlib.sha256(cert_text(cert_type, cert_name, cert_no).encode()).hexdigest()


def face_result(verify_ret: int, fail_code: str = "verify_ret") -> dict[str, Any]:
    """What wx.requestFacialVerify hands the page; a finished check is `ok` even if it did not pass."""
    if verify_ret < 90000 and verify_ret != NOT_FINISHED:
        return {"errMsg": "requestFacialVerify:ok", "errCode": 0}
    said = "fail cancel" if verify_ret in CANCELLED else "fail"
    code = verify_ret if fail_code == "verify_ret" else int(fail_code)
    return {"errMsg": f"requestFacialVerify:{said}", "errCode": code}


def user_id(grain: bytes) -> str:
    """An openid or unionid: `o` and 27 of letters, digits, - and _."""
    return "o" + _text(grain, 27)


def session_key(grain: bytes) -> str:
    """16 bytes in base64: 24 characters ending in ==."""
    return b64encode(grain[:16]).decode()


def login_code(grain: bytes) -> str:
    """32 letters and digits, as wx.login gives them."""
    return alphanumeric(grain, 32)


def access_token(grain: bytes) -> str:
    """A small number, `_`, and 134 of letters, digits, - and _."""
    return "98_" + _text(grain + hashlib.sha512(grain).digest(), 134)


def alphanumeric(grain: bytes, length: int) -> str:
    """Letters and digits only; `grain` of 64 bytes is enough for 43."""
    alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    return "".join(alphabet[byte % 62] for byte in grain[:length])


def masked(raw: bytes) -> bytes:
    """A body without anything that looks like the ID number of a real person."""
    return ID_LIKE.sub(b"******************", raw)


def _text(grain: bytes, length: int) -> str:
    return urlsafe_b64encode(grain).decode()[:length]
