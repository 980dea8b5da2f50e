"""The HTTP client of this project, on aiohttp: no redirects, no proxies from the environment, no cookies.

`get` goes to addresses from the settings; `post_json` to addresses that strangers chose, see `ssrf_guard`.
"""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import aiohttp

from wylloh_server.adapters.http.ssrf_guard import guarded_sockets
from wylloh_server.domain.ports.http import HttpReply
from wylloh_server.domain.types import Seconds

if TYPE_CHECKING:
    import socket
    from collections.abc import AsyncIterator, Callable, Mapping

_CHUNK = 256 * 1024
_LARGEST_JSON = 1024 * 1024
_CONNECTIONS = 64
_CONNECTIONS_PER_HOST = 16


class AiohttpClient:
    """Implements the port `HttpClient`. Made by `http_client`."""

    def __init__(self, session: aiohttp.ClientSession, to_strangers: aiohttp.ClientSession) -> None:
        self._session = session
        self._to_strangers = to_strangers

    @asynccontextmanager
    async def get(
        self, url: str, *, headers: Mapping[str, str] | None = None, connect: Seconds = Seconds(5)
    ) -> AsyncIterator[HttpReply]:
        """Ask for `url`. Deadlines on the first byte and between chunks are the caller's.

        Raises:
            OSError, TimeoutError: there is no talking to that address.
        """
        waits = aiohttp.ClientTimeout(total=None, sock_connect=connect)
        async with _asked(self._session, "GET", url, headers=headers, timeout=waits) as response:
            yield HttpReply(response.status, response.headers, _chunks(response))

    async def post_json(self, url: str, body: Any, *, timeout: Seconds = Seconds(10)) -> tuple[int, Any]:  # noqa: ASYNC109 - the port's signature
        """Send JSON and read at most 1 MiB of JSON back: status code and value (None if not JSON).

        Raises:
            OSError, TimeoutError: the exchange failed or took longer than `timeout`.
        """
        waits = aiohttp.ClientTimeout(total=timeout)
        async with _asked(self._to_strangers, "POST", url, json=body, timeout=waits) as response:
            return response.status, _value(await _limited(response))


async def _chunks(response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    try:
        async for chunk in response.content.iter_chunked(_CHUNK):
            yield chunk
    except aiohttp.ClientError as error:
        raise OSError(f"the answer broke off: {error}") from error


@asynccontextmanager
async def http_client(*, ask_local: bool = False) -> AsyncIterator[AiohttpClient]:
    """Return a client with a bounded number of connections until the context ends.

    Args:
        ask_local: whether `post_json` may go to this machine and the local network.
    """
    guarded = guarded_sockets(local=ask_local)
    async with _session(None) as session, _session(guarded) as to_strangers:
        yield AiohttpClient(session, to_strangers)


def _session(socket_factory: Callable[[Any], socket.socket] | None) -> aiohttp.ClientSession:
    connector = aiohttp.TCPConnector(
        limit=_CONNECTIONS, limit_per_host=_CONNECTIONS_PER_HOST, socket_factory=socket_factory
    )
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        trust_env=False,
        headers={"User-Agent": "wylloh-server", "Accept-Encoding": "identity"},
    )


@asynccontextmanager
async def _asked(
    session: aiohttp.ClientSession, method: str, url: str, **options: Any
) -> AsyncIterator[aiohttp.ClientResponse]:
    """Make a request, and let every failure to talk be an OSError or a TimeoutError."""
    try:
        response = await session.request(method, url, allow_redirects=False, **options)
    except (OSError, TimeoutError):
        raise
    except (aiohttp.ClientError, ValueError) as error:
        raise OSError(f"cannot ask {url!r}: {error or type(error).__name__}") from error
    try:
        yield response
    finally:
        # Not `release`: an unread rest of a body must not be read on.
        response.close() if not response.content.at_eof() else response.release()


async def _limited(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in _chunks(response):
        body += chunk
        if len(body) > _LARGEST_JSON:
            raise OSError("the answer is larger than 1 MiB")
    return bytes(body)


def _value(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None
