"""Runs the migrations that an older database has not had yet, with Alembic."""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy.exc import SQLAlchemyError

from wylloh_server.domain.errors import StorageError, WyllohError

if TYPE_CHECKING:
    from sqlalchemy import Connection


def upgrade(connection: Connection) -> None:
    """Run the missing migrations in the connection's transaction.

    Raises:
        StorageError: a newer version of this server made the database, or a migration failed. Nothing is
            changed then.
    """
    config = Config()
    config.attributes["connection"] = connection
    with resources.as_file(resources.files(__package__) / "migrations") as scripts:
        # In Alembic's configuration a percent sign begins an interpolation.
        config.set_main_option("script_location", str(scripts).replace("%", "%%"))
        config.set_main_option("path_separator", "os")
        try:
            command.upgrade(config, "head")
        except CommandError as problem:
            raise StorageError(
                f"A newer version of this server made the database ({problem}).",
                fix="Install that version, or put back the backup made before upgrading.",
            ) from problem
        except (WyllohError, SQLAlchemyError):
            raise
        except Exception as problem:
            # A migration may meet anything in rows that older versions, or people, have written.
            raise StorageError(
                f"The database could not be brought up to date: {type(problem).__name__}: {problem}. "
                "It is as it was.",
                fix="Go on with the version of this server before, and report this.",
            ) from problem
