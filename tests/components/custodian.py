"""A custodian over a real `CustodianService`, without its web floor. What it answers can be tampered with."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from wylloh_server.domain.errors import WyllohError
from wylloh_server.domain.license import request_from_json
from wylloh_server.services.licensing.custodian import CustodianService


@dataclass
class CustodianDoor:
    """`tamper` is given each answer as JSON and gives what is sent instead; `asked` counts requests.

    `says` is what it refuses everybody with.
    """

    url: str = ""
    tamper: Callable[[Any], Any] = field(default=lambda answer: answer)
    asked: int = 0
    status: int | None = None
    says: str = ""


@asynccontextmanager
async def custodian_door(custody: CustodianService) -> AsyncIterator[CustodianDoor]:
    """Answers on loopback until the context ends."""
    loopback = CustodianDoor()

    async def release(request: web.Request) -> web.Response:
        loopback.asked += 1
        if loopback.says:
            return web.json_response({"error": loopback.says}, status=403)
        if loopback.status is not None:
            return web.Response(status=loopback.status, text="<h1>Sorry</h1>")
        try:
            envelope = await custody.release(request_from_json(await request.json()))
        except WyllohError as error:
            return web.json_response({"error": str(error), "fix": error.fix}, status=403)
        return web.json_response(loopback.tamper(envelope.as_json()))

    app = web.Application()
    app.router.add_post("/api/custody/envelope", release)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        loopback.url = f"http://{host}:{port}"
        yield loopback
    finally:
        await runner.cleanup()
