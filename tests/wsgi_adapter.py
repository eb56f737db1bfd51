"""Lets an SDK that uses `requests` reach a WSGI app without a socket: `session.mount(url, WsgiAdapter(app))`."""

from collections.abc import Callable
from io import BytesIO
from typing import Any

import requests
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict
from werkzeug.test import EnvironBuilder, TestResponse, run_wsgi_app


class WsgiAdapter(BaseAdapter):
    """Every request mounted here is answered by `app`; the Host is the URL's."""

    def __init__(self, app: Callable[..., Any]) -> None:
        super().__init__()
        self.app = app

    def send(self, request: requests.PreparedRequest, **_: Any) -> requests.Response:
        body = request.body or b""
        environ = EnvironBuilder(
            path=request.path_url,
            base_url=request.url.split(request.path_url, 1)[0] if request.path_url != "/" else request.url,
            method=request.method,
            headers=list(request.headers.items()),
            data=body.encode() if isinstance(body, str) else body,
        ).get_environ()
        environ["REQUEST_URI"] = environ["RAW_URI"] = request.path_url
        answer = TestResponse(*run_wsgi_app(self.app, environ, buffered=True), request=None)
        response = requests.Response()
        response.status_code = answer.status_code
        response.reason = answer.status.partition(" ")[2]
        response.headers = CaseInsensitiveDict(answer.headers.items())
        response.raw = BytesIO(answer.data)
        response.encoding = requests.utils.get_encoding_from_headers(response.headers)
        response.url = request.url
        response.request = request
        return response

    def close(self) -> None: ...
