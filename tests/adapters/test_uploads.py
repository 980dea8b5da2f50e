import os
from dataclasses import replace

import pytest

from wylloh_server.adapters.uploads import PIECE, EncryptedUploads
from wylloh_server.domain.errors import InvalidValue, SealBroken
from wylloh_server.domain.title import TitleId, Upload, UploadId, UploadKind

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
    with pytest.raises(InvalidValue, match="moved on"):
        await uploads.append(UPLOAD, sent(b"x"))
    assert await uploads.content(whole) == CONTENT


async def test_more_than_was_announced_is_refused(uploads):
    await uploads.begin(UPLOAD)
    with pytest.raises(InvalidValue, match="longer"):
        await uploads.append(UPLOAD, sent(CONTENT, b"x"))


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
