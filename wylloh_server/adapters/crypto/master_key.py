"""The master key of the key store: from a file of its own, or from a passphrase."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from wylloh_server.adapters.crypto.private_files import read_private, write_once
from wylloh_server.domain.errors import SealBroken

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_KEY_BYTES = 32
_SALT_BYTES = 16


def master_key(folder: Path, passphrase: str | None) -> bytes:
    """Return the 32-byte master key; the first call makes what it rests on.

    Without a passphrase it is `master.key` in the folder, readable by its owner only. With one it is scrypt
    (RFC 7914, N=2^15, r=8, p=1: about 32 MB and a tenth of a second) over it and `master.salt`.

    Raises:
        SealBroken: the file is not one this store made, or it is gone while entries remain.
    """
    if passphrase is not None:
        return _from_passphrase(_made_once(folder, "master.salt", _SALT_BYTES), passphrase)
    return _made_once(folder, "master.key", _KEY_BYTES)


def master_key_in(files: Mapping[str, bytes], passphrase: str | None) -> bytes:
    """Return the master key of a copy of a key store, given as the content of its files by name.

    Raises:
        SealBroken: the file that the key rests on is missing or damaged.
    """
    if passphrase is not None:
        return _from_passphrase(_whole("master.salt", files.get("master.salt"), _SALT_BYTES), passphrase)
    return _whole("master.key", files.get("master.key"), _KEY_BYTES)


def _from_passphrase(salt: bytes, passphrase: str) -> bytes:
    return Scrypt(salt=salt, length=_KEY_BYTES, n=1 << 15, r=8, p=1).derive(passphrase.encode())


def _made_once(folder: Path, name: str, length: int) -> bytes:
    path = folder / name
    if not path.exists():
        if any(folder.glob("*.json")):
            raise SealBroken(
                f"The key store in {folder} has entries, but its {name} is missing.",
                fix=f"Put {name} back from the backup, or give the passphrase the store was made with.",
            )
        write_once(path, os.urandom(length))
    return _whole(str(path), read_private(path), length)


def _whole(name: str, found: bytes | None, length: int) -> bytes:
    if found is None:
        raise SealBroken(
            f"The key store has no {name}.",
            fix="If it was made with a passphrase, give that one; if not, give none.",
        )
    if len(found) != length:
        raise SealBroken(
            f"{name} has {len(found)} bytes instead of {length}.", fix="Put it back from the backup."
        )
    return found
