"""Getting to know films nobody here holds: their manifest and poster, so that a store can show them."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

from wylloh_server.domain.errors import ChainError, ContentError, InvalidValue, PackageInvalid
from wylloh_server.domain.events import FilmDescribed
from wylloh_server.domain.film import PICTURES, FilmState, TokenOrigin
from wylloh_server.domain.package_version import package_fault
from wylloh_server.domain.ports.content import PullLimit
from wylloh_server.services.operations.backoff import Backoff

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from wylloh_server.domain.film import Film, PackageFile
    from wylloh_server.domain.ports.content import Packages
    from wylloh_server.domain.types import Cid, Wallet
    from wylloh_server.services.operations.event_bus import EventBus
    from wylloh_server.services.retrieval.manifests import Manifests
    from wylloh_server.services.retrieval.package_retention import PackageRetention
    from wylloh_server.storage.films import FilmRepository

_log = logging.getLogger(__name__)

_AT_ONCE = 4
_A_ROUND = 200
"""Films in one round, so that ten thousand new ones do not keep the gateways from anything else."""
_MOST = 100_000
_PICTURES = PullLimit(file=8 << 20, total=32 << 20)
"""Most bytes of a picture, and in all with the package's directories; larger pictures are left out."""
_ALL_PICTURES = 16 << 20


class MetadataFetch:
    """Fetches and verifies the words and the poster of every registered film, not the film itself.

    What comes goes again when room is needed, and none of a publisher's films comes after they take `budget`
    bytes.
    """

    def __init__(
        self,
        *,
        films: FilmRepository,
        packages: Packages,
        manifests: Manifests,
        retention: PackageRetention,
        bus: EventBus,
        budget: int,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self._films = films
        self._packages = packages
        self._manifests = manifests
        self._retention = retention
        self._bus = bus
        self._budget = budget
        self._absent = Backoff(_MOST, timer)
        self._places = asyncio.Semaphore(_AT_ONCE)

    async def make(self) -> None:
        """Introduce the films that are new, some of them; what cannot be had now is tried again later."""
        new = [film for film in await self._films.in_state(FilmState.DISCOVERED) if self._is_due(film)]
        publishers = await self._roots_by_publisher() if new else {}
        await asyncio.gather(*(self._introduce(film, publishers) for film in new[:_A_ROUND]))

    def _is_due(self, film: Film) -> bool:
        if not isinstance(film.origin, TokenOrigin) or film.state is not FilmState.DISCOVERED:
            return False
        origin = film.origin
        return not (self._absent.is_paused(origin.root) or self._absent.is_paused(origin.publisher))

    async def _roots_by_publisher(self) -> dict[Wallet, list[Cid]]:
        """Return what each publisher has here of films that nobody has fetched."""
        found: defaultdict[Wallet, list[Cid]] = defaultdict(list)
        for film in await self._films.in_state(FilmState.DISCOVERED, FilmState.INTRODUCED):
            if isinstance(film.origin, TokenOrigin):
                found[film.origin.publisher].append(film.origin.root)
        return found

    async def _introduce(self, film: Film, publishers: Mapping[Wallet, list[Cid]]) -> None:
        if not isinstance(film.origin, TokenOrigin):
            return
        async with self._places:
            publisher = film.origin.publisher
            if self._absent.is_paused(publisher):
                return
            if await self._packages.stored_bytes(publishers[publisher]) >= self._budget:
                _log.warning("the films of %s have used up their room for introductions", publisher)
                self._absent.failed(publisher)
                return
            try:
                known = await self._fetched(film, film.origin)
            except (PackageInvalid, InvalidValue) as error:
                known = replace(film, state=FilmState.FAILED, reason=package_fault(error))
            except (ContentError, ChainError) as error:
                _log.info("the words of %s cannot be had now: %s", film.title, error)
                self._absent.failed(film.origin.root)
                return
        await self._save(film, known)
        if known.state is FilmState.FAILED:
            await self._retention.discard(film.origin.root)

    async def _fetched(self, film: Film, origin: TokenOrigin) -> Film:
        manifest = await self._manifests.fetch(origin, lasting=False)
        pictures = [file.path for file in _small(file for role in PICTURES for file in manifest.all(role))]
        if pictures:
            await self._packages.pull(origin.root, paths=pictures, limit=_PICTURES, lasting=False)
        return replace(film, description=manifest.description, state=FilmState.INTRODUCED)

    async def _save(self, before: Film, after: Film) -> None:
        """Save what was learned, unless a pull or a newer package came in between."""
        if await self._films.get(before.id) != before:
            return
        await self._films.save(after)
        if after.state is FilmState.INTRODUCED:
            self._bus.publish(FilmDescribed(after.id, after.title))


def _small(pictures: Iterable[PackageFile]) -> list[PackageFile]:
    """Return the first pictures, as many as may come."""
    chosen, total = [], 0
    for picture in pictures:
        if picture.size <= min(_PICTURES.file, _ALL_PICTURES - total):
            total += picture.size
            chosen.append(picture)
    return chosen
