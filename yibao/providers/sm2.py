"""SM2 signatures with SM3 (GM/T 0003.2): raw r‖s, keys as the payment centre writes them (base64).

Rules of the file: whole numbers only, no I/O. Points are (x, y, z) with z = 0 at infinity (Jacobian), because
one inversion per signature is enough.
"""

import hmac
from base64 import b64decode
from functools import lru_cache
from itertools import count

from cryptography.hazmat.primitives import hashes

P = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF
A = P - 3
B = 0x28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93
N = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123
GX = 0x32C4AE2C1F1981195F9904466A39C9948FE30BBFF2660BE1715A4589334C74C7
GY = 0xBC3736A2F4F6779C59BDCEE36B692153D0A9877CC62A474002DF32E52139F0A0

Point = tuple[int, int, int]
G: Point = (GX, GY, 1)
INFINITY: Point = (1, 1, 0)


def sign(private_key: str, message: bytes, user_id: bytes, k: int | None = None) -> bytes:
    """64 bytes r‖s. `k` is for test vectors only; a live signer grows it from key and content, as RFC 6979 does."""
    d = int.from_bytes(b64decode(private_key, validate=True))
    e = _digest(_public_of(d), message, user_id)
    turns = count()
    while True:
        drawn = k or _grown(d, e, next(turns))
        x, _ = _affine(_times(drawn, G))
        r = (e + x) % N
        s = pow(1 + d, -1, N) * (drawn - r * d) % N
        if r and s and r + drawn != N:
            return r.to_bytes(32) + s.to_bytes(32)


def _grown(d: int, e: int, turn: int) -> int:
    """A number nobody without the key can guess, and another one for every content."""
    text = b"sm2 nonce" + e.to_bytes(32) + turn.to_bytes(4)
    return 1 + int.from_bytes(hmac.digest(d.to_bytes(32), text, "sha512")) % (N - 1)


def verify(public_key: str, message: bytes, signature: bytes, user_id: bytes) -> bool:
    """Whether the 64 bytes are this key's signature of the message. Nonsense is simply not a signature."""
    point = read_public(public_key)
    if len(signature) != 64:
        return False
    r, s = int.from_bytes(signature[:32]), int.from_bytes(signature[32:])
    t = (r + s) % N
    if not (1 <= r < N and 1 <= s < N and t):
        return False
    sum_ = _plus(_times(s, G), _times(t, (*point, 1)))
    if sum_[2] == 0:
        return False
    return (_digest(point, message, user_id) + _affine(sum_)[0]) % N == r


@lru_cache(64)
def read_public(key: str) -> tuple[int, int]:
    """The point of a public key in base64 of 04‖X‖Y. Raises ValueError if it is not on the curve."""
    raw = b64decode(key, validate=True)
    x, y = int.from_bytes(raw[1:33]), int.from_bytes(raw[33:])
    if len(raw) != 65 or raw[0] != 4 or (y * y - x * x * x - A * x - B) % P:
        raise ValueError("not an SM2 public key")
    return x, y


def sm3(data: bytes) -> bytes:
    digest = hashes.Hash(hashes.SM3())
    digest.update(data)
    return digest.finalize()


def _digest(public: tuple[int, int], message: bytes, user_id: bytes) -> int:
    """e = SM3(Z ‖ message); the length in Z is that of the actual user id, in bits."""
    parts = b"".join(n.to_bytes(32) for n in (A, B, GX, GY, *public))
    z = sm3((len(user_id) * 8).to_bytes(2) + user_id + parts)
    return int.from_bytes(sm3(z + message))


@lru_cache(64)
def _public_of(d: int) -> tuple[int, int]:
    return _affine(_times(d, G))


def _affine(point: Point) -> tuple[int, int]:
    x, y, z = point
    inverse = pow(z, -1, P)
    return x * inverse**2 % P, y * inverse**3 % P


def _times(factor: int, point: Point) -> Point:
    result = INFINITY
    for i, doubled in enumerate(_doublings(point)):
        if factor >> i & 1:
            result = _plus(result, doubled)
    return result


@lru_cache(64)
def _doublings(point: Point) -> tuple[Point, ...]:
    """The point times 1, 2, 4 …: G and the few keys we meet are multiplied all the time."""
    powers = [point]
    while len(powers) < 256:
        powers.append(_double(powers[-1]))
    return tuple(powers)


def _double(point: Point) -> Point:
    x, y, z = point
    if not z or not y:
        return INFINITY
    ys = y * y % P
    s = 4 * x * ys % P
    m = 3 * (x - z * z) * (x + z * z) % P  # because a = -3
    x3 = (m * m - 2 * s) % P
    return x3, (m * (s - x3) - 8 * ys * ys) % P, 2 * y * z % P


def _plus(one: Point, other: Point) -> Point:
    if not one[2]:
        return other
    if not other[2]:
        return one
    (x1, y1, z1), (x2, y2, z2) = one, other
    z1s, z2s = z1 * z1 % P, z2 * z2 % P
    u1, u2 = x1 * z2s % P, x2 * z1s % P
    s1, s2 = y1 * z2s * z2 % P, y2 * z1s * z1 % P
    if u1 == u2:
        return _double(one) if s1 == s2 else INFINITY
    h, r = (u2 - u1) % P, (s2 - s1) % P
    hs = h * h % P
    hc, v = h * hs % P, u1 * hs % P
    x3 = (r * r - hc - 2 * v) % P
    return x3, (r * (v - x3) - s1 * hc) % P, h * z1 * z2 % P
