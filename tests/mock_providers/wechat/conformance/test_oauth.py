"""wechat.md §7 and §11, checks 67–72: an official account's web authorisation, page and tokens."""

import re
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import pytest

from mock_providers import people
from mock_providers.wechat import authorize_rules
from tests.mock_providers.wechat.conftest import World

ONE_FOR_ALL = True
RID = "[0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{8}"
BACK = "http://127.0.0.1:5000/cb"
USERINFO = "snsapi_userinfo"
PAGE = "/wechat/connect/oauth2/authorize"
BROWSER = {"Accept": "text/html,application/xhtml+xml"}
DAY = 86_400


def url(world: World, **other: str | None) -> str:
    """A right address of the page; a None takes a parameter away, anything else replaces it in its place."""
    appid = world.official_account["appid"]
    given = {"appid": appid, "redirect_uri": BACK, "response_type": "code", "scope": "snsapi_base", "state": "abc1"}
    return f"{PAGE}?{urlencode({k: v for k, v in (given | other).items() if v is not None})}"


def opened(world: World, address: str, headers: dict | None = None, **form: str) -> Any:
    world.client.delete_cookie("wechat_phone_of")
    if form:
        return world.client.post(address, data=form, headers=headers)
    return world.client.get(address, headers=headers)


def back_with(answer: Any) -> dict[str, str]:
    assert answer.status_code == 302
    return dict(parse_qsl(urlsplit(answer.headers["Location"]).query))


def tapped(world: World, person: str = "P01", outcome: str = "allow", **other: str | None) -> dict:
    """The headless way."""
    return world.phone(
        "oauth", person=person, url=f"https://open.weixin.qq.com{url(world, **other)}", outcome=outcome
    )


def code(world: World, **about: Any) -> str:
    return dict(parse_qsl(urlsplit(tapped(world, **about)["redirect"]).query))["code"]


def keys(world: World, **other: str) -> dict:
    account = world.official_account
    return {"appid": account["appid"], "secret": account["secret"], "grant_type": "authorization_code", **other}


def exchanged(world: World, given: str, **other: str) -> dict:
    return world.get("/sns/oauth2/access_token", **keys(world, code=given, **other))


def granted(world: World, **about: Any) -> dict:
    return exchanged(world, code(world, **about))


def refreshed(world: World, token: str, **other: str) -> dict:
    query = {"appid": world.official_account["appid"], "grant_type": "refresh_token", "refresh_token": token}
    return world.get("/sns/oauth2/refresh_token", **(query | other))


def who(world: World, of: dict, path: str = "userinfo", **other: str) -> dict:
    return world.get(f"/sns/{path}", **({"access_token": of["access_token"], "openid": of["openid"]} | other))


def shown_page(answer: Any) -> str:
    assert answer.status_code == 200 and answer.content_type == "text/html; charset=utf-8"
    return answer.text


# the page (§7.1)


def test_w67_base_scope_goes_back_at_once_with_code_and_state(world: World) -> None:
    answer = opened(world, url(world))
    assert answer.headers["Location"].startswith(f"{BACK}?code=")
    back = back_with(answer)
    assert set(back) == {"code", "state"} and back["state"] == "abc1"
    assert "openid" in exchanged(world, back["code"])


def test_w67_userinfo_scope_asks_and_a_refusal_brings_the_state_alone(world: World) -> None:
    address = url(world, scope=USERINFO)
    page = shown_page(opened(world, address))
    assert "允许" in page and "拒绝" in page
    assert back_with(opened(world, address, person="P01", decision="deny")) == {"state": "abc1"}
    back = back_with(opened(world, address, person="P01", decision="allow"))
    assert exchanged(world, back["code"])["scope"] == USERINFO


def test_w67_the_phone_does_the_same_without_a_browser(world: World) -> None:
    assert tapped(world)["redirect"].startswith(f"{BACK}?code=")
    assert tapped(world, scope=USERINFO, outcome="deny") == {"redirect": f"{BACK}?state=abc1"}
    assert "code=" in tapped(world, outcome="deny")["redirect"]


