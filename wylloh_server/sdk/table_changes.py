"""Steps of a migration that change a table which has rows already."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from sqlalchemy import Column

if TYPE_CHECKING:
    from sqlalchemy.schema import ExecutableDDLElement

_ALEMBIC = "alembic.ddl.base"
"""Imported when it is needed only: that takes most of a second."""


def add_column(table: str, column: Column[Any]) -> ExecutableDDLElement:
    """Return the step that adds a column; with `nullable=False` it needs a `server_default`, for old rows."""
    step: ExecutableDDLElement = import_module(_ALEMBIC).AddColumn(table, column)
    return step


def drop_column(table: str, column: str) -> ExecutableDDLElement:
    """Return the step that drops a column of a table, with what stood in it."""
    step: ExecutableDDLElement = import_module(_ALEMBIC).DropColumn(table, Column(column))
    return step
