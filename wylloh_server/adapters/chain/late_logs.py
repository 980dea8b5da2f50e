"""Remembers the logs of the newest blocks, to find out whether the logs were complete.

A provider is often many nodes behind one address, and the one that answers `eth_getLogs` may know less than
the one that told of the newest block: it then leaves logs out without a word. So the newest blocks are asked
for a second time, together with those that follow.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from wylloh_server.adapters.chain.event_log import EventLog
    from wylloh_server.domain.types import BlockNumber, Wallet

_BLOCKS = 16
"""How many blocks are asked for again, as long as the provider answers for several times as many."""


class LateLogs:
    """The last blocks read: who was asked for logs of each, and how many there were."""

    def __init__(self) -> None:
        """Begin with nothing known."""
        self._told: dict[int, tuple[frozenset[Wallet], int]] = {}

    def begin(self, first: BlockNumber) -> None:
        """Forget what comes after, because it is read now."""
        self._told = {number: told for number, told in self._told.items() if number < first}

    def start(self, first: BlockNumber, width: int) -> int:
        """Return the block from which to ask, a little before the first that is wanted."""
        return min(self._told, default=first) if width >= 4 * _BLOCKS else first

    def late(self, logs: Iterable[EventLog]) -> BlockNumber | None:
        """Return the first block that has logs now which it did not have before."""
        found: Counter[BlockNumber] = Counter()
        for log in logs:
            asked, _ = self._told.get(log.block, (frozenset(), 0))
            found[log.block] += log.address in asked
        return min((block for block, count in found.items() if count > self._count(block)), default=None)

    def note(self, first: int, last: int, addresses: Sequence[Wallet], logs: Iterable[EventLog]) -> None:
        """Remember an answer."""
        counts: Counter[int] = Counter(log.block for log in logs)
        asked = frozenset(addresses)
        newest = range(max(first, last - _BLOCKS + 1), last + 1)
        self._told |= {number: (asked, counts[number]) for number in newest}
        self._told = {number: told for number, told in self._told.items() if number > last - _BLOCKS}

    def _count(self, block: int) -> int:
        return self._told[block][1] if block in self._told else 0
