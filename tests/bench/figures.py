"""What was measured, beside the raw floor under it, as a table for people and as JSON lines for programs."""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

LEGEND = (
    "Ours and the floor are medians, measured in turns in this run. The ratio is ours / floor: where the unit\n"
    "is a time, 1.50 means half as long again as the raw floor; where it is a rate, 1.50 means half as many again."
)


@dataclass(frozen=True, slots=True)
class Figure:
    """One measurement: what the product needs or gives (`ours`), and the same work by bare means (`floors`).

    `better` is `less` for times and `more` for rates.
    """

    name: str
    unit: str
    better: str
    floor_is: str
    ours: tuple[float, ...]
    floors: tuple[float, ...]

    @property
    def value(self) -> float:
        return statistics.median(self.ours)

    @property
    def floor(self) -> float:
        return statistics.median(self.floors)

    @property
    def ratio(self) -> float:
        return self.value / self.floor

    def as_json(self) -> str:
        """One line of JSON, with every single run."""
        return json.dumps(
            {
                "name": self.name,
                "unit": self.unit,
                "better": self.better,
                "value": round(self.value, 6),
                "floor": round(self.floor, 6),
                "ratio": round(self.ratio, 4),
                "floor_is": self.floor_is,
                "values": [round(one, 6) for one in self.ours],
                "floors": [round(one, 6) for one in self.floors],
            }
        )


def table(figures: Sequence[Figure]) -> str:
    """An aligned table; under each row stands what its floor is."""
    head = ("", "ours", "floor", "unit", "ratio", "better")
    rows = [head] + [
        (one.name, _short(one.value), _short(one.floor), one.unit, f"{one.ratio:.2f}", one.better)
        for one in figures
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    lines = [_aligned(head, widths), "-" * (sum(widths) + 2 * (len(widths) - 1))]
    for row, one in zip(rows[1:], figures, strict=True):
        lines += [_aligned(row, widths), f"    floor: {one.floor_is}"]
    return "\n".join([*lines, "", LEGEND])


def _aligned(row: Sequence[str], widths: Sequence[int]) -> str:
    name, ours, floor, unit, ratio, better = (
        cell.rjust(width) if column in {1, 2, 4} else cell.ljust(width)
        for column, (cell, width) in enumerate(zip(row, widths, strict=True))
    )
    return "  ".join((name, ours, floor, unit, ratio, better)).rstrip()


def _short(number: float) -> str:
    if number >= 100:
        return f"{number:,.0f}"
    return f"{number:.1f}" if number >= 10 else f"{number:.3f}"
