"""Runs the migrations on the connection that `alembic_upgrade.upgrade` passes in; it owns the transaction."""

from __future__ import annotations

from alembic import context

# SQLite keeps tables and rows in one transaction; Alembic does not know that of every driver.
context.configure(connection=context.config.attributes["connection"], transactional_ddl=True)
context.run_migrations()