def test_w67_the_real_host_leads_to_the_page(world: World) -> None:
    address = url(world).removeprefix("/wechat")
    answer = world.client.get(address, base_url="https://open.weixin.qq.com")
    assert set(back_with(answer)) == {"code", "state"}


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        (f"{BACK}?a=1", rf"{re.escape(BACK)}\?a=1&code=\w+&state=abc1"),
        (f"{BACK}?a=1#/x", rf"{re.escape(BACK)}\?a=1&code=\w+&state=abc1#/x"),
        ("http://localhost/路", r"http://localhost/%E8%B7%AF\?code=\w+&state=abc1"),
    ],
)
def test_w67_the_code_joins_what_the_address_has(world: World, target: str, expected: str) -> None:
    answer = opened(world, url(world, redirect_uri=target))
    assert re.fullmatch(expected, answer.headers["Location"])


@pytest.mark.parametrize(
    ("given", "number"),
    [
        ({"appid": ""}, 10012),
        ({"appid": None}, 10012),
        ({"redirect_uri": ""}, 10011),
        ({"redirect_uri": None}, 10011),
        ({"scope": ""}, 10010),
        ({"scope": None}, 10010),
        ({"state": ""}, 10013),
        ({"state": None}, 10013),
        ({"appid": "wx00000000000000ff"}, 10016),
        ({"scope": "snsapi_login"}, 10005),
        ({"redirect_uri": "https://foreign.example/cb"}, 10003),
        ({"redirect_uri": "ftp://127.0.0.1/"}, 10003),
        ({"redirect_uri": "//127.0.0.1/"}, 10003),
        ({"redirect_uri": "http://127.0.0.1:x/"}, 10003),
        ({"redirect_uri": "http://127.0.0.1\r\nX: y"}, 10003),
        ({"redirect_uri": "http://127.0.0.1@foreign.example/"}, 10003),
        ({"redirect_uri": "http://foreign.example\\@127.0.0.1/"}, 10003),
    ],
)
def test_w68_a_page_error_has_its_number_and_words(world: World, given: dict, number: int) -> None:
    page = shown_page(opened(world, url(world, **given)))
    assert str(number) in page and authorize_rules.PAGES[number] in page
    assert tapped(world, **given) == {"page": {"code": number, "text": authorize_rules.PAGES[number]}}


def test_w68_the_mini_programs_appid_is_no_official_account(world: World) -> None:
    assert tapped(world, appid=world.account["appid"])["page"]["code"] == 10016
    world.switch("wechat.oauth_other_appid", "10005")
    assert tapped(world, appid=world.account["appid"])["page"]["code"] == 10005


@pytest.mark.parametrize(
    ("outcome", "number"),
    [
        ("banned", 10004),
        ("scope_not_allowed", 10005),
        ("must_follow", 10006),
        ("too_frequent", 10009),
        ("not_authorised", 10015),
        ("open_platform_appid", 10016),
    ],
)
def test_w68_other_page_errors_are_asked_for(world: World, outcome: str, number: int) -> None:
    world.plan("wechat.oauth_authorize", outcome, person="P01")
    assert tapped(world, person="P02")["redirect"]
    page = shown_page(opened(world, url(world, scope=USERINFO)))
    assert str(number) in page and authorize_rules.PAGES[number] in page
    assert "允许" in shown_page(opened(world, url(world, scope=USERINFO)))


@pytest.mark.parametrize(
    ("domains", "target", "good"),
    [
        ("hospital.example", "https://hospital.example/cb", True),
        ("a.example, hospital.example", "http://HOSPITAL.example/cb", True),
        ("hospital.example", "https://hospital.example:8443/cb", False),
        ("hospital.example", "https://www.hospital.example/cb", False),
        ("hospital.example", "https://x@hospital.example/cb", False),
        ("hospital.example", BACK, False),
        ("hospital.example,loopback", BACK, True),
    ],
)
def test_w68_the_redirect_domain_is_configured(world: World, domains: str, target: str, good: bool) -> None:
    world.switch("wechat.oauth_redirect_domains", domains)
    answer = tapped(world, redirect_uri=target)
    assert ("redirect" in answer) is good
    assert good or answer["page"]["code"] == 10003


def test_a_loopback_redirect_is_a_named_relaxation(world: World) -> None:
    assert opened(world, url(world)).headers["X-Yibao-Relaxed"] == "wechat.oauth_redirect_domains"


