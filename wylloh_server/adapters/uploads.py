"""Uploaded files, encrypted as they arrive: a film to be published never lies on disk in the clear.

One folder an upload: `about.json`, and `data`, a row of records of one mebibyte of the file each (the last
may be shorter): 12-byte nonce, AES-256-GCM ciphertext, 16-byte tag. The key is derived (HKDF-SHA256) from one
secret of this server and the upload's id; each record is bound to its place and to whether it is the last,
so that nothing can be swapped, cut off or added. What a look into the file found is kept in `fault.txt`.
"""

from __future__ import annotations

import asyncio
import io
import json
import os
import re
import shutil
from contextlib import suppress
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from wylloh_server.domain.errors import InvalidValue, SealBroken, StoreFull
from wylloh_server.domain.title import TitleId, Upload, UploadId, UploadKind

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

__all__ = ["PIECE", "EncryptedUploads"]

PIECE = 1 << 20
"""Bytes of the file in one record."""
_ID = re.compile(r"[0-9a-f]{32}")
_NONCE, _TAG = 12, 16
_RECORD = _NONCE + PIECE + _TAG
_FAULT = "fault.txt"
_ROOM = 1 << 28
"""Bytes to leave on the disk for everything else."""


class EncryptedUploads:
    """See `domain.ports.publishing.Uploads`."""

    def __init__(self, folder: Path, secret: bytes) -> None:
        """Keep uploads below a folder. `secret`: 32 bytes only this server knows, the same at every start."""
        self._folder = folder
        self._secret = secret
        self._busy: set[UploadId] = set()

    async def begin(self, upload: Upload) -> None:
        """Take a new upload."""
        await asyncio.to_thread(self._begin, upload)

    def _begin(self, upload: Upload) -> None:
        folder = self._folder / upload.id
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if shutil.disk_usage(self._folder).free < upload.size + _ROOM:
            raise StoreFull(
                f"there is no room for {upload.size / 1e9:.1f} GB",
                fix="Free some space on the server's disk, then upload again.",
            )
        folder.mkdir(mode=0o700)
        about = {name: value for name, value in asdict(upload).items() if name not in {"received", "fault"}}
        (folder / "about.json").write_text(json.dumps(about), encoding="utf-8")
        (folder / "data").touch()

    async def get(self, upload: UploadId) -> Upload | None:
        """Find an upload."""
        return await asyncio.to_thread(self._get, upload)

    def _get(self, upload: UploadId) -> Upload | None:
        if not _ID.fullmatch(upload):  # it comes from an address, and is a folder's name
            return None
        folder = self._folder / upload
        try:
            about = json.loads((folder / "about.json").read_bytes())
            stored = (folder / "data").stat().st_size
        except (FileNotFoundError, NotADirectoryError, ValueError):
            return None
        found = Upload(**{**about, "id": UploadId(about["id"]), "kind": UploadKind(about["kind"])})
        return replace(found, received=_received(stored, found.size), fault=_fault(folder))

    async def of_title(self, title: TitleId) -> tuple[Upload, ...]:
        """Give a title's uploads, oldest first."""
        return await asyncio.to_thread(self._of_title, title)

    def _of_title(self, title: TitleId) -> tuple[Upload, ...]:
        if not self._folder.exists():
            return ()
        folders = sorted(self._folder.iterdir(), key=lambda folder: folder.stat().st_mtime_ns)
        found = (self._get(UploadId(folder.name)) for folder in folders)
        return tuple(upload for upload in found if upload is not None and upload.title == title)

    async def append(self, upload: Upload, pieces: AsyncIterator[bytes]) -> int:
        """Store what comes; see the port."""
        if upload.id in self._busy:
            raise InvalidValue("This file is being sent already.", fix="Wait a moment, then go on.")
        self._busy.add(upload.id)
        try:
            return await self._append(upload, pieces)
        finally:
            self._busy.discard(upload.id)

    async def _append(self, upload: Upload, pieces: AsyncIterator[bytes]) -> int:
        now = await self.get(upload.id)
        if now is None or now.received != upload.received:
            raise InvalidValue("The file has moved on meanwhile.", fix="Ask again how much of it is here.")
        sink = await asyncio.to_thread(_Sink, self._folder / upload.id / "data", self._cipher(upload), now)
        try:
            async for piece in pieces:
                await asyncio.to_thread(sink.take, piece)
        finally:
            received = await asyncio.shield(asyncio.to_thread(sink.close))
        return received

    def film(self, upload: Upload) -> UploadedFilm:
        """Give a whole upload for reading."""
        return UploadedFilm(self._folder / upload.id / "data", self._cipher(upload), upload)

    async def content(self, upload: Upload) -> bytes:
        """Read a small upload whole."""
        opened = await self.film(upload).open()
        try:
            return await opened.read(0, upload.size)
        finally:
            await opened.close()

    async def judge(self, upload: UploadId, fault: str) -> None:
        """Keep what a look into a whole upload found."""
        await asyncio.to_thread(self._judge, self._folder / upload, fault)

    def _judge(self, folder: Path, fault: str) -> None:
        with suppress(FileNotFoundError):  # it was removed meanwhile
            (folder / _FAULT).write_text(fault, encoding="utf-8")

    async def remove(self, upload: UploadId) -> None:
        """Delete an upload."""
        await asyncio.to_thread(shutil.rmtree, self._folder / upload, ignore_errors=True)

    def _cipher(self, upload: Upload) -> _Cipher:
        info = f"wylloh upload {upload.id}".encode()
        key = HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(self._secret)
        return _Cipher(AESGCM(key), upload)


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

    def __init__(self, path: Path, cipher: _Cipher, upload: Upload) -> None:
        self._cipher = cipher
        self._size = upload.size
        self._received = upload.received
        self._waiting = bytearray()
        self._file = path.open("r+b")
        self._file.truncate(upload.received // PIECE * _RECORD)  # half a record, left by a crash
        self._file.seek(0, os.SEEK_END)

    def take(self, piece: bytes) -> None:
        self._waiting += piece
        if self._received + len(self._waiting) > self._size:
            raise InvalidValue(
                f"The file is longer than the {self._size:,} bytes announced.",
                fix="Begin the upload anew with the whole file.",
            )
        try:
            self._write_full_records()
        except OSError as error:
            raise StoreFull(
                f"the disk took no more: {error.strerror}",
                fix="Free some space on the server's disk, then go on with the upload.",
            ) from None

    def _write_full_records(self) -> None:
        while (wanted := min(PIECE, self._size - self._received)) and len(self._waiting) >= wanted:
            record = self._cipher.seal(self._received // PIECE, bytes(self._waiting[:wanted]))
            self._file.write(record)
            self._file.flush()
            del self._waiting[:wanted]
            self._received += wanted

    def close(self) -> int:
        """Give how much of the file is safely on disk."""
        try:
            os.fsync(self._file.fileno())
        finally:
            self._file.close()
        return self._received


class UploadedFilm:
    """A whole upload in the clear, in memory only. See `domain.ports.publishing.PlainFilm`."""

    def __init__(self, path: Path, cipher: _Cipher, upload: Upload) -> None:
        self._path = path
        self._cipher = cipher
        self.size = upload.size
        """Bytes of the file as it was uploaded."""

    async def open(self) -> OpenUpload:
        """Open it for random access."""
        file = await asyncio.to_thread(lambda: self._path.open("rb", buffering=0))
        return OpenUpload(file, self._cipher, self.size)

    def stream(self) -> BinaryIO:
        """Open it for reading from front to back. Blocks."""
        return io.BufferedReader(_Stream(self._path, self._cipher, self.size), PIECE)


class OpenUpload:
    """An upload open for random access. See `domain.ports.content.RandomAccess`."""

    def __init__(self, file: io.FileIO, cipher: _Cipher, size: int) -> None:
        self._file = file
        self._cipher = cipher
        self._last: tuple[int, bytes] = (-1, b"")
        self.size = size
        """Bytes of the file as it was uploaded."""

    async def read(self, offset: int, length: int) -> bytes:
        """Read `length` bytes from `offset`; fewer only at the end. Raises SealBroken."""
        return await asyncio.to_thread(self._read, offset, length)

    def _read(self, offset: int, length: int) -> bytes:
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
            piece = _record(self._file, self._cipher, index)
            self._last = index, piece
        return piece

    async def close(self) -> None:
        """Close the file. Closing twice is fine."""
        await asyncio.shield(asyncio.to_thread(self._file.close))


class _Stream(io.RawIOBase):
    """The plaintext from front to back."""

    def __init__(self, path: Path, cipher: _Cipher, size: int) -> None:
        self._file = path.open("rb", buffering=0)
        self._cipher = cipher
        self._size = size
        self._at = 0
        self._piece = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # typeshed's own Buffer
        if self._at >= self._size:
            return 0
        index, within = divmod(self._at, PIECE)
        if not within:
            self._piece = _record(self._file, self._cipher, index)
        part = self._piece[within : within + len(buffer)]
        buffer[: len(part)] = part
        self._at += len(part)
        return len(part)

    def close(self) -> None:
        self._file.close()
        super().close()


def _record(file: io.FileIO, cipher: _Cipher, index: int) -> bytes:
    return cipher.open(index, os.pread(file.fileno(), _RECORD, index * _RECORD))


def _fault(folder: Path) -> str | None:
    try:
        return (folder / _FAULT).read_text(encoding="utf-8")
    except FileNotFoundError:
        return None


def _received(stored: int, size: int) -> int:
    """Say how much plaintext whole records hold."""
    full, rest = divmod(stored, _RECORD)
    received = full * PIECE
    left = size - received
    return size if 0 < left < PIECE and rest == left + _NONCE + _TAG else min(received, size)
