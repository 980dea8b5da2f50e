"""Keys and ciphers."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from wylloh_server.domain.ports.content import RandomAccess
    from wylloh_server.domain.types import ContentKey


class FilmCipher(Protocol):
    """Tink's streaming AEAD with the parameters AES256_GCM_HKDF_1MB."""

    def new_key(self) -> ContentKey:
        """Make a fresh content key."""

    def encrypt(
        self,
        source: BinaryIO,
        target: BinaryIO,
        key: ContentKey,
        associated: bytes,
        progress: Callable[[int], None] | None = None,
    ) -> None:
        """Encrypt a stream in constant memory; `progress` is told plaintext bytes done. Use a thread."""

    def open(self, source: RandomAccess, key: ContentKey, associated: bytes) -> RandomAccess:
        """Return random access to the plaintext, decrypted one 1 MiB segment at a time, in memory only."""


class SegmentCipher(Protocol):
    """HLS AES-128: whole segments, AES-128-CBC with PKCS#7 padding, IV = sequence number."""

    def key_for(self, film: str, track: str, period: int) -> bytes:
        """Derive the 16-byte key of one key period of a track. Same answer after a restart."""

    def encrypt(self, data: bytes, key: bytes, sequence: int) -> bytes:
        """Encrypt one segment."""

    def decrypt(self, data: bytes, key: bytes, sequence: int) -> bytes:
        """Decrypt what `encrypt` gave.

        Raises:
            SealBroken: it was damaged. The format has no seal, so not all damage is noticed.
        """


class ServerKeys(Protocol):
    """This server's own keys: an X25519 device key, and an Ed25519 key for its work as a custodian."""

    @property
    def device_public(self) -> str:
        """The device key's public half, hex."""

    @property
    def custodian_public(self) -> str:
        """The custodian key's public half, hex."""

    def sign(self, data: bytes) -> str:
        """Sign as custodian; hex."""

    def verify(self, public_key: str, data: bytes, signature: str) -> bool:
        """Check any custodian's signature. Malformed input is False."""

    def seal(self, secret: bytes, device_public: str, info: bytes) -> str:
        """Seal 32 bytes to a device (HPKE base mode, RFC 9180); hex.

        Raises:
            InvalidValue: `device_public` is no X25519 public key.
        """

    def unseal(self, sealed: str, info: bytes) -> bytes:
        """Open what was sealed to this server.

        Raises:
            SealBroken: sealed to another device, for other terms, or tampered with.
        """


class KeyStore(Protocol):
    """Secrets by name, encrypted at rest."""

    async def put(self, name: str, secret: bytes) -> None:
        """Store a secret; it is on disk when this returns."""

    async def put_once(self, name: str, secret: bytes) -> bytes:
        """Store a secret unless one of that name is there, and return the one that is.

        Of two processes that try, one wins, and both get the same.
        """

    async def get(self, name: str) -> bytes | None:
        """Read a secret, or None.

        Raises:
            SealBroken: the store was made with another master key.
        """

    async def remove(self, name: str) -> None:
        """Delete a secret for good; one that is not there is fine."""

    async def names(self) -> tuple[str, ...]:
        """List what is stored."""
