"""From a plain film to a package that a holder's server verifies; nothing in the clear on the way."""

import hashlib
from dataclasses import replace
from fractions import Fraction

import av
import pytest

from tests.components.films import make_film, run_ffmpeg
from tests.components.registry import ACCOUNTS
from tests.fakes import FakeMedia
from tests.services.packing import LADDER
from wylloh_server.adapters.chain import registry_calls, sign_manifest
from wylloh_server.adapters.chain.registry_calls import NewFilm
from wylloh_server.adapters.ffmpeg import FfmpegMediaTools, LoopbackMediaServer, find_ffmpeg
from wylloh_server.adapters.files.local_files import local_film
from wylloh_server.domain.errors import InvalidValue, MediaRefused, NotFound, PackageInvalid, TranscodeFailed
from wylloh_server.domain.film import Description, FileRole, FilmState, film_id_for
from wylloh_server.domain.rendition import AudioTrack, Probe, SubtitleTrack, VideoTrack
from wylloh_server.domain.key_commitment import fits_commitment
from wylloh_server.domain.types import Seconds, parse_wallet
from wylloh_server.services.publishing.film_packaging import FilmPackaging, PublishOrder

MARKER = "a marker that stands in the film in the clear"
PROBE = Probe(
    "matroska",
    Seconds(7),
    VideoTrack("h264", 320, 180, Fraction(25)),
    (AudioTrack(0, "aac", "en", 2),),
    (SubtitleTrack(0, "subrip", "en"), SubtitleTrack(1, "subrip", "../../../tmp/evil")),
)


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    return make_film(tmp_path_factory.mktemp("film") / "film.mkv", 7, size="320x180", title=MARKER)


def publishing_of(server, media):
    return FilmPackaging(
        staging=server.folder / "staging",
        media=media,
        cipher=server.cipher,
        film_keys=server.film_keys,
        server_keys=server.server_keys,
        packages=server.packages,
    )


@pytest.fixture
async def publishing(publisher):
    async with LoopbackMediaServer() as loopback:
        yield publishing_of(publisher, FfmpegMediaTools(loopback, find_ffmpeg()))


@pytest.fixture
def quick(publisher):
    """The same without ffmpeg, for what has nothing to do with pictures."""
    return publishing_of(publisher, FakeMedia(PROBE))


@pytest.fixture
def order(film, publisher):
    return PublishOrder(
        film=local_film(film),
        description=Description("  The Film ", "Of a film.", 2008),
        token=publisher.registry.new_token(),
        publisher=parse_wallet(publisher.registry.publisher.address),
        custodian_url="https://films.example",
    )


def in_the_clear(folder, marker=MARKER.encode()):
    return [path for path in folder.rglob("*") if path.is_file() and marker in path.read_bytes()]


async def test_a_film_is_staged_signed_and_verified_by_a_holder(publishing, publisher, holder, order, film):
    assert in_the_clear(film.parent)
    reports = []
    staged = await publishing.stage(order, lambda done, of: reports.append((done, of)))
    assert reports[-1] == (film.stat().st_size, film.stat().st_size)
    assert in_the_clear(publisher.folder) == []
    described = staged.manifest.description
    assert (described.title, described.year, described.height) == ("The Film", 2008, 180)
    assert (described.languages, described.subtitles) == (("en", "de"), ("en",))
    assert described.runtime == 7
    assert staged.manifest.custodians[0].public_key == publisher.server_keys.custodian_public

    signature = sign_manifest(publisher.registry.publisher, order.token, staged.manifest_sha256)
    root = await publishing.finish(staged, signature)
    assert await publishing.finish(staged, signature) == root
    receiver = parse_wallet(ACCOUNTS[0].address)
    new = NewFilm(order.token, root, staged.manifest_sha256, 10_000, receiver, 500, LADDER)
    await publisher.registry.send(registry_calls.create_film(new))
    await publishing.discard(staged)
    assert not staged.folder.exists()

    await holder.follow_chain()
    film_id = film_id_for(str(order.token))
    await holder.puller.pull(film_id)
    arrived = await holder.storage.films.get(film_id)
    assert (arrived.state, arrived.reason) == (FilmState.READY, "")
    manifest = await holder.manifests.load(root)
    assert manifest == staged.manifest
    sealed = await holder.packages.open_file(root, manifest.only(FileRole.FEATURE).path)
    key = await publisher.film_keys.in_custody(order.token)
    assert fits_commitment(key, order.token, manifest.encryption.key_commitment)
    opened = holder.cipher.open(sealed, key, manifest.encryption.associated_data.encode())
    assert await opened.read(0, opened.size) == film.read_bytes()
    await opened.close()
    for file in manifest.files:
        stored = await holder.packages.open_file(root, file.path)
        content = await stored.read(0, stored.size)
        assert (len(content), hashlib.sha256(content).hexdigest()) == (file.size, file.sha256)
    for server in (publisher, holder):
        assert in_the_clear(server.folder) == []
        assert in_the_clear(server.folder, bytes(key)) == []


