"""What the mini program tells its user, from the fact to the card on the phone."""

from collections.abc import Callable
from typing import Any

from mock_providers.phone.handset import Handset

SHOP = "P46019900008"


def card(phone: Handset, title: str) -> dict[str, Any]:
    """The newest message of a title, as label → value."""
    found = [message for message in phone.messages() if message["title"].startswith(title)]
    return {line["label"]: line["value"] for line in found[-1]["lines"]}


def test_a_purchase_and_its_refund_are_told_to_who_subscribed(phone: Handset) -> None:
    phone.ready("P01").subscribe()
    bought = phone.buy(SHOP, [("D05", 1), ("D07", 1)])
    told = card(phone, "医保结算结果通知")
    assert (told["费用总额"], told["医保支付"], told["现金支付"]) == ("¥31.30", "¥31.30", "¥0.00")
    phone.refund(bought["id"])
    assert card(phone, "医保退费结果通知")["退费金额"] == "¥31.30"
    assert len(phone.messages()) == 2


def test_who_did_not_subscribe_is_not_told_and_buys_all_the_same(phone: Handset) -> None:
    phone.ready("P01").subscribe("reject")
    assert phone.buy(SHOP, [("D05", 1), ("D07", 1)])["state"] == "SETTLED"
    assert phone.messages() == []
    timeline = phone.control("GET", "timeline?limit=500")["items"]
    assert any("NOT_SUBSCRIBED" in str(row) for row in timeline)


def test_wechat_failing_at_the_message_changes_nothing_of_the_purchase(phone: Handset) -> None:
    phone.ready("P01").subscribe()
    outcome = {"target": "wechat.subscribe_send", "outcome": "http_500"}
    phone.control("POST", "outcomes", outcome)
    assert phone.buy(SHOP, [("D05", 1), ("D07", 1)])["state"] == "SETTLED"
    assert phone.messages() == []


def test_a_binding_is_told_to_the_binder_and_asked_of_the_relative(phone_in: Callable[[str], Handset]) -> None:
    binder, relative = phone_in("default"), phone_in("default")
    relative.log_in("P07")
    relative.bind_real_name()
    relative.subscribe()
    binder.ready("P01").subscribe()
    binding_id = binder.prepare_binding("P07")
    binder.submit(binding_id)
    binder.deliver()
    assert card(relative, "亲情账户待办提醒")["发起人"] == "林*一"
    binder.show_face(binding_id, "relative")
    binder.deliver()
    assert card(binder, "亲情账户绑定结果通知") | {"绑定时间": ""} == {
        "就诊人": "王*七",
        "绑定结果": "绑定成功",
        "绑定时间": "",
        "温馨提示": "样例:可在亲情账户中查看",
    }
