"""A simulated handset with the national app on it: its log-in, its face page, its consent page, its cashier.

What the back end offers is the same as in WeChat (handset.py); only the doors of the vendor differ. Every page is
opened where the back end says, and what comes back is taken from the address the browser is sent to.
"""

from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from mock_providers.phone.handset import Handset, Json, Refusal

LOGIN = "/api/v1/login/national"


@dataclass
class NationalHandset(Handset):
    """One phone in somebody's hand, and the national app open on it."""

    def log_in(self, person: str, outcome: str = "allow") -> Json:
        """Go to the log-in page, agree there, come back: our back end's tokens. Raises Refusal."""
        tokens = self._read("GET", LOGIN, self.open(self.sent_back(person, self.log_in_page(), outcome)))
        self.person, self.token, self.refresh_token = person, tokens["access_token"], tokens["refresh_token"]
        return tokens

    def log_in_page(self) -> str:
        """Where the back end sends the browser to log in. Raises Refusal."""
        answer = self.call("GET", LOGIN, allow_redirects=False)
        if answer.status_code != 302:
            raise Refusal("GET", LOGIN, answer)
        return str(answer.headers["Location"])

    def sent_back(self, person: str, page: str, outcome: str = "allow", for_person: str | None = None) -> str:
        """What the person does on a page of the platform; the address their browser is sent to."""
        more = {"for_person": for_person} if for_person and for_person != person else {}
        return str(self.phone("national/authorise", person=person, url=page, outcome=outcome, **more)["redirect"])

    def open(self, url: str) -> Any:
        """The browser goes there, and no further."""
        return self.session.get(url, allow_redirects=False, timeout=30)

    def bind_real_name(self) -> Json:
        """Nothing to type: the log-in brought the person along."""
        return self.api("GET", "/me")

    def pass_face(self, ticket: Json, outcome: str | int | None = None) -> Json:
        """The face page and the way back from it, then tell the back end that the user is done."""
        more = {} if outcome is None else {"outcome": outcome}
        back = self.phone("national/face", faceToken=ticket["verify_id"], **more)["redirect"]
        self.deliver()  # what the platform tells the back end comes before the user does
        self.open(back)
        return self.api("POST", f"/face/tickets/{ticket['id']}/result", {})

    def consent_page(self, quote: Json) -> str:
        """The address of 移动医保支付授权 for a quote."""
        issuer = self.control("GET", "credentials")["national"]["oauth"]["issuer"]
        asked = {"orgCodg": quote["institution"]["code"], "bizType": "04107", "redirectUrl": f"{self.base}/app"}
        return f"{issuer}/oauth/code?{urlencode(asked)}"

    def authorise(self, quote: Json, for_person: str | None = None) -> str:
        """The user agrees on the consent page; its code comes back on the redirect."""
        back = self.sent_back(self.person, self.consent_page(quote), "allow", for_person)
        return dict(parse_qsl(urlsplit(back).query)).get("authCode", "")

    def pay(self, confirmed: Json, outcome: str | None = None) -> Json:
        """The user confirms in the national app's cashier."""
        said = {"outcome": outcome} if outcome else {}
        return self.phone("national/pay", payOrdId=confirmed["pay"]["payOrdId"], **said)
