"""Background tasks: what goes on, cancelling, beginning again, clearing away."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from wylloh_server.domain.task import TaskId
from wylloh_server.web.keys import TASKS
from wylloh_server.web.session import require_viewer

if TYPE_CHECKING:
    from wylloh_server.domain.task import Task


async def tasks(request: web.Request) -> web.Response:
    """→ `{tasks: [{id, title, state, done, total, says, link, started, finished}, …]}`, newest first."""
    viewer = require_viewer(request)
    found = await request.app[TASKS].all(viewer)
    return web.json_response({"tasks": [_told(task) for task in found]})


async def cancel(request: web.Request) -> web.Response:
    """→ `{}`: cancel a task for good. One that has ended stays as it is."""
    await request.app[TASKS].cancel(require_viewer(request), _task(request))
    return web.json_response({})


async def again(request: web.Request) -> web.Response:
    """→ `{}`: begin a fetch that was cancelled anew."""
    await request.app[TASKS].again(require_viewer(request), _task(request))
    return web.json_response({})


async def clear(request: web.Request) -> web.Response:
    """→ `{}`: forget what has ended."""
    await request.app[TASKS].clear(require_viewer(request))
    return web.json_response({})


def _task(request: web.Request) -> TaskId:
    return TaskId(request.match_info["task"])


def _told(task: Task) -> dict[str, object]:
    return {
        "id": task.id,
        "title": task.title,
        "state": task.state,
        "done": task.done,
        "total": task.total,
        "says": task.says,
        "link": task.link,
        "started": task.started,
        "finished": task.finished,
    }


routes = [
    web.get("/api/tasks", tasks),
    web.post("/api/tasks/clear", clear),
    web.post("/api/tasks/{task}/cancel", cancel),
    web.post("/api/tasks/{task}/again", again),
]
