from flask import Blueprint

NAME = "wechatpay"
bp = Blueprint(NAME, __name__)


def space_of() -> str | None:
    return None

from mock_providers.wechatpay import notify as notify  # noqa
