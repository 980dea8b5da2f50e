"""This server's own keys: made once, kept in the key store, used without ever leaving the process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wylloh_server.adapters.crypto import sealing, signing
from wylloh_server.domain.errors import InvalidValue, SealBroken

if TYPE_CHECKING:
    from collections.abc import Callable

    from wylloh_server.domain.ports.crypto import KeyStore

_DEVICE = "server/device"
_CUSTODIAN = "server/custodian"


class HeldServerKeys:
    """The port `ServerKeys`: an X25519 device key and an Ed25519 custodian key, both as 32 private bytes."""

    def __init__(self, device: bytes, custodian: bytes) -> None:
        self._device = device
        self._custodian = custodian

    @property
    def device_public(self) -> str:
        """The device key's public half, hex."""
        return sealing.device_public(self._device).hex()

    @property
    def custodian_public(self) -> str:
        """The custodian key's public half, hex."""
        return signing.signing_public(self._custodian).hex()

    def sign(self, data: bytes) -> str:
        """Sign as custodian; hex."""
        return signing.sign(self._custodian, data).hex()

    def verify(self, public_key: str, data: bytes, signature: str) -> bool:
        """Check any custodian's signature. Malformed input is False."""
        try:
            return signing.verify(bytes.fromhex(public_key), data, bytes.fromhex(signature))
        except ValueError:
            return False

    def seal(self, secret: bytes, device_public: str, info: bytes) -> str:
        """Seal 32 bytes to a device (HPKE base mode, RFC 9180); hex.

        Raises:
            InvalidValue: `device_public` is no X25519 public key.
        """
        try:
            public = bytes.fromhex(device_public)
        except ValueError as error:
            raise InvalidValue("The device key is not hex.", fix="Pair this server again.") from error
        return sealing.seal_key(secret, public, info).hex()

    def unseal(self, sealed: str, info: bytes) -> bytes:
        """Open what was sealed to this server.

        Raises:
            SealBroken: sealed to another device, for other terms, or tampered with.
        """
        try:
            envelope = bytes.fromhex(sealed)
        except ValueError as error:
            raise SealBroken("The licence is not hex.", fix="Ask the custodian for a new licence.") from error
        return sealing.open_key(envelope, self._device, info)


async def load_server_keys(store: KeyStore) -> HeldServerKeys:
    """Read this server's keys from the key store, making them at the first start.

    Raises:
        SealBroken: the key store does not open.
    """
    return HeldServerKeys(
        await made_once(store, _DEVICE, sealing.device_key),
        await made_once(store, _CUSTODIAN, signing.signing_key),
    )


async def made_once(store: KeyStore, name: str, make: Callable[[], bytes]) -> bytes:
    """Give the secret of that name, making and keeping it where there is none yet.

    A server and a command that start side by side on a new data folder get the same one.
    """
    kept = await store.get(name)
    return await store.put_once(name, make()) if kept is None else kept
