"""Helia reads what we build, and we pull what Helia builds."""

from __future__ import annotations

import aiohttp
import pytest

from tests.adapters.ipfs.recipes import FOLDERS, MIB, hashes
from tests.components.helia import helia
from wylloh_server.adapters.ipfs.car import read_car
from wylloh_server.adapters.ipfs.cid import parse_cid


@pytest.fixture(scope="module")
def url():
    with helia() as found:
        yield found


async def post(url: str, data=None) -> str:
    async with aiohttp.ClientSession() as session, session.post(url, data=data) as reply:
        assert reply.status == 200
        return await reply.text()


async def get(url: str) -> bytes:
    async with aiohttp.ClientSession() as session, session.get(url) as reply:
        assert reply.status == 200
        return await reply.read()


async def test_helia_reads_our_car_byte_for_byte(url, publisher):
    await post(f"{url}/car", publisher.packages.published_car(publisher.root))
    for entry in await publisher.packages.listing(publisher.root):
        assert (
            await get(f"{url}/files/{publisher.root}/{entry.path}")
            == (publisher.folder / entry.path).read_bytes()
        )


@pytest.mark.parametrize("name", FOLDERS)
async def test_we_pull_what_helia_built_over_its_gateway(url, name, open_packages, expected):
    root = await post(f"{url}/folders/{name}")
    assert root == expected["folders"][name]
    holder = await open_packages("holder", [url])
    await holder.pull(root)
    assert await holder.complete(root)
    assert {entry.path: entry.size for entry in await holder.listing(root)} == FOLDERS[name]
    for path, size in FOLDERS[name].items():
        file = await holder.open_file(root, path)
        assert await file.read(0, size) == hashes(size)


async def test_we_pull_block_by_block_from_helia_what_a_broken_car_lacks(url, publisher, open_packages):
    from tests.components.bad_gateway import bad_gateway

    await post(f"{url}/car", publisher.packages.published_car(publisher.root))
    async with bad_gateway(publisher.url, "truncate", honest_for=1) as bad:
        holder = await open_packages("holder", [bad.url, url])
        await holder.pull(publisher.root)
        file = await holder.open_file(publisher.root, "feature.enc")
        assert await file.read(0, file.size) == hashes(12 * MIB + 17)


async def test_helias_car_and_ours_hold_the_same_blocks(url, publisher):
    async def blocks(car: bytes) -> list[str]:
        async def once():
            yield car

        return [block.cid.text async for block in read_car(once(), parse_cid(publisher.root))]

    await post(f"{url}/car", publisher.packages.published_car(publisher.root))
    ours = b"".join([piece async for piece in publisher.packages.published_car(publisher.root)])
    helias = await get(f"{url}/ipfs/{publisher.root}?format=car&dag-scope=all")
    assert sorted(await blocks(ours)) == sorted(set(await blocks(helias)))
