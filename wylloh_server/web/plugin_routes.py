"""Answers the addresses of plugins, below `/plugins/<plugin>/`.

A plugin's handler knows no web framework: it gets a `PluginRequest` and gives a `Reply`. Who may call it, how
long it may take and what happens when it fails is decided outside of it.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from aiohttp import hdrs, web

from wylloh_server.domain.errors import InvalidValue, RetryLater, ThemeError
from wylloh_server.domain.plugin_pages import (
    LOCAL_PATH,
    Download,
    ErrorReply,
    Json,
    Page,
    PluginRequest,
    Redirect,
)
from wylloh_server.domain.types import Seconds
from wylloh_server.web.accept_language import preferred_locale
from wylloh_server.web.app_keys import DISPATCH, PLUGINS
from wylloh_server.web.author_errors import latest_failure
from wylloh_server.web.error_responses import BadRequest, Problem
from wylloh_server.web.form_parser import FORM_KINDS, MULTIPART
from wylloh_server.web.live_cursor import keep_cursor
from wylloh_server.web.middleware import explain
from wylloh_server.web.plugin_route_finder import first_of_method, routes_on_path
from wylloh_server.web.rate_limits import GUEST_PAGE_BUDGET, charge
from wylloh_server.web.request_bodies import ANY_KIND, JSON_KINDS, form_of, read_body
from wylloh_server.web.request_json import read_json
from wylloh_server.web.session import require_role, viewer_of
from wylloh_server.web.static_files import serve_plugin_static
from wylloh_server.web.templating import render_plugin
from wylloh_server.web.tv_routes import refuse_tv
from wylloh_server.web.webhooks import check_token, is_webhook

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wylloh_server.domain.plugin_pages import Reply
    from wylloh_server.plugins.declarations import MountedRoute


_FAILED = 500
PRIVATE_HEADERS = frozenset({"authorization", "cookie"})
"""Headers that no plugin is given."""
_LOOK = "Whoever runs this server finds the reason on the admin page."


def add_plugin_routes(app: web.Application) -> None:
    """Answer every plugin's static files and routes, also of plugins that are loaded later or again."""
    app.router.add_get("/plugins/{plugin}/static/{name:.+}", serve_plugin_static)
    app.router.add_route("*", "/plugins/{plugin}/{path:.*}", _answer)


async def _answer(request: web.Request) -> web.StreamResponse:
    down = await request.app[PLUGINS].is_down(request.match_info["plugin"])
    mounted, params = _find_route(request, down=down)
    if not mounted.route.tv:
        refuse_tv(viewer_of(request))
    if mounted.route.role is not None:
        require_role(request, mounted.route.role)
    if mounted.route.token:
        check_token(request, mounted)
    elif viewer_of(request) is None:
        charge(request, GUEST_PAGE_BUDGET)
    if is_webhook(request) is not bool(mounted.route.token):
        # Loaded again meanwhile: where the request came from was checked for another route.
        raise BadRequest(503, "This plugin has just changed.", fix="Try again.")
    body = await read_body(request, ANY_KIND if mounted.route.token else JSON_KINDS | FORM_KINDS)
    asked = await _plugin_request(request, params, body)
    answering = request.app[PLUGINS].plugin(mounted.plugin)
    reply = await request.app[DISPATCH].answer(mounted, asked)
    try:
        return await _response(request, mounted.plugin, reply)
    except _PageBroken:
        await request.app[PLUGINS].is_down(mounted.plugin)  # waits while it is started again
        again = request.app[PLUGINS].plugin(mounted.plugin) is not answering
        return await _broken(request, mounted.plugin, again=again)


def _find_route(request: web.Request, *, down: bool) -> tuple[MountedRoute, dict[str, str]]:
    """Return the plugin's first route that matches, and the decoded values of the places in its path."""
    found = routes_on_path(request)
    if first := first_of_method(request, found):
        mounted, params = first
        return mounted, {key: unquote(value) for key, value in params.items()}
    if found:
        raise web.HTTPMethodNotAllowed(request.method, {mounted.route.method for mounted, _ in found})
    if down:
        raise BadRequest(503, f"The plugin {request.match_info['plugin']} is not running.", fix=_LOOK)
    raise web.HTTPNotFound


