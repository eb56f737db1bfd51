"""Who receives the bureau's notices: an honest hospital with an SM2 verifier of its own built on gmssl, and others.

gmssl's `sign_with_sm3` knows one user id only, so e is computed here; SM4 and the curve are gmssl's.
"""

import json
import time
from base64 import b64decode
from functools import cache
from typing import Any, ClassVar

from gmssl import sm2, sm3, sm4

from tests.mock_providers.faults.heard import Heard, Refused

WINDOW_MS, LONGEST = 300_000, 64 * 1024
DEFAULT_ID = b"1234567812345678"


@cache
def sm4_ecb(key: bytes, data: bytes, mode: int) -> bytes:
    coder = sm4.CryptSM4()
    coder.set_key(key, mode)
    return bytes(coder.crypt_ecb(data))


@cache
def verifies(public: str, signature: str, digest: str) -> bool:
    """gmssl takes some hundredths of a second; the same message comes to many receivers."""
    return bool(sm2.CryptSM2("", public).verify(signature, bytes.fromhex(digest)))


def pruned(value: Any) -> Any:
    if isinstance(value, dict):
        kept = {key: pruned(value[key]) for key in sorted(value)}
        return {key: inner for key, inner in kept.items() if inner not in (None, "", {}, [])}
    return [pruned(inner) for inner in value] if isinstance(value, list) else value


