"""Film packages made by hand, honest ones and lies."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from eth_account.signers.local import LocalAccount

from tests.components.registry import Registry
from tests.services.server_environment import ServerEnvironment
from wylloh_server.adapters.chain import registry_calls, sign_manifest
from wylloh_server.adapters.chain.registry_calls import NewFilm
from wylloh_server.domain.film import (
    ENCRYPTION_SCHEME,
    Custodian,
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
from wylloh_server.domain.key_commitment import key_commitment
from wylloh_server.domain.manifest import manifest_bytes
from wylloh_server.domain.rights import RightsLadder, Tier
from wylloh_server.domain.types import Cid, ContentKey, Seconds, TokenReference, parse_wallet

LADDER = RightsLadder(
    (Tier(1, "personal"), Tier(100, "small-venue", (), 50), Tier(500, "streaming", ("AT", "DE")))
)
MARKER = b"this is the film in the clear "


def same(value):
    return value


@dataclass(frozen=True)
class Packed:
    """A package in a publisher's store, and what goes with it."""

    token: TokenReference
    root: Cid
    sha256: str
    plain: bytes
    key: ContentKey

    @property
    def film_id(self):
        return film_id_for(str(self.token))


ABOUT = Description("The Film", "Of a film.", 2008, Seconds(90), languages=("en",), height=720)


async def pack(
    publisher: ServerEnvironment,
    *,
    custodian: str = "http://127.0.0.1:9",
    token: TokenReference | None = None,
    size: int = 2_500_000,
    film: bytes = b"",
    poster: int = 0,
    trailer: bytes = b"",
    manifest: Callable[[Manifest], Manifest] = same,
    raw: Callable[[bytes], bytes] = same,
    signer: LocalAccount | None = None,
    signature: Callable[[str], str] = same,
    spoil: Callable[[object], None] = same,
) -> Packed:
    """Make a package of a `film`, or of so many bytes that are none, and keep its key.

    Each function may turn one part of it into a lie.
    """
    registry = publisher.registry
    token = token or registry.new_token()
    plain = film or (MARKER + os.urandom(64)) * (size // (len(MARKER) + 64))
    key = publisher.cipher.new_key()
    # A new one for each package, as of a publisher who lost the first: the server itself keeps one for good.
    await publisher.key_store.put(f"custody:{token}", key)
    folder = publisher.folder / "packing"
    folder.mkdir()
    with (folder / "feature.enc").open("wb") as target:
        bound = associated_data(str(token), FileRole.FEATURE)
        publisher.cipher.encrypt(io.BytesIO(plain), target, key, bound.encode())
    _write_open_parts(folder, poster, trailer)
    files = await _files(publisher, folder)
    described = Manifest(
        ABOUT,
        token,
        parse_wallet(registry.publisher.address),
        files,
        EncryptionHeader(ENCRYPTION_SCHEME, bound, key_commitment(key, token)),
        (Custodian(custodian, publisher.server_keys.custodian_public),),
    )
    written = raw(manifest_bytes(manifest(described)))
    digest = hashlib.sha256(written).hexdigest()
    (folder / "manifest.json").write_bytes(written)
    signed = signature(sign_manifest(signer or registry.publisher, token, digest))
    (folder / "manifest.sig").write_text(signed)
    spoil(folder)
    packed = Packed(token, await publisher.packages.add_folder(folder), digest, plain, key)
    shutil.rmtree(folder)
    return packed


def _write_open_parts(folder: Path, poster: int, trailer: bytes) -> None:
    (folder / "poster.jpg").write_bytes(b"\xff\xd8\xff a poster" + os.urandom(poster))
    if trailer:
        (folder / "trailer.mp4").write_bytes(trailer)
    (folder / "backdrop.jpg").write_bytes(b"\xff\xd8\xff a backdrop")
    (folder / "subtitles").mkdir()
    (folder / "subtitles" / "de.vtt").write_text("WEBVTT\n")


async def register(registry: Registry, packed: Packed, sha256: str = "") -> None:
    """Announce a package on the chain."""
    receiver = parse_wallet(registry.publisher.address)
    film = NewFilm(packed.token, packed.root, sha256 or packed.sha256, 10_000, receiver, 500, LADDER)
    await registry.send(registry_calls.create_film(film))


async def published(publisher: ServerEnvironment, **lies) -> Packed:
    """Make and announce a package; the publisher's own server knows the film at once."""
    packed = await pack(publisher, **lies)
    await register(publisher.registry, packed)
    await publisher.storage.films.save(film_of(packed, publisher.registry))
    return packed


def film_of(packed: Packed, registry: Registry, state: FilmState = FilmState.READY) -> Film:
    origin = TokenOrigin(packed.token, packed.root, parse_wallet(registry.publisher.address), packed.sha256)
    return Film(packed.film_id, Description("The Film"), origin, state, 1.0)


async def _files(publisher: ServerEnvironment, folder) -> tuple[PackageFile, ...]:
    draft = await publisher.packages.add_folder(folder)
    roles = {
        "feature.enc": FileRole.FEATURE,
        "trailer.mp4": FileRole.TRAILER,
        "poster.jpg": FileRole.POSTER,
        "backdrop.jpg": FileRole.BACKDROP,
        "subtitles/de.vtt": FileRole.SUBTITLES,
    }
    files = tuple(
        PackageFile(
            entry.path,
            entry.cid,
            entry.size,
            hashlib.sha256((folder / entry.path).read_bytes()).hexdigest(),
            roles[entry.path],
            "de" if entry.path.endswith(".vtt") else "",
        )
        for entry in await publisher.packages.listing(draft)
    )
    await publisher.packages.forget(draft)
    return files
