"""All background work in one list: what people started, and for who looks after the server its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wylloh_server.domain.access import Role

if TYPE_CHECKING:
    from wylloh_server.domain.access import Viewer
    from wylloh_server.domain.task import Task, TaskId
    from wylloh_server.services.housework import Housework
    from wylloh_server.services.tasks import TaskDesk


class TaskBoard:
    """What the page of background tasks shows and does."""

    def __init__(self, desk: TaskDesk, housework: Housework) -> None:
        self._desk = desk
        self._housework = housework

    async def all(self, viewer: Viewer) -> tuple[Task, ...]:
        """Give the viewer's tasks, newest first; to owner and admins everybody's and the server's own."""
        own = await self._housework.all() if _looks_after(viewer) else ()
        every = (*await self._desk.all(viewer), *own)
        return tuple(sorted(every, key=lambda task: (task.started, task.id), reverse=True))

    def busy(self, viewer: Viewer) -> int:
        """Count the viewer's tasks that go on; answers at once, for it is asked on every page."""
        return self._desk.busy(viewer) + (self._housework.busy if _looks_after(viewer) else 0)

    async def cancel(self, viewer: Viewer, task: TaskId) -> None:
        """Cancel a task for good.

        Raises:
            NotFound: there is none, or it is somebody else's.
        """
        if _looks_after(viewer) and self._housework.knows(task):
            await self._housework.cancel(task)
        else:
            await self._desk.cancel(viewer, task)

    async def again(self, viewer: Viewer, task: TaskId) -> None:
        """Begin a cancelled fetch of a film anew.

        Raises:
            NotFound: there is none, or the viewer does not look after the server.
        """
        if _looks_after(viewer) and self._housework.knows(task):
            await self._housework.again(task)
        else:
            await self._desk.get(viewer, task)

    async def clear(self, viewer: Viewer) -> None:
        """Forget the viewer's tasks that have ended."""
        if _looks_after(viewer):
            self._housework.clear()
        await self._desk.clear(viewer)


def _looks_after(viewer: Viewer) -> bool:
    return viewer.role.includes(Role.ADMIN)
