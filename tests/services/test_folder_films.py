import logging
import shutil
from fractions import Fraction

import pytest

from tests.components.films import make_film
from tests.fakes import FakeProber
from tests.services.packing import film_of, pack
from wylloh_server.adapters.ffmpeg import AvProber
from wylloh_server.adapters.folders import LocalFolders
from wylloh_server.domain.errors import MediaRefused
from wylloh_server.domain.events import FilmAdded, FilmReady, FilmRemoved
from wylloh_server.domain.film import FilmState
from wylloh_server.domain.rendition import AudioTrack, Probe, SubtitleTrack, VideoTrack
from wylloh_server.domain.types import Seconds
from wylloh_server.services.bus import Bus
from wylloh_server.services.folder_films import FolderFilms, title_from
from wylloh_server.web.door import LoopbackDoor

PROBE = Probe(
    "matroska",
    Seconds(90),
    VideoTrack("h264", 1280, 720, Fraction(25)),
    (AudioTrack(0, "aac", "en", 2), AudioTrack(1, "aac", "de", 2), AudioTrack(2, "aac", "en", 6)),
    (SubtitleTrack(0, "subrip", "fr"), SubtitleTrack(1, "subrip", "de")),
)
REFUSED = MediaRefused("This file is cut off", fix="Copy it again")


class Shelf:
    """Folder films over real folders and a real door."""

    def __init__(self, storage, door, prober, *paths):
        self.films, self.prober, self.events = storage.films, prober, []
        bus = Bus()
        bus.subscribe(self.events.append)
        self.service = FolderFilms(
            paths=paths, folders=LocalFolders(), door=door, prober=prober, films=storage.films, bus=bus
        )

    async def scan(self):
        """Look once; gives the films by title."""
        await self.service.scan()
        return {film.title: film for film in await self.films.all()}

    def told(self, kind):
        return [event for event in self.events if isinstance(event, kind)]


@pytest.fixture
async def loopback():
    async with LoopbackDoor() as door:
        yield door


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "films").mkdir()
    return tmp_path / "films"


@pytest.fixture
def shelf(storage, loopback, folder):
    return Shelf(storage, loopback, FakeProber(PROBE), folder)


async def test_a_real_film_is_found_probed_and_named(storage, loopback, folder):
    path = make_film(folder / "Small.Film.2019.mkv", 7, size="320x180")
    shelf = Shelf(storage, loopback, AvProber(), folder)
    film = (await shelf.scan())["Small Film"]
    assert (film.state, film.progress, film.reason, film.token) == (FilmState.READY, 1.0, "", None)
    assert film.origin.path == str(path.resolve())
    assert film.description.year == 2019
    assert film.description.languages == ("en", "de")
    assert film.description.subtitles == ("en",)
    assert film.description.height == 180
    assert 6.9 < film.description.runtime < 7.2
    assert shelf.events == [FilmAdded(film.id, "Small Film"), FilmReady(film.id)]


async def test_a_real_file_that_is_no_film_is_shown_with_the_reason(storage, loopback, folder):
    (folder / "Notes.mp4").write_text("#EXTM3U\n/etc/passwd\n")
    shelf = Shelf(storage, loopback, AvProber(), folder)
    film = (await shelf.scan())["Notes"]
    assert film.state is FilmState.FAILED
    assert film.reason.endswith("convert it to MP4 or Matroska and try again.")
    assert shelf.events == [FilmAdded(film.id, "Notes")]


async def test_languages_are_told_once_each(shelf, folder):
    (folder / "a.mkv").write_bytes(b"x")
    film = (await shelf.scan())["A"]
    assert (film.description.languages, film.description.subtitles) == (("en", "de"), ("de", "fr"))


async def test_looking_again_changes_and_tells_nothing(shelf, folder):
    (folder / "a.mkv").write_bytes(b"x")
    await shelf.scan()
    told = len(shelf.events)
    await shelf.scan()
    assert (len(shelf.events), shelf.prober.asked) == (told, 1)


