"""A chart: first of all a table, of which a part is drawn."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from wylloh_analytics.number_format import NONE, Number, grouped, whole

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


class Shape(StrEnum):
    """How a chart is drawn."""

    LINE = "line"
    """One point for each row, in order of time."""
    BARS = "bars"
    """One bar for each row."""
    CURVE = "curve"
    """One point for each row, which has a place of its own from left to right."""


class Part(StrEnum):
    """How a column is drawn."""

    MAIN = "main"
    """White."""
    SECOND = "second"
    """Grey."""
    BEFORE = "before"
    """Dotted: the period before."""
    TABLE = ""
    """Not at all; it is in the table."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of numbers. `write` writes one without commas, `unit` stands behind it."""

    label: str
    part: Part = Part.TABLE
    write: Callable[[Number], str] = whole
    unit: str = ""

    @property
    def headed(self) -> str:
        """The label with its unit, as a spreadsheet needs it."""
        return f"{self.label} ({self.unit})" if self.unit else self.label


@dataclass(frozen=True, slots=True)
class ChartRow:
    """A row of numbers, None where there is none.

    Attributes:
        label: what it is about, for people.
        key: the same for programs, such as `2026-11-21`.
        tick: what stands below it in the drawing; empty for most.
    """

    label: str
    key: str
    cells: tuple[Number | None, ...]
    tick: str = ""


@dataclass(frozen=True, slots=True)
class Cell:
    """A number as it is written: for programs, and for people."""

    plain: str
    text: str


@dataclass(frozen=True, slots=True)
class ChartOption:
    """Another way to look at a chart: its label, and the value of `part` in the address."""

    label: str
    part: str
    current: bool


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart with its table.

    Attributes:
        name: in addresses.
        title: what it shows.
        rows_are: what the first column of the table is.
        note: over which time, and how it is to be read.
        sentence: what can be seen in it; stands above the drawing.
        empty: why there is nothing to show; empty when there is.
        choices: other ways to look at it.
    """

    name: str
    title: str
    rows_are: str
    columns: tuple[Column, ...]
    shape: Shape = Shape.LINE
    note: str = ""
    sentence: str = ""
    rows: tuple[ChartRow, ...] = ()
    empty: str = ""
    choices: tuple[ChartOption, ...] = ()

    def shown(self, note: str, sentence: str, rows: Iterable[ChartRow]) -> Chart:
        """Return the chart with its rows."""
        return replace(self, note=note, sentence=sentence, rows=tuple(rows))

    def without_rows(self, why: str) -> Chart:
        """Return the chart with a sentence that explains why there is nothing to show."""
        return replace(self, empty=why)

    @property
    def written(self) -> tuple[tuple[ChartRow, tuple[Cell, ...]], ...]:
        """The rows, each with its numbers as they are written."""
        return tuple((row, tuple(map(_written, self.columns, row.cells))) for row in self.rows)


@dataclass(frozen=True, slots=True)
class Figure:
    """One number above all charts, and a sentence about how it changed."""

    label: str
    value: str
    message: str
    unit: str = ""


def _written(column: Column, number: Number | None) -> Cell:
    if number is None:
        return Cell("", NONE)
    plain = column.write(number)
    return Cell(plain, grouped(plain))
