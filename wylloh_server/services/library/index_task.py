"""The durable task that looks into the films which nobody has played yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wylloh_server.domain.task import TaskSubject

if TYPE_CHECKING:
    from wylloh_server.services.library.film_contents import MediaIndexes
    from wylloh_server.services.operations.task_service import TaskService

INDEX = "index"
"""The kind of task."""


async def start_indexing(indexes: MediaIndexes, tasks: TaskService) -> None:
    """Start the task, unless it goes on already or every film was looked into."""
    if await indexes.pending():
        await tasks.start(INDEX, "Look into films", {}, subject=TaskSubject("films", INDEX))
