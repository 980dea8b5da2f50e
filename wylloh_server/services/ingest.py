"""From a registered token to a film that is here: discovery on chain, pull, verification."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from wylloh_server.domain.errors import (
    BlockUnavailable,
    ChainError,
    ContentError,
    InvalidValue,
    PackageInvalid,
)
from wylloh_server.domain.events import FilmAdded, FilmDescribed, FilmReady
from wylloh_server.domain.film import Description, Film, FilmState, TokenOrigin, film_id_of
from wylloh_server.domain.manifest import MANIFEST_FILE, SIGNATURE_FILE
from wylloh_server.domain.types import BlockNumber, FilmId
from wylloh_server.services.progress import Meter

if TYPE_CHECKING:
    from wylloh_server.domain.ports.chain import Chain, RegisteredFilm
    from wylloh_server.domain.ports.chain import Discovery as Registrations
    from wylloh_server.domain.ports.content import Packages, Progress
    from wylloh_server.domain.ports.storage import Accounts, Cursors, Films
    from wylloh_server.domain.ports.world import Jobs
    from wylloh_server.services.bus import Bus
    from wylloh_server.services.manifests import Manifests

_log = logging.getLogger(__name__)

PULL = "pull"
"""The kind of job that fetches a package; its key is the film's id."""

_AT_ONCE = 4
"""Packages fetched side by side. More would only wait for each other's connections, and call it silence."""

_LEFT_ALONE = (FilmState.FAILED, FilmState.STOPPED)
"""Films that are not fetched (again) by themselves."""

_CURSOR = "chain.next_block"
_LOOK_BACK = 64
"""Blocks read again each time, so that a registration moved by a reorganisation is not missed."""
_FAR = 5_000
"""After so many blocks in one answer there may be more at once: the first look at a long chain."""


class Discovery:
    """Finds films registered on the chain."""

    def __init__(
        self,
        *,
        chain: Chain,
        films: Films,
        packages: Packages,
        cursors: Cursors,
        bus: Bus,
        start_block: BlockNumber,
    ) -> None:
        self._chain = chain
        self._packages = packages
        self._films = films
        self._cursors = cursors
        self._bus = bus
        self._start_block = start_block

    async def look(self) -> None:
        """Read what was registered since the last look.

        Raises:
            ChainError: the chain cannot be asked; what is known stays.
        """
        since = BlockNumber(max(self._start_block, (await self._cursors.get(_CURSOR) or 0) - _LOOK_BACK))
        while True:
            found = await self._chain.films(since)
            await self._take(found)
            if found.next_block - since < _FAR:
                break
            since = found.next_block

    async def _take(self, found: Registrations) -> None:
        # Of a film registered and then re-packaged in one range, only the last word counts.
        for registered in {film.token: film for film in found.films}.values():
            await self._note(registered)
        await self._cursors.put(_CURSOR, found.next_block)

    async def _note(self, found: RegisteredFilm) -> None:
        film_id = film_id_of(str(found.token))
        origin = TokenOrigin(found.token, found.root, found.publisher, found.manifest_sha256)
        film = await self._films.get(film_id)
        if film is not None and film.origin == origin:
            return
        description = film.description if film else Description(f"Film {found.token.token_id % 10_000:04d}")
        await self._films.save(Film(film_id, description, origin))
        if film is None:
            self._bus.publish(FilmAdded(film_id, description.title))
        elif isinstance(film.origin, TokenOrigin) and film.origin.root != origin.root:
            # What the two packages share is fetched again only if room was needed meanwhile.
            await self._packages.forget(film.origin.root)


