import asyncio
import logging
import shutil
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from tests.components.films import make_film
from tests.fakes import FakeMedia
from tests.services.packing import film_of, pack
from wylloh_server.adapters.ffmpeg import FfmpegMediaTools, LoopbackMediaServer, find_ffmpeg
from wylloh_server.adapters.files.local_files import LocalFolders
from wylloh_server.domain.errors import InvalidValue, MediaRefused, NotFound, ProbeInterrupted
from wylloh_server.domain.events import FilmAdded, FilmAway, FilmDescribed, FilmReady, FilmRemoved
from wylloh_server.domain.film import FilmState, FolderOrigin, film_id_for
from wylloh_server.domain.rendition import AudioTrack, Probe, SubtitleTrack, VideoTrack
from wylloh_server.domain.types import Seconds, parse_wallet
from wylloh_server.services.operations.event_bus import EventBus
from wylloh_server.services.operations.live_updates import LiveUpdates
from wylloh_server.services.library.folder_films import FolderFilms
from wylloh_server.services.library.folder_scans import FolderScans
from wylloh_server.services.library.missing_films import FilmRemoval
from wylloh_server.services.library.trailers import Trailers
from wylloh_server.storage.database import open_database

PROBE = Probe(
    "matroska",
    Seconds(90),
    VideoTrack("h264", 1280, 720, Fraction(25)),
    (AudioTrack(0, "aac", "en", 2), AudioTrack(1, "aac", "de", 2), AudioTrack(2, "aac", "en", 6)),
    (SubtitleTrack(0, "subrip", "fr"), SubtitleTrack(1, "subrip", "de")),
)
ANNA = parse_wallet("0x" + "a" * 40)
REFUSED = MediaRefused("This file is cut off", fix="Copy it again")


class Shelf:
    """Folder films over real folders."""

    def __init__(self, storage, media, *paths):
        self.films, self.media, self.events = storage.films, media, []
        self.trailers = Trailers(folders=LocalFolders(), packages=None, manifests=None)
        bus = EventBus()
        bus.listeners.append(self.events.append)
        self.service = FolderFilms(
            paths=paths,
            folders=LocalFolders(),
            media=media,
            films=storage.films,
            bus=bus,
            note_trailers=self.trailers.note_folders,
        )
        self.removal = FilmRemoval(films=storage.films, bus=bus)

    async def scan(self):
        """Look once; gives the films by title."""
        await self.service.scan()
        return {film.title: film for film in await self.films.all()}

    def events_of(self, kind):
        return [event for event in self.events if isinstance(event, kind)]


@pytest.fixture
async def media():
    """The real thing."""
    async with LoopbackMediaServer() as loopback:
        yield FfmpegMediaTools(loopback, find_ffmpeg())


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "films").mkdir()
    return tmp_path / "films"


@pytest.fixture
def shelf(storage, folder):
    return Shelf(storage, FakeMedia(PROBE), folder)


async def test_a_real_film_is_found_probed_and_named(storage, media, folder):
    path = make_film(folder / "Small.Film.2019.mkv", 7, size="320x180")
    shelf = Shelf(storage, media, folder)
    film = (await shelf.scan())["Small Film"]
    assert (film.state, film.progress, film.reason, film.token) == (FilmState.READY, 1.0, "", None)
    assert film.origin.path == str(path.resolve())
    assert film.description.year == 2019
    assert film.description.languages == ("en", "de")
    assert film.description.subtitles == ("en",)
    assert film.description.height == 180
    assert 6.9 < film.description.runtime < 7.2
    assert shelf.events == [FilmAdded(film.id, "Small Film"), FilmReady(film.id)]


async def test_12_9_ids_of_the_same_file_differ_between_servers(storage, folder, tmp_path):
    (folder / "Hill.mkv").write_bytes(b"film")
    first = (await Shelf(storage, FakeMedia(PROBE), folder).scan())["Hill"]
    async with open_database(tmp_path / "another.sqlite") as another:
        second = (await Shelf(another.storage, FakeMedia(PROBE), folder).scan())["Hill"]
    assert first.id != second.id
    assert film_id_for(f"file:{first.origin.path}") not in (first.id, second.id), "nor told by its path"
    assert (await Shelf(storage, FakeMedia(PROBE), folder).scan())["Hill"].id == first.id


