"""The passphrase of the key store: from a file, a credential or the environment, where it does not stay."""

from __future__ import annotations

import ctypes
import functools
import os
from pathlib import Path

from wylloh_server.domain.errors import SettingsError

_VARIABLE = "WYLLOH_PASSPHRASE"
_FILE_VARIABLE = "WYLLOH_PASSPHRASE_FILE"
_CREDENTIAL = "wylloh-passphrase"


@functools.cache
def take_passphrase() -> str | None:
    """Return the passphrase, None without one; what stood in the environment is overwritten and removed.

    Kept for the next call in this process. Where it is looked for, in this order: the variable
    `WYLLOH_PASSPHRASE`, the file that `WYLLOH_PASSPHRASE_FILE` names, the systemd credential `wylloh-
    passphrase`. A file's last line end is no part of it.

    Raises:
        SettingsError: the file cannot be read, or is empty.
    """
    if (value := os.environ.get(_VARIABLE)) is not None:
        _erase(_VARIABLE)
        return value
    if file := os.environ.get(_FILE_VARIABLE):
        return _from_file(Path(file))
    credential = Path(os.environ.get("CREDENTIALS_DIRECTORY", ""), _CREDENTIAL)
    return _from_file(credential) if credential.is_absolute() and credential.exists() else None


def environment_without_settings() -> dict[str, str]:
    """Return the variables for programs that need none of this server: no `WYLLOH_…`."""
    return {name: value for name, value in os.environ.items() if not name.startswith("WYLLOH_")}


def _from_file(file: Path) -> str:
    fix = "Correct it, and let this server's user read the file."
    try:
        passphrase = file.read_text(encoding="utf-8").removesuffix("\n").removesuffix("\r")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"cannot read the passphrase from {file}: {error}", fix=fix) from None
    if not passphrase:
        raise SettingsError(f"the passphrase file {file} is empty", fix=fix)
    return passphrase


def _erase(name: str) -> None:
    """Remove a variable; its bytes too, which the kernel would go on to show in `/proc/<pid>/environ`."""
    getenv = ctypes.CDLL(None).getenv
    getenv.restype = ctypes.c_void_p
    if pointer := getenv(os.fsencode(name)):
        ctypes.memset(pointer, 0, len(os.fsencode(os.environ[name])))
    del os.environ[name]
