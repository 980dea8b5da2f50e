"""Making a film package: encrypt, describe, sign, build. The wallet that signs is never kept here."""

from __future__ import annotations

import asyncio
import hashlib
import json
import shutil
import threading
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from wylloh_server.domain.errors import InvalidValue, MediaRefused, NotFound
from wylloh_server.domain.film import (
    ENCRYPTION_SCHEME,
    Custodian,
    Description,
    EncryptionHeader,
    FileRole,
    Manifest,
    PackageFile,
    associated_data,
)
from wylloh_server.domain.languages import after_the_sound
from wylloh_server.domain.manifest import (
    LANGUAGE_TAG,
    MANIFEST_FILE,
    SIGNATURE_FILE,
    manifest_bytes,
    manifest_from,
)
from wylloh_server.domain.types import Cid, Seconds, TokenReference, Wallet
from wylloh_server.services.pictures import POSTER_WIDTH, poster_of

if TYPE_CHECKING:
    from wylloh_server.domain.ports.content import PackageEntry, Packages, Progress
    from wylloh_server.domain.ports.crypto import FilmCipher, ServerKeys
    from wylloh_server.domain.ports.media import Encoder, MediaDoor, Prober
    from wylloh_server.domain.ports.publishing import PlainFilm
    from wylloh_server.domain.rendition import Probe
    from wylloh_server.services.film_keys import FilmKeys

FEATURE_FILE = "feature.enc"
POSTER_FILE = "poster.jpg"
_POSTER_AT = 0.2


@dataclass(frozen=True, slots=True)
class PublishOrder:
    """What a publisher wants to publish.

    Attributes:
        film: the film in the clear.
        description: what people will read; languages, runtime and height are filled in from the file.
        subtitles: WebVTT (UTF-8) by BCP 47 language; embedded text tracks are taken as well.
        poster: a JPEG, PNG or WebP picture; None takes a still from the film.
        custodian_url: where holders' servers reach this server for keys.
    """

    film: PlainFilm
    description: Description
    token: TokenReference
    publisher: Wallet
    custodian_url: str
    subtitles: tuple[tuple[str, bytes], ...] = ()
    poster: bytes | None = None


@dataclass(frozen=True, slots=True)
class Staged:
    """A film encrypted and described, waiting for its publisher's signature."""

    folder: Path
    manifest: Manifest

    @property
    def manifest_sha256(self) -> str:
        """What the publisher signs, lower-case hex: the digest of the very bytes in the package."""
        return hashlib.sha256((self.folder / MANIFEST_FILE).read_bytes()).hexdigest()


