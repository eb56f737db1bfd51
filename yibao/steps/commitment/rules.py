"""The life of a letter as a table, and what its hashes are made of. No I/O."""

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from yibao.errors import Refused

NEXT = {
    ("RENDERED", "view"): "VIEWED",
    ("VIEWED", "view"): "VIEWED",
    ("VIEWED", "sign"): "SIGNED",
    ("SIGNED", "seal"): "SEALED",
    ("RENDERED", "supersede"): "SUPERSEDED",
    ("VIEWED", "supersede"): "SUPERSEDED",
    ("SEALED", "supersede"): "SUPERSEDED",
    ("RENDERED", "revoke"): "REVOKED",
    ("VIEWED", "revoke"): "REVOKED",
    ("SEALED", "revoke"): "REVOKED",
}
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LINE_AT_LEAST = 30.0


def move(state: str, event: str) -> str:
    """The state after an event. Raises Refused STATE_CONFLICT."""
    try:
        return NEXT[state, event]
    except KeyError:
        raise Refused("STATE_CONFLICT", f"a letter that is {state} cannot {event}") from None


def may_sign(
    state: str,
    stale: bool,
    versions: tuple[str, str],
    viewed_at: datetime | None,
    now: datetime,
    read_for: timedelta,
) -> None:
    """Raises Refused STATE_CONFLICT, LETTER_STALE, LETTER_VERSION_OLD or LETTER_NOT_VIEWED.

    `versions` are the letter's own and the one in force.
    """
    if state not in ("RENDERED", "VIEWED"):
        raise Refused("STATE_CONFLICT", f"the letter is {state}")
    if stale:
        raise Refused("LETTER_STALE")
    if versions[0] != versions[1]:
        raise Refused("LETTER_VERSION_OLD", f"version {versions[0]} was replaced by {versions[1]}")
    if viewed_at is None or now - viewed_at < read_for:
        raise Refused("LETTER_NOT_VIEWED")


def check_strokes(strokes: Sequence[Sequence[Sequence[float]]]) -> None:
    """The pen must have travelled: raises Refused LETTER_SIGNATURE_EMPTY for a dot."""
    length = 0.0
    for stroke in strokes:
        for (x1, y1, _), (x2, y2, _) in pairwise(stroke):
            length += ((x2 - x1) ** 2 + (y2 - y1) ** 2) ** 0.5
    if length < LINE_AT_LEAST:
        raise Refused("LETTER_SIGNATURE_EMPTY")


def sha256(content: bytes | str) -> str:
    return hashlib.sha256(content.encode() if isinstance(content, str) else content).hexdigest()


def seal(content_sha256: str, signature_sha256: str, signed_at: str, signer_id_hash: str, version: str) -> str:
    """The hash that ties text, signature, time, signer and template together (domain sheet §6.3)."""
    return sha256(content_sha256 + signature_sha256 + signed_at + signer_id_hash + version)


def ulid(moment: datetime, fresh_hex: str) -> str:
    """26 characters that sort by time: 48 bits of milliseconds, 80 bits from `fresh_hex`."""
    number = (round(moment.timestamp() * 1000) & (1 << 48) - 1) << 80 | int(fresh_hex[:20], 16)
    return "".join(CROCKFORD[number >> shift & 31] for shift in range(125, -1, -5))
