"""Uploaded files, encrypted as they arrive: a film to be published never lies on disk unencrypted.

One folder an upload: `about.json`, and `data`, a row of records of one mebibyte of the file each (the last
may be shorter): 12-byte nonce, AES-256-GCM ciphertext, 16-byte tag. The key is derived (HKDF-SHA256) from one
secret of this server and the upload's id; each record is bound to its place and to whether it is the last,
so that nothing can be swapped, cut off or added. What a look into the file found is kept in `fault.txt`.
"""

from __future__ import annotations

import asyncio
import errno
import hashlib
import io
import json
import os
import re
import shutil
import threading
from contextlib import suppress
from dataclasses import asdict, replace
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from wylloh_server.adapters.files.upload_index import ABOUT, UploadIndex
from wylloh_server.domain.byte_size import format_byte_size
from wylloh_server.domain.errors import InvalidValue, RetryLater, SealBroken, StoreFull
from wylloh_server.domain.ports.uploads import PlaintextFilm
from wylloh_server.domain.title import TitleId, Upload, UploadId, UploadKind

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from wylloh_server.domain.types import Timestamp


__all__ = ["PIECE", "EncryptedUploads"]

T = TypeVar("T")

PIECE = 1 << 20
"""Bytes of the file in one record."""
_ID = re.compile(r"[0-9a-f]{32}")
_NONCE, _TAG = 12, 16
_RECORD = _NONCE + PIECE + _TAG
_FAULT = "fault.txt"
ROOM = 1 << 28
"""Bytes to leave on the disk for everything else, the database first."""


