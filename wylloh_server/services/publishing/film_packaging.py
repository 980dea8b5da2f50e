"""Making a film package: encrypt, describe, sign, build. The wallet that signs is never kept here."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import shutil
import threading
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from wylloh_server.domain.errors import InvalidValue, MediaError, MediaRefused, NotFound, WyllohError
from wylloh_server.domain.film import (
    ENCRYPTION_SCHEME,
    TRAILER_FILE,
    Custodian,
    Description,
    EncryptionHeader,
    FileRole,
    Manifest,
    PackageFile,
    associated_data,
)
from wylloh_server.domain.key_commitment import key_commitment
from wylloh_server.domain.languages import language_name
from wylloh_server.domain.manifest import (
    LANGUAGE_TAG,
    MANIFEST_FILE,
    SIGNATURE_FILE,
    manifest_bytes,
    manifest_from,
)
from wylloh_server.domain.quotation import quote_input
from wylloh_server.services.library.film_sources import opened
from wylloh_server.services.library.folder_films import with_tracks
from wylloh_server.services.library.posters import UPRIGHT_WIDTH
from wylloh_server.services.publishing.images import BACKDROP_WIDTH, POSTER_WIDTH, read_picture
from wylloh_server.services.publishing.trailer_file import write_trailer

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from wylloh_server.domain.ports.content import PackageEntry, Packages, Progress, RandomAccess
    from wylloh_server.domain.ports.crypto import FilmCipher, ServerKeys
    from wylloh_server.domain.ports.media import MediaTools
    from wylloh_server.domain.ports.uploads import PlaintextFilm
    from wylloh_server.domain.rendition import Probe
    from wylloh_server.domain.types import Cid, ContentKey, TokenReference, Wallet
    from wylloh_server.services.licensing.film_keys import FilmKeys

_log = logging.getLogger(__name__)

FEATURE_FILE = "feature.enc"
POSTER_FILE = "poster.jpg"
BACKDROP_FILE = "backdrop.jpg"
_ROLES = {
    FEATURE_FILE: FileRole.FEATURE,
    TRAILER_FILE: FileRole.TRAILER,
    POSTER_FILE: FileRole.POSTER,
    BACKDROP_FILE: FileRole.BACKDROP,
}


@dataclass(frozen=True, slots=True)
class PublishOrder:
    """What a publisher wants to publish.

    Attributes:
        film: the film in the clear.
        description: what people will read; languages, runtime and height are filled in from the file.
        subtitles: WebVTT (UTF-8) by BCP 47 language; embedded text tracks are taken as well.
        poster: an upright JPEG, PNG or WebP picture; None cuts one out of the film.
        backdrop: a wide picture; None takes a still from the film.
        custodian_url: where holders' servers reach this server for keys.
        trailer: a short film that is published unencrypted, for everybody.
    """

    film: PlaintextFilm
    description: Description
    token: TokenReference
    publisher: Wallet
    custodian_url: str
    subtitles: tuple[tuple[str, bytes], ...] = ()
    poster: bytes | None = None
    backdrop: bytes | None = None
    trailer: PlaintextFilm | None = None


@dataclass(frozen=True, slots=True)
class StagedFilm:
    """A film encrypted and described, waiting for its publisher's signature.

    Attributes:
        folder: with the files of its package.
        manifest: to be signed.
        notes: a sentence for each track that cannot be played or was left out; only right after staging.
    """

    folder: Path
    manifest: Manifest
    notes: tuple[str, ...] = ()

    @property
    def manifest_sha256(self) -> str:
        """What the publisher signs, lower-case hex: the digest of the very bytes in the package."""
        return hashlib.sha256((self.folder / MANIFEST_FILE).read_bytes()).hexdigest()


@dataclass(kw_only=True, eq=False)
class FilmPackaging:
    """Stages a film, and finishes its package once the manifest is signed.

    Attributes:
        add_to_node: adds and pins a folder on the configured IPFS node; None where there is none.
    """

    staging: Path
    media: MediaTools
    cipher: FilmCipher
    film_keys: FilmKeys
    server_keys: ServerKeys
    packages: Packages
    add_to_node: Callable[[Path, Cid], Awaitable[None]] | None = None

    async def stage(self, order: PublishOrder, progress: Progress | None = None) -> StagedFilm:
        """Encrypt a film and write its manifest. `progress` is told plaintext bytes done and in all.

        Raises:
            MediaRefused: the file is no film we open, or the trailer none or too long.
            TranscodeFailed: nothing that browsers play can be made of the trailer.
            InvalidValue: a picture or subtitle file is not what it should be.
            PackageInvalid: the description is not what a manifest can hold, for example too long.
        """
        folder = self.staging / f"{order.token.token_id:064x}"
        shutil.rmtree(folder, ignore_errors=True)
        (folder / "subtitles").mkdir(parents=True)
        try:
            if order.trailer is not None:
                await write_trailer(order.trailer, self.media, folder / TRAILER_FILE)
            probe, notes = await self._add_pictures_and_words(order, folder)
            key = await self._encrypt(order, folder, progress)
            manifest = await self._manifest(order, folder, probe, key)
            (folder / MANIFEST_FILE).write_bytes(manifest_bytes(manifest))
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        return replace(self.staged(order.token), notes=notes)

    def staged(self, token: TokenReference) -> StagedFilm:
        """Find what an earlier run staged.

        Raises:
            NotFound: nothing is staged for this token.
        """
        folder = self.staging / f"{token.token_id:064x}"
        try:
            return StagedFilm(folder, manifest_from(json.loads((folder / MANIFEST_FILE).read_bytes())))
        except (FileNotFoundError, json.JSONDecodeError):
            raise NotFound(f"nothing is staged for {token}", fix="Stage the film first.") from None

    async def finish(self, staged: StagedFilm, signature: str, progress: Progress | None = None) -> Cid:
        """Put the signature beside the manifest, build the package, and give its root CID. Repeatable."""
        (staged.folder / SIGNATURE_FILE).write_text(signature, encoding="ascii")
        return await self.packages.add_folder(staged.folder, progress=progress)

    async def pin(self, staged: StagedFilm, root: Cid) -> str:
        """Pin a finished package on the configured IPFS node; return why it failed, which undoes nothing."""
        if self.add_to_node is None:
            return ""
        try:
            await self.add_to_node(staged.folder, root)
        except WyllohError as error:
            return f"The IPFS node did not take it: {error} {error.fix}"
        return ""

    async def discard(self, staged: StagedFilm) -> None:
        """Throw away what was staged, once the film is registered."""
        await asyncio.to_thread(shutil.rmtree, staged.folder)

    async def _add_pictures_and_words(
        self, order: PublishOrder, folder: Path
    ) -> tuple[Probe, tuple[str, ...]]:
        async with opened(order.film.open()) as source:
            probe = await self.media.probe(source)
            await self._add_pictures(order, source, probe, folder)
            left_out = await self._add_subtitles(order, source, probe, folder / "subtitles")
        return probe, (*probe.notes, *left_out)

    async def _add_pictures(
        self, order: PublishOrder, source: RandomAccess, probe: Probe, folder: Path
    ) -> None:
        if order.backdrop is None:
            backdrop = await self.media.still(source, probe, BACKDROP_WIDTH)
        else:
            backdrop = await read_picture(order.backdrop, BACKDROP_WIDTH, self.media)
        await asyncio.to_thread((folder / BACKDROP_FILE).write_bytes, backdrop)
        if order.poster is None:
            poster = await self.media.still(source, probe, UPRIGHT_WIDTH, upright=True)
        else:
            poster = await read_picture(order.poster, POSTER_WIDTH, self.media)
        await asyncio.to_thread((folder / POSTER_FILE).write_bytes, poster)

    async def _add_subtitles(
        self, order: PublishOrder, source: RandomAccess, probe: Probe, target: Path
    ) -> list[str]:
        """Add subtitles; return a sentence for each embedded track that cannot be read."""
        left_out = []
        for language, words in order.subtitles:
            (target / f"{_tag(language)}.vtt").write_text(webvtt(language, words), encoding="utf-8")
        for track in probe.subtitles:
            # The language was written by whoever made the file; as a file name it must be a tag, not a path.
            language = track.language if LANGUAGE_TAG.fullmatch(track.language) else "und"
            file = target / f"{language}.vtt"
            if file.exists():
                continue
            try:
                file.write_text(await self.media.subtitles(source, track), encoding="utf-8")
            except MediaError as error:
                name = language_name(language) or f"track {track.index + 1}"
                left_out.append(f"The embedded subtitles ({name}) cannot be read and are left out.")
                _log.warning("%s: subtitles %s are left out: %s", order.token, name, error)
        return left_out

    async def _encrypt(self, order: PublishOrder, folder: Path, progress: Progress | None) -> ContentKey:
        # A film has one key for good: staging it anew must not take the key of a package already out there.
        key = await self.film_keys.keep_as_custodian(order.token, self.cipher.new_key())
        size = order.film.size
        halt = threading.Event()

        def told(done: int) -> None:
            if halt.is_set():
                raise InterruptedError
            if progress is not None:
                progress(done, size)

        def work() -> None:
            associated = associated_data(str(order.token), FileRole.FEATURE).encode()
            with order.film.stream() as source, (folder / FEATURE_FILE).open("wb") as target:
                self.cipher.encrypt(source, target, key, associated, told)

        try:
            await asyncio.to_thread(work)
        finally:
            halt.set()  # a thread cannot be cancelled: after Ctrl-C it must not go on to the end of the film
        return key

    async def _manifest(self, order: PublishOrder, folder: Path, probe: Probe, key: ContentKey) -> Manifest:
        draft = await self.packages.add_folder(folder)
        files = [await _package_file(folder, entry) for entry in await self.packages.listing(draft)]
        await self.packages.forget(draft)
        if not any(file.role is FileRole.FEATURE for file in files):
            raise MediaRefused("the package has no feature")
        written = [file.language for file in files if file.role is FileRole.SUBTITLES]
        return Manifest(
            description=with_tracks(order.description, probe, written),
            token=order.token,
            publisher=order.publisher,
            files=tuple(files),
            encryption=EncryptionHeader(
                ENCRYPTION_SCHEME,
                associated_data(str(order.token), FileRole.FEATURE),
                key_commitment(key, order.token),
            ),
            custodians=(Custodian(order.custodian_url, self.server_keys.custodian_public),),
        )


def _tag(language: str) -> str:
    if not LANGUAGE_TAG.fullmatch(language):
        raise InvalidValue(f"{quote_input(language)} is no language tag", fix="Use one such as en or pt-BR.")
    return language


def webvtt(language: str, words: bytes) -> str:
    """Read subtitles. Raises InvalidValue when they are not WebVTT in UTF-8."""
    text = words.decode("utf-8-sig", "replace")
    if not text.startswith("WEBVTT") or "\N{REPLACEMENT CHARACTER}" in text:
        raise InvalidValue(
            f"the subtitles for {language} are not WebVTT in UTF-8",
            fix="Choose a .vtt file; a subtitle editor saves SubRip (.srt) and others as WebVTT.",
        )
    return text


async def _package_file(folder: Path, entry: PackageEntry) -> PackageFile:
    def digest() -> str:
        with (folder / entry.path).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    role, language = _file_role(entry.path)
    return PackageFile(entry.path, entry.cid, entry.size, await asyncio.to_thread(digest), role, language)


def _file_role(path: str) -> tuple[FileRole, str]:
    if path in _ROLES:
        return _ROLES[path], ""
    return FileRole.SUBTITLES, Path(path).stem
