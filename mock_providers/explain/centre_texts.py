"""Texts somebody may have signed for the payment centre instead of the right one."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from mock_providers.explain import texts
from mock_providers.explain.parties import Channel
from mock_providers.explain.search import Variant, right, search, variants
from mock_providers.national import wire


def search_texts(
    fields: Mapping[str, Any], data: Any, plain: bytes, channel: Channel, fits: Callable[[bytes], bool]
) -> Any:
    secret = channel.app_secret
    tails = variants(
        f"&key={secret}",
        *(
            ("key_suffix", tail)
            for tail in ("", f"&{secret}", secret, f"&appSecret={secret}", f"&secret={secret}", "&key=")
        ),
        ("secret_case", f"&key={secret.lower()}"),
        ("secret_case", f"&key={secret.upper()}"),
        ("secret_with_newline", f"&key={secret}\n"),
        ("newline_extra", f"&key={secret}\n"),
    )
    own = {k: v for k, v in fields.items() if k not in wire.NOT_SIGNED}

    def make(chosen: Mapping[str, Any], text: str, order: Any, tail: str) -> bytes:
        whole = {**chosen, "data": text} if text else dict(chosen)
        said = (f"{k}={v if isinstance(v, str) else wire.compact(v)}" for k, v in order(whole))
        return ("&".join(said) + tail).encode(errors="surrogateescape")

    return search(
        [_field_variants(fields, own), data_variants(data, plain, fields), _key_orders(), tails], make, fits
    )


def _field_variants(fields: Mapping[str, Any], own: Mapping[str, Any]) -> list[Variant]:
    kept = {k: v for k, v in own.items() if v not in (None, "", {}, [])}
    without = {k: v for k, v in kept.items() if k not in ("signType", "encType")}
    return variants(
        kept,
        ("sign_type_left_out", without),
        ("sign_type_left_out", {k: v for k, v in kept.items() if k != "signType"}),
        ("sign_type_left_out", {k: v for k, v in kept.items() if k != "encType"}),
        ("field_left_in", {**kept, **{k: fields[k] for k in ("encData",) if fields.get(k)}}),
        ("field_left_in", {**kept, **{k: fields[k] for k in ("extra",) if fields.get(k)}}),
        ("field_left_in", {**kept, **{k: fields[k] for k in ("encData", "extra") if fields.get(k)}}),
        ("empty_left_in", {k: "" if v is None else v for k, v in own.items()}),
        *(("field_left_out", {k: v for k, v in kept.items() if k != name}) for name in kept),
    )


def _key_orders() -> list[Variant]:
    return [
        right(lambda whole: sorted(whole.items())),
        Variant(("keys_unsorted",), lambda whole: list(whole.items())),
        Variant(("keys_unsorted",), lambda whole: sorted(whole.items(), key=lambda pair: pair[0].lower())),
        Variant(("keys_unsorted",), lambda whole: sorted(whole.items(), reverse=True)),
        Variant(("keys_unsorted",), lambda whole: sorted(whole.items(), key=lambda pair: pair[0] == "data")),
    ]


def data_variants(data: Any, plain: bytes, fields: Mapping[str, Any]) -> list[Variant]:
    pruned = wire.pruned(data)
    loose = json.loads(wire.compact(pruned))
    found: dict[str, tuple[str, ...]] = {wire.compact(pruned) if pruned else "": ()}
    for name, text in (
        ("data_not_pruned", wire.compact(in_order(data))),
        ("data_unsorted", wire.compact(pruned_only(data))),
        ("data_unsorted", wire.compact({k: pruned_only(data[k]) for k in pruned})),
        ("data_not_pruned", wire.compact(data)),
        ("data_not_pruned", plain.decode(errors="surrogateescape")),
        (
            "data_pruned_shallow",
            wire.compact({k: v for k, v in in_order(data).items() if v not in (None, "", {}, [])}),
        ),
        ("numbers_reformatted", wire.compact(loose)),
        ("numbers_reformatted", wire.compact(_numbers(pruned, lambda one: f"{float(one):.2f}"))),
        ("numbers_reformatted", wire.compact(_numbers(pruned, lambda one: f"{float(one):g}"))),
        ("numbers_reformatted", wire.compact(_numbers(pruned, lambda one: json.dumps(float(one))))),
        ("numbers_reformatted", wire.compact(_numbers(pruned, lambda one: f'"{one}"'))),
        ("data_encrypted_signed", str(fields.get("encData") or "")),
        ("data_left_out", ""),
        ("data_quoted", json.dumps(wire.compact(pruned), ensure_ascii=False)),
    ):
        found.setdefault(text, (name,))
    for variant in texts.bodies(wire.compact(pruned).encode(errors="surrogateescape"))[1:]:
        found.setdefault(variant.value.decode(errors="surrogateescape"), variant.names)
    return [Variant(names, text) for text, names in found.items()]


def in_order(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: in_order(value[k]) for k in sorted(value)}
    return [in_order(one) for one in value] if isinstance(value, list) else value


def pruned_only(value: Any) -> Any:
    """Empty members left out, order as given."""
    if isinstance(value, dict):
        kept = {k: pruned_only(v) for k, v in value.items()}
        return {k: v for k, v in kept.items() if v is not None and v not in ("", {}, [])}
    return [pruned_only(one) for one in value] if isinstance(value, list) else value


def _numbers(value: Any, spell: Callable[[Any], str]) -> Any:
    """Every number written another way."""
    if isinstance(value, dict):
        return {k: _numbers(v, spell) for k, v in value.items()}
    if isinstance(value, list):
        return [_numbers(one, spell) for one in value]
    if isinstance(value, bool) or not isinstance(value, int | wire.Number):
        return value
    made = wire.Number("0")
    try:
        made.text = spell(value.text if isinstance(value, wire.Number) else value)
    except (ValueError, OverflowError):
        return value
    return made
