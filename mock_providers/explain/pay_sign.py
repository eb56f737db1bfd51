"""The phone's paySign: wx.requestPayment and WeixinJSBridge."""

from collections.abc import Callable, Mapping, Sequence
from itertools import permutations
from typing import Any

from mock_providers.explain.merchant import Ring, Searching, judge, other_nonces, other_stamps, right_frame, their
from mock_providers.explain.report import UNREADABLE, Report
from mock_providers.explain.search import Variant, right, search, variants
from mock_providers.wechatpay import wire


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
    judge(report, said["paySign"], ring, [report.message], _pay_search(said, appid, ring), (0, report.message))
    return report


def _pay_search(said: dict[str, str], appid: str, ring: Ring) -> Searching:
    package = said["package"]
    appids = variants(appid, *(("pay_appid_of_another", one) for one in ring.appids), ("pay_appid_of_another", ""))
    stamp = said["timeStamp"]
    stamps = variants(stamp, *(other_stamps(int(stamp)) if stamp.isdecimal() and len(stamp) == 10 else ()))
    nonces = variants(
        said["nonceStr"], *other_nonces(said["nonceStr"]), *(("other_nonce", n) for n in their(ring, "nonce_str"))
    )
    bare = package.removeprefix("prepay_id=")
    packages = variants(
        package,
        ("pay_package_prefix", bare),
        ("pay_package_prefix", f"prepay_id={bare}"),
        ("pay_package_prefix", f"package=prepay_id={bare}"),
        ("pay_package_prefix", f"prepay_id={package}"),
    )
    frames = [right(right_frame), *(Variant((name,), frame) for name, frame in _pay_frames(said["signType"]))]

    def make(app: str, said_at: str, nonce: str, pack: str, frame: Any) -> bytes:
        return frame([one.encode() for one in (app, said_at, nonce, pack)])

    return lambda fits: search([appids, stamps, nonces, packages, frames], make, fits)


def _pay_frames(kind: str) -> list[tuple[str, Callable[[list[bytes]], bytes]]]:
    names = (b"appId", b"timeStamp", b"nonceStr", b"package")

    def ordered(order: Sequence[int]) -> Callable[[list[bytes]], bytes]:
        return lambda parts: right_frame([parts[place] for place in order])

    def query(parts: list[bytes]) -> bytes:
        pairs = [*zip(names, parts, strict=True), (b"signType", kind.encode())]
        return b"&".join(b"=".join(pair) for pair in sorted(pairs))

    return [
        ("newline_missing", b"\n".join),
        ("newline_extra", lambda parts: right_frame(parts) + b"\n"),
        ("crlf", lambda parts: b"\r\n".join(parts) + b"\r\n"),
        ("newline_literal", lambda parts: b"\\n".join(parts) + b"\\n"),
        ("newline_none", b"".join),
        ("pay_sign_type_signed", lambda parts: right_frame([*parts, kind.encode()])),
        ("pay_sign_type_signed", lambda parts: right_frame([*parts[:3], kind.encode(), parts[3]])),
        ("pay_prepay_only", lambda parts: parts[3]),
        ("pay_prepay_only", lambda parts: parts[3] + b"\n"),
        ("pay_prepay_only", lambda parts: parts[3].removeprefix(b"prepay_id=")),
        ("pay_query_form", query),
        *(("line_order", ordered(order)) for order in permutations(range(4)) if list(order) != [0, 1, 2, 3]),
    ]