def compact(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


class Hospital:
    """Honest. `orders`: medOrgOrd → feeSumamt as the notice writes it. `booked`: what it acted on."""

    says: ClassVar[str] = "honest: a verifier built on gmssl, and what the documents ask for besides"

    def __init__(self, keys: dict[str, Any], orders: dict[str, str], org_code: str) -> None:
        self.mip, self.orders, self.org_code = keys["mip"], orders, org_code
        self.key = sm4_ecb(self.mip["app_id"][:16].encode(), self.mip["app_secret"].encode(), sm4.SM4_ENCRYPT)
        self.key = self.key.hex().upper()[:16].encode()
        self.booked: list[tuple[str, str]] = []
        self.facts: set[tuple[str, str]] = set()

    def __call__(self, heard: Heard) -> int:
        try:
            self.take(heard)
        except Refused as error:
            return error.status
        except Exception:
            return 500
        return 200

    def take(self, heard: Heard) -> None:
        if len(heard.body) > LONGEST:
            raise Refused(413)
        about = self.opened(json.loads(heard.body))
        self.meant_for_me(about)
        self.settled(about)
        self.amount(about)
        if self.first_time(about):
            self.booked.append((about["medOrgOrd"], about["feeSumamt"]))

    def opened(self, message: dict[str, Any]) -> dict[str, Any]:
        self.envelope(message)
        self.fresh(message)
        data = self.decrypted(message)
        if not self.signed(message, data):
            raise Refused(401)
        return data

    def envelope(self, message: dict[str, Any]) -> None:
        agreed = {"appId": self.mip["app_id"], "encType": "SM4", "signType": "SM2", "version": "2.0.1"}
        if any(message.get(name) != value for name, value in agreed.items()):
            raise Refused(400)

    def fresh(self, message: dict[str, Any]) -> None:
        stamp = message["timestamp"]
        if not stamp.isdecimal() or abs(time.time() * 1000 - int(stamp)) > WINDOW_MS:
            raise Refused(401)

    def decrypted(self, message: dict[str, Any]) -> dict[str, Any]:
        return dict(json.loads(sm4_ecb(self.key, bytes.fromhex(message["encData"]), sm4.SM4_DECRYPT)))

    def signed(self, message: dict[str, Any], data: dict[str, Any]) -> bool:
        return self.signed_as(self.mip["app_secret"].encode(), message, data)

    def signed_as(self, user_id: bytes, message: dict[str, Any], data: dict[str, Any], key: str = "") -> bool:
        kept = {name: value for name, value in message.items() if name not in ("signData", "encData", "extra")}
        whole = pruned({**kept, "data": data})
        text = "&".join(
            [*(f"{name}={compact(value)}" for name, value in whole.items()), f"key={self.mip['app_secret']}"]
        )
        public = b64decode(key or self.mip["platform_public_key"])[1:].hex()
        signature = b64decode(message["signData"], validate=True)
        if len(signature) != 64:
            return False
        table = sm2.default_ecc_table
        z = (len(user_id) * 8).to_bytes(2, "big") + user_id
        z += bytes.fromhex(table["a"] + table["b"] + table["g"] + public)
        digest = sm3.sm3_hash(list(bytes.fromhex(sm3.sm3_hash(list(z))) + text.encode()))
        return verifies(public, signature.hex(), digest)

    def meant_for_me(self, about: dict[str, Any]) -> None:
        if about["orgCode"] != self.org_code:
            raise Refused(400)

    def settled(self, about: dict[str, Any]) -> None:
        if (about["callType"], about["ordStas"]) != ("02", "6"):
            raise Refused(400)

    def amount(self, about: dict[str, Any]) -> None:
        if self.orders.get(about["medOrgOrd"]) != about["feeSumamt"]:
            raise Refused(400)

    def first_time(self, about: dict[str, Any]) -> bool:
        fact = (about["payOrdId"], about["callType"])
        new = fact not in self.facts
        self.facts.add(fact)
        return new


class NoSignature(Hospital):
    says = "does not check the signature: what opens is believed"

    def signed(self, message: dict[str, Any], data: dict[str, Any]) -> bool:
        return True


class TakesPlain(Hospital):
    says = "takes a notice in clear, as some regions send them"

    def opened(self, message: dict[str, Any]) -> dict[str, Any]:
        return super().opened(message) if "encData" in message else message


class AnyUserId(Hospital):
    says = "tries every SM2 user id it has heard of"

    def signed(self, message: dict[str, Any], data: dict[str, Any]) -> bool:
        return super().signed(message, data) or self.signed_as(DEFAULT_ID, message, data)


class OwnKeyTrusted(Hospital):
    says = "takes its own public key for the platform's as well"

    def signed(self, message: dict[str, Any], data: dict[str, Any]) -> bool:
        own = self.mip["public_key"]
        return super().signed(message, data) or self.signed_as(self.mip["app_secret"].encode(), message, data, own)


class NoTime(Hospital):
    says = "ignores the timestamp"

    def fresh(self, message: dict[str, Any]) -> None: ...


class AnyEnvelope(Hospital):
    says = "does not look at appId, algorithms and version"

    def envelope(self, message: dict[str, Any]) -> None: ...


class NoAmount(Hospital):
    says = "does not compare the amount with its own order"

    def amount(self, about: dict[str, Any]) -> None:
        if about["medOrgOrd"] not in self.orders:
            raise Refused(400)


class AnyOrder(Hospital):
    says = "books what it has no order for"

    def amount(self, about: dict[str, Any]) -> None:
        if self.orders.get(about["medOrgOrd"], about["feeSumamt"]) != about["feeSumamt"]:
            raise Refused(400)


class NotWhat(Hospital):
    says = "does not look at the order's state"

    def settled(self, about: dict[str, Any]) -> None: ...


class NotWhose(Hospital):
    says = "does not look whose institution it is about"

    def meant_for_me(self, about: dict[str, Any]) -> None: ...


class NeverTwice(Hospital):
    says = "does not look whether it has heard it already"

    def first_time(self, about: dict[str, Any]) -> bool:
        return True


class SaysYesFirst(Hospital):
    says = "answers 200 first and works afterwards; what fails then is lost"

    def __call__(self, heard: Heard) -> int:
        super().__call__(heard)
        return 200


class Pedant(Hospital):
    says = "insists on upper-case hex and on the order of members, which nobody promised"

    def take(self, heard: Heard) -> None:
        message = json.loads(heard.body)
        if message.get("encData", "") != message.get("encData", "").upper() or next(iter(message)) != "appId":
            raise Refused(400)
        super().take(heard)


HONEST = Hospital
CARELESS: tuple[type[Hospital], ...] = (
    NoSignature,
    TakesPlain,
    AnyUserId,
    OwnKeyTrusted,
    NoTime,
    AnyEnvelope,
    NoAmount,
    AnyOrder,
    NotWhat,
    NotWhose,
    NeverTwice,
    SaysYesFirst,
    Pedant,
)
