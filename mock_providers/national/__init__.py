from flask import Blueprint

NAME = "national"
bp = Blueprint(NAME, __name__)


def space_of() -> str | None:
    return None


def settle_for_channel(**kwargs: object) -> dict:
    return {}

from mock_providers.national import notify as notify  # noqa
