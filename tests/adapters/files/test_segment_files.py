from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

import pytest

from tests.components.small_disk import small_disk
from wylloh_server.adapters.files.segment_files import DiskSegmentStore
from wylloh_server.domain.errors import InvalidValue, StoreFull


def files_below(folder):
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


async def test_what_is_put_is_given_and_listed_also_after_a_restart(tmp_path):
    for _ in range(2):
        store = DiskSegmentStore(tmp_path, limit=1000)
        await store.put("film", "v-480p", "0.m4s", b"picture")
        assert await store.get("film", "v-480p", "0.m4s") == b"picture"
    again = DiskSegmentStore(tmp_path, limit=1000)
    assert await again.names("film", "v-480p") == {"0.m4s"}
    assert await again.get("film", "v-480p", "0.m4s") == b"picture"
    assert await again.get("film", "v-480p", "1.m4s") is None
    assert await again.get("other", "v-480p", "0.m4s") is None


async def test_what_a_killed_process_left_half_written_is_dropped(tmp_path):
    (tmp_path / "film" / "a0").mkdir(parents=True)
    (tmp_path / "film" / "a0" / "3.m4s.12-34.partial").write_bytes(b"half")
    assert await DiskSegmentStore(tmp_path, limit=1000).names("film", "a0") == frozenset()
    assert files_below(tmp_path) == set()


async def test_recent_files_come_from_memory(tmp_path):
    store = DiskSegmentStore(tmp_path, limit=1000, hot_bytes=20)
    for name in ("0.m4s", "1.m4s", "2.m4s"):
        await store.put("film", "a0", name, name.encode() * 2)
    for name in ("0.m4s", "1.m4s", "2.m4s"):
        (tmp_path / "film" / "a0" / name).unlink()
    assert await store.get("film", "a0", "2.m4s") == b"2.m4s2.m4s"
    assert await store.get("film", "a0", "0.m4s") is None, (
        "gone from disk behind its back, and no longer in memory"
    )


async def test_the_film_unused_for_longest_makes_room(tmp_path):
    store = DiskSegmentStore(tmp_path, limit=250, hot_bytes=0)
    for film in ("one", "two"):
        await store.put(film, "a0", "0.m4s", bytes(100))
    await store.get("one", "a0", "0.m4s")
    await store.put("three", "a0", "0.m4s", bytes(100))
    assert files_below(tmp_path) == {"one/a0/0.m4s", "three/a0/0.m4s"}
    assert await store.get("two", "a0", "0.m4s") is None


async def test_which_film_was_used_last_is_known_after_a_restart(tmp_path):
    store = DiskSegmentStore(tmp_path, limit=250)
    for film in ("one", "two"):
        await store.put(film, "a0", "0.m4s", bytes(100))
        os.utime(tmp_path / film, (1000, 1000))
    await store.get("one", "a0", "0.m4s")
    await DiskSegmentStore(tmp_path, limit=250).put("three", "a0", "0.m4s", bytes(100))
    assert files_below(tmp_path) == {"one/a0/0.m4s", "three/a0/0.m4s"}


async def test_what_is_made_ahead_takes_no_room_of_its_own_film(tmp_path):
    store = DiskSegmentStore(tmp_path, limit=150)
    await store.put("film", "a0", "0.m4s", bytes(100))
    await store.get("film", "a0", "0.m4s")
    with pytest.raises(StoreFull, match="No room") as caught:
        await store.put("film", "a0", "1.m4s", bytes(100), ahead=True)
    assert "playback.cache_gb" in caught.value.fix
    assert await store.names("film", "a0") == {"0.m4s"}
    await store.put("film", "a0", "0.m4s", bytes(140), ahead=True)


async def test_12_3_a_film_larger_than_the_cache_gives_up_what_was_watched(tmp_path):
    store = DiskSegmentStore(tmp_path, limit=1050, hot_bytes=0)
    await store.put("film", "a0", "init.mp4", bytes(50))
    for number in range(5):  # some of it ahead of who watches
        await store.put("film", "a0", f"{number}.m4s", bytes(200))
    await store.get("film", "a0", "init.mp4")
    for number in range(5, 40):
        assert await store.get("film", "a0", f"{number - 5}.m4s") == bytes(200)
        await store.put("film", "a0", f"{number}.m4s", bytes(200))
    kept = {f"film/a0/{number}.m4s" for number in range(35, 40)}
    assert files_below(tmp_path) == kept | {"film/a0/init.mp4"}


