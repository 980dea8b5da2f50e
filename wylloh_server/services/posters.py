"""Posters: the publisher's own, or a still from the film; served only to who asked for them."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from contextlib import suppress
from typing import TYPE_CHECKING

from wylloh_server.domain.errors import AccessRefused, ContentError, MediaError, NotFound, StoreFull
from wylloh_server.domain.film import FileRole, Film, FilmState, FolderOrigin, TokenOrigin
from wylloh_server.domain.types import FilmId, Seconds

if TYPE_CHECKING:
    from wylloh_server.domain.access import Viewer
    from wylloh_server.domain.ports.content import Packages
    from wylloh_server.domain.ports.media import Encoder, MediaDoor, SegmentStore
    from wylloh_server.domain.ports.storage import Sessions
    from wylloh_server.domain.types import DeviceId, SessionId
    from wylloh_server.services.manifests import Manifests
    from wylloh_server.services.sources import FilmSources

_TRACK, _NAME = "poster", "poster.jpg"
_WIDTH = 1280
_STILL_AT = 0.2
_LARGEST = 8 << 20
_VERIFIED = (FilmState.INTRODUCED, FilmState.PULLING, FilmState.WAITING, FilmState.STOPPED, FilmState.READY)
"""A film found or refused shows nothing of a package that nobody has checked."""


class Posters:
    """Gives posters and the paths under which one viewer may see them."""

    def __init__(
        self,
        *,
        secret: bytes,
        sessions: Sessions,
        packages: Packages,
        manifests: Manifests,
        sources: FilmSources,
        door: MediaDoor,
        encoder: Encoder,
        store: SegmentStore,
    ) -> None:
        self._secret = secret
        self._sessions = sessions
        self._packages = packages
        self._manifests = manifests
        self._sources = sources
        self._door = door
        self._encoder = encoder
        self._store = store
        self._one_still = asyncio.Lock()

    def url(self, viewer: Viewer, film: Film) -> str:
        """Give the path of a film's poster. Its token is good for this session, device and film only."""
        return f"/play/{film.id}.{self._mac(viewer.session, viewer.device, film.id)}/poster.jpg"

    async def film_of(self, token: str, session: SessionId | None) -> FilmId:
        """Give the film a poster token is for.

        Raises:
            AccessRefused: made for another session or device, forged, or the session has ended.
        """
        name, _, mac = token.partition(".")
        asking = await self._sessions.get(session) if session else None
        expected = "" if asking is None else self._mac(asking.id, asking.device, FilmId(name))
        if not expected or not hmac.compare_digest(mac.encode(errors="replace"), expected.encode()):
            raise AccessRefused("This picture was meant for another screen.", fix="Sign in and reload.")
        return FilmId(name)

    async def jpeg(self, film: Film) -> bytes | None:
        """Give a film's poster; None when there is none (yet)."""
        try:
            if isinstance(film.origin, TokenOrigin):
                return await self._from_package(film.origin) if film.state in _VERIFIED else None
            return await self._from_film(film)
        except (ContentError, MediaError, NotFound, OSError):
            return None

    async def _from_package(self, origin: TokenOrigin) -> bytes | None:
        manifest = await self._manifests.load(origin.root)
        file = manifest.only(FileRole.POSTER)
        if file is None or file.size > _LARGEST:
            return None
        opened = await self._packages.open_file(origin.root, file.path)
        try:
            return await opened.read(0, opened.size)
        finally:
            await opened.close()

    async def _from_film(self, film: Film) -> bytes | None:
        if not isinstance(film.origin, FolderOrigin) or film.state is not FilmState.READY:
            return None
        # One at a time: a first look at a large library must not start a hundred ffmpegs.
        async with self._one_still:
            kept = await self._store.get(film.id, _TRACK, _NAME)
            if kept is None:
                kept = await self._still(film)
                with suppress(StoreFull):
                    await self._store.put(film.id, _TRACK, _NAME, kept)
            return kept

    async def _still(self, film: Film) -> bytes:
        source = await self._sources.open(film)
        try:
            async with self._door.lend(source) as url:
                at = Seconds(film.description.runtime * _STILL_AT)
                return await self._encoder.still(url, at, _WIDTH)
        finally:
            await source.close()

    def _mac(self, session: SessionId, device: DeviceId, film_id: FilmId) -> str:
        text = f"poster|{session}|{device}|{film_id}"
        return hmac.new(self._secret, text.encode(), hashlib.sha256).hexdigest()[:32]
