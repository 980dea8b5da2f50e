"""This server's own keys: made once, kept in the key store, used without ever leaving the process.

Envelopes are content keys sealed to one server's device key with HPKE (RFC 9180): base mode, DHKEM(X25519,
HKDF-SHA256), HKDF-SHA256, AES-256-GCM. A 32-byte key seals to 80 bytes. `info` carries the licence's terms,
so a sealed key opens under those terms only. Custodians sign with Ed25519 (RFC 8032).
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from wylloh_server.domain.errors import InvalidValue, SealBroken

if TYPE_CHECKING:
    from collections.abc import Callable

    from wylloh_server.domain.ports.crypto import KeyStore

_DEVICE = "server/device"
_CUSTODIAN = "server/custodian"
_SUITE = hpke.Suite(hpke.KEM.X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)
_KEY_BYTES = 32
_ASK_AGAIN = "Ask the custodian for a new licence."


class StoredServerKeys:
    """The port `ServerKeys`.

    Args:
        device: the X25519 device key, 32 private bytes.
        custodian: the Ed25519 custodian key, 32 private bytes.
    """

    def __init__(self, device: bytes, custodian: bytes) -> None:
        self._device = X25519PrivateKey.from_private_bytes(device)
        self._custodian = Ed25519PrivateKey.from_private_bytes(custodian)

    @property
    def device_public(self) -> str:
        """The device key's public half, hex."""
        return self._device.public_key().public_bytes_raw().hex()

    @property
    def custodian_public(self) -> str:
        """The custodian key's public half, hex."""
        return self._custodian.public_key().public_bytes_raw().hex()

    def sign(self, data: bytes) -> str:
        """Sign as custodian; 64 bytes in hex."""
        return self._custodian.sign(data).hex()

    def verify(self, public_key: str, data: bytes, signature: str) -> bool:
        """Check any custodian's signature. Malformed input is False."""
        try:
            Ed25519PublicKey.from_public_bytes(bytes.fromhex(public_key)).verify(
                bytes.fromhex(signature), data
            )
        except (InvalidSignature, ValueError):
            return False
        return True

    def seal(self, secret: bytes, device_public: str, info: bytes) -> str:
        """Seal 32 bytes to a device; hex, which only that device opens, and only with the same `info`.

        Raises:
            InvalidValue: `device_public` is no usable X25519 public key.
        """
        try:
            device = X25519PublicKey.from_public_bytes(bytes.fromhex(device_public))
            return _SUITE.encrypt(secret, device, info=info).hex()
        except ValueError as error:
            raise InvalidValue(
                "The device key is not an X25519 public key.",
                fix="Pair this server with the custodian again.",
            ) from error

    def unseal(self, sealed: str, info: bytes) -> bytes:
        """Open what was sealed to this server.

        Raises:
            SealBroken: sealed to another device, for other terms, or tampered with.
        """
        try:
            opened = _SUITE.decrypt(bytes.fromhex(sealed), self._device, info=info)
        except (InvalidTag, ValueError) as error:
            raise SealBroken(
                "The licence does not open on this server: it was made for another device or other terms.",
                fix=_ASK_AGAIN,
            ) from error
        if len(opened) != _KEY_BYTES:
            raise SealBroken("The licence holds no film key.", fix=_ASK_AGAIN)
        return opened


async def load_server_keys(store: KeyStore) -> StoredServerKeys:
    """Read this server's keys from the key store, making them at the first start.

    Raises:
        SealBroken: the key store does not open.
    """
    # Any 32 bytes are a private key of either kind.
    device, custodian = [
        await get_or_create(store, name, lambda: os.urandom(_KEY_BYTES)) for name in (_DEVICE, _CUSTODIAN)
    ]
    return StoredServerKeys(device, custodian)


async def get_or_create(store: KeyStore, name: str, make: Callable[[], bytes]) -> bytes:
    """Return the secret of that name, making and keeping it where there is none yet.

    A server and a command that start side by side on a new data folder get the same one.
    """
    kept = await store.get(name)
    return await store.put_once(name, make()) if kept is None else kept
