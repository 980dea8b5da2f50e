"""The contents whose CIDs are compared; tests/node/recipes.mjs makes the same bytes and says how."""

from __future__ import annotations

import functools
import hashlib
import io
from pathlib import Path

MIB = 1 << 20

FOLDERS = {
    "single": {"manifest.json": 300},
    "package": {
        "feature.enc": 2 * MIB + 5,
        "manifest.json": 900,
        "manifest.sig": 130,
        "poster.jpg": 40000,
        "subtitles/en.vtt": 700,
        "subtitles/forced/de.vtt": 0,
        "trailer.mp4": MIB,
    },
    "names": {"B.txt": 1, "a.txt": 2, "é.txt": 3, "\U0001f39e.txt": 4, "\uff5e.txt": 5},
}


@functools.cache
def hashes(size: int) -> bytes:
    count = -(-size // 32)
    return b"".join(hashlib.sha256(index.to_bytes(8, "big")).digest() for index in range(count))[:size]


class Stamped(io.RawIOBase):
    """A stream whose every MiB begins with its number; read it in whole MiB."""

    def __init__(self, size: int) -> None:
        self._left = range(size // MIB)
        self._buffer = bytearray(MIB)

    def read(self, size: int = -1) -> bytes:
        if not self._left:
            return b""
        assert size == MIB
        self._buffer[:8] = self._left[0].to_bytes(8, "big")
        self._left = self._left[1:]
        return bytes(self._buffer)


def stream(recipe: str) -> io.RawIOBase | io.BytesIO:
    kind, size = recipe.split()
    return Stamped(int(size)) if kind == "stamped" else io.BytesIO(hashes(int(size)))


def write_folder(name: str, parent: Path) -> Path:
    folder = parent / name
    for path, size in FOLDERS[name].items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(hashes(size))
    return folder
