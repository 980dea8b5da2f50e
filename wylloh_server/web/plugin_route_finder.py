"""Which route of a plugin a request is for. Every decision about a request goes by this one choice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wylloh_server.web.app_keys import PLUGINS

if TYPE_CHECKING:
    from aiohttp import web

    from wylloh_server.plugins.declarations import MountedRoute

_PARTS = 4


def plugin_path(request: web.Request) -> tuple[str, str]:
    """Return the plugin's name and the path below it, as it was sent: an encoded slash separates nothing."""
    parts = request.rel_url.raw_path.split("/", _PARTS - 1)
    return (parts[2], parts[3]) if len(parts) == _PARTS and parts[1] == "plugins" else ("", "")


def routes_on_path(request: web.Request) -> list[tuple[MountedRoute, dict[str, str]]]:
    """Return the plugin's routes that match the path, whatever their method, with the places in it."""
    name, path = plugin_path(request)
    return [
        (mounted, params)
        for mounted in (request.app[PLUGINS].routes() if name else ())
        if mounted.plugin == name and (params := mounted.route.match(path)) is not None
    ]


def first_of_method(
    request: web.Request, found: list[tuple[MountedRoute, dict[str, str]]]
) -> tuple[MountedRoute, dict[str, str]] | None:
    """Return the first of these routes that has the request's method; None if none has."""
    return next((one for one in found if one[0].route.method == request.method), None)
