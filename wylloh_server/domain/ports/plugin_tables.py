"""The tables of plugins: queries and migrations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class PluginRows:
    """The result of a query: column names, and one tuple of plain values per row."""

    columns: tuple[str, ...]
    rows: tuple[tuple[object, ...], ...]

    def dicts(self) -> list[dict[str, Any]]:
        """Return each row as a mapping of column names to values."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


class PluginTables(Protocol):
    """One plugin's tables, all named `plugin_<name>_…`. Statements on other tables are refused.

    Statements are SQLAlchemy Core expressions (`select`, `insert`, `update`, `delete`).
    """

    async def fetch(self, statement: object) -> PluginRows:
        """Run a select.

        Raises:
            PluginError: the statement touches a table that is not the plugin's.
        """

    async def change(self, statements: Sequence[object]) -> None:
        """Run changes in one transaction.

        A pair `(statement, rows)` runs the statement once for each row, a mapping of names of its columns or
        of its `bindparam`s to values: many times faster than single statements. Rows of an insert may
        be tuples, a value for each of the table's columns in order: faster again.
        """


@dataclass(frozen=True, slots=True)
class Migration:
    """A migration of a plugin's tables: a name that sorts, and the SQLAlchemy DDL elements it runs."""

    name: str
    statements: tuple[object, ...]
