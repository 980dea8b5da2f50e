"""From a plain film to a package that a holder's server verifies; nothing in the clear on the way."""

import hashlib
from dataclasses import replace
from fractions import Fraction

import pytest

from tests.components.films import make_film, run_ffmpeg
from tests.components.registry import ACCOUNTS
from tests.fakes import FakeEncoder, FakeProber
from tests.services.packing import LADDER
from wylloh_server.adapters.chain import registry_calls, sign_manifest
from wylloh_server.adapters.chain.registry_calls import NewFilm
from wylloh_server.adapters.ffmpeg import AvProber, FfmpegEncoder, find_ffmpeg
from wylloh_server.adapters.folders import LocalFilm
from wylloh_server.domain.errors import InvalidValue, MediaRefused, NotFound, PackageInvalid
from wylloh_server.domain.film import Description, FileRole, FilmState, film_id_of
from wylloh_server.domain.rendition import AudioTrack, Probe, SubtitleTrack, VideoTrack
from wylloh_server.domain.types import Seconds, wallet_of
from wylloh_server.services.publishing import Publishing, PublishOrder
from wylloh_server.web.door import LoopbackDoor

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


def publishing_of(server, door, prober=None, encoder=None):
    return Publishing(
        staging=server.folder / "staging",
        door=door,
        prober=prober or AvProber(),
        encoder=encoder or FfmpegEncoder(find_ffmpeg()),
        cipher=server.cipher,
        film_keys=server.film_keys,
        server_keys=server.server_keys,
        packages=server.packages,
    )


@pytest.fixture
async def publishing(publisher):
    async with LoopbackDoor() as door:
        yield publishing_of(publisher, door)


@pytest.fixture
async def quick(publisher):
    """The same without ffmpeg, for what has nothing to do with pictures."""
    async with LoopbackDoor() as door:
        yield publishing_of(publisher, door, FakeProber(PROBE), FakeEncoder())


@pytest.fixture
def order(film, publisher):
    return PublishOrder(
        film=LocalFilm(film),
        description=Description("  The Film ", "Of a film.", 2008),
        token=publisher.registry.new_token(),
        publisher=wallet_of(publisher.registry.publisher.address),
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
    receiver = wallet_of(ACCOUNTS[0].address)
    new = NewFilm(order.token, root, staged.manifest_sha256, 10_000, receiver, 500, LADDER)
    await publisher.registry.send(registry_calls.create_film(new))
    await publishing.discard(staged)
    assert not staged.folder.exists()

    await holder.discovery.look()
    film_id = film_id_of(str(order.token))
    await holder.puller.pull(film_id)
    arrived = await holder.storage.films.get(film_id)
    assert (arrived.state, arrived.reason) == (FilmState.READY, "")
    manifest = await holder.manifests.load(root)
    assert manifest == staged.manifest
    sealed = await holder.packages.open_file(root, manifest.only(FileRole.FEATURE).path)
    key = await publisher.film_keys.kept(order.token)
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


async def test_the_key_is_kept_before_a_byte_is_encrypted(quick, publisher, order, monkeypatch):
    kept = []

    def encrypt(source, target, key, associated, progress=None):
        name = f"custody:{order.token}"
        kept.append(publisher.key_store._vault.read(name) == key)
        raise OSError("the disk is full")

    monkeypatch.setattr(publisher.cipher, "encrypt", encrypt)
    with pytest.raises(OSError, match="disk is full"):
        await quick.stage(order)
    assert kept == [True]
    with pytest.raises(NotFound):
        quick.staged(order.token)


async def test_staging_anew_does_not_take_the_key_of_a_package_out_there(quick, publisher, order):
    first = await quick.stage(order)
    key = await publisher.film_keys.kept(order.token)
    encrypted = (first.folder / "feature.enc").read_bytes()
    second = await quick.stage(order)
    assert await publisher.film_keys.kept(order.token) == key
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
            await publishing.stage(replace(order, film=LocalFilm(path)))
    assert await publisher.film_keys.kept(order.token) is None
    assert not list((publisher.folder / "staging").iterdir())


async def test_files_that_are_not_what_they_should_be_are_named(quick, order):
    for wrong in (b"GIF89a", b"\xff\xfe", b"", b"WEBVTT\n\xff"):
        with pytest.raises(InvalidValue, match="for en are not WebVTT"):
            await quick.stage(replace(order, subtitles=(("en", wrong),)))
    for language in ("../../../tmp/x", "", "a/b"):
        with pytest.raises(InvalidValue, match="language tag"):
            await quick.stage(replace(order, subtitles=((language, b"WEBVTT\n"),)))


async def test_a_poster_is_a_picture_and_ends_up_a_jpeg(publishing, order, tmp_path):
    run_ffmpeg("-f", "lavfi", "-i", "testsrc2=size=90x120", "-frames:v", "1", str(tmp_path / "poster.png"))
    png = (tmp_path / "poster.png").read_bytes()
    staged = await publishing.stage(replace(order, poster=png))
    jpeg = (staged.folder / "poster.jpg").read_bytes()
    assert jpeg.startswith(b"\xff\xd8\xff")
    staged = await publishing.stage(replace(order, poster=jpeg))
    assert (staged.folder / "poster.jpg").read_bytes() == jpeg
    for wrong in (b"GIF89a", b"\xff\xd8\xff", b"", png[:100]):
        with pytest.raises(InvalidValue, match="poster is not a JPEG, PNG or WebP"):
            await publishing.stage(replace(order, poster=wrong))


async def test_a_description_no_manifest_can_hold_is_refused(quick, order):
    with pytest.raises(PackageInvalid, match="300"):
        await quick.stage(replace(order, description=Description("x" * 301)))


async def test_an_unsigned_package_is_no_film_to_a_holder(quick, publisher, holder, order):
    staged = await quick.stage(order)
    root = await quick.finish(staged, "0x" + "00" * 65)
    receiver = wallet_of(ACCOUNTS[0].address)
    new = NewFilm(order.token, root, staged.manifest_sha256, 10_000, receiver, 500, LADDER)
    await publisher.registry.send(registry_calls.create_film(new))
    await holder.discovery.look()
    await holder.puller.pull(film_id_of(str(order.token)))
    film = await holder.storage.films.get(film_id_of(str(order.token)))
    assert film.state is FilmState.FAILED
    assert "signature" in film.reason


async def test_a_language_in_a_film_is_never_a_path(quick, publisher, order, tmp_path):
    staged = await quick.stage(order)
    assert {file.path for file in staged.manifest.files} == {
        "feature.enc",
        "poster.jpg",
        "subtitles/en.vtt",
        "subtitles/und.vtt",
    }
    assert not list(tmp_path.rglob("evil*"))
