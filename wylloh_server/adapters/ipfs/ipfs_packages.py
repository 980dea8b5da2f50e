"""Film packages by root CID: pulled, listed, opened, built, and served to others."""

from __future__ import annotations

import asyncio
import uuid
from contextlib import suppress
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from wylloh_server.adapters.ipfs.car import car_header, car_section
from wylloh_server.adapters.ipfs.cid import ContentId, parse_cid
from wylloh_server.adapters.ipfs.dagpb import UnixfsKind, block_links
from wylloh_server.adapters.ipfs.package_pull import PackagePull
from wylloh_server.adapters.ipfs.reconcile import BUILDING
from wylloh_server.adapters.ipfs.unixfs import list_files, load_node, open_unixfs, resolve
from wylloh_server.adapters.ipfs.unixfs_builder import UnixfsBuilder
from wylloh_server.domain.errors import BlockUnavailable, ContentError, InvalidValue, NotFound

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Collection, Iterator
    from pathlib import Path

    from wylloh_server.adapters.ipfs.block_store import BlockStore
    from wylloh_server.adapters.ipfs.cid import IpfsBlock
    from wylloh_server.adapters.ipfs.gateway_pool import GatewayPool
    from wylloh_server.adapters.ipfs.unixfs import UnixfsFile
    from wylloh_server.domain.ports.content import PackageEntry, Progress, PullLimit
    from wylloh_server.domain.types import Cid


