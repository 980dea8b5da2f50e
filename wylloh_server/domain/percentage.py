"""Parts of a whole as people read them."""

from __future__ import annotations

PERCENT = "\N{NO-BREAK SPACE}%"
"""Follows a number, and never begins a line without it."""


def format_percent(basis_points: int, *, sign: bool = True) -> str:
    """Return basis points as percent: `5 %`, `2.5 %`, `0.25 %`; without `sign` only the number."""
    whole, part = divmod(basis_points, 100)
    number = f"{whole}.{part:02d}".rstrip("0").rstrip(".")
    return f"{number}{PERCENT}" if sign else number
