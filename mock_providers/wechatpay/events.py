"""What a merchant is told: whether, about what, under which signature, and what somebody planned for it."""

from datetime import timedelta
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import select, update

from mock_providers import accounts, outcomes, serials, switches
from mock_providers.db import db
from mock_providers.webhooks.models import Delivery, Event, emit, twin
from mock_providers.wechatpay.account import DIRECT, PARTNER

TARGET = "wechatpay.callback"
PROBES = {"signature_probe": "base64", "signature_probe_not_base64": "not_base64"}
outcomes.declare(TARGET, *PROBES, "duplicate", "duplicate_with_new_id", "late")
LATE = timedelta(minutes=10)
AFTER_REFUND = timedelta(seconds=5)


class Told(Protocol):
    """What a notification is about: it knows which key signs (cert or pubkey) and the partner, if one called."""

    signer: Any
    sp_mchid: Any


def tell(event: str, ref: str, plain: dict[str, Any], url: str | None, of: Told, **about: Any) -> None:
    """Emit a notification, if there is somewhere to send it and an APIv3 key to seal it with.

    It is sealed and signed with the keys of the merchant who called: the partner's, if one did.
    """
    if not url or switches.value("wechatpay.merchant_state") == "no_apiv3_key":
        return
    if of.sp_mchid:
        about["account"] = PARTNER
    about |= {"signer": _signer(of, event, ref), "bare_data": switches.value("wechatpay.associated_data") == "empty"}
    planned = outcomes.take(TARGET, getattr(of, "person", ""), ref)
    if form := PROBES.get(planned or "") or _probe(event, ref):
        about["probe"] = form
    row = _emit(event, ref, plain, url, of, about)
    if planned == "duplicate_with_new_id":
        _emit(event, ref, plain, url, of, about)
    if planned == "duplicate" or switches.on("wechatpay.callback_duplicates"):
        to_it = select(Delivery).where(Delivery.event_id == row.id, Delivery.url == url).order_by(Delivery.id)
        db.session.add(twin(db.session.scalars(to_it.limit(1)).one()))
    refund_first = switches.value("wechatpay.callback_order") == "refund_first"
    if planned == "late" or (refund_first and event == "TRANSACTION.SUCCESS"):
        _delay(row.id, row.created_at + LATE)
    if event.startswith("REFUND."):
        _release(plain.get("out_trade_no", ""), row)


def tell_refund(event: str, ref: str, plain: dict[str, Any], url: str | None, of: Told) -> None:
    """A refund that named no address is told to the one set in the merchant platform, in the old XML form."""
    if url:
        return tell(event, ref, plain, url, of)
    if platform := switches.value("wechatpay.platform_refund_url"):
        owner = PARTNER if of.sp_mchid else DIRECT
        if "apiv2_key" not in accounts.account(owner):  # one made before there was such a key
            accounts.change(owner, apiv2_key=serials.derive(owner, "apiv2", size=16).hex())
        tell(event, ref, plain, platform, of, v2=True)
    return None


def _emit(event: str, ref: str, plain: dict[str, Any], url: str, of: Told, about: dict[str, Any]) -> Event:
    whose: str = getattr(of, "person", "") or getattr(getattr(of, "order", None), "person", "")
    row = emit("wechatpay", event, ref, plain, url, person=whose, **about)
    if switches.value("wechatpay.callback_id") == "UUID":
        row.notice_id = str(UUID(bytes=serials.fresh("wechatpay.notice", 16), version=5))
    return row


def _signer(of: Told, event: str, ref: str) -> str:
    """The key the order was made with; while a merchant moves to its public key, that one for so many percent."""
    said = switches.value("wechatpay.callback_key")
    if said == "as_made":
        return of.signer
    if said in ("cert", "pubkey"):
        return said
    return "pubkey" if _chance("wechatpay.callback_key", event, ref) < float(said) else "cert"


def _probe(event: str, ref: str) -> str | None:
    percent = int(switches.value("wechatpay.callback_probe_percent"))
    if not percent or _chance("wechatpay.callback_probe", event, ref) >= percent:
        return None
    return switches.value("wechatpay.probe_form")


def _chance(*what: str) -> float:
    """0 to 99.9, always the same for the same event in the same space."""
    return int.from_bytes(serials.derive(*what, size=8)) % 1000 / 10


def _delay(event_id: int, until: Any) -> None:
    db.session.flush()
    late = update(Delivery).where(Delivery.event_id == event_id, Delivery.next_at < until).values(next_at=until)
    db.session.execute(late.execution_options(synchronize_session=False))


def _release(out_trade_no: str, refund: Event) -> None:
    """A payment kept back for this refund is told right after it."""
    late = select(Event.id).where(Event.vendor == "wechatpay", Event.ref == out_trade_no, Event.type == PAID)
    waiting = select(Delivery.id).where(
        Delivery.event_id.in_(late),
        Delivery.state == "pending",
        Delivery.tries == 0,
        Delivery.next_at > refund.created_at + AFTER_REFUND,
    )
    if ids := list(db.session.scalars(waiting)):
        sooner = update(Delivery).where(Delivery.id.in_(ids)).values(next_at=refund.created_at + AFTER_REFUND)
        db.session.execute(sooner.execution_options(synchronize_session=False))


PAID = "TRANSACTION.SUCCESS"
