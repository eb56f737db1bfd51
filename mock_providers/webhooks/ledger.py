"""Storing what was attempted, in batches; and counting it."""

from flask import Flask

from mock_providers.db import db
from mock_providers.webhooks import store
from mock_providers.webhooks.store import Made


class Ledger:
    """The attempts of one process: how many were stored and accepted."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.attempts = self.accepted = 0

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
                self.app.extensions["bounds"].grew(one.job.space for one in made)
                db.session.commit()
                self.attempts += stored
                return True
        except Exception:
            self.app.logger.exception("%d attempts could not be stored together", len(made))
            return False