class IpfsPackages:
    """The port `Packages` over a block store and a pool of gateways."""

    def __init__(self, store: BlockStore, gateways: GatewayPool) -> None:
        self._store = store
        self._gateways = gateways
        self._pulling: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def pull(
        self,
        root: Cid,
        *,
        paths: Collection[str] = (),
        limit: PullLimit | None = None,
        lasting: bool = True,
        counted: bool = True,
        progress: Progress | None = None,
    ) -> None:
        """Fetch what is missing of a package and pin it, or fetch only some of its files.

        With `paths` (files or directories in the package; those it lacks are passed over) come all
        directories and the top block of every file too, so that the package can be listed.

        Raises:
            BlockUnavailable: no gateway gave a block; what came is kept.
            StoreFull: no room for all that is missing; what came is kept.
            PackageInvalid: the blocks do not form a UnixFS directory, or are more than they may be; what came
                stays until `discard`.
            InvalidValue: `root` is no CID of a directory.
        """
        cid = parse_cid(root)
        lock = self._pulling.setdefault(cid.text, asyncio.Lock())
        async with lock:
            if await self.complete(cid.text):
                return
            pull = PackagePull(
                self._store,
                self._gateways,
                cid,
                limit=limit,
                lasting=lasting,
                counted=counted,
                progress=progress,
            )
            await (pull.files(paths) if paths else pull.everything())

    async def complete(self, root: Cid) -> bool:
        """Return whether every block of the package is here."""
        return await asyncio.to_thread(self._store.index.is_complete, parse_cid(root).text)

    async def listing(self, root: Cid) -> tuple[PackageEntry, ...]:
        """List the files of a package whose directories and top blocks of files are here.

        The size of a file of at most one block is what the publisher's directory says.

        Raises:
            BlockUnavailable: they are not all here.
        """
        return await list_files(self._store.get, parse_cid(root))

    async def open_file(self, root: Cid, path: str) -> UnixfsFile:
        """Open one file of a package for random access over local blocks.

        Raises:
            NotFound: the package has no such file.
            BlockUnavailable: the way to it is not here.
        """
        return await open_unixfs(self._store.get, await resolve(self._store.get, parse_cid(root), path))

    async def add_folder(self, folder: Path, *, progress: Progress | None = None) -> Cid:
        """Build a package from a folder on disk, store and pin its blocks, and give its root.

        Raises:
            PackageInvalid: something in the folder is neither file nor folder.
            StoreFull: no room.
        """
        loop = asyncio.get_running_loop()

        def report(done: int, total: int) -> None:
            if progress is not None:
                loop.call_soon_threadsafe(progress, done, total)

        return await asyncio.to_thread(self._build, folder, report)

    async def forget(self, root: Cid) -> None:
        """Unpin a package; its blocks go when room is needed."""
        await asyncio.to_thread(self._store.forget_now, parse_cid(root).text)

    async def loosen(self, roots: Collection[Cid]) -> None:
        """Mark some complete packages as loose: their blocks go when room is needed, those of others stay."""
        await asyncio.to_thread(self._store.index.loosen, set(_names(roots)))

    async def stored_bytes(self, roots: Collection[Cid]) -> int:
        """Return how many bytes the blocks here take of some packages."""
        return await asyncio.to_thread(self._store.index.stored_bytes, list(_names(roots)))

    async def sizes(self, roots: Collection[Cid]) -> dict[Cid, int]:
        """Return how many bytes the blocks here take of each package; one without any is left out."""
        names = {root: name for root in roots for name in _names([root])}
        sizes = await asyncio.to_thread(self._store.index.sizes, list(names.values()))
        return {root: sizes[name] for root, name in names.items() if name in sizes}

    async def discard(self, root: Cid) -> None:
        """Unpin a package and delete its blocks, but for those that belong to another package."""
        cid = parse_cid(root)
        # A pull of the same package that is under way would go on without what it has fetched.
        async with self._pulling.setdefault(cid.text, asyncio.Lock()):
            await asyncio.to_thread(self._store.discard_now, cid.text)

    async def published_block(self, cid: Cid) -> bytes | None:
        """Return a checked block if it belongs to a pinned package, else None. For the gateway."""
        try:
            return await asyncio.to_thread(self._published, parse_cid(cid))
        except (ContentError, InvalidValue):
            return None

    async def published_car(self, root: Cid, *, scope: str = "all") -> AsyncIterator[bytes]:
        """Stream a pinned package, or a part of one, as CARv1 in depth-first order, each block once.

        Args:
            root: any block of a pinned package.
            scope: `block` (that one), `entity` (a whole file, or a directory without its files) or `all`.

        Raises:
            NotFound: before the first piece: no pinned package holds `root`.
            ContentError: in mid-stream: a block was damaged on disk. Break the answer off.
        """
        cid = parse_cid(root)
        if not await asyncio.to_thread(self._store.index.is_published, cid.text):
            raise NotFound(f"{cid.text} belongs to no package kept here.")
        yield car_header(cid)
        deep = scope == "all" or (
            scope == "entity" and (await load_node(self._store.get, cid)).kind is not UnixfsKind.DIRECTORY
        )
        seen, waiting = set[ContentId](), [cid]
        while waiting:
            here = waiting.pop()
            if here in seen:
                continue
            seen.add(here)
            data = await self._store.get(here)
            for piece in car_section(here, data):
                yield piece
            if deep:
                waiting += reversed(block_links(here, data))

    def _published(self, cid: ContentId) -> bytes | None:
        return self._store.get_now(cid) if self._store.index.is_published(cid.text) else None

    def _build(self, folder: Path, report: Callable[[int, int], None]) -> Cid:
        total = sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file())
        name, done = BUILDING + uuid.uuid4().hex, 0

        def advanced(size: int) -> None:
            nonlocal done
            done += size
            report(done, total)

        def emit(block: IpfsBlock) -> None:
            self._store.index.adopt(name, [block.cid.text])
            self._store.put_now(block)

        try:
            root = UnixfsBuilder(emit, advanced).folder(folder).cid
            self._store.index.adopt(root.text, self._store.index.members(name))
        finally:
            self._store.forget_now(name)
        if not self._store.complete_now(root):
            raise BlockUnavailable(
                "Blocks vanished while the package was built.",
                fix="Look who deletes files in the data folder.",
            )
        return root.text


def _names(roots: Collection[Cid]) -> Iterator[str]:
    """Return the names of packages as the index has them; a publisher may have registered no CID at all."""
    for root in roots:
        with suppress(InvalidValue):
            yield parse_cid(root).text
