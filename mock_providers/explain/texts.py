"""What becomes of a body or a request target on its way through somebody's program."""

import html
import json
from collections.abc import Iterable, Iterator
from itertools import product
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, quote, quote_plus, unquote, unquote_plus

from mock_providers.explain.search import Variant, right

BOM = b"\xef\xbb\xbf"
RESHAPED_AT_MOST = 256 * 1024
PREFIXES = ("/api", "/gateway", "/proxy", "/pay", "/wxpay", "/wechat", "/wechatpay/wechatpay", "/national", "/mock")


class Spelling(NamedTuple):
    """How a JSON writer writes."""

    json_key_order: bool = False
    json_unicode_escapes: bool = False
    json_slash_escapes: bool = False
    json_indent: int | None = None
    json_spaces: tuple[str, str] = (",", ":")


SPELLINGS = [
    Spelling(order, ascii_, slashes, indent, spaces)
    for indent, spaces in (
        (None, (",", ":")),
        (None, (", ", ": ")),
        (None, (",", ": ")),
        (2, (",", ": ")),
        (4, (",", ": ")),
    )
    for order, ascii_, slashes in product((False, True), repeat=3)
]


def written(value: Any, how: Spelling) -> bytes:
    """JSON in one of the ways writers have."""
    text = json.dumps(
        value,
        ensure_ascii=how.json_unicode_escapes,
        sort_keys=how.json_key_order,
        indent=how.json_indent,
        separators=how.json_spaces,
    )
    return (text.replace("/", "\\/") if how.json_slash_escapes else text).encode(errors="surrogatepass")


def bodies(body: bytes) -> list[Variant]:
    """A body as it is, then as it may have been when it was signed."""
    found: dict[bytes, tuple[str, ...]] = {body: ()}
    for name, other in _spoilt(body):
        found.setdefault(other, (name,))
    for names, other in _rewritten(body):
        found.setdefault(other, names)
    return [Variant(names, other) for other, names in found.items()]


def _spoilt(body: bytes) -> Iterator[tuple[str, bytes]]:
    if body.endswith((b"\n", b" ", b"\t")):
        yield "body_trimmed", body.rstrip()
    yield "body_left_out", b""
    yield "body_empty_object", b"{}"
    yield "body_empty_object", b"null"
    yield "bom", body[3:] if body.startswith(BOM) else BOM + body
    if b"\r\n" in body:
        yield "crlf", body.replace(b"\r\n", b"\n")
    elif b"\n" in body:
        yield "crlf", body.replace(b"\n", b"\r\n")
    yield from _recoded(body)
    text = body.decode("latin-1")
    if "%" in text or "+" in text:
        yield "decoded_twice", unquote_plus(text).encode("latin-1", "replace")
        yield "decoded_twice", unquote(text).encode("latin-1", "replace")
    yield "html_escaped", html.escape(text).encode("latin-1")
    yield "html_escaped", html.unescape(text).encode("latin-1", "replace")


def _recoded(body: bytes) -> Iterator[tuple[str, bytes]]:
    """Read in one charset, written in another."""
    for name, source, target in (
        ("charset_gbk", "utf-8", "gb18030"),
        ("charset_gbk", "gb18030", "utf-8"),
        ("charset_twice", "latin-1", "utf-8"),
        ("charset_twice", "cp1252", "utf-8"),
        ("charset_question_marks", "utf-8", "latin-1"),
    ):
        try:
            yield name, body.decode(source).encode(target, "replace" if "question" in name else "strict")
        except UnicodeError:
            continue


def _rewritten(body: bytes) -> Iterator[tuple[tuple[str, ...], bytes]]:
    if len(body) > RESHAPED_AT_MOST or body.lstrip(BOM)[:1] not in (b"{", b"["):
        return
    try:
        value = json.loads(body)
        forms = {spelling: written(value, spelling) for spelling in SPELLINGS}
    except (ValueError, RecursionError, TypeError):
        return
    own = next((spelling for spelling, form in forms.items() if form == body), Spelling())
    for spelling, form in forms.items():
        named = tuple(
            name
            for name in Spelling._fields
            if getattr(spelling, name) != getattr(own, name)
            and _effect(value, spelling, name, getattr(own, name)) != form
        )
        if "json_indent" in named:
            named = tuple(name for name in named if name != "json_spaces")
        yield named or ("json_spaces",), form


def _effect(value: Any, spelling: Spelling, name: str, setting: Any) -> bytes:
    return written(value, spelling._replace(**{name: setting}))


def targets(target: str, hosts: Iterable[str], prefixes: Iterable[str] = ()) -> list[Variant]:
    """A request target as it is, then as it may have been when it was signed."""
    found: dict[str, str] = {}
    for name, other in _other_targets(target, [host for host in hosts if host], [*prefixes, *PREFIXES]):
        if other != target:
            found.setdefault(other, name)
    return [right(target), *(Variant((name,), other) for other, name in found.items())]


def _other_targets(target: str, hosts: list[str], prefixes: list[str]) -> Iterator[tuple[str, str]]:
    path, mark, query = target.partition("?")
    yield "query_left_out", path
    if query:
        yield "query_left_out", f"{path}?"
        yield "query_decoded", f"{path}?{unquote(query)}"
        yield "query_decoded", f"{path}?{unquote_plus(query)}"
        pairs = parse_qsl(query, keep_blank_values=True)
        yield "query_order", f"{path}?{'&'.join(sorted(query.split('&')))}"
        for coder in (quote, quote_plus, lambda text: quote(text, safe="")):
            yield "query_reencoded", f"{path}?{'&'.join(f'{coder(k)}={coder(v)}' for k, v in pairs)}"
        yield "query_reencoded", f"{path}?{quote(query, safe='=&')}"
        yield "query_reencoded", f"{path}?{_percents(query, str.lower)}"
        yield "query_reencoded", f"{path}?{_percents(query, str.upper)}"
    else:
        yield "query_left_out", f"{path}?"
    yield "path_decoded", unquote(path) + mark + query
    yield "path_decoded", quote(path) + mark + query
    for host in hosts:
        for scheme in ("http://", "https://", ""):
            yield "absolute_url", f"{scheme}{host}{target}"
    for prefix in prefixes:
        yield "path_prefix", prefix + target
    segments = path.split("/")
    for count in (1, 2):
        if len(segments) > count + 1:
            yield "path_prefix_left_out", "/" + "/".join(segments[count + 1 :]) + mark + query
    yield "path_slash", (path[:-1] if path.endswith("/") and path != "/" else f"{path}/") + mark + query
    yield "path_slash", target[1:]


def _percents(query: str, change: Any) -> str:
    head, *tail = query.split("%")
    return head + "".join("%" + change(part[:2]) + part[2:] for part in tail)
