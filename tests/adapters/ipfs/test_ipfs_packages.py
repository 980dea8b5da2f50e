from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys

import pytest

from tests.adapters.ipfs.recipes import FOLDERS, MIB, hashes, write_folder
from tests.components.bad_gateway import bad_gateway
from tests.components.good_gateway import good_gateway
from tests.components.serving import serving
from wylloh_server.adapters.ipfs import package_pull, GatewayDeadlines
from wylloh_server.adapters.ipfs.dagpb import block_links
from wylloh_server.adapters.ipfs.car import car_header, car_section, read_car
from wylloh_server.adapters.ipfs.cid import DAG_PB, RAW, IpfsBlock, parse_cid
from wylloh_server.adapters.ipfs.dagpb import UnixfsKind, DagLink, DagNode, encode_node
from wylloh_server.domain.errors import (
    BlockUnavailable,
    InvalidValue,
    NotFound,
    PackageInvalid,
    StoreFull,
)
from wylloh_server.domain.ports.content import PullLimit
from wylloh_server.domain.types import Seconds

BLOCKS = 22
"""How many different blocks the publisher's package has."""
SHORT = GatewayDeadlines(connect=Seconds(3), begin=Seconds(2), pause=Seconds(2), block=Seconds(6))


async def content(packages, root) -> dict[str, bytes]:
    found = {}
    for entry in await packages.listing(root):
        file = await packages.open_file(root, entry.path)
        assert file.size == entry.size
        found[entry.path] = await file.read(0, file.size)
    return found


def stored(folder) -> list[str]:
    return [path.name for path in (folder / "blocks").rglob("*") if path.is_file()]


def on_disk(folder) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


async def test_a_package_is_built_and_reads_as_the_folder(publisher, expected):
    assert await publisher.packages.complete(publisher.root)
    assert await content(publisher.packages, publisher.root) == on_disk(publisher.folder)
    with pytest.raises(NotFound):
        await publisher.packages.open_file(publisher.root, "feature.mp4")


async def test_the_root_is_helias_and_progress_reaches_the_end(open_packages, tmp_path, expected):
    steps = []
    packages = await open_packages("a")
    root = await packages.add_folder(
        write_folder("package", tmp_path), progress=lambda *step: steps.append(step)
    )
    assert root == expected["folders"]["package"]
    await asyncio.sleep(0)
    total = sum(FOLDERS["package"].values())
    assert steps[-1] == (total, total)


async def test_a_pull_brings_everything_in_one_request_and_a_few(publisher, open_packages):
    holder, steps = await open_packages("holder", [publisher.url]), []
    assert not await holder.complete(publisher.root)
    await holder.pull(publisher.root, progress=lambda *step: steps.append(step))
    assert await holder.complete(publisher.root)
    assert await content(holder, publisher.root) == on_disk(publisher.folder)
    assert [done for done, _ in steps] == sorted(done for done, _ in steps)
    assert steps[-1][0] == steps[-1][1]
    assert len(publisher.gateway.asked) == 2
    publisher.gateway.asked.clear()
    await holder.pull(publisher.root)
    assert publisher.gateway.asked == []


@pytest.mark.parametrize("mode", ["corrupt", "truncate", "drop", "stall", "silent", "error"])
@pytest.mark.parametrize("honest_for", [0, 1, 3])
async def test_a_pull_survives_a_bad_gateway(mode, honest_for, publisher, open_packages):
    async with bad_gateway(publisher.url, mode, honest_for=honest_for) as bad:
        holder = await open_packages("holder", [bad.url, publisher.url], deadlines=SHORT)
        await holder.pull(publisher.root)
        assert await holder.complete(publisher.root)
        assert await content(holder, publisher.root) == on_disk(publisher.folder)


async def test_what_came_before_the_gateways_failed_is_kept_and_the_pull_goes_on(
    publisher, open_packages, tmp_path
):
    async with bad_gateway(publisher.url, "error", honest_for=1) as bad:
        holder = await open_packages("holder", [bad.url], deadlines=SHORT)
        with pytest.raises(BlockUnavailable):
            await holder.pull(publisher.root)
        bad.honest_for = len(bad.asked) + 15
        with pytest.raises(BlockUnavailable):
            await holder.pull(publisher.root)
        assert not await holder.complete(publisher.root)
        kept = len(stored(tmp_path / "holder"))
        assert kept > 5
        before = len(bad.asked)
        bad.mode = "honest"
        await holder.pull(publisher.root)
        assert await content(holder, publisher.root) == on_disk(publisher.folder)
        assert len(bad.asked) - before == BLOCKS - kept


