"""Looking into films, once: plans are remembered while the film's file stays the same."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

from wylloh_server.services.playback.plan import plan_of

if TYPE_CHECKING:
    from wylloh_server.domain.film import Film
    from wylloh_server.domain.ports.media import Encoder, MediaDoor, Prober
    from wylloh_server.domain.types import FilmId
    from wylloh_server.services.playback.plan import Plan
    from wylloh_server.services.sources import FilmSources

_REMEMBERED = 200


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
            remembered, plan = self._plans.get(film.id, ("", None))
            if plan is None or remembered != fingerprint:
                async with self._door.lend(source) as url:
                    probe = await self._prober.probe(url)
                plan = plan_of(film, probe, fingerprint, await self._sources.texts(film))
        finally:
            await source.close()
        self._remember(film, fingerprint, plan)
        return plan

    def _remember(self, film: Film, fingerprint: str, plan: Plan) -> None:
        self._plans[film.id] = (fingerprint, plan)
        self._plans.move_to_end(film.id)
        while len(self._plans) > _REMEMBERED:
            self._plans.popitem(last=False)
