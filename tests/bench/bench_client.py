"""Somebody in front of a browser, made of one keep-alive connection: signs in, presses Play, fetches."""

from __future__ import annotations

import http.client
import json
import re
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urljoin, urlsplit

from eth_account.messages import encode_defunct
from eth_account.signers.local import LocalAccount


_TIMEOUT = 180
"""Seconds; a page that is slow is measured, not given up."""


class BenchClient:
    """Talks to one server. `cookies` may come from an earlier visit."""

    def __init__(self, url: str, cookies: dict[str, str] | None = None) -> None:
        self.cookies = dict(cookies or {})
        self._url = url
        self._connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=_TIMEOUT)

    def __enter__(self) -> BenchClient:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    @property
    def cookie_header(self) -> str:
        """What a browser sends along."""
        return "; ".join(f"{name}={value}" for name, value in self.cookies.items())

    def sign_in(self, wallet: LocalAccount, code: str = "") -> None:
        """Prove a wallet; with the code from the terminal it becomes the owner's."""
        self.get("/sign-in")
        asked = json.loads(self.post("/api/sign-in/challenge", {"wallet": wallet.address}))
        signature = "0x" + bytes(wallet.sign_message(encode_defunct(text=asked["message"])).signature).hex()
        self.post("/api/sign-in/answer", {"signature": signature, "claim_code": code})

    def play(self, film: str, *, encoded: bool = False) -> str:
        """Press Play; gives the path of the master playlist. For a player that decodes nothing, all is `encoded`."""
        body = {"client": {"name": "a player that takes encodings only"}} if encoded else {}
        return str(json.loads(self.post(f"/api/films/{film}/play", body))["url"])

    def stop(self, master: str) -> None:
        """Give the lease back."""
        self.post(f"/api/play/{master.split('/')[2]}/stop", {})

    def first_segment(self, master: str) -> dict[str, bytes]:
        """What a player fetches before the first picture: two playlists, init segment, first segment."""
        playlist = first_uri(master, self.get(master))
        listed = self.get(playlist)
        init = urljoin(playlist, re.search(rb'EXT-X-MAP:URI="([^"]+)"', listed)[1].decode())
        segment = first_uri(playlist, listed)
        fetched = {init: self.get(init), segment: self.get(segment)}
        return {playlist: listed, **fetched}

    def segments(self, master: str) -> list[str]:
        """The paths of all segments of the picture to start with."""
        playlist = first_uri(master, self.get(master))
        lines = self.get(playlist).decode().splitlines()
        return [urljoin(playlist, line) for line in lines if line and line[0] != "#"]

    def get(self, path: str) -> bytes:
        """Fetch something that must be there."""
        return self._ask("GET", path, None)

    def post(self, path: str, body: dict[str, Any]) -> bytes:
        """Send JSON to something that must accept it."""
        return self._ask("POST", path, json.dumps(body).encode())

    def _ask(self, method: str, path: str, body: bytes | None) -> bytes:
        headers = {"Origin": self._url, "Cookie": self.cookie_header, "Accept": "*/*"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        self._connection.request(method, path, body, headers)
        with self._connection.getresponse() as reply:
            said = reply.read()
            for cookie in reply.headers.get_all("Set-Cookie", ()):
                self.cookies |= {name: morsel.value for name, morsel in SimpleCookie(cookie).items()}
        if reply.status != 200:
            raise RuntimeError(f"{method} {path}: {reply.status} {said[:300]!r}")
        return said


def first_uri(base: str, playlist: bytes) -> str:
    """The first address a playlist lists."""
    return urljoin(base, next(line for line in playlist.decode().splitlines() if line and line[0] != "#"))
