"""Pages of WeChat's that a browser is sent to: who holds the phone, may the app know, and what went wrong.

The person is chosen once and kept in a cookie. A program, which asks for no HTML, is whom the switch names.
"""

from urllib.parse import urlsplit

from flask import Response, render_template, request
from werkzeug.urls import iri_to_uri

from mock_providers import people, switches

COOKIE = "wechat_phone_of"
PAGE = "wechat_page.html"

switches.declare(
    "wechat.phone_of",
    "",
    (),
    kind="relaxation",
    source="wechat.md §7.1",
    why="whose WeChat answers a client that asks for no text/html (no browser); empty is the first sample person",
)


class Wrong(Exception):
    """A page that cannot be shown. `code` is the number on it, if it has one."""

    def __init__(self, said: str, code: int = 0) -> None:
        super().__init__(said)
        self.said, self.code = said, code


def holder() -> people.Person | None:
    """Whose phone this is; None if a browser has not said so yet."""
    everyone = people.world().people
    if request.method == "POST" and "decision" in request.form:
        return everyone.get(request.form.get("person", ""))
    if known := everyone.get(request.cookies.get(COOKIE, "")):
        return known
    if "text/html" in request.headers.get("Accept", ""):
        return None
    return everyone.get(switches.value("wechat.phone_of")) or next(iter(everyone.values()))


def remembered() -> Response | None:
    """The answer to somebody who said whose phone it is: the same page again."""
    if request.method != "POST" or "decision" in request.form:
        return None
    answer = Response(status=303, headers={"Location": f"?{request.query_string.decode('latin-1')}"})
    person = people.world().people.get(request.form.get("person", ""))
    if person:
        answer.set_cookie(COOKIE, person.id, httponly=True, samesite="Lax")
    else:
        answer.delete_cookie(COOKIE)
    return answer


def decision() -> str:
    """What was tapped: allow, deny, or nothing yet."""
    return request.form.get("decision", "") if request.method == "POST" else ""


def choose() -> Response:
    """The list of everybody who may hold the phone."""
    return _html(title="选择微信用户", choices=list(people.world().people.values()))


def consent(person: people.Person, title: str, asks: str, wishes: list[str], yes: str = "允许") -> Response:
    """The page with a button for yes and one for no."""
    return _html(title=title, asks=asks, wishes=wishes, yes=yes, person=person)


def error(wrong: Wrong, title: str = "提示") -> Response:
    """What is wrong, as a page; WeChat answers 200 with it."""
    return _html(title=title, error=wrong.said, code=wrong.code)


def sent_to(target: str) -> Response:
    """On to the app's own page."""
    return Response(status=302, headers={"Location": iri_to_uri(target)})


def _html(**about: object) -> Response:
    answer = Response(render_template(PAGE, **about), content_type="text/html; charset=utf-8")
    answer.headers["Cache-Control"] = "no-store"
    return answer


def with_query(target: str, query: str) -> str:
    """An address with more in its query, before the fragment."""
    parts = urlsplit(target)
    return parts._replace(query="&".join(filter(None, (parts.query, query)))).geturl()


def query_of(text: str) -> dict[str, str]:
    """The query an app is launched with. WeChat takes it apart and leaves every value encoded as it is."""
    pairs = (pair.partition("=") for pair in text.split("&") if pair)
    return {name: value for name, _, value in pairs}
