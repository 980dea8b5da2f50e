import asyncio
from dataclasses import replace

import pytest

from tests.fakes import FakeEncoder
from tests.services.packing import film_of, published
from wylloh_server.adapters.folders import LocalFolders
from wylloh_server.adapters.segments import DiskSegmentStore
from wylloh_server.domain.access import DeviceKind
from wylloh_server.domain.errors import AccessRefused, StoreFull, TranscodeFailed
from wylloh_server.domain.film import Description, Film, FilmState, FolderOrigin, film_id_of
from wylloh_server.domain.types import DeviceId, Seconds, SessionId, wallet_of
from wylloh_server.services.posters import Posters
from wylloh_server.services.signin import SessionDesk
from wylloh_server.services.sources import FilmSources
from wylloh_server.web.door import LoopbackDoor

OWNER = wallet_of("0x" + "a" * 40)


@pytest.fixture
async def gallery(publisher, tmp_path):
    """Posters of the publisher's server; ffmpeg alone is stood in for."""
    async with LoopbackDoor() as door:
        yield Gallery(publisher, door, tmp_path)


class Gallery:
    def __init__(self, server, door, folder):
        storage = server.storage
        self.desk = SessionDesk(sessions=storage.sessions, accounts=storage.accounts, clock=server.clock)
        self.encoder = FakeEncoder()
        self.store = DiskSegmentStore(folder / "segments", limit=1 << 20)
        self.folder = folder
        self.posters = Posters(
            secret=b"s" * 32,
            sessions=storage.sessions,
            packages=server.packages,
            manifests=server.manifests,
            sources=FilmSources(
                packages=server.packages,
                folders=LocalFolders(),
                manifests=server.manifests,
                cipher=server.cipher,
                keys=server.desk,
            ),
            door=door,
            encoder=self.encoder,
            store=self.store,
        )

    def home(self, name="home.mp4"):
        path = self.folder / name
        path.write_bytes(b"film")
        description = Description(name, runtime=Seconds(100))
        return Film(film_id_of(f"file:{path}"), description, FolderOrigin(str(path)), FilmState.READY)

    async def viewer(self):
        return (await self.desk.begin(OWNER, DeviceKind.BROWSER, "Browser")).viewer

    def token(self, viewer, film):
        return self.posters.url(viewer, film).split("/")[2]


async def test_a_poster_is_for_its_session_device_and_film(gallery):
    viewer, film = await gallery.viewer(), gallery.home()
    url = gallery.posters.url(viewer, film)
    assert url == f"/play/{gallery.token(viewer, film)}/poster.jpg"
    assert await gallery.posters.film_of(gallery.token(viewer, film), viewer.session) == film.id
    assert viewer.session not in url


async def test_what_was_made_for_somebody_else_or_forged_is_refused(gallery):
    viewer, other, film = await gallery.viewer(), await gallery.viewer(), gallery.home()
    token = gallery.token(viewer, film)
    name, mac = token.split(".")
    elsewhere = replace(viewer, device=DeviceId("another"))
    stored = await gallery.desk._sessions.get(viewer.session)
    again = replace(stored, id=SessionId("9" * 64))
    await gallery.desk._sessions.save(again)
    for forged, session in (
        (token, other.session),
        (token, again.id),
        (token, None),
        (token, "0" * 64),
        (gallery.token(elsewhere, film), viewer.session),
        (f"{'x' * 16}.{mac}", viewer.session),
        (f"{name}.{mac[:-1]}{'0' if mac[-1] != '0' else '1'}", viewer.session),
        (f"{name}.", viewer.session),
        (f".{mac}", viewer.session),
        (name, viewer.session),
        ("", viewer.session),
        (f"{name}.\ud800", viewer.session),
        (f"{name}.ä", viewer.session),
    ):
        with pytest.raises(AccessRefused, match="meant for another screen"):
            await gallery.posters.film_of(forged, session)


async def test_with_its_session_a_posters_address_ends(gallery):
    viewer, film = await gallery.viewer(), gallery.home()
    token = gallery.token(viewer, film)
    await gallery.desk.end(viewer.device)
    with pytest.raises(AccessRefused):
        await gallery.posters.film_of(token, viewer.session)


async def test_another_servers_secret_signs_other_addresses(gallery):
    viewer, film = await gallery.viewer(), gallery.home()
    token = gallery.token(viewer, film)
    gallery.posters._secret = b"t" * 32
    with pytest.raises(AccessRefused):
        await gallery.posters.film_of(token, viewer.session)


async def test_the_publishers_poster_comes_from_the_package(gallery, publisher):
    packed = await published(publisher, size=50_000)
    film = film_of(packed, publisher.registry)
    assert await gallery.posters.jpeg(film) == b"\xff\xd8\xff a poster"
    assert gallery.encoder.stills == []


async def test_a_package_nobody_has_checked_shows_no_picture(gallery, publisher):
    packed = await published(publisher, size=50_000)
    for state in (FilmState.DISCOVERED, FilmState.FAILED):
        assert await gallery.posters.jpeg(film_of(packed, publisher.registry, state)) is None


async def test_a_package_without_a_poster_or_not_here_has_none(gallery, publisher, holder):
    def bare(manifest):
        return replace(manifest, files=tuple(file for file in manifest.files if file.role != "poster"))

    packed = await published(publisher, size=50_000, manifest=bare)
    assert await gallery.posters.jpeg(film_of(packed, publisher.registry)) is None
    elsewhere = replace(packed, root="bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi")
    assert await gallery.posters.jpeg(film_of(elsewhere, publisher.registry)) is None


async def test_a_film_from_a_folder_gets_a_still_made_once(gallery):
    film = gallery.home()
    assert await gallery.posters.jpeg(film) == gallery.encoder.picture
    assert await gallery.posters.jpeg(film) == gallery.encoder.picture
    assert gallery.encoder.stills == [(20.0, 1280)]


async def test_stills_are_made_one_at_a_time(gallery):
    """A first look at a large library must not start as many ffmpegs as there are films."""
    films = [gallery.home(f"{number}.mp4") for number in range(4)]
    await asyncio.gather(*(gallery.posters.jpeg(film) for film in films * 2))
    assert (len(gallery.encoder.stills), gallery.encoder.most) == (4, 1)


async def test_a_still_that_cannot_be_kept_is_shown_all_the_same(gallery, monkeypatch):
    async def full(*_):
        raise StoreFull("The disk is full.", fix="Free some room.")

    monkeypatch.setattr(gallery.store, "put", full)
    assert await gallery.posters.jpeg(gallery.home()) == gallery.encoder.picture


async def test_where_no_still_can_be_made_there_is_none(gallery):
    gone = gallery.home("gone.mp4")
    (gallery.folder / "gone.mp4").unlink()
    assert await gallery.posters.jpeg(gone) is None
    assert await gallery.posters.jpeg(replace(gallery.home(), state=FilmState.FAILED)) is None
    gallery.encoder.picture = TranscodeFailed("ffmpeg gave up")
    assert await gallery.posters.jpeg(gallery.home("b.mp4")) is None
