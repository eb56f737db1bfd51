"""Settlements of a database of the first version get the sums that 3201 adds up."""

import json
from importlib.resources import files
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, inspect

COLUMNS = (
    "space, setl_id, mdtrt_id, medins_setl_id, person, institution, insutype, policy, at, year, total_fen, "
    "deductible_fen, pooled_fen, own_fen, mutual_fen, wallet_fen, cash_fen, setlinfo, detail, refunded"
)


def test_rows_of_the_first_version_are_told_their_fund_and_account(tmp_path: Path) -> None:
    config, engine = Config(), create_engine(f"sqlite:///{tmp_path / 'old.sqlite'}")
    config.set_main_option("script_location", str(files("mock_providers") / "migrations"))
    said = {"fund_pay_sumamt": "27.59", "acct_pay": "-25.81"}
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        row = (
            "default",
            "1",
            "2",
            "M",
            "P04",
            "P46019900008",
            "390",
            "hn-2025.1",
            0,
            2025,
            5340,
            1000,
            2759,
            0,
            2581,
        )
        values = (*row, 0, 0, json.dumps(said), "{}", False)
        connection.exec_driver_sql(
            f"INSERT INTO national_settlement ({COLUMNS}) VALUES ({', '.join('?' * len(values))})", values
        )
        command.upgrade(config, "head")
        kept = connection.exec_driver_sql("SELECT fund_sum_fen, account_fen FROM national_settlement").one()
        indexes = {one["name"] for one in inspect(connection).get_indexes("national_settlement")}
    engine.dispose()
    assert tuple(kept) == (2759, -2581)
    assert "ix_national_settlement_clearing" in indexes and "ix_national_settlement_space" not in indexes
