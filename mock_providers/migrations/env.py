"""Alembic's way in: the connection comes from db.migrate, or the one in the URL when run by hand."""

from alembic import context

from mock_providers.db import db

context.configure(connection=context.config.attributes["connection"], target_metadata=db.metadata)
with context.begin_transaction():
    context.run_migrations()
