"""Every fault against every receiver: what is sent, who falls for it, and the tables of docs/FAULTS.md."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from flask import Flask

from mock_providers import accounts, damages, spaces
from mock_providers.db import db
from mock_providers.national import notify as national
from mock_providers.webhooks import faults
from mock_providers.webhooks.catalogue import CALLBACK, CATALOGUE, VERDICTS, Fault
from mock_providers.webhooks.faults import Case, Sent
from mock_providers.wechat import notify as wechat
from mock_providers.wechat import push_wire
from mock_providers.wechatpay import notify as wechatpay
from mock_providers.wechatpay.account import _certified
from tests.mock_providers.faults import hospital, pay, push
from tests.mock_providers.faults.heard import Heard
from tests.mock_providers.faults.shopping import Shopping

DOCUMENT = Path(__file__).parents[3] / "docs" / "FAULTS.md"
NEVER_WHOLE = ("cut_off", "reset")
Receiver = Any


@dataclass(frozen=True)
class Act:
    """One vendor's notification, and who may receive it."""

    vendor: str
    title: str
    event: Any
    credentials: Mapping[str, Any]
    build: Any
    fact: Any
    honest: Callable[[], Receiver]
    careless: Mapping[str, Callable[[], Receiver]]
    says: Mapping[str, str]
    made: dict[str, list[Sent]] = field(default_factory=dict)
    found: dict[str, dict[str, str]] = field(default_factory=dict)

    def faults(self) -> list[Fault]:
        known = damages.CALLBACKS
        callbacks = (fault for fault in CATALOGUE.values() if fault.on == CALLBACK)
        return [fault for fault in callbacks if faults.fits(fault, self.vendor, known, self.event)]

    def case(self) -> Case:
        return Case(self.event, self.credentials, datetime.now(UTC), self.build)

    def sents(self, fault: str) -> list[Sent]:
        """What is sent under a fault (or under none), made once: every receiver gets the same bytes."""
        if fault not in self.made:
            case = self.case()
            sent = faults.damaged(fault, self.vendor, damages.CALLBACKS, case) if fault else [case.sent()]
            self.made[fault] = sent
        return self.made[fault]

    def fallen(self, name: str) -> dict[str, str]:
        """What a careless receiver falls for, and how. Played once."""
        if name not in self.found:
            played = {fault.name: falls(self, fault, self.careless[name]()) for fault in self.faults()}
            self.found[name] = {fault: how for fault, how in played.items() if how}
        return self.found[name]

    def ordinary(self) -> Heard:
        return heard(self.sents("")[0])


