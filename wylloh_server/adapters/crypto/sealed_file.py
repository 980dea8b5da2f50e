"""One file sealed to a passphrase or recovery key, for keeping elsewhere.

Format: 16 bytes that name it, a salt of 16 bytes, and Tink's streaming AEAD with the parameters of a film
(see `aead_segments`) under a key that scrypt (RFC 7914, N=2^17, r=8, p=1: about 128 MB and half a second)
derives from the words and the salt. Those first 32 bytes are the associated data. Each MiB is checked
before it is used, and the last one knows that it is the last.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, BinaryIO

from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from wylloh_server.adapters.crypto.aead_segments import Layout, StreamCipher, StreamParameters
from wylloh_server.adapters.crypto.streaming_aead import TinkFilmCipher
from wylloh_server.domain.errors import InvalidValue, SealBroken
from wylloh_server.domain.types import ContentKey

if TYPE_CHECKING:
    from pathlib import Path

_MAGIC = b"wylloh-backup-1\n"
_SALT_BYTES, _KEY_BYTES = 16, 32
_SCRYPT_COST = 1 << 17
SHORTEST_PASSPHRASE = 12


def seal_file(source: BinaryIO, target: BinaryIO, passphrase: str) -> None:
    """Seal everything `source` gives. Blocks: use a thread.

    Raises:
        InvalidValue: the passphrase is too short to withstand guessing.
    """
    if len(passphrase) < SHORTEST_PASSPHRASE:
        raise InvalidValue(
            f"A passphrase needs at least {SHORTEST_PASSPHRASE} characters.",
            fix="Take a longer one, or let --new-recovery-key make one.",
        )
    head = _MAGIC + os.urandom(_SALT_BYTES)
    target.write(head)
    TinkFilmCipher().encrypt(source, target, _derived(passphrase, head), head)


def unseal_file(sealed: Path, target: BinaryIO, passphrase: str) -> None:
    """Write what was sealed to `target`. Blocks: use a thread.

    Raises:
        InvalidValue: it is no such file.
        SealBroken: another passphrase, or the file was changed or cut. What was written is to be thrown away.
    """
    with sealed.open("rb") as source:
        head = source.read(len(_MAGIC) + _SALT_BYTES)
        if not head.startswith(_MAGIC):
            raise InvalidValue(
                f"{sealed} is no backup of a Wylloh server.", fix="Name the file that backup wrote."
            )
        try:
            _open_segments(source, target, _derived(passphrase, head), head)
        except SealBroken:
            raise SealBroken(
                f"{sealed} does not open: the passphrase is another one, or the file is damaged.",
                fix="Give the passphrase or recovery key it was sealed with, or take another copy.",
            ) from None


def _open_segments(source: BinaryIO, target: BinaryIO, key: ContentKey, head: bytes) -> None:
    sizes = StreamParameters()
    layout = Layout(sizes, os.fstat(source.fileno()).st_size - len(head))
    cipher = StreamCipher(key, source.read(sizes.header_bytes), head, sizes)
    for number in range(layout.segments):
        start, end = layout.ciphertext_span(number)
        target.write(cipher.open(number, source.read(end - start), last=number == layout.segments - 1))


def _derived(passphrase: str, head: bytes) -> ContentKey:
    scrypt = Scrypt(salt=head[len(_MAGIC) :], length=_KEY_BYTES, n=_SCRYPT_COST, r=8, p=1)
    return ContentKey(scrypt.derive(passphrase.encode()))
