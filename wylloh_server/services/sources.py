"""A film's plaintext, wherever its bytes are: in a package of encrypted blocks, or in a folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from wylloh_server.domain.errors import MediaRefused, PackageInvalid
from wylloh_server.domain.film import FileRole, Film, FolderOrigin, TokenOrigin
from wylloh_server.domain.languages import language_tag

if TYPE_CHECKING:
    from wylloh_server.domain.ports.content import Folders, Packages, RandomAccess
    from wylloh_server.domain.ports.crypto import FilmCipher
    from wylloh_server.domain.types import ContentKey
    from wylloh_server.services.manifests import Manifests

_TEXT_BYTES = 4 << 20


class ContentKeys(Protocol):
    """Knows the keys of films; `EnvelopeDesk` does."""

    async def content_key(self, film: Film) -> ContentKey:
        """Give the key that opens a film.

        Raises:
            AccessRefused: there is none here.
        """


@dataclass(frozen=True, slots=True)
class SideText:
    """Subtitles that lie beside a film in its package, in the clear. `language` is a BCP 47 tag."""

    path: str
    language: str


class FilmSources:
    """Opens films. What `open` gives is plaintext, and exists in memory only."""

    def __init__(
        self,
        *,
        packages: Packages,
        folders: Folders,
        manifests: Manifests,
        cipher: FilmCipher,
        keys: ContentKeys,
    ) -> None:
        self._packages = packages
        self._folders = folders
        self._manifests = manifests
        self._cipher = cipher
        self._keys = keys

    async def open(self, film: Film) -> RandomAccess:
        """Open a film for random access.

        Raises:
            MediaRefused: the file is gone from its folder.
            AccessRefused: there is no key.
            ContentError: the package is not here, or broken.
            SealBroken: its length is none an encrypted film can have.
        """
        if isinstance(film.origin, FolderOrigin):
            return await self._open_file(film.origin.path)
        return await self._open_package(film, film.origin)

    async def texts(self, film: Film) -> tuple[SideText, ...]:
        """List the subtitles beside a film, in the manifest's order.

        Raises:
            ContentError: the package is not here, or broken.
        """
        if not isinstance(film.origin, TokenOrigin):
            return ()
        manifest = await self._manifests.load(film.origin.root)
        return tuple(
            SideText(file.path, language_tag(file.language)) for file in manifest.all(FileRole.SUBTITLES)
        )

    async def text(self, film: Film, path: str) -> str:
        """Read subtitles that `texts` listed.

        Raises:
            ContentError: the package is not here, or broken.
            MediaRefused: too large, or no WebVTT.
        """
        assert isinstance(film.origin, TokenOrigin)  # noqa: S101 - `texts` lists none for other films
        source = await self._packages.open_file(film.origin.root, path)
        try:
            raw = await source.read(0, min(source.size, _TEXT_BYTES + 1))
        finally:
            await source.close()
        text = raw.decode("utf-8-sig", errors="replace")
        if len(raw) > _TEXT_BYTES or not text.startswith("WEBVTT"):
            raise MediaRefused(f"{path} is not WebVTT.", fix="Ask the publisher to publish it again.")
        return text

    async def _open_file(self, path: str) -> RandomAccess:
        try:
            return await self._folders.open(Path(path))
        except OSError as error:
            raise MediaRefused(
                f"{Path(path).name} cannot be opened: {error.strerror}.",
                fix="Put the file back, or let the server look through its folders again.",
            ) from error

    async def _open_package(self, film: Film, origin: TokenOrigin) -> RandomAccess:
        manifest = await self._manifests.load(origin.root)
        feature = manifest.only(FileRole.FEATURE)
        if feature is None:
            raise PackageInvalid("the package holds no film", fix="Ask the publisher to publish it again.")
        key = await self._keys.content_key(film)
        sealed = await self._packages.open_file(origin.root, feature.path)
        return self._cipher.open(sealed, key, manifest.encryption.associated_data.encode())
