from flask import Flask


def init(app: Flask) -> None:
    pass
