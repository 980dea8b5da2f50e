"""HLS AES-128: whole media segments under AES-128-CBC with PKCS#7 padding (RFC 8216, section 5.2).

The initialisation vector is the segment's media sequence number, as in a playlist without an IV attribute.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives import hashes, padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from wylloh_server.adapters.crypto.server_keys import get_or_create
from wylloh_server.domain.errors import SealBroken

if TYPE_CHECKING:
    from wylloh_server.domain.ports.crypto import KeyStore

_SECRET = "server/segments"  # noqa: S105 - the name of an entry, not a secret
_KEY_BYTES = 16


class HlsSegmentCipher:
    """The port `SegmentCipher`.

    Args:
        secret: 32 random bytes, kept; every segment key is derived from them with HKDF-Expand (RFC 5869).
    """

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def key_for(self, film: str, track: str, period: int) -> bytes:
        """Derive the 16-byte key of one key period of a track. Same answer after a restart."""
        # A separator that no file-safe name holds keeps ("a", "b-c") and ("a-b", "c") apart.
        info = "\0".join(("wylloh-hls-v1", film, track, str(period))).encode()
        return HKDFExpand(algorithm=hashes.SHA256(), length=_KEY_BYTES, info=info).derive(self._secret)

    def encrypt(self, data: bytes, key: bytes, sequence: int) -> bytes:
        """Encrypt one segment; up to 16 bytes longer than `data`."""
        padder = padding.PKCS7(algorithms.AES128.block_size).padder()
        # The format is the players': HLS has no authenticated mode they all read.
        encryptor = Cipher(algorithms.AES128(key), modes.CBC(sequence.to_bytes(16, "big"))).encryptor()
        body = encryptor.update(padder.update(data))
        return body + encryptor.update(padder.finalize()) + encryptor.finalize()

    def decrypt(self, data: bytes, key: bytes, sequence: int) -> bytes:
        """Decrypt what `encrypt` gave.

        Raises:
            SealBroken: it was damaged. The format has no seal, so not all damage is noticed.
        """
        decryptor = Cipher(algorithms.AES128(key), modes.CBC(sequence.to_bytes(16, "big"))).decryptor()
        unpadder = padding.PKCS7(algorithms.AES128.block_size).unpadder()
        try:
            body = unpadder.update(decryptor.update(data) + decryptor.finalize())
            return body + unpadder.finalize()
        except ValueError as error:
            raise SealBroken("a stored segment is damaged", fix="Delete it; it is made again.") from error


async def load_segment_cipher(store: KeyStore) -> HlsSegmentCipher:
    """Read the secret behind the segment keys from the key store, making it at the first start."""
    return HlsSegmentCipher(await get_or_create(store, _SECRET, lambda: os.urandom(32)))