class Publishing:
    """Stages a film, and finishes its package once the manifest is signed."""

    def __init__(
        self,
        *,
        staging: Path,
        door: MediaDoor,
        prober: Prober,
        encoder: Encoder,
        cipher: FilmCipher,
        film_keys: FilmKeys,
        server_keys: ServerKeys,
        packages: Packages,
    ) -> None:
        self._staging = staging
        self._door = door
        self._prober = prober
        self._encoder = encoder
        self._cipher = cipher
        self._film_keys = film_keys
        self._server_keys = server_keys
        self._packages = packages

    async def stage(self, order: PublishOrder, progress: Progress | None = None) -> Staged:
        """Encrypt a film and write its manifest. `progress` is told plaintext bytes done and in all.

        Raises:
            MediaRefused: the file is no film we open.
            InvalidValue: a poster or subtitle file is not what it should be.
            PackageInvalid: the description is not what a manifest can hold, for example too long.
        """
        folder = self._staging / f"{order.token.token_id:064x}"
        shutil.rmtree(folder, ignore_errors=True)
        (folder / "subtitles").mkdir(parents=True)
        try:
            probe = await self._add_pictures_and_words(order, folder)
            await self._encrypt(order, folder, progress)
            manifest = await self._manifest(order, folder, probe)
            (folder / MANIFEST_FILE).write_bytes(manifest_bytes(manifest))
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        return self.staged(order.token)

    def staged(self, token: TokenReference) -> Staged:
        """Find what an earlier run staged.

        Raises:
            NotFound: nothing is staged for this token.
        """
        folder = self._staging / f"{token.token_id:064x}"
        try:
            return Staged(folder, manifest_from(json.loads((folder / MANIFEST_FILE).read_bytes())))
        except (FileNotFoundError, json.JSONDecodeError):
            raise NotFound(f"nothing is staged for {token}", fix="Stage the film first.") from None

    async def finish(self, staged: Staged, signature: str, progress: Progress | None = None) -> Cid:
        """Put the signature beside the manifest, build the package, and give its root CID. Repeatable."""
        (staged.folder / SIGNATURE_FILE).write_text(signature, encoding="ascii")
        return await self._packages.add_folder(staged.folder, progress=progress)

    async def discard(self, staged: Staged) -> None:
        """Throw away what was staged, once the film is registered."""
        await asyncio.to_thread(shutil.rmtree, staged.folder)

    async def _add_pictures_and_words(self, order: PublishOrder, folder: Path) -> Probe:
        source = await order.film.open()
        try:
            async with self._door.lend(source) as url:
                probe = await self._prober.probe(url)
                await self._add_poster(order, url, probe, folder / POSTER_FILE)
                await self._add_subtitles(order, url, probe, folder / "subtitles")
        finally:
            await source.close()
        return probe

    async def _add_poster(self, order: PublishOrder, url: str, probe: Probe, target: Path) -> None:
        if order.poster is None:
            at = Seconds(probe.duration * _POSTER_AT)
            picture = await self._encoder.still(url, at, POSTER_WIDTH)
        else:
            picture = await poster_of(order.poster, self._door, self._encoder)
        await asyncio.to_thread(target.write_bytes, picture)

    async def _add_subtitles(self, order: PublishOrder, url: str, probe: Probe, target: Path) -> None:
        for language, words in order.subtitles:
            (target / f"{_tag(language)}.vtt").write_text(webvtt(language, words), encoding="utf-8")
        for track in probe.subtitles:
            # The language was written by whoever made the file; as a file name it must be a tag, not a path.
            language = track.language if LANGUAGE_TAG.fullmatch(track.language) else "und"
            file = target / f"{language}.vtt"
            if not file.exists():
                file.write_text(await self._encoder.subtitles(url, track.index), encoding="utf-8")

    async def _encrypt(self, order: PublishOrder, folder: Path, progress: Progress | None) -> None:
        # A film has one key for good: staging it anew must not take the key of a package already out there.
        key = await self._film_keys.kept(order.token)
        if key is None:
            key = self._cipher.new_key()
            await self._film_keys.keep_as_custodian(order.token, key)
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
                self._cipher.encrypt(source, target, key, associated, told)

        try:
            await asyncio.to_thread(work)
        finally:
            halt.set()  # a thread cannot be cancelled: after Ctrl-C it must not go on to the end of the film

    async def _manifest(self, order: PublishOrder, folder: Path, probe: Probe) -> Manifest:
        draft = await self._packages.add_folder(folder)
        files = [await _package_file(folder, entry) for entry in await self._packages.listing(draft)]
        await self._packages.forget(draft)
        if not any(file.role is FileRole.FEATURE for file in files):
            raise MediaRefused("the package has no feature")
        return Manifest(
            description=_filled(order.description, probe, files),
            token=order.token,
            publisher=order.publisher,
            files=tuple(files),
            encryption=EncryptionHeader(
                ENCRYPTION_SCHEME, associated_data(str(order.token), FileRole.FEATURE)
            ),
            custodians=(Custodian(order.custodian_url, self._server_keys.custodian_public),),
        )


def _tag(language: str) -> str:
    if not LANGUAGE_TAG.fullmatch(language):
        raise InvalidValue(f"{language!r} is not a language tag", fix="Use a tag such as en or pt-BR.")
    return language


def webvtt(language: str, words: bytes) -> str:
    """Read subtitles. Raises InvalidValue when they are not WebVTT in UTF-8."""
    text = words.decode("utf-8-sig", "replace")
    if not text.startswith("WEBVTT") or "\N{REPLACEMENT CHARACTER}" in text:
        raise InvalidValue(
            f"the subtitles for {language} are not WebVTT", fix="Convert them to WebVTT in UTF-8."
        )
    return text


def _filled(description: Description, probe: Probe, files: list[PackageFile]) -> Description:
    spoken = tuple(dict.fromkeys(track.language for track in probe.audio))
    written = [file.language for file in files if file.role is FileRole.SUBTITLES]
    return replace(
        description,
        runtime=probe.duration,
        languages=spoken,
        subtitles=after_the_sound(written, spoken, str),
        height=probe.video.height,
    )


async def _package_file(folder: Path, entry: PackageEntry) -> PackageFile:
    def digest() -> str:
        with (folder / entry.path).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    role, language = _role_of(entry.path)
    return PackageFile(entry.path, entry.cid, entry.size, await asyncio.to_thread(digest), role, language)


def _role_of(path: str) -> tuple[FileRole, str]:
    if path == FEATURE_FILE:
        return FileRole.FEATURE, ""
    if path == POSTER_FILE:
        return FileRole.POSTER, ""
    if path.startswith("subtitles/"):
        return FileRole.SUBTITLES, Path(path).stem
    return FileRole.TRAILER, ""