def heard(sent: Sent) -> Heard:
    """What arrives: of a request that is broken off, half of the body."""
    body = sent.body[: len(sent.body) // 2] if sent.way in NEVER_WHOLE else sent.body
    return Heard(sent.headers, body, dict(sent.query))


def falls(act: Act, fault: Fault, receiver: Receiver) -> str:
    """What the receiver does wrong under this fault, in a word; empty if it does what an honest one does."""
    sents = act.sents(fault.name)
    statuses = [receiver(heard(sent)) for sent in sents for _ in range(2 if sent.way == "twice" else 1)]
    booked = list(receiver.booked)
    if fault.verdict in ("accept", "once"):
        if booked != [act.fact]:
            return (
                "turns it away" if not booked else ("books it twice" if len(booked) > 1 else "books something else")
            )
        return "" if fault.verdict == "once" or statuses[-1] in (200, 204) else "turns it away"
    if booked:
        return "books it"
    if fault.verdict == "refuse" and statuses[-1] in (200, 204):
        return "acknowledges it"
    if receiver(act.ordinary()) not in (200, 204) or receiver.booked != [act.fact]:
        return "then misses the true one"
    return ""


def acts(app: Flask) -> Iterator[Act]:
    """The three vendors' notifications, pushes in two modes."""
    with spaces.entered(app, "default"):
        held = {name: accounts.account(name) for name in ("wechat", "wechatpay", "national")}
        _, old_key, old_certificate = _certified("long ago", "Tenpay.com sign", "Tenpay.com")
        db.session.commit()
    old = {"old_platform_private_key": old_key, "old_platform_certificate": old_certificate}
    yield _pay(
        {**held["wechatpay"], **old, "old_platform_serial_no": "5" + held["wechatpay"]["platform_serial_no"][1:]}
    )
    for mode, form in (("safe", "json"), ("compatible", "xml")):
        yield _push(held["wechat"], mode, form)
    yield _notice(held["national"])


def _event(vendor: str, type_: str, ref: str, plain: dict[str, Any], **about: Any) -> Any:
    now = datetime.now(UTC)
    said = {"vendor": vendor, "type": type_, "ref": ref, "plain": plain, "about": about, "tries": 0, "person": ""}
    return SimpleNamespace(id=1, notice_id="EV-2018022511223320873", created_at=now, **said)


def _act(event: Any, title: str, keys: Any, build: Any, fact: Any, kind: Any, *given: Any) -> Act:
    def made(cls: Any) -> Callable[[], Receiver]:
        return lambda: cls(keys, *(dict(one) if isinstance(one, dict) else one for one in given))

    careless = {cls.__name__: made(cls) for cls in kind.CARELESS}
    says = {cls.__name__: cls.says for cls in kind.CARELESS}
    return Act(event.vendor, title, event, keys, build, fact, made(kind.HONEST), careless, says)


def _pay(keys: dict[str, Any]) -> Act:
    plain = {
        "mchid": keys["mchid"],
        "appid": keys["appid"],
        "out_trade_no": "FAULT-0001",
        "transaction_id": "4200001234202512010000000001",
        "trade_type": "JSAPI",
        "trade_state": "SUCCESS",
        "trade_state_desc": "支付成功",
        "bank_type": "OTHERS",
        "success_time": "2025-12-01T10:00:00+08:00",
        "payer": {"openid": "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"},
        "amount": {"total": 1280, "payer_total": 1280, "currency": "CNY", "payer_currency": "CNY"},
    }
    event = _event("wechatpay", "TRANSACTION.SUCCESS", "FAULT-0001", plain, signer="cert")
    fact, orders = ("FAULT-0001", 1280), {"FAULT-0001": 1280}
    return _act(event, "WeChat Pay: TRANSACTION.SUCCESS", keys, wechatpay.build, fact, pay, orders)


def _push(keys: dict[str, Any], mode: str, form: str) -> Act:
    plain = {
        "ToUserName": keys["original_id"],
        "FromUserName": "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o",
        "CreateTime": 1764554400,
        "MsgType": "event",
        "Event": "user_authorization_revoke",
        "OpenID": "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o",
        "AppID": keys["appid"],
        "RevokeInfo": "8",
    }
    event = _event("wechat", "user_authorization_revoke", "P01", plain, mode=mode, form=form)
    fact = (plain["FromUserName"], plain["CreateTime"], plain["Event"])
    assert form in push_wire.CONTAINERS
    return _act(event, f"WeChat: a push in {mode} mode, {form.upper()}", keys, wechat.build, fact, push, mode, form)


def _notice(keys: dict[str, Any]) -> Act:
    plain = {
        "payOrdId": "ORD460100202512010000000001",
        "medOrgOrd": "FAULT-0001",
        "ordStas": "6",
        "callType": "02",
        "traceTime": "20251201100000",
        "feeSumamt": "12.80",
        "ownpayAmt": "2.80",
        "psnAcctPay": "4.00",
        "fundPay": "6.00",
        "orgCode": "P46010000001",
        "orgName": "样例药房",
        "extData": {"setlinfo": [{"setlId": "S1", "psnPay": ""}], "setldetail": []},
    }
    event = _event("national", "6302", "FAULT-0001", plain, form="encrypted")
    fact, orders = ("FAULT-0001", "12.80"), {"FAULT-0001": "12.80"}
    title = "The national platform: 6302"
    return _act(event, title, keys, national.build, fact, hospital, orders, plain["orgCode"])


# The document

HEAD = """# Faults: damage on purpose, by name

`yibao fault add NAME` (or `POST /_mock/faults`) damages what comes next: the next one, or `--next n`, or everything
`--until` a business time; for a vendor, an event type, a path, an order, a person; at a `--percent` drawn from the
seed. `yibao event resend ID --fault NAME` does it once, now, to an event of the past. Each attempt and each call says
which fault it carried, and a banner stands while one can still strike.

This page is made by `python -m tests.mock_providers.faults.stage` from the program; a test holds it to that.

An honest party does this:

"""


def document(played: Sequence[Act], shopping: Shopping) -> str:
    """The whole of docs/FAULTS.md, once these acts were played."""
    parts = [HEAD]
    parts += [f"* **{name}**: {text}\n" for name, text in VERDICTS.items()]
    for on, title in ((CALLBACK, "Faults of callbacks"), ("answer", "Faults of the vendors' answers")):
        parts.append(f"\n## {title}\n\n| fault | honest | what it does | source |\n|---|---|---|---|\n")
        parts += [_row(fault) for fault in CATALOGUE.values() if fault.on == on]
    parts.append("\n## Who falls for what\n\n")
    parts.append("Found by running every fault against every receiver; the honest ones fall for none. A receiver\n")
    parts.append(
        "falls for a fault when it books what it must not, acknowledges what it must refuse, turns away what\n"
    )
    parts.append(
        "it must take, or misses the true notification that comes afterwards; a shop that asks falls when it\n"
    )
    parts.append("believes a spoilt answer, orders twice, or tells its customer no for nothing.\n")
    for act in (*played, shopping):
        parts.append(f"\n### {act.title}\n\n| careless receiver | falls for |\n|---|---|\n")
        for name, says in act.says.items():
            parts.append(f"| `{name}` {says} | {_fallen(act.fallen(name))} |\n")
    return "".join(parts)


def _row(fault: Fault) -> str:
    sources = "; ".join(text if vendor == "*" else f"{vendor}: {text}" for vendor, text in fault.sources.items())
    sources = sources.replace("|", "\\|")
    return f"| `{fault.name}` | {fault.verdict} | {fault.says} | {sources} |\n"


def _fallen(found: Mapping[str, str]) -> str:
    return ", ".join(f"`{name}` ({how})" for name, how in found.items()) or "nothing"


def main() -> None:
    import tempfile

    from mock_providers import create_app
    from mock_providers.settings import Settings

    with tempfile.TemporaryDirectory() as place:
        app = create_app(Settings(data=Path(place), background=False))
        DOCUMENT.write_text(document(list(acts(app)), Shopping(app)), "utf-8")


if __name__ == "__main__":
    main()
