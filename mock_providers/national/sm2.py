"""SM2 signatures (GB/T 32918.2) with SM3: pure integers, because `cryptography` has no SM2 curve.

Rule of the file: no I/O. Multiplication reads a table of 52 windows of 5 bits per point (the base point's and
each public key's, kept); it is not constant time, which a mock can afford.
"""

import hmac
import secrets
from functools import cache, lru_cache
from itertools import count

from cryptography.hazmat.primitives.hashes import SM3, Hash

P = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF
A = P - 3
B = 0x28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93
N = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123
G = (
    0x32C4AE2C1F1981195F9904466A39C9948FE30BBFF2660BE1715A4589334C74C7,
    0xBC3736A2F4F6779C59BDCEE36B692153D0A9877CC62A474002DF32E52139F0A0,
)
DEFAULT_ID = b"1234567812345678"
BITS, WINDOWS = 5, 52

Affine = tuple[int, int]
Jacobian = tuple[int, int, int]
NOWHERE: Jacobian = (1, 1, 0)


class BadKey(ValueError):
    """Not a key of this curve."""


def sm3(data: bytes) -> bytes:
    digest = Hash(SM3())
    digest.update(data)
    return digest.finalize()


def _double(point: Jacobian) -> Jacobian:
    x, y, z = point
    yy = y * y % P
    s = 4 * x * yy % P
    zz = z * z % P
    m = 3 * (x - zz) * (x + zz) % P
    nx = (m * m - 2 * s) % P
    return nx, (m * (s - nx) - 8 * yy * yy) % P, 2 * y * z % P


def _add(one: Jacobian, other: Affine) -> Jacobian:
    x1, y1, z1 = one
    if not z1:
        return (*other, 1)
    zz = z1 * z1 % P
    h = (other[0] * zz - x1) % P
    r = (other[1] * z1 * zz - y1) % P
    if not h:
        return _double(one) if not r else NOWHERE
    hh = h * h % P
    hhh = h * hh % P
    v = x1 * hh % P
    x3 = (r * r - hhh - 2 * v) % P
    return x3, (r * (v - x3) - y1 * hhh) % P, z1 * h % P


def _affine(points: list[Jacobian]) -> list[Affine]:
    """All at once with a single inversion (Montgomery's trick)."""
    products = [1]
    for _, _, z in points:
        products.append(products[-1] * z % P)
    inverse = pow(products.pop(), -1, P)
    found: list[Affine] = []
    for x, y, z in reversed(points):
        here = inverse * products.pop() % P
        inverse = inverse * z % P
        hh = here * here % P
        found.append((x * hh % P, y * hh * here % P))
    return found[::-1]


def _table(point: Affine) -> list[list[Affine]]:
    """`[i][d - 1]` is d · 32^i · point."""
    bases: list[Jacobian] = [(*point, 1)]
    for _ in range(WINDOWS - 1):
        step = bases[-1]
        for _ in range(BITS):
            step = _double(step)
        bases.append(step)
    rows: list[Jacobian] = []
    for base in _affine(bases):
        row: list[Jacobian] = [(*base, 1)]
        for _ in range(2**BITS - 2):
            row.append(_add(row[-1], base))
        rows += row
    flat = _affine(rows)
    width = 2**BITS - 1
    return [flat[at : at + width] for at in range(0, len(flat), width)]


@cache
def _base_table() -> list[list[Affine]]:
    return _table(G)


@lru_cache(maxsize=128)
def _key_table(public: bytes) -> list[list[Affine]]:
    return _table(point_of(public))


def _multiply(table: list[list[Affine]], k: int, start: Jacobian = NOWHERE) -> Jacobian:
    total = start
    for row in table:
        if digit := k & (2**BITS - 1):
            total = _add(total, row[digit - 1])
        k >>= BITS
    return total


def _x(point: Jacobian) -> int:
    return point[0] * pow(point[2], -2, P) % P


