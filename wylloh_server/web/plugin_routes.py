"""Answers the addresses of plugins, below `/plugins/<plugin>/`.

A plugin's handler knows no web framework: it gets a `PluginRequest` and gives a `Reply`. Who may call it, how
long it may take and what happens when it fails is decided outside of it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from aiohttp import web

from wylloh_server.hooks import Dispatch, Download, Json, Page, PluginRequest, Redirect, Refusal, UploadedFile
from wylloh_server.web.bodies import json_of
from wylloh_server.web.keys import PLUGINS
from wylloh_server.web.middleware import explain
from wylloh_server.web.problems import Problem
from wylloh_server.web.session import require_role, viewer_of
from wylloh_server.web.static_files import serve_plugin_static
from wylloh_server.web.templating import render_plugin

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aiohttp.typedefs import Handler

    from wylloh_server.hooks import MountedRoute, Reply


_LOOK = "Whoever runs this server finds the reason on the admin page."


def add_plugin_routes(app: web.Application) -> None:
    """Mount every plugin's routes and its static files."""
    app.router.add_get("/plugins/{plugin}/static/{name:.+}", serve_plugin_static)
    for mounted in app[PLUGINS].routes():
        app.router.add_route(mounted.route.method, mounted.url, _handler(mounted))


def _handler(mounted: MountedRoute) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        if mounted.route.role is not None:
            require_role(request, mounted.route.role)
        reply = await Dispatch(request.app[PLUGINS]).answer(mounted, await _plugin_request(request))
        return await _response(request, mounted.plugin, reply)

    return handle


async def _plugin_request(request: web.Request) -> PluginRequest:
    is_json = request.content_type == "application/json"
    return PluginRequest(
        viewer=viewer_of(request),
        params=dict(request.match_info),
        query={name: request.query[name] for name in request.query},
        form={} if is_json else await _form(request),
        files={} if is_json else await _files(request),
        json=await json_of(request) if is_json and request.body_exists else None,
    )


async def _form(request: web.Request) -> Mapping[str, str | Sequence[str]]:
    posted: Any = await request.post()
    return {
        name: values[0] if len(values) == 1 else values
        for name in posted
        if (values := [one for one in posted.getall(name) if isinstance(one, str)])
    }


async def _files(request: web.Request) -> Mapping[str, UploadedFile]:
    posted = await request.post()  # aiohttp keeps what it read for `_form`; the body's size is limited there
    return {
        name: UploadedFile(value.filename, value.file.read())
        for name, value in posted.items()
        if isinstance(value, web.FileField)
    }


async def _response(request: web.Request, plugin: str, reply: Reply) -> web.StreamResponse:
    match reply:
        case Page():
            return await _page(request, plugin, reply)
        case Json():
            return _json(request, plugin, reply)
        case Redirect():
            return web.Response(status=303, headers={"Location": reply.to})
        case Download():
            return _download(reply)
        case Refusal():
            return await explain(request, Problem(reply.status, reply.sentence, reply.fix))


def _download(reply: Download) -> web.Response:
    name = quote(reply.filename.replace("/", "_"), safe="")
    headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{name}", "Cache-Control": "no-store"}
    return web.Response(body=reply.body, headers=headers | {"Content-Type": reply.content_type})


def _json(request: web.Request, plugin: str, reply: Json) -> web.Response:
    try:
        body = json.dumps(reply.value)
    except (TypeError, ValueError, RecursionError) as error:
        Dispatch(request.app[PLUGINS]).report(plugin, "an answer that is no JSON", error)
        body, reply = json.dumps({"error": "A plugin answered with nonsense.", "fix": _LOOK}), Json(None, 500)
    return web.json_response(text=body, status=reply.status, headers={"Cache-Control": "no-store"})


async def _page(request: web.Request, plugin: str, page: Page) -> web.Response:
    try:
        return await render_plugin(request, plugin, page)
    except Exception:  # noqa: BLE001 - a plugin's template may raise anything; that has been counted
        problem = Problem(500, "This page of a plugin is broken.", _LOOK)
        return await explain(request, problem)
