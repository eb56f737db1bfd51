"""A hospital's or pharmacy's system at the payment and prescription centres, in the world of nhsa.md §B.1."""

import hashlib
import hmac
import json
from base64 import b64encode
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import select

from mock_providers.db import db
from mock_providers.national import wire
from mock_providers.national.spelling import camel
from mock_providers.webhooks.models import Event
from tests.mock_providers.national.conformance.fixtures import (
    HOSPITAL,
    NAMES,
    PHARMACY,
    SERIAL,
    WORLD,
    Bureau,
    number,
    psn_no,
)

HOS = "/org/local/api/hos/"
STAMP = 1735787045000
TIME = "%Y-%m-%d %H:%M:%S"


MONEY = ("feeSumamt", "fundPay", "psnAcctPay", "selfAcctPay", "acctMulaidPay", "ownPayAmt")


def money(said: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(said[name] for name in MONEY)


def notices(bureau: Bureau) -> list[Event]:
    with bureau.reading():
        return list(db.session.scalars(select(Event).where(Event.type == "6302")))


class Centre:
    """One institution's keys; every call sealed, every answer opened, `refusal` for the ones that must not do."""

    def __init__(self, bureau: Bureau, institution: str = PHARMACY) -> None:
        self.bureau, self.institution = bureau, institution
        mip = bureau.account["mip"]
        keys = (mip["app_id"], mip["app_secret"], mip["private_key"], mip["platform_public_key"])
        self.mip, self.party = mip, wire.Party(*keys)

    # the wire

    def send(self, path: str, body: bytes) -> dict[str, Any]:
        answer = self.bureau.post(body, headers={}, path=path)
        assert answer.status_code == 200, answer.get_data(as_text=True)
        return json.loads(answer.get_data())

    def call(self, path: str, data: Mapping[str, Any], version: str = wire.PAYMENT, **more: Any) -> dict[str, Any]:
        """The business data, or {"refused": message}; signed either way."""
        body = wire.seal(dict(data), self.party, STAMP, version, **more)
        answer = self.bureau.post(body, headers={}, path=path)
        assert answer.status_code == 200, answer.get_data(as_text=True)
        said = json.loads(answer.get_data())
        if said["code"] == 0:
            return wire.open_message(answer.get_data(), self.party, version)
        assert (said["code"], said["success"]) == (-1, False) and "encData" not in said
        text = wire.string_to_sign(said, None, self.party.app_secret)
        assert wire.signed_by(text, said["signData"], self.party)
        return {"refused": said["message"]}

    # consent

    def consent(self, payer: str, patient: str | None = None) -> str:
        with self.bureau.writing():
            return self.bureau.app.extensions["authorise"](payer, patient, {})

    def user_query(self, code: Any, openid: str = "", **headers: str) -> dict[str, Any]:
        """Through WeChat's door. Without an openid nobody asks whose it is."""
        partner, stamp = self.mip["partner_id"], str(STAMP)
        text = (partner + stamp).encode()
        signed = hmac.new(self.mip["partner_secret"].encode(), text, hashlib.sha256).hexdigest()
        sent = {"god-portal-timestamp": stamp, "god-portal-request-id": "0" * 32, "god-portal-signature": signed}
        extensions = self.bureau.app.extensions
        held = extensions.pop("person_of_openid") if not openid else None
        try:
            answer = self.bureau.client.post(
                f"/wechat/api/mipuserquery/userQuery/{partner}",
                json={"qrcode": code, "openid": openid or "o"},
                headers={**sent, **headers, "X-Yibao-Space": self.bureau.space},
            )
        finally:
            if held:
                extensions["person_of_openid"] = held
        assert answer.status_code == 200
        return json.loads(answer.get_data())

    def grant(self, payer: str, patient: str | None = None) -> str:
        said = self.user_query(self.consent(payer, patient))
        assert said["code"] == 0, said
        return said["pay_auth_no"] or said["family_pay_auth_no"]

    # the payment centre

    def bill(self, basket: Mapping[str, Any], **change: Any) -> dict[str, Any]:
        """6201's data for the purchase of a 2101."""
        head, serial = basket["druginfo"], f"M{next(SERIAL)}"
        who = next(one for one in WORLD.people.values() if one.psn_no == head["psn_no"])
        return {
            "orgCodg": self.institution,
            "psnNo": who.psn_no,
            "insutype": head["insutype"],
            "insuCode": "460100",
            "medOrgOrd": serial,
            "begntime": head["begntime"],
            "idNo": who.id_number,
            "userName": who.name,
            "idType": "01",
            "iptOtpNo": serial,
            "deptCode": "01",
            "deptName": "药房",
            "caty": "A99",
            "mdtrtId": serial,
            "medType": head["med_type"],
            "feeType": "01",
            "medfeeSumamt": head["medfee_sumamt"],
            "acctUsedFlag": head["acct_used_flag"],
            "psnSetlway": "01",
            "chrgBchno": serial,
            "pubHospRfomFlag": "0",
            "feedetailList": [camel({k: v for k, v in row.items() if v != ""}) for row in basket["drugdetail"]],
            **change,
        }

    def upload(self, basket: Mapping[str, Any], payer: str = "", **change: Any) -> dict[str, Any]:
        """6201; the answer with what the later calls need."""
        data = self.bill(basket, **change)
        who = next(key for key, one in WORLD.people.items() if one.psn_no == data["psnNo"])
        if not {"payAuthNo", "ecToken"} & set(change):
            data["payAuthNo"] = self.grant(payer or who, who)
        said = self.call(f"{HOS}uldFeeInfo", data)
        return {**said, "payAuthNo": data.get("payAuthNo", ""), "medOrgOrd": data["medOrgOrd"], "who": who}

    def place(self, order: Mapping[str, Any], **change: Any) -> dict[str, Any]:
        """6202."""
        named = {k: order[k] for k in ("payOrdId", "payToken", "payAuthNo")}
        return self.call(
            f"{HOS}pay_order", {**named, "orgCodg": self.institution, "orgBizSer": order["medOrgOrd"], **change}
        )

    def named(self, order: Mapping[str, Any]) -> dict[str, Any]:
        who = WORLD.people[order["who"]]
        person = {"idNo": who.id_number, "userName": who.name, "idType": "01", "orgCodg": self.institution}
        return {"payOrdId": order["payOrdId"], "payToken": order["payToken"], **person}

    def query(self, order: Mapping[str, Any]) -> dict[str, Any]:
        """6301."""
        return self.call(f"{HOS}query_order_info", self.named(order))

    def state(self, order: Mapping[str, Any]) -> str:
        return self.query(order)["ordStas"]

    def revoke(self, order: Mapping[str, Any]) -> dict[str, Any]:
        """6401."""
        return self.call(f"{HOS}revoke_order", self.named(order))

    def taken(self, order: Mapping[str, Any]) -> None:
        """The channel was given the order: it waits for the payment."""
        with self.bureau.writing():
            said = self.bureau.app.extensions["check_authorisation"](order["payAuthNo"], order["payOrdId"], None)
        assert "refused" not in said

    def pay(self, order: Mapping[str, Any], split: Mapping[str, Any], **change: Any) -> dict[str, Any]:
        """What a channel does when the user confirms."""
        names = {"gov_fee": "fundPay", "self_fee": "psnAcctPay", "cash_fee": "ownPayAmt", "other_fee": "othFeeAmt"}
        fees = {fee: round(Decimal(split[name]) * 100) for fee, name in names.items()}
        asked = {"pay_order_id": order["payOrdId"], "pay_auth_no": order["payAuthNo"], **fees, **change}
        with self.bureau.writing():
            return self.bureau.app.extensions["settle"](**asked)

    def paid(self, basket: Mapping[str, Any], **change: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        order = self.upload(basket, **change)
        split = self.place(order)
        assert self.pay(order, split)["ok"]
        return order, split

    def refunding(
        self, order: Mapping[str, Any], kind: str, account: str, fund: str, cash: str, **change: Any
    ) -> dict[str, Any]:
        total = sum(map(Decimal, (account, fund, cash)))
        data = {
            "payOrdId": order["payOrdId"],
            "appRefdSn": f"R{next(SERIAL)}",
            "appRefdTime": "20250102031000",
            "totlRefdAmt": f"{total:.2f}",
            "psnAcctRefdAmt": account,
            "fundRefdAmt": fund,
            "cashRefdAmt": cash,
            "payAuthNo": order["payAuthNo"],
            "refdType": kind,
            **change,
        }
        return {name: value for name, value in data.items() if value is not None}

    def refund(self, *asked: Any, **change: Any) -> dict[str, Any]:
        """6203: order, kind, account, fund, cash."""
        return self.call(f"{HOS}refund_Order", self.refunding(*asked, **change))


class Prescriber(Centre):
    """A hospital that prescribes electronically."""

    def __init__(self, bureau: Bureau, who: str = "P1") -> None:
        super().__init__(bureau, HOSPITAL)
        self.who = who
        bureau.switch("mdtrt_id", "any")

    def ask(self, name: str, data: Mapping[str, Any]) -> dict[str, Any]:
        return self.call(f"/fixmedins/{name}", data, wire.PRESCRIPTION)

    def draft(self, items: Mapping[str, int], days: int = 3, **change: Any) -> dict[str, Any]:
        """D001's data."""
        who, now = WORLD.people[self.who], datetime.fromisoformat(self.bureau.now())
        moment, until = now.strftime(TIME), (now + timedelta(days=days)).strftime(TIME)
        diagnosis = {
            "diagType": "1",
            "maindiagFlag": "1",
            "diagSrtNo": "1",
            "diagCode": "J06.900",
            "diagName": "急性上呼吸道感染",
            "diagDept": "全科",
            "diagDrNo": "D460000000001",
            "diagDrName": "测试医生",
            "diagTime": moment,
        }
        visit = {
            "fixmedinsName": NAMES[HOSPITAL],
            "fixmedinsCode": HOSPITAL,
            "mdtrtId": "V1",
            "medType": "11",
            "iptOtpNo": "OP1",
            "otpIptFlag": "1",
            "psnNo": psn_no(self.who),
            "patnName": who.name,
            "psnCertType": "01",
            "certno": number(self.who),
            "patnAge": "35",
            "gend": "1",
            "prscDeptName": "全科",
            "prscDeptCode": "01",
            "drCode": "D460000000001",
            "prscDrName": "测试医生",
            "drProfttlCodg": "233",
            "drProfttlName": "主治医师",
            "drDeptCode": "01",
            "drDeptName": "全科",
            "mdtrtTime": moment,
            "spDiseFlag": "0",
            "maindiagCode": "J06.900",
            "maindiagName": "急性上呼吸道感染",
        }
        return {
            "mdtrtCertType": "02",
            "mdtrtCertNo": number(self.who),
            "bizTypeCode": "01",
            "rxExraAttrCode": "02",
            "hospRxno": f"RX{next(SERIAL)}",
            "rxTypeCode": "1",
            "prscTime": moment,
            "rxDrugCnt": str(len(items)),
            "valiDays": str(days),
            "valiEndTime": until,
            "rxdrugdetail": [self.drug(code, count, moment) for code, count in items.items()],
            "mdtrtinfo": visit,
            "diseinfo": [diagnosis],
            **change,
        }

    def drug(self, code: str, count: int, moment: str) -> dict[str, Any]:
        item = WORLD.items[code]
        return {
            "medListCodg": item.med_list_codg,
            "rxItemTypeCode": "11",
            "drugGenname": item.name,
            "drugDosform": "片剂",
            "drugSpec": item.spec,
            "medcWayCodg": "1",
            "medcWayDscr": "口服",
            "medcBegntime": moment,
            "medcEndtime": moment,
            "medcDays": "3",
            "sinDosunt": "g",
            "sinDoscnt": "1",
            "usedFrquCodg": "11",
            "usedFrquName": "每日一次",
            "drugDosunt": "盒",
            "drugCnt": str(count),
            "hospApprFlag": "0",
        }

    def signed_fields(self, checked: Mapping[str, Any], draft: Mapping[str, Any]) -> dict[str, str]:
        """The twenty that D002 signs and D003 repeats; those that may be left out are."""
        visit = draft["mdtrtinfo"]
        same = ("mdtrtId", "patnName", "psnCertType", "certno", "fixmedinsName", "fixmedinsCode", "drCode")
        return {
            "rxTraceCode": checked["rxTraceCode"],
            "hiRxno": checked["hiRxno"],
            **{name: visit[name] for name in (*same, "prscDrName")},
            "pharDeptName": "药剂科",
            "pharDeptCode": "09",
            "pharCode": "HY460000000001",
            "pharName": "测试药师",
            "pharChkTime": draft["prscTime"],
        }

    def signing(self, twenty: Mapping[str, str], file: bytes = b"%PDF-1.7 prescription") -> dict[str, str]:
        text = json.dumps(dict(sorted(twenty.items())), ensure_ascii=False).encode()
        value, document = b64encode(text).decode(), b64encode(file).decode()
        return {"fixmedinsCode": self.institution, "originalValue": value, "originalRxFile": document}

    def ready(self, items: Mapping[str, int], **change: Any) -> dict[str, Any]:
        """D001 and D002; what D003 has to send."""
        draft = self.draft(items, **change)
        checked = self.ask("uploadChk", draft)
        assert "refused" not in checked, checked
        twenty = self.signed_fields(checked, draft)
        signed = self.ask("rxFixmedinsSign", self.signing(twenty))
        assert "refused" not in signed, signed
        return {**twenty, "rxFile": signed["rxFile"], "signDigest": signed["signDigest"]}

    def prescribe(self, items: Mapping[str, int], **change: Any) -> str:
        """D001-D003: a prescription that can be sold against."""
        sent = self.ready(items, **change)
        said = self.ask("rxFileUpld", sent)
        assert said == {"hiRxno": sent["hiRxno"], "rxStasCodg": "1", "rxStasName": "有效"}
        return sent["hiRxno"]

    def asking(self, rxno: str, **change: Any) -> dict[str, str]:
        """D005, D006, D007."""
        who = WORLD.people[self.who]
        person = {"psnName": who.name, "psnCertType": "01", "certno": who.id_number}
        return {"hiRxno": rxno, "fixmedinsCode": self.institution, "mdtrtId": "V1", **person, **change}

    def undoing(self, rxno: str, **change: Any) -> dict[str, str]:
        """D004."""
        return {
            "hiRxno": rxno,
            "fixmedinsCode": self.institution,
            "drCode": "D460000000001",
            "undoDrName": "测试医生",
            "undoDrCertType": "01",
            "undoDrCertno": "0",
            "undoRea": "剂量有误",
            "undoTime": self.bureau.now(),
            **change,
        }