class EncryptedUploads:
    """Implements `domain.ports.uploads.Uploads`."""

    def __init__(self, folder: Path, secret: bytes, *, room: int = ROOM) -> None:
        """Keep uploads below a folder.

        Args:
            folder: where they are.
            secret: 32 bytes only this server knows, the same at every start.
            room: bytes to leave on the disk for everything else.
        """
        self._folder = folder
        self._secret = secret
        self._room = room
        self._beginning = threading.Lock()
        self._busy: set[UploadId] = set()
        self._index = UploadIndex(folder)

    async def begin(self, upload: Upload) -> None:
        """Take a new upload."""
        await asyncio.to_thread(self._begin, upload)

    def _begin(self, upload: Upload) -> None:
        folder = self._folder / upload.id
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self._beginning:  # of two that begin at once the second sees the first
            free = shutil.disk_usage(self._folder).free - self._promised() - self._room
            if free < _stored_size(upload.size):
                raise StoreFull(
                    f"there is no room for {format_byte_size(upload.size)}",
                    fix="Free some space on the server's disk, then upload again.",
                )
            folder.mkdir(mode=0o700)
            about = asdict(upload)
            del about["received"], about["fault"]
            (folder / ABOUT).write_text(json.dumps(about), encoding="utf-8")
            (folder / "data").touch()
            self._index.add(upload.id, upload.title)

    def _promised(self) -> int:
        """Return the bytes that uploads which are not whole have still to write."""
        found = [upload for name in self._index.unfinished() if (upload := self._get(name)) is not None]
        self._index.mark_whole(upload.id for upload in found if upload.whole)
        return sum(_stored_size(upload.size) - _stored_size(upload.received) for upload in found)

    async def get(self, upload: UploadId) -> Upload | None:
        """Find an upload."""
        return await asyncio.to_thread(self._get, upload)

    def _get(self, upload: UploadId) -> Upload | None:
        if not _ID.fullmatch(upload):  # it comes from an address, and is a folder's name
            return None
        folder = self._folder / upload
        try:
            about = json.loads((folder / ABOUT).read_bytes())
            stored = (folder / "data").stat().st_size
        except (FileNotFoundError, NotADirectoryError, ValueError):
            return None
        found = Upload(**{**about, "id": UploadId(about["id"]), "kind": UploadKind(about["kind"])})
        return replace(found, received=_received(stored, found.size), fault=_fault(folder))

    async def of_title(self, title: TitleId) -> tuple[Upload, ...]:
        """Return a title's uploads, oldest first."""
        return await asyncio.to_thread(self._of_title, title)

    def _of_title(self, title: TitleId) -> tuple[Upload, ...]:
        found = (self._get(name) for name in self._index.of_title(title))
        return tuple(upload for upload in found if upload is not None)

    async def append(self, upload: Upload, pieces: AsyncIterator[bytes]) -> int:
        """Store what comes; see the port."""
        if upload.id in self._busy:
            raise RetryLater("This file is being sent already.", fix="Wait a moment, then go on.")
        self._busy.add(upload.id)
        try:
            return await self._append(upload, pieces)
        finally:
            self._busy.discard(upload.id)

    async def _append(self, upload: Upload, pieces: AsyncIterator[bytes]) -> int:
        now = await self.get(upload.id)
        if now is None or now.received != upload.received:
            raise RetryLater("The file has moved on meanwhile.", fix="Ask again how much of it is here.")
        if now.whole:  # opened for writing, it would lose its last record
            return await _nothing_more(now, pieces)
        path = self._folder / upload.id / "data"
        sink = await _to_its_end(partial(_Sink, path, self._cipher(upload), now, self._room))
        try:
            async for piece in pieces:
                await _to_its_end(partial(sink.take, piece))
        finally:
            received = await _to_its_end(sink.close)
        return received

    def film(self, upload: Upload) -> PlaintextFilm:
        """Return a whole upload for reading, decrypted in memory only."""
        opened = partial(OpenUpload, self._folder / upload.id / "data", self._cipher(upload), upload.size)
        return PlaintextFilm(
            upload.size,
            partial(asyncio.to_thread, opened),
            lambda: io.BufferedReader(_UploadStream(opened()), PIECE),
        )

    async def content(self, upload: Upload) -> bytes:
        """Read a small upload whole."""
        opened = await self.film(upload).open()
        try:
            return await opened.read(0, upload.size)
        finally:
            await opened.close()

    async def digest(self, upload: Upload) -> str:
        """Return SHA-256 over the nonces and tags of an upload's records.

        Nothing else can be read from records with these: each is opened with its nonce and proved by its tag.
        """
        return await asyncio.to_thread(_digest, self._folder / upload.id / "data")

    async def record_fault(self, upload: UploadId, fault: str) -> None:
        """Keep what a look into a whole upload found."""
        await asyncio.to_thread(self._record_fault, self._folder / upload, fault)

    def _record_fault(self, folder: Path, fault: str) -> None:
        with suppress(FileNotFoundError):  # it was removed meanwhile
            (folder / _FAULT).write_text(fault, encoding="utf-8")

    async def remove(self, upload: UploadId) -> None:
        """Delete an upload."""
        await asyncio.to_thread(self._remove, upload)

    def _remove(self, upload: UploadId) -> None:
        shutil.rmtree(self._folder / upload, ignore_errors=True)
        self._index.discard(upload)

    async def remove_unfinished(self, before: Timestamp) -> None:
        """Delete what is not whole and got nothing since a moment; see the port."""
        await asyncio.to_thread(self._remove_unfinished, before)

    def _remove_unfinished(self, before: Timestamp) -> None:
        folders = list(self._folder.iterdir()) if self._folder.is_dir() else []
        for name in (UploadId(folder.name) for folder in folders):
            upload = self._get(name)
            if name in self._busy or (upload is not None and upload.whole):
                continue
            # Of a folder that a crash left without a record, its own time tells.
            told = self._folder / name / "data" if upload is not None else self._folder / name
            with suppress(FileNotFoundError):
                if told.stat().st_mtime < before:
                    self._remove(name)

    def _cipher(self, upload: Upload) -> _Cipher:
        info = f"wylloh upload {upload.id}".encode()
        key = HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(self._secret)
        return _Cipher(AESGCM(key), upload)


async def _to_its_end(work: Callable[[], T]) -> T:
    """Run blocking work in a thread and wait for its end, also when cancelled meanwhile."""
    task, cancelled = asyncio.ensure_future(asyncio.to_thread(work)), False
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError:
            cancelled = True
    if cancelled:
        raise asyncio.CancelledError
    return task.result()


async def _nothing_more(upload: Upload, pieces: AsyncIterator[bytes]) -> int:
    """Return how much of a whole upload is here. Raises InvalidValue if more comes."""
    async for piece in pieces:
        if piece:
            raise _too_long()
    return upload.received


def _too_long() -> InvalidValue:
    return InvalidValue(
        "The file is longer than was announced.", fix="Begin the upload anew with the whole file."
    )


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb", buffering=0) as file:
        end = os.fstat(file.fileno()).st_size
        for start in range(0, end, _RECORD):
            digest.update(os.pread(file.fileno(), _NONCE, start))
            digest.update(os.pread(file.fileno(), _TAG, min(start + _RECORD, end) - _TAG))
    return digest.hexdigest()


