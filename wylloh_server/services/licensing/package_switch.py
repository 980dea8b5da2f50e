"""Letting a film play from a newer package once that has proved itself, and from the former one again."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from wylloh_server.domain.errors import (
    InvalidValue,
    MediaRefused,
    NotFound,
    PackageInvalid,
    RetryLater,
    WyllohError,
)
from wylloh_server.domain.events import FilmDescribed, FilmReady
from wylloh_server.domain.film import Film, FilmState, TokenOrigin
from wylloh_server.domain.package_version import SuccessorState

if TYPE_CHECKING:
    from wylloh_server.domain.package_version import FilmVersions, FormerPackage, Successor
    from wylloh_server.domain.ports.clock import Clock
    from wylloh_server.domain.ports.content import Packages
    from wylloh_server.domain.types import Cid, FilmId, Seconds
    from wylloh_server.services.licensing.package_trial import PackageTrial
    from wylloh_server.services.operations.event_bus import EventBus
    from wylloh_server.services.retrieval.manifests import Manifests
    from wylloh_server.services.retrieval.package_retention import PackageRetention
    from wylloh_server.storage.film_versions import FilmVersionRepository
    from wylloh_server.storage.films import FilmRepository

_log = logging.getLogger(__name__)


@dataclass(kw_only=True, eq=False)
class PackageSwitch:
    """Switches films between packages: by itself never to one that is not whole, or was not tried.

    Attributes:
        keep_former: how long each package stays after another one has taken its place.
    """

    films: FilmRepository
    versions: FilmVersionRepository
    packages: Packages
    manifests: Manifests
    retention: PackageRetention
    trial: PackageTrial
    bus: EventBus
    clock: Clock
    keep_former: Seconds

    async def run(self) -> None:
        """Try every successor that is here, and release the former packages whose time is over."""
        for film_id, versions in (await self.versions.all()).items():
            try:
                await self._try(film_id, versions)
            except WyllohError as error:
                _log.info("the newer package of %s cannot be taken now: %s", film_id, error)
            await self._expire(versions)

    async def take_over(self, film_id: FilmId) -> None:
        """Switch a film to its successor if that is whole and passes its trial; the end of a fetch.

        Raises:
            RetryLater: the successor is not whole yet.
            PackageInvalid: it was refused.
        """
        versions = await self.versions.get(film_id)
        successor = versions.successor
        if successor is None or versions.kept:
            return
        if successor.state is SuccessorState.REFUSED:
            raise PackageInvalid(successor.reason)
        await self._try(film_id, versions)
        after = await self.versions.get(film_id)
        if after.successor is not None and after.successor.state is SuccessorState.REFUSED:
            raise PackageInvalid(after.successor.reason)
        if after.is_due and after.successor is not None:
            raise RetryLater(after.successor.reason or "The newer package is not whole yet.")

    async def keep(self, film_id: FilmId) -> None:
        """Keep the package that plays, whatever the publisher registers.

        Raises:
            NotFound: there is no such film with a token.
        """
        await self._film(film_id)
        await self.versions.keep(film_id, kept=True)

    async def follow(self, film_id: FilmId) -> None:
        """Follow the publisher to newer packages again; one that was not taken, or stopped, gets another try.

        Raises:
            NotFound: there is no such film with a token.
        """
        await self._film(film_id)
        await self.versions.keep(film_id, kept=False)
        successor = (await self.versions.get(film_id)).successor
        if successor is not None and successor.state not in {SuccessorState.WAITING, SuccessorState.HERE}:
            again = replace(successor, state=SuccessorState.WAITING, reason="")
            await self.versions.note_successor(film_id, again)

    async def take(self, film_id: FilmId, root: Cid) -> None:
        """Switch a film to its successor though its trial did not prove it; it was opened all the same.

        Raises:
            NotFound: there is no such film, or no such successor that waits for this.
            InvalidValue: the film changes at this moment.
        """
        film = await self._film(film_id)
        successor = (await self.versions.get(film_id)).successor
        waits = successor is not None and successor.state is SuccessorState.UNPROVED
        if successor is None or not waits or successor.origin.root != root:
            raise NotFound("This newer version does not wait here any more.", fix="Reload the page.")
        if not await self.packages.complete(root) or not await self._switch(film, successor):
            raise _just_changed()

    async def go_back(self, film_id: FilmId, root: Cid) -> None:
        """Switch a film back to one of its former packages, and keep that.

        Raises:
            NotFound: there is no such film, or the former package is gone.
            InvalidValue: the film changes at this moment.
        """
        film = await self._film(film_id)
        here = await self.former_here(await self.versions.get(film_id))
        former = next((one for one in here if one.origin.root == root), None)
        if former is None:
            raise NotFound("The former version is not here any more.", fix="Reload the page.")
        to = await self._played_from(film, former.origin)
        if not await self.versions.switch_back(film, to, self.clock()):
            raise _just_changed()
        self._tell(film, to)

    async def former_here(self, versions: FilmVersions) -> tuple[FormerPackage, ...]:
        """Return the former packages of a film of which all blocks are here."""
        return tuple([one for one in versions.former if await self.packages.complete(one.origin.root)])

    async def _film(self, film_id: FilmId) -> Film:
        film = await self.films.get(film_id)
        if film is None or film.token is None:
            raise NotFound("There is no such film with a token here.", fix="Go back to the library.")
        return film

    async def _try(self, film_id: FilmId, versions: FilmVersions) -> None:
        film, successor = await self.films.get(film_id), versions.successor
        if film is None or film.state is not FilmState.READY or successor is None or versions.kept:
            return
        if not successor.is_here or not isinstance(film.origin, TokenOrigin):
            return
        if not await self.packages.complete(successor.origin.root):
            await self.versions.note_successor(film_id, replace(successor, state=SuccessorState.WAITING))
        elif successor.state is SuccessorState.HERE and await self._passes(film, film.origin, successor):
            await self._switch(film, successor)

    async def _passes(self, film: Film, present: TokenOrigin, successor: Successor) -> bool:
        """Return whether a successor may be taken by itself, and note why it may not."""
        try:
            await self.trial.run(film, present, successor.origin)
        except RetryLater as error:
            if successor.reason != str(error):
                await self.versions.note_successor(film.id, replace(successor, reason=str(error)))
            return False
        except MediaRefused as error:
            # Its blocks stay: the owner may know better, as with a longer cut of the film.
            unproved = replace(successor, state=SuccessorState.UNPROVED, reason=str(error))
            await self._hold_back(film, unproved)
            return False
        except PackageInvalid as error:
            await self._hold_back(film, successor.refused(error))
            await self.retention.discard(successor.origin.root)
            return False
        return True

    async def _hold_back(self, film: Film, successor: Successor) -> None:
        _log.warning("the newer package of %s was not taken: %s", film.title, successor.reason)
        await self.versions.note_successor(film.id, successor)

    async def _switch(self, film: Film, successor: Successor) -> bool:
        """Switch a film to its successor; the package that it played from stays its days beside others.

        Returns:
            False if film or successor have changed meanwhile.
        """
        to = await self._played_from(film, successor.origin)
        if not await self.versions.switch(film, to, self.clock()):
            return False
        _log.info("%s plays from the package %s now", to.title, successor.origin.root)
        self._tell(film, to)
        return True

    async def _expire(self, versions: FilmVersions) -> None:
        for former in versions.former:
            if self.clock() - former.since >= self.keep_former:
                await self.versions.drop_former(versions.film, former)
                await self.retention.release(former.origin.root)

    async def _played_from(self, film: Film, origin: TokenOrigin) -> Film:
        manifest = await self.manifests.load(origin.root)
        about = manifest.description
        return replace(film, origin=origin, description=about, progress=1.0, reason="", notes=())

    def _tell(self, before: Film, after: Film) -> None:
        if after.description != before.description:
            self.bus.publish(FilmDescribed(after.id, after.title))
        self.bus.publish(FilmReady(after.id))


def _just_changed() -> InvalidValue:
    return InvalidValue("The film has just changed.", fix="Reload the page and try again.")
