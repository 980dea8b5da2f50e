"""Envelopes: a content key sealed to one server's device key.

HPKE (RFC 9180), base mode, DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM, by `cryptography`. A 32-byte
key seals to 80 bytes. `info` carries the licence's terms, so a sealed key opens under those terms only.
"""

from __future__ import annotations

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from wylloh_server.domain.errors import InvalidValue, SealBroken

_SUITE = hpke.Suite(hpke.KEM.X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)
_KEY_BYTES = 32


def device_key() -> bytes:
    """Make a new device key: the 32 private bytes, for the key store."""
    return X25519PrivateKey.generate().private_bytes_raw()


def device_public(private: bytes) -> bytes:
    """Give the 32 public bytes that belong to a device key."""
    return _private(private).public_key().public_bytes_raw()


def seal_key(content_key: bytes, device: bytes, info: bytes) -> bytes:
    """Seal a content key to a device.

    Args:
        content_key: 32 bytes.
        device: the receiving server's public key, 32 bytes.
        info: the licence's terms, in the canonical form both sides write.

    Returns:
        80 bytes that only that device opens, and only with the same `info`.

    Raises:
        InvalidValue: the device key is not a usable X25519 public key.
    """
    try:
        return _SUITE.encrypt(content_key, X25519PublicKey.from_public_bytes(device), info=info)
    except ValueError as error:
        raise InvalidValue(
            "The device key is not an X25519 public key.", fix="Pair this server with the custodian again."
        ) from error


def open_key(sealed: bytes, private: bytes, info: bytes) -> bytes:
    """Open a sealed content key.

    Raises:
        SealBroken: it was sealed to another device, under other terms, or was changed.
    """
    try:
        opened = _SUITE.decrypt(sealed, _private(private), info=info)
    except (InvalidTag, ValueError) as error:
        raise SealBroken(
            "The licence does not open on this server: it was made for another device or for other terms.",
            fix="Ask the custodian for a new licence.",
        ) from error
    if len(opened) != _KEY_BYTES:
        raise SealBroken("The licence holds no film key.", fix="Ask the custodian for a new licence.")
    return opened


def _private(private: bytes) -> X25519PrivateKey:
    return X25519PrivateKey.from_private_bytes(private)