async def test_47_a_trailer_is_in_the_signed_package_as_it_is(publishing, holder, order, tmp_path):
    plays = make_film(tmp_path / "plays.mp4", 1, size="64x36", subtitles=False)
    staged = await publishing.stage(replace(order, trailer=local_film(plays)))
    file = staged.manifest.only(FileRole.TRAILER)
    assert file.path == "trailer.mp4"
    assert (staged.folder / file.path).read_bytes() == plays.read_bytes()
    assert file.sha256 == hashlib.sha256(plays.read_bytes()).hexdigest()
    assert FileRole.TRAILER not in {file.role for file in (await publishing.stage(order)).manifest.files}


async def test_a_trailer_that_some_browser_does_not_play_is_made_to_one(publishing, order, tmp_path):
    mpeg4 = ("-c:v", "mpeg4", "-pix_fmt", "yuv420p")
    other = make_film(tmp_path / "other.mkv", 1, size="64x36", title=MARKER, picture=mpeg4)
    staged = await publishing.stage(replace(order, trailer=local_film(other)))
    with av.open(staged.folder / "trailer.mp4") as made:
        streams = [(stream.type, stream.codec_context.name) for stream in made.streams]
        assert streams == [("video", "h264"), ("audio", "aac")]
        assert made.streams.video[0].codec_context.pix_fmt == "yuv420p"
        assert sum(1 for _ in made.decode(video=0)) >= 24
    assert MARKER.encode() not in (staged.folder / "trailer.mp4").read_bytes(), (
        "what a file says of its maker"
    )


async def test_a_film_in_the_trailer_s_place_is_refused_and_not_published(quick, order, film):
    quick.media.probe_or_error = replace(PROBE, duration=Seconds(3600))
    with pytest.raises(MediaRefused, match="A trailer may last 10 minutes"):
        await quick.stage(replace(order, trailer=local_film(film)))
    with pytest.raises(NotFound):
        quick.staged(order.token)


async def test_the_key_is_kept_before_a_byte_is_encrypted(quick, publisher, order, monkeypatch):
    kept = []

    def encrypt(source, target, key, associated, progress=None):
        name = f"custody:{order.token}"
        kept.append(publisher.key_store._read(name) == key)
        raise OSError("the disk is full")

    monkeypatch.setattr(publisher.cipher, "encrypt", encrypt)
    with pytest.raises(OSError, match="disk is full"):
        await quick.stage(order)
    assert kept == [True]
    with pytest.raises(NotFound):
        quick.staged(order.token)


async def test_staging_anew_does_not_take_the_key_of_a_package_out_there(quick, publisher, order):
    first = await quick.stage(order)
    key = await publisher.film_keys.in_custody(order.token)
    encrypted = (first.folder / "feature.enc").read_bytes()
    second = await quick.stage(order)
    assert await publisher.film_keys.in_custody(order.token) == key
    assert (second.folder / "feature.enc").read_bytes() != encrypted


async def test_what_was_staged_is_found_again_with_the_same_digest(quick, order):
    """As when a browser wallet signs in a second run of the command."""
    staged = await quick.stage(order)
    found = quick.staged(order.token)
    assert (found, found.manifest_sha256) == (staged, staged.manifest_sha256)
    written = (staged.folder / "manifest.json").read_bytes()
    assert hashlib.sha256(written).hexdigest() == found.manifest_sha256


async def test_what_was_never_staged_or_only_half_is_not_found(quick, order):
    with pytest.raises(NotFound) as caught:
        quick.staged(order.token)
    assert caught.value.fix == "Stage the film first."
    staged = await quick.stage(order)
    (staged.folder / "manifest.json").write_bytes(b'{"format"')
    with pytest.raises(NotFound):
        quick.staged(order.token)


async def test_ones_own_poster_and_subtitles_come_first(quick, order):
    poster = b"\xff\xd8\xff mine"
    words, more = b"\xef\xbb\xbfWEBVTT\n\nmine\n", b"WEBVTT\n\nauch meins\n"
    order = replace(order, poster=poster, subtitles=(("en", words), ("pt-BR", more)))
    staged = await quick.stage(order)
    assert (staged.folder / "poster.jpg").read_bytes() == b"\xff\xd8\xff mine"
    assert (staged.folder / "subtitles" / "en.vtt").read_text() == "WEBVTT\n\nmine\n"
    assert staged.manifest.description.subtitles == ("en", "pt-BR", "und")
    languages = {file.path: file.language for file in staged.manifest.files}
    assert languages["subtitles/pt-BR.vtt"] == "pt-BR"


