"""Is the server up, and can it play a film? Asked by monitors, `make demo` and containers."""

from __future__ import annotations

from dataclasses import asdict

from aiohttp import web

from wylloh_server.web.keys import HEALTH

_NO_STORE = {"Cache-Control": "no-store"}


async def alive(request: web.Request) -> web.Response:
    """→ 200 while the process answers at all."""
    del request
    return web.json_response({"status": "up"}, headers=_NO_STORE)


async def ready(request: web.Request) -> web.Response:
    """→ 200 `{status: "ok", playable}` once a film can be played, else 503 with checks and fixes."""
    health = request.app[HEALTH]
    playable = await health.playable()
    if playable:
        return web.json_response({"status": "ok", "playable": playable}, headers=_NO_STORE)
    checks = [asdict(check) for check in await health.checks()]
    body = {"status": "nothing to play yet", "playable": 0, "checks": checks}
    return web.json_response(body, status=503, headers=_NO_STORE)


routes = [web.get("/livez", alive), web.get("/healthz", ready)]