@pytest.mark.parametrize(
    "query",
    [
        "redirect_uri={back}&appid={appid}&response_type=code&scope=snsapi_base&state=1",
        "appid={appid}&redirect_uri={back}&scope=snsapi_base&response_type=code&state=1",
        "appid={appid}&redirect_uri={back}&response_type=code&state=1&scope=snsapi_base",
        "appid={appid}&appid={appid}&redirect_uri={back}&response_type=code&scope=snsapi_base&state=1",
    ],
)
def test_parameters_out_of_order_do_not_open_the_page(world: World, query: str) -> None:
    address = f"{PAGE}?{query.format(appid=world.official_account['appid'], back=quote(BACK, safe=''))}"
    assert "无法访问" in shown_page(opened(world, address))
    world.switch("wechat.oauth_parameter_order", "any")
    assert "code" in back_with(opened(world, address))


def test_parameters_in_another_case_are_not_seen(world: World) -> None:
    address = url(world).replace("appid=", "appId=")
    assert "10012" in shown_page(opened(world, address))
    world.switch("wechat.oauth_parameter_order", "any")
    assert "code" in back_with(opened(world, address))


def test_other_parameters_are_tolerated(world: World) -> None:
    assert "code" in back_with(opened(world, url(world) + "&connect_redirect=1&uin=x"))


@pytest.mark.parametrize("given", [{"response_type": "token"}, {"response_type": None}])
def test_the_response_type_is_code(world: World, given: dict) -> None:
    assert "response_type" in shown_page(opened(world, url(world, **given)))


@pytest.mark.parametrize(
    ("state", "strict", "length"),
    [
        ("a" * 128, True, True),
        ("a" * 129, False, False),
        ("A9", True, True),
        ("a-b", False, True),
        ("状态", False, True),
        ("状" * 43, False, False),
    ],
)
def test_a_state_is_letters_and_digits_of_128_bytes(world: World, state: str, strict: bool, length: bool) -> None:
    assert ("redirect" in tapped(world, state=state)) is strict
    world.switch("wechat.oauth_state_form", "length")
    assert ("redirect" in tapped(world, state=state)) is length
    world.switch("wechat.oauth_state_form", "ignored")
    assert dict(parse_qsl(urlsplit(tapped(world, state=state)["redirect"]).query))["state"] == state


def test_a_state_may_be_left_out_when_told_so(world: World) -> None:
    world.switch("wechat.oauth_state", "optional")
    assert set(back_with(opened(world, url(world, state=None)))) == {"code"}
    assert tapped(world, state=None, scope=USERINFO, outcome="deny") == {"redirect": BACK}


def test_a_popup_is_forced_for_the_silent_scope_too(world: World) -> None:
    address = url(world) + "&forcePopup=true"
    assert "允许" in shown_page(opened(world, address))
    assert back_with(opened(world, address, person="P01", decision="deny")) == {"state": "abc1"}


def test_a_browser_says_once_who_holds_the_phone(world: World) -> None:
    page = shown_page(opened(world, url(world), headers=BROWSER))
    assert all(f"{person.id} {person.name}" in page for person in people.world().people.values())
    answer = world.client.post(url(world), data={"person": "P02"}, headers=BROWSER)
    assert answer.status_code == 303
    assert answer.headers["Location"] == "?" + url(world).partition("?")[2]
    back = back_with(world.client.get(url(world), headers=BROWSER))
    assert exchanged(world, back["code"])["openid"] == granted(world, person="P02")["openid"]
    assert world.client.post(url(world), data={"person": ""}, headers=BROWSER).status_code == 303
    assert "选择微信用户" in shown_page(world.client.get(url(world), headers=BROWSER))


def test_a_program_is_whom_the_switch_names(world: World) -> None:
    world.switch("wechat.phone_of", "P03")
    back = back_with(opened(world, url(world)))
    assert exchanged(world, back["code"])["openid"] == granted(world, person="P03")["openid"]


def test_what_is_shown_is_escaped(world: World) -> None:
    page = shown_page(opened(world, url(world, scope="<script>alert(1)</script>", state="<b>")))
    assert "<script>" not in page and "<b>" not in page