async def test_embedded_subtitles_that_cannot_be_read_cost_themselves_only(publisher, order):
    class Unreadable(FakeMedia):
        async def subtitles(self, source, track):
            if track.language == "en":
                raise TranscodeFailed("ffmpeg ended with code 1")
            return await super().subtitles(source, track)

    quick = publishing_of(publisher, Unreadable(replace(PROBE, notes=("No sound in AC-4.",))))
    staged = await quick.stage(order)
    assert staged.manifest.description.subtitles == ("und",)
    assert staged.notes == (
        "No sound in AC-4.", "The embedded subtitles (English) cannot be read and are left out."
    )  # fmt: skip


async def test_subtitles_are_listed_in_the_order_of_the_sound(publishing, order):
    staged = await publishing.stage(replace(order, subtitles=(("de", b"WEBVTT\n\nmeins\n"),)))
    assert staged.manifest.description.languages == ("en", "de")
    assert staged.manifest.description.subtitles == ("en", "de")


async def test_a_draft_is_nothing_to_publish(quick, publisher, order):
    """Before the publisher has signed, no gateway gives away so much as the encrypted film."""
    staged = await quick.stage(order)
    for file in staged.manifest.files:
        assert await publisher.packages.published_block(file.cid) is None


async def test_what_is_no_film_is_not_published(publishing, publisher, order, tmp_path):
    path = tmp_path / "x.mp4"
    for content in (b"", b"#EXTM3U\n/etc/passwd\n"):
        path.write_bytes(content)
        with pytest.raises(MediaRefused, match="not a film"):
            await publishing.stage(replace(order, film=local_film(path)))
    assert await publisher.film_keys.in_custody(order.token) is None
    assert not list((publisher.folder / "staging").iterdir())


async def test_files_that_are_not_what_they_should_be_are_named(quick, order):
    for wrong in (b"GIF89a", b"\xff\xfe", b"", b"WEBVTT\n\xff"):
        with pytest.raises(InvalidValue, match="for en are not WebVTT"):
            await quick.stage(replace(order, subtitles=(("en", wrong),)))
    for language in ("../../../tmp/x", "", "a/b"):
        with pytest.raises(InvalidValue, match="language tag"):
            await quick.stage(replace(order, subtitles=((language, b"WEBVTT\n"),)))


@pytest.mark.parametrize("picture", ["poster", "backdrop"])
async def test_a_picture_ends_up_a_jpeg(publishing, order, tmp_path, picture):
    run_ffmpeg("-f", "lavfi", "-i", "testsrc2=size=90x120", "-frames:v", "1", str(tmp_path / "picture.png"))
    png = (tmp_path / "picture.png").read_bytes()
    staged = await publishing.stage(replace(order, **{picture: png}))
    jpeg = (staged.folder / f"{picture}.jpg").read_bytes()
    assert jpeg.startswith(b"\xff\xd8\xff")
    assert [file.path for file in staged.manifest.all(FileRole(picture))] == [f"{picture}.jpg"]
    staged = await publishing.stage(replace(order, **{picture: jpeg}))
    assert (staged.folder / f"{picture}.jpg").read_bytes() == jpeg
    for wrong in (b"GIF89a", b"\xff\xd8\xff", b"", png[:100]):
        with pytest.raises(InvalidValue, match="not a JPEG, PNG or WebP"):
            await publishing.stage(replace(order, **{picture: wrong}))


async def test_without_pictures_stills_are_poster_and_backdrop(publishing, order):
    """An upright poster is never stretched over a wide page, nor a wide picture cut by a grid."""
    staged = await publishing.stage(order)
    assert (staged.folder / "backdrop.jpg").read_bytes().startswith(b"\xff\xd8\xff")
    with av.open(str(staged.folder / "poster.jpg")) as poster:
        assert (poster.streams.video[0].width, poster.streams.video[0].height) == (640, 960)
    assert staged.manifest.only(FileRole.POSTER) is not None


async def test_a_description_no_manifest_can_hold_is_refused(quick, order):
    with pytest.raises(PackageInvalid, match="300"):
        await quick.stage(replace(order, description=Description("x" * 301)))


async def test_an_unsigned_package_is_no_film_to_a_holder(quick, publisher, holder, order):
    staged = await quick.stage(order)
    root = await quick.finish(staged, "0x" + "00" * 65)
    receiver = parse_wallet(ACCOUNTS[0].address)
    new = NewFilm(order.token, root, staged.manifest_sha256, 10_000, receiver, 500, LADDER)
    await publisher.registry.send(registry_calls.create_film(new))
    await holder.follow_chain()
    await holder.puller.pull(film_id_for(str(order.token)))
    film = await holder.storage.films.get(film_id_for(str(order.token)))
    assert film.state is FilmState.FAILED
    assert "signature" in film.reason


async def test_a_language_in_a_film_is_never_a_path(quick, publisher, order, tmp_path):
    staged = await quick.stage(order)
    assert {file.path for file in staged.manifest.files} == {
        "feature.enc",
        "poster.jpg",
        "backdrop.jpg",
        "subtitles/en.vtt",
        "subtitles/und.vtt",
    }
    assert not list(tmp_path.rglob("evil*"))
