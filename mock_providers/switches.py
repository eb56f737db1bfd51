"""Every relaxation and every choice public sources leave open: one name, one default, one source, one switch.

`GET /_mock/deviations` and docs/DEVIATIONS.md are this list.
"""

from collections.abc import Callable
from dataclasses import dataclass

from flask import current_app, g
from sqlalchemy import String, UniqueConstraint, bindparam, select
from sqlalchemy.orm import Mapped, mapped_column

from mock_providers.db import InSpace, Model, current_space, db
from mock_providers.errors import Problem


@dataclass(frozen=True)
class Switch:
    """`kind`: relaxation (we bend a vendor's rule), choice (public sources are silent or disagree).

    `choices` empty means free text (a number, a persona id); `check` says what is wrong with one, or nothing.
    """

    name: str
    default: str
    choices: tuple[str, ...]
    kind: str
    source: str
    why: str
    check: Callable[[str], str] | None = None


ALL: dict[str, Switch] = {}


class SwitchSet(InSpace, Model):
    """A switch somebody moved, in one space."""

    __tablename__ = "switch_set"
    __table_args__ = (UniqueConstraint("space", "name"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(60))
    value: Mapped[str] = mapped_column(String(120))


_TABLE = SwitchSet.__table__.c
_MOVED = select(_TABLE.name, _TABLE.value).where(_TABLE.space == bindparam("here"))


def declare(
    name: str,
    default: str,
    choices: tuple[str, ...],
    *,
    kind: str,
    source: str,
    why: str,
    check: Callable[[str], str] | None = None,
) -> None:
    """Add a switch to the list; each vendor declares its own at import."""
    ALL[name] = Switch(name, default, choices, kind, source, why, check)


def value(name: str) -> str:
    """How a switch stands in the current space: set there, else at start, else its default."""
    if "switches" not in g:
        moved = db.session.execute(_MOVED, {"here": current_space()})
        g.switches = {row.name: row.value for row in moved}
    return g.switches.get(name) or current_app.config["SETTINGS"].switches.get(name) or ALL[name].default


def value_in(space: str, name: str) -> str:
    """How a switch stands in a space, for work that is in none."""
    wanted = select(_TABLE.value).where(_TABLE.space == space, _TABLE.name == name)
    moved = db.session.scalar(wanted)
    return moved or current_app.config["SETTINGS"].switches.get(name) or ALL[name].default


def on(name: str) -> bool:
    """A switch whose choices are off and on."""
    return value(name) == "on"


def put(name: str, wanted: str) -> None:
    """Move a switch in the current space (same transaction). Raises Problem FIELD_INVALID."""
    switch = ALL.get(name)
    if switch is None:
        raise Problem("FIELD_INVALID", f"there is no switch {name[:60]!r}", {name: ["unknown switch"]})
    if switch.choices and wanted not in switch.choices:
        raise Problem("FIELD_INVALID", f"{name} is one of {', '.join(switch.choices)}", {name: ["not a choice"]})
    if not switch.choices and switch.default.isdecimal() and not (wanted.isdecimal() and len(wanted) < 10):
        raise Problem("FIELD_INVALID", f"{name} is a whole number", {name: ["not a whole number"]})
    if switch.check and (wrong := switch.check(wanted)):
        raise Problem("FIELD_INVALID", f"{name}: {wrong}", {name: [wrong]})
    row = db.session.scalar(select(SwitchSet).where(SwitchSet.name == name))
    if row is None:
        db.session.add(SwitchSet(name=name, value=wanted))
    else:
        row.value = wanted
    g.pop("switches", None)


def as_markdown() -> str:
    """The table of docs/DEVIATIONS.md: one row a switch, sorted by name."""
    rows = ["| switch | default | other values | kind | fact sheet | why |", "|---|---|---|---|---|---|"]
    for switch in sorted(ALL.values(), key=lambda one: one.name):
        others = ", ".join(f"`{choice}`" for choice in switch.choices if choice != switch.default) or "any text"
        cells = (f"`{switch.name}`", f"`{switch.default}`" if switch.default else "(empty)", others, switch.kind)
        rows.append(
            "| " + " | ".join(cell.replace("|", "\\|") for cell in (*cells, switch.source, switch.why)) + " |"
        )
    return "\n".join(rows)
