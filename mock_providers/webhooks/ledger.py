"""Storing what was attempted, in batches; and counting it."""

from flask import Flask

from mock_providers.db import db
from mock_providers.webhooks import store
from mock_providers.webhooks.store import Made

RETIRE_EVERY = 2_000


class Ledger:
    """The attempts of one process: how many were stored, accepted, and retired again."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.attempts = self.accepted = self.retired = self.since_retired = 0

    def store(self, made: list[Made]) -> None:
        """Write a batch in one transaction; if that fails, one by one, so that one bad row harms only itself."""
        if not self._write(made):
            for one in made:
                unstored = Made(one.job, one.at, one.wall_ns, reason="the attempt could not be stored")
                self._write([one]) or self._write([unstored])
        self.accepted += sum(one.accepted for one in made)

    def _write(self, made: list[Made]) -> bool:
        try:
            with self.app.app_context():
                stored = store.write(made)
                self._retire(len(made))
                db.session.commit()
                self.attempts += stored
                return True
        except Exception:
            self.app.logger.exception("%d attempts could not be stored together", len(made))
            return False

    def _retire(self, count: int) -> None:
        self.since_retired += count
        if self.since_retired >= RETIRE_EVERY:
            self.since_retired = 0
            self.retired += store.retire(self.app.config["SETTINGS"].journal_rows)
