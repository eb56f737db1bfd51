"""Log in with the national platform: begun here, agreed to on its page, finished here, once, within ten minutes."""

import hmac
from collections.abc import Mapping
from urllib.parse import urlencode, urlsplit

from yibao import audit, clock, identity, ids, origins
from yibao.db import db
from yibao.errors import Refused
from yibao.providers.http import Unreachable, Untrusted, VendorRefused
from yibao.providers.national import login
from yibao.steps.login import models, rules
from yibao.steps.login.models import NationalLogin, Session
from yibao.steps.login.schemas import ADULT_DOCUMENTS

COOKIE = "yibao_login"


def begin(return_to: str, is_asked: bool) -> tuple[str, str]:
    """(the address of the platform's page, the state of this attempt). Raises Refused FIELD_INVALID, VENDOR_ERROR.

    Who does not ask but only looks (HEAD) gets a state that nobody keeps.
    """
    if return_to and not _is_ours(return_to):
        raise Refused("FIELD_INVALID", fields={"return_to": ["not a page that may be sent tokens"]})
    state, nonce, verifier = (ids.nonce(64) for _ in range(3))
    try:
        url = login.page_url(state, nonce, verifier)
    except (Unreachable, Untrusted) as error:
        raise Refused("VENDOR_ERROR", f"the national log-in cannot be used: {error}") from error
    if is_asked:
        models.begin_national(state, nonce, verifier, return_to)
        db.session.commit()
    return url, state


def _is_ours(return_to: str) -> bool:
    """A page of an origin that may read our answers anyway; nothing a browser could read otherwise than we do."""
    parts = urlsplit(return_to)
    return origins.allowed(f"{parts.scheme}://{parts.netloc}") and not parts.fragment


def finish(said: Mapping[str, str], cookie: str) -> tuple[Session, str]:
    """The session, and where the browser goes on to. Raises Refused LOGIN_STATE_INVALID, LOGIN_DENIED, …"""
    state = said.get("state", "")
    attempt = models.national_attempt(state)
    if attempt.return_to and not hmac.compare_digest(cookie.encode(), state.encode()):
        raise Refused("LOGIN_STATE_INVALID", "another browser began this log-in")
    models.use_up(attempt)
    db.session.commit()
    if not login.is_issuer(said.get("iss", "")) and "iss" in said:
        raise _distrusted("the answer is of another issuer")
    if said.get("error") or not said.get("code"):
        denied = said.get("error") == "access_denied"
        raise Refused("LOGIN_DENIED" if denied else "VENDOR_ERROR", said.get("error_description", "")[:200])
    who = _identity(said["code"], attempt)
    person = models.registered(who.name, who.id_type, _number(who))
    user = models.national_user(who.sub, person, who.phone)
    session = models.open_session(user, rules.NATIONAL)
    db.session.commit()
    return session, attempt.return_to


def _identity(code: str, attempt: NationalLogin) -> login.Identity:
    try:
        return login.identity(code, attempt.verifier, attempt.nonce)
    except VendorRefused as refused:
        raise rules.refusal(rules.NATIONAL_REFUSALS, refused) from refused
    except Untrusted as error:
        raise _distrusted(str(error)) from error
    except Unreachable as error:
        raise Refused("VENDOR_ERROR", "the national log-in did not answer") from error


def _number(who: login.Identity) -> str:
    """The document's number as it is kept. Raises Refused LOGIN_DENIED for papers nobody logs in with."""
    if who.id_type not in ADULT_DOCUMENTS:
        raise Refused("LOGIN_DENIED", "nobody logs in with this kind of document")
    return identity.checked(who.id_type, who.id_number, clock.now().date())


def _distrusted(why: str) -> Refused:
    """Somebody forged an answer, or the platform is broken: it is looked into, the user may try again."""
    audit.alarm("national_login", "", "LOGIN_FORGED", why=why[:200])
    db.session.commit()
    return Refused("VENDOR_ERROR", "the national log-in's answer is not to be trusted")


def with_tokens(return_to: str, tokens: Mapping[str, object]) -> str:
    """The front end's page with the tokens in the fragment, which no server on the way sees."""
    return f"{return_to}#{urlencode({name: str(value) for name, value in tokens.items()})}"
