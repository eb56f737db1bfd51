"""Scripted vendors for settlement: they keep orders as the real ones do, lose answers when told, and send notices."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from requests.adapters import BaseAdapter

from tests.yibao.conftest import P01, Phone, centre_notice
from yibao import clock, create_app, tasks
from yibao.db import db
from yibao.money import yuan
from yibao.providers import national, wechat, wechatpay
from yibao.providers.http import Unreachable, VendorRefused
from yibao.settings import Settings, UnknownSpace
from yibao.spaces import entered
from yibao.steps.settlement import shelf

PHARMACY, WINDOW_ONLY = "P46019900008", "P46019900012"
MESSAGES = "messages.send"  # what the user is told about a settlement is another step's matter
CODES = ("81000000000000000001", "81000000000000000002", "81000000000000000003", "81000000000000000004")
LOST, DOWN = "lost", "down"


class Vendors:
    """Bureau and WeChat Pay. `go_wrong[name]` is a list: DOWN (nothing done), LOST (done, unheard), or a refusal."""

    def __init__(self) -> None:
        self.go_wrong: dict[str, list[Any]] = defaultdict(list)
        self.called: list[str] = []
        self.parts = (0, None, 0)  # pooled, account (None: whatever is left), mutual
        self.patient = national.Person(
            "46000000000088159034", P01["name"], "id_card", P01["id_number"], insurances=(insurance(),)
        )
        self.payer: wechat.Payer | None = None
        self.prescriptions: dict[str, dict[str, Any]] = {}
        self.uploads: dict[str, dict[str, Any]] = {}
        self.orders: dict[str, dict[str, Any]] = {}
        self.mixed: dict[str, dict[str, Any]] = {}
        self.refunds: dict[str, dict[str, Any]] = {}
        self.insurance_refunds: dict[str, tuple] = {}
        self.reports: list[tuple] = []

    def hear(self, name: str, do: Callable[..., Any]) -> Callable[..., Any]:
        """The provider's function in place of the real one."""

        def called(*args: Any, **kwargs: Any) -> Any:
            assert not db.session().in_transaction(), f"{name}: a transaction is open over the wire"
            self.called.append(name)
            wrong = self.go_wrong[name].pop(0) if self.go_wrong[name] else None
            if wrong == DOWN:
                raise Unreachable(name)
            if isinstance(wrong, Exception):
                raise wrong
            answer = do(*args, **kwargs)
            if wrong == LOST:
                raise Unreachable(name)
            return answer

        return called

    # the bureau

    def institution(self, code: str) -> national.Institution:
        if code == "H46019900007":
            raise VendorRefused("national", "UNKNOWN_INSTITUTION", "")
        if code == "P46019900011":
            raise VendorRefused("national", "CONTRACT_SUSPENDED", "")
        return national.Institution(code, "样安大药房(总店)", "pharmacy", "")

    def institutions(self, kind: str) -> list[national.Institution]:
        return [national.Institution(PHARMACY, "样安大药房(总店)", kind, "")]

    def catalogue_page(self, page: int, size: int, on: Any, **_: Any) -> dict[str, Any]:
        rows = [{"hilist_code": item.med_list_codg, "chrgitm_lv": "01"} for item in shelf.items().values()]
        return {"data": rows[(page - 1) * size : page * size]}

    def person(self, name: str, id_type: str, id_number: str) -> national.Person:
        return replace(self.patient, name=name, id_number=id_number)

    def prescription(self, number: str, institution_code: str, patient: national.Person) -> dict[str, Any]:
        if number not in self.prescriptions:
            raise VendorRefused("payment centre", "RX_NOT_FOUND", "")
        return self.prescriptions[number]

    def split(self, total: int) -> national.Split:
        pooled, account, mutual = self.parts
        account = total - pooled if account is None else account
        cash = total - pooled - account
        return national.Split(total, pooled, account - mutual, mutual, cash, visit_no="V1", raw={})

    def preview(self, patient: Any, code: str, lines: Any, at: datetime, **_: Any) -> national.Split:
        return self.split(sum(line.amount_fen for line in lines))

    def upload_fees(
        self, patient: Any, code: str, number: str, auth: str, lines: Any, at: Any, visit: str
    ) -> tuple[str, str]:
        if any(row["number"] == number for row in self.uploads.values()):
            raise VendorRefused("payment centre", "-1", "订单已存在")
        key = f"ORD{len(self.uploads) + 1}"
        total = sum(line.amount_fen for line in lines)
        self.uploads[key] = {"number": number, "total": total, "status": "0", "split": self.split(total)}
        return key, f"token-{key}"

    def place_payment(self, auth: str, key: str, token: str, code: str, number: str, *_: Any) -> national.OrderState:
        row = self.uploads[key]
        row["status"], row["split"] = "1", self.split(row["total"])
        return self._state(key)

    def order_state(self, key: str, *_: Any) -> national.OrderState:
        return self._state(key)

    def _state(self, key: str) -> national.OrderState:
        row = self.uploads[key]
        return national.OrderState(key, row["status"], row["number"], row["split"], raw={"orgCode": PHARMACY})

    def revoke(self, key: str, *_: Any) -> None:
        if self.uploads[key]["status"] not in ("0", "1", "2", "12"):
            raise VendorRefused("payment centre", "-1", "当前状态不能撤销")
        self.uploads[key]["status"] = "12"

    def give_back(
        self, key: str, number: str, at: Any, split: national.Split, auth: str, kind: str
    ) -> national.Refund:
        known = self.insurance_refunds.setdefault(
            number, (key, kind, split.pooled_fen, split.own_fen, split.cash_fen)
        )
        assert known == (key, kind, split.pooled_fen, split.own_fen, split.cash_fen)
        self.uploads[key]["status"] = "7" if kind == "ALL" else "8"
        return national.Refund(f"SN{number}", "SUCC")

    # WeChat

    def authorised_payer(self, code: str, openid: str) -> wechat.Payer:
        if code == "unknown":
            raise VendorRefused("user query", "1", "")
        return self.payer or wechat.Payer("", P01["id_number"], f"AUTH{code}", False, "")

    def create_order(self, number: str, about: str, total: int, openid: str, url: str, expires: Any) -> str:
        self.orders.setdefault(
            number, {"out_trade_no": number, "trade_state": "NOTPAY", "amount": {"total": total}, "notify_url": url}
        )
        return f"wx-{number}"

    def query_order(self, number: str) -> dict[str, Any]:
        if number not in self.orders:
            raise VendorRefused("wechatpay", "ORDER_NOT_EXIST", "", 404)
        return self.orders[number]

    def close_order(self, number: str) -> None:
        if self.query_order(number)["trade_state"] == "SUCCESS":
            raise VendorRefused("wechatpay", "ORDERPAID", "", 400)
        self.orders[number]["trade_state"] = "CLOSED"

    def create_medical_order(self, order: dict[str, Any], payer: Any, relative: Any = None) -> dict[str, Any]:
        if order["out_trade_no"] in self.mixed:
            raise VendorRefused("wechatpay", "ALREADY_EXISTS", "", 400)
        row = {**order, "appid": "wx0000000000000001", "mix_pay_status": "MIX_PAY_CREATED", "relative": relative}
        self.mixed[order["out_trade_no"]] = {**row, "mix_trade_no": f"MIX{len(self.mixed) + 1}", "payer": payer}
        return self.mixed[order["out_trade_no"]]

    def query_medical_order(self, number: str) -> dict[str, Any]:
        if number not in self.mixed:
            raise VendorRefused("wechatpay", "ORDER_NOT_EXIST", "", 404)
        return self.mixed[number]

    def create_refund(
        self, order_no: str, number: str, refund: int, total: int, reason: str, url: str
    ) -> dict[str, Any]:
        amount = {"refund": refund, "total": total}
        made = {"out_trade_no": order_no, "out_refund_no": number, "refund_id": f"5{number}", "amount": amount}
        return self.refunds.setdefault(number, {**made, "status": "PROCESSING"})

    def query_refund(self, number: str) -> dict[str, Any]:
        return self.refunds[number]

    def report_medical_refund(self, *args: Any) -> None:
        self.reports.append(args)


