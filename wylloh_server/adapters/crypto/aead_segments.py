"""The arithmetic and the cipher of one segment of Tink's AES-GCM-HKDF streaming AEAD.

Source: https://developers.google.com/tink/streaming-aead/aes_gcm_hkdf_streaming. A ciphertext is a header
(its own length in one byte, a salt, a seven-byte nonce prefix) and segments. Each segment is AES-GCM under a
key that HKDF derives from salt and associated data; its nonce is prefix, segment number and a byte that is 1
on the last segment only. The header counts as part of the first segment, so every segment but the last ends
on a multiple of the segment size.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from wylloh_server.domain.errors import SealBroken

if TYPE_CHECKING:
    Buffer = bytes | bytearray | memoryview

_PREFIX_BYTES = 7
TAG_BYTES = 16
_MAX_SEGMENTS = 1 << 32


@dataclass(frozen=True, slots=True)
class StreamParameters:
    """Sizes in bytes. The default is Tink's key template `AES256_GCM_HKDF_1MB`."""

    segment_bytes: int = 1 << 20
    key_bytes: int = 32
    digest: hashes.HashAlgorithm = field(default_factory=hashes.SHA256)

    @property
    def header_bytes(self) -> int:
        """Length of the header that precedes the first segment."""
        return 1 + self.key_bytes + _PREFIX_BYTES


@dataclass(frozen=True, slots=True)
class Layout:
    """Where each segment of one stream lies, worked out from the length of its ciphertext.

    Raises:
        SealBroken: no stream has that length; the ciphertext was cut.
    """

    parameters: StreamParameters
    ciphertext_bytes: int

    def __post_init__(self) -> None:
        """Refuse lengths that cannot be."""
        start, end = self.ciphertext_span(self.segments - 1)
        shortest = TAG_BYTES if self.segments == 1 else TAG_BYTES + 1
        if end - start < shortest or self.segments > _MAX_SEGMENTS:
            raise cut()

    @property
    def segments(self) -> int:
        """How many segments there are; at least one."""
        return max(1, -(-self.ciphertext_bytes // self.parameters.segment_bytes))

    @property
    def plaintext_bytes(self) -> int:
        """Length of the plaintext."""
        return self.ciphertext_bytes - self.parameters.header_bytes - self.segments * TAG_BYTES

    @property
    def _first_bytes(self) -> int:
        return self.parameters.segment_bytes - TAG_BYTES - self.parameters.header_bytes

    def ciphertext_span(self, segment: int) -> tuple[int, int]:
        """Return first and past-the-last offset of a segment in the ciphertext, its tag included."""
        size = self.parameters.segment_bytes
        start = segment * size or self.parameters.header_bytes
        return start, min((segment + 1) * size, self.ciphertext_bytes)

    def plaintext_start(self, segment: int) -> int:
        """Return the offset in the plaintext at which a segment begins."""
        if segment == 0:
            return 0
        return self._first_bytes + (segment - 1) * (self.parameters.segment_bytes - TAG_BYTES)

    def segment_at(self, offset: int) -> int:
        """Return the segment that holds a plaintext offset."""
        if offset < self._first_bytes:
            return 0
        return 1 + (offset - self._first_bytes) // (self.parameters.segment_bytes - TAG_BYTES)


class StreamCipher:
    """Seals and opens the segments of one stream: one derived key, one nonce prefix.

    Args:
        key: the content key, at least as long as the derived key.
        header: the stream's header.
        associated_data: what the stream is bound to; opening needs the same bytes.
    """

    def __init__(
        self, key: bytes, header: bytes, associated_data: bytes, parameters: StreamParameters
    ) -> None:
        if len(header) != parameters.header_bytes or header[0] != parameters.header_bytes:
            raise SealBroken(
                "The film's ciphertext does not begin with a known header.",
                fix="Pull the package again; if it stays so, tell the publisher.",
            )
        salt = header[1 : 1 + parameters.key_bytes]
        derive = HKDF(
            algorithm=parameters.digest, length=parameters.key_bytes, salt=salt, info=associated_data
        )
        self._aead = AESGCM(derive.derive(key))
        self._prefix = header[-_PREFIX_BYTES:]

    def seal(self, number: int, plaintext: Buffer, *, last: bool) -> bytes:
        """Encrypt one segment; the tag is appended."""
        return self._aead.encrypt(self._nonce(number, last=last), plaintext, None)

    def open(self, number: int, ciphertext: Buffer, *, last: bool) -> bytes:
        """Decrypt one segment.

        Raises:
            SealBroken: key, associated data, place in the stream or bytes are not those of the sealing.
        """
        try:
            return self._aead.decrypt(self._nonce(number, last=last), ciphertext, None)
        except InvalidTag as error:
            raise SealBroken(
                f"Segment {number} of the film does not open: wrong key, or the ciphertext was changed.",
                fix="Renew the licence of this film; if it stays so, pull the package again.",
            ) from error

    def _nonce(self, number: int, *, last: bool) -> bytes:
        return self._prefix + number.to_bytes(4, "big") + bytes([last])


def cut() -> SealBroken:
    """Make the error for a ciphertext whose length cannot be."""
    return SealBroken("The film's ciphertext was cut short.", fix="Pull the package again.")
