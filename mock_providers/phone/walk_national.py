"""`yibao walk --channel national`: the journey of the national app, from its log-in to a refund at its cashier."""

from dataclasses import dataclass
from typing import Any

from mock_providers.phone.handset import Refusal
from mock_providers.phone.national_handset import NationalHandset
from mock_providers.phone.walk import Steps, Walk, Wrong, expect

SHOP = "P46019900008"
WECHAT = ("/wechat/", "/wechatpay/")


@dataclass
class NationalWalk(Walk):
    """The same phone work as in WeChat, by the national app's doors."""

    phone: NationalHandset

    def refuse_to_log_in(self) -> str:
        try:
            self.phone.log_in("P01", "deny")
        except Refusal as refusal:
            expect("refusal of who did not agree", refusal.code, "LOGIN_DENIED")
            return "the user says no on the page: LOGIN_DENIED"
        raise Wrong("somebody who did not agree was logged in")

    def log_in(self) -> str:
        self.phone.log_in("P01")
        me = self.phone.api("GET", "/me")
        expect("channel", me["channel"], "nhsa_app")
        expect("real name without typing it", me["real_name"], True)
        return f"{me['name_masked']} {me['id_number_masked']} {me['phone_masked']}, by code, PKCE and id_token"

    def fail_a_face(self) -> str:
        self.phone.api("POST", "/credential", {})
        ticket = self.phone.api("POST", "/face/tickets", {"purpose": "ACTIVATE"})
        expect("vendor of the face", ticket["vendor"], "national")
        try:
            self.phone.pass_face(ticket, "not_live")
        except Refusal as refusal:
            expect("refusal of a picture", refusal.code, "FACE_NOT_LIVE")
            return "a picture instead of a face: FACE_NOT_LIVE"
        raise Wrong("a picture activated the credential")

    def bind_child(self) -> str:
        said = super().bind_child()
        expect("channel of the binding", self.child["channel"], "nhsa_app")
        return said

    def confirm_by_notice(self) -> str:
        """The relative's face, told by the signed notice alone."""
        binding_id = self.phone.prepare_binding("P08")
        binding = self.phone.submit(binding_id)
        expect("binding before the face", binding["state"], "FACE_PENDING")
        ticket = self.phone.api("POST", f"/bindings/{binding_id}/face", {"subject": "relative"})
        self.phone.phone("national/face", faceToken=ticket["verify_id"], outcome="pass")
        self.phone.deliver()
        binding = self.phone.api("GET", f"/bindings/{binding_id}")
        expect("binding after FACE.RESULT", binding["state"], "ACTIVE")
        self.phone.api("DELETE", f"/bindings/{binding_id}")
        return "P08: FACE.RESULT alone → ACTIVE; removed again"

    def buy_for_oneself(self) -> str:
        super().buy_for_oneself()
        return "31.30 元 from the own account, SETTLED by 6302"

    def buy_for_child(self) -> str:
        super().buy_for_child()
        return "53.40 元 = 27.59 pooled + 25.81 cash, both at the national cashier, SETTLED by 6302"

    def abandon(self) -> str:
        quote = self.phone.quote(SHOP, [("D05", 1)])
        self.phone.pay(self.phone.confirm(quote), "abandoned")
        self.phone.api("POST", f"/settlements/{quote['id']}/cancellation", {})
        expect("settlement nobody paid", self.phone.settlement(quote["id"])["state"], "CANCELLED")
        return "left unpaid at the cashier, 6401 → CANCELLED"

    def receipt(self) -> str:
        receipt = self.phone.api("GET", f"/settlements/{self.for_child['id']}/receipt")
        expect("payment order begins with", str(receipt["payment_order"])[:3], "ORD")
        return f"{receipt['title']} {receipt['payment_order']}, {receipt['split']['total_fen']} fen"

    def records(self) -> str:
        rows = self.phone.api("GET", "/records")["items"]
        summary = self.phone.api("GET", "/records/summary")
        known = {self.bought["id"], self.for_child["id"]}
        expect("records of what was kept", {row["id"] for row in rows} & known, known)
        expect("net of the year", summary["net"]["total_fen"], 8470)
        return f"{len(rows)} rows, {summary['year']}: {summary['net']['total_fen']} fen"

    def refund(self) -> str:
        super().refund()
        return "6203 ALL, insurance and cash at once → REFUNDED"

    def totals_after_refund(self) -> str:
        summary = self.phone.api("GET", "/records/summary")
        expect("total of the year", summary["net"]["total_fen"], 3130)
        bureau = self.phone.facts()["bureau"]
        expect("own account at the bureau", bureau["balance_fen"], 328650 - 3130)
        return "3130 fen spent, and the bureau's book says the same"

    def no_wechat(self) -> str:
        calls: list[dict[str, Any]] = []
        after = ""
        while True:
            page = self.phone.control("GET", f"calls?limit=500{after}")
            calls += page["items"]
            if page["next"] is None:
                break
            after = f"&after={page['next']}"
        wrong = [call["target"] for call in calls if call["target"].startswith(WECHAT)]
        expect("calls to WeChat and WeChat Pay", wrong, [])
        return f"{len(calls)} calls, none to WeChat or WeChat Pay"


STEPS: Steps = (
    ("拒绝授权 log in refused", NationalWalk.refuse_to_log_in),
    ("国家医保登录 log in", NationalWalk.log_in),
    ("人脸未通过 face refused", NationalWalk.fail_a_face),
    ("激活医保电子凭证 credential", NationalWalk.activate_credential),
    ("医保码 code", NationalWalk.show_code),
    ("添加家庭成员 child", NationalWalk.bind_child),
    ("添加家庭成员 spouse", NationalWalk.bind_spouse),
    ("人脸通知 face notice", NationalWalk.confirm_by_notice),
    ("编辑 edit", NationalWalk.edit),
    ("解除绑定并重新绑定 re-bind", NationalWalk.unbind_and_bind_again),
    ("不可绑定的关系 refusal", NationalWalk.refuse_sibling_in_law),
    ("购药 本人 buy", NationalWalk.buy_for_oneself),
    ("购药 代付 buy for the child", NationalWalk.buy_for_child),
    ("放弃支付 abandoned", NationalWalk.abandon),
    ("收据 receipt", NationalWalk.receipt),
    ("记录 records", NationalWalk.records),
    ("退款 refund", NationalWalk.refund),
    ("年度合计 totals", NationalWalk.totals_after_refund),
    ("未经微信 no WeChat", NationalWalk.no_wechat),
    ("退出 log out", NationalWalk.log_out),
)
