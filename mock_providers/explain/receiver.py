"""What a receiver's answer to a callback suggests about the receiver."""

import re

SLOW_MS = 4_000
VERIFICATION = re.compile("sign|verif|验签|签名|serial|decrypt|解密", re.IGNORECASE)
SAYS = {
    "does_not_verify": (
        "it was taken although it is wrong: the receiver does not verify",
        "报文有误却被接受:接收方没有验签",
    ),
    "verification": (
        "the receiver refuses a good signature: compare the string it builds with string_to_sign; usual are a body "
        "that was parsed and written again, the wrong key for this serial number, and a clock",
        "签名无误却被拒绝:请比对接收方拼出的待签名串,常见原因是请求体被重新序列化、证书选错、时钟偏差",
    ),
    "refused_rightly": ("the receiver refuses it, as it should", "接收方正确地拒绝了有误的报文"),
    "address": (
        "nothing listens at this path, or not for POST: look at the URL that was registered",
        "地址或方法不对",
    ),
    "redirect": ("redirects are not followed: register the final URL", "不跟随重定向,请登记最终地址"),
    "broke": ("the receiver broke: look into its log; it comes again", "接收方内部出错,请查看其日志,稍后会重发"),
    "silent": ("no answer: is it running, listening on this address, and quick enough?", "没有应答,检查服务与端口"),
    "slow": ("the answer nearly came too late: answer first, work later", "应答过慢,应先应答再处理"),
    "content": ("the status is fine, the content is not what this vendor wants to read", "状态码正确,但应答内容不符"),
    "bad_request": ("the receiver could not read it, or refused what is in it", "接收方无法解析或拒绝了内容"),
    "heard": ("heard", "已接收"),
}


def suggests(status: int | None, accepted: bool, body: bytes, ms: float, verdict: str) -> list[dict[str, str]]:
    """What it looks like, the likeliest first."""
    names = [_first(status, accepted, body, verdict)]
    if status is not None and ms > SLOW_MS:
        names.append("slow")
    return [{"name": name, "says": SAYS[name][0], "says_zh": SAYS[name][1]} for name in names]


def _first(status: int | None, accepted: bool, body: bytes, verdict: str) -> str:
    good = verdict in ("ok", "not_checked")
    if status is None:
        return "silent"
    if accepted:
        return "heard" if good else "does_not_verify"
    if status < 300:
        return "content"
    if status < 400:
        return "redirect"
    if not good:
        return "refused_rightly"
    if status in (401, 403) or VERIFICATION.search(body[:2000].decode(errors="replace")):
        return "verification"
    if status in (404, 405):
        return "address"
    return "broke" if status >= 500 else "bad_request"
