"""The page of background tasks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wylloh_server.domain.task import TaskState
from wylloh_server.web.app_keys import SERVICES
from wylloh_server.web.session import require_viewer
from wylloh_server.web.template_filters import things
from wylloh_server.web.templating import render

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aiohttp import web

    from wylloh_server.domain.access import Viewer
    from wylloh_server.domain.task import Task

_MARKS = {TaskState.DONE: "✓", TaskState.FAILED: "!", TaskState.CANCELLED: "\N{EN DASH}"}
_WORDS = {TaskState.DONE: "Done", TaskState.FAILED: "Failed", TaskState.CANCELLED: "Cancelled"}
_PERCENT = 100


@dataclass(frozen=True, slots=True)
class TaskRow:
    """One task on the page.

    Attributes:
        who: who started it, when that is not the viewer; empty otherwise.
        share: percent done; None while unknown.
        count: `120 of 300`; empty when the share says it all.
        retry: whether it can be tried again.
    """

    task: Task
    who: str
    share: int | None
    count: str
    mark: str
    word: str
    retry: bool


async def tasks(request: web.Request) -> web.Response:
    """Show what is being done in the background, and what has ended."""
    viewer = require_viewer(request)
    lines = [task_row(task, viewer) for task in await request.app[SERVICES].tasks.all(viewer)]
    # What is at work stands first.
    going = sorted((line for line in lines if line.task.unfinished), key=lambda line: line.task.state)
    return await render(
        request,
        "tasks.html",
        headline=headline(going),
        going=going,
        ended=[line for line in lines if not line.task.unfinished],
    )


def headline(going: Sequence[TaskRow]) -> str:
    """Return one sentence about how many tasks run."""
    at_work = sum(line.task.state is TaskState.RUNNING for line in going)
    waiting = len(going) - at_work
    if not at_work:
        return "Nothing is running." if not waiting else f"{_things(waiting)} waiting to go on."
    return f"{_things(at_work)} running{f', {waiting:,} waiting' if waiting else ''}."


def _things(number: int) -> str:
    return f"{things(number)} {'is' if number == 1 else 'are'}"


def task_row(task: Task, viewer: Viewer) -> TaskRow:
    """Return how a task is doing."""
    share = task.done * _PERCENT // task.total if task.total else None
    return TaskRow(
        task=task,
        who=_who(task, viewer),
        share=share,
        count=_count(task),
        mark=_MARKS.get(task.state, "…"),
        word=_WORDS.get(task.state, ""),
        retry=task.state in {TaskState.FAILED, TaskState.CANCELLED},
    )


def _who(task: Task, viewer: Viewer) -> str:
    return "" if task.wallet == viewer.wallet else (task.wallet or "")


def _count(task: Task) -> str:
    if task.total == _PERCENT or not (task.total or task.done):
        return ""
    return f"{task.done:,} of {task.total:,}" if task.total else f"{task.done:,} so far"
