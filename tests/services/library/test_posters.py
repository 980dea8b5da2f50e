import asyncio
from dataclasses import replace

import pytest

from tests.fakes import FakeMedia
from tests.services.packing import film_of, published
from wylloh_server.adapters.files.local_files import LocalFolders
from wylloh_server.adapters.files.segment_files import DiskSegmentStore
from wylloh_server.domain.access import DeviceKind, Role
from wylloh_server.domain.errors import AccessRefused, StoreFull, TranscodeFailed
from wylloh_server.domain.film import (
    PICTURES,
    FileRole,
    Description,
    Film,
    FilmState,
    FolderOrigin,
    film_id_for,
)
from wylloh_server.domain.types import DeviceId, Seconds, SessionId, parse_wallet
from wylloh_server.services.library.posters import PictureUrls, Posters
from wylloh_server.services.accounts.session_service import SessionService
from wylloh_server.services.library.film_sources import FilmSources

OWNER = parse_wallet("0x" + "a" * 40)


@pytest.fixture
def gallery(publisher, tmp_path):
    """Posters of the publisher's server; ffmpeg alone is stood in for."""
    return Gallery(publisher, tmp_path)


class Gallery:
    def __init__(self, server, folder):
        storage = server.storage
        self.accounts = storage.accounts
        self.session_service = SessionService(
            sessions=storage.sessions, accounts=storage.accounts, clock=server.clock
        )
        self.media = FakeMedia()
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
                verifier=server.verifier,
                keys=server.envelope_client,
                uploads=None,
            ),
            media=self.media,
            store=self.store,
        )

    def home(self, name="home.mp4"):
        path = self.folder / name
        path.write_bytes(b"film")
        description = Description(name, runtime=Seconds(100))
        return Film(film_id_for(f"file:{path}"), description, FolderOrigin(str(path)), FilmState.READY)

    async def viewer(self):
        await self.accounts.save(OWNER, Role.VIEWER)
        return (await self.session_service.begin(OWNER, DeviceKind.BROWSER, "Browser")).viewer

    def token(self, viewer, film):
        return self.posters.urls(viewer, film).poster.split("/")[2]


async def test_a_poster_is_for_its_session_device_and_film(gallery):
    viewer, film = await gallery.viewer(), gallery.home()
    url = gallery.posters.urls(viewer, film).poster
    assert url == f"/play/{gallery.token(viewer, film)}/poster.jpg"
    assert gallery.posters.urls(viewer, film).backdrop == url.replace("poster", "backdrop")
    assert gallery.posters.urls(viewer, replace(film, state=FilmState.FAILED)) == PictureUrls()
    assert await gallery.posters.film_of(gallery.token(viewer, film), viewer.session) == film.id
    assert viewer.session not in url


async def test_what_was_made_for_somebody_else_or_forged_is_refused(gallery):
    viewer, other, film = await gallery.viewer(), await gallery.viewer(), gallery.home()
    token = gallery.token(viewer, film)
    name, mac = token.split(".")
    elsewhere = replace(viewer, device=DeviceId("another"))
    stored = await gallery.session_service.stored.get(viewer.session)
    again = replace(stored, id=SessionId("9" * 64))
    await gallery.session_service.stored.add(again)
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


async def test_guests_see_the_pictures_of_packages_and_none_of_the_folders(gallery, publisher):
    packed = await published(publisher, size=50_000)
    film = film_of(packed, publisher.registry)
    token = gallery.token(None, film)
    assert await gallery.posters.film_of(token, None) == film.id
    assert await gallery.posters.film_of(token, (await gallery.viewer()).session) == film.id
    assert gallery.posters.urls(None, gallery.home()) == PictureUrls()
    with pytest.raises(AccessRefused):
        await gallery.posters.film_of(f"{gallery.home().id}.{token.partition('.')[2]}", None)


async def test_with_its_session_a_posters_address_ends(gallery):
    viewer, film = await gallery.viewer(), gallery.home()
    token = gallery.token(viewer, film)
    await gallery.session_service.stored.remove(viewer.device)
    with pytest.raises(AccessRefused):
        await gallery.posters.film_of(token, viewer.session)


async def test_another_servers_secret_signs_other_addresses(gallery):
    viewer, film = await gallery.viewer(), gallery.home()
    token = gallery.token(viewer, film)
    gallery.posters.secret = b"t" * 32
    with pytest.raises(AccessRefused):
        await gallery.posters.film_of(token, viewer.session)


async def test_the_publishers_pictures_come_from_the_package(gallery, publisher):
    packed = await published(publisher, size=50_000)
    film = film_of(packed, publisher.registry)
    assert await gallery.posters.jpeg(film, FileRole.POSTER) == b"\xff\xd8\xff a poster"
    assert await gallery.posters.jpeg(film, FileRole.BACKDROP) == b"\xff\xd8\xff a backdrop"
    assert gallery.media.stills == []


