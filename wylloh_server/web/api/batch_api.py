"""One action on many selected films: what it needs, what it would do, and doing it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiohttp import web

from wylloh_server.domain.errors import InvalidValue, PluginError
from wylloh_server.domain.types import FilmId
from wylloh_server.web.app_keys import SERVICES
from wylloh_server.web.error_responses import BadRequest
from wylloh_server.web.request_json import read_object, text
from wylloh_server.web.session import require_viewer

if TYPE_CHECKING:
    from collections.abc import Awaitable
    from typing import TypeVar

    _Answer = TypeVar("_Answer")

_LONGEST_ID = 64


async def fields(request: web.Request) -> web.Response:
    """→ `{fields: [{name, label, choices}, …]}`: what has to be filled in."""
    viewer = require_viewer(request)
    found = await _told(request.app[SERVICES].batch.offers.fields(*_named(request), viewer))
    listed = [{"name": one.name, "label": one.label, "choices": list(one.choices)} for one in found]
    return web.json_response({"fields": listed})


async def plan(request: web.Request) -> web.Response:
    """`{films: [id, …], values: {…}}` → `{sentence, fix}`; with a `fix` there is nothing to confirm."""
    viewer = require_viewer(request)
    body = await read_object(request)
    films, values = _films(body), _values(body)
    planned = await _told(request.app[SERVICES].batch.plan(viewer, *_named(request), films, values))
    return web.json_response({"sentence": planned.sentence, "fix": planned.fix})


async def run(request: web.Request) -> web.Response:
    """`{films, values, confirmed}` → `{task}`. `confirmed` is the plan's sentence that was agreed to."""
    viewer = require_viewer(request)
    body = await read_object(request)
    films, values, confirmed = _films(body), _values(body), text(body, "confirmed")
    started = request.app[SERVICES].batch.run(viewer, *_named(request), films, values, confirmed=confirmed)
    return web.json_response({"task": await _told(started)})


def _named(request: web.Request) -> tuple[str, str]:
    return request.match_info["plugin"], request.match_info["action"]


def _films(body: dict[str, Any]) -> list[FilmId]:
    films = body.get("films")
    if not isinstance(films, list) or not all(_may_be_id(one) for one in films):
        raise InvalidValue("The field films must be a list of film ids.", fix="Send films as texts.")
    return [FilmId(one) for one in films]


def _may_be_id(one: object) -> bool:
    return isinstance(one, str) and len(one) <= _LONGEST_ID


def _values(body: dict[str, Any]) -> dict[str, str]:
    values = body.get("values", {})
    if not isinstance(values, dict) or not all(isinstance(value, str) for value in values.values()):
        raise InvalidValue("The field values must hold texts by name.", fix="Send values as texts.")
    return values


async def _told(work: Awaitable[_Answer]) -> _Answer:
    """Wait for an answer of a plugin; its failure is told as it is.

    Raises:
        BadRequest: it failed; 502.
    """
    try:
        return await work
    except PluginError as error:
        raise BadRequest(502, str(error), fix=error.fix) from error


_HERE = "/api/batch/{plugin}/{action}"

routes = [
    web.get(f"{_HERE}/fields", fields),
    web.post(f"{_HERE}/plan", plan),
    web.post(f"{_HERE}/run", run),
]
