"""The key store: this server's keys and the films' content keys, each encrypted in its own file."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import os
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from wylloh_server.adapters.crypto.master_key import master_key, master_key_in
from wylloh_server.adapters.crypto.private_files import (
    read_private,
    remove_private,
    write_once,
    write_private,
)
from wylloh_server.domain.errors import SealBroken

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_NONCE_BYTES = 12
_PROBE = "the master key fits"
_DAMAGED = (InvalidTag, ValueError, KeyError, TypeError)
"""What opening a changed entry raises."""


class EncryptedKeyStore:
    """The port `KeyStore` over a folder. Make it with `open_key_store`; files are touched in threads.

    One JSON file an entry, AES-256-GCM under the master key, the name as associated data. The name stands
    unencrypted in its file (a person can see what is there), the secret does not. The store cannot tell an
    old copy of an entry from the present one: who may write in the folder can put one back.
    """

    def __init__(self, folder: Path, passphrase: str | None = None) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder
        self._aead = AESGCM(master_key(folder, passphrase))
        if not any(folder.glob("*.json")):
            self._write(_PROBE, b"")
        else:
            self._prove_master_key()

    async def put(self, name: str, secret: bytes) -> None:
        """Store a secret, such as `content/<token reference>`; it is on disk when this returns."""
        await asyncio.to_thread(self._write, name, secret)

    async def put_once(self, name: str, secret: bytes) -> bytes:
        """Store a secret unless one of that name is there, and return the one that is.

        Of two processes that try, one wins, and both get the same. Raises like `get`.
        """
        return await asyncio.to_thread(self._write_new, name, secret)

    async def get(self, name: str) -> bytes | None:
        """Read a secret, or None.

        Raises:
            SealBroken: the entry was changed, or made with another master key.
        """
        return await asyncio.to_thread(self._read, name)

    async def remove(self, name: str) -> None:
        """Delete a secret for good; one that is not there is fine."""
        await asyncio.to_thread(remove_private, self._path(name))

    async def names(self) -> tuple[str, ...]:
        """List what is stored, sorted."""
        return tuple(name for name in await asyncio.to_thread(self._all_names) if name != _PROBE)

    def _prove_master_key(self) -> None:
        """Open any entry: the probe may have been lost in a copy, and others may be damaged.

        Raises:
            SealBroken: none opens.
        """
        refused: SealBroken | None = None
        for name in sorted(self._all_names(), key=_PROBE.__ne__):
            try:
                if self._read(name) is not None:
                    return
            except SealBroken as error:
                refused = refused or error
        raise refused or _wrong(self._folder, "any entry")

    def _read(self, name: str) -> bytes | None:
        path = self._path(name)
        try:
            return _secret_in(self._aead, name, read_private(path))
        except FileNotFoundError:
            return None
        except _DAMAGED as error:
            raise _wrong(path, name) from error

    def _write(self, name: str, secret: bytes) -> None:
        write_private(self._path(name), self._sealed(name, secret))

    def _write_new(self, name: str, secret: bytes) -> bytes:
        write_once(self._path(name), self._sealed(name, secret))
        return self._read(name) or secret

    def _sealed(self, name: str, secret: bytes) -> bytes:
        nonce = os.urandom(_NONCE_BYTES)
        sealed = self._aead.encrypt(nonce, secret, name.encode())
        entry = {
            "name": name,
            "nonce": base64.b64encode(nonce).decode(),
            "sealed": base64.b64encode(sealed).decode(),
        }
        return json.dumps(entry, indent=1).encode()

    def _all_names(self) -> list[str]:
        """Return the names of all entries. What is no entry any more, as after a power cut, has none."""
        found = (_name_in(path.read_bytes()) for path in self._folder.glob("*.json"))
        return sorted(name for name in found if name is not None)

    def _path(self, name: str) -> Path:
        return self._folder / _file_name(name)


def damaged_entries(files: Mapping[str, bytes], passphrase: str | None) -> Mapping[str, str]:
    """Return which entries of a copy of a key store do not open.

    Args:
        files: the files of its folder, by name.
        passphrase: that of the store, if it has one.

    Returns:
        By file: the name of the entry, or of the file where that is all that is known.

    Raises:
        SealBroken: none opens, because the passphrase is another one, or the master key is gone.
    """
    aead = AESGCM(master_key_in(files, passphrase))
    entries = {file: content for file, content in files.items() if file.endswith(".json")}
    damaged = {
        file: _name_in(content) or file
        for file, content in entries.items()
        if not _opens(aead, file, content)
    }
    if entries and len(damaged) == len(entries):
        raise SealBroken(
            "The key store does not open: it was made with another passphrase or master key.",
            fix="Give the passphrase of the key store, as to the server itself; if it has none, give none.",
        )
    return damaged


def _opens(aead: AESGCM, file: str, content: bytes) -> bool:
    name = _name_in(content)
    try:
        # An entry is looked for by its name, in no other file.
        return name is not None and file == _file_name(name) and _secret_in(aead, name, content) is not None
    except _DAMAGED:
        return False


def _name_in(content: bytes) -> str | None:
    try:
        return str(json.loads(content)["name"])
    except (ValueError, KeyError, TypeError):
        return None


def _secret_in(aead: AESGCM, name: str, content: bytes) -> bytes:
    """Open the content of an entry's file. Raises one of `_DAMAGED`."""
    entry = json.loads(content)
    nonce, sealed = (base64.b64decode(entry[field], validate=True) for field in ("nonce", "sealed"))
    return aead.decrypt(nonce, sealed, name.encode())


def _file_name(name: str) -> str:
    # A name may hold slashes and colons (a token reference does); its hash is safe on every file system.
    return f"{hashlib.sha256(name.encode()).hexdigest()[:32]}.json"


def _wrong(path: Path, name: str) -> SealBroken:
    return SealBroken(
        f"The key store cannot open {name!r} in {path}: another master key, or a changed file.",
        fix="Give the master key or passphrase of this store, or put the file back from the backup.",
    )


async def open_key_store(folder: Path, passphrase: str | None = None) -> EncryptedKeyStore:
    """Open the key store in a folder, or make one.

    Args:
        folder: made if missing, mode 0700.
        passphrase: opens the store; without one, `master.key` in the folder does (mode 0600, made once).

    Raises:
        SealBroken: the master key is not the one the entries were made with. Nothing was changed.
    """
    return await asyncio.to_thread(EncryptedKeyStore, folder, passphrase)
