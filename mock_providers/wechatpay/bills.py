"""Bills of a day: asked for, then fetched with a token. A bill shows its day as it stood at midnight."""

import gzip
import hashlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any
from urllib.parse import quote

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from flask import Response, g, request
from sqlalchemy import or_, select

from mock_providers import accounts, clock, journal, serials, switches
from mock_providers.db import CHINA, db
from mock_providers.wechatpay import bill_file, failures, ledger, shapes, wire
from mock_providers.wechatpay.account import DIRECT, PARTNER, mine
from mock_providers.wechatpay.bill_file import Back, Trade
from mock_providers.wechatpay.door import answer, planned_on_read, query, route
from mock_providers.wechatpay.errors import Refusal
from mock_providers.wechatpay.models import Order, Refund
from mock_providers.wechatpay.partner import check_sub_merchant
from mock_providers.wechatpay.refunds import channel

MONTHS = 3
TOKEN_SECONDS = 300
FILE = "/v3/billdownload/file"
OFFICIAL = "api.mch.weixin.qq.com"
VENDOR_HOSTS = (OFFICIAL, "api2.mch.weixin.qq.com")
PAYMENTS = ("ALL", "SUCCESS")
SPECIAL = {"ALL_SPECIAL": "ALL", "SUC_SPECIAL": "SUCCESS", "REF_SPECIAL": "REFUND"}


@route("GET", "/v3/bill/tradebill")
def trade_bill() -> Response:
    """Where the day's payments and refunds can be fetched."""
    asked = query(shapes.TRADE_BILL)
    if "sub_mchid" in asked:
        if "sp_mchid" not in mine():
            raise Refusal("NO_AUTH", failures.NO_AUTH.message)
        check_sub_merchant(asked["sub_mchid"])
    kind = asked.get("bill_type", "ALL")
    about = {"bill": "trade", "kind": SPECIAL.get(kind, kind)}
    return _offered(asked, about)


@route("GET", "/v3/bill/fundflowbill")
def fund_flow_bill() -> Response:
    """Where what moved on one of the merchant's accounts can be fetched."""
    asked = query(shapes.FLOW_BILL)
    return _offered(asked, {"bill": "flow", "kind": asked.get("account_type", "BASIC")})


def _offered(asked: Mapping[str, Any], about: dict[str, Any]) -> Response:
    planned_on_read("wechatpay.bills", failures.BILL, "", asked["bill_date"])
    day = _day(asked["bill_date"])
    mchid = mine()["mchid"]
    content = _content(mchid, day, about)
    if content is None:
        raise Refusal("NO_STATEMENT_EXIST", failures.BILL["no_statement"].message)
    now = clock.now()
    if day == now.date() - timedelta(days=1) and now.hour < int(switches.value("wechatpay.bill_ready_hour")):
        raise Refusal("STATEMENT_CREATING", failures.BILL["creating"].message)
    packed = asked.get("tar_type") == "GZIP"
    token = _token(mchid, {**about, "day": day.isoformat(), "gzip": packed, "until": clock.unix() + TOKEN_SECONDS})
    return answer(
        {
            "hash_type": "SHA1",
            "hash_value": hashlib.sha1(content, usedforsecurity=False).hexdigest(),
            "download_url": f"{_base()}{FILE}?token={quote(token)}{'&tartype=gzip' if packed else ''}",
        }
    )


