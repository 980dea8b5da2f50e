"""A folder of secrets, each encrypted in its own file."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from wylloh_server.adapters.crypto._files import read_private, write_once, write_private
from wylloh_server.adapters.crypto._master import master_key
from wylloh_server.domain.errors import SealBroken

if TYPE_CHECKING:
    from pathlib import Path

_NONCE_BYTES = 12
_PROBE = "the master key fits"


class Vault:
    """Secrets by name: one JSON file each, AES-256-GCM under the master key, the name as associated data.

    The name stands in the clear in its file (a person can see what is there), the secret does not. The store
    cannot tell an old copy of an entry from the present one: who may write in the folder can put one back.

    Args:
        folder: made if missing, mode 0700.
        passphrase: see `master_key`.

    Raises:
        SealBroken: the master key is not the one the entries were encrypted with. Nothing was changed.
    """

    def __init__(self, folder: Path, passphrase: str | None = None) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder
        self._aead = AESGCM(master_key(folder, passphrase))
        names = self._all_names()
        if not names:
            self.write(_PROBE, b"")
        else:
            # Any entry proves the key; the probe may have been lost in a copy.
            self.read(_PROBE if _PROBE in names else names[0])

    def read(self, name: str) -> bytes | None:
        """Give a secret, or None where there is no such entry.

        Raises:
            SealBroken: the entry does not open.
        """
        path = self._path(name)
        try:
            entry = json.loads(read_private(path))
            nonce, sealed = (base64.b64decode(entry[field], validate=True) for field in ("nonce", "sealed"))
            return self._aead.decrypt(nonce, sealed, name.encode())
        except FileNotFoundError:
            return None
        except (InvalidTag, ValueError, KeyError, TypeError) as error:
            raise _wrong(path, name) from error

    def write(self, name: str, secret: bytes) -> None:
        """Keep a secret; an older one of that name is replaced."""
        write_private(self._path(name), self._sealed(name, secret))

    def write_new(self, name: str, secret: bytes) -> bytes:
        """Keep a secret unless one of that name is there already; give the one that is.

        Raises:
            SealBroken: the entry that is there does not open.
        """
        write_once(self._path(name), self._sealed(name, secret))
        return self.read(name) or secret

    def _sealed(self, name: str, secret: bytes) -> bytes:
        nonce = os.urandom(_NONCE_BYTES)
        sealed = self._aead.encrypt(nonce, secret, name.encode())
        entry = {
            "name": name,
            "nonce": base64.b64encode(nonce).decode(),
            "sealed": base64.b64encode(sealed).decode(),
        }
        return json.dumps(entry, indent=1).encode()

    def names(self) -> tuple[str, ...]:
        """Give the names of all entries, sorted."""
        return tuple(name for name in self._all_names() if name != _PROBE)

    def _all_names(self) -> list[str]:
        return sorted(str(json.loads(path.read_bytes())["name"]) for path in self._folder.glob("*.json"))

    def _path(self, name: str) -> Path:
        # A name may hold slashes and colons (a token reference does); its hash is safe on every file system.
        return self._folder / f"{hashlib.sha256(name.encode()).hexdigest()[:32]}.json"


def _wrong(path: Path, name: str) -> SealBroken:
    return SealBroken(
        f"The key store cannot open {name!r} in {path}: another master key, or a changed file.",
        fix="Give the master key or passphrase of this store, or put the file back from the backup.",
    )
