"""Film encryption: Tink's AES-GCM-HKDF streaming AEAD, template `AES256_GCM_HKDF_1MB`.

Encryption reads and writes in constant memory. Opening gives random access: one segment of 1 MiB is fetched,
checked and decrypted at a time, and a handful of opened segments is kept in memory; plaintext never touches a
disk. The format and its arithmetic are described in `aead_segments`.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, BinaryIO

from wylloh_server.adapters.crypto.aead_segments import TAG_BYTES, Layout, StreamCipher, StreamParameters
from wylloh_server.adapters.crypto.decrypting_reader import DecryptingReader
from wylloh_server.domain.types import ContentKey

if TYPE_CHECKING:
    from collections.abc import Callable

    from wylloh_server.domain.ports.content import RandomAccess

_KEY_BYTES = 32


class TinkFilmCipher:
    """The port `FilmCipher`.

    Args:
        parameters: other sizes than a film's, for the published vectors.
    """

    def __init__(self, parameters: StreamParameters | None = None) -> None:
        self._parameters = parameters or StreamParameters()

    def new_key(self) -> ContentKey:
        """Make a fresh content key."""
        return ContentKey(os.urandom(_KEY_BYTES))

    def encrypt(
        self,
        source: BinaryIO,
        target: BinaryIO,
        key: ContentKey,
        associated: bytes,
        progress: Callable[[int], None] | None = None,
    ) -> None:
        """Encrypt everything `source` gives, in the memory of a few segments. Blocks: use a thread.

        Args:
            source: readable; read to its end.
            target: writable; left open.
            key: the film's content key.
            associated: what the ciphertext is bound to: `wylloh-film-v1|<film>|<role>`.
            progress: told how many plaintext bytes are done.
        """
        sizes = self._parameters
        header = bytes([sizes.header_bytes]) + os.urandom(sizes.header_bytes - 1)
        cipher = StreamCipher(key, header, associated, sizes)
        target.write(header)
        number = done = 0
        pending = _read_full(source, Layout(sizes, sizes.segment_bytes).plaintext_bytes)
        while True:
            following = _read_full(source, sizes.segment_bytes - TAG_BYTES)
            target.write(cipher.seal(number, pending, last=not following))
            done += len(pending)
            if progress is not None:
                progress(done)
            if not following:
                return
            pending, number = following, number + 1

    def open(self, source: RandomAccess, key: ContentKey, associated: bytes) -> DecryptingReader:
        """Return random access to the plaintext.

        The first read proves key and completeness by opening the last segment too.

        Raises:
            SealBroken: no ciphertext has the length of this source.
        """
        return DecryptingReader(source, key, associated, self._parameters)


def _read_full(source: BinaryIO, length: int) -> bytes:
    """Read exactly `length` bytes unless the source ends: pipes may give less at a time."""
    data = source.read(length)
    if len(data) == length or not data:
        return data
    parts = [data]
    missing = length - len(data)
    while missing and (data := source.read(missing)):
        parts.append(data)
        missing -= len(data)
    return b"".join(parts)
