"""From a film that was found to one that is here: which are fetched, the pull, and its verification."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from wylloh_server.domain.errors import (
    BlockUnavailable,
    ChainError,
    ContentError,
    InvalidValue,
    PackageInvalid,
    RetryLater,
)
from wylloh_server.domain.events import FilmDescribed, FilmReady
from wylloh_server.domain.film import Film, FilmState, TokenOrigin
from wylloh_server.domain.package_version import Successor, SuccessorState, package_fault
from wylloh_server.domain.types import Cid, FilmId, TokenReference, Wallet
from wylloh_server.services.operations.progress import report_progress

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from wylloh_server.domain.ports.content import Packages, Progress
    from wylloh_server.services.operations.event_bus import EventBus
    from wylloh_server.services.operations.film_tasks import FilmTasks
    from wylloh_server.services.retrieval.fetch_consents import FetchConsents
    from wylloh_server.services.retrieval.manifests import Manifests
    from wylloh_server.services.retrieval.package_retention import PackageRetention
    from wylloh_server.storage.accounts import AccountRepository
    from wylloh_server.storage.film_versions import FilmVersionRepository
    from wylloh_server.storage.films import FilmRepository
    from wylloh_server.storage.stacks import StackRepository

_log = logging.getLogger(__name__)

_NOT_YET = "No gateway has the rest yet. Trying again by itself."
_LEFT_ALONE = (FilmState.FAILED, FilmState.STOPPED)
"""Films that are not fetched (again) by themselves."""


@dataclass(kw_only=True, eq=False)
class DownloadScheduler:
    """Starts to fetch the films that are wanted here: those an account holds, or every one.

    A film that was here and lost a block, to a damaged disk say, is due again, and so is one whose publisher
    registered a newer package.
    """

    stacks: StackRepository
    films: FilmRepository
    versions: FilmVersionRepository
    packages: Packages
    accounts: AccountRepository
    consents: FetchConsents
    tasks: FilmTasks
    everything: bool
    keeps_key: Callable[[TokenReference], Awaitable[bool]]

    async def start(self) -> None:
        """Start every pull that is due and not running.

        Until the chain has been read once, nobody is known to hold any film.
        """
        renewed = {film for film, versions in (await self.versions.all()).items() if versions.is_due}
        every = await self.films.all()
        due = [film for film in every if film.id in renewed or await self._is_due(film)]
        if self.everything:
            # Packages that were loosened under the other setting are wanted again.
            await self.packages.loosen([])
            await self.tasks.start_pulls(due)
            return
        wallets = [account.wallet for account in await self.accounts.all()]
        held = frozenset().union(*(await self.stacks.held(wallets)).values())
        await self._loosen([film for film in every if film.token not in held], wallets)
        theirs = [film for film in due if film.token in held]
        await self.tasks.start_pulls(await self.consents.allowed(theirs, wallets))

    async def _loosen(self, films: list[Film], wallets: list[Wallet]) -> None:
        """Mark as loose the films that were fetched and that nobody here holds any more.

        Those that an account here published stay, and those whose key this server keeps for their holders.
        """
        if not await self.stacks.is_known():
            return
        loose: list[Cid] = []
        for film in films:
            origin = film.origin
            if film.state is not FilmState.READY or not isinstance(origin, TokenOrigin):
                continue
            if origin.publisher in wallets or await self.keeps_key(origin.token):
                continue
            if await self.packages.complete(origin.root):
                loose.append(origin.root)
            else:
                await self.films.save(replace(film, state=FilmState.DISCOVERED, progress=0.0))
        await self.packages.loosen(loose)

    async def _is_due(self, film: Film) -> bool:
        if not isinstance(film.origin, TokenOrigin) or film.state in _LEFT_ALONE:
            return False
        return film.state is not FilmState.READY or not await self.packages.complete(film.origin.root)


class Downloader:
    """Fetches one package, checks it, and says how far it is."""

    def __init__(
        self,
        *,
        packages: Packages,
        manifests: Manifests,
        films: FilmRepository,
        versions: FilmVersionRepository,
        retention: PackageRetention,
        bus: EventBus,
    ) -> None:
        self._packages = packages
        self._manifests = manifests
        self._films = films
        self._versions = versions
        self._retention = retention
        self._bus = bus

    async def pull(self, film_id: str, watch: Progress | None = None) -> None:
        """Fetch what is missing of a film's package.

        What came is kept unless it is refused; why it stopped stands in the film. Of a film that plays, the
        package the chain names instead is fetched beside the one it plays from.

        Raises:
            RetryLater: blocks of a film that plays were lost, and cannot be had again now.
        """
        film = await self._films.get(FilmId(film_id))
        if film is None or not isinstance(film.origin, TokenOrigin):
            return
        origin = film.origin
        if film.state is FilmState.READY:
            if await self._has_manifest(origin):
                await self._mend_and_renew(film, origin, watch)
                return
            film = replace(film, state=FilmState.PULLING, progress=0.0)
            await self._save(film)
        await self._pull_package(film, origin, watch)

    async def _has_manifest(self, origin: TokenOrigin) -> bool:
        """Return whether a package's manifest is here; where it is not, hardly anything is."""
        try:
            await self._manifests.load(origin.root)
        except ContentError:
            return False
        return True

    async def _mend_and_renew(self, film: Film, origin: TokenOrigin, watch: Progress | None) -> None:
        reason = await self._mend(film, origin, watch)
        await self._pull_successor(film, watch)
        if reason:
            raise RetryLater(reason)

    async def _pull_package(self, film: Film, origin: TokenOrigin, watch: Progress | None) -> None:
        try:
            await self._fetch(film, origin, watch)
        except (PackageInvalid, InvalidValue) as error:
            await self._stopped(film, FilmState.FAILED, package_fault(error))
            await self._retention.discard(origin.root)
        except BlockUnavailable as error:
            _log.info("pull of %s stopped: %s", film.title, error)
            await self._stopped(film, FilmState.WAITING, _NOT_YET)
        except (ContentError, ChainError) as error:
            await self._stopped(film, FilmState.WAITING, error.explained)

    async def _fetch(self, film: Film, origin: TokenOrigin, watch: Progress | None) -> None:
        manifest = await self._manifests.fetch(origin)
        known, film = (
            film,
            replace(film, description=manifest.description, state=FilmState.PULLING, reason=""),
        )
        if await self._save(film) and film.description != known.description:
            self._bus.publish(FilmDescribed(film.id, film.title))

        async def save_share(share: float) -> None:
            await self._save(replace(film, progress=share))

        async with report_progress(save_share, watch) as progress:
            await self._packages.pull(origin.root, progress=progress)
        if await self._save(replace(film, state=FilmState.READY, progress=1.0)):
            self._bus.publish(FilmReady(film.id))

    async def _pull_successor(self, film: Film, watch: Progress | None) -> None:
        """Fetch and check the package that the chain names now. Whatever comes of it, the film plays on."""
        versions = await self._versions.get(film.id)
        successor = versions.successor
        if successor is None or not versions.is_due:
            return
        try:
            await self._fetch_successor(film, successor, watch)
        except (PackageInvalid, InvalidValue) as error:
            _log.warning("the newer package of %s was refused: %s", film.title, error)
            await self._versions.note_successor(film.id, successor.refused(error))
            await self._retention.discard(successor.origin.root)
        except BlockUnavailable as error:
            _log.info("pull of the newer package of %s stopped: %s", film.title, error)
            await self._versions.note_successor(film.id, replace(successor, reason=_NOT_YET))
        except (ContentError, ChainError) as error:
            await self._versions.note_successor(film.id, replace(successor, reason=error.explained))

    async def _fetch_successor(self, film: Film, successor: Successor, watch: Progress | None) -> None:
        await self._manifests.fetch(successor.origin)

        async def save_share(share: float) -> None:
            await self._versions.note_successor(film.id, replace(successor, progress=share, reason=""))

        async with report_progress(save_share, watch) as progress:
            await self._packages.pull(successor.origin.root, progress=progress)
        here = replace(successor, state=SuccessorState.HERE, progress=1.0, reason="")
        if not await self._versions.note_successor(film.id, here):
            await self._retention.release(successor.origin.root)

    async def _mend(self, film: Film, origin: TokenOrigin, watch: Progress | None) -> str:
        """Fetch blocks that were lost again; return why that failed, empty where all is here.

        The film stays playable: all but those blocks is here.
        """
        if await self._packages.complete(origin.root):
            return ""
        _log.warning("blocks of %s were lost on this disk; fetching them again", film.title)
        try:
            await self._packages.pull(origin.root, progress=watch)
        except ContentError as error:
            _log.warning("%s is not whole again: %s", film.title, error)
            return _NOT_YET if isinstance(error, BlockUnavailable) else error.explained
        return ""

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