@pytest.mark.parametrize("url", ["https://open.weixin.qq.com/elsewhere", "http://[bad", "x"])
def test_the_phone_opens_only_pages_it_knows(world: World, url: str) -> None:
    assert world.phone("oauth", 400, person="P01", url=url)["code"] == "FIELD_INVALID"


# the code (§7.2)


def test_w69_a_code_becomes_five_members_and_no_envelope(world: World) -> None:
    query = keys(world, code=code(world))
    answer = world.client.get("/wechat/sns/oauth2/access_token", query_string=query)
    assert answer.headers["Content-Type"] == "text/plain"
    body = answer.get_json(force=True)
    assert set(body) == {"access_token", "expires_in", "refresh_token", "openid", "scope"}
    assert (body["expires_in"], body["scope"]) == (7200, "snsapi_base")
    assert re.fullmatch(r"o[0-9A-Za-z_-]{27}", body["openid"])
    assert body["access_token"] != body["refresh_token"]


def test_w69_a_code_works_once_and_five_minutes(world: World) -> None:
    used, late = code(world), code(world)
    assert "openid" in exchanged(world, used)
    again = exchanged(world, used)
    assert again["errcode"] == 40163 and re.fullmatch(f"code been used, rid: {RID}", again["errmsg"])
    world.advance(299)
    assert exchanged(world, used)["errcode"] == 40163
    world.advance(2)
    assert exchanged(world, used)["errcode"] == 40029
    assert exchanged(world, late)["errcode"] == 42003
    world.switch("wechat.oauth_code_expired", "40029")
    assert exchanged(world, late)["errcode"] == 40029


@pytest.mark.parametrize(
    ("given", "errcode", "said"),
    [
        ({"appid": ""}, 41002, "appid missing"),
        ({"appid": "wx00000000000000ff"}, 40013, "invalid appid"),
        ({"secret": ""}, 41004, "appsecret missing"),
        ({"secret": "x"}, 40125, "invalid appsecret, view more at http://t.cn/RAEkdVq"),
        ({"grant_type": "client_credential"}, 40002, "invalid grant_type"),
        ({"code": ""}, 41008, "missing code"),
        ({"code": "garbage"}, 40029, "invalid code"),
    ],
)
def test_w69_wrong_parameters_are_named(world: World, given: dict, errcode: int, said: str) -> None:
    answer = world.get("/sns/oauth2/access_token", **(keys(world, code=code(world)) | given))
    assert answer["errcode"] == errcode and re.fullmatch(f"{re.escape(said)}, rid: {RID}", answer["errmsg"])


def test_w69_codes_are_not_interchangeable(world: World) -> None:
    login = world.phone("login", person="P01", appid=world.official_account["appid"])["code"]
    assert exchanged(world, login)["errcode"] == 40029
    assert world.session(code(world))["errcode"] == 40029
    mini = world.app_keys(grant_type="authorization_code", code=code(world))
    assert world.get("/sns/oauth2/access_token", **mini)["errcode"] == 40029


def test_w69_the_quota_of_a_minute(world: World) -> None:
    world.switch("wechat.oauth_access_token_a_minute", "1")
    assert "openid" in granted(world)
    assert granted(world)["errcode"] == 45011
    world.advance(60)
    assert "openid" in granted(world)


@pytest.mark.parametrize(
    ("outcome", "errcode"), [("system_error", -1), ("rate_limited", 45011), ("ip_not_allowed", 40164)]
)
def test_w69_a_planned_trouble_leaves_the_code_good(world: World, outcome: str, errcode: int) -> None:
    world.plan("wechat.oauth_access_token", outcome, person="P01")
    given = code(world)
    assert exchanged(world, given)["errcode"] == errcode
    assert "openid" in exchanged(world, given)


@pytest.mark.parametrize(
    ("platform", "scope", "told"),
    [("bound", USERINFO, True), ("bound", "snsapi_base", False), ("unbound", USERINFO, False)],
)
def test_a_unionid_needs_userinfo_and_an_open_platform(world: World, platform: str, scope: str, told: bool) -> None:
    world.switch("wechat.open_platform", platform)
    answer = granted(world, scope=scope)
    assert ("unionid" in answer) is told
    if told:
        assert answer["unionid"] == world.log_in("P01")["unionid"] == who(world, answer)["unionid"]


