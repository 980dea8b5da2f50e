"""Every address of the server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from wylloh_server.web import api, block_gateway, media_routes, pages
from wylloh_server.web.plugin_routes import add_plugin_routes
from wylloh_server.web.static_files import serve_static

if TYPE_CHECKING:
    from aiohttp.web import Application


def add_routes(app: Application) -> None:
    """Register pages, the JSON interface, media, the gateway, static files, and plugins' routes."""
    app.router.add_routes([*api.routes, *pages.routes, *media_routes.routes, *block_gateway.routes])
    app.router.add_routes([web.get("/static/{name:.+}", serve_static)])
    add_plugin_routes(app)