def insurance(kind: str = "310") -> national.Insurance:
    return national.Insurance(kind, "1101", "1", "460100", 328650)


NATIONAL = {
    "institution": "institution",
    "institutions": "institutions",
    "catalogue_page": "catalogue_page",
    "person": "person",
    "prescription": "prescription",
    "preview": "preview",
    "upload_fees": "upload_fees",
    "place_payment": "place_payment",
    "order_state": "order_state",
    "revoke": "revoke",
    "refund": "give_back",
}
PAY = (
    "create_order",
    "query_order",
    "close_order",
    "create_medical_order",
    "query_medical_order",
    "create_refund",
    "query_refund",
    "report_medical_refund",
)


@pytest.fixture
def buyer(phone: Phone) -> Phone:
    """林样一, logged in and bound, before the bureau is replaced."""
    return phone.log_in().bind()


class Later(BaseAdapter):
    """One app serves all tests here (building it is slow): its network, clock and accounts are each test's own."""

    def __init__(self) -> None:
        super().__init__()
        self.vendors: Any = None
        self.time: Any = None
        self.accounts: dict[str, Any] = {}

    def send(self, request: Any, **more: Any) -> Any:  # type: ignore[override]
        return self.vendors.send(request, **more)

    def close(self) -> None:
        """Nothing is held open."""

    def clock(self, space: str) -> datetime:
        return self.time(space)

    def of_space(self, space: str) -> dict[str, Any]:
        if space not in ("default", "other"):
            raise UnknownSpace(space)
        return self.accounts


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Later]:
    later = Later()
    settings = Settings(data=tmp_path_factory.mktemp("shop"), accounts=later.of_space, background=False)
    app = create_app(settings, later, later.clock)
    app.testing = True
    return app, later


