"""Background tasks: list, cancel, retry, clear."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from wylloh_server.domain.task import TaskId
from wylloh_server.web.app_keys import SERVICES
from wylloh_server.web.session import require_viewer

if TYPE_CHECKING:
    from wylloh_server.domain.task import Task

_TOLD = ("id", "title", "state", "done", "total", "link", "started", "finished")


async def tasks(request: web.Request) -> web.Response:
    """→ `{tasks: [{id, title, state, done, total, sentence, link, started, finished}, …]}`, newest first."""
    viewer = require_viewer(request)
    found = await request.app[SERVICES].tasks.all(viewer)
    return web.json_response({"tasks": [_told(task) for task in found]})


async def cancel(request: web.Request) -> web.Response:
    """→ `{}`: cancel a task for good. One that has ended stays as it is."""
    await request.app[SERVICES].tasks.cancel(require_viewer(request), _task(request))
    return web.json_response({})


async def retry(request: web.Request) -> web.Response:
    """→ `{}`: try a task again that failed, was cancelled, or waits to be tried again; 400 for any other."""
    await request.app[SERVICES].tasks.retry(require_viewer(request), _task(request))
    return web.json_response({})


async def clear(request: web.Request) -> web.Response:
    """→ `{}`: forget what has ended."""
    await request.app[SERVICES].tasks.clear(require_viewer(request))
    return web.json_response({})


def _task(request: web.Request) -> TaskId:
    return TaskId(request.match_info["task"])


def _told(task: Task) -> dict[str, object]:
    told = {name: getattr(task, name) for name in _TOLD}
    return told | {"sentence": task.message}


routes = [
    web.get("/api/tasks", tasks),
    web.post("/api/tasks/clear", clear),
    web.post("/api/tasks/{task}/cancel", cancel),
    web.post("/api/tasks/{task}/again", retry),
]