async def test_a_pull_into_a_full_store_stops_and_goes_on_when_there_is_room(publisher, open_packages):
    holder = await open_packages("holder", [publisher.url], bound=6 * MIB)
    with pytest.raises(
        StoreFull, match=r"The film needs 1\d\.\d MB more. The block store has room for 6\.3 MB"
    ):
        await holder.pull(publisher.root)
    assert not await holder.complete(publisher.root)
    assert len(publisher.gateway.asked) == 1, "the directory says how much would come"
    publisher.gateway.asked.clear()
    roomy = await open_packages("holder", [publisher.url])
    await roomy.pull(publisher.root)
    assert await content(roomy, publisher.root) == on_disk(publisher.folder)
    assert len(publisher.gateway.asked) == BLOCKS - 1


async def test_blocks_damaged_on_disk_are_fetched_again(publisher, open_packages, tmp_path):
    holder = await open_packages("holder", [publisher.url])
    await holder.pull(publisher.root)
    entry = next(entry for entry in await holder.listing(publisher.root) if entry.path == "trailer.mp4")
    path = next((tmp_path / "holder").rglob(f"blocks/*/{entry.cid}"))
    path.write_bytes(path.read_bytes()[:-1])
    assert await holder.published_block(entry.cid) is None
    assert not await holder.complete(publisher.root)
    await holder.pull(publisher.root)
    assert await holder.published_block(entry.cid) == hashes(MIB)


async def test_some_files_only(publisher, open_packages):
    holder = await open_packages("holder", [publisher.url])
    await holder.pull(publisher.root, paths=["manifest.json", "subtitles", "not-there.jpg"])
    assert [entry.path for entry in await holder.listing(publisher.root)] == sorted(on_disk(publisher.folder))
    for path in ("manifest.json", "subtitles/en.vtt", "subtitles/forced/de.vtt"):
        file = await holder.open_file(publisher.root, path)
        assert await file.read(0, file.size) == (publisher.folder / path).read_bytes()
    file = await holder.open_file(publisher.root, "feature.enc")
    with pytest.raises(BlockUnavailable):
        await file.read(0, 10)
    assert not await holder.complete(publisher.root)
    assert await holder.published_block(publisher.root) is None
    await holder.pull(publisher.root)
    assert await content(holder, publisher.root) == on_disk(publisher.folder)


async def test_two_pulls_of_one_package_fetch_it_once(publisher, open_packages):
    holder = await open_packages("holder", [publisher.url])
    await asyncio.gather(holder.pull(publisher.root), holder.pull(publisher.root))
    assert len(publisher.gateway.asked) == 2


async def test_only_complete_packages_are_served_and_forgotten_ones_no_longer(publisher, open_packages):
    packages = publisher.packages
    root = publisher.root
    leaf = next(entry.cid for entry in await packages.listing(root) if entry.path == "manifest.json")
    assert await packages.published_block(leaf) == hashes(900)
    assert await packages.published_block("../../etc/passwd") is None
    assert await packages.published_block(IpfsBlock.of(RAW, b"else").cid.text) is None
    await packages.forget(root)
    assert await packages.published_block(leaf) is None
    assert not await packages.complete(root)
    with pytest.raises(NotFound):
        await anext(packages.published_car(root))


async def test_a_car_is_in_depth_first_order_each_block_once(publisher):
    store = publisher.packages._store

    async def depth_first(cid, order):
        if cid not in order:
            order.append(cid)
            for link in block_links(cid, await store.get(cid)):
                await depth_first(link, order)
        return order

    stream = read_car(publisher.packages.published_car(publisher.root), parse_cid(publisher.root))
    assert [block.cid async for block in stream] == await depth_first(parse_cid(publisher.root), [])


@pytest.mark.parametrize(("scope", "blocks"), [("block", 1), ("entity", 1), ("all", BLOCKS)])
async def test_cars_of_the_root_by_scope(scope, blocks, publisher):
    stream = read_car(
        publisher.packages.published_car(publisher.root, scope=scope), parse_cid(publisher.root)
    )
    found = [block async for block in stream]
    assert len(found) == len({block.cid for block in found}) == blocks
    assert found[0].cid.text == publisher.root


async def test_the_car_of_a_file_is_the_whole_file(publisher):
    cid = next(e.cid for e in await publisher.packages.listing(publisher.root) if e.path == "feature.enc")
    for scope in ("entity", "all"):
        stream = read_car(publisher.packages.published_car(cid, scope=scope), parse_cid(cid))
        leaves = [block.data async for block in stream if block.cid.codec == RAW]
        assert b"".join(leaves) == hashes(12 * MIB + 17)


def tree(*links: IpfsBlock) -> IpfsBlock:
    return IpfsBlock.of(
        DAG_PB,
        encode_node(
            DagNode(UnixfsKind.DIRECTORY, tuple(DagLink(b.cid, f"{i}", 9) for i, b in enumerate(links)))
        ),
    )


