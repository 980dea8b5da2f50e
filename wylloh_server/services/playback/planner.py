"""Looking into films, once: plans are remembered while the film's file stays the same."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from wylloh_server.services.playback.plan import plan_of

if TYPE_CHECKING:
    from wylloh_server.domain.film import Film
    from wylloh_server.domain.ports.content import RandomAccess
    from wylloh_server.domain.ports.media import Encoder, MediaDoor, Prober
    from wylloh_server.domain.types import FilmId
    from wylloh_server.services.playback.plan import Plan
    from wylloh_server.services.sources import FilmSources

_REMEMBERED = 200
_AT_ONCE = 2
"""Looking into a film is a process of its own: who presses Play everywhere must not start hundreds."""


class Planner:
    """Makes plans.

    Args:
        sources: opens the films.
        door: through which the prober reads them.
        prober: looks into them.
        encoder: its identity is part of a plan.
    """

    def __init__(self, *, sources: FilmSources, door: MediaDoor, prober: Prober, encoder: Encoder) -> None:
        self._sources = sources
        self._door = door
        self._prober = prober
        self._encoder = encoder
        self._places = asyncio.Semaphore(_AT_ONCE)
        self._locks: WeakValueDictionary[FilmId, asyncio.Lock] = WeakValueDictionary()
        self._plans: OrderedDict[FilmId, tuple[str, Plan]] = OrderedDict()

    async def plan(self, film: Film) -> Plan:
        """Give the plan of a film.

        Raises:
            MediaRefused: it is not a film we open, and why.
            AccessRefused, ContentError: it cannot be opened.
        """
        source = await self._sources.open(film)
        try:
            fingerprint = f"{film.origin}|{source.size}|{self._encoder.identity}"
            # Whoever looks at a film and then presses Play looks into it once.
            async with self._locks.setdefault(film.id, asyncio.Lock()):
                plan = self._remembered(film, fingerprint)
                if plan is None:
                    async with self._places:
                        plan = await self._made(film, fingerprint, source)
                self._remember(film, fingerprint, plan)
        finally:
            await source.close()
        return plan

    async def _made(self, film: Film, fingerprint: str, source: RandomAccess) -> Plan:
        async with self._door.lend(source) as url:
            probe = await self._prober.probe(url)
        return plan_of(film, probe, fingerprint, await self._sources.texts(film))

    def _remembered(self, film: Film, fingerprint: str) -> Plan | None:
        remembered, plan = self._plans.get(film.id, ("", None))
        return plan if remembered == fingerprint else None

    def _remember(self, film: Film, fingerprint: str, plan: Plan) -> None:
        self._plans[film.id] = (fingerprint, plan)
        self._plans.move_to_end(film.id)
        while len(self._plans) > _REMEMBERED:
            self._plans.popitem(last=False)
