"""What is bent at the moment: a line for every plan or fault in force and every endpoint that is off.

Shown wherever somebody looks: on the start page, in `GET /_mock/deliveries`, under `yibao delivery list`, and as a
header of every answer of /_mock.
"""

from collections.abc import Callable

from flask import Flask, Response, g, request

from mock_providers.db import db
from mock_providers.webhooks import endpoints, fault_book, plan_book

HEADER = "X-Yibao-Banner"
SOURCES: list[Callable[[], list[str]]] = [plan_book.banner, fault_book.banner, endpoints.banner]


def lines() -> list[str]:
    """Everything in force in the current space."""
    return [line for source in SOURCES for line in source()]


def init(app: Flask) -> None:
    """Put the header on the control API's answers; one that failed says nothing of it."""

    @app.after_request
    def show(response: Response) -> Response:
        if request.path.startswith("/_mock/") and response.status_code < 500 and "space" in g:
            g.write_mode = False
            db.session.rollback()
            if said := lines():
                response.headers[HEADER] = " | ".join(said)[:1000].encode("ascii", "backslashreplace").decode()
            db.session.rollback()
        return response