def test_a_snapshot_user_is_virtual(world: World) -> None:
    world.switch("wechat.open_platform", "bound")
    real = granted(world, scope=USERINFO)
    virtual = granted(world, scope=USERINFO, outcome="snapshot")
    assert virtual["is_snapshotuser"] == 1 and "unionid" not in virtual
    assert virtual["openid"] != real["openid"] and "is_snapshotuser" not in real
    assert who(world, virtual)["errcode"] == 48001
    assert who(world, virtual, "auth")["errcode"] == 0
    world.switch("wechat.oauth_snapshot", "on")
    assert granted(world)["is_snapshotuser"] == 1


def test_a_snapshot_is_forced_by_the_address_or_planned(world: World) -> None:
    back = back_with(opened(world, url(world) + "&forceSnapShot=true"))
    assert exchanged(world, back["code"])["is_snapshotuser"] == 1
    world.plan("wechat.oauth_consent", "snapshot", person="P01")
    assert granted(world)["is_snapshotuser"] == 1
    world.plan("wechat.oauth_consent", "deny")
    assert tapped(world) == {"redirect": f"{BACK}?state=abc1"}


# refreshing (§7.3)


def test_w70_refreshing_prolongs_the_living_token(world: World) -> None:
    first = granted(world)
    world.advance(7000)
    again = refreshed(world, first["refresh_token"])
    assert again == {**first, "expires_in": 7200}
    world.advance(7000)
    assert who(world, first, "auth")["errcode"] == 0


def test_w70_refreshing_after_its_end_gives_another(world: World) -> None:
    first = granted(world)
    world.advance(7200)
    assert who(world, first, "auth")["errcode"] == 42001
    again = refreshed(world, first["refresh_token"])
    assert again["access_token"] != first["access_token"]
    assert set(again) == {"access_token", "expires_in", "refresh_token", "openid", "scope"}
    assert again["refresh_token"] == first["refresh_token"]
    assert who(world, again, "auth")["errcode"] == 0


def test_w70_a_refresh_token_lives_thirty_days_whatever_happens(world: World) -> None:
    first = granted(world)
    world.advance(20 * DAY)
    assert "errcode" not in refreshed(world, first["refresh_token"])
    world.advance(10 * DAY - 1)
    assert "errcode" not in refreshed(world, first["refresh_token"])
    world.advance(1)
    answer = refreshed(world, first["refresh_token"])
    assert answer["errcode"] == 42002 and answer["errmsg"].startswith("refresh_token expired, rid: ")


@pytest.mark.parametrize(
    ("given", "errcode", "said"),
    [
        ({"refresh_token": "garbage"}, 40030, "invalid refresh_token"),
        ({"refresh_token": ""}, 41003, "refresh_token missing"),
        ({"appid": ""}, 41002, "appid missing"),
        ({"appid": "wx00000000000000ff"}, 40013, "invalid appid"),
        ({"grant_type": "authorization_code"}, 40002, "invalid grant_type"),
    ],
)
def test_w70_wrong_parameters_are_named(world: World, given: dict, errcode: int, said: str) -> None:
    answer = refreshed(world, granted(world)["refresh_token"], **given)
    assert answer["errcode"] == errcode and answer["errmsg"].startswith(f"{said}, rid: ")


def test_w70_an_access_token_refreshes_nothing_nor_does_another_app(world: World) -> None:
    first = granted(world)
    assert refreshed(world, first["access_token"])["errcode"] == 40030
    assert refreshed(world, first["refresh_token"], appid=world.account["appid"])["errcode"] == 40030


def test_w70_a_changed_password_ends_it(world: World) -> None:
    first = granted(world)
    world.plan("wechat.oauth_refresh_token", "password_changed", person="P01")
    assert refreshed(world, first["refresh_token"])["errcode"] == 42007


# who it is (§7.4, §7.5)


def test_w71_userinfo_tells_who_agreed(world: World) -> None:
    first = granted(world, scope=USERINFO)
    query = {"access_token": first["access_token"], "openid": first["openid"], "lang": "zh_CN"}
    answer = world.client.get("/wechat/sns/userinfo", query_string=query)
    assert answer.headers["Content-Type"] == "text/plain"
    body = answer.get_json(force=True)
    names = {"openid", "nickname", "sex", "province", "city", "country", "headimgurl", "privilege"}
    assert set(body) == names and body["openid"] == first["openid"]
    assert (body["sex"], body["province"], body["privilege"]) == (0, "", [])
    assert "样例".encode() in answer.data


