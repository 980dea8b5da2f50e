"""The key store: this server's keys and the films' content keys, encrypted at rest."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from wylloh_server.adapters.crypto._vault import Vault

if TYPE_CHECKING:
    from pathlib import Path


class EncryptedKeyStore:
    """The port `KeyStore` over a folder, one encrypted file an entry. Files are touched in threads.

    Make it with `open_key_store`. Deleting an entry is left to people: nothing here forgets a film's key.
    """

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    async def put(self, name: str, secret: bytes) -> None:
        """Store a secret, such as `content/<token reference>`; it is on disk when this returns."""
        await asyncio.to_thread(self._vault.write, name, secret)

    async def put_once(self, name: str, secret: bytes) -> bytes:
        """Store a secret unless one of that name is there, and give the one that is.

        Of two processes that try, one wins, and both get the same. Raises like `get`.
        """
        return await asyncio.to_thread(self._vault.write_new, name, secret)

    async def get(self, name: str) -> bytes | None:
        """Read a secret, or None.

        Raises:
            SealBroken: the entry was changed, or made with another master key.
        """
        return await asyncio.to_thread(self._vault.read, name)

    async def names(self) -> tuple[str, ...]:
        """List what is stored, sorted."""
        return await asyncio.to_thread(self._vault.names)


async def open_key_store(folder: Path, passphrase: str | None = None) -> EncryptedKeyStore:
    """Open the key store in a folder, or make one.

    Args:
        folder: made if missing, mode 0700.
        passphrase: opens the store; without one, `master.key` in the folder does (mode 0600, made once).

    Raises:
        SealBroken: the master key is not the one the entries were made with. Nothing was changed.
    """
    return EncryptedKeyStore(await asyncio.to_thread(Vault, folder, passphrase))
