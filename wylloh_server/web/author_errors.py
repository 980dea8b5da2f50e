"""Errors of plugins and themes where they happened, for the owner of a server that runs with `--dev`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from markupsafe import Markup

from wylloh_server.domain.access import Role
from wylloh_server.domain.error_location import located
from wylloh_server.domain.errors import ThemeError
from wylloh_server.plugins.dispatch import PluginCallFailed
from wylloh_server.web.app_keys import DEVELOPING, PLUGINS
from wylloh_server.web.redaction import logged_error
from wylloh_server.web.session import viewer_of
from wylloh_server.web.theme import THEME

if TYPE_CHECKING:
    from aiohttp import web

_NOTE = Markup('<span class="author-error"><b>{}</b> <code>{}</code></span>')


def latest_failure(request: web.Request, plugin: str) -> str:
    """Return a plugin's latest failure with its traceback; empty for everybody but that owner."""
    found = request.app[PLUGINS].plugin(plugin)
    return f"{found.last_error}\n\n{found.traceback}" if found and _is_for_author(request) else ""


def failure_of_page(request: web.Request, error: Exception) -> str:
    """Return an error of the page itself with its traceback, and with the file and line of the theme."""
    if not _is_for_author(request):
        return ""
    place = error.detail if isinstance(error, ThemeError) else located(error, request.app[THEME].folder)
    return f"{place}\n\n{logged_error(request, error)}"


def error_note(request: web.Request, error: Exception) -> Markup:
    """Return what stands in place of a part of a page that could not be drawn; for others that is nothing."""
    if not _is_for_author(request):
        return Markup("")
    detail = error.detail if isinstance(error, PluginCallFailed | ThemeError) else ""
    return _NOTE.format(str(error), detail)


def _is_for_author(request: web.Request) -> bool:
    viewer = viewer_of(request)
    return request.app.get(DEVELOPING, False) and viewer is not None and viewer.role is Role.OWNER