async def test_12_3_what_finds_no_room_is_given_from_memory(tmp_path, caplog):
    store = DiskSegmentStore(tmp_path, limit=150, hot_bytes=500)
    for number in range(4):  # none is watched yet
        await store.put("film", "a0", f"{number}.m4s", bytes([number]) * 100)
    assert files_below(tmp_path) == {"film/a0/0.m4s"}
    assert await store.names("film", "a0") == {f"{number}.m4s" for number in range(4)}
    for number in range(4):
        assert await store.get("film", "a0", f"{number}.m4s") == bytes([number]) * 100
    assert caplog.text.count("It is played from memory") == 1


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EROFS])
async def test_12_3_a_disk_that_takes_nothing_costs_no_viewer_and_no_other_film_but_for_room(
    tmp_path, monkeypatch, number
):
    store = DiskSegmentStore(tmp_path, limit=10_000)
    await store.put("other", "a0", "0.m4s", bytes(100))

    def write_bytes(path, data):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(Path, "write_bytes", write_bytes)
    await store.put("film", "a0", "1.m4s", b"sound")
    assert await store.get("film", "a0", "1.m4s") == b"sound"
    assert (files_below(tmp_path) == set()) is (number == errno.ENOSPC)


async def test_on_a_full_disk_other_films_go_first(tmp_path, monkeypatch):
    store = DiskSegmentStore(tmp_path, limit=10_000, hot_bytes=0)
    await store.put("old", "a0", "0.m4s", bytes(100))
    await store.put("film", "a0", "0.m4s", bytes(100))
    real, room = Path.write_bytes, [0]

    def write_bytes(path, data):
        if (tmp_path / "old").exists() or room[0] < 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(path, data)

    monkeypatch.setattr(Path, "write_bytes", write_bytes)
    await store.put("film", "a0", "1.m4s", bytes(100), ahead=True)
    assert await store.names("old", "a0") == frozenset()
    room[0] = -1
    with pytest.raises(StoreFull, match="disk is full"):
        await store.put("film", "a0", "2.m4s", bytes(100), ahead=True)
    assert await store.names("film", "a0") == {"0.m4s", "1.m4s"}
    assert files_below(tmp_path) == {"film/a0/0.m4s", "film/a0/1.m4s"}


async def test_12_3_segments_leave_room_for_the_database_and_give_theirs_up(tmp_path):
    with small_disk(tmp_path / "disk", 2_000) as disk:
        store = DiskSegmentStore(disk / "segments", limit=1 << 30)
        for number in range(30):
            await store.put("film", "v", f"{number}.m4s", bytes(100_000))
        spared = shutil.disk_usage(disk).total // 20
        assert shutil.disk_usage(disk).free >= spared, "the last part of the disk is not for segments"
        with (disk / "database").open("wb") as database:
            database.write(bytes(spared - 8192))
        await store.give_way()
        assert shutil.disk_usage(disk).free >= spared
        assert await store.get("film", "v", "29.m4s") == bytes(100_000), "who watches goes on from memory"
        await store.give_way()


async def test_forgetting_deletes_everything_of_a_film(tmp_path):
    store = DiskSegmentStore(tmp_path, limit=1000)
    await store.put("film", "a0", "0.m4s", b"sound")
    await store.forget("film")
    await store.forget("film")
    assert await store.get("film", "a0", "0.m4s") is None
    assert files_below(tmp_path) == set()


@pytest.mark.parametrize("name", ["..", "../x", "a/b", "", ".hidden", "x.partial", "a\0b"])
async def test_only_plain_file_names(tmp_path, name):
    store = DiskSegmentStore(tmp_path / "store", limit=1000)
    with pytest.raises(InvalidValue):
        await store.put("film", "a0", name, b"x")
    with pytest.raises(InvalidValue):
        await store.get(name, "a0", "0.m4s")
    assert files_below(tmp_path) == set()
