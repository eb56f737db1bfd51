"""WeChat Pay: requests of merchants, answers and notifications of ours, and the phone's paySign."""

import hmac
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import permutations
from typing import Any

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CTR

from mock_providers.explain import rsa, texts
from mock_providers.explain.report import OK, UNREADABLE, UNSIGNED, Mask, Report, ahead
from mock_providers.explain.rsa import Key, Signed
from mock_providers.explain.search import Variant, one_byte, right, search, variants
from mock_providers.wechatpay import wire

OWN_HOST = "api.mch.weixin.qq.com"
ALGORITHM = "AEAD_AES_256_GCM"
BITS_LOOKED_AT = 24_000
AROUND_SECONDS = 5
AADS = ("", "transaction", "refund", "medical-insurance", "security", "certificate")


@dataclass(frozen=True)
class Seen:
    """A message as it was on the wire. `wall`: Unix seconds of its coming, None if nobody knows."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    wall: int | None = None
    hosts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Ring:
    """Who a merchant is to WeChat Pay, and every key that might have been taken for its own.

    `serials` maps the names of keys that are no merchant certificate in force to what using them means.
    `others` are signed requests of the same space around this one.
    """

    mchid: str
    serial: str
    key: Key
    keys: tuple[Key, ...] = ()
    serials: Mapping[str, str] = field(default_factory=dict)
    merchants: Mapping[str, str] = field(default_factory=dict)
    space: str = "default"
    apiv3_key: str = ""
    other_apiv3_keys: tuple[str, ...] = ()
    platform: Mapping[str, Key] = field(default_factory=dict)
    pems: tuple[str, ...] = ()
    others: tuple[Seen, ...] = ()
    appids: tuple[str, ...] = ()
    mask: Mask = field(default_factory=Mask)


def request(seen: Seen, ring: Ring) -> Report:
    """A call of a merchant: Authorization, clock, serial number, signature."""
    report = Report("WeChat Pay request", mask=ring.mask)
    caller = _authorization(seen, report)
    if caller is None:
        return report
    _identity(caller, ring, report)
    if seen.wall is not None:
        ahead(report, caller.timestamp - seen.wall)
    bare = wire.bare_target(seen.target)
    parts = (seen.method, caller.timestamp, caller.nonce_str, seen.body)
    messages = [_five(parts[0], target, *parts[1:]) for target in wire.targets(seen.target, ring.space)]
    report.message = messages[0]
    report.shown = {"signature": caller.signature, "serial_no": caller.serial_no, "nonce_str": caller.nonce_str}
    report.expected = {"serial_no": ring.serial, "key": ring.key.name, "algorithm": "RSASSA-PKCS1-v1_5 with SHA-256"}
    search_ = _request_search(seen, ring, caller, bare)
    _signature(report, caller.signature, ring, messages, search_, (len(messages[0]) - len(seen.body) - 1, seen.body))
    return report


def _five(method: str, target: str, stamp: Any, nonce: str, body: bytes, end: bytes = b"\n") -> bytes:
    return f"{method}\n{target}\n{stamp}\n{nonce}\n".encode(errors="surrogateescape") + body + end


def _authorization(seen: Seen, report: Report) -> wire.Authorization | None:
    value = seen.headers.get("authorization", "")
    report.shown = {"Authorization": value}
    if not value:
        report.verdict, report.says = UNSIGNED, "there is no Authorization header"
        report.blame("authorization_missing")
        return None
    rest = value.partition(" ")[2]
    pairs = {m[1]: m[2] for m in map(wire.PAIR.match, rest.split(",")) if m}
    stamp = pairs.get("timestamp", "")
    if len(stamp) == 13 and stamp.isdecimal():
        report.blame("timestamp_ms")
    elif stamp and not stamp.isdecimal():
        report.blame("timestamp_no_number")
    try:
        caller = wire.read_authorization(value)
    except wire.UnknownScheme as error:
        report.blame("algorithm_name")
        report.says = f"the scheme is {error}, wanted {wire.SCHEME}"
        try:
            return wire.read_authorization(f"{wire.SCHEME} {rest}")
        except (wire.Malformed, wire.UnknownScheme):
            return None
    except wire.Malformed as error:
        report.verdict = UNREADABLE
        report.says = str(error)
        if missing := sorted(wire.KEYS - pairs.keys()):
            report.facts["missing"] = missing
        if not report.found:
            report.blame("authorization_malformed")
        return None
    return caller


def _identity(caller: wire.Authorization, ring: Ring, report: Report) -> None:
    if caller.mchid != ring.mchid:
        report.facts["mchid"] = f"{caller.mchid}, expected {ring.mchid}"
        report.blame(ring.merchants.get(caller.mchid, "mchid_unknown"))
    serial = caller.serial_no.upper()
    if serial == ring.serial:
        return
    report.facts["serial_no"] = f"{caller.serial_no}, expected {ring.serial}"
    report.blame(ring.serials.get(serial) or _serial_form(caller.serial_no, ring.serial))


def _serial_form(given: str, wanted: str) -> str:
    if given.isdecimal() and int(given) == int(wanted, 16):
        return "serial_decimal"
    bare = given.upper().replace(":", "").replace(" ", "").removeprefix("0X").lstrip("0")
    return "serial_punctuated" if bare == wanted.lstrip("0") else "serial_unknown"


Searching = Callable[[Callable[[bytes], bool]], Any]


def _request_search(seen: Seen, ring: Ring, caller: wire.Authorization, bare: str) -> Searching:
    hosts = dict.fromkeys((seen.headers.get("host", ""), *seen.hosts, OWN_HOST))
    methods = variants(
        seen.method,
        ("method_case", seen.method.lower()),
        ("method_case", seen.method.capitalize()),
        *(("method_other", one) for one in ("GET", "POST", "PUT", "DELETE", "PATCH")),
    )
    prefixes = [target.removesuffix(bare) for target in wire.targets(seen.target, ring.space)]
    other_spaces = [f"{prefix}/wechatpay" for prefix in ("/s/other", "/s/test", "/s/dev")]
    targets = texts.targets(bare, hosts, [*filter(None, prefixes), *other_spaces])
    stamps = variants(str(caller.timestamp), *_stamps(caller.timestamp))
    nonces = variants(
        caller.nonce_str, *_nonces(caller.nonce_str), *(("other_nonce", n) for n in _their(ring, "nonce_str"))
    )
    bodies = [*texts.bodies(seen.body), *_other_bodies(seen.body, ring)]
    frames: list[Variant] = [right(_frame_right), *(Variant((name,), frame) for name, frame in _frames())]

    def make(method: str, target: str, body: bytes, frame: Any, nonce: str, stamp: str) -> bytes:
        return frame([method.encode(), target.encode(errors="surrogateescape"), stamp.encode(), nonce.encode(), body])

    return lambda fits: search([methods, targets, bodies, frames, nonces, stamps], make, fits)


def _stamps(stamp: int) -> list[tuple[str, str]]:
    near = [("timestamp_twice", str(stamp + off)) for off in range(-AROUND_SECONDS, AROUND_SECONDS + 1)]
    return [
        ("timestamp_ms", str(stamp * 1000)),
        *near,
        *(("timestamp_ms", str(stamp * 1000 + ms)) for ms in range(1000)),
    ]


def _nonces(nonce: str) -> list[tuple[str, str]]:
    return [
        ("nonce_rewritten", other)
        for other in (nonce.lower(), nonce.upper(), nonce.replace("-", ""), f'"{nonce}"', "")
    ]


def _their(ring: Ring, name: str) -> list[str]:
    found = []
    for other in ring.others:
        shown = other.headers.get("authorization", "").partition(" ")[2].split(",")
        pairs = {m[1]: m[2] for m in map(wire.PAIR.match, shown) if m}
        if pairs.get(name):
            found.append(pairs[name])
    return found


def _other_bodies(body: bytes, ring: Ring) -> list[Variant]:
    return [
        Variant(("body_of_another",), one)
        for one in dict.fromkeys(o.body for o in ring.others)
        if one != body and one
    ]


def _frame_right(parts: list[bytes]) -> bytes:
    return b"\n".join(parts) + b"\n"


def _frames() -> list[tuple[str, Callable[[list[bytes]], bytes]]]:
    def ordered(order: Sequence[int]) -> Callable[[list[bytes]], bytes]:
        return lambda parts: _frame_right([parts[place] for place in order])

    shuffles = [("line_order", ordered(order)) for order in permutations(range(5)) if list(order) != [0, 1, 2, 3, 4]]
    return [
        ("body_line_left_out", lambda parts: _frame_right(parts[:4])),
        ("newline_missing", b"\n".join),
        ("newline_extra", lambda parts: _frame_right(parts) + b"\n"),
        ("crlf", lambda parts: b"\r\n".join(parts) + b"\r\n"),
        ("newline_literal", lambda parts: b"\\n".join(parts) + b"\\n"),
        ("newline_none", b"".join),
        ("newline_none", b"&".join),
        ("answer_form", lambda parts: _frame_right(parts[2:])),
        ("bom", lambda parts: texts.BOM + _frame_right(parts)),
        *shuffles,
    ]


def _signature(
    report: Report, text: str, ring: Ring, messages: list[bytes], searching: Searching, place: tuple[int, bytes]
) -> None:
    """What the signature is over, and by whom. `place` is where the body stands in the first message."""
    signature, odd = rsa.decoded(text, ring.key.public.key_size // 8)
    report.blame(*odd) if odd else None
    if signature is None:
        _symmetric(report, text, ring, messages)
        return
    signed = rsa.opened(signature, (ring.key, *ring.keys))
    if signed is None:
        pss = any(rsa.is_pss(signature, key, one) for key in (ring.key, *ring.keys[:4]) for one in messages)
        report.blame("pss" if pss else "key_unknown")
        return
    report.facts["signed_by"] = signed.key.name
    report.facts["signed_digest"] = f"{signed.hash} {signed.digest.hex()}"
    report.facts["expected_digest"] = f"sha256 {rsa.digest('sha256', messages[0]).hex()}"
    if signed.key.cause:
        report.blame(signed.key.cause)
    if signed.bare:
        report.blame("digest_info_missing")
        return
    if signed.hash != "sha256":
        report.blame({"sha1": "sha1_not_sha256", "md5": "md5_not_sha256"}.get(signed.hash, "another_hash"))
    _text(report, signed, messages, searching, place)


def _text(
    report: Report, signed: Signed, messages: list[bytes], searching: Searching, place: tuple[int, bytes]
) -> None:
    def fits(message: bytes) -> bool:
        return rsa.digest(signed.hash, message) == signed.digest

    good = next((message for message in messages if fits(message)), None)
    if good is not None:
        report.message = good
        report.verdict = report.verdict if report.found else OK
        return
    if any(rsa.hashed_twice(message, signed) for message in messages):
        report.blame("hashed_twice")
        return
    if found := searching(fits):
        report.blame(*found.names)
        report.differs(found.made)
        return
    start, body = place
    for message in messages:
        if (other := one_byte(message, start, start + len(body), signed.hash, signed.digest)) is not None:
            report.message = message
            report.blame("body_changed")
            report.differs(other)
            return
    report.blame("text_unknown")


def _symmetric(report: Report, text: str, ring: Ring, messages: list[bytes]) -> None:
    """Somebody may have taken the signature for a keyed hash."""
    for cause, keys in (("hmac_not_rsa", (ring.apiv3_key,)), ("pem_as_key", ring.pems)):
        for key in filter(None, keys):
            for message in messages:
                made = hmac.digest(key.encode(), message, "sha256")
                if text in (b64encode(made).decode(), made.hex(), made.hex().upper()):
                    report.found.clear()
                    report.blame(cause)
                    return


# Answers and notifications


def told(seen: Seen, ring: Ring, sealed: bool = True) -> Report:
    """Something WeChat Pay said: its headers, signature, and (of a notification) the `sealed` resource."""
    subject = "WeChat Pay notification" if sealed else "WeChat Pay answer"
    report = Report(subject, mask=ring.mask, steps=list(STEPS))
    head = seen.headers
    stamp, nonce = head.get("wechatpay-timestamp", ""), head.get("wechatpay-nonce", "")
    serial, text = head.get("wechatpay-serial", ""), head.get("wechatpay-signature", "")
    report.shown = {"Wechatpay-Serial": serial, "Wechatpay-Signature": text, "Wechatpay-Timestamp": stamp}
    report.message = f"{stamp}\n{nonce}\n".encode() + seen.body + b"\n"
    if not text:
        report.verdict, report.says = UNSIGNED, "there is no Wechatpay-Signature header"
        report.blame("signature_missing")
        return report
    if text.startswith(wire.PROBE):
        report.blame("probe")
        return report
    if not stamp.isdecimal():
        report.blame("timestamp_no_number")
    elif seen.wall is not None:
        ahead(report, int(stamp[:12]) - seen.wall)
    if (kind := head.get("wechatpay-signature-type", wire.SCHEME)) != wire.SCHEME:
        report.facts["Wechatpay-Signature-Type"] = f"{kind}, expected {wire.SCHEME}"
        report.blame("algorithm_name")
    own = ring.platform.get(serial)
    if own is None:
        report.blame(
            ring.serials.get(serial.upper(), "serial_unknown") if serial != ring.serial else "serial_of_merchant"
        )
        own = next(iter(ring.platform.values()))
    else:
        own = own._replace(cause="")
    rest = tuple(key for key in (*ring.platform.values(), *ring.keys) if key.name != own.name)
    mine = ring.key._replace(cause="key_of_merchant")
    ringed = Ring(ring.mchid, serial, own, (*rest, mine), pems=ring.pems, apiv3_key=ring.apiv3_key)
    report.expected = {"key": own.name, "algorithm": "RSASSA-PKCS1-v1_5 with SHA-256"}
    bodies = [*texts.bodies(seen.body), *_other_bodies(seen.body, ring)]
    frames = [
        right(_frame_right),
        *(Variant((name,), frame) for name, frame in _frames()[:8] if name != "body_line_left_out"),
    ]
    stamps = variants(stamp, *(_stamps(int(stamp))[1:12] if stamp.isdecimal() else ()))
    nonces = variants(
        nonce, *_nonces(nonce), *(("other_nonce", one.headers.get("wechatpay-nonce")) for one in ring.others)
    )

    def make(said: str, number: str, body: bytes, frame: Any) -> bytes:
        return frame([said.encode(), number.encode(), body])

    def searching(fits: Callable[[bytes], bool]) -> Any:
        return search([stamps, nonces, bodies, frames], make, fits)

    _signature(report, text, ringed, [report.message], searching, (len(stamp) + len(nonce) + 2, seen.body))
    if sealed:
        _resource(report, seen.body, ring)
    return report


STEPS = (
    "take the raw body, before any framework parses it",
    "choose the key by Wechatpay-Serial: a platform certificate's serial number, or PUB_KEY_ID_…",
    "refuse a Wechatpay-Timestamp more than 300 s from the wall clock",
    "string to sign: Wechatpay-Timestamp, Wechatpay-Nonce, raw body, each ended by a line feed",
    "verify Wechatpay-Signature: base64, RSASSA-PKCS1-v1_5 with SHA-256",
    "open resource.ciphertext with AES-256-GCM: APIv3 key, resource.nonce, resource.associated_data",
    "compare appid, mchid, number and amount with your own order, then answer 200 or 204 within 5 s",
)


def _resource(report: Report, body: bytes, ring: Ring) -> None:
    """The sealed part of a notification: whose key, which associated data, and whether somebody changed it."""
    try:
        envelope = orjson.loads(body)
        resource = envelope["resource"]
        nonce, sealed = resource["nonce"], resource["ciphertext"]
        extra = resource.get("associated_data") or ""
        if resource["algorithm"] != ALGORITHM or not all(isinstance(one, str) for one in (nonce, sealed, extra)):
            raise ValueError("not as documented")
    except (ValueError, KeyError, TypeError, AttributeError):
        report.blame("envelope_malformed")
        return
    try:
        cipher = b64decode(sealed, validate=True)
    except ValueError:
        report.blame("ciphertext_not_base64")
        return
    for key in filter(None, (ring.apiv3_key, *ring.other_apiv3_keys)):
        name = "yours" if key == ring.apiv3_key else "another merchant's"
        for aad in dict.fromkeys((extra, *AADS)):
            if opened(key, nonce, aad, cipher) is not None:
                report.facts["resource"] = f"opens with {name} APIv3 key and associated_data {aad!r}"
                if key != ring.apiv3_key:
                    report.blame("apiv3_key_of_another")
                if aad != extra:
                    report.blame("associated_data")
                return
    plain = _without_tag(ring.apiv3_key, nonce, cipher)
    readable = plain[:1] == b"{" and plain[-1:] == b"}"
    report.facts["resource"] = "does not open" + (": key and nonce fit, the tag does not" if readable else "")
    if not readable:
        report.blame("apiv3_key_unknown")
    elif (at := _turned_bit(ring.apiv3_key, nonce, extra, cipher)) is not None:
        report.facts["resource"] += f": byte {at} of the ciphertext was changed"
        report.blame("ciphertext_changed")
    else:
        report.blame("associated_data" if _is_json(plain) else "ciphertext_changed")


def opened(key: str, nonce: str, extra: str, cipher: bytes) -> bytes | None:
    """What AES-256-GCM opens, if it does."""
    try:
        return AESGCM(key.encode()).decrypt(nonce.encode(), cipher, extra.encode())
    except (InvalidTag, ValueError):
        return None


def content(body: bytes, apiv3_key: str) -> Any:
    """The business data of a notification, if it opens; else None."""
    try:
        resource = orjson.loads(body)["resource"]
        extra = resource.get("associated_data") or ""
        plain = opened(apiv3_key, resource["nonce"], extra, b64decode(resource["ciphertext"], validate=True))
        return None if plain is None else orjson.loads(plain)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _turned_bit(key: str, nonce: str, extra: str, cipher: bytes) -> int | None:
    """Where a single bit was turned, if that is all that is wrong."""
    if len(cipher) > BITS_LOOKED_AT // 8:
        return None
    given = bytearray(cipher)
    for at in range(len(given)):
        for bit in range(8):
            given[at] ^= 1 << bit
            if opened(key, nonce, extra, bytes(given)) is not None:
                return at
            given[at] ^= 1 << bit
    return None


def _is_json(plain: bytes) -> bool:
    try:
        orjson.loads(plain)
        return True
    except ValueError:
        return False


def _without_tag(key: str, nonce: str, cipher: bytes) -> bytes:
    """GCM without its proof: CTR from block 2. Readable only under the right key and nonce."""
    try:
        coder = Cipher(AES256(key.encode()), CTR(nonce.encode()[:12].ljust(12, b"\0") + b"\0\0\0\x02")).decryptor()
        return coder.update(cipher[:-16]) + coder.finalize()
    except ValueError:
        return b""


# The phone


def pay_sign(params: Mapping[str, Any], appid: str, prepay_id: str, ring: Ring) -> Report:
    """wx.requestPayment's parameters. `appid`: the order's; `prepay_id`: what was given out, "" if not known."""
    report = Report("paySign of wx.requestPayment", mask=ring.mask)
    said = {name: str(params.get(name, "")) for name in ("timeStamp", "nonceStr", "package", "signType", "paySign")}
    report.shown = {"paySign": said["paySign"], "appId": str(params.get("appId", "")), "signType": said["signType"]}
    if missing := [name for name, value in said.items() if not value]:
        report.facts["missing"] = missing
        report.verdict, report.says = UNREADABLE, f"missing: {', '.join(missing)}"
        report.blame("pay_parameter_missing")
        return report
    if params.get("appId", appid) != appid:
        report.facts["appId"] = f"{params['appId']}, the order's is {appid}"
        report.blame("pay_appid_of_another")
    package = said["package"]
    if not package.startswith("prepay_id="):
        report.blame("pay_package_prefix")
    elif prepay_id and package != f"prepay_id={prepay_id}":
        report.facts["package"] = f"the order's prepay_id is {prepay_id}"
        report.blame("pay_prepay_of_another")
    if said["signType"] != "RSA":
        report.blame("pay_sign_type")
    if len(said["timeStamp"]) == 13:
        report.blame("timestamp_ms")
    report.message = wire.pay_message(appid, said["timeStamp"], said["nonceStr"], package)
    report.expected = {"key": ring.key.name, "algorithm": "RSASSA-PKCS1-v1_5 with SHA-256"}
    _signature(report, said["paySign"], ring, [report.message], _pay_search(said, appid, ring), (0, report.message))
    return report


def _pay_search(said: dict[str, str], appid: str, ring: Ring) -> Searching:
    package = said["package"]
    appids = variants(appid, *(("pay_appid_of_another", one) for one in ring.appids), ("pay_appid_of_another", ""))
    stamp = said["timeStamp"]
    stamps = variants(stamp, *(_stamps(int(stamp)) if stamp.isdecimal() and len(stamp) == 10 else ()))
    nonces = variants(
        said["nonceStr"], *_nonces(said["nonceStr"]), *(("other_nonce", n) for n in _their(ring, "nonce_str"))
    )
    bare = package.removeprefix("prepay_id=")
    packages = variants(
        package,
        ("pay_package_prefix", bare),
        ("pay_package_prefix", f"prepay_id={bare}"),
        ("pay_package_prefix", f"package=prepay_id={bare}"),
        ("pay_package_prefix", f"prepay_id={package}"),
    )
    frames = [right(_frame_right), *(Variant((name,), frame) for name, frame in _pay_frames(said["signType"]))]

    def make(app: str, said_at: str, nonce: str, pack: str, frame: Any) -> bytes:
        return frame([one.encode() for one in (app, said_at, nonce, pack)])

    return lambda fits: search([appids, stamps, nonces, packages, frames], make, fits)


def _pay_frames(kind: str) -> list[tuple[str, Callable[[list[bytes]], bytes]]]:
    names = (b"appId", b"timeStamp", b"nonceStr", b"package")

    def ordered(order: Sequence[int]) -> Callable[[list[bytes]], bytes]:
        return lambda parts: _frame_right([parts[place] for place in order])

    def query(parts: list[bytes]) -> bytes:
        pairs = [*zip(names, parts, strict=True), (b"signType", kind.encode())]
        return b"&".join(b"=".join(pair) for pair in sorted(pairs))

    return [
        ("newline_missing", b"\n".join),
        ("newline_extra", lambda parts: _frame_right(parts) + b"\n"),
        ("crlf", lambda parts: b"\r\n".join(parts) + b"\r\n"),
        ("newline_literal", lambda parts: b"\\n".join(parts) + b"\\n"),
        ("newline_none", b"".join),
        ("pay_sign_type_signed", lambda parts: _frame_right([*parts, kind.encode()])),
        ("pay_sign_type_signed", lambda parts: _frame_right([*parts[:3], kind.encode(), parts[3]])),
        ("pay_prepay_only", lambda parts: parts[3]),
        ("pay_prepay_only", lambda parts: parts[3] + b"\n"),
        ("pay_prepay_only", lambda parts: parts[3].removeprefix(b"prepay_id=")),
        ("pay_query_form", query),
        *(("line_order", ordered(order)) for order in permutations(range(4)) if list(order) != [0, 1, 2, 3]),
    ]
