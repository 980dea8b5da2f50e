from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from wylloh_server.adapters.ipfs.cid import Block, ContentId
from wylloh_server.adapters.ipfs.unixfs_builder import Profile, UnixfsBuilder
from wylloh_server.domain.errors import BlockUnavailable


class MemoryBlocks(dict):
    """Blocks in memory."""

    def __call__(self, block: Block) -> None:
        self[block.cid] = block.data

    async def get(self, cid: ContentId) -> bytes:
        if cid not in self:
            raise BlockUnavailable(f"{cid.text} is not here")
        return self[cid]

    def file(self, content: bytes, chunk: int = 1 << 20, links: int = 1024) -> ContentId:
        return UnixfsBuilder(self, profile=Profile(chunk, links)).file(io.BytesIO(content)).cid


@pytest.fixture
def blocks() -> MemoryBlocks:
    return MemoryBlocks()


@pytest.fixture(scope="session")
def expected() -> dict:
    """CIDs that Helia and ipfs-car gave; see make_fixtures.py."""
    return json.loads((Path(__file__).parent / "data" / "cids.json").read_text())