def _day(text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        detail = {"location": "query", "value": text}
        raise Refusal("PARAM_ERROR", "账单日期格式错误，应为yyyy-MM-dd", detail=detail) from error
    today = clock.now().date()
    if day >= today:
        raise Refusal("INVALID_REQUEST", "请求的账单日期不能是当天或将来的日期")
    if day < _months_before(today):
        raise Refusal("INVALID_REQUEST", "请求的账单日期已过期")
    return day


def _months_before(today: date) -> date:
    """The same day three months ago, or that month's last."""
    year, month = divmod(today.year * 12 + today.month - 1 - MONTHS, 12)
    first = date(year, month + 1, 1)
    last = (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    return first.replace(day=min(today.day, last.day))


def _base() -> str:
    """The address the caller can reach us at, in one of its names."""
    wanted = switches.value("wechatpay.bill_host")
    if wanted == "official":
        return f"https://{OFFICIAL}"
    if wanted == "as_called":
        return f"{request.scheme}://{request.host}{journal.raw_target().partition('/v3/')[0]}"
    if wanted == "by_request" and request.host.partition(":")[0].lower() in VENDOR_HOSTS:
        return f"{request.scheme}://{request.host}"
    return str(mine()["base_url"])


# what is in a bill


def _content(mchid: str, day: date, about: Mapping[str, Any]) -> bytes | None:
    """The file, or None if nothing happened that day."""
    start = datetime.combine(day, time(), CHINA)
    end = start + timedelta(days=1)
    if about["bill"] == "flow":
        moves = ledger.moves(mchid, start, end) if about["kind"] == "BASIC" else []
        return bill_file.flow_bill(moves) if moves else None
    trades = _trades(mchid, about, start, end)
    only_payments = about["kind"] == "SUCCESS" and switches.value("wechatpay.bill_columns") == "by_type"
    digits = int(switches.value("wechatpay.bill_fee_digits"))
    return bill_file.trade_bill(trades, only_payments, digits) if trades else None


def _trades(mchid: str, about: Mapping[str, Any], start: datetime, end: datetime) -> list[Trade]:
    """Lines newest first. Refunds from the available balance stand in bills of their own (RECHARGE_REFUND)."""
    kind, found = about["kind"], []
    if kind in PAYMENTS:
        whose = or_(Order.sp_mchid == mchid, Order.mchid == mchid)
        paid = select(Order).where(whose, Order.paid_at >= start, Order.paid_at < end)
        found += [_payment(order, mchid) for order in db.session.scalars(paid)]
    if kind != "SUCCESS":
        own = or_(Refund.sp_mchid == mchid, Refund.mchid == mchid)
        back = select(Refund).where(own, Refund.created_at >= start, Refund.created_at < end)
        recharged = kind == "RECHARGE_REFUND"
        found += [
            _refund(refund, mchid, end)
            for refund in db.session.scalars(back)
            if (refund.asked.get("funds_account") == "AVAILABLE") == recharged
        ]
    return sorted(found, key=lambda trade: trade.at, reverse=True)


def _line(order: Order, mchid: str) -> dict[str, Any]:
    is_partner = order.sp_mchid is not None
    return {
        "appid": order.asked.get("sp_appid", order.appid) if is_partner else order.appid,
        "mchid": mchid,
        "sub_mchid": order.mchid if is_partner else "0",
        "device": order.asked.get("scene_info", {}).get("device_id", ""),
        "transaction_id": order.transaction_id or "",
        "out_trade_no": order.out_trade_no,
        "openid": order.openid,
        "coupon_is_cash": bool(order.coupon and order.coupon["type"] == "CASH"),
        "description": order.asked["description"],
        "attach": order.asked.get("attach", ""),
        "rate": order.fee_rate or "0.00%",
    }


def _payment(order: Order, mchid: str) -> Trade:
    assert order.paid_at
    return Trade(at=order.paid_at, parts=order.parts, **_line(order, mchid))


def _refund(refund: Refund, mchid: str, midnight: datetime) -> Trade:
    state = _state_at(refund, midnight)
    paths = channel(refund) if state == "SUCCESS" else "ORIGINAL"
    back = Back(refund.refund_id, refund.out_refund_no, paths, state)
    return Trade(at=refund.created_at, parts=refund.parts, refund=back, **_line(refund.order, mchid))


def _state_at(refund: Refund, instant: datetime) -> str:
    """A file is not made anew when a refund ends later."""
    if refund.succeeded_at and refund.succeeded_at < instant:
        return "SUCCESS"
    if refund.ended_at and refund.ended_at < instant:
        return "CLOSED" if refund.state == "CLOSED" else "ABNORMAL"
    return "PROCESSING"


# fetching it


def _key() -> AESGCM:
    return AESGCM(serials.derive("wechatpay", "bill token", size=32))


def _token(mchid: str, about: Mapping[str, Any]) -> str:
    """The merchant it was given to, and the bill, sealed: nothing has to be kept."""
    plain = wire.compact(about)
    nonce = hashlib.sha256(plain).digest()[:12]
    sealed = _key().encrypt(nonce, plain, mchid.encode())
    return urlsafe_b64encode(mchid.encode() + b"." + nonce + sealed).decode().rstrip("=")


def _told(token: str) -> Mapping[str, Any]:
    """The bill a token stands for. Raises Refusal."""
    invalid = Refusal("INVALID_REQUEST", "下载地址无效或已过期，请重新获取账单地址后再请求")
    try:
        mchid, _, sealed = urlsafe_b64decode(token + "=" * (-len(token) % 4)).partition(b".")
        if mchid != mine()["mchid"].encode():
            raise _foreign(mchid.decode()) or invalid
        about = orjson.loads(_key().decrypt(sealed[:12], sealed[12:], mchid))
    except (ValueError, InvalidTag) as error:
        raise invalid from error
    if clock.unix() > about["until"]:
        raise invalid
    return about


def _foreign(mchid: str) -> Refusal | None:
    """Somebody else's token is refused by another name than one that was never given."""
    known = accounts.space_of(DIRECT, mchid) or accounts.space_of(PARTNER, mchid)
    return Refusal("NO_AUTH", "请求的商户与申请账单的商户不一致") if known else None


@route("GET", FILE)
def download() -> Response:
    """The file itself: not JSON, and not signed."""
    token = query(shapes.DOWNLOAD)["token"]
    planned_on_read("wechatpay.bill_download", failures.TARGETS["wechatpay.bill_download"], "")
    about = _told(token)
    content = _content(mine()["mchid"], date.fromisoformat(about["day"]), about) or b""
    g.unsigned = True
    if about["gzip"]:
        return Response(gzip.compress(content, mtime=0), content_type="application/x-gzip")
    return Response(content, content_type="text/plain; charset=utf-8")
