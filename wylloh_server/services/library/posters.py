"""Posters and backdrops: the publisher's own, or a still from the film; served only to who asked for them."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from wylloh_server.domain.errors import AccessRefused, ContentError, MediaError, NotFound, StoreFull
from wylloh_server.domain.film import PICTURES, FileRole, Film, FilmState, FolderOrigin, TokenOrigin
from wylloh_server.domain.types import FilmId
from wylloh_server.services.library.film_sources import opened

if TYPE_CHECKING:
    from wylloh_server.domain.access import Viewer
    from wylloh_server.domain.ports.content import Packages
    from wylloh_server.domain.ports.media import MediaTools, SegmentStore
    from wylloh_server.domain.types import DeviceId, SessionId
    from wylloh_server.services.library.film_sources import FilmSources
    from wylloh_server.services.retrieval.manifests import Manifests
    from wylloh_server.storage.sessions import SessionRepository

_TRACK = "poster"
_NAMES = {FileRole.POSTER: "upright.jpg", FileRole.BACKDROP: "poster.jpg"}
"""Files of the store. The wide one has the name that it had when there was no other."""
_WIDE = 1280
UPRIGHT_WIDTH = 640
"""Pixels of an upright picture that is cut out of a film."""
_LARGEST = 8 << 20
VERIFIED = (FilmState.INTRODUCED, FilmState.PULLING, FilmState.WAITING, FilmState.STOPPED, FilmState.READY)
"""States in which a package was checked; a film found or refused shows nothing of it."""


@dataclass(frozen=True, slots=True)
class PictureUrls:
    """The paths of a film's upright and its wide picture; empty when there is none to be seen."""

    poster: str = ""
    backdrop: str = ""


@dataclass(kw_only=True, eq=False)
class Posters:
    """Gives the pictures of films and the paths under which one viewer may see them."""

    secret: bytes = field(repr=False)
    sessions: SessionRepository
    packages: Packages
    manifests: Manifests
    sources: FilmSources
    media: MediaTools
    store: SegmentStore
    _one_still: asyncio.Lock = field(init=False, default_factory=asyncio.Lock)

    def urls(self, viewer: Viewer | None, film: Film) -> PictureUrls:
        """Return the paths of a film's pictures. Their token is good for this session, device and film.

        Where nobody is signed in it is good for everybody: anybody may fetch the pictures of a package; films
        of the folders have none there. When another file takes its place the paths are others, so that no
        browser shows the old pictures.
        """
        if film.state is FilmState.FAILED or (viewer is None and film.token is None):
            return PictureUrls()
        folder = f"/play/{self.token(viewer, film)}"
        return PictureUrls(f"{folder}/poster.jpg", f"{folder}/backdrop.jpg")

    def trailer_url(self, viewer: Viewer | None, film: Film) -> str:
        """Return the path of the trailer in a film's package, with the same token as that of its pictures."""
        return f"/play/{self.token(viewer, film)}/trailer.mp4"

    def token(self, viewer: Viewer | None, film: Film) -> str:
        """Return what lets a viewer, or everybody, see a film's pictures and its trailer."""
        name = ".".join(filter(None, (film.id, _version(film)[:8])))
        mac = self._mac(name, viewer.session, viewer.device) if viewer else self._mac(name)
        return f"{name}.{mac}"

    async def film_of(self, token: str, session: SessionId | None) -> FilmId:
        """Return the film that a token of its pictures and its trailer is for.

        Raises:
            AccessRefused: made for another session or device, forged, or the session has ended.
        """
        name, _, mac = token.rpartition(".")
        asking = await self.sessions.get(session) if session else None
        expected = [self._mac(name), *([self._mac(name, asking.id, asking.device)] if asking else [])]
        if not any(hmac.compare_digest(mac.encode(errors="replace"), one.encode()) for one in expected):
            raise AccessRefused("This was meant for another screen.", fix="Sign in and reload.")
        return FilmId(name.partition(".")[0])

    async def jpeg(self, film: Film, role: FileRole) -> bytes | None:
        """Return a film's poster or backdrop; of a film with one picture, that; None if there is none."""
        try:
            if isinstance(film.origin, TokenOrigin):
                return await self._from_package(film.origin, role) if film.state in VERIFIED else None
            return await self._from_film(film, role)
        except (ContentError, MediaError, NotFound, OSError):
            return None

    async def _from_package(self, origin: TokenOrigin, role: FileRole) -> bytes | None:
        manifest = await self.manifests.load(origin.root)
        found = (manifest.only(wanted) for wanted in sorted(PICTURES, key=lambda one: one is not role))
        file = next((file for file in found if file is not None), None)
        if file is None or file.size > _LARGEST:
            return None
        opened = await self.packages.open_file(origin.root, file.path)
        try:
            return await opened.read(0, opened.size)
        finally:
            await opened.close()

    async def _from_film(self, film: Film, role: FileRole) -> bytes | None:
        if film.state not in {FilmState.READY, FilmState.AWAY}:
            return None
        place = "-".join(filter(None, (film.id, _version(film)[:12])))
        # One at a time: a first look at a large library must not start a hundred ffmpegs.
        async with self._one_still:
            kept = await self.store.get(place, _TRACK, _NAMES[role])
            if kept is None:
                kept = await self._still(film, role)
                with suppress(StoreFull):
                    await self.store.put(place, _TRACK, _NAMES[role], kept)
            return kept

    async def _still(self, film: Film, role: FileRole) -> bytes:
        upright = role is FileRole.POSTER
        async with opened(self.sources.open(film)) as source:
            probe = await self.media.probe(source)
            return await self.media.still(source, probe, UPRIGHT_WIDTH if upright else _WIDE, upright=upright)

    def _mac(self, name: str, session: SessionId | None = None, device: DeviceId | None = None) -> str:
        """Return what proves a name of pictures for one session on one device, or for everybody."""
        text = f"poster|{session}|{device}|{name}" if session else f"poster|{name}"
        return hmac.new(self.secret, text.encode(errors="replace"), hashlib.sha256).hexdigest()[:32]


def _version(film: Film) -> str:
    return film.origin.fingerprint if isinstance(film.origin, FolderOrigin) else ""
