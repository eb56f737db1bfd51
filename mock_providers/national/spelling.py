"""Two spellings of one set of names: camelCase at the centres, snake_case at the institutions' gateway. Pure."""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any


def snake(value: Any) -> Any:
    """camelCase keys as the snake_case ones of the institutions' gateway, at every depth."""
    if isinstance(value, Mapping):
        return {re.sub(r"(?<!^)([A-Z])", r"_\1", k).lower(): snake(v) for k, v in value.items()}
    return [snake(v) for v in value] if isinstance(value, list) else value


def camel(value: Any) -> Any:
    """The way back: `hi_rxno` is hiRxno again."""
    if isinstance(value, Mapping):
        return {camel_name(k): camel(v) for k, v in value.items()}
    return [camel(v) for v in value] if isinstance(value, list) else value


def camel_name(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part.title() for part in rest)


def plain(value: Any) -> Any:
    """For a JSON column: numbers as the text they came in."""
    if isinstance(value, Mapping):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, list):
        return [plain(v) for v in value]
    return str(value) if isinstance(value, Decimal) else value