async def test_after_a_restart_nothing_is_probed_again(shelf, storage, loopback, folder):
    (folder / "a.mkv").write_bytes(b"x")
    await shelf.scan()
    again = Shelf(storage, loopback, FakeProber(PROBE), folder)
    await again.scan()
    assert (again.prober.asked, again.events) == (0, [])


async def test_a_refused_film_is_looked_into_again_when_its_size_changes(shelf, folder):
    """As while it is still being copied."""
    shelf.prober.probe_or_error = REFUSED
    (folder / "a.mkv").write_bytes(b"x")
    film = (await shelf.scan())["A"]
    assert (film.state, film.reason) == (FilmState.FAILED, "This file is cut off. Copy it again.")
    await shelf.scan()
    assert shelf.prober.asked == 1
    shelf.prober.probe_or_error = PROBE
    (folder / "a.mkv").write_bytes(b"xx")
    film = (await shelf.scan())["A"]
    assert (film.state, film.reason) == (FilmState.READY, "")
    assert shelf.events == [FilmAdded(film.id, "A"), FilmReady(film.id)]


async def test_a_film_that_was_replaced_is_looked_into_again(shelf, folder):
    (folder / "a.mkv").write_bytes(b"x")
    await shelf.scan()
    shelf.prober.probe_or_error = REFUSED
    (folder / "a.mkv").write_bytes(b"xx")
    assert (await shelf.scan())["A"].state is FilmState.FAILED
    assert len(shelf.told(FilmAdded)) == 1


async def test_a_deleted_film_leaves_the_library(shelf, folder):
    for name in ("a.mkv", "b.mkv"):
        (folder / name).write_bytes(b"x")
    film = (await shelf.scan())["A"]
    (folder / "a.mkv").unlink()
    assert list(await shelf.scan()) == ["B"]
    assert shelf.told(FilmRemoved) == [FilmRemoved(film.id)]


async def test_a_film_that_comes_back_is_the_same_film(shelf, folder):
    (folder / "a.mkv").write_bytes(b"x")
    first = (await shelf.scan())["A"]
    (folder / "a.mkv").unlink()
    await shelf.scan()
    (folder / "a.mkv").write_bytes(b"x")
    assert (await shelf.scan())["A"].id == first.id
    assert len(shelf.told(FilmAdded)) == 2


@pytest.mark.parametrize("linked", [False, True])
async def test_an_unplugged_folder_takes_nothing(storage, loopback, folder, tmp_path, caplog, linked):
    named = tmp_path / "link" if linked else folder
    if linked:
        named.symlink_to(folder)
    other = tmp_path / "other"
    other.mkdir()
    shelf = Shelf(storage, loopback, FakeProber(PROBE), named, other)
    (folder / "a.mkv").write_bytes(b"x")
    (other / "b.mkv").write_bytes(b"x")
    await shelf.scan()
    shutil.rmtree(folder)
    (other / "b.mkv").unlink()
    with caplog.at_level(logging.WARNING):
        assert list(await shelf.scan()) == ["A"]
    assert str(named) in caplog.text
    folder.mkdir()
    (folder / "a.mkv").write_bytes(b"x")
    assert list(await shelf.scan()) == ["A"]
    assert len(shelf.told(FilmAdded)) == 2


async def test_a_folder_no_longer_configured_takes_its_films_along(storage, loopback, folder, tmp_path):
    (folder / "a.mkv").write_bytes(b"x")
    await Shelf(storage, loopback, FakeProber(PROBE), folder).scan()
    other = tmp_path / "other"
    other.mkdir()
    assert await Shelf(storage, loopback, FakeProber(PROBE), other).scan() == {}


