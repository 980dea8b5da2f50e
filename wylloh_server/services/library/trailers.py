"""The trailers of films: a file beside one in a folder, or one in the clear in a package.

Whoever sees a film's page may watch its trailer. It needs no tokens and no lease of the film, counts as no
watching, and nobody keeps how far it was watched.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from cachetools import TTLCache

from wylloh_server.domain.errors import ContentError, NotFound, RetryLater, WyllohError
from wylloh_server.domain.film import (
    TRAILER_FILE,
    Description,
    FileRole,
    Film,
    FilmState,
    FolderOrigin,
    TokenOrigin,
    TrailerOrigin,
    film_id_for,
)
from wylloh_server.domain.ports.content import PullLimit
from wylloh_server.domain.trailer import TRAILER_BYTES
from wylloh_server.domain.types import Seconds
from wylloh_server.services.library.film_sources import opened
from wylloh_server.services.library.posters import VERIFIED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wylloh_server.domain.film import PackageFile
    from wylloh_server.domain.ports.content import Folders, Packages, RandomAccess
    from wylloh_server.domain.types import Cid
    from wylloh_server.services.retrieval.manifests import Manifests

_KNOWN, _KNOWN_SECONDS = 256, 60
"""For how long, and of how many packages, a trailer that was here is taken for here still."""
_PATIENCE_SECONDS = 45
"""For which a browser waits for the first byte of a trailer that has to be fetched."""
_TREE_BYTES = 16 << 20
_PIECE_BYTES = 1 << 20


@dataclass(kw_only=True, eq=False)
class Trailers:
    """Knows which films have a trailer, and opens it."""

    folders: Folders
    packages: Packages
    manifests: Manifests
    _beside: Mapping[PurePath, PurePath] = field(init=False, default_factory=dict)
    _fetching: WeakValueDictionary[Cid, asyncio.Lock] = field(init=False, default_factory=WeakValueDictionary)
    _whole: TTLCache[Cid, bool] = field(init=False, default_factory=lambda: TTLCache(_KNOWN, _KNOWN_SECONDS))

    def note_folders(self, trailers: Mapping[PurePath, PurePath]) -> None:
        """Record the trailers that a look through the folders found, by the files of their films."""
        self._beside = trailers

    async def offers(self, film: Film) -> bool:
        """Return whether a film has a trailer that can be played here."""
        if isinstance(film.origin, TokenOrigin):
            return film.state in VERIFIED and await self._in_package(film.origin) is not None
        return isinstance(film.origin, FolderOrigin) and PurePath(film.origin.path) in self._beside

    async def beside(self, film: Film) -> Film:
        """Return the trailer of a film from a folder, as a film of its own that is in no library.

        Raises:
            NotFound: it has none, or that is not in its folder any more.
        """
        path = self._beside.get(PurePath(film.origin.path)) if isinstance(film.origin, FolderOrigin) else None
        if path is None:
            raise _no_trailer()
        try:
            stamp = await self.folders.stamp(Path(path))
            fingerprint = await self.folders.fingerprint(Path(path))
        except OSError:
            raise _no_trailer() from None
        return Film(
            film_id_for(f"trailer:{film.id}:{path}"),
            Description(f"{film.title}: trailer"),
            TrailerOrigin(str(path), stamp.size, stamp.modified, fingerprint),
            FilmState.READY,
            progress=1.0,
        )

    async def open(self, film: Film) -> RandomAccess:
        """Open the trailer in a film's package, which is fetched where the film itself is not here.

        Raises:
            NotFound: it has none.
            RetryLater: it did not come in time; what came is kept.
            ContentError: it cannot be had now.
        """
        origin = film.origin
        if not isinstance(origin, TokenOrigin) or film.state not in VERIFIED:
            raise _no_trailer()
        file = await self._in_package(origin)
        if file is None:
            raise _no_trailer()
        async with self._fetching.setdefault(origin.root, asyncio.Lock()):
            if origin.root not in self._whole:
                await self._fetch(origin.root, file)
                self._whole[origin.root] = True
        return await self.packages.open_file(origin.root, file.path)

    async def _in_package(self, origin: TokenOrigin) -> PackageFile | None:
        try:
            files = (await self.manifests.load(origin.root)).all(FileRole.TRAILER)
        except WyllohError:  # what is wrong with a package is told elsewhere
            return None
        # Older servers gave this role to whatever else lay in the package.
        known = (file for file in files if file.path == TRAILER_FILE)
        return next((file for file in known if file.size <= TRAILER_BYTES), None)

    async def _fetch(self, root: Cid, file: PackageFile) -> None:
        if await self.packages.complete(root) or await self._is_here(root, file):
            return
        paths, limit = [file.path], PullLimit(file=TRAILER_BYTES, total=TRAILER_BYTES + _TREE_BYTES)
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                # Not counted: what people watch must not use up what a publisher's introductions may take.
                await self.packages.pull(root, paths=paths, limit=limit, lasting=False, counted=False)
        except TimeoutError:
            raise RetryLater(
                "The trailer is still on its way here.", fix="Try again in a minute.", retry_after=Seconds(60)
            ) from None

    async def _is_here(self, root: Cid, file: PackageFile) -> bool:
        """Return whether all of it is here, also of a film being fetched: no second pull waits for that."""
        try:
            async with opened(self.packages.open_file(root, file.path)) as source:
                for start in range(0, source.size, _PIECE_BYTES):
                    await source.read(start, _PIECE_BYTES)
        except (ContentError, NotFound):
            return False
        return True


def _no_trailer() -> NotFound:
    return NotFound("This film has no trailer here.", fix="Go back to the film.")
