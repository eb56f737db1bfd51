from typing import Any

from flask import Flask

from mock_providers.webhooks import models as models


class _Sender:
    def start(self) -> None: ...

    def wake(self) -> None: ...


def init(app: Flask, vendors: dict[str, Any]) -> None:
    app.extensions["sender"] = _Sender()