def _stored_size(size: int) -> int:
    """Return how many bytes so much of a file takes on disk."""
    return size + -(-size // PIECE) * (_NONCE + _TAG)


class _Cipher:
    """Seals and opens the records of one upload."""

    def __init__(self, aead: AESGCM, upload: Upload) -> None:
        self._aead = aead
        self._upload = upload

    def seal(self, index: int, piece: bytes) -> bytes:
        nonce = os.urandom(_NONCE)
        return nonce + self._aead.encrypt(nonce, piece, self._bound(index))

    def open(self, index: int, record: bytes) -> bytes:
        try:
            return self._aead.decrypt(record[:_NONCE], record[_NONCE:], self._bound(index))
        except InvalidTag:
            raise SealBroken(
                f"the upload {self._upload.filename} is damaged on disk", fix="Upload the file again."
            ) from None

    def _bound(self, index: int) -> bytes:
        last = (index + 1) * PIECE >= self._upload.size
        return f"{self._upload.id}|{index}|{'last' if last else 'more'}".encode()


class _Sink:
    """Collects bytes into whole records; what does not fill one is not kept. For one thread at a time."""

    def __init__(self, path: Path, cipher: _Cipher, upload: Upload, room: int) -> None:
        self._cipher = cipher
        self._folder = path.parent
        self._room = room
        self._size = upload.size
        self._received = upload.received
        self._waiting = bytearray()
        self._file = path.open("r+b")
        self._file.truncate(self._received // PIECE * _RECORD)  # half a record, left by a crash
        self._file.seek(0, os.SEEK_END)

    def take(self, piece: bytes) -> None:
        self._waiting += piece
        if self._received + len(self._waiting) > self._size:
            raise _too_long()
        try:
            self._write_full_records()
        except OSError as error:
            raise StoreFull(
                f"the disk took no more: {error.strerror}",
                fix="Free some space on the server's disk, then go on with the upload.",
            ) from None

    def _write_full_records(self) -> None:
        while (wanted := min(PIECE, self._size - self._received)) and len(self._waiting) >= wanted:
            if shutil.disk_usage(self._folder).free < _RECORD + self._room:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))  # others have filled it meanwhile
            record = self._cipher.seal(self._received // PIECE, bytes(self._waiting[:wanted]))
            self._file.write(record)
            self._file.flush()
            del self._waiting[:wanted]
            self._received += wanted

    def close(self) -> int:
        """Return how much of the file is safely on disk."""
        try:
            os.fsync(self._file.fileno())
        finally:
            self._file.close()
        return self._received


class OpenUpload:
    """An upload open for random access. Implements `domain.ports.content.RandomAccess`."""

    def __init__(self, path: Path, cipher: _Cipher, size: int) -> None:
        self.file = path.open("rb", buffering=0)
        self._cipher = cipher
        self._last: tuple[int, bytes] = (-1, b"")
        self.size = size
        """Bytes of the file as it was uploaded."""

    async def read(self, offset: int, length: int) -> bytes:
        """Read `length` bytes from `offset`; fewer only at the end. Raises SealBroken."""
        return await asyncio.to_thread(self.read_blocking, offset, length)

    def read_blocking(self, offset: int, length: int) -> bytes:
        """As `read`, in the calling thread."""
        end = min(offset + length, self.size)
        parts = []
        while offset < end:
            index, within = divmod(offset, PIECE)
            part = self._piece(index)[within : within + end - offset]
            parts.append(part)
            offset += len(part)
        return b"".join(parts)

    def _piece(self, index: int) -> bytes:
        known, piece = self._last
        if known != index:
            piece = self._cipher.open(index, os.pread(self.file.fileno(), _RECORD, index * _RECORD))
            self._last = index, piece
        return piece

    async def close(self) -> None:
        """Close the file. Closing twice is fine."""
        await asyncio.shield(asyncio.to_thread(self.file.close))


class _UploadStream(io.RawIOBase):
    """The plaintext from front to back."""

    def __init__(self, opened: OpenUpload) -> None:
        self._opened = opened
        self._at = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # typeshed's own Buffer
        part = self._opened.read_blocking(self._at, len(buffer))
        buffer[: len(part)] = part
        self._at += len(part)
        return len(part)

    def close(self) -> None:
        self._opened.file.close()
        super().close()


def _fault(folder: Path) -> str | None:
    try:
        return (folder / _FAULT).read_text(encoding="utf-8")
    except FileNotFoundError:
        return None


def _received(stored: int, size: int) -> int:
    """Return how much plaintext whole records hold."""
    full, rest = divmod(stored, _RECORD)
    received = full * PIECE
    left = size - received
    return size if 0 < left < PIECE and rest == left + _NONCE + _TAG else min(received, size)
