"""What plugins may read of films, over real folders, a real loopback and real ffmpeg."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.components.films import make_film
from tests.services.packing import film_of, pack
from wylloh_server.adapters.ffmpeg import FfmpegMediaTools, LoopbackMediaServer, find_ffmpeg
from wylloh_server.adapters.files.local_files import LocalFolders
from wylloh_server.domain.errors import NotFound
from wylloh_server.domain.film import Description, Film, FilmState, FolderOrigin, film_id_for
from wylloh_server.domain.types import FilmId
from wylloh_server.domain.transcript import SubtitleText
from wylloh_server.services.library.film_library import Library
from wylloh_server.services.library.plugin_library import LibraryForPlugins
from wylloh_server.services.library.film_sources import FilmSources

ASS = "[Events]\nDialogue: 0,0:00:01.00,0:00:02.00,Default,,0,0,0,,{}\n"
SAID = "WEBVTT\n\n00:01.000 --> 00:02.000\n{}\n"


@pytest.fixture
async def room(publisher):
    async with LoopbackMediaServer() as loopback:
        yield LibraryForPlugins(
            library=Library(
                films=publisher.storage.films,
                positions=publisher.storage.positions,
                stacks=publisher.storage.stacks,
                clock=publisher.clock,
            ),
            sources=FilmSources(
                packages=publisher.packages,
                folders=LocalFolders(),
                manifests=publisher.manifests,
                verifier=publisher.verifier,
                keys=publisher.envelope_client,
                uploads=None,
            ),
            media=FfmpegMediaTools(loopback, find_ffmpeg()),
        )


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "films").mkdir()
    return tmp_path / "films"


@pytest.fixture
def own(publisher, folder):
    """Put a film from a folder into the library."""

    async def add(make=None, state=FilmState.READY):
        path = folder / "Casablanca.mkv"
        path.write_bytes(b"no film") if make is None else make(path)
        film = Film(film_id_for(f"file:{path}"), Description("Casablanca"), FolderOrigin(str(path)), state)
        await publisher.storage.films.save(film)
        return film

    return add


async def test_subtitles_beside_a_film_in_its_package_are_read(publisher, room):
    def say(folder):
        (folder / "subtitles" / "de.vtt").write_text(SAID.format("Guten Abend, <i>Rick</i>."))

    packed = await pack(publisher, spoil=say)
    await publisher.storage.films.save(film_of(packed, publisher.registry))
    assert await room.words(packed.film_id) == SubtitleText("de", "Guten Abend, Rick.")
    assert await room.probe(packed.film_id) is None  # what is sealed stays sealed


async def test_a_package_that_is_not_here_says_nothing(publisher, room):
    packed = await pack(publisher)
    await publisher.storage.films.save(film_of(packed, publisher.registry, FilmState.DISCOVERED))
    assert await room.words(packed.film_id) is None


async def test_files_beside_a_film_come_in_the_preferred_language(own, room, folder):
    film = await own()
    (folder / "Casablanca.srt").write_bytes("1\n00:01,0 --> 00:02,0\nDéjà vu\n".encode("cp1252"))
    (folder / "Casablanca.de.vtt").write_text("\ufeff" + SAID.format("Ich seh dir in die Augen"))
    (folder / "Casablanca.pt-BR.SRT").write_bytes("1\n00:01,0 --> 00:02,0\nOlá\n".encode("utf-16"))
    (folder / "Casablanca 2.en.srt").write_text("1\n00:01,0 --> 00:02,0\nAnother film\n")
    assert await room.words(film.id) == SubtitleText("de", "Ich seh dir in die Augen")
    assert await room.words(film.id, ("en", "pt")) == SubtitleText("pt-BR", "Olá")
    assert await room.words(film.id, ("und",)) == SubtitleText("und", "Déjà vu")
    (folder / "Casablanca.fr.ass").write_text(ASS.format("Je te {\\i1}regarde{\\i0}"))
    assert await room.words(film.id, ("fr",)) == SubtitleText("fr", "Je te regarde")


async def test_a_link_out_of_the_folder_is_not_followed(own, room, folder, tmp_path):
    film = await own()
    secret = tmp_path / "elsewhere"
    secret.mkdir()
    (secret / "a.srt").write_text("1\n00:01,0 --> 00:02,0\nSecret\n")
    (folder / "Casablanca.srt").symlink_to(secret / "a.srt")
    assert await room.words(film.id) is None


async def test_subtitles_inside_a_film_of_ones_own_are_read_and_its_file_is_probed(own, room):
    film = await own(lambda path: make_film(path.with_name("made.mkv"), seconds=7).rename(path))
    assert await room.words(film.id, ["en"]) == SubtitleText("en", "Good evening.\nWe begin.")
    probe = await room.probe(film.id)
    assert (probe.video.height, [track.language for track in probe.audio]) == (360, ["en", "de"])


@pytest.mark.parametrize("state", [FilmState.READY, FilmState.FAILED])
async def test_a_file_that_is_no_film_says_nothing(own, room, state):
    film = await own(state=state)
    assert await room.words(film.id) is None
    assert await room.probe(film.id) is None


async def test_a_film_that_is_gone_says_nothing(own, room):
    film = await own()
    Path(film.origin.path).unlink()
    assert await room.words(film.id) is None
    assert await room.probe(film.id) is None


async def test_a_film_nobody_knows(room):
    with pytest.raises(NotFound):
        await room.words(FilmId("nothing"))
    with pytest.raises(NotFound):
        await room.probe(FilmId("nothing"))
