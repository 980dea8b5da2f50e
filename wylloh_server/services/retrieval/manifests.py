"""Reading a film's manifest from its package, and checking that the right publisher wrote it."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from cachetools import LRUCache

from wylloh_server.domain.errors import NotFound, PackageInvalid
from wylloh_server.domain.manifest import MANIFEST_FILE, MANIFEST_LIMIT, SIGNATURE_FILE, manifest_from
from wylloh_server.domain.ports.content import PullLimit

if TYPE_CHECKING:
    from wylloh_server.domain.film import Manifest, TokenOrigin
    from wylloh_server.domain.ports.chain import Chain
    from wylloh_server.domain.ports.content import Packages
    from wylloh_server.domain.types import Cid

_KEPT = 256
WORDS_LIMIT = PullLimit(file=MANIFEST_LIMIT, total=16 << 20)
"""Most bytes of manifest and signature, and in all with the package's directories."""


class Manifests:
    """Loads manifests of packages whose blocks are here."""

    def __init__(self, *, packages: Packages, chain: Chain) -> None:
        self._packages = packages
        self._chain = chain
        self._read: LRUCache[Cid, Manifest] = LRUCache(_KEPT)

    async def load(self, root: Cid) -> Manifest:
        """Read a manifest.

        Raises:
            PackageInvalid: missing, too large or malformed.
            ContentError: its blocks are not here.
        """
        manifest = self._read.get(root)
        if manifest is None:
            self._read[root] = manifest = manifest_from(_json(await self._file(root, MANIFEST_FILE)))
        return manifest

    async def fetch(self, origin: TokenOrigin, *, lasting: bool = True) -> Manifest:
        """Fetch a manifest and its signature, and `verify` them; never more than a few megabytes.

        Raises:
            BlockUnavailable, StoreFull: it cannot be had now.
        """
        words = (MANIFEST_FILE, SIGNATURE_FILE)
        await self._packages.pull(origin.root, paths=words, limit=WORDS_LIMIT, lasting=lasting)
        return await self.verify(origin)

    async def verify(self, film: TokenOrigin) -> Manifest:
        """Read a manifest and check it against the chain and its publisher's signature.

        Raises:
            PackageInvalid: it is not what the publisher registered and signed.
            ContentError: its blocks are not here.
            ChainError: the publisher is a contract wallet and cannot be asked now.
        """
        raw = await self._file(film.root, MANIFEST_FILE)
        digest = hashlib.sha256(raw).hexdigest()
        if digest != film.manifest_sha256:
            raise _not_registered("its manifest is not the one registered on the chain")
        manifest = await self.load(film.root)
        if manifest.token != film.token or manifest.publisher != film.publisher:
            raise _not_registered("its manifest names another token or publisher")
        signature = (await self._file(film.root, SIGNATURE_FILE)).decode("ascii", "replace").strip()
        if not await self._chain.signed_manifest(film.publisher, film.token, digest, signature):
            raise _not_registered("the publisher's signature does not fit")
        await self._check_files(film.root, manifest)
        return manifest

    async def _check_files(self, root: Cid, manifest: Manifest) -> None:
        there = {entry.path: (entry.cid, entry.size) for entry in await self._packages.listing(root)}
        for file in manifest.files:
            if there.get(file.path) != (file.cid, file.size):
                raise _not_registered(f"{file.path} in it is not the file its manifest describes")

    async def _file(self, root: Cid, path: str) -> bytes:
        try:
            opened = await self._packages.open_file(root, path)
        except NotFound:
            raise _not_registered(f"it has no {path}") from None
        try:
            if opened.size > MANIFEST_LIMIT:
                raise _not_registered(f"its {path} is larger than {MANIFEST_LIMIT:,} bytes")
            return await opened.read(0, opened.size)
        finally:
            await opened.close()


def _json(raw: bytes) -> object:
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        raise PackageInvalid(
            "The package's manifest is not JSON.", fix="Ask the publisher to publish it again."
        ) from None


def _not_registered(why: str) -> PackageInvalid:
    return PackageInvalid(f"This package was refused: {why}.", fix="Ask the publisher to publish it again.")
