"""A stranger's whole back end: a pharmacy's mini program that logs people in and sells, if they like with insurance.

It knows WeChat through wechatpy, WeChat Pay through wechatpayv3, and neither our code nor our names. `His` is the
system that speaks to the bureau for it (医院信息系统), as is usual: it turns a consent into a priced order.
"""

import hashlib
import hmac
import json
import time
import uuid
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import requests
from flask import Flask, abort, g, request

with warnings.catch_warnings():  # what it imports is its own affair
    warnings.simplefilter("ignore")
    from wechatpayv3 import WeChatPay, WeChatPayType
    from wechatpayv3.type import RequestType
    from wechatpy import WeChatClient, WeChatClientException

PRICES = {"口罩": 1280, "体温计": 4200}


class His(Protocol):
    """What the pharmacy's own system does for a consent: a priced order at the bureau, and its way back."""

    def order(self, pay_auth_no: str, items: Mapping[str, int]) -> dict[str, Any]:
        """pay_order_id, med_org_ord, created, and gov, self, other, cash in fen."""
        ...

    def refund(self, pay_order_id: str) -> None: ...


class Client(WeChatClient):
    """wechatpy at another address: its token URL is a literal, so that one method is overridden."""

    def __init__(self, base: str, appid: str, secret: str) -> None:
        super().__init__(appid, secret)
        self.base = base
        self.wxa.API_BASE_URL = f"{base}/"

    def fetch_access_token(self) -> Any:
        asked = {"grant_type": "client_credential", "appid": self.appid, "secret": self.secret}
        return self._fetch_access_token(url=f"{self.base}/cgi-bin/token", params=asked)


@dataclass
class Shop:
    """What it remembers: who is logged in, what was ordered, which notifications it has had."""

    sessions: dict[str, dict[str, Any]] = field(default_factory=dict)
    orders: dict[str, dict[str, Any]] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)
    turned_away: int = 0


