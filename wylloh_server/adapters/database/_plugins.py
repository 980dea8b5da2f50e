"""Where plugins keep their tables: who owns which, and the migrations each has had."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sqlalchemy import Column, MetaData, String, Table, insert, select
from sqlalchemy.schema import CreateTable

from wylloh_server.adapters.database._plugin_guard import Guard
from wylloh_server.adapters.database._plugin_tables import OwnTables
from wylloh_server.domain.errors import PluginError, StorageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.schema import ExecutableDDLElement
    from sqlalchemy.sql.dml import UpdateBase

    from wylloh_server.adapters.database._connections import Connections
    from wylloh_server.domain.ports.storage import Migration

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}")


class PluginSchemas:
    """The plugins' part of the database. See `domain.ports.storage.PluginDatabase`."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self._prefixes: set[str] = set()

    def tables(self, plugin: str) -> OwnTables:
        """Give a plugin the door to its own tables, `plugin_<name>_…`.

        Raises:
            PluginError: the name is malformed, or its tables could be mistaken for another plugin's.
        """
        return OwnTables(self._connections, self._prefix(plugin))

    async def migrate(self, plugin: str, migrations: Sequence[Migration]) -> None:
        """Run those of a plugin's migrations that have not run here yet, by name, each in one transaction.

        Raises:
            PluginError: a statement failed or is not allowed, or the list contradicts what was run before.
        """
        prefix = self._prefix(plugin)
        ordered = _in_order(migrations)
        guard = Guard(prefix, self._connections.dialect)
        steps = {m.name: [guard.migration(statement) for statement in m.statements] for m in ordered}
        record = Table(f"{prefix}migrations", MetaData(), Column("name", String, primary_key=True))
        try:
            for name in await self._waiting(record, list(steps)):
                await self._run(record, name, steps[name])
        except StorageError as problem:
            raise PluginError(f"The tables of {plugin} could not be made: {problem}") from problem

    async def _waiting(self, record: Table, names: list[str]) -> list[str]:
        async with self._connections.writing() as connection:
            await connection.execute(CreateTable(record, if_not_exists=True))
            done = sorted(await connection.scalars(select(record.c.name)))
        if names[: len(done)] != done:
            raise PluginError(
                f"The plugin's tables have had the migrations {done}, its list is {names}.",
                fix="Install the plugin's newer version; a new migration's name sorts after older ones.",
            )
        return names[len(done) :]

    async def _run(self, record: Table, name: str, steps: list[ExecutableDDLElement | UpdateBase]) -> None:
        async with self._connections.writing() as connection:
            await connection.execute(insert(record).values(name=name))
            for step in steps:
                await connection.execute(step)

    def _prefix(self, plugin: str) -> str:
        if not _NAME.fullmatch(plugin):
            raise PluginError(
                f"{plugin!r} is no plugin name that tables can carry.",
                fix="Use up to 32 of a-z, 0-9, '-' and '_', beginning with a letter.",
            )
        prefix = f"plugin_{plugin}_"
        # No prefix begins with another one, so every table has one owner.
        for other in self._prefixes - {prefix}:
            if other.startswith(prefix) or prefix.startswith(other):
                raise PluginError(
                    f"The tables {prefix}… and {other}… could be mistaken for each other.",
                    fix="Rename one of the two plugins.",
                )
        self._prefixes.add(prefix)
        return prefix


def _in_order(migrations: Sequence[Migration]) -> list[Migration]:
    ordered = sorted(migrations, key=lambda migration: migration.name)
    if len({migration.name for migration in ordered}) < len(ordered):
        raise PluginError("Two migrations have the same name.", fix="Give each a name of its own.")
    return ordered
