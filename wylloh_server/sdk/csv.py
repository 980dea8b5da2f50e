"""CSV (RFC 4180) that no spreadsheet takes for formulas, and its way back.

A cell that begins with `=`, `+`, `-`, `@`, a tab, a carriage return or a line feed is run as a formula by
spreadsheets (OWASP: CSV injection). Such a cell gets an apostrophe in front, unless it is a plain number.
"""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

CSV_TYPE = "text/csv; charset=utf-8"
"""The content type of what `write_csv` returns."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
_NUMBER = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")


def write_csv(rows: Iterable[Iterable[object]], *, byte_order_mark: bool = False) -> bytes:
    """Return rows as CSV in UTF-8, lines ended by CR LF, every cell passed through `escape_cell`.

    Args:
        rows: cells of any type, written with `str`; None is an empty cell.
        byte_order_mark: whether to begin with the mark by which spreadsheets recognise UTF-8.
    """
    text = io.StringIO(newline="")
    csv.writer(text).writerows(
        ["" if cell is None else escape_cell(str(cell)) for cell in row] for row in rows
    )
    return text.getvalue().encode("utf-8-sig" if byte_order_mark else "utf-8")


def escape_cell(text: str) -> str:
    """Return a cell that no spreadsheet runs: with an apostrophe in front if it looks like a formula.

    An apostrophe before a formula gets another one, so that `unescape_cell` restores any text.
    """
    if text.startswith(_FORMULA):
        return text if _NUMBER.fullmatch(text) else f"'{text}"
    return f"'{text}" if _is_escaped(text) else text


def unescape_cell(text: str) -> str:
    """Return a cell as it was before `escape_cell`."""
    return text[1:] if _is_escaped(text) else text


def _is_escaped(text: str) -> bool:
    rest = text.lstrip("'")
    return text.startswith("'") and rest.startswith(_FORMULA)
