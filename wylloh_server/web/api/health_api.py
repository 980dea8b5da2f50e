"""Is the server up, and can it play a film? Asked by monitors, `make demo` and containers."""

from __future__ import annotations

from dataclasses import asdict

from aiohttp import web

from wylloh_server.domain.access import Role
from wylloh_server.web.app_keys import SERVICES
from wylloh_server.web.session import SESSION_COOKIE, cookie

_NO_STORE = {"Cache-Control": "no-store"}


async def alive(request: web.Request) -> web.Response:
    """→ 200 while the process answers at all."""
    del request
    return web.json_response({"status": "up"}, headers=_NO_STORE)


async def ready(request: web.Request) -> web.Response:
    """→ 200 `{status: "ok"}` once a film can be played, else 503.

    Owner and admins also get `playable`, the number of films, and `checks`, each with its fix.
    """
    health = request.app[SERVICES].health
    is_ready = await health.is_ready()
    body: dict[str, object] = {"status": "ok" if is_ready else "nothing to play yet"}
    secret = cookie(request, SESSION_COOKIE)
    viewer = await request.app[SERVICES].sign_in.sessions.find(secret) if secret else None
    if viewer is not None and viewer.role.includes(Role.ADMIN):
        body["playable"] = await health.playable()
        body["checks"] = [asdict(check) for check in await health.checks()]
    return web.json_response(body, status=200 if is_ready else 503, headers=_NO_STORE)


routes = [web.get("/livez", alive), web.get("/healthz", ready)]
