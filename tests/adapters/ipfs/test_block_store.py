from __future__ import annotations

import asyncio
import multiprocessing
import os
import shutil
import sqlite3
import subprocess
from contextlib import asynccontextmanager

import pytest

from tests.adapters.ipfs.recipes import hashes
from wylloh_server.adapters.ipfs import open_block_store
from wylloh_server.adapters.ipfs.cid import RAW, IpfsBlock
from wylloh_server.domain.errors import BlockCorrupt, BlockUnavailable, StoreFull

KIB = 1 << 10
BLOCKS = [IpfsBlock.of(RAW, bytes([number]) * 100 * KIB) for number in range(12)]


@asynccontextmanager
async def opened(folder, bound=None):
    store = await open_block_store(folder, bound)
    try:
        yield store
    finally:
        await store.close()


def here(store) -> set[int]:
    return {number for number, block in enumerate(BLOCKS) if store.has_now(block.cid)}


async def test_blocks_come_back_also_after_a_restart(tmp_path):
    async with opened(tmp_path) as store:
        for block in BLOCKS:
            await store.put(block)
            await store.put(block)
        assert store.index.total() == 12 * 100 * KIB
    async with opened(tmp_path) as store:
        assert [await store.get(block.cid) for block in BLOCKS] == [block.data for block in BLOCKS]
        with pytest.raises(BlockUnavailable):
            await store.get(IpfsBlock.of(RAW, b"never stored").cid)


def test_bytes_that_do_not_fit_never_become_a_block():
    with pytest.raises(BlockCorrupt):
        IpfsBlock.checked(BLOCKS[0].cid, BLOCKS[1].data)


async def test_damage_on_disk_is_noticed_deleted_and_makes_the_package_incomplete(tmp_path):
    root = BLOCKS[0].cid
    async with opened(tmp_path) as store:
        for block in BLOCKS[:3]:
            await store.put(block)
        store.index.adopt(root.text, [block.cid.text for block in BLOCKS[:3]])
        assert store.complete_now(root)
        path = next(tmp_path.rglob(BLOCKS[2].cid.text))
        path.write_bytes(path.read_bytes()[:-1] + b"x")
        with pytest.raises(BlockCorrupt):
            await store.get(BLOCKS[2].cid)
        assert not path.exists()
        assert not store.index.is_complete(root.text)
        assert not store.complete_now(root)
        await store.put(BLOCKS[2])
        assert store.complete_now(root)


async def test_the_longest_unused_blocks_go_first_and_kept_ones_never(tmp_path):
    async with opened(tmp_path, 5 * 100 * KIB) as store:
        for block in BLOCKS[:5]:
            await store.put(block)
        store.index.adopt("film", [BLOCKS[0].cid.text])
        await store.get(BLOCKS[1].cid)
        await store.put(BLOCKS[5])
        await store.put(BLOCKS[6])
        assert here(store) == {0, 1, 4, 5, 6}
        assert store.index.total() == 5 * 100 * KIB


async def test_a_bound_full_of_kept_films_is_said_and_forgetting_one_makes_room(tmp_path):
    async with opened(tmp_path, 3 * 100 * KIB) as store:
        store.index.adopt("film", [block.cid.text for block in BLOCKS])
        for block in BLOCKS[:3]:
            await store.put(block)
        with pytest.raises(StoreFull) as full:
            await store.put(BLOCKS[3])
        assert full.value.fix
        assert here(store) == {0, 1, 2}
        store.forget_now("film")
        await store.put(BLOCKS[3])
        assert 3 in here(store)


