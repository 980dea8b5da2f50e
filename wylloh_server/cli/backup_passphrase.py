"""Where `backup` and `restore` get the words that seal the file: a file, the environment, or the keyboard."""

from __future__ import annotations

import base64
import os
import re
from typing import TYPE_CHECKING

import click

from wylloh_server.domain.errors import InvalidValue

if TYPE_CHECKING:
    from pathlib import Path

VARIABLE = "WYLLOH_BACKUP_PASSPHRASE"
_RECOVERY_BYTES, _GROUP = 25, 5
_RECOVERY_KEY = re.compile("[A-Z2-7]{40}")


def read_passphrase(file: Path | None, *, confirm: bool) -> str:
    """Return the passphrase, or the recovery key in whatever groups it was typed.

    Raises:
        InvalidValue: there is none.
    """
    if file is not None:
        words = file.read_text(encoding="utf-8").strip()
    elif os.environ.get(VARIABLE):
        words = os.environ[VARIABLE]
    else:
        words = click.prompt("Passphrase or recovery key", hide_input=True, confirmation_prompt=confirm)
    if not words:
        raise InvalidValue("The passphrase is empty.", fix=f"Give one in {VARIABLE} or --passphrase-file.")
    return _as_printed(words)


def _as_printed(words: str) -> str:
    """Return a recovery key as it was printed, however it was typed, and anything else as it is."""
    signs = re.sub(r"[\s-]+", "", words).upper()
    return _grouped(signs) if _RECOVERY_KEY.fullmatch(signs) else words


def new_recovery_key() -> str:
    """Return a fresh recovery key: 200 random bits, in eight groups of five letters and digits."""
    return _grouped(base64.b32encode(os.urandom(_RECOVERY_BYTES)).decode())


def _grouped(signs: str) -> str:
    return "-".join(signs[at : at + _GROUP] for at in range(0, len(signs), _GROUP))
