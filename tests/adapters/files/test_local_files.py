"""Film files in real folders."""

from __future__ import annotations

import asyncio
import os
import threading

import pytest

from wylloh_server.adapters.files.local_files import FilmFile, LocalFolders


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "films"
    folder.mkdir()
    return folder


def lay(path, content=b"x"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


async def test_films_are_found_below_by_name(folder):
    expected = [lay(folder / name) for name in ("A.MKV", "b/deep/er/c.mp4", "d.webm")]
    for other in ("a.txt", "poster.jpg", "mp4", "list.m3u8", "film.mp4.part"):
        lay(folder / other)
    assert await LocalFolders().films(folder) == tuple(expected)


async def test_hidden_and_odd_things_are_left_out(folder):
    film = lay(folder / "film.mp4")
    lay(folder / ".hidden.mp4")
    lay(folder / ".trash" / "old.mp4")
    (folder / "folder.mp4").mkdir()
    os.mkfifo(folder / "pipe.mp4")
    assert await LocalFolders().films(folder) == (film,)


async def test_links_do_not_lead_out_of_the_folder(folder, tmp_path):
    film = lay(folder / "film.mp4")
    secret = lay(tmp_path / "elsewhere" / "secret.mp4")
    (folder / "link.mp4").symlink_to(secret)
    (folder / "linked folder").symlink_to(secret.parent)
    (folder / "loop").symlink_to(folder)
    (folder / "broken.mp4").symlink_to(tmp_path / "nothing")
    (folder / "alias.mp4").symlink_to(film)
    assert await LocalFolders().films(folder) == (folder / "alias.mp4", film)


async def test_a_folder_that_is_itself_a_link_is_listed(folder, tmp_path):
    film = lay(folder / "film.mp4")
    link = tmp_path / "link"
    link.symlink_to(folder)
    assert await LocalFolders().films(link) == (film,)


async def test_a_name_that_is_not_utf8_is_left_out_with_a_warning(folder, caplog):
    film = lay(folder / "film.mp4")
    with open(os.fsencode(folder) + b"/caf\xe9.mp4", "wb"):
        pass
    assert await LocalFolders().films(folder) == (film,)
    assert "not UTF-8" in caplog.text


async def test_a_folder_that_is_not_there_is_an_error(folder):
    for missing in (folder / "missing", lay(folder / "film.mp4")):
        with pytest.raises(OSError):
            await LocalFolders().films(missing)


async def test_a_film_is_read_anywhere_by_several_at_once(folder):
    content = os.urandom(300_000)
    film = await LocalFolders().open(lay(folder / "film.mp4", content))
    assert film.size == len(content)
    places = [(0, 10), (299_990, 100), (100_000, 150_000), (300_000, 1), (5, 0), (400_000, 5)]
    read = await asyncio.gather(*(film.read(offset, length) for offset, length in places))
    assert read == [content[offset : offset + length] for offset, length in places]
    await film.close()
    await film.close()
    with pytest.raises(ValueError):
        await film.read(0, 1)


async def test_a_missing_film_is_an_error(folder):
    with pytest.raises(FileNotFoundError):
        await LocalFolders().open(folder / "gone.mp4")


async def test_a_file_whose_opening_is_given_up_is_closed(tmp_path, monkeypatch):
    path = tmp_path / "film.mp4"
    path.write_bytes(b"film")
    opened, go_on = [], threading.Event()

    class Slow(FilmFile):
        def __init__(self, path):
            go_on.wait(10)
            super().__init__(path)
            opened.append(self)

    monkeypatch.setattr("wylloh_server.adapters.files.local_files.FilmFile", Slow)
    opening = asyncio.ensure_future(LocalFolders().open(path))
    await asyncio.sleep(0.05)
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
    go_on.set()
    while not opened:
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.05)
    with pytest.raises(ValueError, match="closed"):
        await opened[0].read(0, 1)


async def test_subtitles_beside_a_film_are_those_named_after_it(folder, tmp_path):
    film = lay(folder / "A film.mkv")
    expected = [lay(folder / name) for name in ("A film.de.vtt", "A film.en.ASS", "A film.srt")]
    for other in ("A film 2.srt", "A film.txt", ".A film.srt", "b/A film.srt", "A film.srt.bak"):
        lay(folder / other)
    (folder / "A film.en.srt").symlink_to(lay(tmp_path / "secret.srt"))
    assert await LocalFolders().subtitles(film) == tuple(expected)
    with pytest.raises(OSError):
        await LocalFolders().subtitles(folder / "gone" / "film.mkv")
