"""The vendors serve a stranger's back end over real sockets: login, orders, insurance, callbacks, refunds."""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from threading import Thread
from typing import Any

import pytest
import requests
from flask import Flask
from werkzeug.serving import make_server

from mock_providers import clock, keys
from mock_providers.people import world as people
from tests.mock_providers.national.institution import PHARMACY, Institution
from tests.served import served

pytest.importorskip("wechatpy", reason="the stranger uses the vendors' SDKs")
pytest.importorskip("wechatpayv3", reason="the stranger uses the vendors' SDKs")

from tests.mock_providers import merchant

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning:wechatpy"),
    pytest.mark.filterwarnings("ignore::cryptography.utils.CryptographyDeprecationWarning"),
]


class PharmacySystem:
    """The stranger's own system at the bureau, for one patient. It works outside the stranger's requests."""

    def __init__(self, institution: Institution, person: str, elsewhere: Executor) -> None:
        self.institution, self.person, self.elsewhere = institution, person, elsewhere
        self.orders: dict[str, Any] = {}

    def order(self, pay_auth_no: str, items: Mapping[str, int]) -> dict[str, Any]:
        return self.elsewhere.submit(self._order, pay_auth_no, items).result()

    def refund(self, pay_order_id: str) -> None:
        made, split = self.orders[pay_order_id]
        assert "refused" not in self.elsewhere.submit(self.institution.refund, made, split).result()

    def _order(self, pay_auth_no: str, items: Mapping[str, int]) -> dict[str, Any]:
        made = self.institution.upload(self.person, items, payAuthNo=pay_auth_no)
        split = self.institution.place(made)
        self.orders[made["payOrdId"]] = (made, split)
        with self.institution.inside():
            created = clock.now().isoformat(timespec="seconds")
        gov, own, cash = (round(float(split[name]) * 100) for name in ("fundPay", "psnAcctPay", "ownPayAmt"))
        named = {"pay_order_id": made["payOrdId"], "med_org_ord": made["medOrgOrd"], "institution": PHARMACY}
        return {**named, "created": created, "gov": gov, "self": own, "other": 0, "cash": cash}


class Shopper:
    """A person with a phone: the stranger's front end, over HTTP."""

    def __init__(self, vendors: Flask, shop: str, person: str) -> None:
        self.vendors, self.shop, self.person = vendors, shop, person
        self.base = vendors.config["SETTINGS"].public_url
        self.session = requests.Session()
        self.session.trust_env = False

    def tap(self, action: str, **body: Any) -> dict[str, Any]:
        answer = self.session.post(f"{self.base}/_mock/phone/{action}", json=body, timeout=30)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def ask(self, path: str, body: Any = None, status: int = 200) -> dict[str, Any]:
        method = "GET" if body is None else "POST"
        answer = self.session.request(method, f"{self.shop}{path}", json=body, timeout=30)
        assert answer.status_code == status, answer.text[-2000:]
        return answer.json() if status == 200 else {}

    def log_in(self) -> "Shopper":
        token = self.ask("/login", {"code": self.tap("wechat/login", person=self.person)["code"]})["token"]
        self.session.headers["Authorization"] = f"Bearer {token}"
        return self

    def control(self, path: str, body: Any = None) -> dict[str, Any]:
        method = "GET" if body is None else "POST"
        return self.session.request(method, f"{self.base}/_mock/{path}", json=body, timeout=30).json()

    def becomes(self, number: str, state: str) -> dict[str, Any]:
        """The order once the notifications so far are delivered."""
        self.settled()
        order = self.ask(f"/orders/{number}")
        assert order["state"] == state, order
        return order

    def settled(self) -> None:
        """Wait until nothing of WeChat Pay is on its way."""
        assert self.vendors.extensions["sender"].wait_idle(30)


@pytest.fixture(scope="module")
def vendors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    stranger = keys._make()[0]
    with pytest.MonkeyPatch.context() as patch, served(tmp_path_factory.mktemp("vendors"), background=True) as app:
        patch.setattr(keys, "strangers_pem", lambda: stranger)  # the few keys of a test run may be anybody's
        yield app


@pytest.fixture(scope="module")
def institution(vendors: Flask) -> Institution:
    return Institution(vendors, vendors.test_client())


