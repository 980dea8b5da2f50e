from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

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
    store = DiskSegmentStore(tmp_path, limit=250)
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


async def test_a_film_that_alone_is_too_large_is_told_so_and_keeps_what_it_has(tmp_path):
    store = DiskSegmentStore(tmp_path, limit=150)
    await store.put("film", "a0", "0.m4s", bytes(100))
    with pytest.raises(StoreFull, match="No room") as caught:
        await store.put("film", "a0", "1.m4s", bytes(100))
    assert "playback.cache_gb" in caught.value.fix
    assert await store.names("film", "a0") == {"0.m4s"}
    await store.put("film", "a0", "0.m4s", bytes(140))


async def test_on_a_full_disk_other_films_go_first(tmp_path, monkeypatch):
    store = DiskSegmentStore(tmp_path, limit=10_000)
    await store.put("old", "a0", "0.m4s", bytes(100))
    await store.put("film", "a0", "0.m4s", bytes(100))
    real, room = Path.write_bytes, [0]

    def write_bytes(path, data):
        if (tmp_path / "old").exists() or room[0] < 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(path, data)

    monkeypatch.setattr(Path, "write_bytes", write_bytes)
    await store.put("film", "a0", "1.m4s", bytes(100))
    assert await store.names("old", "a0") == frozenset()
    room[0] = -1
    with pytest.raises(StoreFull, match="disk is full"):
        await store.put("film", "a0", "2.m4s", bytes(100))
    assert await store.names("film", "a0") == {"0.m4s", "1.m4s"}
    assert files_below(tmp_path) == {"film/a0/0.m4s", "film/a0/1.m4s"}


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
