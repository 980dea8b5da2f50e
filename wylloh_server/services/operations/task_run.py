"""A background task at work, as its handler sees it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wylloh_server.domain.task import Task

LONGEST_MESSAGE = 2000
_MOST = 2**53 - 1
"""The largest number that a browser counts exactly."""


class TaskRun:
    """A task, its arguments, and how far it is. Progress is stored once a second."""

    def __init__(self, task: Task, arguments: Mapping[str, Any]) -> None:
        self.task = task
        self.over = asyncio.Event()
        self.arguments = arguments

    async def update(self, done: int, total: int, message: str = "") -> None:
        """Show progress. Raises CancelledError in a handler that went on although it was cancelled."""
        if self.over.is_set():
            raise asyncio.CancelledError
        self.note(done, total, message)
        # A handler that awaits nothing else would keep everybody waiting, and could not be cancelled.
        await asyncio.sleep(0)

    def note(self, done: int, total: int, message: str = "", *, title: str = "") -> None:
        """Show progress, and another title if one is given; for callbacks that cannot wait."""
        total = _counted(total)
        done = min(_counted(done), total) if total else _counted(done)
        message = message[:LONGEST_MESSAGE]
        self.task = replace(
            self.task, done=done, total=total, message=message, title=title or self.task.title
        )


def _counted(number: int) -> int:
    return max(0, min(int(number), _MOST))
