"""Making room on the disk: what was prepared of a film, and this server's copy of it."""

from __future__ import annotations

from aiohttp import web

from wylloh_server.domain.access import Role
from wylloh_server.domain.byte_size import format_byte_size
from wylloh_server.domain.topics import LIBRARY, film_topic
from wylloh_server.domain.types import FilmId
from wylloh_server.web.app_keys import LIVE, SERVICES
from wylloh_server.web.session import require_role, require_signature


async def remove_prepared(request: web.Request) -> web.Response:
    """→ `{freed: "4.4 GB"}`: delete what was prepared of a film for players. For admins."""
    require_role(request, Role.ADMIN)
    freed = await request.app[SERVICES].film_storage.remove_prepared(_film(request))
    return _answer(request, freed)


async def remove_package(request: web.Request) -> web.Response:
    """→ `{freed: "4.4 GB"}`: delete the copy of a film. Only the owner may, with a fresh signature."""
    await require_signature(request, Role.OWNER)
    freed = await request.app[SERVICES].film_storage.remove_package(_film(request))
    return _answer(request, freed)


async def fetch_again(request: web.Request) -> web.Response:
    """→ `{}`: allow a film to be fetched again. For admins."""
    require_role(request, Role.ADMIN)
    await request.app[SERVICES].film_storage.fetch_again(_film(request))
    request.app[LIVE].changed(LIBRARY, film_topic(_film(request)))
    return web.json_response({})


def _film(request: web.Request) -> FilmId:
    return FilmId(request.match_info["film"])


def _answer(request: web.Request, freed: int) -> web.Response:
    request.app[LIVE].changed(LIBRARY, film_topic(_film(request)))
    return web.json_response({"freed": format_byte_size(freed)})


routes = [
    web.post("/api/films/{film}/prepared/remove", remove_prepared),
    web.post("/api/films/{film}/package/remove", remove_package),
    web.post("/api/films/{film}/package/fetch", fetch_again),
]
