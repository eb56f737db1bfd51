"""wechat.md §11, checks 58–63 and 80, and the tables of §5.6: subscribing, and sending to who subscribed."""

import re
from typing import Any

import pytest

from mock_providers.wechat import templates
from tests.mock_providers.wechat.conftest import World
from tests.mock_providers.wechat.inbox import Inbox

SEND = "/cgi-bin/message/subscribe/send"
RID = r"[0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{8}"
OK = {"errcode": 0, "errmsg": "ok"}
SAMPLES = {
    name: {line.keyword: {"value": line.sample} for line in one.lines} for name, one in templates.load().items()
}


@pytest.fixture
def inbox(world: World) -> Inbox:
    made = Inbox(world)
    made.open_for("plaintext", "json")
    return made


def ids(world: World) -> dict[str, str]:
    """Template ids by our names."""
    listed = world.get("/wxaapi/newtmpl/gettemplate", access_token=world.token())["data"]
    titles = {one.title: name for name, one in templates.load().items()}
    return {titles[row["title"]]: row["priTmplId"] for row in listed}


def subscribe(world: World, *names: str, answer: Any = "accept", person: str = "P01") -> dict[str, Any]:
    known = ids(world)
    return world.phone("subscribe", person=person, tmplIds=[known[name] for name in names], answer=answer)


def send(world: World, name: str = "binding_done", **changes: Any) -> dict[str, Any]:
    """A good message of a template to P01, with changes; None leaves a member out."""
    body = {"touser": world.log_in()["openid"], "template_id": ids(world)[name], "data": SAMPLES[name], **changes}
    body = {key: value for key, value in body.items() if value is not None}
    return world.post(SEND, body, access_token=world.token())


def events(inbox: Inbox) -> list[dict[str, Any]]:
    return [push.json for push in inbox.deliver()]


# what is sent and seen


def test_w58_one_acceptance_is_one_message_then_the_user_refuses(inbox: Inbox) -> None:
    world = inbox.world
    subscribe(world, "binding_done")
    assert send(world) == OK
    refused = send(world)
    assert refused["errcode"] == 43101
    assert re.fullmatch(f"user refuse to accept the msg rid: {RID}", refused["errmsg"])
    _, sent = events(inbox)
    assert sent["Event"] == "subscribe_msg_sent_event"
    assert sent["List"] | {"MsgID": ""} == {
        "TemplateId": ids(world)["binding_done"],
        "MsgID": "",
        "ErrorCode": "0",
        "ErrorStatus": "success",
    }


def test_w58_the_message_can_be_seen_on_the_persons_phone(world: World) -> None:
    subscribe(world, "binding_done")
    send(world, page="pages/family/index?id=1", lang="en_US", miniprogram_state="trial")
    shown = world.client.get("/_mock/people/P01/messages").get_json()
    (message,) = shown["items"]
    assert (message["title"], message["page"]) == ("亲情账户绑定结果通知(样例)", "pages/family/index?id=1")
    assert message["lines"][0] == {"label": "就诊人", "value": "林*"}
    assert (message["lang"], message["miniprogram_state"]) == ("en_US", "trial")
    assert message["at"].startswith("2025-12-01T10:00:00")
    assert world.client.get("/_mock/people/P02/messages").get_json()["items"] == []
    assert world.client.get("/_mock/people/P99/messages").status_code == 404


def test_messages_are_read_page_by_page(world: World) -> None:
    subscribe(world, "settlement")
    for _ in range(3):
        send(world, "settlement")
    first = world.client.get("/_mock/people/P01/messages?limit=2").get_json()
    rest = world.client.get(f"/_mock/people/P01/messages?limit=2&after={first['next']}").get_json()
    assert (len(first["items"]), len(rest["items"]), rest["next"]) == (2, 1, None)


def test_w59_a_long_term_template_does_not_run_out_until_it_is_declined(inbox: Inbox) -> None:
    world = inbox.world
    subscribe(world, "settlement")
    assert [send(world, "settlement") for _ in range(2)] == [OK, OK]
    world.phone("subscription-settings", person="P01", templates={ids(world)["settlement"]: "reject"})
    change = events(inbox)[-1]
    assert change["Event"] == "subscribe_msg_change_event"
    assert change["List"] == {"TemplateId": ids(world)["settlement"], "SubscribeStatusString": "reject"}
    assert send(world, "settlement")["errcode"] == 43101
    world.phone("subscription-settings", person="P01", templates={ids(world)["settlement"]: "accept"})
    assert send(world, "settlement") == OK
    assert [event["Event"] for event in events(inbox)].count("subscribe_msg_change_event") == 1


