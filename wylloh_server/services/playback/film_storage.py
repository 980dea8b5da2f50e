"""What each film takes on this server's disk, and making room: prepared segments, and copies of packages."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import TYPE_CHECKING

from wylloh_server.domain.errors import InvalidValue, NotFound
from wylloh_server.domain.film import FilmState, FolderOrigin, TokenOrigin
from wylloh_server.domain.types import FilmId
from wylloh_server.services.operations.film_tasks import PULL, TRANSCODE

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from wylloh_server.domain.film import Film
    from wylloh_server.domain.package_version import FilmVersions
    from wylloh_server.domain.ports.content import Packages
    from wylloh_server.domain.ports.media import SegmentStore
    from wylloh_server.domain.types import Cid, TokenReference
    from wylloh_server.services.playback.leases import Leases
    from wylloh_server.services.retrieval.package_retention import PackageRetention
    from wylloh_server.storage.film_versions import FilmVersionRepository
    from wylloh_server.storage.films import FilmRepository
    from wylloh_server.storage.tasks import TaskRepository

_REMOVED = "Its copy was removed here to make room. Who looks after this server can fetch it again."


@dataclass(frozen=True, slots=True)
class FilmUsage:
    """What one film takes, in bytes.

    Attributes:
        film: None for what was prepared of a draft, or of a film that is gone.
        package: blocks of the package that plays; what several packages share counts in each.
        others: blocks of its former packages and of a newer one.
        prepared: segments made for players, and pictures cut out of the film.
        file: a film of one's own in a folder, which is no copy of the server's.
        playing: whether somebody watches it now.
        published: whether it was published here, so that others may have nobody else to fetch it from.
    """

    id: FilmId
    film: Film | None
    package: int
    others: int
    prepared: int
    file: int
    playing: bool
    published: bool

    @property
    def total(self) -> int:
        """What the server itself stores of it."""
        return self.package + self.others + self.prepared


@dataclass(kw_only=True, eq=False)
class FilmStorage:
    """Tells what films take on the disk, and removes what can be had again.

    Attributes:
        keeps_key: whether this server keeps a film's key for its holders, as the one that published it.
        disk: returns the size of the data folder's file system and how much of it is free, in bytes.
    """

    films: FilmRepository
    versions: FilmVersionRepository
    packages: Packages
    retention: PackageRetention
    segments: SegmentStore
    leases: Leases
    tasks: TaskRepository
    keeps_key: Callable[[TokenReference], Awaitable[bool]]
    disk: Callable[[], tuple[int, int]]

    async def usage(self) -> tuple[FilmUsage, ...]:
        """Return what each film takes that takes anything, the largest first."""
        films = {film.id: film for film in await self.films.all()}
        versions, prepared = await self.versions.all(), await self._prepared()
        roots = {film: _roots(films[film], versions.get(film)) for film in films}
        sizes = await self.packages.sizes({root for some in roots.values() for root in some})
        used = [
            await self._usage(
                film, films.get(film), [sizes.get(root, 0) for root in roots.get(film, ())], prepared
            )
            for film in films.keys() | prepared.keys()
        ]
        return tuple(sorted(filter(_takes_room, used), key=attrgetter("total", "file", "id"), reverse=True))

    async def space(self) -> tuple[int, int]:
        """Return the size of the disk and what is free of it, in bytes."""
        return await asyncio.to_thread(self.disk)

    async def remove_prepared(self, film_id: FilmId) -> int:
        """Delete what was prepared of a film; return how many bytes. It is made again when somebody watches.

        Raises:
            InvalidValue: it is played now, or being made ready.
        """
        await self._refuse_busy(film_id, TRANSCODE, "is being made ready")
        freed = (await self._prepared())[film_id]
        for name in await self.segments.sizes():
            if _film_of(name) == film_id:
                await self.segments.forget(name)
        return freed

    async def remove_package(self, film_id: FilmId) -> int:
        """Delete this server's copy of a film from the network; return how many bytes.

        Nobody fetches it again before `fetch_again`.

        Raises:
            NotFound: there is no such film from the network.
            InvalidValue: it is played now or being fetched, was published here, or shares its package.
        """
        film = await self._gated(film_id)
        await self._refuse_busy(film_id, PULL, "is being fetched")
        await self._refuse_needed(film)
        roots = _roots(film, await self.versions.get(film_id))
        freed = sum((await self.packages.sizes(roots)).values())
        # First: from now on nobody fetches it again.
        await self.films.save(replace(film, state=FilmState.STOPPED, progress=0.0, reason=_REMOVED))
        await self.versions.drop_all(film_id)
        for root in roots:
            await self.retention.discard(root, of=film_id)
        return freed

    async def fetch_again(self, film_id: FilmId) -> None:
        """Allow a film to be fetched again whose copy was removed, or whose fetching was stopped.

        Raises:
            NotFound: there is no such film from the network.
            InvalidValue: it was not removed.
        """
        film = await self._gated(film_id)
        if film.state is not FilmState.STOPPED:
            raise InvalidValue(f"{film.title} is not stopped.", fix="Reload the page.")
        await self.films.save(replace(film, state=FilmState.DISCOVERED, reason=""))

    async def _prepared(self) -> Counter[FilmId]:
        prepared = Counter[FilmId]()
        for name, size in (await self.segments.sizes()).items():
            prepared[_film_of(name)] += size
        return prepared

    async def _usage(
        self, film_id: FilmId, film: Film | None, packages: list[int], prepared: Mapping[FilmId, int]
    ) -> FilmUsage:
        origin, token = (film.origin, film.token) if film else (None, None)
        return FilmUsage(
            id=film_id,
            film=film,
            package=sum(packages[:1]),
            others=sum(packages[1:]),
            prepared=prepared.get(film_id, 0),
            file=origin.size if isinstance(origin, FolderOrigin) else 0,
            playing=bool(self.leases.of_film(film_id)),
            published=token is not None and any(packages) and await self.keeps_key(token),
        )

    async def _gated(self, film_id: FilmId) -> Film:
        film = await self.films.get(film_id)
        if film is None or not isinstance(film.origin, TokenOrigin):
            raise NotFound("There is no such film from the network here.", fix="Reload the page.")
        return film

    async def _refuse_busy(self, film_id: FilmId, kind: str, doing: str) -> None:
        if self.leases.of_film(film_id):
            raise InvalidValue(
                "Somebody watches this film now, so nothing of it is removed.",
                fix="Wait until it has ended, or end it under Now playing.",
            )
        if any(task.subject and task.subject.id == film_id for task in await self.tasks.unfinished(kind)):
            raise InvalidValue(f"This film {doing}.", fix="Cancel that under Background tasks first.")

    async def _refuse_needed(self, film: Film) -> None:
        assert isinstance(film.origin, TokenOrigin)  # noqa: S101 - for the type checker: it is one from the network
        if await self.keeps_key(film.origin.token):
            raise InvalidValue(
                f"{film.title} was published here. Without what is here it can be got from nobody, unless "
                "others pinned it.",
                fix="Remove another film, or make the disk larger.",
            )
        if await self.versions.uses(film.origin.root, besides=film.id):
            raise InvalidValue(
                f"Another film or title of this server has the package of {film.title}.",
                fix="Remove another film, or make the disk larger.",
            )


def _film_of(name: str) -> FilmId:
    """Return the film of a name in the segment store: `<film>`, or `<film>-<what it was made of>`."""
    return FilmId(name.partition("-")[0])


def _roots(film: Film, versions: FilmVersions | None) -> list[Cid]:
    """Return a film's packages, the one that plays first."""
    if not isinstance(film.origin, TokenOrigin):
        return []
    beside = (*versions.former, versions.successor) if versions else ()
    return list(dict.fromkeys([film.origin.root, *(one.origin.root for one in beside if one)]))


def _takes_room(usage: FilmUsage) -> bool:
    return bool(usage.total or usage.file)
