"""Who may call which vendor: each space's own app, merchant and institution credentials, made on first use."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from flask import current_app, g
from sqlalchemy import JSON, String, UniqueConstraint, bindparam, select
from sqlalchemy.orm import Mapped, mapped_column

from mock_providers import keys
from mock_providers.db import InSpace, Model, current_space, db

Maker = Callable[[], dict[str, Any]]
MAKERS: dict[str, Maker] = {}
RSA_KEYS: dict[str, int] = {}
LATER: dict[str, tuple[str, Maker]] = {}


class Account(InSpace, Model):
    """One vendor's credentials in one space. `public_id` is what a caller shows (appid, mchid, paasid)."""

    __tablename__ = "account"
    __table_args__ = (UniqueConstraint("space", "vendor"), UniqueConstraint("vendor", "public_id"))
    id: Mapped[int] = mapped_column(primary_key=True)
    vendor: Mapped[str] = mapped_column(String(24))
    public_id: Mapped[str] = mapped_column(String(64))
    secret: Mapped[dict[str, Any]] = mapped_column(JSON)


_TABLE = Account.__table__.c
_SECRET = select(_TABLE.secret).where(_TABLE.space == bindparam("here"), _TABLE.vendor == bindparam("vendor"))
_SPACE = select(_TABLE.space).where(_TABLE.vendor == bindparam("vendor"), _TABLE.public_id == bindparam("public_id"))


def maker(vendor: str, rsa_keys: int = 0) -> Callable[[Maker], Maker]:
    """Register how a vendor's credentials are made, with how many RSA keys. The answer's `public_id` is the key
    callers show.
    """

    def register(make: Maker) -> Maker:
        MAKERS[vendor] = make
        RSA_KEYS[vendor] = rsa_keys
        return make

    return register


def later(vendor: str, key: str) -> Callable[[Maker], Maker]:
    """Register how to find a member that accounts made by an earlier version of the program do not have."""

    def register(find: Maker) -> Maker:
        LATER[vendor] = key, find
        return find

    return register


def account(vendor: str) -> dict[str, Any]:
    """This space's credentials at a vendor. Made and kept the first time; then read once per request."""
    held: dict[str, dict[str, Any]] = g.setdefault("accounts", {})
    if vendor not in held:
        secret = db.session.execute(_SECRET, {"here": current_space(), "vendor": vendor}).scalar()
        held[vendor] = _readdressed(_completed(vendor, _make(vendor).secret if secret is None else secret))
    return held[vendor]


def _completed(vendor: str, secret: dict[str, Any]) -> dict[str, Any]:
    key, find = LATER.get(vendor, ("", dict))
    return secret if not key or key in secret else {**secret, key: find()}


def _readdressed(secret: dict[str, Any]) -> dict[str, Any]:
    """The credentials with our addresses as they are today: a kept data directory may be served on another port."""
    made_for, today = secret["made_for"], current_app.config["SETTINGS"].public_url

    def today_of(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: today_of(inner) for key, inner in value.items()}
        return value.replace(made_for, today, 1) if isinstance(value, str) and value.startswith(made_for) else value

    return secret if made_for == today else {**today_of(secret), "made_for": today}


def _make(vendor: str) -> Account:
    """A caller that only reads makes them in a transaction of its own, and what takes long before it."""
    if g.get("write_mode", True):
        return _add(vendor)
    db.session.rollback()
    keys.make_ahead(RSA_KEYS[vendor])
    g.write_mode = True
    try:
        row = db.session.scalar(select(Account).where(Account.vendor == vendor)) or _add(vendor)
        db.session.commit()
    finally:
        g.write_mode = False
    return row


def _add(vendor: str) -> Account:
    made = {**MAKERS[vendor](), "made_for": current_app.config["SETTINGS"].public_url}
    row = Account(vendor=vendor, public_id=made["public_id"], secret=made)
    db.session.add(row)
    db.session.flush()
    return row


def change(vendor: str, **fields: Any) -> None:
    """Put fields of this space's credentials at a vendor anew, in the open transaction; None takes one away."""
    account(vendor)
    row = db.session.scalars(select(Account).where(Account.vendor == vendor)).one()
    row.secret = {name: value for name, value in {**row.secret, **fields}.items() if value is not None}
    g.pop("accounts", None)


def space_of(vendor: str, public_id: str | None) -> str | None:
    """The space whose credential this is, or None."""
    if not public_id:
        return None
    return db.session.scalar(_SPACE, {"vendor": vendor, "public_id": public_id})


@lru_cache(maxsize=1024)
def private_key(pem: str) -> Any:
    """A PEM private key, parsed once; spaces that are gone leave room for new ones."""
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    return load_pem_private_key(pem.encode(), None)


@lru_cache(maxsize=1024)
def public_key(pem: str) -> Any:
    """A PEM public key, parsed once; spaces that are gone leave room for new ones."""
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    return load_pem_public_key(pem.encode())


def label() -> str:
    """Six hex digits that tell spaces apart in made-up appids and merchant numbers."""
    from mock_providers import serials

    return "000000" if current_space() == "default" else serials.derive("label", size=3).hex()


def every(space: str) -> dict[str, dict[str, Any]] | None:
    """All vendors' credentials of a space, secrets included; None if there is no such space. Call it outside a
    transaction; `g.space` must be that space.
    """
    from mock_providers import spaces

    g.write_mode = False
    if not spaces.exists(space):
        return None
    found = all_held()
    db.session.rollback()
    return found


def all_held() -> dict[str, dict[str, Any]]:
    """Every vendor's credentials of the space at hand; `national.oauth` is shown as `oauth` inside `national`."""
    found: dict[str, dict[str, Any]] = {name: account(name) for name in MAKERS if "." not in name}
    for name in MAKERS:
        vendor, _, part = name.partition(".")
        if part:
            found[vendor] = {**found[vendor], part: account(name)}
    return found
