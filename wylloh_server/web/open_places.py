"""Counts what is open at once for an account, a home, a site and all strangers; see `Payer.names`."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    Names = tuple[tuple[str, str], ...]
    """Pairs of a kind and a name."""


class OpenPlaces:
    """Places that are taken now.

    Args:
        most: how many of one name there may be, by its kind; a kind that is not there has no bound.
    """

    def __init__(self, most: Mapping[str, int]) -> None:
        self._most = most
        self._counts: Counter[tuple[str, str]] = Counter()

    def take(self, names: Names) -> str | None:
        """Take a place of each name and return None; or none, and return the kind of a name that is full."""
        for name in names:
            if name[0] in self._most and self._counts[name] >= self._most[name[0]]:
                return name[0]
        self._counts.update(names)
        return None

    def give_back(self, names: Names) -> None:
        """Return the places that were taken."""
        self._counts.subtract(names)
        for name in names:
            if not self._counts[name]:
                del self._counts[name]
