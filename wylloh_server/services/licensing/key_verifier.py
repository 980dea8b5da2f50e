"""Whether a key is a film's: by the commitment in its manifest, and by opening the film's last segment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wylloh_server.domain.errors import ContentError, NotFound, PackageInvalid, SealBroken
from wylloh_server.domain.film import FileRole
from wylloh_server.domain.key_commitment import fits_commitment

if TYPE_CHECKING:
    from wylloh_server.domain.film import Manifest, TokenOrigin
    from wylloh_server.domain.ports.content import Packages, RandomAccess
    from wylloh_server.domain.ports.crypto import FilmCipher
    from wylloh_server.domain.types import ContentKey
    from wylloh_server.services.retrieval.manifests import Manifests

_TELL = "Tell the film's publisher."


@dataclass(kw_only=True, eq=False)
class KeyVerifier:
    """Tries keys on what is here of a package."""

    packages: Packages
    manifests: Manifests
    cipher: FilmCipher

    async def open(self, origin: TokenOrigin, key: ContentKey) -> RandomAccess | None:
        """Open a film with a key whose trial is the last segment; None if it is another film's key.

        Raises:
            PackageInvalid: the package holds no film, or one that the right key does not open.
            ContentError: a block of the package is missing or damaged.
        """
        manifest = await self.manifests.load(origin.root)
        feature = manifest.only(FileRole.FEATURE)
        if feature is None:
            raise PackageInvalid("The package holds no film.", fix="Ask the publisher to publish it again.")
        if not _fits(manifest, key):
            return None
        sealed = await self.packages.open_file(origin.root, feature.path)
        try:
            opened = self.cipher.open(sealed, key, manifest.encryption.associated_data.encode())
            await opened.read(max(0, opened.size - 1), 1)
        except SealBroken:
            await sealed.close()
            if manifest.encryption.key_commitment:
                raise PackageInvalid(
                    "The film in the package is broken: the key that its publisher committed to does not "
                    "open it.",
                    fix="Ask the publisher to publish it again.",
                ) from None
            return None
        except BaseException:
            await sealed.close()
            raise
        return opened

    async def opens(self, origin: TokenOrigin, key: ContentKey) -> bool:
        """Return whether a key opens a package that is here. Raises what `open` raises."""
        opened = await self.open(origin, key)
        if opened is not None:
            await opened.close()
        return opened is not None

    async def verify(self, origin: TokenOrigin, key: ContentKey) -> bool:
        """Try a key on what is here of a film.

        Returns:
            Whether it was proved: by a commitment, also while the film is still pulled, or by the film's last
            segment. False where there is no commitment and that segment is not here yet.

        Raises:
            SealBroken: it is not the film's key.
        """
        try:
            manifest = await self.manifests.load(origin.root)
        except ContentError:
            return False
        if manifest.encryption.key_commitment:
            if not _fits(manifest, key):
                raise SealBroken("The key is not the one that the film's publisher committed to.", fix=_TELL)
            return True
        try:
            opens = await self.opens(origin, key)
        except (ContentError, NotFound):
            return False
        if not opens:
            raise SealBroken("The key does not open the film.", fix=_TELL)
        return True

    async def fitting(self, origin: TokenOrigin, keys: tuple[ContentKey, ...]) -> ContentKey | None:
        """Return the first of some keys that the film's manifest does not exclude."""
        if not keys:
            return None
        try:
            manifest = await self.manifests.load(origin.root)
        except ContentError:
            return keys[0]
        return next((key for key in keys if _fits(manifest, key)), None)


def _fits(manifest: Manifest, key: ContentKey) -> bool:
    """Return whether a key is the one a manifest commits to; every key is where it commits to none."""
    commitment = manifest.encryption.key_commitment
    return not commitment or fits_commitment(key, manifest.token, commitment)
