"""The block store: verified blocks on disk, bounded, shared by the processes that use one data folder.

Every block is hashed before it touches the disk and again whenever it is read, so bit rot shows at once: a
millisecond a MiB, next to nothing beside fetching or playing it. Files are the truth; the index beside them
(`blocks.sqlite`) only remembers use and membership, and is worked out again where it does not fit the files.
"""

from __future__ import annotations

import asyncio
import threading
import time
from typing import TYPE_CHECKING

from wylloh_server.adapters.ipfs.block_files import BlockFiles
from wylloh_server.adapters.ipfs.block_index import BlockIndex
from wylloh_server.adapters.ipfs.cid import ContentId, IpfsBlock
from wylloh_server.adapters.ipfs.reconcile import reconcile
from wylloh_server.domain.errors import BlockCorrupt, BlockUnavailable, StoreFull
from wylloh_server.domain.types import Cid

if TYPE_CHECKING:
    from pathlib import Path

_FLUSH_AFTER = 512
_SPARE_BYTES = 16 << 20


class BlockStore:
    """Blocks by CID. Make it with `open_block_store`, end it with `close`. All work happens in threads.

    A block that belongs to a package (`index.adopt`) is never evicted, unless the package is loose; others go
    when room is needed, the longest unused first. A package is complete once all its blocks are on disk, safe
    from a power cut.
    """

    def __init__(self, files: BlockFiles, index: BlockIndex, bound: int | None) -> None:
        self._files = files
        self.index = index
        """What belongs to which package, and what takes how much room."""
        self._bound = bound
        self._writing = threading.Lock()
        self._use_lock = threading.Lock()
        self._used: dict[str, float] = {}

    async def close(self) -> None:
        """Write what is still in memory and close the index."""
        await asyncio.to_thread(self._flush)
        await asyncio.to_thread(self.index.close)

    async def get(self, cid: ContentId) -> bytes:
        """Return a block, checked.

        Raises:
            BlockUnavailable: it is not here.
            BlockCorrupt: it was damaged on disk. It is deleted, and a further pull fetches it again.
        """
        return await asyncio.to_thread(self.get_now, cid)

    async def put(self, block: IpfsBlock) -> None:
        """Keep a block.

        Raises:
            StoreFull: no room on disk or in the bound.
        """
        writing = asyncio.ensure_future(asyncio.to_thread(self.put_now, block))
        try:
            await asyncio.shield(writing)
        except asyncio.CancelledError:
            # A thread cannot be stopped: it must have finished before the store may be closed.
            await asyncio.wait({writing})
            raise

    def get_now(self, cid: ContentId) -> bytes:
        """As `get`, in the calling thread."""
        data = self._files.read(cid.text)
        if data is None:
            if self.index.is_published(cid.text):
                # Somebody deleted it: its packages are complete no longer, and a further pull mends them.
                self.index.remove([cid.text])
            raise BlockUnavailable(
                f"Block {cid.text} is not on this server.", fix="Pull the package; what is here stays."
            )
        try:
            IpfsBlock.checked(cid, data)
        except BlockCorrupt:
            self._files.delete(cid.text)
            self.index.remove([cid.text])
            raise
        self._note_use(cid.text)
        return data

    def put_now(self, block: IpfsBlock) -> None:
        """As `put`, in the calling thread."""
        name, data = block.cid.text, block.data
        if self._files.path(name).exists():
            return
        # One writer at a time: room made for one block must not be taken by another.
        with self._writing:
            self._make_room(len(data))
            try:
                self._files.write(name, data)
            except StoreFull:
                # Old blocks nobody needs may still free the disk.
                if not self._evict(_SPARE_BYTES):
                    raise
                self._files.write(name, data)
            self.index.add([(name, len(data), time.time())])

    def has_now(self, cid: ContentId) -> bool:
        """Return whether a block is here, unchecked."""
        return self._files.path(cid.text).exists()

    def complete_now(self, root: ContentId) -> bool:
        """Pin a package whose blocks were all seen; False if one is gone again meanwhile."""
        if not self._files.sync(self.index.members(root.text)):
            return False
        self._files.pin(root.text)
        self.index.complete(root.text)
        return True

    def forget_now(self, root: str) -> None:
        """Release a package; its blocks stay until room is needed."""
        self._files.unpin(Cid(root))
        self.index.forget(root)

    def discard_now(self, root: str) -> None:
        """Release a package and delete its blocks, but for those that belong to another one."""
        self._files.unpin(Cid(root))
        for cid in self.index.discard(root):
            self._files.delete(cid)

    def check_room(self, wanted: int) -> None:
        """Look whether so many bytes more would fit, before any of them is fetched.

        Raises:
            StoreFull: they would not, whatever were evicted.
        """
        free = self._files.free_bytes()
        left = free if self._bound is None else min(free, self._bound - self.index.total())
        if wanted <= left or wanted <= (left := left + self.index.unprotected()):
            return
        bound = "" if self._bound is None else f", and its bound is {self._bound / 1e6:,.1f} MB"
        raise StoreFull(
            f"The film needs {wanted / 1e6:,.1f} MB more. The block store has room for "
            f"{max(0, left) / 1e6:,.1f} MB{bound}.",
            fix="Free some space, raise ipfs.store_gb, or remove a film. The pull then goes on where it was.",
        )

    def _make_room(self, size: int) -> None:
        """Evict until a block fits in the bound. Another process may fill it again meanwhile: look again."""
        while self._bound is not None and (over := self.index.total() + size - self._bound) > 0:
            if not self._evict(over):
                raise StoreFull(
                    f"The block store's bound of {self._bound / 1e6:.1f} MB is full of films that are kept.",
                    fix="Raise ipfs.store_gb, or remove a film. The pull then goes on where it was.",
                )

    def _evict(self, wanted: int) -> bool:
        """Delete blocks nobody needs; False if there is none."""
        self._flush()
        victims, broken = self.index.evict(wanted)
        for root in broken:
            self._files.unpin(root)
        for victim in victims:
            self._files.delete(victim)
        return bool(victims)

    def _note_use(self, cid: str) -> None:
        # Reading must not wait for the index: uses are gathered and written now and then.
        with self._use_lock:
            self._used[cid] = time.time()
            full = len(self._used) >= _FLUSH_AFTER
        if full:
            self._flush()

    def _flush(self) -> None:
        with self._use_lock:
            used, self._used = self._used, {}
        if used:
            self.index.touch(used)


async def open_block_store(folder: Path, bound: int | None = None) -> BlockStore:
    """Open the block store in a folder, or make one; the index is brought in line with the files.

    Args:
        folder: made if missing; several processes may use it at once.
        bound: how many bytes all blocks together may take; None for what the disk holds.
    """
    return await asyncio.to_thread(_opened, folder, bound)


def _opened(folder: Path, bound: int | None) -> BlockStore:
    files = BlockFiles(folder)
    index = BlockIndex(folder / "blocks.sqlite")
    store = BlockStore(files, index, bound)
    reconcile(files, index, store.get_now)
    return store
