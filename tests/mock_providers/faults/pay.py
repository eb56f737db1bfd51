"""Who receives WeChat Pay's notifications: an honest shop built on wechatpayv3, and shops careless in one way.

No code of the mock is used: the shop knows the SDK, its own orders, and what the documents ask of it.
"""

import json
import time
import warnings
from base64 import b64decode
from typing import Any, ClassVar

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509 import load_pem_x509_certificate

from tests.mock_providers.faults.heard import Heard, Refused

with warnings.catch_warnings():  # what it imports is its own affair
    warnings.simplefilter("ignore")
    from wechatpayv3 import WeChatPay, WeChatPayType

WINDOW, LONGEST = 300, 64 * 1024
SDKS: dict[str, Any] = {}


def sdk(keys: dict[str, Any]) -> Any:
    """The SDK with these keys, in the mode where it knows the public key and the certificate."""
    if keys["platform_certificate"] not in SDKS:
        made = WeChatPay(
            WeChatPayType.MINIPROG,
            mchid=keys["mchid"],
            private_key=keys["merchant_private_key"],
            cert_serial_no=keys["merchant_serial_no"],
            apiv3_key=keys["apiv3_key"],
            appid=keys["appid"],
            public_key=keys["public_key"],
            public_key_id=keys["public_key_id"],
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            made._core._certificates = [load_pem_x509_certificate(keys["platform_certificate"].encode())]
        made._core._update_certificates = lambda: None  # nothing newer is published in these tests
        SDKS[keys["platform_certificate"]] = made
    return SDKS[keys["platform_certificate"]]


class Shop:
    """Honest. `orders`: number → amount in fen. `booked`: what it acted on, in order."""

    says: ClassVar[str] = "honest: wechatpayv3, and what the documents ask for besides"

    def __init__(self, keys: dict[str, Any], orders: dict[str, int]) -> None:
        self.keys, self.orders, self.sdk = keys, orders, sdk(keys)
        self.booked: list[tuple[str, int]] = []
        self.ids: set[str] = set()
        self.facts: set[tuple[str, str]] = set()

    def __call__(self, heard: Heard) -> int:
        """The status it answers with."""
        try:
            self.take(heard)
        except Refused as error:
            return error.status
        except Exception:
            return 500
        return 204

    def take(self, heard: Heard) -> None:
        self.size(heard)
        notice = self.verified(heard)
        about = notice["resource"]
        self.meant_for_me(about)
        self.tells_of_success(notice, about)
        order = self.order_of(about)
        self.amount(order, about)
        if self.first_time(notice, order):
            self.booked.append((order, about["amount"]["total"]))

    def size(self, heard: Heard) -> None:
        if len(heard.body) > LONGEST:
            raise Refused(413)

    def verified(self, heard: Heard) -> dict[str, Any]:
        self.fresh(heard)
        notice = self.sdk.callback(heard.headers, heard.body)
        if not notice:
            raise Refused(401)
        return notice

    def fresh(self, heard: Heard) -> None:
        stamp = heard.header("Wechatpay-Timestamp")
        if not stamp.isdecimal() or abs(time.time() - int(stamp)) > WINDOW:
            raise Refused(401)

    def meant_for_me(self, about: dict[str, Any]) -> None:
        if (about["appid"], about["mchid"]) != (self.keys["appid"], self.keys["mchid"]):
            raise Refused(400)

    def tells_of_success(self, notice: dict[str, Any], about: dict[str, Any]) -> None:
        if (notice["event_type"], about["trade_state"]) != ("TRANSACTION.SUCCESS", "SUCCESS"):
            raise Refused(400)

    def order_of(self, about: dict[str, Any]) -> str:
        if about["out_trade_no"] not in self.orders:
            raise Refused(400)
        return str(about["out_trade_no"])

    def amount(self, order: str, about: dict[str, Any]) -> None:
        if about["amount"]["total"] != self.orders[order] or about["amount"]["currency"] != "CNY":
            raise Refused(400)

    def first_time(self, notice: dict[str, Any], order: str) -> bool:
        """By the notification's id and by the fact it tells."""
        fact = (order, notice["event_type"])
        if notice["id"] in self.ids or fact in self.facts:
            return False
        self.ids.add(notice["id"])
        self.facts.add(fact)
        return True

    # what careless ones build on

    def opened(self, notice: dict[str, Any]) -> dict[str, Any]:
        sealed = notice["resource"]
        from wechatpayv3.utils import aes_decrypt

        plain = aes_decrypt(sealed["nonce"], sealed["ciphertext"], sealed["associated_data"], self.keys["apiv3_key"])
        return {**notice, "resource": json.loads(plain)}

    def signed(self, heard: Heard, body: bytes, keys: list[Any]) -> bool:
        message = f"{heard.header('Wechatpay-Timestamp')}\n{heard.header('Wechatpay-Nonce')}\n".encode()
        signature = b64decode(heard.header("Wechatpay-Signature"))
        for key in keys:
            try:
                key.verify(signature, message + body + b"\n", PKCS1v15(), SHA256())
                return True
            except Exception:
                continue
        return False

    def all_keys(self) -> list[Any]:
        core = self.sdk._core
        return [core._public_key, *(certificate.public_key() for certificate in core._certificates)]


class NoSignature(Shop):
    says = "does not check the signature: what opens is believed"

    def verified(self, heard: Heard) -> dict[str, Any]:
        self.fresh(heard)
        return self.opened(json.loads(heard.body))


class Reserialised(Shop):
    says = "checks the signature over JSON it has written again, not over the bytes that came"

    def verified(self, heard: Heard) -> dict[str, Any]:
        self.fresh(heard)
        notice = json.loads(heard.body)
        body = json.dumps(notice, ensure_ascii=False, separators=(",", ":")).encode()
        if not self.sdk._core._verify_signature(heard.headers, body.decode()):
            raise Refused(401)
        return self.opened(notice)


class NoTime(Shop):
    says = "ignores the timestamp (as wechatpayv3 by itself does)"

    def fresh(self, heard: Heard) -> None: ...


class AnySerial(Shop):
    says = "does not look at the serial number: tries every key it ever had, old ones too"

    def verified(self, heard: Heard) -> dict[str, Any]:
        self.fresh(heard)
        old = self.keys.get("old_platform_certificate")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            more = [load_pem_x509_certificate(old.encode()).public_key()] if old else []
        if not self.signed(heard, heard.body, [*self.all_keys(), *more]):
            raise Refused(401)
        return self.opened(json.loads(heard.body))


class OwnKeyTrusted(Shop):
    says = "takes its own merchant certificate for one of WeChat Pay's"

    def verified(self, heard: Heard) -> dict[str, Any]:
        self.fresh(heard)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            own = load_pem_x509_certificate(self.keys["merchant_certificate"].encode()).public_key()
        if not self.signed(heard, heard.body, [*self.all_keys(), own]):
            raise Refused(401)
        return self.opened(json.loads(heard.body))


class NoAmount(Shop):
    says = "does not compare the amount with its own order"

    def amount(self, order: str, about: dict[str, Any]) -> None: ...


class NumberOnly(Shop):
    says = "compares the number and not the currency"

    def amount(self, order: str, about: dict[str, Any]) -> None:
        if about["amount"]["total"] != self.orders[order]:
            raise Refused(400)


class NotWhose(Shop):
    says = "does not look whose appid and merchant number it is"

    def meant_for_me(self, about: dict[str, Any]) -> None: ...


class NotWhat(Shop):
    says = "looks neither at the event type nor at the state"

    def tells_of_success(self, notice: dict[str, Any], about: dict[str, Any]) -> None: ...


class AnyOrder(Shop):
    says = "books what it has no order for"

    def order_of(self, about: dict[str, Any]) -> str:
        self.orders.setdefault(about["out_trade_no"], about["amount"]["total"])
        return str(about["out_trade_no"])


class NeverTwice(Shop):
    says = "does not look whether it has heard it already"

    def first_time(self, notice: dict[str, Any], order: str) -> bool:
        return True


class IdOnly(Shop):
    says = "knows a repeat by the notification's id only"

    def first_time(self, notice: dict[str, Any], order: str) -> bool:
        new = notice["id"] not in self.ids
        self.ids.add(notice["id"])
        return new


class OrderOnly(AnyOrder):
    says = "knows a repeat by the order's number only, and books what it has no order for"

    def first_time(self, notice: dict[str, Any], order: str) -> bool:
        return order not in (booked for booked, _ in self.booked)


class IdFirst(Shop):
    says = "notes the id before it has checked anything: the true one is then a repeat"

    def take(self, heard: Heard) -> None:
        id_ = json.loads(heard.body)["id"]
        if id_ in self.ids:
            return
        self.ids.add(id_)
        super().take(heard)

    def first_time(self, notice: dict[str, Any], order: str) -> bool:
        return True


class SaysYesFirst(Shop):
    says = "answers 200 first and works afterwards; what fails then is lost"

    def __call__(self, heard: Heard) -> int:
        super().__call__(heard)
        return 200


class ProbeIsFine(Shop):
    says = "has a branch for WECHATPAY/SIGNTEST/ that answers 200"

    def take(self, heard: Heard) -> None:
        if not heard.header("Wechatpay-Signature").startswith("WECHATPAY/SIGNTEST/"):
            super().take(heard)


class NoTag(Shop):
    says = "decrypts without checking the tag of AES-GCM"

    def opened(self, notice: dict[str, Any]) -> dict[str, Any]:
        sealed = notice["resource"]
        counter = sealed["nonce"].encode() + (2).to_bytes(4, "big")
        coder = Cipher(AES(self.keys["apiv3_key"].encode()), CTR(counter)).decryptor()
        plain = coder.update(b64decode(sealed["ciphertext"])[:-16])
        return {**notice, "resource": json.loads(plain.decode(errors="replace"))}

    def verified(self, heard: Heard) -> dict[str, Any]:
        self.fresh(heard)
        if not self.sdk._core._verify_signature(heard.headers, heard.body.decode()):
            raise Refused(401)
        return self.opened(json.loads(heard.body))


class Pedant(Shop):
    says = "insists on a Content-Type and on the spelling of header names, which nobody signs"

    def take(self, heard: Heard) -> None:
        names = dict(heard.pairs)
        if names.get("Content-Type") != "application/json" or "Wechatpay-Signature" not in names:
            raise Refused(415)
        super().take(heard)


class NoLimit(Shop):
    says = "reads a body of any size"

    def size(self, heard: Heard) -> None: ...


HONEST = Shop
CARELESS: tuple[type[Shop], ...] = (
    NoSignature,
    Reserialised,
    NoTime,
    AnySerial,
    OwnKeyTrusted,
    NoAmount,
    NumberOnly,
    NotWhose,
    NotWhat,
    AnyOrder,
    NeverTwice,
    IdOnly,
    OrderOnly,
    IdFirst,
    SaysYesFirst,
    ProbeIsFine,
    NoTag,
    Pedant,
    NoLimit,
)
