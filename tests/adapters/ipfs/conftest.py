from __future__ import annotations

import io
import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.adapters.ipfs.recipes import MIB, hashes, write_folder
from tests.components.good_gateway import good_gateway
from wylloh_server.adapters.ipfs import GatewayPool, IpfsPackages, open_block_store
from wylloh_server.adapters.ipfs.cid import IpfsBlock, ContentId
from wylloh_server.adapters.ipfs.unixfs_builder import UnixfsProfile, UnixfsBuilder
from wylloh_server.domain.errors import BlockUnavailable
from wylloh_server.adapters.http.client import http_client


class MemoryBlocks(dict):
    """Blocks in memory."""

    def __call__(self, block: IpfsBlock) -> None:
        self[block.cid] = block.data

    async def get(self, cid: ContentId) -> bytes:
        if cid not in self:
            raise BlockUnavailable(f"{cid.text} is not here")
        return self[cid]

    def file(self, content: bytes, chunk: int = 1 << 20, links: int = 1024) -> ContentId:
        return UnixfsBuilder(self, profile=UnixfsProfile(chunk, links)).file(io.BytesIO(content)).cid


@pytest.fixture
def blocks() -> MemoryBlocks:
    return MemoryBlocks()


@pytest.fixture(scope="session")
def expected() -> dict:
    """CIDs that Helia and ipfs-car gave; see make_fixtures.py."""
    return json.loads((Path(__file__).parent / "data" / "cids.json").read_text())


@pytest.fixture
async def client():
    async with http_client() as found:
        yield found


@pytest.fixture
async def open_packages(tmp_path, client):
    """Opens a named data folder: `await open_packages("holder", [gateway, …])`."""
    stores = []

    async def opened(name: str, urls=(), bound=None, deadlines=None) -> IpfsPackages:
        store = await open_block_store(tmp_path / name, bound)
        stores.append(store)
        return IpfsPackages(store, GatewayPool(client, urls, deadlines))

    yield opened
    for store in stores:
        await store.close()


@pytest.fixture
async def publisher(tmp_path, open_packages):
    """A publisher's server that holds one package: its gateway, the package's root, and the folder it was made of."""
    packages = await open_packages("publisher")
    folder = write_folder("package", tmp_path)
    (folder / "feature.enc").write_bytes(hashes(12 * MIB + 17))
    root = await packages.add_folder(folder)
    async with good_gateway(packages) as gateway:
        yield SimpleNamespace(packages=packages, folder=folder, root=root, gateway=gateway, url=gateway.url)