def point_of(public: bytes) -> Affine:
    """Read `04‖X‖Y`. Raises BadKey unless it is 65 bytes and on the curve."""
    x, y = int.from_bytes(public[1:33]), int.from_bytes(public[33:])
    if len(public) != 65 or public[0] != 4 or max(x, y) >= P or (y * y - x * x * x - A * x - B) % P:
        raise BadKey("an SM2 public key is 04‖X‖Y of a point on the curve")
    return x, y


def scalar_of(private: bytes) -> int:
    """Read a private key. Raises BadKey unless it is 32 bytes of 1 … n-2."""
    d = int.from_bytes(private)
    if len(private) != 32 or not 0 < d < N - 1:
        raise BadKey("an SM2 private key is 32 bytes of 1 … n-2")
    return d


def private_from(randomness: bytes) -> bytes:
    """A private key grown from at least 40 random (or derived) bytes."""
    if len(randomness) < 40:
        raise ValueError("at least 40 bytes, or the key is biased")
    return (int.from_bytes(randomness) % (N - 2) + 1).to_bytes(32)


def new_private() -> bytes:
    return private_from(secrets.token_bytes(48))


@lru_cache(maxsize=128)
def public_of(private: bytes) -> bytes:
    """The public key `04‖X‖Y` of a private one."""
    ((x, y),) = _affine([_multiply(_base_table(), scalar_of(private))])
    return b"\x04" + x.to_bytes(32) + y.to_bytes(32)


@lru_cache(maxsize=256)
def _identity(public: bytes, user_id: bytes) -> bytes:
    """Z: who signs. The id's length is its real one in bits."""
    curve = b"".join(part.to_bytes(32) for part in (A, B, *G))
    return sm3((len(user_id) * 8).to_bytes(2) + user_id + curve + public[1:])


def digest(public: bytes, message: bytes, user_id: bytes) -> int:
    """e = SM3(Z ‖ message)."""
    if len(user_id) > 8191:
        raise ValueError("a user id is at most 8191 bytes")
    return int.from_bytes(sm3(_identity(public, user_id) + message))


def identity(public: bytes, user_id: bytes) -> bytes:
    """Z of a signer: what is hashed before the message."""
    return _identity(public, user_id)


def signed_digest(public: bytes, signature: bytes) -> int | None:
    """The digest this signature is right for under this key, whatever was signed; None if it is right for none."""
    table = _key_table(public)
    r, s = int.from_bytes(signature[:32]), int.from_bytes(signature[32:])
    t = (r + s) % N
    if len(signature) != 64 or not 0 < r < N or not 0 < s < N or not t:
        return None
    point = _multiply(table, t, _multiply(_base_table(), s))
    return (r - _x(point)) % N if point[2] else None


def sign(private: bytes, message: bytes, user_id: bytes = DEFAULT_ID, k: int | None = None) -> bytes:
    """`r‖s`, 64 bytes. `k` is for test vectors only; else it follows from key and content."""
    d = scalar_of(private)
    e = digest(public_of(private), message, user_id)
    turns = count()
    while True:
        nonce = k or _secret_number(private, e, next(turns))
        r = (e + _x(_multiply(_base_table(), nonce))) % N
        s = (nonce - r * d) * pow(1 + d, -1, N) % N
        if r and s and r + nonce != N:
            return r.to_bytes(32) + s.to_bytes(32)
        if k:
            raise ValueError("this k gives no signature")


def _secret_number(private: bytes, e: int, turn: int) -> int:
    drawn = hmac.digest(private, e.to_bytes(32) + turn.to_bytes(4), "sha512")
    return int.from_bytes(drawn) % (N - 1) + 1


def verify(public: bytes, message: bytes, signature: bytes, user_id: bytes = DEFAULT_ID) -> bool:
    """Whether `signature` is this key's raw `r‖s`. DER is not 64 bytes and is refused. Raises BadKey."""
    table = _key_table(public)
    r, s = int.from_bytes(signature[:32]), int.from_bytes(signature[32:])
    t = (r + s) % N
    if len(signature) != 64 or not 0 < r < N or not 0 < s < N or not t:
        return False
    point = _multiply(table, t, _multiply(_base_table(), s))
    return bool(point[2]) and (digest(public, message, user_id) + _x(point)) % N == r
