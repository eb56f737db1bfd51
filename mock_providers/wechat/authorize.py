"""open.weixin.qq.com/connect/oauth2/authorize: the page an official account sends its visitors to."""

from urllib.parse import urlencode

from flask import Response, g, request

from mock_providers import accounts, outcomes, switches
from mock_providers.db import db, writes
from mock_providers.journal import explain
from mock_providers.people import Person
from mock_providers.wechat import authorize_rules, oauth, pages
from mock_providers.wechat.authorize_rules import Asked
from mock_providers.wechat.door import OFFICIAL_ACCOUNT, bp
from mock_providers.wechat.pages import Wrong

PATH = "/connect/oauth2/authorize"
DOMAINS = "wechat.oauth_redirect_domains"
WISHES = ["获取你的昵称、头像、地区及性别"]
TROUBLE = {
    "banned": 10004,
    "scope_not_allowed": 10005,
    "must_follow": 10006,
    "too_frequent": 10009,
    "not_authorised": 10015,
    "open_platform_appid": 10016,
}

outcomes.declare("wechat.oauth_authorize", *TROUBLE)
outcomes.declare("wechat.oauth_consent", "deny", "snapshot")
switches.declare(
    DOMAINS,
    "loopback",
    (),
    kind="relaxation",
    source="wechat.md §7.1",
    why="the account's redirect domains, divided by commas, without a port; `loopback` admits this machine, any port",
)
switches.declare(
    "wechat.oauth_parameter_order",
    "strict",
    ("strict", "any"),
    kind="choice",
    source="wechat.md §7.1",
    why="the real page matches order and case of the parameters; what it shows otherwise has no number",
)
switches.declare(
    "wechat.oauth_state",
    "required",
    ("required", "optional"),
    kind="choice",
    source="wechat.md §7.1",
    why="the parameter table calls state optional, the list of page errors has 10013 state empty",
)
switches.declare(
    "wechat.oauth_state_form",
    "strict",
    ("strict", "length", "ignored"),
    kind="choice",
    source="wechat.md §7.1",
    why="letters and digits, at most 128 bytes, by the documentation; what other characters meet is not published",
)
switches.declare(
    "wechat.oauth_other_appid",
    "10016",
    ("10016", "10012", "10005"),
    kind="choice",
    source="wechat.md §7.1",
    why="which page an appid gets that is no official account (unknown, or the mini program's) is not published",
)
switches.declare(
    "wechat.oauth_snapshot",
    "off",
    ("off", "on"),
    kind="choice",
    source="wechat.md §7.1, §7.2",
    why="when the snapshot page (a virtual user) is shown is WeChat's own decision; forceSnapShot always does",
)


@bp.route(PATH, methods=["GET", "POST"], endpoint="oauth_authorize")
@writes
def page() -> Response:
    """Choose the phone's owner, ask for consent where the scope needs it, and go back to the app."""
    try:
        asked = read(request.query_string.decode("latin-1"))
        if answer := pages.remembered():
            return answer
        person = pages.holder()
        if person is None:
            return pages.choose()
        if not pages.decision():
            check_trouble(person)
        if _needs_consent(asked) and not pages.decision():
            db.session.commit()
            return pages.consent(person, "申请获取以下权限", "网页由该公众号提供,登录后将获得以下权限:", WISHES)
        answer = pages.sent_to(decided(asked, person, pages.decision() or "allow"))
    except Wrong as wrong:
        explain(page=wrong.said, code=wrong.code)
        answer = pages.error(wrong)
    if relaxed := g.get("why", {}).get("relaxed"):
        answer.headers["X-Yibao-Relaxed"] = relaxed
    db.session.commit()
    return answer


def read(query: str) -> Asked:
    """A wish this space's official account may have. Raises Wrong."""
    asked = authorize_rules.read(
        query,
        strict_order=switches.value("wechat.oauth_parameter_order") == "strict",
        state_required=switches.value("wechat.oauth_state") == "required",
        state_form=switches.value("wechat.oauth_state_form"),
    )
    if asked.appid != accounts.account(OFFICIAL_ACCOUNT)["appid"]:
        raise authorize_rules.page(int(switches.value("wechat.oauth_other_appid")))
    if asked.scope not in oauth.SCOPES:
        raise authorize_rules.page(10005)
    verdict = authorize_rules.domain_verdict(asked.redirect_uri, switches.value(DOMAINS))
    if verdict == "foreign":
        explain(redirect_uri=asked.redirect_uri[:200], domains=switches.value(DOMAINS))
        raise authorize_rules.page(10003)
    if verdict == "loopback":
        explain(relaxed=DOMAINS)
    return asked


def check_trouble(person: Person) -> None:
    """The page somebody asked for instead, if anything. Raises Wrong."""
    if planned := outcomes.take("wechat.oauth_authorize", person.id):
        raise authorize_rules.page(TROUBLE[planned])


def _needs_consent(asked: Asked) -> bool:
    return asked.scope == oauth.USERINFO or asked.popup


def decided(asked: Asked, person: Person, decision: str) -> str:
    """Where the browser goes on to: with a code, or with the state alone. `decision`: allow, deny, snapshot."""
    planned = outcomes.take("wechat.oauth_consent", person.id)
    decision = planned or decision
    state = {"state": asked.state} if asked.state else {}
    if decision == "deny" and (planned or _needs_consent(asked)):
        return pages.with_query(asked.redirect_uri, urlencode(state))
    snapshot = asked.snapshot or decision == "snapshot" or switches.on("wechat.oauth_snapshot")
    code = oauth.grant(asked.appid, person.id, asked.scope, snapshot)
    return pages.with_query(asked.redirect_uri, urlencode({"code": code, **state}))
