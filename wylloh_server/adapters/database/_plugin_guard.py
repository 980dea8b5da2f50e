"""Looks through a plugin's statements for tables that are not its own.

It guards against mistakes, such as a plugin that writes to the core's tables: a plugin is Python in the
same process, and nothing here could stop one that means harm.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from alembic.ddl.base import AlterTable
from sqlalchemy import Column, ForeignKeyConstraint, Index, Table
from sqlalchemy.schema import Constraint, ExecutableDDLElement
from sqlalchemy.sql import visitors
from sqlalchemy.sql.ddl import DDL
from sqlalchemy.sql.dml import UpdateBase
from sqlalchemy.sql.elements import ClauseElement, ColumnClause, TextClause
from sqlalchemy.sql.selectable import CompoundSelect, Select, TableClause, TextualSelect

from wylloh_server.domain.errors import PluginError

if TYPE_CHECKING:
    from collections.abc import Iterator


def checked_select(statement: object, prefix: str) -> Select[Any] | CompoundSelect[Any]:
    """Give the statement back if it reads only tables with the prefix.

    Raises:
        PluginError: it is no select, holds text SQL, or touches a table of somebody else.
    """
    if not isinstance(statement, Select | CompoundSelect):
        raise _not_core(statement, "select")
    _check_parts(statement, prefix)
    return statement


def checked_change(statement: object, prefix: str) -> UpdateBase:
    """Give the statement back if it changes and reads only tables with the prefix.

    Raises:
        PluginError: as for `checked_select`.
    """
    if not isinstance(statement, UpdateBase):
        raise _not_core(statement, "insert, update or delete")
    _check_parts(statement, prefix)
    return statement


def checked_migration(statement: object, prefix: str) -> ExecutableDDLElement | UpdateBase:
    """Give the statement back if it makes, alters or fills only tables with the prefix.

    Raises:
        PluginError: it is text, or touches a table of somebody else.
    """
    if isinstance(statement, UpdateBase):
        return checked_change(statement, prefix)
    if not isinstance(statement, ExecutableDDLElement) or isinstance(statement, DDL):
        raise _not_core(statement, "CreateTable, CreateIndex, AddColumn…")
    for name in _tables_of_ddl(statement):
        _check_name(name, prefix)
    return statement


def _check_parts(statement: ClauseElement, prefix: str) -> None:
    for part in visitors.iterate(statement):
        if isinstance(part, TextClause | TextualSelect):
            raise _not_core(part, "Core expressions without text()")
        if isinstance(part, ColumnClause) and part.is_literal:
            raise _not_core(part, "Core expressions without literal_column()")
        table = part.table if isinstance(part, ColumnClause) else part
        if isinstance(table, TableClause):
            _check_name(table.fullname, prefix)


def _tables_of_ddl(statement: ExecutableDDLElement) -> Iterator[str]:
    if isinstance(statement, AlterTable):
        yield f"{statement.schema}.{statement.table_name}" if statement.schema else statement.table_name
        column = getattr(statement, "column", None)
        if isinstance(column, Column):
            yield from _referred(column)
        return
    element = getattr(statement, "element", None)
    table = element.table if isinstance(element, Index | Constraint) else element
    if not isinstance(table, Table):
        raise _not_core(statement, "CreateTable, CreateIndex, AddColumn…")
    yield table.fullname
    for constraint in table.constraints:
        if isinstance(constraint, ForeignKeyConstraint):
            for column in constraint.columns:
                yield from _referred(column)


def _referred(column: Column[object]) -> Iterator[str]:
    for key in column.foreign_keys:
        yield key.target_fullname.rpartition(".")[0]


def _check_name(name: str, prefix: str) -> None:
    if not name.startswith(prefix):
        raise PluginError(
            f"The statement touches the table {name}, which is not the plugin's.",
            fix=f"Use only tables whose names begin with {prefix}.",
        )


def _not_core(statement: object, expected: str) -> PluginError:
    return PluginError(
        f"A plugin may not run {type(statement).__name__}.",
        fix=f"Use SQLAlchemy Core: {expected}.",
    )