def test_w60_one_time_acceptances_add_up(world: World) -> None:
    for answer in ("accept", "acceptWithAlert", "acceptWithAudio", "ban", "filter", "acceptWithForcePush"):
        subscribe(world, "binding_done", answer=answer)
    assert [send(world)["errcode"] for _ in range(5)] == [0, 0, 0, 0, 43101]


@pytest.mark.parametrize(("switch", "errcodes"), [("", [0, 43101]), ("ends_none", [0, 0, 0, 43101])])
def test_a_one_time_acceptance_lasts_until_it_is_used_or_declined(
    world: World, switch: str, errcodes: list[int]
) -> None:
    if switch:
        world.switch("wechat.subscribe_decline", switch)
    for answer in ("accept", "accept", "reject", "accept"):
        subscribe(world, "binding_done", answer=answer)
    assert [send(world)["errcode"] for _ in errcodes] == errcodes


def test_declining_in_the_settings_ends_what_had_added_up(world: World) -> None:
    subscribe(world, "binding_done")
    for status in ("reject", "accept"):
        settings = world.phone("subscription-settings", person="P01", templates={ids(world)["binding_done"]: status})
        assert settings["left"] == {}
    assert send(world)["errcode"] == 43101


@pytest.mark.parametrize("answer", ["reject", "ban", "filter"])
def test_who_did_not_accept_gets_nothing(world: World, answer: str) -> None:
    subscribe(world, "binding_done", answer=answer)
    assert send(world)["errcode"] == 43101


def test_declining_a_long_term_template_in_the_pop_up_ends_it(world: World) -> None:
    subscribe(world, "settlement")
    subscribe(world, "settlement", answer="reject")
    assert send(world, "settlement")["errcode"] == 43101


def test_the_settings_page_lists_what_was_asked_and_nothing_else(world: World) -> None:
    send(world, "refund")
    subscribe(world, "binding_done", answer="ban")
    subscribe(world, "invitation", answer="reject")
    subscribe(world, "invitation")
    settings = world.phone("subscription-settings", person="P01")
    id_ = ids(world)["invitation"]
    assert settings == {"mainSwitch": True, "itemSettings": {id_: "accept"}, "left": {id_: 1}}


def test_a_refused_message_uses_up_nothing(world: World) -> None:
    subscribe(world, "binding_done")
    assert send(world, data={})["errcode"] == 47003
    world.plan("wechat.subscribe_send", "sensitive_word")
    assert send(world)["errcode"] == 45168
    assert send(world) == OK


def test_what_one_person_accepted_is_no_others(world: World) -> None:
    subscribe(world, "binding_done", person="P02")
    assert send(world)["errcode"] == 43101


# error rows


def test_w61_21_characters_in_a_thing_are_too_many(world: World) -> None:
    subscribe(world, "binding_done")
    data = {**SAMPLES["binding_done"], "thing1": {"value": "样" * 21}}
    refused = send(world, data=data)
    assert refused["errcode"] == 47003
    assert re.fullmatch(f"argument invalid! data.thing1.value invalid rid: {RID}", refused["errmsg"])


def test_w61_an_openid_of_another_app_is_invalid(world: World) -> None:
    code = world.phone("login", person="P01", appid=world.official_account["appid"])["code"]
    keys = {name: world.official_account[name] for name in ("appid", "secret")}
    body = world.get("/sns/jscode2session", **keys, js_code=code, grant_type="authorization_code")
    refused = send(world, touser=body["openid"])
    assert refused["errcode"] == 40003
    assert re.fullmatch(f"invalid openid rid: {RID}", refused["errmsg"])


@pytest.mark.parametrize("openid", [None, "", "o", "o" * 28, "x" * 300])
def test_no_openid_of_this_app_is_invalid(world: World, openid: str | None) -> None:
    assert send(world, touser=openid)["errcode"] == 40003


@pytest.mark.parametrize("template_id", [None, "", "A" * 43, "short"])
def test_w61_a_template_of_another_app_is_invalid(world: World, template_id: str | None) -> None:
    refused = send(world, template_id=template_id)
    assert refused["errcode"] == 40037
    assert re.fullmatch(f"invalid template_id rid: {RID}", refused["errmsg"])


