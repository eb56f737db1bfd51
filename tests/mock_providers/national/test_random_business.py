"""Random settlements and refunds under several sets of rules, held against the institutions' own book."""

import random
from typing import Any

import pytest
from flask import Flask, g
from sqlalchemy import event

from mock_providers import spaces
from mock_providers.db import db
from tests.mock_providers.national.business import Business

CAPS = {"policy": "sample-caps", "pharmacy_pooled_mode": "open", "acct_mulaid_mode": "exclusive"}
INCLUDES = {"policy": "sample-sjz", "fund_sum_includes_account": "true"}


@pytest.mark.parametrize("rules", [CAPS, INCLUDES], ids=["caps", "includes"])
def test_random_business_leaves_books_balances_counters_and_totals_in_step(mocks: Flask, rules: dict) -> None:
    business = Business(mocks, "books", random.Random(str(rules)), {"rxno_check": "form", **rules})
    for _ in range(35):
        business.step()
    business.check()
    business.give_all_back()
    assert sum(entry.total for entry in business.book) == 0


def test_no_statement_of_the_ledger_reads_a_whole_space(mocks: Flask) -> None:
    """SQLite's planner chooses by the shape of a statement: with ten rows as with a million."""
    business = Business(mocks, "plans", random.Random(5), {"rxno_check": "form", **CAPS})
    said: dict[str, Any] = {}

    def note(connection: Any, cursor: Any, statement: str, values: Any, context: Any, many: bool) -> None:
        if not many and statement.startswith(("SELECT", "UPDATE", "DELETE")):
            said[statement] = values

    with mocks.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    for _ in range(40):
        business.step()
    sold = next(one.entry for one in business.live if one.entry.clr_type == "41")
    data = {"psn_no": business.psn_no(sold), "cum_ym": "202512", "begntime": "2025-12-01 00:00:00"}
    for infno, more in {"5201": {}, "5203": vars(sold), "5204": vars(sold), "5206": {}}.items():
        business.call(infno, {"data": {**data, **more}}, sold.institution)
    business.check_totals(sold.institution, "310", sold.day, sold.day)
    event.remove(engine, "before_cursor_execute", note)
    ledger = (
        "settlement",
        "fee_line",
        "line_serial",
        "trace_code",
        "prescription_use",
        "encounter",
        "gateway_message",
    )
    with spaces.entered(mocks, "plans"), engine.connect() as connection:
        g.write_mode = False
        for statement, values in said.items():
            rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values).all()
            for plan in (row[3] for row in rows):
                if any(f" national_{name} " in f"{plan} " for name in ledger):
                    assert "SCAN" not in plan and "(space=?)" not in plan, (plan, statement)
    assert len(said) > 40