async def hostile(request_blocks, car_blocks):
    """A gateway that gives these blocks one by one, and those as a CAR."""
    from aiohttp import web

    async def answer(request):
        cid = request.path.removeprefix("/ipfs/")
        if request.query["format"] == "raw":
            block = request_blocks.get(cid)
            return web.Response(body=block.data) if block else web.Response(status=404)
        pieces = [car_header(parse_cid(cid))]
        for block in car_blocks:
            pieces += car_section(block.cid, block.data)
        return web.Response(body=b"".join(pieces))

    return serving(answer)


async def test_blocks_nobody_asked_for_are_not_stored(open_packages):
    leaf, stray = IpfsBlock.of(RAW, b"leaf"), IpfsBlock.of(RAW, b"stray")
    root = tree(leaf)
    blocks = {block.cid.text: block for block in (root, leaf)}
    async with await hostile(blocks, [root, stray, leaf]) as url:
        holder = await open_packages("holder", [url])
        await holder.pull(root.cid.text)
        assert await holder.complete(root.cid.text)
        with pytest.raises(BlockUnavailable):
            await holder._store.get(stray.cid)


async def test_an_endlessly_repeated_block_is_cut_off(open_packages):
    leaf, missing = IpfsBlock.of(RAW, b"leaf"), IpfsBlock.of(RAW, b"missing")
    root = tree(leaf, missing)
    async with await hostile({root.cid.text: root}, [root] + [leaf] * 20_000) as url:
        holder = await open_packages("holder", [url])
        with pytest.raises(BlockUnavailable):
            await holder.pull(root.cid.text)


async def test_what_is_no_package_is_refused(open_packages):
    raw, garbage = IpfsBlock.of(RAW, b"a file"), IpfsBlock.of(DAG_PB, b"garbage")
    file = IpfsBlock.of(DAG_PB, encode_node(DagNode(UnixfsKind.FILE, data=b"a file")))
    parent = tree(garbage)
    blocks = {block.cid.text: block for block in (raw, garbage, file, parent)}
    async with await hostile(blocks, []) as url:
        holder = await open_packages("holder", [url])
        for block in blocks.values():
            with pytest.raises(PackageInvalid):
                await holder.pull(block.cid.text)
        with pytest.raises(InvalidValue):
            await holder.pull("film")


async def test_an_invalid_package_takes_no_room_for_good(open_packages):
    leaf, garbage = IpfsBlock.of(RAW, bytes(MIB)), IpfsBlock.of(DAG_PB, b"garbage")
    root = tree(leaf, garbage)
    other = IpfsBlock.of(RAW, hashes(MIB))
    async with await hostile({block.cid.text: block for block in (root, leaf, garbage)}, [root, leaf]) as url:
        holder = await open_packages("holder", [url], bound=MIB + 1000)
        with pytest.raises(PackageInvalid):
            await holder.pull(root.cid.text)
        await holder.discard(root.cid.text)
        await holder._store.put(other)
        assert await holder._store.get(other.cid) == other.data


async def test_files_that_are_too_large_are_refused_before_they_are_fetched(publisher, open_packages):
    holder = await open_packages("holder", [publisher.url])
    with pytest.raises(PackageInvalid, match="its trailer.mp4 is larger than 1,000 bytes"):
        await holder.pull(
            publisher.root, paths=["manifest.json", "trailer.mp4"], limit=PullLimit(1_000, 10 * MIB)
        )
    trailer = next(entry for entry in await holder.listing(publisher.root) if entry.path == "trailer.mp4")
    assert not holder._store.has_now(parse_cid(trailer.cid))
    with pytest.raises(PackageInvalid, match="of its files have more than 500,000 bytes"):
        await holder.pull(publisher.root, paths=["trailer.mp4"], limit=PullLimit(10 * MIB, 500_000))


def lying_file(size, leaves):
    """A file whose directory entry and top node say that it has `size` bytes."""
    links = tuple(DagLink(leaf.cid, "", size) for leaf in leaves)
    node = DagNode(UnixfsKind.FILE, links, blocksizes=(size, *[0] * (len(leaves) - 1)))
    top = IpfsBlock.of(DAG_PB, encode_node(node))
    link = DagLink(top.cid, "manifest.sig", size)
    return top, IpfsBlock.of(DAG_PB, encode_node(DagNode(UnixfsKind.DIRECTORY, (link,))))


