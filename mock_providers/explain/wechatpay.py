"""Requests of merchants to WeChat Pay: Authorization, clock, serial number, signature."""

from typing import Any

from mock_providers.explain import texts
from mock_providers.explain.merchant import (
    Ring,
    Searching,
    Seen,
    judge,
    other_bodies,
    other_frames,
    other_nonces,
    other_stamps,
    right_frame,
    their,
)
from mock_providers.explain.report import UNREADABLE, UNSIGNED, Report, ahead
from mock_providers.explain.search import Variant, right, search, variants
from mock_providers.wechatpay import wire

OWN_HOST = "api.mch.weixin.qq.com"


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
    judge(report, caller.signature, ring, messages, search_, (len(messages[0]) - len(seen.body) - 1, seen.body))
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
    stamps = variants(str(caller.timestamp), *other_stamps(caller.timestamp))
    nonces = variants(
        caller.nonce_str, *other_nonces(caller.nonce_str), *(("other_nonce", n) for n in their(ring, "nonce_str"))
    )
    bodies = [*texts.bodies(seen.body), *other_bodies(seen.body, ring)]
    frames: list[Variant] = [right(right_frame), *(Variant((name,), frame) for name, frame in other_frames())]

    def make(method: str, target: str, body: bytes, frame: Any, nonce: str, stamp: str) -> bytes:
        return frame([method.encode(), target.encode(errors="surrogateescape"), stamp.encode(), nonce.encode(), body])

    return lambda fits: search([methods, targets, bodies, frames, nonces, stamps], make, fits)