async def test_a_loose_package_is_kept_until_room_is_needed_and_is_whole_no_longer_then(tmp_path):
    async with opened(tmp_path, 4 * 100 * KIB) as store:
        films = [tuple(BLOCKS[:2]), tuple(BLOCKS[1:4])]
        for film in films:
            store.index.adopt(film[0].cid.text, [block.cid.text for block in film])
            for block in film:
                await store.put(block)
            assert store.complete_now(film[0].cid)
        first, second = (film[0].cid.text for film in films)
        store.index.loosen([first])
        assert store.index.is_complete(first)
        assert store.index.unprotected() == 100 * KIB, "the other block is the kept film's too"
        store.index.loosen([])
        assert store.index.unprotected() == 0
        store.index.loosen([first])
        await store.put(BLOCKS[5])
        assert here(store) == {1, 2, 3, 5}
        assert (store.index.is_complete(first), store.index.is_complete(second)) == (False, True)
    async with opened(tmp_path, 4 * 100 * KIB) as store:
        assert (store.index.is_complete(first), store.index.is_complete(second)) == (False, True)


async def test_discarding_a_package_leaves_what_another_one_shares_with_it(tmp_path):
    async with opened(tmp_path) as store:
        for block in BLOCKS[:3]:
            await store.put(block)
        store.index.adopt("bad", [block.cid.text for block in BLOCKS[:2]])
        store.index.adopt("good", [block.cid.text for block in BLOCKS[1:3]])
        store.discard_now("bad")
        assert here(store) == {1, 2}
        assert store.index.total() == 2 * 100 * KIB


async def test_an_index_of_an_earlier_version_is_brought_up_to_date(tmp_path):
    async with opened(tmp_path) as store:
        await store.put(BLOCKS[0])
        store.index.adopt("film", [BLOCKS[0].cid.text])
    with sqlite3.connect(tmp_path / "blocks.sqlite") as connection:
        connection.execute("ALTER TABLE roots DROP COLUMN loose")
    connection.close()
    async with opened(tmp_path) as store:
        assert (store.index.roots().keys(), store.index.unprotected()) == ({"film"}, 0)


async def test_many_writers_stay_within_the_bound(tmp_path):
    async with opened(tmp_path, 4 * 100 * KIB) as store:
        await asyncio.gather(*map(store.put, BLOCKS))
        assert store.index.total() <= 4 * 100 * KIB
        assert sum(path.stat().st_size for path in (tmp_path / "blocks").rglob("*") if path.is_file()) == (
            store.index.total()
        )


@pytest.mark.parametrize("damage", ["deleted", "overwritten", "cut", "empty"])
async def test_a_lost_or_damaged_index_is_worked_out_again(tmp_path, damage, blocks):
    root = blocks.file(hashes(2000), 100, 4)
    async with opened(tmp_path) as store:
        for cid, data in blocks.items():
            await store.put(IpfsBlock(cid, data))
        await store.put(BLOCKS[0])
        store.index.adopt(root.text, [cid.text for cid in blocks])
        assert store.complete_now(root)
        total = store.index.total()
    index = tmp_path / "blocks.sqlite"
    match damage:
        case "deleted":
            index.unlink()
        case "overwritten":
            index.write_bytes(b"not a database" * 1000)
        case "cut":
            os.truncate(index, 5000)
        case "empty":
            os.truncate(index, 0)
    async with opened(tmp_path) as store:
        assert store.index.total() == total
        assert store.index.is_complete(root.text)
        assert all(store.index.is_published(cid.text) for cid in blocks)
        assert not store.index.is_published(BLOCKS[0].cid.text)


async def test_a_package_with_a_deleted_file_is_not_complete_after_a_restart(tmp_path, blocks):
    root = blocks.file(hashes(2000), 100, 4)
    async with opened(tmp_path) as store:
        for cid, data in blocks.items():
            await store.put(IpfsBlock(cid, data))
        store.index.adopt(root.text, [cid.text for cid in blocks])
        assert store.complete_now(root)
    next(path for path in (tmp_path / "blocks").rglob("*") if path.is_file()).unlink()
    async with opened(tmp_path) as store:
        assert not store.index.is_complete(root.text)
    (tmp_path / "blocks.sqlite").unlink()
    async with opened(tmp_path) as store:
        assert not store.index.is_complete(root.text)