@pytest.fixture
def yibao(shared: tuple[Any, Later], vendors: Any, business_time: Any, accounts: dict[str, Any]) -> Any:
    """The shared app, emptied."""
    app, later = shared
    later.vendors, later.time, later.accounts = vendors, business_time, accounts
    app.extensions.pop("wechat_tokens", None)
    app.extensions.pop("wechatpay_certificates", None)
    with app.app_context():
        for table in reversed(db.metadata.sorted_tables):
            db.session.execute(table.delete())
        db.session.commit()
    return app


class Shop:
    """What a test does at the counter and on the phone, and what it sees afterwards."""

    def __init__(self, app: Any, phone: Phone, vendors: Vendors, time: Any, wechat_pay: Any) -> None:
        self.app, self.phone, self.vendors, self.time, self.pay = app, phone, vendors, time, wechat_pay
        self.keys = 0
        self.events = 0

    def post(self, path: str, body: Any = None, key: str = "") -> Any:
        self.keys += 1
        return self.phone.call("post", path, body or {}, **{"Idempotency-Key": key or f"key-{self.keys}"})

    def quote(self, *wanted: tuple[str, int], **more: Any) -> Any:
        codes = iter(CODES)
        items = [
            {"code": code, "quantity": n, "trace_codes": [next(codes) for _ in range(n)] if code[0] == "D" else []}
            for code, n in wanted or (("D05", 1), ("D07", 1))
        ]
        body = {"institution_code": PHARMACY, "items": items} | more
        return self.post("/settlements", body)

    def quoted(self, *wanted: tuple[str, int], **more: Any) -> str:
        answer = self.quote(*wanted, **more)
        assert answer.status_code == 201, answer.get_json()
        return answer.get_json()["id"]

    def confirm(self, number: str, auth_code: str = "code-1", accept_cash: bool = True, key: str = "") -> Any:
        return self.post(
            f"/settlements/{number}/confirmation", {"auth_code": auth_code, "accept_cash": accept_cash}, key
        )

    def confirmed(self, *wanted: tuple[str, int], **more: Any) -> str:
        number = self.quoted(*wanted, **more)
        answer = self.confirm(number)
        assert answer.status_code == 200, answer.get_json()
        return number

    def settled(self, *wanted: tuple[str, int]) -> str:
        number = self.confirmed(*wanted)
        self.pay_everything(number)
        self.tell_all(number)
        assert self.state(number) == "SETTLED"
        return number

    def get(self, number: str) -> dict[str, Any]:
        answer = self.phone.call("get", f"/settlements/{number}")
        assert answer.status_code == 200
        return answer.get_json()

    def state(self, number: str) -> str:
        return self.get(number)["state"]

    # what happens at the providers

    def row(self, number: str) -> Any:
        from yibao.steps.settlement.models import held

        with entered(self.app, "default"):
            return held(number)

    def pay_everything(self, number: str, fund: bool = True, cash: bool = True, mixed: str = "SUCCESS") -> None:
        row = self.row(number)
        if fund and row.pay_ord_id and row.wants_fund:
            self.vendors.uploads[row.pay_ord_id]["status"] = "6"
        if cash and row.cash_fen:
            order = self.vendors.orders[row.out_trade_no]
            order |= {"trade_state": "SUCCESS", "transaction_id": "42000001"}
        self.vendors.mixed[row.out_trade_no]["mix_pay_status"] = f"MIX_PAY_{mixed}"

    def transaction(self, number: str, **changes: Any) -> dict[str, Any]:
        row = self.row(number)
        said = {
            "appid": "wx0000000000000001",
            "mchid": "1900000001",
            "out_trade_no": row.out_trade_no,
            "transaction_id": "42000001",
            "trade_state": "SUCCESS",
            "amount": {"total": row.cash_fen, "currency": "CNY"},
            "payer": {"openid": row.openid},
        }
        return said | changes

    def medical(self, number: str, **changes: Any) -> dict[str, Any]:
        said = {k: v for k, v in self.vendors.mixed[self.row(number).out_trade_no].items() if k != "payer"}
        return said | {"mix_pay_status": "MIX_PAY_SUCCESS"} | changes

    def bureau(self, number: str, **changes: Any) -> dict[str, Any]:
        row = self.row(number)
        said = {
            "ordStas": "6",
            "callType": "02",
            "payOrdId": row.pay_ord_id,
            "medOrgOrd": row.med_org_ord,
            "feeSumamt": yuan(row.total_fen),
            "ownPayAmt": yuan(row.cash_fen),
            "psnAcctPay": yuan(row.split.account_fen),
            "fundPay": yuan(row.pooled_fen),
            "orgCode": row.institution_code,
            "revsToken": "r",
        }
        return said | changes

    def refunded(self, number: str, **changes: Any) -> dict[str, Any]:
        refund = self.get(number)["refund"]
        row = self.row(number)
        said = {
            "mchid": "1900000001",
            "out_trade_no": row.out_trade_no,
            "out_refund_no": refund["id"],
            "refund_id": "5",
            "refund_status": "SUCCESS",
            "amount": {"refund": refund["cash_fen"], "total": row.cash_fen},
        }
        return said | changes

    # notices to us

    def tell(self, where: str, event_type: str, said: Any, event_id: str = "", **headers: str) -> Any:
        self.events += 1
        body = self.pay.notice(event_type, said, event_id or f"EV-{self.events}")
        return self.phone.client.post(
            f"/s/default/callbacks/wechatpay/{where}", data=body, headers=self.pay.headers(body, **headers)
        )

    def tell_cash(self, number: str, event_id: str = "", **changes: Any) -> Any:
        return self.tell("transaction", "TRANSACTION.SUCCESS", self.transaction(number, **changes), event_id)

    def tell_mixed(self, number: str, event_id: str = "", **changes: Any) -> Any:
        return self.tell("medical-insurance", "MEDICAL_INSURANCE.SUCCESS", self.medical(number, **changes), event_id)

    def tell_fund(self, number: str, **changes: Any) -> Any:
        body = centre_notice(self.bureau(number, **changes))
        return self.phone.client.post("/s/default/callbacks/national/settlement", data=body)

    def tell_refund(self, number: str, event: str = "REFUND.SUCCESS", event_id: str = "", **changes: Any) -> Any:
        return self.tell("refund", event, self.refunded(number, **changes), event_id)

    def tell_all(self, number: str) -> None:
        row = self.row(number)
        if row.wants_fund:
            assert self.tell_fund(number).status_code == 200
        if row.cash_fen:
            assert self.tell_cash(number).status_code == 204
        assert self.tell_mixed(number).status_code == 204

    # time

    def wait(self, **how_long: float) -> list[str]:
        """Let business time go on, task by task; the kinds that ran. The session is kept alive."""
        end = self.time.now + timedelta(**how_long)
        ran = []
        with entered(self.app, "default"):
            while True:
                due = tasks.next_due()
                db.session.rollback()
                if due is None or due > end:
                    break
                self.time.now = max(self.time.now, due)
                ran += [kind for done in tasks.run_due(clock.now()) if (kind := done["kind"]) != MESSAGES]
        self.time.now = end
        self.phone.log_in()
        return ran

    def alarms(self) -> list[str]:
        from yibao import audit

        with entered(self.app, "default"):
            return [row["event"] for row in audit.entries(0, 1000) if row["kind"] == "alarm"]


@pytest.fixture
def bureau(monkeypatch: pytest.MonkeyPatch, buyer: Phone) -> Vendors:
    vendors = Vendors()
    for name, method in NATIONAL.items():
        monkeypatch.setattr(national, name, vendors.hear(name, getattr(vendors, method)))
    for name in PAY:
        monkeypatch.setattr(wechatpay, name, vendors.hear(name, getattr(vendors, name)))
    monkeypatch.setattr(wechat, "authorised_payer", vendors.hear("authorised_payer", vendors.authorised_payer))
    return vendors


@pytest.fixture
def shop(yibao: Any, buyer: Phone, bureau: Vendors, business_time: Any, wechat_pay: Any) -> Shop:
    return Shop(yibao, buyer, bureau, business_time, wechat_pay)