class PullStarter:
    """Starts to fetch the films that are wanted here: those an account holds, or every one.

    A film that was here and lost a block, to a damaged disk say, is due again.
    """

    def __init__(
        self,
        *,
        chain: Chain,
        films: Films,
        packages: Packages,
        accounts: Accounts,
        jobs: Jobs,
        everything: bool,
    ) -> None:
        self._chain = chain
        self._films = films
        self._packages = packages
        self._accounts = accounts
        self._jobs = jobs
        self._everything = everything

    async def start(self) -> None:
        """Start every pull that is due and not running.

        Raises:
            ChainError: holdings are needed and the chain cannot be asked.
        """
        due = [film for film in await self._films.all() if await self._is_due(film)]
        for film in due if self._everything else await self._held(due):
            await self._jobs.start(PULL, film.id)

    async def _held(self, films: list[Film]) -> list[Film]:
        by_token = {film.token: film for film in films if film.token}
        held: set[FilmId] = set()
        for wallet, _ in await self._accounts.all() if by_token else ():
            holdings = await self._chain.holdings(wallet, list(by_token))
            held |= {by_token[token].id for token, count in holdings.counts.items() if count}
        return [film for film in films if film.id in held]

    async def _is_due(self, film: Film) -> bool:
        if not isinstance(film.origin, TokenOrigin) or film.state in _LEFT_ALONE:
            return False
        return film.state is not FilmState.READY or not await self._packages.complete(film.origin.root)


class Puller:
    """Fetches one package, checks it, and says how far it is."""

    def __init__(self, *, packages: Packages, manifests: Manifests, films: Films, bus: Bus) -> None:
        self._packages = packages
        self._manifests = manifests
        self._films = films
        self._bus = bus
        self._places = asyncio.Semaphore(_AT_ONCE)

    async def pull(self, film_id: str, watch: Progress | None = None) -> None:
        """Fetch what is missing of a film's package; the job handler for `PULL`.

        What came is kept whatever happens; why it stopped stands in the film.
        """
        async with self._places:
            await self._pull(film_id, watch)

    async def _pull(self, film_id: str, watch: Progress | None) -> None:
        film = await self._films.get(FilmId(film_id))
        if film is None or not isinstance(film.origin, TokenOrigin):
            return
        if film.state is FilmState.READY:
            await self._mend(film, film.origin, watch)
            return
        try:
            await self._fetch(film, film.origin, watch)
        except (PackageInvalid, InvalidValue) as error:
            await self._stopped(film, FilmState.FAILED, error.explained)
        except BlockUnavailable as error:
            _log.info("pull of %s stopped: %s", film.title, error)
            await self._stopped(
                film, FilmState.WAITING, "No gateway has the rest yet. Trying again by itself."
            )
        except (ContentError, ChainError) as error:
            await self._stopped(film, FilmState.WAITING, error.explained)

    async def _fetch(self, film: Film, origin: TokenOrigin, watch: Progress | None) -> None:
        await self._packages.pull(origin.root, paths=(MANIFEST_FILE, SIGNATURE_FILE))
        manifest = await self._manifests.verify(origin)
        known, film = (
            film,
            replace(film, description=manifest.description, state=FilmState.PULLING, reason=""),
        )
        if await self._save(film) and film.description != known.description:
            self._bus.publish(FilmDescribed(film.id, film.title))

        async def save_share(share: float) -> None:
            await self._save(replace(film, progress=share))

        async with Meter(save_share, watch) as meter:
            await self._packages.pull(origin.root, progress=meter.note)
        if await self._save(replace(film, state=FilmState.READY, progress=1.0)):
            self._bus.publish(FilmReady(film.id))

    async def _mend(self, film: Film, origin: TokenOrigin, watch: Progress | None) -> None:
        """Fetch blocks that were lost again. The film stays playable: all but those blocks is here."""
        if await self._packages.complete(origin.root):
            return
        _log.warning("blocks of %s were lost on this disk; fetching them again", film.title)
        try:
            await self._packages.pull(origin.root, progress=watch)
        except ContentError as error:
            _log.warning("%s is not whole again: %s", film.title, error)

    async def _stopped(self, film: Film, state: FilmState, reason: str) -> None:
        known = await self._films.get(film.id)
        if known is not None:
            await self._save(replace(known, origin=film.origin, state=state, reason=reason))

    async def _save(self, film: Film) -> bool:
        """Save a film unless it is gone, or has got a newer package while this one was fetched."""
        known = await self._films.get(film.id)
        if known is None or known.origin != film.origin:
            return False
        await self._films.save(film)
        return True
