"""Film packages made by hand, honest ones and lies."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass

from eth_account.signers.local import LocalAccount

from tests.components.registry import Registry
from tests.services.house import House
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
    film_id_of,
)
from wylloh_server.domain.manifest import manifest_bytes
from wylloh_server.domain.rights import RightsLadder, Tier
from wylloh_server.domain.types import Cid, ContentKey, Seconds, TokenReference, wallet_of

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
        return film_id_of(str(self.token))


async def pack(
    publisher: House,
    *,
    custodian: str = "http://127.0.0.1:9",
    token: TokenReference | None = None,
    size: int = 2_500_000,
    manifest: Callable[[Manifest], Manifest] = same,
    raw: Callable[[bytes], bytes] = same,
    signer: LocalAccount | None = None,
    signature: Callable[[str], str] = same,
    spoil: Callable[[object], None] = same,
) -> Packed:
    """Make a package and keep its key; each function may turn one part of it into a lie."""
    registry = publisher.registry
    token = token or registry.new_token()
    plain = (MARKER + os.urandom(64)) * (size // (len(MARKER) + 64))
    key = publisher.cipher.new_key()
    await publisher.film_keys.keep_as_custodian(token, key)
    folder = publisher.folder / "packing"
    (folder / "subtitles").mkdir(parents=True)
    with (folder / "feature.enc").open("wb") as target:
        bound = associated_data(str(token), FileRole.FEATURE)
        publisher.cipher.encrypt(io.BytesIO(plain), target, key, bound.encode())
    (folder / "poster.jpg").write_bytes(b"\xff\xd8\xff a poster")
    (folder / "subtitles" / "de.vtt").write_text("WEBVTT\n")
    files = await _files(publisher, folder)
    described = Manifest(
        Description("The Film", "Of a film.", 2008, Seconds(90), languages=("en",), height=720),
        token,
        wallet_of(registry.publisher.address),
        files,
        EncryptionHeader(ENCRYPTION_SCHEME, associated_data(str(token), FileRole.FEATURE)),
        (Custodian(custodian, publisher.server_keys.custodian_public),),
    )
    written = raw(manifest_bytes(manifest(described)))
    digest = hashlib.sha256(written).hexdigest()
    (folder / "manifest.json").write_bytes(written)
    signed = sign_manifest(signer or registry.publisher, token, digest)
    (folder / "manifest.sig").write_text(signature(signed))
    spoil(folder)
    root = await publisher.packages.add_folder(folder)
    shutil.rmtree(folder)
    return Packed(token, root, digest, plain, key)


async def register(registry: Registry, packed: Packed, sha256: str = "") -> None:
    """Announce a package on the chain."""
    receiver = wallet_of(registry.publisher.address)
    film = NewFilm(packed.token, packed.root, sha256 or packed.sha256, 10_000, receiver, 500, LADDER)
    await registry.send(registry_calls.create_film(film))


async def published(publisher: House, **lies) -> Packed:
    """Make and announce a package; the publisher's own server knows the film at once."""
    packed = await pack(publisher, **lies)
    await register(publisher.registry, packed)
    await publisher.storage.films.save(film_of(packed, publisher.registry))
    return packed


def film_of(packed: Packed, registry: Registry, state: FilmState = FilmState.READY) -> Film:
    origin = TokenOrigin(packed.token, packed.root, wallet_of(registry.publisher.address), packed.sha256)
    return Film(packed.film_id, Description("The Film"), origin, state, 1.0)


async def _files(publisher: House, folder) -> tuple[PackageFile, ...]:
    draft = await publisher.packages.add_folder(folder)
    roles = {
        "feature.enc": FileRole.FEATURE,
        "poster.jpg": FileRole.POSTER,
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
