"""What the national platform will tell: a settlement (6302), the end of a face check."""

from sqlalchemy import or_, select

from mock_providers import accounts
from mock_providers.db import db
from mock_providers.national.faces import EVENT, WAITING, NationalFace
from mock_providers.national.payment_models import PayOrder
from mock_providers.webhooks.awaited import Awaited, answers
from mock_providers.webhooks.models import Event

MANY = 200


def _numbers() -> list[str]:
    found: list[str] = []
    for column in (PayOrder.med_org_ord, PayOrder.pay_ord_id, NationalFace.out_biz_no):
        found += db.session.scalars(select(column).order_by(column.parent.class_.id.desc()).limit(MANY))
    return found


@answers("national", _numbers)
def asked(number: str) -> list[Awaited]:
    """Everything this number may stand for."""
    orders = select(PayOrder).where(or_(PayOrder.med_org_ord == number, PayOrder.pay_ord_id == number))
    faces = select(NationalFace).where(or_(NationalFace.out_biz_no == number, NationalFace.face_token == number))
    return [_order(row) for row in db.session.scalars(orders)] + [_face(row) for row in db.session.scalars(faces)]


def _order(row: PayOrder) -> Awaited:
    told = db.session.scalar(select(Event.id).where(Event.type == "6302", Event.ref == row.med_org_ord).limit(1))
    what = f"bill {row.med_org_ord} (payOrdId {row.pay_ord_id}) has ordStas {row.ord_stas}"
    url = accounts.account("national")["mip"]["notify_url"]
    return Awaited(
        *("national", row.med_org_ord, what, "6302"),
        when="it was settled" if told else "the insurance part is settled",
        how="" if told else "POST /_mock/phone/wechatpay/medical-pay, or the national cashier",
        hindered="" if url else "the institution has no address for notices",
    )


def _face(row: NationalFace) -> Awaited:
    waits = row.stas == WAITING
    what = f"face check {row.out_biz_no} has faceStas {row.stas}"
    when = f"a face is held up, or {row.expires_at.isoformat()} comes" if waits else "it ended"
    how = "POST /_mock/phone/national/face, or yibao clock to next" if waits else ""
    return Awaited("national", row.out_biz_no, what, EVENT, when, how)