async def test_a_file_that_cannot_be_read_costs_only_itself(shelf, folder, monkeypatch, caplog):
    for name in ("a.mkv", "b.mkv", "c.mkv"):
        (folder / name).write_bytes(b"x")
    whole = shelf.service._folders.open

    async def opened(path):
        if path.name == "b.mkv":
            raise PermissionError(13, "Permission denied")
        return await whole(path)

    monkeypatch.setattr(shelf.service._folders, "open", opened)
    (folder / "c.mkv").unlink()
    assert list(await shelf.scan()) == ["A"]
    assert "b.mkv: Permission denied" in caplog.text
    monkeypatch.undo()
    assert list(await shelf.scan()) == ["A", "B"]


async def test_a_look_that_broke_off_is_taken_again(shelf, folder):
    (folder / "a.mkv").write_bytes(b"x")
    shelf.prober.probe_or_error = RuntimeError("the prober crashed")
    with pytest.raises(RuntimeError):
        await shelf.scan()
    shelf.prober.probe_or_error = PROBE
    assert (await shelf.scan())["A"].state is FilmState.READY


async def test_the_chains_films_are_left_alone(shelf, storage, publisher):

    film = film_of(await pack(publisher, size=50_000), publisher.registry)
    await storage.films.save(film)
    await shelf.scan()
    assert await storage.films.get(film.id) == film


@pytest.mark.parametrize(
    ("name", "title", "year"),
    [
        ("Big.Buck.Bunny.(2008).1080p.mkv", "Big Buck Bunny", 2008),
        ("Big Buck Bunny (2008).mkv", "Big Buck Bunny", 2008),
        ("Big Buck Bunny [2008].mkv", "Big Buck Bunny", 2008),
        ("Spider-Man_(2002).mkv", "Spider-Man", 2002),
        ("big_buck_bunny.mp4", "Big buck bunny", None),
        ("big-buck-bunny-480p-30s.mp4", "Big buck bunny", None),
        ("big-buck-bunny-2008.mp4", "Big buck bunny", 2008),
        ("Metropolis.1927.mkv", "Metropolis", 1927),
        ("Le.Manoir.du.diable.1896.mkv", "Le Manoir du diable", 1896),
        ("2001 A Space Odyssey (1968).mkv", "2001 A Space Odyssey", 1968),
        ("Blade Runner 2049 (2017).mkv", "Blade Runner 2049", 2017),
        ("Blade.Runner.2049.2017.2160p.mkv", "Blade Runner 2049", 2017),
        ("Wonder Woman 1984 (2020) 1080p BluRay.mkv", "Wonder Woman 1984", 2020),
        ("Death Race 2000 (1975).mkv", "Death Race 2000", 1975),
        ("2012.mkv", "2012", None),
        ("1917 (2019).mkv", "1917", 2019),
        ("Spider-Man.Homecoming.2017.mkv", "Spider-Man Homecoming", 2017),
        ("Spider-Man (2002).mkv", "Spider-Man", 2002),
        ("Dr. Strangelove (1964).mkv", "Dr. Strangelove", 1964),
        ("Star Wars - Episode IV (1977).mkv", "Star Wars - Episode IV", 1977),
        ("Brazil (Director's Cut).mkv", "Brazil (Director's Cut)", None),
        ("Brazil (Director's Cut) (1985).mkv", "Brazil (Director's Cut)", 1985),
        ("Stalker.720p.WEB-DL.x264.mkv", "Stalker", None),
        ("Stalker [1080p].mkv", "Stalker", None),
        ("Das Boot 4K.mkv", "Das Boot", None),
        ("Amélie.mkv", "Amélie", None),
        ("七人の侍 (1954).mkv", "七人の侍", 1954),
        ("home movie.mp4", "Home movie", None),
        ("1080p.mkv", "1080p", None),
        ("(2008).mkv", "(2008)", None),
        ("____.mkv", "____.mkv", None),
        ("...mkv", "...mkv", None),
        ("no extension", "No extension", None),
        ("Film 1600 Pennsylvania.mkv", "Film 1600 Pennsylvania", None),
        ("Film.12345.mkv", "Film 12345", None),
    ],
)
def test_titles_from_file_names(name, title, year):
    assert title_from(name) == (title, year)
