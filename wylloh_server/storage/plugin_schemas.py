"""The tables of plugins: the owner of each, and the migrations that have run."""

from __future__ import annotations

import hashlib
import logging
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sqlalchemy import Column, MetaData, String, Table, func, insert, inspect, select
from sqlalchemy.exc import CompileError
from sqlalchemy.schema import CreateTable

from wylloh_server.domain.errors import PluginError, StorageError
from wylloh_server.storage.database_errors import translate_errors
from wylloh_server.storage.plugin_dry_run import copy_plugin_tables
from wylloh_server.storage.plugin_sql_guard import PluginSqlGuard
from wylloh_server.storage.plugin_tables_move import place_plugin_tables
from wylloh_server.storage.scoped_tables import ScopedTables

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from sqlalchemy import Dialect
    from sqlalchemy.ext.asyncio import AsyncConnection
    from sqlalchemy.schema import ExecutableDDLElement
    from sqlalchemy.sql.dml import UpdateBase

    from wylloh_server.domain.ports.plugin_tables import Migration
    from wylloh_server.storage.connections import Connections

    _Step = list[ExecutableDDLElement | UpdateBase]
    _Steps = dict[str, _Step]

_log = logging.getLogger("wylloh.plugins")

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}")


class PluginSchemas:
    """The tables of plugins and the migrations they have had."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self._prefixes: set[str] = set()

    def tables(self, plugin: str) -> ScopedTables:
        """Return the tables of a plugin, `plugin_<name>_…`.

        Raises:
            PluginError: the name is malformed, or its tables could be mistaken for another plugin's.
        """
        return ScopedTables(self._connections, self._prefix(plugin))

    async def migrate(self, plugin: str, migrations: Sequence[Migration]) -> None:
        """Run those of a plugin's migrations that have not run here yet, by name.

        An upgrade of existing tables runs on a copy of them first. PostgreSQL needs none: a transaction there
        includes changes of tables.

        Raises:
            PluginError: a statement failed or is not allowed, or the list contradicts what was run before.
                The data is as it was.
        """
        prefix = self._prefix(plugin)
        steps = _checked(migrations, PluginSqlGuard(prefix, self._connections.dialect))
        record = _record(prefix)
        async with self._connections.reading() as connection:
            ran = await _ran(connection, record)
        done = sorted(ran)
        _check_order(done, list(steps))
        if changed := _changed(ran, steps, self._connections.dialect):
            _log.warning("%s: %s", plugin, _says_changed(changed))
        if len(done) == len(steps):
            return
        try:
            if done and self._connections.file is not None:
                async with copy_plugin_tables(self._connections.file, prefix) as copy:
                    await _run(copy, record, steps)
            await _run(self._connections, record, steps)
        except StorageError as problem:
            raise _failed(plugin, problem, done=done, changed=changed) from problem

    async def place(self, own: Path, plugin: str, *, apart: bool) -> None:
        """Bring a plugin's tables into its own file, or from there into this database.

        Raises:
            PluginError: they cannot be moved. They are where they were.
        """
        await place_plugin_tables(self._connections, own, self._prefix(plugin), apart=apart)

    def _prefix(self, plugin: str) -> str:
        prefix = table_prefix(plugin)
        # No prefix begins with another one, so every table has one owner.
        for other in self._prefixes - {prefix}:
            if other.startswith(prefix) or prefix.startswith(other):
                raise PluginError(
                    f"The tables {prefix}… and {other}… could be mistaken for each other.",
                    fix="Rename one of the two plugins.",
                )
        self._prefixes.add(prefix)
        return prefix


def table_prefix(plugin: str) -> str:
    """Return what the names of a plugin's tables begin with.

    Raises:
        PluginError: the name is malformed.
    """
    if not _NAME.fullmatch(plugin):
        raise PluginError(
            f"{plugin!r} is no plugin name that tables can carry.",
            fix="Use up to 32 of a-z, 0-9, '-' and '_', beginning with a letter.",
        )
    return f"plugin_{plugin}_"


def _record(prefix: str) -> Table:
    name, form = Column("name", String, primary_key=True), Column("form", String)
    return Table(f"{prefix}migrations", MetaData(), name, form)


async def _ran(connection: AsyncConnection, record: Table) -> dict[str, str]:
    """Return the migrations that have run, each with its form then; empty where that was not kept yet."""
    if not await connection.run_sync(lambda sync: inspect(sync).has_table(record.name)):
        return {}
    if not await _keeps_forms(connection, record):
        return dict.fromkeys(await connection.scalars(select(record.c.name)), "")
    return {name: form or "" for name, form in await connection.execute(select(record))}


async def _keeps_forms(connection: AsyncConnection, record: Table) -> bool:
    columns = await connection.run_sync(lambda sync: inspect(sync).get_columns(record.name))
    return any(column["name"] == record.c.form.name for column in columns)


def _form(step: _Step, dialect: Dialect) -> str:
    """Return a digest of a step's SQL, without the values that it is run with."""
    try:
        sql = [" ".join(str(statement.compile(dialect=dialect)).split()) for statement in step]
    except CompileError:
        return "never ran"
    return hashlib.sha256("\n".join(sql).encode()).hexdigest()


def _changed(ran: Mapping[str, str], steps: _Steps, dialect: Dialect) -> list[str]:
    return [name for name, form in ran.items() if form and form != _form(steps[name], dialect)]


def _says_changed(names: Sequence[str]) -> str:
    verb = "is written" if len(names) == 1 else "are written"
    return (
        f"{', '.join(names)} ran here in another form than it {verb} in now, and does not run again. "
        "Never change a step that was released; while you develop, begin with new tables."
    )


@contextmanager
def _naming(step: str) -> Iterator[None]:
    """Name the step in errors of the database."""
    try:
        with translate_errors():
            yield
    except StorageError as problem:
        raise StorageError(f"{step}: {problem}", fix=problem.fix) from problem


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
        if not await _keeps_forms(connection, record):  # made by an earlier version of the server
            table = connection.dialect.identifier_preparer.format_table(record)
            await connection.exec_driver_sql(f"ALTER TABLE {table} ADD COLUMN form VARCHAR")
        for name in list(steps)[len(await _ran(connection, record)) :]:
            form = _form(steps[name], connection.dialect)
            await connection.execute(insert(record).values(name=name, form=form))
            with _naming(name):
                for statement in steps[name]:
                    await connection.execute(statement)


def _failed(
    plugin: str, problem: StorageError, *, done: Sequence[str], changed: Sequence[str]
) -> PluginError:
    if done:
        also = f" {_says_changed(changed)}" if changed else ""
        return PluginError(
            f"The tables of {plugin} could not be brought up to date, and are as they were: {problem}{also}",
            fix="Install a mended version of the plugin, or the one before.",
        )
    return PluginError(
        f"The tables of {plugin} could not be made: {problem}",
        fix="All steps run one after the other here, as on every new server. A step makes its table as it "
        "was when the step was released; what was added to the table since is in later steps only.",
    )


def _checked(migrations: Sequence[Migration], guard: PluginSqlGuard) -> _Steps:
    ordered = sorted(migrations, key=lambda migration: migration.name)
    if len({migration.name for migration in ordered}) < len(ordered):
        raise PluginError("Two migrations have the same name.", fix="Give each a name of its own.")
    return {one.name: [guard.migration(statement) for statement in one.statements] for one in ordered}
