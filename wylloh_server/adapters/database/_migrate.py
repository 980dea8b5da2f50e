"""Brings the core's tables up to date with Alembic, inside one transaction."""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import func, select

from wylloh_server.domain.errors import StorageError

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from wylloh_server.adapters.database._connections import Connections

_LOCK = 0x57594C4C4F48
"""Any number that every Wylloh server uses and nobody else on the same PostgreSQL: "WYLLOH" in ASCII."""


async def migrate(connections: Connections) -> None:
    """Run the migrations the database has not had yet. Two servers at once do it one after the other.

    Raises:
        StorageError: a newer version made the database, or it cannot be read.
    """
    async with connections.writing() as connection:
        if connection.dialect.name == "postgresql":
            await connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))
        await connection.run_sync(_upgrade)


def _upgrade(connection: Connection) -> None:
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