@pytest.mark.parametrize("whole", [False, True])
async def test_a_package_that_says_less_than_it_holds_is_cut_off(open_packages, whole, monkeypatch):
    monkeypatch.setattr(package_pull, "_LARGEST_TREE", MIB)
    leaves = [IpfsBlock.of(RAW, bytes([number]) * MIB) for number in range(20)]
    top, root = lying_file(9, leaves)
    async with await hostile({block.cid.text: block for block in (root, top, *leaves)}, []) as url:
        holder = await open_packages("holder", [url])
        some = {} if whole else {"paths": ["manifest.sig"], "limit": PullLimit(MIB, 2 * MIB)}
        with pytest.raises(PackageInvalid, match="it holds more than"):
            await holder.pull(root.cid.text, **some)
        assert await holder.stored_bytes([root.cid.text]) < 14 * MIB
        await holder.discard(root.cid.text)
        assert holder._store.index.total() == 0


async def test_what_is_only_introduced_goes_when_room_is_needed(publisher, open_packages, tmp_path):
    holder = await open_packages("holder", [publisher.url], bound=3 * MIB)
    await holder.pull(publisher.root, paths=["trailer.mp4"], lasting=False)
    assert await holder.stored_bytes([publisher.root]) > MIB
    for number in range(3):
        await holder._store.put(IpfsBlock.of(RAW, bytes([number]) * MIB))
    assert await holder.stored_bytes([publisher.root, "no CID at all"]) == 0


async def test_a_gateway_without_the_package_leaves_the_stream_to_the_next(publisher, open_packages):
    async with await hostile({}, []) as empty:
        holder = await open_packages("holder", [empty, publisher.url])
        await holder.pull(publisher.root)
        assert await holder.complete(publisher.root)
        assert len(publisher.gateway.asked) == 2


async def test_a_tree_that_names_one_block_a_million_times_is_walked_once(open_packages):
    block = IpfsBlock.of(RAW, b"x")
    blocks = {block.cid.text: block}
    for _ in range(20):
        block = tree(*[block] * 20)
        blocks[block.cid.text] = block
    async with await hostile(blocks, []) as url:
        holder = await open_packages("holder", [url])
        await holder.pull(block.cid.text)
        assert await holder.complete(block.cid.text)


PULL = """
import asyncio, sys
from pathlib import Path
from wylloh_server.adapters.ipfs import GatewayPool, IpfsPackages, open_block_store
from wylloh_server.adapters.http.client import http_client

async def main(folder, url, root):
    async with http_client() as client:
        store = await open_block_store(Path(folder))
        await IpfsPackages(store, GatewayPool(client, [url])).pull(root)

asyncio.run(main(*sys.argv[1:]))
"""


async def test_a_pull_killed_in_the_middle_goes_on_where_it_was(publisher, open_packages, tmp_path):
    async with bad_gateway(publisher.url, "silent", honest_for=9) as slow:
        # No CAR: block by block, so that there is a middle.
        async def no_car(request):
            import aiohttp
            from aiohttp import web

            if request.query["format"] == "car":
                return web.Response(status=406)
            async with aiohttp.ClientSession() as session, session.get(slow.url + request.path_qs) as reply:
                return web.Response(status=reply.status, body=await reply.read())

        async with serving(no_car) as url:
            command = [sys.executable, "-c", PULL, str(tmp_path / "holder"), url, publisher.root]
            process = subprocess.Popen(command)
            try:
                while len(stored(tmp_path / "holder")) < 7:
                    assert process.poll() is None
                    await asyncio.sleep(0.01)
            finally:
                process.send_signal(signal.SIGKILL)
                process.wait()
    kept = len(stored(tmp_path / "holder"))
    holder = await open_packages("holder", [publisher.url])
    assert not await holder.complete(publisher.root)
    publisher.gateway.asked.clear()
    await holder.pull(publisher.root)
    assert await content(holder, publisher.root) == on_disk(publisher.folder)
    assert len(publisher.gateway.asked) == BLOCKS - kept > 0


async def test_a_holder_feeds_the_next(publisher, open_packages):
    first = await open_packages("first", [publisher.url])
    await first.pull(publisher.root)
    async with good_gateway(first) as gateway:
        second = await open_packages("second", [gateway.url])
        await second.pull(publisher.root)
        assert await content(second, publisher.root) == on_disk(publisher.folder)


async def test_a_folder_that_cannot_be_built_leaves_nothing_kept(open_packages, tmp_path):
    folder = tmp_path / "film"
    folder.mkdir()
    (folder / "a.bin").write_bytes(hashes(MIB))
    os.mkfifo(folder / "pipe")
    packages = await open_packages("a", bound=3 * MIB)
    with pytest.raises(PackageInvalid):
        await packages.add_folder(folder)
    (folder / "pipe").unlink()
    (folder / "a.bin").write_bytes(hashes(3 * MIB)[::-1][: 2 * MIB + MIB // 2])
    root = await packages.add_folder(folder)
    assert await packages.complete(root)
