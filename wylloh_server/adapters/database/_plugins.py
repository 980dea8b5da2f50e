"""Where plugins keep their tables: who owns which, and the migrations each has had."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from alembic.ddl.base import RenameTable
from sqlalchemy import Column, MetaData, String, Table, func, insert, inspect, select
from sqlalchemy.schema import CreateTable, DropTable

from wylloh_server.adapters.database._plugin_copy import copied
from wylloh_server.adapters.database._plugin_guard import Guard
from wylloh_server.adapters.database._plugin_tables import OwnTables
from wylloh_server.domain.errors import PluginError, StorageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.ext.asyncio import AsyncConnection
    from sqlalchemy.schema import ExecutableDDLElement
    from sqlalchemy.sql.dml import UpdateBase

    from wylloh_server.adapters.database._connections import Connections
    from wylloh_server.domain.ports.storage import Migration

    _Steps = dict[str, list[ExecutableDDLElement | UpdateBase]]

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
        """Run those of a plugin's migrations that have not run here yet, by name.

        An upgrade of tables that are there runs on a copy of them first. PostgreSQL needs none: it can take
        back everything that a transaction did to tables.

        Raises:
            PluginError: a statement failed or is not allowed, or the list contradicts what was run before.
                The data is as it was.
        """
        prefix = self._prefix(plugin)
        steps = _checked(migrations, Guard(prefix, self._connections.dialect))
        record = _record(prefix)
        async with self._connections.reading() as connection:
            done = await _done(connection, record)
        _check_order(done, list(steps))
        if len(done) == len(steps):
            return
        try:
            if done and self._connections.file is not None:
                async with copied(self._connections.file, prefix) as copy:
                    await _run(copy, record, steps)
            await _run(self._connections, record, steps)
        except StorageError as problem:
            raise _failed(plugin, problem, upgrade=bool(done)) from problem

    async def strays(self, plugin: str, migrations: Sequence[Migration]) -> tuple[str, ...]:
        """Give the tables named for a plugin that these migrations did not make, by name."""
        prefix = self._prefix(plugin)
        async with self._connections.reading() as connection:
            there = await connection.run_sync(lambda sync: inspect(sync).get_table_names())
        own = {name for name in there if name.startswith(prefix)}
        return tuple(sorted(own - _made_by(migrations) - {f"{prefix}migrations"}))

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


def _record(prefix: str) -> Table:
    return Table(f"{prefix}migrations", MetaData(), Column("name", String, primary_key=True))


async def _done(connection: AsyncConnection, record: Table) -> list[str]:
    if not await connection.run_sync(lambda sync: inspect(sync).has_table(record.name)):
        return []
    return sorted(await connection.scalars(select(record.c.name)))


def _check_order(done: list[str], names: list[str]) -> None:
    if names[: len(done)] != done:
        raise PluginError(
            f"The plugin's tables have had the migrations {done}, its list is {names}.",
            fix="Install the plugin's newer version; a new migration's name sorts after older ones.",
        )


async def _run(connections: Connections, record: Table, steps: _Steps) -> None:
    """Run what has not run yet, in one transaction. Two servers at once do it one after the other."""
    async with connections.writing() as connection:
        if connection.dialect.name == "postgresql":
            await connection.execute(select(func.pg_advisory_xact_lock(func.hashtext(record.name))))
        await connection.execute(CreateTable(record, if_not_exists=True))
        done = await _done(connection, record)
        for name in list(steps)[len(done) :]:
            await connection.execute(insert(record).values(name=name))
            for step in steps[name]:
                await connection.execute(step)


def _failed(plugin: str, problem: StorageError, *, upgrade: bool) -> PluginError:
    if upgrade:
        return PluginError(
            f"The tables of {plugin} could not be brought up to date, and are as they were: {problem}",
            fix="Install a mended version of the plugin, or the one before.",
        )
    return PluginError(f"The tables of {plugin} could not be made: {problem}")


def _checked(migrations: Sequence[Migration], guard: Guard) -> _Steps:
    ordered = sorted(migrations, key=lambda migration: migration.name)
    if len({migration.name for migration in ordered}) < len(ordered):
        raise PluginError("Two migrations have the same name.", fix="Give each a name of its own.")
    return {one.name: [guard.migration(statement) for statement in one.statements] for one in ordered}


def _made_by(migrations: Sequence[Migration]) -> set[str]:
    made: set[str] = set()
    for migration in sorted(migrations, key=lambda migration: migration.name):
        for statement in migration.statements:
            if isinstance(statement, CreateTable):
                made.add(statement.element.name)
            elif isinstance(statement, DropTable):
                made.discard(statement.element.name)
            elif isinstance(statement, RenameTable):
                made.discard(statement.table_name)
                made.add(str(statement.new_table_name))
    return made
