"""Looks through a plugin's statements for tables that are not its own.

It guards against mistakes, such as a plugin that writes to the core's tables: a plugin is Python in the
same process, and nothing here could stop one that means harm.

Selects and changes are checked while they are compiled to SQL, because that passes everything that will run.
Walking the expression does not: it leaves out the rows of an insert of many and the defaults of columns.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from sqlalchemy import Column, CompoundSelect, ForeignKeyConstraint, Index, Select, Table
from sqlalchemy.exc import CompileError
from sqlalchemy.schema import Constraint, ExecutableDDLElement
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.ddl import DDL
from sqlalchemy.sql.dml import UpdateBase
from sqlalchemy.sql.selectable import TableClause

from wylloh_server.domain.errors import PluginError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from sqlalchemy import Dialect
    from sqlalchemy.sql.dml import Insert
    from sqlalchemy.sql.elements import ClauseElement, ColumnClause, TextClause

_LITERALS = ("*", "1")
"""What SQLAlchemy itself writes as literal columns, for `count()` and `exists()`."""


class PluginSqlGuard:
    """Lets through the statements that touch only tables whose names begin with the prefix."""

    def __init__(self, prefix: str, dialect: Dialect) -> None:
        self._prefix = prefix
        self._dialect = copy.copy(dialect)
        compiler = type("Checked", (_CheckedCompiler, dialect.statement_compiler), {"prefix": prefix})
        self._dialect.statement_compiler = compiler

    def select(self, statement: object) -> Select[Any] | CompoundSelect[Any]:
        """Return the statement back if it is a select and reads only the plugin's tables.

        Raises:
            PluginError: it is something else, holds SQL as text, or touches a table of somebody else.
        """
        if not isinstance(statement, Select | CompoundSelect):
            raise _refused(statement, "select()")
        self._compile(statement)
        return statement

    def change(self, statement: object, names: Collection[str] | None = None) -> UpdateBase:
        """Return the statement back if it is an insert, update or delete of the plugin's tables.

        `names` are those of the values it will be run with, if it is run for many rows.

        Raises:
            PluginError: as for `select`.
        """
        if not isinstance(statement, UpdateBase):
            raise _refused(statement, "insert(), update() or delete()")
        self._compile(statement, names)
        return statement

    def migration(self, statement: object) -> ExecutableDDLElement | UpdateBase:
        """Return the statement back if it makes, alters or fills only the plugin's tables.

        Raises:
            PluginError: it is SQL as text, or touches a table of somebody else.
        """
        if isinstance(statement, UpdateBase):
            return self.change(statement)
        if not isinstance(statement, ExecutableDDLElement) or isinstance(statement, DDL):
            raise _refused(statement, "CreateTable, CreateIndex, add_column()…")
        for name in _tables_of_ddl(statement):
            _check_name(name, self._prefix)
        return statement

    def _compile(self, statement: ClauseElement, names: Collection[str] | None = None) -> None:
        keys = None if names is None else list(names)
        try:
            statement.compile(dialect=self._dialect, column_keys=keys)
        except CompileError as problem:
            raise PluginError(f"The database does not know the statement: {problem}") from problem


class _CheckedCompiler(SQLCompiler):
    """Refuses foreign tables and SQL as text. Mixed into the compiler of the database at hand."""

    prefix: str

    # SQLAlchemy leaves these two methods of its compiler untyped.
    def visit_table(self, table: TableClause, *args: Any, **kwargs: Any) -> Any:
        _check_name(table.fullname, self.prefix)
        return super().visit_table(table, *args, **kwargs)  # type: ignore[no-untyped-call]

    def visit_insert(self, insert_stmt: Insert, *args: Any, **kwargs: Any) -> Any:
        _check_name(insert_stmt.table.fullname, self.prefix)
        return super().visit_insert(insert_stmt, *args, **kwargs)  # type: ignore[no-untyped-call]

    def visit_column(self, column: ColumnClause[Any], *args: Any, **kwargs: Any) -> str:
        if column.is_literal and column.name not in _LITERALS:
            raise _refused(column, "expressions without literal_column()")
        if isinstance(column.table, TableClause):
            _check_name(column.table.fullname, self.prefix)
        return super().visit_column(column, *args, **kwargs)

    def visit_textclause(self, textclause: TextClause, *_args: Any, **_kwargs: Any) -> str:
        raise _refused(textclause, "expressions without text()")


def _tables_of_ddl(statement: ExecutableDDLElement) -> Iterator[str]:
    altered = getattr(statement, "table_name", None)
    if altered is not None:  # one of Alembic's, which name tables; importing Alembic to ask is slow
        yield f"{schema}.{altered}" if (schema := getattr(statement, "schema", None)) else str(altered)
        if (renamed := getattr(statement, "new_table_name", None)) is not None:
            yield str(renamed)
        column = getattr(statement, "column", None)
        if isinstance(column, Column):
            yield from _referred(column)
        return
    element = getattr(statement, "element", None)
    table = element.table if isinstance(element, Index | Constraint) else element
    if not isinstance(table, Table):
        raise _refused(statement, "CreateTable, CreateIndex, add_column()…")
    yield table.fullname
    for constraint in table.constraints:
        if isinstance(constraint, ForeignKeyConstraint):
            for column in constraint.columns:
                yield from _referred(column)


def _referred(column: Column[Any]) -> Iterator[str]:
    for key in column.foreign_keys:
        if (key.initially or "").upper() == "DEFERRED":  # only the commit would fail, which others share
            raise PluginError(
                f"The foreign key of {column} is checked at the end of a transaction only.",
                fix="Leave out initially, and write the row that is referred to first.",
            )
        yield key.target_fullname.rpartition(".")[0]


def _check_name(name: str, prefix: str) -> None:
    # A dot means another schema, whatever that is called.
    if not name.startswith(prefix) or "." in name:
        raise PluginError(
            f"The statement touches the table {name}, which is not the plugin's.",
            fix=f"Use only tables whose names begin with {prefix}.",
        )


def _refused(statement: object, expected: str) -> PluginError:
    return PluginError(
        f"A plugin may not run {type(statement).__name__}.", fix=f"Use SQLAlchemy Core: {expected}."
    )
