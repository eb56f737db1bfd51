"""The subscribe-message templates a space's mini program has, read from templates.toml."""

import tomllib
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

from mock_providers import serials
from mock_providers.wechat import template_values

ONCE, LONG_TERM = 2, 3
BACK_END_USES = ("binding_done", "invitation", "settlement", "refund")


class BadTemplate(ValueError):
    """templates.toml says something it must not; the message names the key."""


@dataclass(frozen=True)
class Line:
    label: str
    keyword: str
    sample: str

    @property
    def kind(self) -> str:
        return self.keyword.rstrip("0123456789")


@dataclass(frozen=True)
class Template:
    """`name` is ours; WeChat knows it by the id this space gives it."""

    name: str
    title: str
    type: int
    lines: tuple[Line, ...]
    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def fault(self, data: Mapping[str, Any], amount: str = "amount") -> tuple[str, str] | None:
        """The first keyword whose value is missing (`is empty`) or does not fit (`invalid`).

        `amount` is the kind an amount is held against: `signed_amount` demands the currency sign.
        """
        for line in self.lines:
            given = data.get(line.keyword)
            value = given.get("value") if isinstance(given, dict) else None
            if value is None or value == "":
                return line.keyword, "is empty"
            if not isinstance(value, str):
                value = str(value) if isinstance(value, int | float) and not isinstance(value, bool) else "\0"
            kind = amount if line.kind == "amount" else line.kind
            if not template_values.fits(kind, value, self.values.get(line.keyword, ())):
                return line.keyword, "invalid"
        return None

    def rendered(self, data: Mapping[str, Any]) -> list[dict[str, str]]:
        """The lines as the phone shows them."""
        return [{"label": one.label, "value": str(data[one.keyword]["value"])} for one in self.lines]

    def entry(self) -> dict[str, Any]:
        """As `gettemplate` lists it."""
        return {
            "priTmplId": id_of(self.name),
            "title": self.title,
            "content": "".join(f"{one.label}:{{{{{one.keyword}.DATA}}}}\n" for one in self.lines),
            "example": "".join(f"{one.label}:{one.sample}\n" for one in self.lines),
            "type": self.type,
            "keywordEnumValueList": [
                {"keywordCode": f"{keyword}.DATA", "enumValueList": list(values)}
                for keyword, values in self.values.items()
            ],
        }


@cache
def load() -> Mapping[str, Template]:
    """Every template by our name. Raises BadTemplate."""
    given = tomllib.loads((files(__package__) / "templates.toml").read_text("utf-8"))
    return {name: _template(name, one) for name, one in given.items()}


def _template(name: str, given: dict[str, Any]) -> Template:
    values = {key: tuple(listed) for key, listed in given.get("values", {}).items()}
    lines = tuple(Line(*line) for line in given["lines"])
    made = Template(name, given["title"], given["type"], lines, values)
    if made.type not in (ONCE, LONG_TERM) or "样例" not in made.title:
        raise BadTemplate(f"templates.toml: {name}: type is {ONCE} or {LONG_TERM}, the title says 样例")
    for line in lines:
        if line.kind not in template_values.KINDS:
            raise BadTemplate(f"templates.toml: {name}: {line.keyword} is of no known kind")
    if fault := made.fault({line.keyword: {"value": line.sample} for line in lines}):
        raise BadTemplate(f"templates.toml: {name}: the sample of {fault[0]}: {fault[1]}")
    return made


def id_of(name: str) -> str:
    """The id of one of our templates in this space: 43 letters, digits, - and _."""
    return urlsafe_b64encode(serials.derive("wechat.template", name, size=32)).decode().rstrip("=")


def by_id(template_id: str) -> Template | None:
    """The template of this space's mini program with that id."""
    return next((one for one in load().values() if id_of(one.name) == template_id), None)


def of_back_end() -> dict[str, str]:
    """What the mini program's own back end has to know: purpose → template id."""
    return {name: id_of(name) for name in BACK_END_USES}