@pytest.mark.parametrize(
    ("page", "errcode"),
    [
        ("", 0),
        ("pages/index/index", 0),
        ("/pages/index/index?a=1", 0),
        ("pages/nowhere/index", 41030),
        ("pages/index/index?" + "x" * 1024, 41030),
    ],
)
def test_a_page_is_a_published_one(world: World, page: str, errcode: int) -> None:
    subscribe(world, "binding_done")
    assert send(world, page=page)["errcode"] == errcode


def test_a_switch_lets_any_page_pass(world: World) -> None:
    world.switch("wechat.subscribe_page", "any")
    subscribe(world, "binding_done")
    assert send(world, page="anything/at/all?x=1") == OK


@pytest.mark.parametrize("state", ["developer", "trial", "formal", "", None])
def test_every_state_of_the_mini_program_is_taken(world: World, state: str | None) -> None:
    subscribe(world, "binding_done")
    assert send(world, miniprogram_state=state) == OK


@pytest.mark.parametrize("lang", ["zh_CN", "en_US", "zh_HK", "zh_TW", "", None])
def test_every_language_is_taken(world: World, lang: str | None) -> None:
    subscribe(world, "binding_done")
    assert send(world, lang=lang) == OK


@pytest.mark.parametrize(("field", "value"), [("lang", "fr_FR"), ("miniprogram_state", "release")])
@pytest.mark.parametrize(("switch", "errcode"), [("40097", 40097), ("ignored", 0)])
def test_what_is_outside_a_list_is_a_switch(world: World, field: str, value: str, switch: str, errcode: int) -> None:
    world.switch("wechat.subscribe_bad_argument", switch)
    subscribe(world, "binding_done")
    assert send(world, **{field: value})["errcode"] == errcode


@pytest.mark.parametrize(
    ("outcome", "errcode", "words"),
    [
        ("user_refuses", 43101, "user refuse to accept the msg"),
        ("subscription_banned", 43107, "subscribe message capability is banned"),
        ("concurrent_sends", 43108, "concurrent sending"),
        ("sensitive_word", 45168, "keyword in blacklist"),
        ("system_error", -1, "system error"),
        ("daily_quota", 45009, "reach max api daily quota limit"),
        ("rate_limited", 45011, "api minute-quota reach limit"),
        ("unauthorized", 48001, "api unauthorized"),
    ],
)
def test_every_other_error_can_be_asked_for(world: World, outcome: str, errcode: int, words: str) -> None:
    subscribe(world, "binding_done")
    world.plan("wechat.subscribe_send", outcome, person="P01")
    refused = send(world)
    assert (refused["errcode"], refused["errmsg"].startswith(words)) == (errcode, True)
    assert send(world) == OK


@pytest.mark.parametrize(
    ("query", "errcode"),
    [({}, 41001), ({"access_token": "x" * 100}, 40001), ({"access_token": "§"}, 40014)],
)
def test_the_token_comes_first(world: World, query: dict[str, str], errcode: int) -> None:
    assert world.post(SEND, {"touser": "x"}, **query)["errcode"] == errcode


def test_the_body_is_json_of_a_post(world: World) -> None:
    token = world.token()
    assert world.get(SEND, access_token=token)["errcode"] == 43002
    assert world.post(SEND, b"", access_token=token)["errcode"] == 44002
    assert world.post(SEND, b"touser=x", access_token=token)["errcode"] == 47001
    assert world.post(SEND, {"touser": 1}, access_token=token)["errcode"] == 47001


def test_w63_the_daily_ceiling_is_a_switch(world: World) -> None:
    world.switch("wechat.subscribe_daily_limit", "1")
    subscribe(world, "settlement")
    assert [send(world, "settlement")["errcode"] for _ in range(2)] == [0, 45009]
    world.advance(24 * 3600)
    assert send(world, "settlement") == OK


@pytest.mark.parametrize(("order", "errcode"), [("fields-subscription", 47003), ("subscription-fields", 43101)])
def test_which_of_two_faults_is_named_is_a_switch(world: World, order: str, errcode: int) -> None:
    world.switch("wechat.subscribe_check_order", order)
    assert send(world, data={})["errcode"] == errcode


# values


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({}, "data.thing1.value is empty"),
        (None, "data.thing1.value is empty"),
        ([], "data.thing1.value is empty"),
        ({"thing1": "x"}, "data.thing1.value is empty"),
        ({"thing1": {}}, "data.thing1.value is empty"),
        ({"thing1": {"value": ""}}, "data.thing1.value is empty"),
        ({"thing1": {"value": "x"}}, "data.phrase2.value is empty"),
        ({"thing1": {"value": ["x"]}}, "data.thing1.value invalid"),
        ({"thing1": {"value": True}}, "data.thing1.value invalid"),
    ],
)
def test_the_first_faulty_line_is_named(world: World, data: Any, words: str) -> None:
    subscribe(world, "binding_done")
    refused = send(world, data=data)
    assert refused["errcode"] == 47003
    assert re.fullmatch(f"argument invalid! {re.escape(words)} rid: {RID}", refused["errmsg"])


