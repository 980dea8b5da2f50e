"""The smallest trustless gateway over a `Packages`: what the product's own answers, without its web floor."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

from tests.components.serving import serving
from wylloh_server.domain.errors import NotFound


@dataclass
class GoodGateway:
    url: str = ""
    asked: list[str] = field(default_factory=list)
    """Paths with queries, in order."""


@asynccontextmanager
async def good_gateway(packages) -> AsyncIterator[GoodGateway]:
    """Serves what `packages` holds until the context ends."""
    gateway = GoodGateway()

    async def answer(request: web.Request) -> web.StreamResponse:
        gateway.asked.append(request.path_qs)
        cid = request.path.removeprefix("/ipfs/")
        if request.query["format"] == "raw":
            block = await packages.published_block(cid)
            return web.Response(body=block) if block is not None else web.Response(status=404)
        response = web.StreamResponse(headers={"Content-Type": "application/vnd.ipld.car"})
        try:
            async for piece in packages.published_car(cid, scope=request.query["dag-scope"]):
                if not response.prepared:
                    await response.prepare(request)
                await response.write(piece)
        except NotFound:
            return web.Response(status=404)
        return response

    async with serving(answer) as url:
        gateway.url = url
        yield gateway