@pytest.mark.parametrize("there", [FileRole.POSTER, FileRole.BACKDROP])
async def test_a_film_with_one_picture_shows_it_in_both_places(gallery, publisher, there):
    """Packages of before have no backdrop, and a publisher may do without a poster."""
    one = "backdrop" if there is FileRole.POSTER else "poster"

    def only(manifest):
        return replace(manifest, files=tuple(file for file in manifest.files if file.role != one))

    film = film_of(await published(publisher, size=50_000, manifest=only), publisher.registry)
    for role in (FileRole.POSTER, FileRole.BACKDROP):
        assert await gallery.posters.jpeg(film, role) == f"\xff\xd8\xff a {there}".encode("latin-1")


async def test_a_package_nobody_has_checked_shows_no_picture(gallery, publisher):
    packed = await published(publisher, size=50_000)
    for state in (FilmState.DISCOVERED, FilmState.FAILED):
        assert await gallery.posters.jpeg(film_of(packed, publisher.registry, state), FileRole.POSTER) is None


async def test_a_package_without_a_poster_or_not_here_has_none(gallery, publisher, holder):
    def bare(manifest):
        return replace(manifest, files=tuple(file for file in manifest.files if file.role not in PICTURES))

    packed = await published(publisher, size=50_000, manifest=bare)
    assert await gallery.posters.jpeg(film_of(packed, publisher.registry), FileRole.POSTER) is None
    elsewhere = replace(packed, root="bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi")
    assert await gallery.posters.jpeg(film_of(elsewhere, publisher.registry), FileRole.POSTER) is None


async def test_a_film_from_a_folder_gets_a_still_made_once(gallery):
    film = gallery.home()
    assert await gallery.posters.jpeg(film, FileRole.POSTER) == gallery.media.picture
    assert await gallery.posters.jpeg(film, FileRole.POSTER) == gallery.media.picture
    assert gallery.media.stills == [(None, 640, True)]
    assert await gallery.posters.jpeg(film, FileRole.BACKDROP) == gallery.media.picture
    assert await gallery.posters.jpeg(film, FileRole.BACKDROP) == gallery.media.picture
    assert gallery.media.stills[1:] == [(None, 1280, False)], "two pictures, an upright and a wide one"


async def test_a_replaced_film_gets_a_new_still_under_a_new_address(gallery):
    """One that is away keeps what it has."""
    viewer, film = await gallery.viewer(), gallery.home()
    first, second = (replace(film, origin=replace(film.origin, fingerprint=digit * 64)) for digit in "ab")
    await gallery.posters.jpeg(first, FileRole.POSTER)
    gallery.media.picture = b"\xff\xd8\xff another"
    assert await gallery.posters.jpeg(second, FileRole.POSTER) == gallery.media.picture
    assert (
        await gallery.posters.jpeg(replace(first, state=FilmState.AWAY), FileRole.POSTER)
        != gallery.media.picture
    )
    assert len(gallery.media.stills) == 2
    tokens = [gallery.token(viewer, one) for one in (film, first, second)]
    assert len(set(tokens)) == 3
    for token in tokens:
        assert await gallery.posters.film_of(token, viewer.session) == film.id


async def test_stills_are_made_one_at_a_time(gallery):
    """A first look at a large library must not start as many ffmpegs as there are films."""
    films = [gallery.home(f"{number}.mp4") for number in range(4)]
    await asyncio.gather(*(gallery.posters.jpeg(film, FileRole.POSTER) for film in films * 2))
    assert (len(gallery.media.stills), gallery.media.most) == (4, 1)


async def test_a_still_that_cannot_be_kept_is_shown_all_the_same(gallery, monkeypatch):
    async def full(*_):
        raise StoreFull("The disk is full.", fix="Free some room.")

    monkeypatch.setattr(gallery.store, "put", full)
    assert await gallery.posters.jpeg(gallery.home(), FileRole.POSTER) == gallery.media.picture


async def test_where_no_still_can_be_made_there_is_none(gallery):
    gone = gallery.home("gone.mp4")
    (gallery.folder / "gone.mp4").unlink()
    assert await gallery.posters.jpeg(gone, FileRole.POSTER) is None
    assert (
        await gallery.posters.jpeg(replace(gallery.home(), state=FilmState.FAILED), FileRole.POSTER) is None
    )
    gallery.media.picture = TranscodeFailed("ffmpeg gave up")
    assert await gallery.posters.jpeg(gallery.home("b.mp4"), FileRole.POSTER) is None
