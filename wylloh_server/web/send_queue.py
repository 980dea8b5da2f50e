"""Shares what may be sent per second between those who fetch: site by site, within a site home by home.

A fair queue over two levels, with start tags as in Goyal, Vin, Cheng 1996: first comes who has had least, of
those that wait. One who waits costs nothing; bytes are booked when it is their turn to be sent.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from wylloh_server.web.rate_limits import Payer

_BURST_SECONDS = 1.0
_LOOK_SECONDS = 0.5
"""How often it is looked whether who waits has hung up."""

_Key = tuple[str, str]


@dataclass(frozen=True, slots=True, eq=False)
class _Ticket:
    """So many bytes that wait for their turn."""

    site: _Key
    home: _Key
    size: int
    gone: Callable[[], bool]
    turn: asyncio.Future[None]


@dataclass(slots=True)
class _Shares:
    """How many bytes those who compete have had."""

    had: dict[_Key, float] = field(default_factory=dict)
    level: float = 0.0
    """What those begin with who have had none of late: the fair part of one who always waits."""

    def join(self, key: _Key) -> None:
        self.had[key] = max(self.had.get(key, 0.0), self.level)

    def least(self, waiting: Iterable[_Key]) -> _Key:
        return min(waiting, key=self.had.__getitem__)

    def book(self, key: _Key, size: int, waiting: Collection[_Key]) -> None:
        self.level = max(self.level + size / len(waiting), self.had[key])
        self.had[key] += size
        self.had = {one: had for one, had in self.had.items() if had > self.level or one in waiting}


class _Site:
    """Those of one site who wait, by home."""

    def __init__(self) -> None:
        self.homes: dict[_Key, deque[_Ticket]] = {}
        self._shares = _Shares()

    def add(self, ticket: _Ticket) -> None:
        if ticket.home not in self.homes:
            self.homes[ticket.home] = deque()
            self._shares.join(ticket.home)
        self.homes[ticket.home].append(ticket)

    def remove(self, ticket: _Ticket) -> None:
        self.homes[ticket.home].remove(ticket)
        if not self.homes[ticket.home]:
            del self.homes[ticket.home]

    def first(self) -> _Ticket:
        return self.homes[self._shares.least(self.homes)][0]

    def book(self, ticket: _Ticket) -> None:
        self._shares.book(ticket.home, ticket.size, self.homes)

    def size_of(self, home: _Key) -> int:
        return sum(ticket.size for ticket in self.homes[home])

    def size(self) -> int:
        return sum(map(self.size_of, self.homes))

    def ahead(self, home: _Key) -> int:
        """Return how many bytes are sent to this site before all that waits of a home is."""
        own = self.size_of(home)
        return own + sum(min(self.size_of(other), own) for other in self.homes if other != home)


class SendQueue:
    """Hands out turns to send at a rate.

    Args:
        rate: bytes a second of everybody together; 0 for as many as there are.
        clock: seconds that only move on.
        later: calls a function after so many seconds; by default the event loop does.
    """

    def __init__(
        self,
        rate: float,
        clock: Callable[[], float] = time.monotonic,
        later: Callable[[float, Callable[[], None]], object] | None = None,
    ) -> None:
        self._rate = rate
        self._clock = clock
        self._later = later or _call_later
        self._sites: dict[_Key, _Site] = {}
        self._shares = _Shares()
        self._free_at = 0.0
        self._armed = False

    def debt(self, payer: Payer) -> float:
        """Return in how many seconds it would be a payer's turn; 0 where nothing of the same home waits."""
        site, home = _keys(payer)
        ours = self._sites.get(site)
        if ours is None or home not in ours.homes:
            return 0.0
        here = ours.ahead(home)
        others = sum(min(there.size(), here) for key, there in self._sites.items() if key != site)
        return max(0.0, self._free_at - self._clock()) + (here + others) / self._rate

    async def turn(self, payer: Payer, size: int, gone: Callable[[], bool]) -> None:
        """Wait until so many bytes may be sent to a payer, and book them.

        Raises:
            ConnectionResetError: `gone` says that who waited has hung up; nothing is booked.
        """
        if not self._rate:
            return
        ticket = _Ticket(*_keys(payer), size, gone, asyncio.get_running_loop().create_future())
        self._add(ticket)
        try:
            while not ticket.turn.done() and not gone():
                await asyncio.wait({ticket.turn}, timeout=_LOOK_SECONDS)
        finally:
            if not ticket.turn.done():
                self._give_up(ticket)
        if ticket.turn.cancelled():
            raise ConnectionResetError("hung up while it waited for its turn")

    def _add(self, ticket: _Ticket) -> None:
        if ticket.site not in self._sites:
            self._sites[ticket.site] = _Site()
            self._shares.join(ticket.site)
        self._sites[ticket.site].add(ticket)
        if not self._armed:
            self._hand_out()

    def _remove(self, ticket: _Ticket) -> None:
        site = self._sites[ticket.site]
        site.remove(ticket)
        if not site.homes:
            del self._sites[ticket.site]

    def _give_up(self, ticket: _Ticket) -> None:
        self._remove(ticket)
        ticket.turn.cancel()

    def _hand_out(self) -> None:
        """Hand out the turns that it is time for; come back when it is time for the next."""
        self._armed = False
        while self._sites:
            now = self._clock()
            if self._free_at > now:
                self._armed = True
                self._later(self._free_at - now, self._hand_out)
                return
            site = self._sites[self._shares.least(self._sites)]
            ticket = site.first()
            if ticket.gone():
                self._give_up(ticket)
                continue
            site.book(ticket)
            self._shares.book(ticket.site, ticket.size, self._sites)
            self._free_at = max(self._free_at, now - _BURST_SECONDS) + ticket.size / self._rate
            self._remove(ticket)
            ticket.turn.set_result(None)


def _keys(payer: Payer) -> tuple[_Key, _Key]:
    """Return site and home of a payer; who pays alone is both."""
    names = payer.names()
    *_, site, home = (names[0], *names)
    return site, home


def _call_later(seconds: float, call: Callable[[], None]) -> None:
    asyncio.get_running_loop().call_later(seconds, call)
