"""A film's plaintext, wherever its bytes are: in a package of encrypted blocks, or in a folder."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from wylloh_server.domain.errors import AccessRefused, MediaRefused
from wylloh_server.domain.film import FileRole, Film, FolderOrigin, TokenOrigin, UploadOrigin
from wylloh_server.domain.languages import language_tag
from wylloh_server.domain.rendition import SidecarSubtitles, sidecar_subtitles
from wylloh_server.domain.title import UploadId, UploadKind
from wylloh_server.domain.webvtt import decoded_subtitles

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable

    from wylloh_server.domain.film import PackageFile
    from wylloh_server.domain.ports.content import Folders, Packages, RandomAccess
    from wylloh_server.domain.ports.uploads import Uploads
    from wylloh_server.services.licensing.envelope_client import EnvelopeClient
    from wylloh_server.services.licensing.key_verifier import KeyVerifier
    from wylloh_server.services.retrieval.manifests import Manifests

_TEXT_BYTES = 4 << 20
_MOST_KEYS = 4
"""Keys tried on one film: those that may lie here, and one that is fetched anew."""


@asynccontextmanager
async def opened(opening: Awaitable[RandomAccess]) -> AsyncIterator[RandomAccess]:
    """Keep a file open until the context ends. Raises what opening it raises."""
    source = await opening
    try:
        yield source
    finally:
        await source.close()


@dataclass(kw_only=True, eq=False)
class FilmSources:
    """Opens films. What `open` gives is plaintext, and exists in memory only."""

    packages: Packages
    folders: Folders
    manifests: Manifests
    verifier: KeyVerifier
    keys: EnvelopeClient
    uploads: Uploads

    async def open(self, film: Film) -> RandomAccess:
        """Open a film for random access.

        Raises:
            MediaRefused: the file is gone from its folder, or the upload was removed.
            AccessRefused: there is no key that opens it, and no custodian released one.
            ContentError: the package is not here, or broken.
        """
        if isinstance(film.origin, FolderOrigin):
            return await self._open_file(film.origin.path)
        if isinstance(film.origin, UploadOrigin):
            return await self._open_upload(film.origin.upload)
        return await self._open_package(film, film.origin)

    async def subtitles(self, film: Film) -> tuple[PackageFile, ...] | tuple[SidecarSubtitles, ...]:
        """List the subtitles beside a film, in the clear; of a package in the manifest's order.

        Raises:
            ContentError: the package is not here, or broken.
        """
        if isinstance(film.origin, FolderOrigin):
            return await self._beside(Path(film.origin.path))
        if isinstance(film.origin, UploadOrigin):
            return await self._uploaded_subtitles(film.origin)
        manifest = await self.manifests.load(film.origin.root)
        return tuple(
            replace(file, language=language_tag(file.language)) for file in manifest.all(FileRole.SUBTITLES)
        )

    async def text(self, film: Film, beside: PackageFile | SidecarSubtitles) -> str:
        """Read subtitles that `subtitles` listed, in the format they are in.

        Raises:
            ContentError: the package is not here, or broken.
            MediaRefused: too large, cannot be opened, or no WebVTT in a package.
        """
        if isinstance(film.origin, FolderOrigin):
            opening = self._open_file(beside.path)
        elif isinstance(film.origin, UploadOrigin):
            opening = self._open_upload(UploadId(beside.path))
        else:
            opening = self.packages.open_file(film.origin.root, beside.path)
        async with opened(opening) as source:
            raw = await source.read(0, min(source.size, _TEXT_BYTES + 1))
        if len(raw) > _TEXT_BYTES:
            raise MediaRefused(f"{beside.path} is too large for subtitles.", fix="Use a smaller file.")
        if isinstance(film.origin, FolderOrigin):
            return await asyncio.to_thread(decoded_subtitles, raw, beside.language)
        text = raw.decode("utf-8-sig", errors="replace")
        if not text.startswith("WEBVTT"):
            raise MediaRefused(f"{beside.path} is not WebVTT.", fix="Ask the publisher to publish it again.")
        return text

    async def _beside(self, film: Path) -> tuple[SidecarSubtitles, ...]:
        try:
            return tuple(sidecar_subtitles(path, film) for path in await self.folders.subtitles(film))
        except OSError:
            return ()

    async def _open_file(self, path: str) -> RandomAccess:
        try:
            return await self.folders.open(Path(path))
        except OSError as error:
            raise MediaRefused(
                f"{Path(path).name} cannot be opened: {error.strerror}.",
                fix="Put the file back, or let the server look through its folders again.",
            ) from error

    async def _open_upload(self, upload_id: UploadId) -> RandomAccess:
        upload = await self.uploads.get(upload_id)
        if upload is None:
            raise MediaRefused("This upload is not here any more.", fix="Look at the title's page.")
        return await self.uploads.film(upload).open()

    async def _uploaded_subtitles(self, origin: UploadOrigin) -> tuple[SidecarSubtitles, ...]:
        files = await self.uploads.of_title(origin.title)
        if any(file.id == origin.upload and file.kind is UploadKind.TRAILER for file in files):
            return ()  # they are the film's
        return tuple(
            SidecarSubtitles(file.id, language_tag(file.language))
            for file in files
            if file.kind is UploadKind.SUBTITLES and file.usable
        )

    async def _open_package(self, film: Film, origin: TokenOrigin) -> RandomAccess:
        key = await self.keys.content_key(film)
        for _ in range(_MOST_KEYS):
            opened = await self.verifier.open(origin, key)
            if opened is not None:
                return opened
            key = await self.keys.replaced_key(film, key)
        raise AccessRefused("No key that custodians sent opens this film.", fix="Tell the film's publisher.")
