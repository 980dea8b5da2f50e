"""A filter put together by pressing tags: rows that must all hold, each of tags of which one must.

`noir AND (1940s OR 1950s) NOT short` is three rows. Every press is a link to the next state, so the builder
works with a remote, a screen reader and without scripts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from wylloh_tagging.expression import And, Not, Or, Term, all_of, any_of, written

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from wylloh_tagging.expression import Expression
    from wylloh_tagging.tags import Tag

AND, NOT = "and", "not"
"""Where the next tag goes: into a row of its own that must hold, or must not; else the number of a row."""


@dataclass(frozen=True, slots=True)
class ConditionRow:
    """Tags of which a film must have one, or, negated, none."""

    tags: tuple[Tag, ...]
    negated: bool = False


def rows_of(expression: Expression | None) -> tuple[ConditionRow, ...] | None:
    """Return a filter's rows; None for one that is no list of rows, such as `a AND NOT (b AND c)`."""
    if expression is None:
        return ()
    parts = expression.parts if isinstance(expression, And) else (expression,)
    rows = [_row(part) for part in parts]
    return tuple(row for row in rows if row) if all(rows) else None


def expression_of(rows: Iterable[ConditionRow]) -> Expression | None:
    """Return the filter of some rows; None for no rows."""
    parts: list[Expression] = []
    for row in rows:
        one = any_of(Term(tag) for tag in row.tags)
        parts.append(Not(one) if row.negated else one)
    return all_of(parts) if parts else None


def with_tag(rows: Sequence[ConditionRow], at: str, tag: Tag) -> tuple[ConditionRow, ...]:
    """Add a tag at the place `at`; into the last place if there is no such row."""
    if at.isdecimal() and int(at) < len(rows):
        row = rows[int(at)]
        more = row if tag in row.tags else ConditionRow((*row.tags, tag), row.negated)
        return (*rows[: int(at)], more, *rows[int(at) + 1 :])
    return (*rows, ConditionRow((tag,), negated=at == NOT))


def without(rows: Sequence[ConditionRow], number: int, tag: Tag) -> tuple[ConditionRow, ...]:
    """Take a tag out of a row, and the row away when it was its last."""
    rest = tuple(one for one in rows[number].tags if one != tag)
    return (
        *rows[:number],
        *([ConditionRow(rest, rows[number].negated)] if rest else []),
        *rows[number + 1 :],
    )


@dataclass(frozen=True, slots=True)
class Press:
    """Something to press.

    Attributes:
        label: its text.
        href: where it leads.
        chosen: the next tag goes here.
        focus: it was pressed last, and keeps the focus.
    """

    label: str
    href: str
    chosen: bool = False
    focus: bool = False


@dataclass(frozen=True, slots=True)
class ShownRow:
    """A row as the page shows it.

    Attributes:
        word: what joins it to the rows above: empty, 'and', 'and not' or 'not'.
        tags: each leads to the filter without it.
        more: lets the next tag go into this row.
    """

    word: str
    tags: tuple[Press, ...]
    more: Press


class Builder:
    """Everything to press around one filter.

    Args:
        address: of the page, without its query.
        rows: the filter.
        at: where the next tag goes.
        on: what was pressed last.
        keep: further fields of the query that stay.
    """

    def __init__(
        self,
        address: str,
        rows: tuple[ConditionRow, ...],
        at: str,
        on: str,
        keep: dict[str, str] | None = None,
    ) -> None:
        self._address = address
        self._rows = rows
        self._on = on
        self._keep = keep or {}
        self.at = at if at in {AND, NOT} or (at.isdecimal() and int(at) < len(rows)) else AND

    @property
    def rows(self) -> tuple[ShownRow, ...]:
        """The filter, row by row."""
        return tuple(self._shown(number, row) for number, row in enumerate(self._rows))

    @property
    def places(self) -> tuple[Press, ...]:
        """Where the next tag may go, besides the rows there are."""
        words = ("must be tagged", "must not be tagged") if not self._rows else ("and", "and not")
        return tuple(self._place(word, at) for word, at in zip(words, (AND, NOT), strict=True))

    @property
    def asking(self) -> str:
        """Return where the next tag goes."""
        if self.at.isdecimal():
            return f"Add to “{' or '.join(self._rows[int(self.at)].tags)}” with or"
        if self.at == NOT:
            return "Leave out films tagged"
        return "Show films that are also tagged" if self._rows else "Show films tagged"

    @property
    def counting(self) -> Expression | None:
        """The filter among whose films tags are counted: without the row that the next tag goes into."""
        return expression_of(row for number, row in enumerate(self._rows) if str(number) != self.at)

    def tag(self, tag: Tag, label: str) -> Press:
        """Return what adds a tag to the filter."""
        rows = with_tag(self._rows, self.at, tag)
        place = self.at if self.at.isdecimal() else AND
        return self._press(label, rows, place, f"tag:{tag}")

    def _shown(self, number: int, row: ConditionRow) -> ShownRow:
        word = ("and not" if row.negated else "and") if number else ("not" if row.negated else "")
        tags = tuple(
            Press(tag, self._href(without(self._rows, number, tag), AND, "at:and")) for tag in row.tags
        )
        return ShownRow(word, tags, self._place("or …", str(number)))

    def _place(self, label: str, at: str) -> Press:
        return self._press(label, self._rows, at, f"at:{at}", chosen=self.at == at)

    def _press(
        self, label: str, rows: Sequence[ConditionRow], at: str, on: str, *, chosen: bool = False
    ) -> Press:
        return Press(label, self._href(rows, at, on), chosen, self._on == on)

    def _href(self, rows: Sequence[ConditionRow], at: str, on: str) -> str:
        expression = expression_of(rows)
        text = written(expression) if expression else ""
        return f"{self._address}?{urlencode({'q': text, 'at': at, 'on': on} | self._keep)}"


def _row(part: Expression) -> ConditionRow | None:
    negated = isinstance(part, Not)
    inner = part.inner if isinstance(part, Not) else part
    if isinstance(inner, Term):
        return ConditionRow((inner.tag,), negated)
    if isinstance(inner, Or) and all(isinstance(one, Term) for one in inner.parts):
        return ConditionRow(tuple(one.tag for one in inner.parts if isinstance(one, Term)), negated)
    return None