def create_app(keys: Mapping[str, Any], own_url: str, his: His) -> Flask:
    """`keys`: what the consoles of wechat and wechatpay show, and the partner number of the insurance."""
    app, shop = Flask("merchant"), Shop()
    app.extensions["shop"] = shop
    wechat, pay, partner = keys["wechat"], keys["wechatpay"], keys["insurance"]
    mini = Client(wechat["base_url"], wechat["appid"], wechat["secret"])
    till = WeChatPay(
        WeChatPayType.MINIPROG,
        mchid=pay["mchid"],
        private_key=pay["merchant_private_key"],
        cert_serial_no=pay["merchant_serial_no"],
        apiv3_key=pay["apiv3_key"],
        appid=pay["appid"],
        notify_url=f"{own_url}/notify",
        public_key=pay["public_key"],
        public_key_id=pay["public_key_id"],
    )
    till._core._gate_way = pay["base_url"]

    @app.before_request
    def who() -> None:
        g.me = shop.sessions.get(request.headers.get("Authorization", "").removeprefix("Bearer "))
        if g.me is None and request.path not in ("/login", "/notify"):
            abort(401)

    @app.post("/login")
    def login() -> dict[str, Any]:
        try:
            session = mini.wxa.code_to_session(request.get_json()["code"])
        except WeChatClientException as error:
            return {"errcode": error.errcode}
        token = uuid.uuid4().hex
        shop.sessions[token] = {"openid": session["openid"], "session_key": session["session_key"]}
        return {"token": token}

    @app.post("/phone")
    def phone() -> dict[str, Any]:
        found = mini.post(
            f"{wechat['base_url']}/wxa/business/getuserphonenumber", data={"code": request.get_json()["code"]}
        )
        g.me["phone"] = found["phone_info"]["purePhoneNumber"]
        return {"phone": g.me["phone"]}

    @app.post("/orders")
    def buy() -> dict[str, Any]:
        number = _number()
        fen = sum(PRICES[name] * count for name, count in request.get_json()["items"].items())
        prepay_id = _prepay(number, fen)
        shop.orders[number] = {"openid": g.me["openid"], "fen": fen, "state": "WAITING"}
        return {"number": number, "params": _signed(prepay_id)}

    @app.post("/insured-orders")
    def buy_insured() -> dict[str, Any]:
        asked = request.get_json()
        granted = _user_query(asked["auth_code"])
        if not granted:
            return {"refused": "not authorised"}
        priced = his.order(granted["pay_auth_no"], asked["items"])
        number, cash = _number(), priced["cash"]
        prepay_id = _prepay(number, cash) if cash else None
        person = {
            "name": till._core.encrypt(granted["user_name"]),
            "id_digest": till._core.encrypt(hashlib.md5(granted["user_card_no"].encode()).hexdigest()),
            "card_type": "ID_CARD",
        }
        fields = {
            "mix_pay_type": "CASH_AND_INSURANCE" if cash else "INSURANCE_ONLY",
            "order_type": "PHARMACY_PAY",
            "appid": pay["appid"],
            "openid": g.me["openid"],
            "payer": person,
            "out_trade_no": number,
            "serial_no": priced["med_org_ord"],
            "pay_order_id": priced["pay_order_id"],
            "pay_auth_no": granted["pay_auth_no"],
            "geo_location": "110.331190,20.031970",
            "city_id": "460100",
            "med_inst_name": "样例药房",
            "med_inst_no": priced["institution"],
            "med_ins_order_create_time": priced["created"],
            "total_fee": priced["gov"] + priced["self"] + priced["other"] + cash,
            "med_ins_gov_fee": priced["gov"],
            "med_ins_self_fee": priced["self"],
            "med_ins_other_fee": priced["other"],
            "med_ins_cash_fee": cash,
            "callback_url": f"{own_url}/notify",
            **({"wechat_pay_cash_fee": cash, "prepay_id": prepay_id} if prepay_id else {}),
        }
        code, text = till._core.request("/v3/med-ins/orders", RequestType.POST, fields, cipher_data=True)
        made = json.loads(text)
        if code != 200:
            return {"refused": made["message"]}
        shop.orders[number] = {"openid": g.me["openid"], "fen": cash, "state": "WAITING", "insured": priced, **made}
        return {"number": number, "params": {"mixTradeNo": made["mix_trade_no"], **_signed(prepay_id)}}

    @app.get("/orders/<number>")
    def show(number: str) -> dict[str, Any]:
        return _mine(number)

    @app.post("/orders/<number>/refund")
    def give_back(number: str) -> dict[str, Any]:
        order = _mine(number)
        if insured := order.get("insured"):
            his.refund(insured["pay_order_id"])
        if order["fen"]:
            amount = {"refund": order["fen"], "total": order["fen"], "currency": "CNY"}
            code, text = till.refund(out_refund_no=f"R{number}", amount=amount, out_trade_no=number)
            assert code == 200, text
        if insured:
            back = {f"med_refund_{part}_fee": insured[part] for part in ("gov", "self", "other")}
            told = {**back, "med_refund_total_fee": sum(back.values()), "out_refund_no": f"R{number}"}
            told["refund_time"] = time.strftime("%Y-%m-%dT%H:%M:%S+08:00")
            path = f"/v3/med-ins/refunds/notify?mix_trade_no={order['mix_trade_no']}"
            code, text = till._core.request(path, RequestType.POST, told)
            assert code == 204, text
        return {"state": order["state"]}

    @app.post("/notify")
    def notify() -> tuple[str, int]:
        heard = till.callback(request.headers, request.get_data())
        if not heard:
            shop.turned_away += 1
            return json.dumps({"code": "FAIL", "message": "验签失败"}), 401
        if heard["id"] not in shop.seen:
            shop.seen.add(heard["id"])
            _happened(heard["event_type"], heard["resource"])
        return "", 204

    def _happened(event: str, about: dict[str, Any]) -> None:
        order = shop.orders[about["out_trade_no"]]
        order.setdefault("heard", []).append(event)
        if event == "REFUND.SUCCESS":
            order["state"] = "REFUNDED"
        elif event == ("MEDICAL_INSURANCE.SUCCESS" if "insured" in order else "TRANSACTION.SUCCESS"):
            order["state"] = "PAID"

    def _mine(number: str) -> dict[str, Any]:
        order = shop.orders.get(number)
        if order is None or order["openid"] != g.me["openid"]:
            abort(404)
        return order

    def _prepay(number: str, fen: int) -> str:
        payer, amount = {"openid": g.me["openid"]}, {"total": fen, "currency": "CNY"}
        code, text = till.pay(description="样例药房", out_trade_no=number, amount=amount, payer=payer)
        assert code == 200, text
        return json.loads(text)["prepay_id"]

    def _signed(prepay_id: str | None) -> dict[str, str]:
        if prepay_id is None:
            return {}
        stamp, nonce, package = str(int(time.time())), uuid.uuid4().hex, f"prepay_id={prepay_id}"
        signature = till.sign([pay["appid"], stamp, nonce, package])
        return {
            "timeStamp": stamp,
            "nonceStr": nonce,
            "package": package,
            "signType": "RSA",
            "paySign": signature,
        }

    def _user_query(auth_code: str) -> dict[str, Any] | None:
        stamp = str(int(time.time() * 1000))
        text = f"{partner['partner_id']}{stamp}".encode()
        headers = {
            "god-portal-timestamp": stamp,
            "god-portal-request-id": uuid.uuid4().hex,
            "god-portal-signature": hmac.new(partner["partner_secret"].encode(), text, hashlib.sha256).hexdigest(),
        }
        url = f"{wechat['base_url']}/api/mipuserquery/userQuery/{partner['partner_id']}"
        answer = requests.post(url, json={"qrcode": auth_code, "openid": g.me["openid"]}, headers=headers, timeout=30)
        found = answer.json()
        return found if found.get("pay_auth_no") else None

    return app


def _number() -> str:
    return uuid.uuid4().hex