async def test_a_real_file_that_is_no_film_is_shown_with_the_reason(storage, media, folder):
    (folder / "Notes.mp4").write_text("#EXTM3U\n/etc/passwd\n")
    shelf = Shelf(storage, media, folder)
    film = (await shelf.scan())["Notes"]
    assert film.state is FilmState.FAILED
    assert film.reason.endswith("convert it to MP4 or Matroska and try again.")
    assert shelf.events == [FilmAdded(film.id, "Notes")]


async def test_what_this_server_never_opens_is_listed_with_its_kind(shelf, folder):
    """Disc images, copied discs and formats of one program."""
    for name in ("Hill.iso", "Sea.rmvb", "River/VIDEO_TS/VTS_01_1.VOB", "Moor/bdmv/STREAM/1.m2ts"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(name.encode())
    (folder / "River/VIDEO_TS/VIDEO_TS.IFO").touch()
    await shelf.scan()
    films = {Path(film.origin.path).name: film for film in await shelf.films.all()}
    assert {name: (film.state, film.reason.partition(",")[0]) for name, film in films.items()} == {
        "Hill.iso": (FilmState.FAILED, "This is a disc image"),
        "Sea.rmvb": (FilmState.FAILED, "This is RealMedia"),
        "VTS_01_1.VOB": (FilmState.FAILED, "This is a copied DVD"),
        "1.m2ts": (FilmState.FAILED, "This is a copied Blu-ray"),
    }
    assert shelf.media.asked == 0


async def test_names_and_folders_say_what_is_a_film_and_what_tells_two_apart(shelf, folder):
    for name in (
        "Wood (2003)/Wood (2003) - 1080p.mkv", "Wood (2003)/trailer.mkv", "Wood (2003)/Sample/sample.mkv",
        "The River (1999)/video.mkv",
    ):  # fmt: skip
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(name.encode())
    assert set(await shelf.scan()) == {"Wood", "The River"}
    (folder / "Wood (2003)/Wood (2003) - 2160p.mkv").write_bytes(b"another")
    films = await shelf.scan()
    assert set(films) == {"Wood · 1080p", "Wood · 2160p", "The River"}
    assert films["The River"].description.year == 1999
    assert shelf.events_of(FilmDescribed)[0].title.startswith("Wood · ")


async def test_tracks_that_cannot_be_played_are_noted(shelf, folder):
    shelf.media.probe_or_error = replace(PROBE, notes=("No sound in AC-4.",))
    (folder / "a.mkv").write_bytes(b"x")
    assert (await shelf.scan())["A"].notes == ("No sound in AC-4.",)


async def test_languages_are_told_once_each(shelf, folder):
    (folder / "a.mkv").write_bytes(b"x")
    film = (await shelf.scan())["A"]
    assert (film.description.languages, film.description.subtitles) == (("en", "de"), ("de", "fr"))


async def test_looking_again_changes_and_tells_nothing(shelf, folder):
    (folder / "a.mkv").write_bytes(b"x")
    await shelf.scan()
    told = len(shelf.events)
    await shelf.scan()
    assert (len(shelf.events), shelf.media.asked) == (told, 1)


async def test_after_a_restart_nothing_is_probed_again(shelf, storage, folder):
    (folder / "a.mkv").write_bytes(b"x")
    await shelf.scan()
    again = Shelf(storage, FakeMedia(PROBE), folder)
    await again.scan()
    assert (again.media.asked, again.events) == (0, [])


async def test_a_file_in_growth_is_looked_into_again_when_it_has_stopped_growing(shelf, folder):
    """Whether it grows, or has its full size from the beginning and is filled."""
    shelf.media.probe_or_error = REFUSED
    (folder / "a.mkv").write_bytes(b"\0\0\0")
    film = (await shelf.scan())["A"]
    assert (film.state, film.reason) == (FilmState.FAILED, "This file is cut off. Copy it again.")
    await shelf.scan()
    assert shelf.media.asked == 1
    shelf.media.probe_or_error = PROBE
    for written in (b"x\0\0", b"xx\0", b"xxx"):
        (folder / "a.mkv").write_bytes(written)
        assert (await shelf.scan())["A"].state is FilmState.FAILED
    assert shelf.media.asked == 1
    film = (await shelf.scan())["A"]
    assert (film.state, film.reason) == (FilmState.READY, "")
    assert shelf.events == [FilmAdded(film.id, "A"), FilmReady(film.id)]


async def test_a_film_that_cannot_be_played_is_looked_into_again_after_a_restart(shelf, storage, folder):
    shelf.media.probe_or_error = REFUSED
    (folder / "a.mkv").write_bytes(b"x")
    await shelf.scan()
    newer = Shelf(storage, FakeMedia(PROBE), folder)
    assert (await newer.scan())["A"].state is FilmState.READY


async def test_a_film_that_was_replaced_is_looked_into_again(shelf, folder):
    """Also by a file of the same size."""
    (folder / "a.mkv").write_bytes(b"x")
    before = (await shelf.scan())["A"]
    shelf.media.probe_or_error = REFUSED
    (folder / "a.mkv").write_bytes(b"y")
    await shelf.scan()
    after = (await shelf.scan())["A"]
    assert (after.id, after.state) == (before.id, FilmState.FAILED)
    assert after.origin.fingerprint != before.origin.fingerprint
    assert len(shelf.events_of(FilmAdded)) == 1


async def test_a_film_whose_file_is_gone_is_away_and_comes_back_as_itself(shelf, folder, caplog):
    """Nothing is looked into again, nobody hears that it was removed."""
    for name in ("a.mkv", "b.mkv"):
        (folder / name).write_bytes(name.encode())
    film = (await shelf.scan())["A"]
    (folder / "a.mkv").rename(folder.parent / "a.mkv")
    for _ in range(2):
        away = (await shelf.scan())["A"]
    assert (away.state, away.description, away.origin) == (FilmState.AWAY, film.description, film.origin)
    assert "a.mkv is not in its folder now. Connect its disk" in away.reason
    assert caplog.text.count("A is away") == 1
    (folder.parent / "a.mkv").rename(folder / "a.mkv")
    assert (await shelf.scan())["A"] == film
    assert shelf.media.asked == 2
    assert [event for event in shelf.events if event.film == film.id] == [
        FilmAdded(film.id, "A"), FilmReady(film.id), FilmAway(film.id), FilmReady(film.id)
    ]  # fmt: skip


async def test_a_film_that_could_not_be_played_comes_back_too(shelf, folder):
    """It was looked into once; that it was away is a reason to look again."""
    shelf.media.probe_or_error = REFUSED
    (folder / "a.mkv").write_bytes(b"x")
    await shelf.scan()
    for state, answer in ((FilmState.FAILED, REFUSED), (FilmState.READY, PROBE)):
        (folder / "a.mkv").rename(folder.parent / "a.mkv")
        assert (await shelf.scan())["A"].state is FilmState.AWAY
        shelf.media.probe_or_error = answer
        (folder.parent / "a.mkv").rename(folder / "a.mkv")
        assert (await shelf.scan())["A"].state is state


async def test_a_look_that_a_busy_machine_interrupted_is_taken_again_a_few_times(shelf, folder):
    shelf.media.probe_or_error = ProbeInterrupted("It took too long.")
    (folder / "a.mkv").write_bytes(b"x")
    for _ in range(2):
        assert (await shelf.scan())["A"].state is FilmState.FAILED
    shelf.media.probe_or_error = PROBE
    assert (await shelf.scan())["A"].state is FilmState.READY
    shelf.media.probe_or_error = ProbeInterrupted("It took too long.")
    (folder / "b.mkv").write_bytes(b"y")
    before = shelf.media.asked
    for _ in range(10):
        await shelf.scan()
    assert shelf.media.asked == before + 5, "a hostile file is not looked into for ever"


async def test_what_is_left_out_is_logged_once(shelf, folder, caplog):
    for name in ("Sea.mkv", "Sea-trailer.mkv", "Trailer.mkv"):
        (folder / name).write_bytes(name.encode())
    with caplog.at_level(logging.INFO):
        assert set(await shelf.scan()) == {"Sea", "Trailer"}
        await shelf.scan()
    assert caplog.text.count("Sea-trailer.mkv is left out") == 1


async def test_a_trailer_is_offered_with_its_film_while_it_is_there(shelf, folder):
    for name in ("Sea.mkv", "Sea-trailer.mkv", "Lake.mkv"):
        (folder / name).write_bytes(name.encode())
    films = await shelf.scan()
    assert set(films) == {"Sea", "Lake"}
    assert await shelf.trailers.offers(films["Sea"])
    assert not await shelf.trailers.offers(films["Lake"])
    trailer = await shelf.trailers.beside(films["Sea"])
    assert (trailer.title, trailer.in_library) == ("Sea: trailer", False)
    assert trailer.origin.path == str(folder / "Sea-trailer.mkv")
    assert trailer.id not in {film.id for film in await shelf.films.all()}
    with pytest.raises(NotFound, match="no trailer"):
        await shelf.trailers.beside(films["Lake"])
    (folder / "Sea-trailer.mkv").write_bytes(b"another one")
    assert (await shelf.trailers.beside(films["Sea"])).origin != trailer.origin, "made anew, not from the old"
    (folder / "Sea-trailer.mkv").unlink()
    with pytest.raises(NotFound, match="no trailer"):
        await shelf.trailers.beside(films["Sea"])
    await shelf.scan()
    assert not await shelf.trailers.offers(films["Sea"])


async def test_only_the_owner_removes_a_film_and_only_one_that_is_away(shelf, folder):
    for name in ("a.mkv", "b.mkv", "c.mkv"):
        (folder / name).write_bytes(name.encode())
    films = await shelf.scan()
    with pytest.raises(InvalidValue, match="A is not away"):
        await shelf.removal.remove(films["A"].id)
    with pytest.raises(NotFound):
        await shelf.removal.remove("nobody")
    for name in ("a.mkv", "b.mkv"):
        (folder / name).unlink()
    await shelf.scan()
    await shelf.removal.remove(films["A"].id)
    assert await shelf.removal.remove_all() == 1
    assert list(await shelf.scan()) == ["C"]
    assert shelf.events_of(FilmRemoved) == [FilmRemoved(films["A"].id), FilmRemoved(films["B"].id)]


@pytest.mark.parametrize("target", ["Sea (1999).mkv", "deeper/a.mkv"])
async def test_a_film_that_is_renamed_or_moved_stays_itself(shelf, storage, folder, target):
    """By its content; a copy beside it does not take its place."""
    (folder / "a.mkv").write_bytes(b"the film")
    film = (await shelf.scan())["A"]
    shutil.copy(folder / "a.mkv", folder / "copy.mkv")
    copy = (await shelf.scan())["Copy"]
    (folder / target).parent.mkdir(exist_ok=True)
    (folder / "a.mkv").rename(folder / target)
    await shelf.scan()
    moved = await storage.films.get(film.id)
    assert (moved.state, moved.origin.path) == (FilmState.READY, str(folder / target))
    assert (moved.title, moved.description.year) == (("Sea", 1999) if "Sea" in target else ("A", None))
    assert moved.description.runtime == film.description.runtime
    assert shelf.events_of(FilmDescribed) == [FilmDescribed(film.id, moved.title)]
    assert (await storage.films.get(copy.id)).origin == copy.origin
    assert shelf.media.asked == 2


async def test_of_several_copies_the_nearest_is_found_again(shelf, storage, folder):
    for name in ("one/a.mkv", "one/b.mkv", "two/c.mkv"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(b"the film")
    films = await shelf.scan()
    (folder / "three").mkdir()
    (folder / "one" / "b.mkv").rename(folder / "three" / "b.mkv")
    (folder / "one" / "a.mkv").unlink()
    (folder / "two" / "c.mkv").rename(folder / "two" / "d.mkv")
    await shelf.scan()
    found = {
        title: Path((await storage.films.get(film.id)).origin.path).name for title, film in films.items()
    }
    assert found == {"A": "a.mkv", "B": "b.mkv", "C": "d.mkv"}


async def test_another_film_under_the_name_of_a_renamed_one_is_another_film(shelf, folder):
    (folder / "a.mkv").write_bytes(b"the film")
    film = (await shelf.scan())["A"]
    (folder / "a.mkv").rename(folder / "b.mkv")
    await shelf.scan()
    (folder / "a.mkv").write_bytes(b"something else")
    films = await shelf.scan()
    assert films["B"].id == film.id
    assert films["A"].id != film.id


async def test_empty_files_are_not_taken_for_each_other(shelf, folder):
    shelf.media.probe_or_error = REFUSED
    (folder / "a.mkv").touch()
    film = (await shelf.scan())["A"]
    (folder / "a.mkv").rename(folder / "b.mkv")
    films = await shelf.scan()
    assert (films["A"].id, films["A"].state) == (film.id, FilmState.AWAY)
    assert films["B"].id != film.id


async def test_films_that_an_older_version_noted_are_kept_without_a_look(shelf, storage, folder):
    (folder / "a.mkv").write_bytes(b"x")
    film = (await shelf.scan())["A"]
    await storage.films.save(replace(film, origin=FolderOrigin(film.origin.path)))
    assert (await shelf.scan())["A"] == film
    assert shelf.media.asked == 1


@pytest.mark.parametrize("linked", [False, True])
@pytest.mark.parametrize("gone", ["unreadable", "empty"])
async def test_an_unplugged_folder_takes_nothing(storage, folder, tmp_path, caplog, linked, gone):
    """Whether the folder is gone with its disk, or there and empty."""
    named = tmp_path / "link" if linked else folder
    if linked:
        named.symlink_to(folder)
    shelf = Shelf(storage, FakeMedia(PROBE), named)
    (folder / "a.mkv").write_bytes(b"x")
    film = (await shelf.scan())["A"]
    shutil.copytree(folder, tmp_path / "disk")
    shutil.rmtree(folder)
    if gone == "empty":
        folder.mkdir()
    with caplog.at_level(logging.WARNING):
        away = (await shelf.scan())["A"]
    assert (away.state, away.id) == (FilmState.AWAY, film.id)
    assert (str(named) in caplog.text) or gone == "empty"
    shutil.copytree(tmp_path / "disk", folder, dirs_exist_ok=True)
    assert (await shelf.scan())["A"] == film
    assert shelf.media.asked == 1
    assert shelf.events_of(FilmRemoved) == []


async def test_the_films_of_a_folder_no_longer_configured_are_away(storage, folder, tmp_path):
    (folder / "a.mkv").write_bytes(b"x")
    film = (await Shelf(storage, FakeMedia(PROBE), folder).scan())["A"]
    away = (await Shelf(storage, FakeMedia(PROBE)).scan())["A"]
    assert away.state is FilmState.AWAY
    assert "not among library.folders" in away.reason
    assert (await Shelf(storage, FakeMedia(PROBE), folder).scan())["A"] == film


async def test_a_file_that_cannot_be_read_costs_only_itself(shelf, folder, monkeypatch, caplog):
    for name in ("a.mkv", "b.mkv", "c.mkv"):
        (folder / name).write_bytes(b"x")
    whole = shelf.service.folders.open

    async def opened(path):
        if path.name == "b.mkv":
            raise PermissionError(13, "Permission denied")
        return await whole(path)

    monkeypatch.setattr(shelf.service.folders, "open", opened)
    (folder / "c.mkv").unlink()
    assert list(await shelf.scan()) == ["A"]
    assert "b.mkv: Permission denied" in caplog.text
    monkeypatch.undo()
    assert list(await shelf.scan()) == ["A", "B"]


async def test_a_look_that_broke_off_is_taken_again(shelf, folder):
    (folder / "a.mkv").write_bytes(b"x")
    shelf.media.probe_or_error = RuntimeError("the prober crashed")
    with pytest.raises(RuntimeError):
        await shelf.scan()
    shelf.media.probe_or_error = PROBE
    assert (await shelf.scan())["A"].state is FilmState.READY


async def test_the_chains_films_are_left_alone(shelf, storage, publisher):

    film = film_of(await pack(publisher, size=50_000), publisher.registry)
    await storage.films.save(film)
    await shelf.scan()
    assert await storage.films.get(film.id) == film


async def test_51_a_scan_reports_what_each_folder_holds(storage, folder, tmp_path):
    other, gone = tmp_path / "other", tmp_path / "gone"
    other.mkdir()
    for path in (folder / "A.mkv", folder / "in" / "B.mkv", folder / "C.iso", other / "D.mkv"):
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(path.name.encode())
    shelf = Shelf(storage, FakeMedia(PROBE), folder, other, gone)
    assert shelf.service.reports == ()
    await shelf.scan()
    (folder / "A.mkv").unlink()
    await shelf.scan()
    first, second, third = shelf.service.reports
    assert (first.path, first.films, first.away, first.unplayable, first.problem) == (folder, 3, 1, 1, "")
    assert (second.films, second.away) == (1, 0)
    assert (third.path, third.films, third.problem) == (gone, 0, "No such file or directory")


async def test_51_folders_are_scanned_when_somebody_asks_and_pressing_twice_is_harmless(
    storage, folder, clock
):
    shelf, live = Shelf(storage, FakeMedia(PROBE), folder), LiveUpdates()
    scans = FolderScans(folder_films=shelf.service, live=live, clock=clock, every=Seconds(3600))
    assert not scans.is_due

    async def scanned():
        async with asyncio.timeout(60):
            while scans.is_due:
                await asyncio.sleep(0.01)

    async with scans.running():
        assert scans.is_due, "the first comes by itself"
        await scanned()
        (folder / "A.mkv").write_bytes(b"a")
        for _ in range(3):
            scans.scan_now()
        with live.listening(ANNA) as page:
            await scanned()
            news = await page.next(Seconds(60))
        assert news.topics == {"folders"}, "open pages are told when it has ended"
    assert scans.last == clock.now
    assert [event.title for event in shelf.events_of(FilmAdded)] == ["A"]