@pytest.fixture
def shop_of(vendors: Flask, institution: Institution) -> Iterator[Callable[[str], Shopper]]:
    base = vendors.config["SETTINGS"].public_url
    held = requests.get(f"{base}/_mock/credentials", timeout=30).json()
    given = {"wechat": held["wechat"], "wechatpay": held["wechatpay"], "insurance": held["national"]["mip"]}
    running, elsewhere = [], ThreadPoolExecutor(1)

    def make(person: str) -> Shopper:
        his = PharmacySystem(institution, person, elsewhere)
        server = make_server("127.0.0.1", 0, lambda *_: [], threaded=True)
        url = f"http://127.0.0.1:{server.server_port}"
        server.app = merchant.create_app(given, url, his)
        Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        running.append(server)
        return Shopper(vendors, url, person).log_in()

    yield make
    for server in running:
        server.shutdown()
        server.server_close()
    elsewhere.shutdown()


def test_a_stranger_logs_people_in_and_learns_their_number(shop_of: Callable[[str], Shopper]) -> None:
    me = shop_of("P01")
    code = me.tap("wechat/phone-number", person="P01")["code"]
    assert me.ask("/phone", {"code": code}) == {"phone": people().people["P01"].phone}
    assert me.ask("/login", {"code": "0bNobody"}) == {"errcode": 40029}
    del me.session.headers["Authorization"]
    me.ask("/orders", {"items": {}}, status=401)


def test_a_stranger_sells_hears_and_gives_back(shop_of: Callable[[str], Shopper]) -> None:
    me = shop_of("P01")
    made = me.ask("/orders", {"items": {"口罩": 2}})
    assert me.tap("wechatpay/pay", params=made["params"], outcome="cancel")["errMsg"] == "requestPayment:fail cancel"
    me.becomes(made["number"], "WAITING")
    assert me.tap("wechatpay/pay", params=made["params"])["errMsg"] == "requestPayment:ok"
    me.becomes(made["number"], "PAID")
    me.ask(f"/orders/{made['number']}/refund", {})
    me.control("clock", {"advance": "5s"})
    assert me.becomes(made["number"], "REFUNDED")["heard"] == ["TRANSACTION.SUCCESS", "REFUND.SUCCESS"]


def test_a_stranger_turns_a_forged_notification_away_and_counts_a_repeated_one_once(
    shop_of: Callable[[str], Shopper],
) -> None:
    me = shop_of("P01")
    made = me.ask("/orders", {"items": {"体温计": 1}})
    me.tap("wechatpay/pay", params=made["params"])
    me.becomes(made["number"], "PAID")
    event = me.control("events?vendor=wechatpay")["items"][-1]["id"]
    me.control(f"events/{event}/resend", {"signature": "fresh"})
    forged = me.control(f"events/{event}/resend", {"signature": "wrong_key"})
    assert me.becomes(made["number"], "PAID")["heard"] == ["TRANSACTION.SUCCESS"]
    said = me.control(f"deliveries/{forged['id']}")["attempts"]
    assert [row["status"] for row in said] == [401]


@pytest.mark.parametrize(
    ("person", "items", "kind"),
    [("P01", {"D05": 1, "D07": 1}, "INSURANCE_ONLY"), ("P02", {"D05": 2}, "CASH_AND_INSURANCE")],
)
def test_a_stranger_is_paid_by_the_insurance_and_gives_it_back(
    shop_of: Callable[[str], Shopper], person: str, items: dict[str, int], kind: str
) -> None:
    me = shop_of(person)
    code = me.tap("wechat/insurance-authorisation", person=person)["authCode"]
    made = me.ask("/insured-orders", {"auth_code": code, "items": items})
    assert "params" in made, made
    said = me.tap("wechatpay/medical-pay", params=made["params"])
    assert said["errMsg"] == "requestMedicalInsurancePay:ok"
    paid = me.becomes(made["number"], "PAID")
    assert paid["mix_pay_type"] == kind
    assert "MEDICAL_INSURANCE.SUCCESS" in paid["heard"]
    me.ask(f"/orders/{made['number']}/refund", {})
    me.control("clock", {"advance": "5s"})
    me.becomes(made["number"], "REFUNDED" if paid["fen"] else "PAID")
    assert me.ask("/insured-orders", {"auth_code": code, "items": items}) == {"refused": "not authorised"}