def test_members_the_template_does_not_have_are_ignored(world: World) -> None:
    subscribe(world, "binding_done")
    assert send(world, data={**SAMPLES["binding_done"], "thing99": {"value": "x"}}) == OK


def test_a_number_may_be_a_json_number(world: World) -> None:
    subscribe(world, "every_kind")
    assert send(world, "every_kind", data={**SAMPLES["every_kind"], "number2": {"value": 12.5}}) == OK


@pytest.mark.parametrize(("switch", "errcode"), [("", 47003), ("optional", 0), ("required", 47003)])
def test_an_amount_needs_its_sign_unless_a_switch_says_otherwise(world: World, switch: str, errcode: int) -> None:
    if switch:
        world.switch("wechat.subscribe_amount_sign", switch)
    subscribe(world, "every_kind")
    data = {**SAMPLES["every_kind"], "amount8": {"value": "100元"}}
    assert send(world, "every_kind", data=data)["errcode"] == errcode


# templates


def test_the_template_list_has_the_public_shape(world: World) -> None:
    body = world.get("/wxaapi/newtmpl/gettemplate", access_token=world.token())
    assert (body["errcode"], body["errmsg"]) == (0, "ok")
    for row in body["data"]:
        assert set(row) == {"priTmplId", "title", "content", "example", "type", "keywordEnumValueList"}
        assert re.fullmatch(r"[0-9A-Za-z_-]{43}", row["priTmplId"])
        assert re.fullmatch(r"([^:\n]+:\{\{[a-z_]+\d+\.DATA\}\}\n)+", row["content"])
        assert row["type"] in (2, 3)
    assert {row["type"] for row in body["data"]} == {2, 3}
    listed = {row["title"]: row["keywordEnumValueList"] for row in body["data"]}["就诊提醒(样例)"]
    assert listed == [{"keywordCode": "enum4.DATA", "enumValueList": ["已预约", "已取号", "已取消"]}]


def test_another_app_has_none_of_our_templates(world: World) -> None:
    account = world.official_account
    body = {"grant_type": "client_credential", "appid": account["appid"], "secret": account["secret"]}
    token = world.post("/cgi-bin/stable_token", body)["access_token"]
    assert world.get("/wxaapi/newtmpl/gettemplate", access_token=token)["data"] == []


def test_the_credentials_name_the_templates_of_the_back_end(world: World) -> None:
    named = world.client.get("/_mock/credentials").get_json()["wechat"]["templates"]
    known = ids(world)
    assert named == {name: known[name] for name in ("binding_done", "invitation", "settlement", "refund")}


# the pop-up (§8) and its event


def test_w62_a_list_of_one_is_an_object_and_of_two_an_array(inbox: Inbox) -> None:
    known = ids(inbox.world)
    names = ["binding_done", "invitation"]
    subscribe(inbox.world, names[0])
    subscribe(inbox.world, *names, answer={known[names[0]]: "accept", known[names[1]]: "reject"})
    one, two = events(inbox)
    item = {"TemplateId": known[names[0]], "SubscribeStatusString": "accept", "PopupScene": "0"}
    assert (one["Event"], one["List"]) == ("subscribe_msg_popup_event", item)
    assert two["List"] == [item, item | {"TemplateId": known[names[1]], "SubscribeStatusString": "reject"}]


@pytest.mark.parametrize("names", [("binding_done",), ("binding_done", "invitation")])
def test_w62_in_xml_the_lists_stand_in_an_element_of_the_event(world: World, names: tuple[str, ...]) -> None:
    inbox = Inbox(world)
    inbox.open_for("plaintext", "xml")
    subscribe(world, *names)
    body = inbox.deliver()[0].body.decode()
    known = ids(world)
    item = (
        "<List><TemplateId><![CDATA[{}]]></TemplateId><SubscribeStatusString><![CDATA[accept]]>"
        "</SubscribeStatusString><PopupScene>0</PopupScene></List>"
    )
    lists = "".join(item.format(known[name]) for name in names)
    assert f"<SubscribeMsgPopupEvent>{lists}</SubscribeMsgPopupEvent></xml>" in body


