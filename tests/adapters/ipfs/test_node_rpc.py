from __future__ import annotations

import asyncio

import pytest

from tests.adapters.ipfs.recipes import write_folder
from tests.components.jsipfs import jsipfs, node_block
from wylloh_server.adapters.ipfs import NodeRpc
from wylloh_server.adapters.ipfs.cid import RAW, IpfsBlock
from wylloh_server.domain.errors import BlockUnavailable, InvalidValue, PackageInvalid

# ipfshttpclient still names an option that urllib3 2 no longer has.
pytestmark = pytest.mark.filterwarnings("ignore:The 'strict' parameter is no longer needed:FutureWarning")


@pytest.fixture(scope="module")
def address():
    with jsipfs() as found:
        yield found


async def test_a_package_is_added_under_our_root_pinned_and_read_back(address, tmp_path, open_packages):
    folder = write_folder("package", tmp_path)
    packages, node = await open_packages("publisher"), NodeRpc(address)
    root = await packages.add_folder(folder)
    await node.add_folder(folder, root)
    for cid in (root, *(entry.cid for entry in await packages.listing(root))):
        assert await asyncio.to_thread(node_block, address, cid) == await packages.published_block(cid)


async def test_another_root_is_refused(address, tmp_path):
    folder = write_folder("single", tmp_path)
    with pytest.raises(PackageInvalid) as refused:
        await NodeRpc(address).add_folder(folder, IpfsBlock.of(RAW, b"another").cid.text)
    assert refused.value.fix


async def test_a_node_that_is_not_there_or_no_address_at_all(tmp_path):
    folder, root = write_folder("single", tmp_path), IpfsBlock.of(RAW, b"any").cid.text
    with pytest.raises(BlockUnavailable) as gone:
        await NodeRpc("/ip4/127.0.0.1/tcp/1").add_folder(folder, root)
    assert gone.value.fix
    with pytest.raises(InvalidValue):
        await NodeRpc("my node").add_folder(folder, root)


async def test_the_loop_goes_on_while_the_node_thinks(address, tmp_path, open_packages):
    folder = write_folder("package", tmp_path)
    root = await (await open_packages("publisher")).add_folder(folder)
    turns = 0

    async def count():
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    counting = asyncio.create_task(count())
    await NodeRpc(address).add_folder(folder, root)
    counting.cancel()
    assert turns > 10
