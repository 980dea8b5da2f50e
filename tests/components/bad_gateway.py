"""A gateway that cannot be trusted: stands before a good one and spoils what that answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Literal

import aiohttp
from aiohttp import web

from tests.components.serving import serving

Mode = Literal["honest", "corrupt", "truncate", "drop", "stall", "silent", "error", "drip"]
"""How answers are spoilt.

honest    not at all
corrupt   one byte in the middle is another
truncate  the second half is missing, and the answer ends as if that were all
drop      the second half is missing, and the connection breaks
stall     the second half never comes, and the connection stays
silent    nothing ever comes
error     502
drip      500 bytes a second
"""


@dataclass
class BadGateway:
    """`mode` may be changed at any time; the first `honest_for` answers are not spoilt."""

    mode: Mode
    honest_for: int = 0
    url: str = ""
    asked: list[str] = field(default_factory=list)
    """Paths with queries, in order."""


@asynccontextmanager
async def bad_gateway(upstream: str, mode: Mode, *, honest_for: int = 0) -> AsyncIterator[BadGateway]:
    """Stands before the gateway at the base URL `upstream` until the context ends."""
    bad = BadGateway(mode, honest_for)
    async with aiohttp.ClientSession(auto_decompress=False) as session:

        async def answer(request: web.Request) -> web.StreamResponse:
            bad.asked.append(request.path_qs)
            spoilt = "honest" if len(bad.asked) <= bad.honest_for else bad.mode
            if spoilt == "error":
                return web.Response(status=502)
            if spoilt == "silent":
                await asyncio.Event().wait()
            headers = {name: request.headers[name] for name in ("Accept", "Range") if name in request.headers}
            async with session.get(upstream.rstrip("/") + request.path_qs, headers=headers) as reply:
                return await _spoil(request, reply.status, await reply.read(), spoilt)

        async with serving(answer) as url:
            bad.url = url
            yield bad


async def _spoil(request: web.Request, status: int, body: bytes, mode: str) -> web.StreamResponse:
    if status != 200 or mode == "honest":
        return web.Response(status=status, body=body)
    middle = len(body) // 2
    if mode == "corrupt":
        return web.Response(body=body[:middle] + bytes([body[middle] ^ 1]) + body[middle + 1 :])
    if mode == "truncate":
        return web.Response(body=body[:middle])
    response = web.StreamResponse(headers={"Content-Length": str(len(body))})
    await response.prepare(request)
    if mode == "drip":
        for begin in range(0, len(body), 50):
            await response.write(body[begin : begin + 50])
            await asyncio.sleep(0.1)
        return response
    await response.write(body[:middle])
    if mode == "stall":
        await asyncio.Event().wait()
    request.transport.abort()
    return response