def test_the_sent_event_in_xml_has_bare_numbers(world: World) -> None:
    inbox = Inbox(world)
    subscribe(world, "binding_done")
    inbox.open_for("plaintext", "xml")
    send(world)
    body = inbox.deliver()[0].body.decode()
    assert re.search(
        r"<SubscribeMsgSentEvent><List><TemplateId><!\[CDATA\[.{43}\]\]></TemplateId><MsgID>\d+</MsgID>"
        r"<ErrorCode>0</ErrorCode><ErrorStatus><!\[CDATA\[success\]\]></ErrorStatus></List></SubscribeMsgSentEvent>",
        body,
    )


def test_w80_an_answer_for_every_template(world: World) -> None:
    known = ids(world)
    said = subscribe(world, "binding_done", "invitation", answer="acceptWithAlert")
    assert said == {
        "errMsg": "requestSubscribeMessage:ok",
        known["binding_done"]: "acceptWithAlert",
        known["invitation"]: "acceptWithAlert",
    }


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ([], 10001),
        (None, 10001),
        ("x", 10004),
        ([1], 10004),
        (["short"], 10004),
        (["A" * 43], 20001),
        (["A" * 43] * 6, 20003),
        ([f"{n}" * 43 for n in range(6)], 20003),
    ],
)
def test_w80_what_cannot_be_asked_has_its_code(world: World, asked: Any, code: int) -> None:
    said = world.phone("subscribe", person="P01", tmplIds=asked)
    assert said["errCode"] == code
    assert said["errMsg"].startswith("requestSubscribeMessage:fail ")


def test_w80_one_time_and_long_term_are_not_asked_together(world: World) -> None:
    assert subscribe(world, "binding_done", "settlement")["errCode"] == 20002


def test_w80_without_a_tap_it_fails(world: World) -> None:
    said = world.phone("subscribe", person="P01", tmplIds=[ids(world)["binding_done"]], tap=False)
    assert said == {"errMsg": "requestSubscribeMessage:fail can only be invoked by user TAP gesture."}


@pytest.mark.parametrize(
    ("outcome", "code"),
    [
        ("network_list", 10002),
        ("network_subscribe", 10003),
        ("background", 10005),
        ("banned", 20005),
        ("device", 20013),
    ],
)
def test_w80_every_other_failure_can_be_asked_for(world: World, outcome: str, code: int) -> None:
    world.plan("wechat.request_subscribe", outcome)
    assert subscribe(world, "binding_done")["errCode"] == code
    assert send(world)["errcode"] == 43101


def test_w80_with_the_main_switch_off_nothing_is_asked_or_sent(inbox: Inbox) -> None:
    world = inbox.world
    subscribe(world, "binding_done", "invitation")
    settings = world.phone("subscription-settings", person="P01", main_switch=False)
    assert settings["mainSwitch"] is False
    assert subscribe(world, "binding_done")["errCode"] == 20004
    assert send(world)["errcode"] == 43101
    change = events(inbox)[-1]
    assert (change["Event"], len(change["List"])) == ("subscribe_msg_change_event", 2)
    world.phone("subscription-settings", person="P01", main_switch=True)
    assert send(world) == OK


def test_a_template_refused_in_the_settings_is_refused_without_asking(inbox: Inbox) -> None:
    world = inbox.world
    id_ = ids(world)["binding_done"]
    world.phone("subscription-settings", person="P01", templates={id_: "reject"})
    assert subscribe(world, "binding_done") == {"errMsg": "requestSubscribeMessage:ok", id_: "reject"}
    assert [event["Event"] for event in events(inbox)] == ["subscribe_msg_change_event"]


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"answer": "maybe"}, "answer"),
        ({"answer": {"x": "accept"}}, "answer"),
        ({"answer": 1}, "answer"),
        ({"tap": "no"}, "tap"),
        ({"nonsense": 1}, "nonsense"),
    ],
)
def test_a_phone_that_says_nonsense_is_told(world: World, body: dict[str, Any], named: str) -> None:
    refused = world.phone("subscribe", 400, person="P01", tmplIds=[ids(world)["binding_done"]], **body)
    assert named in refused["fields"]


@pytest.mark.parametrize(
    "body", [{"templates": []}, {"templates": {"x": "reject"}}, {"main_switch": 1}, {"templates": None}]
)
def test_settings_that_make_no_sense_are_refused(world: World, body: dict[str, Any]) -> None:
    world.phone("subscription-settings", 400, person="P01", **body)
