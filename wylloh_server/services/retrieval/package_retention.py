"""Letting packages go that no film here uses any more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wylloh_server.domain.ports.content import Packages
    from wylloh_server.domain.types import Cid, FilmId
    from wylloh_server.storage.film_versions import FilmVersionRepository


@dataclass(kw_only=True, eq=False)
class PackageRetention:
    """Releases packages. One that any film or title here uses stays, whoever registered it once more."""

    packages: Packages
    versions: FilmVersionRepository

    async def release(self, root: Cid) -> None:
        """Unpin a package unless it is used; its blocks go when room is needed."""
        if not await self.versions.uses(root):
            await self.packages.forget(root)

    async def discard(self, root: Cid, of: FilmId | None = None) -> None:
        """Delete the blocks of a package unless it is used, or they belong to another one too.

        The film `of`, whose package it is, does not count.
        """
        if not await self.versions.uses(root, besides=of):
            await self.packages.discard(root)
