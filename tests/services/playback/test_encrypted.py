"""Token-gated films: their plaintext is never on disk, and what cannot be read is not guessed at."""

from __future__ import annotations

import asyncio
import io
import random

import pytest

from tests.components.corpus import Corpus
from tests.components.films import make_film
from tests.components.transcoding_workspace import ALICE, HOME, transcoding_workspace
from tests.fakes import FakeContentKeys, FakeFiles, FakeManifests
from wylloh_server.adapters.crypto import TinkFilmCipher
from wylloh_server.domain.errors import AccessRefused, BlockUnavailable, MediaRefused
from wylloh_server.domain.events import FilmDescribed
from wylloh_server.domain.film import (
    ENCRYPTION_SCHEME,
    Description,
    EncryptionHeader,
    FileRole,
    Film,
    FilmState,
    Manifest,
    PackageFile,
    TokenOrigin,
    associated_data,
    film_id_for,
)
from wylloh_server.domain.types import ChainId, Cid, TokenReference, parse_wallet
from wylloh_server.services.library.film_sources import FilmSources
from wylloh_server.services.licensing.key_verifier import KeyVerifier

MARKER = "the-lighthouse-keeper-did-it"
WALLET = parse_wallet("0x" + "9" * 40)
TOKEN = TokenReference(ChainId(31337), WALLET, 1)
FILM = Film(
    film_id_for(str(TOKEN)),
    Description("Lighthouse"),
    TokenOrigin(TOKEN, Cid("bafy"), WALLET, "0" * 64),
    FilmState.READY,
)
VTT = "WEBVTT\n\n00:01.000 --> 00:02.000\nBonsoir.\n"


@pytest.fixture(scope="module")
def plaintext(tmp_path_factory):
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    return make_film(path, 60, size="320x180", languages=("eng",), title=MARKER).read_bytes()


@pytest.fixture
def package(plaintext):
    """The files of the film's package, and what opens them."""
    return packaged(plaintext)


def packaged(plaintext):
    key, header = TinkFilmCipher().new_key(), associated_data(str(TOKEN), FileRole.FEATURE)
    sealed = io.BytesIO()
    TinkFilmCipher().encrypt(io.BytesIO(plaintext), sealed, key, header.encode())
    files = (
        PackageFile("feature.enc", Cid("bafk"), len(sealed.getvalue()), "0" * 64, FileRole.FEATURE),
        PackageFile("subtitles/fr.vtt", Cid("bafk"), len(VTT), "0" * 64, FileRole.SUBTITLES, "fra"),
    )
    manifest = Manifest(
        FILM.description, TOKEN, WALLET, files, EncryptionHeader(ENCRYPTION_SCHEME, header), ()
    )
    packages = FakeFiles({"feature.enc": sealed.getvalue(), "subtitles/fr.vtt": VTT.encode()})
    return packages, FakeManifests(manifest), FakeContentKeys(key)


@pytest.fixture
def sources(package):
    return sources_of(*package)


def sources_of(packages, manifests, keys):
    verifier = KeyVerifier(packages=packages, manifests=manifests, cipher=TinkFilmCipher())
    return FilmSources(
        packages=packages, folders=None, manifests=manifests, verifier=verifier, keys=keys, uploads=None
    )


async def test_nothing_of_the_film_is_ever_on_disk_in_the_clear(tmp_path, plaintext, sources):
    assert MARKER.encode() in plaintext
    async with transcoding_workspace(tmp_path, FILM, sources=sources) as room:
        lease = await room.playback.start(ALICE, FILM.id, HOME)
        clear = [await room.clear(lease, "v-180p-200k", f"{number}.m4s") for number in range(5)]
        assert "We begin." in await room.playback.subtitles(lease, "s1")
        await room.playback.fill(FILM.id)
    stored = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert len(stored) > 50
    everything = b"".join(stored.values())
    assert MARKER.encode() not in everything
    assert b"We begin" not in everything
    pick = random.Random(7)
    for data in (plaintext, *clear):
        for _ in range(40):
            at = pick.randrange(len(data) - 24)
            # Bytes that are all alike (padding) may turn up anywhere.
            if len(set(data[at : at + 24])) > 12:
                assert data[at : at + 24] not in everything
    assert [path for path, data in stored.items() if path.name != "init.mp4" and b"mdat" in data[:4096]] == []


async def test_38_the_tracks_of_a_package_that_cannot_be_played_are_noted_once_it_is_opened(tmp_path):
    """No manifest knows what this server decodes; the film's page is told as soon as there is a key."""
    film = packaged(Corpus(tmp_path).film("drawn-subtitles.mkv").read_bytes())
    note = "The subtitles “Deutsch” in PGS are pictures, which cannot be shown yet."
    locked = sources_of(*film[:2], FakeContentKeys(None))
    for name in ("locked", "open"):
        (tmp_path / name).mkdir()
    async with transcoding_workspace(tmp_path / "locked", FILM, sources=locked) as room:
        room.playback.prefetch(FILM)
        await asyncio.gather(*room.playback._tasks)
        assert (await room.films.get(FILM.id)).notes == ()
    async with transcoding_workspace(tmp_path / "open", FILM, sources=sources_of(*film)) as room:
        room.playback.prefetch(FILM)
        await asyncio.gather(*room.playback._tasks)
        assert note in (await room.films.get(FILM.id)).notes
        assert room.events == [FilmDescribed(FILM.id, FILM.title)], "an open page draws them"
        room.playback.prefetch(FILM)
        await asyncio.gather(*room.playback._tasks)
        assert len(room.events) == 1


async def test_subtitles_of_the_package_come_first(tmp_path, sources):
    async with transcoding_workspace(tmp_path, FILM, sources=sources) as room:
        lease = await room.playback.start(ALICE, FILM.id, HOME)
        assert 'NAME="Français",LANGUAGE="fr"' in await room.playback.master(lease)
        assert await room.playback.subtitles(lease, "s0") == VTT


async def test_subtitles_that_are_none_are_refused(tmp_path, package, sources):
    package[0].files["subtitles/fr.vtt"] = b"<script>"
    async with transcoding_workspace(tmp_path, FILM, sources=sources) as room:
        lease = await room.playback.start(ALICE, FILM.id, HOME)
        with pytest.raises(MediaRefused, match="not WebVTT"):
            await room.playback.subtitles(lease, "s0")


async def test_without_its_key_a_film_does_not_open(tmp_path, package, sources):
    package[2].key = None
    async with transcoding_workspace(tmp_path, FILM, sources=sources) as room:
        with pytest.raises(AccessRefused):
            await room.playback.start(ALICE, FILM.id, HOME)


async def test_a_missing_block_is_told_and_no_made_up_picture_is_stored(tmp_path, package, sources):
    packages, *_ = package
    async with transcoding_workspace(tmp_path, FILM, sources=sources) as room:
        lease = await room.playback.start(ALICE, FILM.id, HOME)
        await asyncio.gather(
            *(room.playback.segment(lease, track, "0.m4s") for track in ("v-144p-160k", "a0"))
        )
        await room.playback.stop(lease)
        await room.quiet()
        size = len(packages.files["feature.enc"])
        packages.gone = range(size // 2, size // 2 + 1)
        lease = await room.playback.start(ALICE, FILM.id, HOME)
        with pytest.raises(BlockUnavailable, match="missing"):
            await room.playback.segment(lease, "v-180p-200k", "16.m4s")
        packages.gone = range(0)
        clear = await room.clear(lease, "v-180p-200k", "16.m4s")
        assert b"mdat" in clear, "and with the block back, it is made"
