from __future__ import annotations

import asyncio

import pytest

from tests.adapters.ipfs.recipes import hashes, write_folder
from tests.components.jsipfs import jsipfs
from tests.components.serving import serving
from wylloh_server.adapters.ipfs import NodeRpc
from wylloh_server.adapters.ipfs.cid import RAW, Block
from wylloh_server.domain.errors import BlockCorrupt, BlockUnavailable, InvalidValue, PackageInvalid

# ipfshttpclient still names an option that urllib3 2 no longer has.
pytestmark = pytest.mark.filterwarnings("ignore:The 'strict' parameter is no longer needed:FutureWarning")


@pytest.fixture(scope="module")
def address():
    with jsipfs() as found:
        yield found


async def test_the_node_says_who_it_is(address):
    identity = await NodeRpc(address).identity()
    assert identity.peer
    assert "0." in identity.version


async def test_a_package_is_added_under_our_root_pinned_and_read_back(address, tmp_path, open_packages):
    folder = write_folder("package", tmp_path)
    packages, node = await open_packages("publisher"), NodeRpc(address)
    root = await packages.add_folder(folder)
    await node.add_folder(folder, root)
    await node.pin(root)
    assert await node.block(root) == await packages.published_block(root)
    for entry in await packages.listing(root):
        assert await node.block(entry.cid) == await packages.published_block(entry.cid)


async def test_another_root_is_refused(address, tmp_path):
    folder = write_folder("single", tmp_path)
    with pytest.raises(PackageInvalid) as refused:
        await NodeRpc(address).add_folder(folder, Block.of(RAW, b"another").cid.text)
    assert refused.value.fix


async def test_a_node_that_lies_is_found_out():
    from aiohttp import web

    async def lie(request):
        return web.Response(body=hashes(10))

    block = Block.of(RAW, b"the truth")
    async with serving(lie) as url:
        host, port = url.removeprefix("http://").split(":")
        with pytest.raises(BlockCorrupt):
            await NodeRpc(f"/ip4/{host}/tcp/{port}").block(block.cid.text)


async def test_a_node_that_is_not_there_or_no_address_at_all():
    with pytest.raises(BlockUnavailable) as gone:
        await NodeRpc("/ip4/127.0.0.1/tcp/1").identity()
    assert gone.value.fix
    with pytest.raises(InvalidValue):
        await NodeRpc("my node").identity()


async def test_the_loop_goes_on_while_the_node_thinks(address):
    turns = 0

    async def count():
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    counting = asyncio.create_task(count())
    await NodeRpc(address).identity()
    counting.cancel()
    assert turns > 10
