import asyncio
import os
import threading
import time
from dataclasses import replace

import pytest

from tests.components.small_disk import fill, small_disk
from wylloh_server.adapters.files.upload_files import PIECE, EncryptedUploads
from wylloh_server.domain.errors import InvalidValue, RetryLater, SealBroken, StoreFull
from wylloh_server.domain.access import Role
from wylloh_server.domain.title import TitleId, Upload, UploadId, UploadKind
from wylloh_server.domain.types import parse_wallet
from wylloh_server.storage import open_database

SIZE = 2 * PIECE + 1234
SECRET = bytes(range(32))
CONTENT = (b"a film nobody may find on the disk " * (SIZE // 35 + 1))[:SIZE]
UPLOAD = Upload(UploadId("ab" * 16), TitleId("01" * 8), UploadKind.FEATURE, "film.mp4", SIZE)


async def sent(*pieces, then=None):
    for piece in pieces:
        yield piece
    if then is not None:
        raise then


@pytest.fixture
def uploads(tmp_path):
    return EncryptedUploads(tmp_path / "uploads", SECRET)


async def arrived(uploads, upload=UPLOAD, content=CONTENT):
    await uploads.begin(upload)
    received = await uploads.append(upload, sent(content))
    return replace(upload, received=received)


async def test_a_film_comes_whole_and_lies_encrypted(uploads, tmp_path):
    whole = await arrived(uploads)
    assert whole.whole and await uploads.get(UPLOAD.id) == whole
    assert await uploads.of_title(UPLOAD.title) == (whole,)
    assert await uploads.content(whole) == CONTENT
    stored = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert b"nobody may find" not in stored


@pytest.mark.parametrize("offset, length", [(0, 10), (PIECE - 5, 10), (SIZE - 7, 100), (SIZE, 1), (17, SIZE)])
async def test_any_part_can_be_read(uploads, offset, length):
    opened = await uploads.film(await arrived(uploads)).open()
    try:
        assert await opened.read(offset, length) == CONTENT[offset : offset + length]
    finally:
        await opened.close()


async def test_it_reads_as_a_stream(uploads):
    with uploads.film(await arrived(uploads)).stream() as stream:
        assert stream.read(100) + stream.read() == CONTENT


async def test_a_dropped_connection_keeps_whole_mebibytes_and_the_rest_follows(uploads, tmp_path):
    await uploads.begin(UPLOAD)
    with pytest.raises(ConnectionResetError):
        await uploads.append(UPLOAD, sent(CONTENT[: PIECE + 99], then=ConnectionResetError()))
    again = EncryptedUploads(tmp_path / "uploads", SECRET)
    half = await again.get(UPLOAD.id)
    assert half.received == PIECE
    await again.append(half, sent(CONTENT[PIECE:]))
    assert await again.content(await again.get(UPLOAD.id)) == CONTENT


async def test_half_a_record_left_by_a_crash_is_written_anew(uploads, tmp_path):
    await uploads.begin(UPLOAD)
    await uploads.append(UPLOAD, sent(CONTENT[:PIECE]))
    with (tmp_path / "uploads" / UPLOAD.id / "data").open("ab") as file:
        file.write(b"half")
    half = await uploads.get(UPLOAD.id)
    assert half.received == PIECE
    await uploads.append(half, sent(CONTENT[PIECE:]))
    assert await uploads.content(await uploads.get(UPLOAD.id)) == CONTENT


async def test_from_another_place_than_it_is_at_nothing_is_taken(uploads):
    whole = await arrived(uploads)
    with pytest.raises(RetryLater, match="moved on"):
        await uploads.append(UPLOAD, sent(b"x"))
    assert await uploads.content(whole) == CONTENT


async def test_more_than_was_announced_is_refused(uploads):
    await uploads.begin(UPLOAD)
    with pytest.raises(InvalidValue, match="longer"):
        await uploads.append(UPLOAD, sent(CONTENT, b"x"))


async def test_a_whole_file_is_not_opened_for_writing_again(uploads):
    """An empty piece at its end cut off its last record, and another one could be sent in its place."""
    whole = await arrived(uploads)
    assert await uploads.append(whole, sent(b"")) == SIZE
    assert await uploads.get(UPLOAD.id) == whole
    with pytest.raises(InvalidValue, match="longer"):
        await uploads.append(whole, sent(b"x"))
    assert await uploads.content(whole) == CONTENT


async def test_a_digest_tells_one_stored_content_from_another(uploads):
    whole = await arrived(uploads)
    first = await uploads.digest(whole)
    assert await uploads.digest(whole) == first
    await uploads.remove(UPLOAD.id)
    changed = await arrived(uploads, content=CONTENT[:-1] + b"x")
    assert await uploads.digest(changed) != first


async def test_what_belongs_to_other_titles_and_is_whole_is_not_opened_to_begin_or_find_one(
    tmp_path, monkeypatch
):
    """Each begin read every upload on the disk, twice; the index is read once, and again after a start."""
    uploads, small = EncryptedUploads(tmp_path / "uploads", SECRET), []
    for number in range(6):
        title = TitleId(f"{number % 3:016x}")
        small.append(replace(UPLOAD, id=UploadId(f"{9 - number:032x}"), title=title, size=4))
        await arrived(uploads, small[-1], b"film")
    await uploads.begin(replace(UPLOAD, id=UploadId("ee" * 16)))
    read, real = [], type(tmp_path).read_bytes
    monkeypatch.setattr(type(tmp_path), "read_bytes", lambda path: read.append(path) or real(path))
    await uploads.begin(replace(UPLOAD, id=UploadId("ef" * 16)))
    assert {path.parent.name for path in read} == {"ee" * 16}
    read.clear()
    found = [one.id for one in await uploads.of_title(small[0].title)]
    assert found == [small[0].id, small[3].id], "oldest first"
    assert {path.parent.name for path in read} == set(found)

    again = EncryptedUploads(tmp_path / "uploads", SECRET)
    assert [one.id for one in await again.of_title(small[0].title)] == found
    await again.remove(small[0].id)
    assert [one.id for one in await again.of_title(small[0].title)] == [small[3].id]
    assert len(await again.of_title(UPLOAD.title)) == 2


@pytest.mark.parametrize("damage", ["flip", "swap", "cut"])
async def test_damage_is_noticed(uploads, tmp_path, damage):
    whole = await arrived(uploads)
    path = tmp_path / "uploads" / UPLOAD.id / "data"
    data, record = path.read_bytes(), PIECE + 28
    spoilt = {
        "flip": data[:50] + bytes([data[50] ^ 1]) + data[51:],
        "swap": data[record : 2 * record] + data[:record] + data[2 * record :],
        "cut": data[:-1],
    }
    path.write_bytes(spoilt[damage])
    with pytest.raises(SealBroken, match="damaged"):
        await uploads.content(whole)


async def test_another_server_cannot_read_it(uploads, tmp_path):
    whole = await arrived(uploads)
    with pytest.raises(SealBroken):
        await EncryptedUploads(tmp_path / "uploads", os.urandom(32)).content(whole)


@pytest.mark.parametrize("name", ["../uploads/x", "..", "", "ab", "/etc"])
async def test_a_name_is_never_a_path(uploads, name):
    await arrived(uploads)
    assert await uploads.get(UploadId(name)) is None


async def test_an_empty_film_and_a_removed_one(uploads):
    empty = replace(UPLOAD, size=0)
    await uploads.begin(empty)
    assert (await uploads.get(empty.id)).whole
    await uploads.remove(empty.id)
    assert await uploads.get(empty.id) is None


async def test_an_upload_that_vanishes_while_they_are_listed_hides_no_other(uploads, tmp_path):
    """Another title's upload is removed between the list of folders and the look at each."""
    whole = await arrived(uploads)
    gone = threading.Event()

    def churn():
        number = 0
        while not gone.is_set():
            folder = tmp_path / "uploads" / f"{number:032x}"
            folder.mkdir()
            folder.rmdir()
            number += 1

    thread = threading.Thread(target=churn)
    thread.start()
    try:
        for _ in range(300):
            assert await uploads.of_title(UPLOAD.title) == (whole,)
    finally:
        gone.set()
        thread.join()


async def test_nobody_goes_on_with_an_upload_before_the_one_before_has_closed_it(uploads, monkeypatch):
    closed, real = [], os.fsync

    def slow(descriptor):
        time.sleep(0.2)
        real(descriptor)
        closed.append(True)

    monkeypatch.setattr(os, "fsync", slow)
    await uploads.begin(UPLOAD)
    begun = asyncio.Event()

    async def pieces():
        yield CONTENT[:PIECE]
        begun.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(uploads.append(UPLOAD, pieces()))
    await begun.wait()
    for _ in range(3):
        task.cancel()
        await asyncio.sleep(0.02)
        with pytest.raises(RetryLater, match="being sent already"):
            await uploads.append(replace(UPLOAD, received=PIECE), sent(CONTENT[PIECE:]))
    assert not closed
    with pytest.raises(asyncio.CancelledError):
        await task
    assert closed
    assert await uploads.append(replace(UPLOAD, received=PIECE), sent(CONTENT[PIECE:])) == SIZE


# Room ----------------------------------------------------------------------------------------------------------


def _film(number, size):
    return replace(UPLOAD, id=UploadId(f"{number:032x}"), size=size)


async def test_announced_uploads_keep_their_room(tmp_path):
    """What was promised to one is not promised to the next, whether it has come yet or not."""
    with small_disk(tmp_path / "disk", 10_000) as disk:
        uploads = EncryptedUploads(disk / "uploads", SECRET, room=2 * PIECE)
        await uploads.begin(_film(1, 5 * PIECE))
        for received in (0, 2 * PIECE):
            if received:
                await uploads.append(_film(1, 5 * PIECE), sent(bytes(received)))
            with pytest.raises(StoreFull, match="no room for"):
                await uploads.begin(_film(2, 4 * PIECE))
        await uploads.remove(_film(1, 0).id)
        await uploads.begin(_film(2, 4 * PIECE))


async def test_of_uploads_that_begin_at_once_no_more_are_taken_than_there_is_room_for(tmp_path):
    with small_disk(tmp_path / "disk", 10_000) as disk:
        uploads = EncryptedUploads(disk / "uploads", SECRET, room=PIECE)
        began = [uploads.begin(_film(number, 5 * PIECE)) for number in range(5)]
        outcomes = await asyncio.gather(*began, return_exceptions=True)
        assert sum(isinstance(outcome, StoreFull) for outcome in outcomes) == 4


async def test_a_disk_that_others_fill_meanwhile_keeps_room_for_the_database(tmp_path):
    with small_disk(tmp_path / "disk", 10_000) as disk:
        async with open_database(disk / "w.sqlite3") as database:
            uploads = EncryptedUploads(disk / "uploads", SECRET, room=2 * PIECE)
            film = _film(1, 6 * PIECE)
            await uploads.begin(film)
            filler = fill(disk, leave=5 * PIECE)
            with pytest.raises(StoreFull, match="took no more") as caught:
                await uploads.append(film, sent(*[bytes(PIECE)] * 6))
            assert "go on with the upload" in caught.value.fix
            await database.storage.accounts.save(parse_wallet("0x" + "a" * 40), Role.VIEWER)
            filler.unlink()
            half = await uploads.get(film.id)
            assert 0 < half.received < film.size, "what came is kept"
            assert await uploads.append(half, sent(bytes(film.size - half.received))) == film.size


async def test_unfinished_uploads_age_out_and_whole_ones_stay(uploads, tmp_path):
    await arrived(uploads)
    for number, age in ((1, 0), (2, 1_000)):
        await uploads.begin(_film(number, SIZE))
        data = tmp_path / "uploads" / f"{number:032x}" / "data"
        os.utime(data, (time.time() - age, time.time() - age))
    os.utime(tmp_path / "uploads" / UPLOAD.id / "data", (0, 0))
    for number, age in ((3, 0), (4, 1_000)):
        folder = tmp_path / "uploads" / f"{number:032x}"
        folder.mkdir()
        (folder / "data").write_bytes(b"left by a crash, without about.json")
        os.utime(folder, (time.time() - age, time.time() - age))

    await uploads.remove_unfinished(time.time() - 500)

    left = {upload.id for upload in await uploads.of_title(UPLOAD.title)}
    assert left == {UPLOAD.id, _film(1, SIZE).id}
    assert {path.name for path in (tmp_path / "uploads").iterdir()} == {*left, f"{3:032x}"}
