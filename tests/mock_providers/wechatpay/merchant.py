"""A small honest merchant: it signs, seals and verifies with `cryptography` alone; no code of the mock."""

import hashlib
import json
import time
import uuid
from base64 import b64decode, b64encode
from typing import Any

from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP, PKCS1v15
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key
from cryptography.x509 import load_pem_x509_certificate
from flask.testing import FlaskClient

SCHEME = "WECHATPAY2-SHA256-RSA2048"
NOTIFY = "http://127.0.0.1:9/callbacks"


class Merchant:
    """`held` are the credentials of architecture B.2. `serial` is sent as Wechatpay-Serial, if set."""

    def __init__(self, client: FlaskClient, held: dict[str, Any]) -> None:
        self.client, self.held = client, held
        self.key = load_pem_private_key(held["merchant_private_key"].encode(), None)
        self.serial: str | None = held["public_key_id"]
        self.mount = "/wechatpay"
        self.headers = {"Accept": "application/json", "User-Agent": "merchant/1"}

    # signing

    def sign(self, message: bytes) -> str:
        return b64encode(self.key.sign(message, PKCS1v15(), SHA256())).decode()

    def authorization(self, method: str, target: str, body: bytes, **changes: Any) -> str:
        stamp = str(changes.pop("timestamp", int(time.time())))
        nonce = uuid.uuid4().hex
        message = f"{method}\n{target}\n{stamp}\n{nonce}\n".encode() + body + b"\n"
        pairs = {
            "mchid": self.held["mchid"],
            "nonce_str": nonce,
            "signature": self.sign(message),
            "timestamp": stamp,
            "serial_no": self.held["merchant_serial_no"],
        }
        scheme = changes.pop("scheme", SCHEME)
        return f"{scheme} " + ",".join(f'{k}="{v}"' for k, v in {**pairs, **changes}.items())

    def call(self, method: str, target: str, content: Any = None, **more: Any) -> Any:
        """One signed request. `raw` sends bytes as they are, `signed` replaces what is signed."""
        body = more.pop("raw", b"" if content is None else json.dumps(content, ensure_ascii=False).encode())
        headers = {**self.headers, **more.pop("headers", {})}
        if self.serial:
            headers.setdefault("Wechatpay-Serial", self.serial)
        if body:
            headers.setdefault("Content-Type", "application/json")
        if more.pop("authorized", True):
            target_signed = more.pop("signed_target", target)
            headers["Authorization"] = self.authorization(method, target_signed, more.pop("signed", body), **more)
        headers = {name: value for name, value in headers.items() if value is not None}
        return self.client.open(f"{self.mount}{target}", method=method, data=body, headers=headers)

    def get(self, target: str, **more: Any) -> Any:
        return self.call("GET", target, **more)

    def post(self, target: str, content: Any, **more: Any) -> Any:
        return self.call("POST", target, content, **more)

    def verifies(self, response: Any) -> str:
        """The serial that signed an answer. Raises InvalidSignature."""
        return self.verify(response.headers, response.data)

    def verify(self, headers: Any, body: bytes) -> str:
        found = {name.lower(): value for name, value in dict(headers).items()}
        assert found["wechatpay-signature-type"] == SCHEME
        stamp, nonce = found["wechatpay-timestamp"], found["wechatpay-nonce"]
        serial = found["wechatpay-serial"]
        message = f"{stamp}\n{nonce}\n".encode() + body + b"\n"
        signature = b64decode(found["wechatpay-signature"], validate=True)
        self.platform_key(serial).verify(signature, message, PKCS1v15(), SHA256())
        return serial

    def platform_key(self, serial: str) -> Any:
        if serial == self.held["public_key_id"]:
            return load_pem_public_key(self.held["public_key"].encode())
        assert serial == self.held["platform_serial_no"]
        return load_pem_x509_certificate(self.held["platform_certificate"].encode()).public_key()

    def open(self, resource: dict[str, Any]) -> bytes:
        sealed, nonce = b64decode(resource["ciphertext"]), resource["nonce"].encode()
        key = AESGCM(self.held["apiv3_key"].encode())
        return key.decrypt(nonce, sealed, resource["associated_data"].encode())

    def seal(self, text: str) -> str:
        key = self.platform_key(self.serial or self.held["public_key_id"])
        return b64encode(key.encrypt(text.encode(), OAEP(MGF1(SHA1()), SHA1(), None))).decode()

    # business

    def order(self, number: str, total: int = 4200, openid: str = "openid-P01", **changes: Any) -> dict[str, Any]:
        return {
            "appid": self.held["appid"],
            "mchid": self.held["mchid"],
            "description": "样例药品",
            "out_trade_no": number,
            "notify_url": f"{NOTIFY}/pay",
            "amount": {"total": total, "currency": "CNY"},
            "payer": {"openid": openid},
            **changes,
        }

    def create(self, number: str, **changes: Any) -> str:
        """A new JSAPI order's prepay_id."""
        answer = self.post("/v3/pay/transactions/jsapi", self.order(number, **changes))
        assert answer.status_code == 200, answer.text
        return answer.json["prepay_id"]

    def query(self, number: str) -> dict[str, Any]:
        answer = self.get(f"/v3/pay/transactions/out-trade-no/{number}?mchid={self.held['mchid']}")
        assert answer.status_code == 200, answer.text
        return answer.json

    def pay_params(self, prepay_id: str, **changes: Any) -> dict[str, str]:
        """What wx.requestPayment is called with."""
        stamp, nonce, package = str(int(time.time())), uuid.uuid4().hex, f"prepay_id={prepay_id}"
        app_id = changes.get("appId", self.held["appid"])
        package = changes.get("package", package)
        signature = self.sign(f"{app_id}\n{stamp}\n{nonce}\n{package}\n".encode())
        made = {"timeStamp": stamp, "nonceStr": nonce, "package": package, "signType": "RSA", "paySign": signature}
        return {"appId": app_id, **made, **changes}

    def refund(self, number: str, refund_number: str, refund: int = 4200, total: int = 4200, **changes: Any) -> Any:
        amount = {"refund": refund, "total": total, "currency": "CNY"}
        asked = {"out_trade_no": number, "out_refund_no": refund_number, "amount": amount, **changes}
        return self.post("/v3/refund/domestic/refunds", asked)

    def someone(self, name: str, id_number: str) -> dict[str, str]:
        digest = hashlib.md5(id_number.upper().encode()).hexdigest()
        return {"name": self.seal(name), "id_digest": self.seal(digest), "card_type": "ID_CARD"}

    def mixed(self, number: str, kind: str = "CASH_AND_INSURANCE", **changes: Any) -> dict[str, Any]:
        """The official example's amounts; `None` in changes takes a field away."""
        common = {
            "mix_pay_type": kind,
            "order_type": "PHARMACY_PAY",
            "appid": self.held["appid"],
            "openid": "openid-P01",
            "payer": self.someone("林样一", "469099198803159034"),
            "out_trade_no": number,
            "serial_no": "H20260101000001",
            "city_id": "460100",
            "med_inst_name": "样例药房",
            "med_inst_no": "P46010000001",
            "callback_url": f"{NOTIFY}/medical-insurance",
        }
        bureau = {
            "pay_order_id": "ORD460000000000000000000001",
            "pay_auth_no": "AUTH460000000000000000000001",
            "geo_location": "110.331190,20.031970",
            "med_ins_order_create_time": "2026-01-01T09:00:00+08:00",
        }
        by_kind = {
            "CASH_AND_INSURANCE": {
                **bureau,
                "total_fee": 202000,
                "med_ins_gov_fee": 100000,
                "med_ins_self_fee": 45000,
                "med_ins_other_fee": 5000,
                "med_ins_cash_fee": 50000,
                "wechat_pay_cash_fee": 42000,
                "cash_add_detail": [{"cash_add_fee": 2000, "cash_add_type": "FREIGHT"}],
                "cash_reduce_detail": [{"cash_reduce_fee": 10000, "cash_reduce_type": "HOSPITAL_REDUCE"}],
            },
            "INSURANCE_ONLY": {
                **bureau,
                "total_fee": 5000,
                "med_ins_gov_fee": 3000,
                "med_ins_self_fee": 1500,
                "med_ins_other_fee": 0,
                "med_ins_cash_fee": 500,
                "cash_reduce_detail": [{"cash_reduce_fee": 500, "cash_reduce_type": "PHARMACY_DISCOUNT"}],
            },
            "CASH_ONLY": {
                "total_fee": 5000,
                "wechat_pay_cash_fee": 5000,
                "cash_add_detail": [{"cash_add_fee": 5000, "cash_add_type": "DEFAULT_ADD_TYPE"}],
            },
        }
        made = {**common, **by_kind[kind], **changes}
        return {key: value for key, value in made.items() if value is not None}

    def create_mixed(self, number: str, kind: str = "CASH_AND_INSURANCE", **changes: Any) -> Any:
        """A mixed order, after its cash order where the kind has one."""
        if kind != "INSURANCE_ONLY" and "prepay_id" not in changes:
            total = changes.get("wechat_pay_cash_fee", 42000 if kind == "CASH_AND_INSURANCE" else 5000)
            changes["prepay_id"] = self.create(number, total=total)
        return self.post("/v3/med-ins/orders", self.mixed(number, kind, **changes))