async def _plugin_request(request: web.Request, params: Mapping[str, str], body: bytes) -> PluginRequest:
    is_json, raw, form = request.content_type in JSON_KINDS, is_webhook(request), form_of(request)
    return PluginRequest(
        viewer=None if raw else viewer_of(request),
        params=params,
        query={name: request.query[name] for name in request.query},
        form={name: values[0] if len(values) == 1 else values for name, values in form.fields.items()},
        files=form.files,
        json=await _json_body(request, raw=raw) if is_json and body else None,
        locale=preferred_locale(request.headers.get(hdrs.ACCEPT_LANGUAGE, "")),
        headers={
            name.lower(): text
            for name, text in request.headers.items()
            if name.lower() not in PRIVATE_HEADERS
        },
        body=b"" if request.content_type == MULTIPART and not raw else body,
    )


async def _json_body(request: web.Request, *, raw: bool) -> Any:
    """Return a body as JSON. What a program sends to a route that takes any body may be none."""
    try:
        return await read_json(request)
    except InvalidValue:
        if raw:
            return None
        raise


async def _response(request: web.Request, plugin: str, reply: Reply) -> web.StreamResponse:
    match reply:
        case Page():
            return await _page(request, plugin, reply)
        case Json():
            return _json(request, plugin, reply)
        case Redirect():
            response = web.Response(status=303, headers={"Location": reply.to})
            keep_cursor(request, response)
            return response
        case Download():
            return _download(reply)
        case ErrorReply():
            return await explain(request, _problem(request, plugin, reply))


def _problem(request: web.Request, plugin: str, reply: ErrorReply) -> Problem:
    problem = Problem(reply.status, reply.sentence, reply.fix)
    if reply.status >= _FAILED:
        problem = replace(problem, detail=latest_failure(request, plugin))
    if request.method == hdrs.METH_POST and request.content_type != "application/json":
        problem = replace(problem, back=_form_page(request, plugin))
    return problem


def _form_page(request: web.Request, plugin: str) -> str:
    """Return the path of the page a form was sent from, which is one of this server; or the plugin's page."""
    try:
        parts = urlsplit(request.headers.get(hdrs.REFERER, ""))
    except ValueError:
        return f"/plugins/{plugin}/"
    path = urlunsplit(("", "", parts.path, parts.query, ""))
    here = parts.netloc == request.host and LOCAL_PATH.fullmatch(path)
    return path if here else f"/plugins/{plugin}/"


def _download(reply: Download) -> web.Response:
    name = quote(reply.filename.replace("/", "_"), safe="")
    headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{name}", "Cache-Control": "no-store"}
    return web.Response(body=reply.body, headers=headers | {"Content-Type": reply.content_type})


def _json(request: web.Request, plugin: str, reply: Json) -> web.Response:
    try:
        body = json.dumps(reply.value)
    except (TypeError, ValueError, RecursionError) as error:
        request.app[DISPATCH].report(plugin, "an answer that is no JSON", error)
        error_body = {"error": "A plugin answered with something invalid.", "fix": _LOOK}
        body, reply = json.dumps(error_body), Json(None, 500)
    return web.json_response(text=body, status=reply.status, headers={"Cache-Control": "no-store"})


async def _broken(request: web.Request, plugin: str, *, again: bool) -> web.Response:
    """Explain that a page cannot be drawn: its plugin is broken, or was started `again` meanwhile."""
    if again:
        raise RetryLater("This plugin has just been started again.", fix="Try again.", retry_after=Seconds(1))
    detail = latest_failure(request, plugin)
    problem = Problem(_FAILED, "This page of a plugin is broken.", _LOOK, detail=detail)
    return await explain(request, problem)


class _PageBroken(Exception):
    """A plugin's page cannot be drawn."""


async def _page(request: web.Request, plugin: str, page: Page) -> web.Response:
    try:
        return await render_plugin(request, plugin, page)
    except ThemeError:
        raise
    except Exception:  # noqa: BLE001 - a plugin's template may raise anything; that has been counted
        raise _PageBroken from None
