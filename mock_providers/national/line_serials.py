"""Which `feedetl_sn` an institution has used (sheet §2.5: unique inside the institution).

Free again is what was undone: a refunded purchase (2103), lines taken back (2205, 2202), what 2601 reverses.
"""

from collections.abc import Sequence

from sqlalchemy import delete, insert, select

from mock_providers import switches
from mock_providers.db import current_space, db
from mock_providers.national.models import LineSerial
from mock_providers.national.texts import Refused

switches.declare(
    "national.feedetl_sn_unique",
    "institution",
    ("institution", "purchase"),
    kind="choice",
    source="nhsa §2.5",
    why="a line serial of 2102 or 2204 serves an institution once, or once in a purchase or visit; 6201's are its "
    "order's own",
)


def check(institution: str, serials: Sequence[str]) -> None:
    """None is used already. Raises Refused SIM-DUPLINE."""
    if switches.value("national.feedetl_sn_unique") != "institution":
        return
    used = select(LineSerial.id).where(LineSerial.institution == institution, LineSerial.feedetl_sn.in_(serials))
    if db.session.scalar(used.limit(1)):
        raise Refused("SIM-DUPLINE")


def keep(institution: str, mdtrt_id: str, serials: Sequence[str]) -> None:
    """Remember those of a purchase or visit. Raises Refused SIM-DUPLINE."""
    check(institution, serials)
    if switches.value("national.feedetl_sn_unique") != "institution":
        return
    about = {"space": current_space(), "institution": institution, "mdtrt_id": mdtrt_id}
    db.session.execute(insert(LineSerial), [{**about, "feedetl_sn": serial} for serial in serials])


def release(mdtrt_id: str, serials: Sequence[str] | None = None) -> None:
    """Forget those of a purchase or visit; some or all."""
    mine = [LineSerial.mdtrt_id == mdtrt_id]
    if serials is not None:
        mine.append(LineSerial.feedetl_sn.in_(serials))
    db.session.execute(delete(LineSerial).where(*mine).execution_options(synchronize_session=False))
