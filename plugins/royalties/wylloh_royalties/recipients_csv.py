"""Recipients as CSV (RFC 4180): read from what spreadsheets write, and written so that they read it back."""

from __future__ import annotations

import csv
from dataclasses import astuple
from typing import TYPE_CHECKING

from wylloh_royalties.shares import MOST, Typed, read, typed_recipient
from wylloh_server.sdk import InvalidValue, unescape_cell, write_csv

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from wylloh_server.sdk import Share

_NAMED = 5
"""Bad lines that are named one by one; the rest is counted."""
_LONGEST_LINE = 1_000
_COLUMNS = {
    "address": "account",
    "account": "account",
    "wallet": "account",
    "recipient": "account",
    "role": "role",
    "percent": "percent",
    "percentage": "percent",
    "share": "percent",
    "%": "percent",
    "basis points": "points",
    "basis_points": "points",
    "basispoints": "points",
    "bp": "points",
    "bps": "points",
}
_USUAL = (("account",), ("account", "percent"), ("account", "role", "percent"))
"""What columns mean without a first line that names them, by how many there are."""


def decoded(body: bytes) -> str:
    """Read the bytes of a file.

    Raises:
        InvalidValue: it is not UTF-8.
    """
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InvalidValue("This file is not UTF-8.", fix="Save it as CSV in UTF-8, and try again.") from None


def recipients_in(text: str) -> tuple[Typed, ...]:
    """Read recipients from CSV. Either all of it can be used, or none is.

    Columns are parted by comma, semicolon or tab: address, role, share. A first line may name them, also in
    another order, and `basis points` instead of `percent`.

    Raises:
        InvalidValue: with how many lines cannot be used, and the first of them.
    """
    rows, faults = _rows(text)
    columns = _named(rows[0][1]) if rows else None
    body = rows[1:] if columns else rows
    if not body and not faults:
        raise InvalidValue("There is nothing to read.", fix="Paste lines such as 0x…,director,12.5 %.")
    numbered = []
    for number, row in body:
        try:
            numbered.append((number, _typed(row, columns)))
        except InvalidValue as error:
            faults[number] = error
    _refuse(faults | read(numbered)[1], len(body))
    if len(numbered) > MOST:
        raise InvalidValue(
            f"{len(numbered):,} recipients are too many: a splitter takes {MOST}. Nothing was changed.",
            fix="Remove some lines.",
        )
    return tuple(line for _, line in numbered)


def write_recipients(shares: Sequence[Share]) -> bytes:
    """Write recipients as `recipients_in` reads them."""
    return write_csv([("address", "role", "percent"), *map(astuple, map(typed_recipient, shares))])


def _rows(text: str) -> tuple[list[tuple[int, list[str]]], dict[int, InvalidValue]]:
    """Split a text into lines that hold something, each with its number, and those that are too long."""
    lines = [(number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    kept = [(number, line) for number, line in lines if len(line) <= _LONGEST_LINE]
    faults = {
        number: InvalidValue("It is far too long.") for number, line in lines if len(line) > _LONGEST_LINE
    }
    mark = _delimiter(line for _, line in kept)
    return [(number, _cells(line, mark)) for number, line in kept], faults


def _delimiter(lines: Iterable[str]) -> str:
    """Return what parts columns: tab, else semicolon (then a comma is a decimal one), else comma."""
    first = next(iter(lines), "")
    return next((mark for mark in ("\t", ";") if mark in first), ",")


def _cells(line: str, mark: str) -> list[str]:
    try:
        return [unescape_cell(cell.strip()) for cell in next(csv.reader([line], delimiter=mark), [])]
    except csv.Error:
        return [line]


def _named(row: list[str]) -> tuple[str, ...] | None:
    """Read the line that names the columns, if it is one."""
    names = tuple(_COLUMNS.get(cell.casefold(), "") for cell in row)
    return names if "account" in names and ("percent" in names or "points" in names) else None


def _typed(row: list[str], columns: tuple[str, ...] | None) -> Typed:
    while row and not row[-1]:
        row = row[:-1]
    usual = _USUAL[len(row) - 1] if 0 < len(row) <= len(_USUAL) else None
    names = columns or usual
    if names is None or len(row) > len(names):
        raise InvalidValue(f"It has {len(row)} columns instead of address, role and share.")
    cells = dict(zip(names, row, strict=False))
    share = cells.get("percent", "")
    if cells.get("points") and not share:
        share = f"{cells['points']} bp"
    return Typed(cells.get("account", ""), cells.get("role", ""), share)


def _refuse(faults: Mapping[int, InvalidValue], lines: int) -> None:
    if not faults:
        return
    named = " ".join(f"Line {number}: {faults[number]}" for number in sorted(faults)[:_NAMED])
    more = f" And {len(faults) - _NAMED:,} more." if len(faults) > _NAMED else ""
    bad = f"{len(faults):,} of {max(lines, len(faults)):,} lines cannot be used, so nothing was changed."
    raise InvalidValue(f"{bad} {named}{more}", fix="Correct them, and fill in again.")
