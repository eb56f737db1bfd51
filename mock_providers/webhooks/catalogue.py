"""Every fault by name: what it does, what an honest party does about it, and where that is written. Closed.

Pure. How each is done stands in `faults.py` (any vendor) and in the vendors' `damage.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType

CALLBACK, ANSWER = "callback", "answer"
ANY = "*"
VERDICTS = {
    "refuse": "answers 4xx or 5xx (or hangs up) and changes nothing",
    "accept": "acknowledges it and applies it, as if nothing were odd",
    "once": "acknowledges or refuses the repeat; the fact is applied exactly once",
    "nothing": "cannot answer, because nothing whole arrived; changes nothing",
    "believe": "takes the answer as it is",
    "again": "asks again later with the same number; takes it neither for a success nor for a refusal",
    "distrust": "does not believe it: what happened is unknown, so it asks again or queries",
}


@dataclass(frozen=True)
class Fault:
    """`sources`: vendor → where its behaviour is written; the key `*` is for every vendor."""

    name: str
    on: str
    verdict: str
    says: str
    sources: dict[str, str]
    made: bool = True
    seconds: float = 0.0

    @property
    def vendors(self) -> tuple[str, ...]:
        return tuple(self.sources)

    def concerns(self, vendor: str) -> bool:
        return vendor in self.sources or ANY in self.sources


CATALOGUE: dict[str, Fault] = {}
PAY, PUSH, SM = "wechatpay", "wechat", "national"


def _one(
    name: str,
    verdict: str,
    says: str,
    known: Mapping[str, str] = MappingProxyType({}),
    *,
    on: str = CALLBACK,
    made: bool = True,
    seconds: float = 0.0,
    any: str = "",
    wechatpay: str = "",
    wechat: str = "",
    national: str = "",
) -> None:
    said = {ANY: any, PAY: wechatpay, PUSH: wechat, SM: national}
    sources = {**known, **{vendor: text for vendor, text in said.items() if text}}
    CATALOGUE[name] = Fault(name, on, verdict, says, sources, made, seconds)


_SIGNED = {PAY: "wechatpay.md §1.6, §5.1", PUSH: "wechat.md §5.2", SM: "nhsa.md §3.10"}
_SEALED = {PAY: "wechatpay.md §5.1", PUSH: "wechat.md §5.3", SM: "nhsa.md §3.10"}
_CHOICE = "CHOICE: no window is published, 5 minutes taken over from WeChat Pay"
_WINDOW = {PAY: "wechatpay.md §1.6", PUSH: f"wechat.md §5.2; {_CHOICE}", SM: f"nhsa.md §3.10; {_CHOICE}"}
_TWICE = "wechatpay.md §5.4, wechat.md §5.4, nhsa.md §3.8"

# The signature
_one("signature_missing", "refuse", "no signature at all", _SIGNED)
_one("signature_bad", "refuse", "one bit of the signature is turned", _SIGNED)
_one("signature_truncated", "refuse", "only the first half of the signature", _SIGNED)
_one("signature_of_another_body", "refuse", "a right signature, made for another content", _SIGNED)
_one("signature_of_another_key", "refuse", "signed with a key (a token) nobody knows", _SIGNED)
_one("signature_of_merchants_key", "refuse", "signed with the receiver's own private key",
     wechatpay=_SIGNED[PAY], national=_SIGNED[SM])  # fmt: skip
_one("signature_not_base64", "refuse", "characters that are no Base64 in the signature",
     wechatpay="wechatpay.md §1.7", national=_SIGNED[SM])  # fmt: skip
_one("signature_probe", "refuse", "WeChat Pay's own probe: WECHATPAY/SIGNTEST/ and junk",
     wechatpay="wechatpay.md §1.7, §5.5")  # fmt: skip
_one("signature_probe_not_base64", "refuse", "the probe whose value is no Base64 either",
     wechatpay="wechatpay.md §1.7, §5.5")  # fmt: skip
_one("signature_type_unknown", "refuse", "another Wechatpay-Signature-Type than the one agreed",
     wechatpay="wechatpay.md §5.1")  # fmt: skip
_one("signature_der", "refuse", "the SM2 signature in DER instead of raw r‖s", national=_SIGNED[SM])
_one("signature_of_another_user_id", "refuse", "signed under another SM2 user id than the one agreed",
     national=_SIGNED[SM])  # fmt: skip
_one("sign_type_unknown", "refuse", "signType names an algorithm nobody agreed on", national=_SIGNED[SM])
# Whose key
_one("serial_missing", "refuse", "no Wechatpay-Serial", wechatpay="wechatpay.md §1.6")
_one("serial_unknown", "refuse", "a serial number no certificate has; the signature is the stranger's",
     wechatpay="wechatpay.md §1.6, §2.1")  # fmt: skip
_one("serial_old", "refuse", "the serial number of a certificate that was replaced long ago, signed with its key",
     wechatpay="wechatpay.md §2.1")  # fmt: skip
_one("serial_wrong_kind", "refuse", "names the public key where the certificate signed, or the other way round",
     wechatpay="wechatpay.md §1.6, §2.2")  # fmt: skip
# Time and nonce
_one("timestamp_stale", "refuse", "rightly signed, but ten minutes old", _WINDOW)
_one("timestamp_future", "refuse", "rightly signed, but ten minutes ahead", _WINDOW)
_one("timestamp_not_a_number", "refuse", "rightly signed over a timestamp that is no number", _WINDOW)
_one("timestamp_changed", "refuse", "the timestamp was made fresh after an old signature", _SIGNED)
_one("nonce_changed", "refuse", "the nonce was changed after signing", wechatpay=_SIGNED[PAY], wechat=_SIGNED[PUSH])
_one("nonce_replayed", "once", "the very same bytes arrive twice, one after the other", any=_TWICE)
_one("sent_twice_at_once", "once", "the very same bytes arrive twice at the same moment", any=_TWICE)
_one("sent_anew", "once", "the same fact arrives twice, each time signed afresh", any=_TWICE)
_one("same_fact_new_id", "once", "the same fact arrives again under a new notification id",
     wechatpay="wechatpay.md §5.4")  # fmt: skip
_one("event_id_reused", "once", "the id of a notification that was heard comes again with another content",
     wechatpay="wechatpay.md §5.1, §5.4")  # fmt: skip
# The body after signing
_one("body_changed_after_signing", "refuse", "one word of the envelope was changed after signing",
     wechatpay=_SIGNED[PAY], national=_SIGNED[SM])  # fmt: skip
_one("body_reserialised", "refuse", "the same JSON written again with spaces after signing",
     wechatpay="wechatpay.md §1.6 (raw body)")  # fmt: skip
_one("newline_added", "refuse", "a newline at the end of the body, added after signing",
     wechatpay="wechatpay.md §1.6 (raw body)")  # fmt: skip
_one("envelope_reordered", "accept", "members of the envelope in another order, with spaces: not what is signed",
     national="nhsa.md §3.10 (signing string)")  # fmt: skip
_one("clear_text_differs", "accept", "compatible mode: the clear fields tell another story than Encrypt",
     wechat="wechat.md §5.2")  # fmt: skip
_one("unsealed", "refuse", "the content in clear where a sealed one was agreed",
     wechat="wechat.md §5.2", national="nhsa.md §3.8, §3.10")  # fmt: skip
_one("container_swapped", "refuse", "JSON where XML was agreed, or the other way round",
     wechat="wechat.md §5.2; CHOICE: the agreed container only")  # fmt: skip
_one("xml_entities", "refuse", "an XML message with a document type and entities, for a naive parser to expand",
     wechat="wechat.md §5.2; OWASP XML External Entity")  # fmt: skip
# Encryption
_one("ciphertext_bit_flipped", "refuse", "one bit of the ciphertext is turned; the signature is right", _SEALED)
_one("ciphertext_garbled", "refuse", "a ciphertext that is neither Base64 nor hex; the signature is right", _SEALED)
_one("ciphertext_missing", "refuse", "no ciphertext; the signature is right", _SEALED)
_one("ciphertext_in_lower_case", "accept", "hex in lower case, as some installations write it",
     national="nhsa.md §3.10 (encData)")  # fmt: skip
_one("sealed_with_another_key", "refuse", "sealed with another APIv3 key, EncodingAESKey or appSecret", _SEALED)
_one("associated_data_wrong", "refuse", "sealed with other associated data than the envelope says",
     wechatpay=_SEALED[PAY])  # fmt: skip
_one("cipher_nonce_wrong", "refuse", "the envelope names another nonce than the one it was sealed with",
     wechatpay=_SEALED[PAY])  # fmt: skip
_one("algorithm_unknown", "refuse", "an algorithm nobody agreed on; the signature is right",
     wechatpay="wechatpay.md §2.4, §5.1", national=_SEALED[SM])  # fmt: skip
_one("length_wrong", "refuse", "the length inside the seal lies", wechat=_SEALED[PUSH])
_one("padding_wrong", "refuse", "padding no PKCS#7 of 32 ever makes", wechat=_SEALED[PUSH])
_one("version_wrong", "refuse", "another message version than the payment centre's", national=_SEALED[SM])
# What it says, rightly signed and sealed
_one("appid_wrong", "refuse", "meant for another app", wechatpay="wechatpay.md §5.4", wechat="wechat.md §5.3",
     national="nhsa.md §3.10")  # fmt: skip
_one("appid_missing", "refuse", "no app id at the tail of the sealed message", wechat="wechat.md §5.3")
_one("mchid_wrong", "refuse", "meant for another merchant", wechatpay="wechatpay.md §5.4")
_one("addressee_wrong", "refuse", "ToUserName, or orgCode, is somebody else's",
     wechat="wechat.md §5.5", national="nhsa.md §3.8")  # fmt: skip
_one("amount_changed", "refuse", "another amount than the order's", wechatpay="wechatpay.md §5.4",
     national="nhsa.md §3.8")  # fmt: skip
_one("currency_changed", "refuse", "the right number in another currency", wechatpay="wechatpay.md §3.2, §5.4")
_one("order_unknown", "refuse", "about an order nobody made", wechatpay="wechatpay.md §5.4", national="nhsa.md §3.8")
_one("state_contradicts", "refuse", "the notice says done, the state inside says not done",
     wechatpay="wechatpay.md §3.5, §5.2", national="nhsa.md §3.9")  # fmt: skip
_one("event_type_unknown", "refuse", "an event type nobody has heard of", wechatpay="wechatpay.md §5.2")
# The request itself
_HTTP = "RFC 9110"
_one("content_type_wrong", "accept", "Content-Type says text/plain; the signed bytes are right",
     any=f"{_HTTP} §8.3; CHOICE: it is not signed, so it proves nothing")  # fmt: skip
_one("content_type_missing", "accept", "no Content-Type; the signed bytes are right",
     any=f"{_HTTP} §8.3; CHOICE: it is not signed, so it proves nothing")  # fmt: skip
_one("headers_in_lower_case", "accept", "every header's name in lower case, as proxies write them",
     any=f"{_HTTP} §5.1")  # fmt: skip
_one("body_empty", "refuse", "no body", any="wechatpay.md §5.1, wechat.md §5.2, nhsa.md §3.10")
_one("body_garbage", "refuse", "a body that is neither JSON nor XML", any="wechatpay.md §5.1, wechat.md §5.2")
_one("body_huge", "refuse", "a body of a megabyte", any="CHOICE: no vendor sends more than some kilobytes")
_one("body_truncated", "refuse", "half a body that says it is whole", any=f"{_HTTP} §8.6")
_one("body_cut_off", "nothing", "half a body, then the connection is closed", any="RFC 9112 §6.3, §8")
_one("connection_reset", "nothing", "half a body, then the connection is reset", any="RFC 9293 §3.5.2")
_one("body_slow", "accept", "a pause between the headers and the body", any="wechatpay.md §5.3, wechat.md §5.4",
     seconds=2.0)  # fmt: skip
_one("body_dribbled", "accept", "the body comes a few bytes at a time", any="wechatpay.md §5.3, wechat.md §5.4",
     seconds=2.0)  # fmt: skip


_answer = partial(_one, on=ANSWER)
# Answers of the vendors' APIs. `made=False`: the call is not made at all.
_GATE = "wechatpay.md §1.5; a gateway's own page elsewhere: CHOICE"
_answer("answer_500", "again", "500, and the call was not made", made=False, any=_GATE)
_answer("answer_500_after", "again", "500, although the call was made", any=_GATE)
_answer("answer_502", "again", "502, and the call was not made", made=False, any=_GATE)
_answer("answer_503", "again", "503, and the call was not made", made=False, any=_GATE)
_answer("answer_429", "again", "429, and the call was not made", made=False, any=_GATE)
_answer("answer_reset", "again", "the connection is reset, and the call was not made", made=False,
        any="RFC 9293 §3.5.2")  # fmt: skip
_answer("answer_lost", "distrust", "the call was made, then the connection is reset", any="RFC 9293 §3.5.2")
_answer("answer_slow", "believe", "the call was made; the answer comes late",
        any="wechatpay.md §1.4; CHOICE: how late is given in seconds", seconds=3.0)  # fmt: skip
_answer("answer_dribbled", "believe", "the answer comes a few bytes at a time", any="RFC 9112 §6", seconds=2.0)
_answer("answer_empty", "distrust", "the right status with an empty body", any="wechatpay.md §1.6")
_answer("answer_garbage", "distrust", "the right status with bytes that are no JSON", any="wechatpay.md §1.6")
_answer("answer_truncated", "distrust", "half a body that says it is whole", any="wechatpay.md §1.6")
_answer("answer_cut_off", "distrust", "half a body, then the connection is closed", any="RFC 9112 §6.3")
_answer("answer_html", "distrust", "200 with the page of a proxy in front", any="RFC 9110 §7.6; CHOICE: its wording")
_answer("answer_content_type_wrong", "believe", "the right answer under text/plain",
        any="wechat.md §0.4 (WeChat itself does)")  # fmt: skip
_ANSWERED = {PAY: "wechatpay.md §1.6", SM: "nhsa.md §3.10 (answer)"}
_answer("answer_unsigned", "distrust", "the right answer without its signature", _ANSWERED)
_answer("answer_signature_bad", "distrust", "one bit of the answer's signature is turned", _ANSWERED)
_answer("answer_of_another_key", "distrust", "signed with a key nobody knows", _ANSWERED)
_answer("answer_of_another_body", "distrust", "one digit of the body was changed after signing",
        wechatpay=_ANSWERED[PAY])  # fmt: skip
_answer("answer_probe", "distrust", "WeChat Pay's own probe on an answer", wechatpay="wechatpay.md §1.7")
_answer("answer_probe_not_base64", "distrust", "the probe whose value is no Base64", wechatpay="wechatpay.md §1.7")
_answer("answer_serial_unknown", "distrust", "the answer names a serial number no certificate has",
        wechatpay="wechatpay.md §1.6")  # fmt: skip
_answer("answer_timestamp_stale", "distrust", "rightly signed, but ten minutes old", wechatpay="wechatpay.md §1.6")
