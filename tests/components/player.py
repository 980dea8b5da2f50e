"""A player nobody can see: fetches playlists, keys and segments the way a TV does, and decodes them."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass

import av
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from tests.components.server import Guest


@dataclass(frozen=True, slots=True)
class Track:
    """A track's playlist: the address of its init segment, and each segment with the key it is under."""

    init: str
    segments: tuple[tuple[str, str], ...]


class Player:
    """Playback of one film. `url` is the master playlist's path."""

    def __init__(self, guest: Guest, url: str) -> None:
        self.url = url
        self._guest = guest

    @property
    def token(self) -> str:
        """The play token."""
        return self.url.split("/")[2]

    async def tracks(self) -> list[str]:
        """Give the paths of the picture's playlists, the one to start with first."""
        master = await self._text(self.url)
        return [self._beside(self.url, line) for line in master.splitlines() if line and line[0] != "#"]

    async def track(self, path: str) -> Track:
        """Read a track's playlist."""
        key, segments = "", []
        text = await self._text(path)
        for line in text.splitlines():
            if found := re.match(r'#EXT-X-KEY:.*URI="([^"]+)"', line):
                key = self._beside(path, found[1])
            elif line and line[0] != "#":
                segments.append((self._beside(path, line), key))
        init = re.search(r'#EXT-X-MAP:URI="([^"]+)"', text)[1]
        return Track(self._beside(path, init), tuple(segments))

    async def picture(self, track: Track, number: int) -> list[av.VideoFrame]:
        """Fetch one segment, decrypt it and decode its frames."""
        address, key = track.segments[number]
        clear = _decrypted(await self._bytes(address), await self._bytes(key), number)
        with av.open(io.BytesIO(await self._bytes(track.init) + clear)) as film:
            return list(film.decode(video=0))

    async def raw(self, path: str) -> tuple[int, bytes]:
        """Fetch something below the play token; gives the HTTP status too."""
        return await self._guest.get(path)

    async def _bytes(self, path: str) -> bytes:
        status, body = await self._guest.get(path)
        assert status == 200, (path, status, body[:300])
        return body

    async def _text(self, path: str) -> str:
        return (await self._bytes(path)).decode()

    def _beside(self, path: str, relative: str) -> str:
        return f"{path.rpartition('/')[0]}/{relative}"


ENCODED = {"name": "a player that takes encodings only"}
"""What a player says that decodes nothing as it is: for it, all is encoded."""


async def play(guest: Guest, film: str, client: object = ENCODED) -> Player:
    """Press Play; `film` is the path of a film's page, `client` what the player says it plays."""
    status, answer = await guest.post(f"/api{film}/play", client=client)
    assert status == 200, answer
    return Player(guest, answer["url"])


def _decrypted(data: bytes, key: bytes, number: int) -> bytes:
    decryptor = Cipher(algorithms.AES128(key), modes.CBC(number.to_bytes(16, "big"))).decryptor()
    padded = decryptor.update(data) + decryptor.finalize()
    return padded[: -padded[-1]]
