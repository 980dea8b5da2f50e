"""One pull of a package: walks the tree of blocks, fetches what is missing, checks what is there."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

from wylloh_server.adapters.ipfs.cid import RAW, ContentId, IpfsBlock, parse_cid
from wylloh_server.adapters.ipfs.dagpb import UnixfsKind, block_links
from wylloh_server.adapters.ipfs.gateway_pool import SIDE_BY_SIDE, GatewayPool
from wylloh_server.adapters.ipfs.unixfs import list_files, load_node
from wylloh_server.domain.errors import BlockCorrupt, BlockUnavailable, PackageInvalid

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from wylloh_server.adapters.ipfs.block_store import BlockStore
    from wylloh_server.domain.ports.content import PackageEntry, Progress, PullLimit

_TRIES = 3
_MOST_REPEATS = 10_000
_LARGEST_TREE = 64 << 20
_TREE_SHARE = 100
"""Directories and inner nodes may take so many bytes, and that part of the files' own, beside the files."""


class PackagePull:
    """Brings a package here. What a killed pull left is found, checked again and built upon."""

    def __init__(
        self,
        store: BlockStore,
        gateways: GatewayPool,
        root: ContentId,
        *,
        limit: PullLimit | None,
        lasting: bool,
        counted: bool,
        progress: Progress | None,
    ) -> None:
        self._store = store
        self._gateways = gateways
        self._root = root
        self._limit = limit
        self._most = _LARGEST_TREE if limit is None else limit.total
        self._lasting = lasting
        self._is_counted = lasting or counted
        self._progress = progress or (lambda _done, _total: None)
        self._done = self._total = 0
        self._seen: set[ContentId] = set()
        self._fresh: set[ContentId] = set()
        self._counted: set[ContentId] = set()

    async def everything(self) -> None:
        """Bring the whole package and pin it."""
        for _ in range(_TRIES):
            self._seen = {self._root}
            await self._begin()
            await self._walk([self._root])
            if await asyncio.to_thread(self._store.complete_now, self._root):
                # Blocks that two files share came once: the publisher's sum counted them twice.
                self._progress(self._done, self._done)
                return
            # Somebody deleted a block meanwhile: nothing is taken for granted any more.
            self._fresh.clear()
        raise BlockUnavailable(
            f"Blocks of {self._root.text} vanish while it is pulled.",
            fix="Look who deletes files in the data folder.",
        )

    async def files(self, paths: Collection[str]) -> None:
        """Bring all directories, each file's top block, and the whole of some files. Nothing is pinned."""
        await self._adopt([self._root])
        entries = await list_files(self.get, self._root)
        chosen = [entry for entry in entries if any(_below(entry.path, path) for path in paths)]
        self._total = sum(entry.size for entry in chosen)
        self._check_sizes(chosen)
        self._seen = {parse_cid(entry.cid) for entry in chosen}
        await self._adopt(self._seen)
        await self._walk(list(self._seen))

    async def get(self, cid: ContentId) -> bytes:
        """Return a block from the store or, if it is missing or damaged there, from a gateway."""
        try:
            data = await self._store.get(cid)
        except (BlockUnavailable, BlockCorrupt):
            block = await self._gateways.block(cid)
            await self._adopt([cid])
            await self._keep(block)
            data = block.data
        self._count(cid, len(data))
        return data

    async def _begin(self) -> None:
        """Fetch the root, and if it is new here, as much as one stream brings."""
        await self._adopt([self._root])
        new = not self._fresh and not await asyncio.to_thread(self._store.has_now, self._root)
        root = await load_node(self.get, self._root)
        if root.kind is not UnixfsKind.DIRECTORY:
            raise PackageInvalid(f"{self._root.text} is no directory.", fix="Check the root CID.")
        self._total = sum(link.tsize for link in root.links)
        if self._limit is None:
            self._most = self._total + self._total // _TREE_SHARE + _LARGEST_TREE
        await self._check_room()
        if new:
            await self._stream([link.cid for link in root.links])

    async def _check_room(self) -> None:
        """Look whether there is room for what is missing, by the sizes that the package's directory names."""
        here = await asyncio.to_thread(self._store.index.stored_bytes, [self._root.text])
        await asyncio.to_thread(self._store.check_room, max(0, self._total - here))

    def _check_sizes(self, chosen: Sequence[PackageEntry]) -> None:
        """Refuse files that are too large before anything of them is fetched."""
        if self._limit is None:
            return
        for entry in chosen:
            if entry.size > self._limit.file:
                raise _refused(f"its {entry.path} is larger than {self._limit.file:,} bytes")
        if self._total > self._limit.total:
            raise _refused(f"{len(chosen)} of its files have more than {self._limit.total:,} bytes")

    async def _stream(self, links: list[ContentId]) -> None:
        """Take the package as one stream. Parents come before children: others' children are not wanted."""
        wanted, repeats = {self._root, *links}, 0

        def belongs(cid: ContentId) -> bool:
            nonlocal repeats
            repeats += cid in self._fresh
            return cid in wanted and repeats <= _MOST_REPEATS

        await self._adopt(links)
        async for block in self._gateways.car(self._root, belongs):
            below = block_links(block.cid, block.data)
            await self._adopt(below)
            await self._keep(block)
            self._count(block.cid, len(block.data))
            wanted.update(below)
            if wanted <= self._fresh:
                return

    async def _keep(self, block: IpfsBlock) -> None:
        if block.cid not in self._fresh:
            await self._store.put(block)
            self._fresh.add(block.cid)

    async def _walk(self, start: list[ContentId]) -> None:
        """Visit every block below some, each once, several at a time, the first of the film first."""
        waiting = start[::-1]
        running: set[asyncio.Task[list[ContentId]]] = set()
        finished: set[asyncio.Task[list[ContentId]]] = set()
        try:
            while waiting or running:
                while waiting and len(running) < SIDE_BY_SIDE:
                    running.add(asyncio.create_task(self._visit(waiting.pop())))
                finished, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                for task in finished:
                    fresh = [link for link in dict.fromkeys(task.result()) if link not in self._seen]
                    self._seen.update(fresh)
                    waiting += reversed(fresh)
        finally:
            for task in running:
                task.cancel()
            # Also those that failed beside the first: what nobody has asked about, asyncio complains of.
            await asyncio.gather(*running, *finished, return_exceptions=True)

    async def _visit(self, cid: ContentId) -> list[ContentId]:
        """Have a block and give its links. One stored a moment ago was checked then."""
        if cid.codec == RAW and cid in self._fresh:
            return []
        data = await self.get(cid)
        links = block_links(cid, data)
        await self._adopt(links)
        return links

    async def _adopt(self, cids: Iterable[ContentId]) -> None:
        names = [cid.text for cid in cids]
        if names and self._is_counted:
            adopt = partial(self._store.index.adopt, self._root.text, names, loose=not self._lasting)
            await asyncio.to_thread(adopt)

    def _count(self, cid: ContentId, size: int) -> None:
        if cid not in self._counted:
            self._counted.add(cid)
            self._done += size
            if self._done > self._most:
                raise _refused(f"it holds more than {self._most:,} bytes")
            self._progress(self._done, max(self._total, self._done))


def _below(path: str, chosen: str) -> bool:
    return path == chosen or path.startswith(chosen.rstrip("/") + "/")


def _refused(why: str) -> PackageInvalid:
    return PackageInvalid(f"This package was refused: {why}.", fix="Ask the publisher to publish it again.")
