"""Who receives WeChat's pushes: an honest server built on wechatpy's crypto, and servers careless in one way."""

import json
import time
import warnings
from typing import Any, ClassVar

from tests.mock_providers.faults.heard import Heard, Refused

with warnings.catch_warnings():  # what it imports is its own affair
    warnings.simplefilter("ignore")
    import xmltodict
    from wechatpy.crypto import WeChatCrypto
    from wechatpy.utils import check_signature

WINDOW, LONGEST = 300, 64 * 1024
Fact = tuple[str, int, str]


class Server:
    """Honest. `form` and `mode` are what it agreed on in the console; `booked`: the events it acted on."""

    says: ClassVar[str] = "honest: wechatpy's crypto, and what the documents ask for besides"

    def __init__(self, keys: dict[str, Any], mode: str, form: str) -> None:
        self.keys, self.mode, self.form = keys, mode, form
        self.crypto = WeChatCrypto(keys["push_token"], keys["encoding_aes_key"], keys["appid"])
        self.booked: list[Fact] = []

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
        self.fresh(heard)
        self.signed(heard)
        message = self.opened(heard)
        self.meant_for_me(message)
        fact = (message["FromUserName"], int(message["CreateTime"]), message["Event"])
        if self.first_time(fact):
            self.booked.append(fact)

    def fresh(self, heard: Heard) -> None:
        stamp = heard.query.get("timestamp", "")
        if not stamp.isdecimal() or abs(time.time() - int(stamp)) > WINDOW:
            raise Refused(401)

    def signed(self, heard: Heard) -> None:
        query = heard.query
        check_signature(self.keys["push_token"], query.get("signature", ""), query["timestamp"], query["nonce"])

    def opened(self, heard: Heard) -> dict[str, Any]:
        outer = self.parsed(heard.body)
        if self.mode == "plaintext":
            return outer
        query = heard.query
        stamps = (query.get("msg_signature", ""), query["timestamp"], query["nonce"])
        return self.parsed(self.crypto.decrypt_message({"Encrypt": outer["Encrypt"]}, *stamps).encode())

    def parsed(self, body: bytes) -> dict[str, Any]:
        if self.form == "json":
            return dict(json.loads(body))
        if b"<!" in body.replace(b"<![CDATA[", b""):
            raise Refused(400)
        return dict(xmltodict.parse(body)["xml"])

    def meant_for_me(self, message: dict[str, Any]) -> None:
        if message["ToUserName"] != self.keys["original_id"]:
            raise Refused(400)

    def first_time(self, fact: Fact) -> bool:
        return fact not in self.booked

    def decrypted(self, encrypted: str) -> bytes:
        """Opened without looking at any signature."""
        return self.crypto_of().decrypt(encrypted, self.keys["appid"]).encode()

    def crypto_of(self) -> Any:
        from wechatpy.crypto import PrpCrypto

        return PrpCrypto(self.crypto.key)


class NoSignature(Server):
    says = "checks no signature: what opens is believed"

    def signed(self, heard: Heard) -> None: ...

    def opened(self, heard: Heard) -> dict[str, Any]:
        return self.parsed(self.decrypted(self.parsed(heard.body)["Encrypt"]))


class QueryOnly(Server):
    says = "checks `signature` and not `msg_signature`: the ciphertext is nobody's"

    def opened(self, heard: Heard) -> dict[str, Any]:
        return self.parsed(self.decrypted(self.parsed(heard.body)["Encrypt"]))


class ReadsClear(Server):
    says = "reads the clear fields where they are there (compatible mode)"

    def opened(self, heard: Heard) -> dict[str, Any]:
        outer = self.parsed(heard.body)
        return outer if "FromUserName" in outer else super().opened(heard)


class AnyApp(Server):
    says = "does not look whose app id is at the tail"

    def opened(self, heard: Heard) -> dict[str, Any]:
        import base64
        from types import SimpleNamespace

        from wechatpy.utils import WeChatSigner

        encrypted = self.parsed(heard.body)["Encrypt"]
        signer = WeChatSigner()
        signer.add_data(self.keys["push_token"], heard.query["timestamp"], heard.query["nonce"], encrypted)
        if signer.signature != heard.query.get("msg_signature"):
            raise Refused(401)
        cipher = SimpleNamespace(of=self.crypto_of().cipher)
        plain = cipher.of.decrypt(base64.b64decode(encrypted))
        length = int.from_bytes(plain[16:20], "big")
        return self.parsed(plain[20 : 20 + length])


class AnyAddressee(Server):
    says = "does not look whom the message is for"

    def meant_for_me(self, message: dict[str, Any]) -> None: ...


class NoTime(Server):
    says = "ignores the timestamp (as wechatpy by itself does)"

    def fresh(self, heard: Heard) -> None: ...


class AnyContainer(Server):
    says = "takes JSON or XML, whichever comes, entities included"

    def parsed(self, body: bytes) -> dict[str, Any]:
        if body.lstrip().startswith(b"{"):
            return dict(json.loads(body))
        return dict(xmltodict.parse(body, disable_entities=False)["xml"])


class NeverTwice(Server):
    says = "does not look whether it has heard it already"

    def first_time(self, fact: Fact) -> bool:
        return True


class SaysYesFirst(Server):
    says = "answers 200 first and works afterwards; what fails then is lost"

    def __call__(self, heard: Heard) -> int:
        super().__call__(heard)
        return 200


HONEST = Server
CARELESS: tuple[type[Server], ...] = (
    NoSignature,
    QueryOnly,
    ReadsClear,
    AnyApp,
    AnyAddressee,
    NoTime,
    AnyContainer,
    NeverTwice,
    SaysYesFirst,
)