async def test_foreign_files_in_the_folder_are_left_alone(tmp_path):
    async with opened(tmp_path) as store:
        await store.put(BLOCKS[0])
    shelf = next((tmp_path / "blocks").iterdir())
    (shelf / "notes.txt").write_text("mine")
    async with opened(tmp_path, 100) as store:
        with pytest.raises(StoreFull):
            await store.put(BLOCKS[1])
    assert (shelf / "notes.txt").read_text() == "mine"


async def test_half_written_blocks_are_swept_away_when_old_and_never_seen(tmp_path):
    async with opened(tmp_path):
        pass
    old, new = tmp_path / "new" / "old", tmp_path / "new" / "new"
    old.write_bytes(b"half")
    new.write_bytes(b"half")
    os.utime(old, (0, 0))
    async with opened(tmp_path) as store:
        assert not old.exists()
        assert new.exists()
        assert store.index.total() == 0


def _put_many(folder: str, first: int) -> None:
    async def work():
        async with opened(folder_path, 20 * 100 * KIB) as store:
            for number in range(first, first + 30):
                await store.put(IpfsBlock.of(RAW, bytes([number]) * 100 * KIB))

    from pathlib import Path

    folder_path = Path(folder)
    asyncio.run(work())


def test_two_processes_share_a_folder(tmp_path):
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_put_many, args=(str(tmp_path), first)) for first in (0, 100)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0, 0]

    async def look():
        async with opened(tmp_path) as store:
            files = [path for path in (tmp_path / "blocks").rglob("*") if path.is_file()]
            assert store.index.total() == len(files) * 100 * KIB
            # Each process may be about to write while the other counts.
            assert 15 <= len(files) <= 22

    asyncio.run(look())


@pytest.fixture
def small_disk(tmp_path):
    mount = shutil.which("mount")
    disk = tmp_path / "disk"
    disk.mkdir()
    if mount is None or subprocess.run([mount, "-t", "tmpfs", "-o", "size=1500k", "tmpfs", disk]).returncode:
        pytest.skip("only root may mount a small disk")
    yield disk
    subprocess.run(["umount", disk], check=True)


async def test_a_full_disk_stops_cleanly_and_goes_on_when_there_is_room(small_disk):
    filler = small_disk / "filler"
    filler.write_bytes(bytes(600 * KIB))
    async with opened(small_disk) as store:
        store.index.adopt("film", [block.cid.text for block in BLOCKS])
        with pytest.raises(StoreFull) as full:
            for block in BLOCKS:
                await store.put(block)
        assert full.value.fix
        kept = here(store)
        assert 2 <= len(kept) < 12
        assert not list((small_disk / "new").iterdir())
        filler.unlink()
        for block in BLOCKS:
            await store.put(block)
        assert here(store) == set(range(12))


async def test_12_3_blocks_leave_the_database_its_room(small_disk):
    async with opened(small_disk) as store:
        with pytest.raises(StoreFull, match="disk is full"):
            for number in range(100):
                block = IpfsBlock.of(RAW, bytes([number]) * 20 * KIB)
                store.index.adopt("film", [block.cid.text])
                await store.put(block)
        disk = shutil.disk_usage(small_disk)
        assert disk.free >= disk.total // 20
        with pytest.raises(StoreFull, match="has room for"):
            store.check_room(disk.free)


async def test_on_a_full_disk_blocks_nobody_keeps_make_room(small_disk):
    (small_disk / "filler").write_bytes(bytes(600 * KIB))
    async with opened(small_disk) as store:
        for block in BLOCKS:
            await store.put(block)
        assert 11 in here(store)
        assert len(here(store)) < 12


async def test_files_of_a_file_manager_among_the_blocks_do_not_break_the_start(tmp_path):
    """macOS leaves a .DS_Store in every folder that somebody looked into."""
    async with opened(tmp_path):
        pass
    shelf = tmp_path / "blocks" / "aa"
    shelf.mkdir()
    for folder in (tmp_path / "blocks", tmp_path / "pins", shelf):
        (folder / ".DS_Store").write_bytes(b"Bud1")
    async with opened(tmp_path) as store:
        assert here(store) == set()
    assert (shelf / ".DS_Store").exists()
