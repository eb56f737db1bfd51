from flask import Blueprint

NAME = "wechat"
bp = Blueprint(NAME, __name__)


def space_of() -> str | None:
    return None
