"""The insurance fund's pages and user query: card.wecity.qq.com (consent as a web page), mip-receiver.tengmed.com.

Who authorised a payment with the insurance account. The bureau's side answers; here is only the way there.
"""

import re
from urllib.parse import parse_qsl, urlencode, urlsplit

from flask import Response, current_app, request
from sqlalchemy import select

from mock_providers import people, switches
from mock_providers.accounts import Account
from mock_providers.db import db
from mock_providers.journal import explain
from mock_providers.wechat import pages, wire
from mock_providers.wechat.door import METHODS, bare, bp
from mock_providers.wechat.pages import Wrong

PATH = "/oauth/code"
APP = "wxe183cd55df4b4369"
TITLE = "医保移动支付授权"
WISHES = ["使用你的医保电子凭证办理本次结算", "获取你的姓名、证件号码与参保地"]
FIXED = {"authType": "2", "isDepart": "2", "bizType": "04107"}
FORMS = {
    "cityCode": re.compile(r"\d{6}"),
    "channel": re.compile(r"\S{1,64}"),
    "orgChnlCrtfCodg": re.compile(r"\S{1,128}"),
    "orgCodg": re.compile(r"[HP]\d{11}"),
    "orgAppId": re.compile(r"\S{1,64}"),
}

switches.declare(
    "wechat.user_query_refused_status",
    "200",
    ("200", "400", "401"),
    kind="choice",
    source="wechat.md §6.4",
    why="the HTTP status of a refused user query is not published; its code is never 0",
)
switches.declare(
    "wechat.insurance_page",
    "all_parameters",
    ("all_parameters", "redirect_only"),
    kind="choice",
    source="wechat.md §6.4",
    why="which parameters the H5 page insists on, and what it says, stands behind a partner portal",
)


@bp.route("/api/mipuserquery/userQuery/<partner_id>", methods=METHODS, provide_automatic_options=False)
@bp.route("/testapi/mipuserquery/userQuery/<partner_id>", methods=METHODS, provide_automatic_options=False)
def user_query(partner_id: str) -> Response:
    """Hand the call on as it came: partner, headers, raw body."""
    if request.method != "POST":
        answer = bare(405)
        answer.headers["Allow"] = "POST"
        return answer
    said = current_app.extensions["user_query"](partner_id, request.headers, request.get_data())
    db.session.commit()
    status = 200 if said["code"] == 0 else int(switches.value("wechat.user_query_refused_status"))
    return Response(wire.dumps(said), status, content_type="application/json")


@bp.route(PATH, methods=["GET", "POST"], endpoint="insurance_page")
def page() -> Response:
    """The consent page of the H5 form: the authCode comes back on the redirect; without consent none does."""
    try:
        given = read(request.query_string.decode("latin-1"))
        if answer := pages.remembered():
            return answer
        person = pages.holder()
        if person is None:
            return pages.choose()
        if not pages.decision():
            return pages.consent(person, TITLE, f"机构 {given.get('orgCodg', '')} 申请:", WISHES, "同意授权")
        answer = pages.sent_to(decided(given, person.id, pages.decision()))
    except Wrong as wrong:
        explain(page=wrong.said)
        answer = pages.error(wrong, TITLE)
    db.session.commit()
    return answer


def read(query: str) -> dict[str, str]:
    """The parameters of the page. Raises Wrong naming the first that does not fit."""
    given = dict(reversed(parse_qsl(query, keep_blank_values=True)))
    target = given.get("redirectUrl", "")
    try:
        parts = urlsplit(target)
        fits = parts.scheme in ("http", "https") and bool(parts.hostname) and not re.search(r"[\s\\]", target)
    except ValueError:
        fits = False
    if not fits:
        raise Wrong("参数错误:redirectUrl 须为完整的网页地址")
    if switches.value("wechat.insurance_page") == "redirect_only":
        return given
    for name, value in FIXED.items():
        if given.get(name) != value:
            raise Wrong(f"参数错误:{name} 须为 {value}")
    for name, form in FORMS.items():
        if not form.fullmatch(given.get(name, "")):
            raise Wrong(f"参数错误:{name} {'格式不正确' if given.get(name) else '不能为空'}")
    return given


def decided(given: dict[str, str], person: str, decision: str) -> str:
    """Where the browser goes on to; with an authCode only if the user agreed."""
    if decision != "allow":
        return given["redirectUrl"]
    code = current_app.extensions["authorise"](person=person, for_person=relative(given), params=given)
    return pages.with_query(given["redirectUrl"], urlencode({"authCode": code}))


def relative(given: dict[str, str]) -> str | None:
    """The sample person that `familyId` names, to pay for. Raises Wrong."""
    named = given.get("familyId")
    if named and named not in people.world().people:
        raise Wrong("参数错误:familyId 不是本人的亲属")
    return named or None


def space_of_partner(partner_id: str) -> str | None:
    """The space a partner number was given to."""
    row = Account.__table__.c
    wanted = row.vendor == "national", row.secret["mip"]["partner_id"].as_string() == partner_id
    return db.session.scalar(select(row.space).where(*wanted))