@pytest.mark.parametrize(
    ("lang", "province", "country"),
    [("zh_CN", "海南", "中国"), ("zh_TW", "海南", "中國"), ("en", "Hainan", "China"), ("xx", "海南", "中国")],
)
def test_w71_region_and_sex_as_they_once_were(world: World, lang: str, province: str, country: str) -> None:
    world.switch("wechat.userinfo_region", "filled")
    answer = who(world, granted(world, scope=USERINFO), lang=lang)
    assert (answer["province"], answer["country"], answer["sex"]) == (province, country, 1)


def test_w71_a_base_token_is_not_enough_and_a_foreign_openid_is_refused(world: World) -> None:
    base, full = granted(world), granted(world, scope=USERINFO, person="P02")
    answer = who(world, base)
    assert answer["errcode"] == 48001 and re.fullmatch(f"api unauthorized, rid: {RID}", answer["errmsg"])
    for openid in (base["openid"], "x", ""):
        assert who(world, full, openid=openid)["errcode"] == 40003


@pytest.mark.parametrize("path", ["userinfo", "auth"])
@pytest.mark.parametrize(("token", "errcode"), [("", 41001), ("a b", 40014), ("98_unknown", 40001)])
def test_w71_w72_tokens_that_are_none(world: World, path: str, token: str, errcode: int) -> None:
    assert who(world, granted(world, scope=USERINFO), path, access_token=token)["errcode"] == errcode


@pytest.mark.parametrize("path", ["userinfo", "auth"])
def test_w71_w72_a_token_expires(world: World, path: str) -> None:
    first = granted(world, scope=USERINFO)
    world.advance(7200)
    answer = who(world, first, path)
    assert answer["errcode"] == 42001 and answer["errmsg"].startswith("access_token expired")


def test_w72_auth_says_ok_or_invalid_openid(world: World) -> None:
    first = granted(world)
    assert who(world, first, "auth") == {"errcode": 0, "errmsg": "ok"}
    answer = who(world, first, "auth", openid="o" * 28)
    assert answer["errcode"] == 40003 and answer["errmsg"].startswith("invalid openid, rid: ")


def test_w72_users_tokens_and_the_apps_tokens_are_not_interchangeable(world: World) -> None:
    first = granted(world, scope=USERINFO)
    app_token = world.post("/cgi-bin/stable_token", keys(world, grant_type="client_credential"))["access_token"]
    assert who(world, first, access_token=app_token)["errcode"] == 40001
    phone = world.post("/wxa/business/getuserphonenumber", {"code": "x"}, access_token=first["access_token"])
    assert phone["errcode"] == 40001


@pytest.mark.parametrize(
    ("outcome", "errcode"),
    [("system_error", -1), ("unauthorized", 48001), ("token_superseded", 40001), ("token_expired", 42001)],
)
def test_a_planned_trouble_of_userinfo_happens_once(world: World, outcome: str, errcode: int) -> None:
    first = granted(world, scope=USERINFO)
    world.plan("wechat.userinfo", outcome)
    assert who(world, first)["errcode"] == errcode
    assert who(world, first)["openid"] == first["openid"]


def test_the_space_is_found_by_the_users_token(world: World) -> None:
    world.client.post("/_mock/spaces", json={"name": "oauth-space"})
    theirs = world.client.get("/s/oauth-space/_mock/credentials").json["wechat_official_account"]
    query = {"appid": theirs["appid"], "redirect_uri": BACK, "response_type": "code", "scope": USERINFO, "state": "1"}
    address = f"{PAGE}?{urlencode(query)}"
    answer = world.client.post("/s/oauth-space/_mock/phone/wechat/oauth", json={"person": "P01", "url": address})
    given = dict(parse_qsl(urlsplit(answer.json["redirect"]).query))["code"]
    query = {"appid": theirs["appid"], "secret": theirs["secret"], "grant_type": "authorization_code", "code": given}
    first = world.get("/sns/oauth2/access_token", **query)
    assert who(world, first)["openid"] == first["openid"]
    world.client.delete("/_mock/spaces/oauth-space")
