"""Films that are in no library: a publisher's upload, for them and the owner; the trailer beside a film."""

import pytest

from tests.components.transcoding_workspace import ALICE, BOB, HOME, transcoding_workspace
from wylloh_server.adapters.crypto import TinkFilmCipher
from wylloh_server.adapters.files.upload_files import EncryptedUploads
from wylloh_server.domain.access import Reason
from wylloh_server.domain.film import Description, Film, FilmState, TrailerOrigin, UploadOrigin, film_id_for
from wylloh_server.domain.playback import LeaseEnd
from wylloh_server.domain.title import TitleId, Upload, UploadId, UploadKind
from wylloh_server.services.library.film_sources import FilmSources

VTT = b"WEBVTT\n\n00:01.000 --> 00:02.000\nGuten Abend.\n"


async def uploaded(uploads, kind, content, number, language=""):
    async def pieces():
        yield content

    name = UploadId(f"{number:032x}")
    upload = Upload(name, TitleId("t" * 16), kind, "a file", len(content), language)
    await uploads.begin(upload)
    await uploads.append(upload, pieces())
    return upload


@pytest.fixture
async def upload(tmp_path, short):
    """A film of 12 s that Alice uploaded, and the uploads it is among."""
    uploads = EncryptedUploads(tmp_path / "uploads", bytes(32))
    with open(short.origin.path, "rb") as file:
        feature = await uploaded(uploads, UploadKind.FEATURE, file.read(), 1)
    await uploaded(uploads, UploadKind.SUBTITLES, VTT, 2, "de")
    origin = UploadOrigin(feature.title, feature.id, ALICE.wallet)
    film = Film(film_id_for(f"upload:{feature.id}"), Description("A Walk"), origin, FilmState.READY, 1.0)
    return uploads, film


@pytest.fixture
async def room(tmp_path, upload):
    sources = FilmSources(
        packages=None, folders=None, manifests=None, verifier=None, keys=None, uploads=upload[0]
    )
    async with transcoding_workspace(tmp_path, sources=sources, make_ahead=True) as room:
        yield room


async def test_an_upload_plays_with_the_subtitles_that_came_beside_it(room, upload):
    _, film = upload
    lease = await room.playback.start_film(ALICE, film, HOME)
    assert len(await room.clear(lease, "v-144p-160k", "0.m4s")) > 1000
    assert 'LANGUAGE="de",DEFAULT=NO,AUTOSELECT=YES,FORCED=NO,URI="x0/' in await room.playback.master(lease)
    assert "Guten Abend." in await room.playback.subtitles(lease, "x0")
    assert (await room.playback.probe(film)).duration == pytest.approx(12, abs=0.2)
    await room.playback.stop(lease)
    assert (room.events, room.to_fill) == ([], []), "plugins and the library do not know it"


async def test_it_plays_on_while_it_is_there_and_no_longer(room, upload):
    uploads, film = upload
    lease = await room.playback.start_film(ALICE, film, HOME)
    room.clock.now += 60
    await room.playback.check_leases()
    assert room.playback.leases.in_force(room.playback.leases.find(lease.token))
    for file in await uploads.of_title(film.origin.title):
        await uploads.remove(file.id)
    room.clock.now += 60
    await room.playback.check_leases()
    assert room.playback.leases.why_ended(lease.token) is LeaseEnd.STOPPED


async def test_an_upload_whose_publisher_may_not_watch_any_more_ends(room, upload):
    _, film = upload
    lease = await room.playback.start_film(BOB, film, HOME)
    room.licensing.verdicts[BOB.wallet] = Reason.NOT_THEIR_UPLOAD
    room.clock.now += 60
    await room.playback.check_leases()
    assert room.playback.leases.why_ended(lease.token) is LeaseEnd.RIGHTS_GONE


async def test_a_trailer_plays_and_nobody_hears_of_it(tmp_path, short):
    origin = TrailerOrigin(short.origin.path)
    trailer = Film(film_id_for("trailer:it"), Description("A Walk: trailer"), origin, FilmState.READY, 1.0)
    async with transcoding_workspace(tmp_path, make_ahead=True) as room:
        lease = await room.playback.start_film(BOB, trailer, HOME)
        assert len(await room.clear(lease, "v-144p-160k", "0.m4s")) > 1000
        room.clock.now += 60
        await room.playback.check_leases()
        assert room.playback.leases.in_force(room.playback.leases.find(lease.token))
        await room.playback.stop(lease)
        assert (room.events, room.to_fill) == ([], []), "it counts as no watching"
