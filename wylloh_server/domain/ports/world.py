"""The rest of the world: time, durable work, neighbours on the LAN."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from wylloh_server.domain.types import Timestamp

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

Clock = Callable[[], Timestamp]
"""Gives the present moment."""


class JobState(StrEnum):
    """Where a piece of background work stands."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Job:
    """A piece of durable background work: `kind` names its handler, `key` what it works on."""

    kind: str
    key: str
    state: JobState
    reason: str = ""


JobHandler = Callable[[str], Awaitable[None]]
"""Does a job, given its key. Must be able to begin again where it was after `kill -9`."""


class Jobs(Protocol):
    """Durable background work. At most one job of a kind and key runs at a time."""

    def register(self, kind: str, handler: JobHandler) -> None:
        """Name a handler. Before `running`."""

    def running(self) -> AbstractAsyncContextManager[None]:
        """Go on with what an earlier process left, and take new work until the context ends.

        Work still unfinished then is interrupted, and goes on at the next start.
        """

    async def start(self, kind: str, key: str) -> None:
        """Start a job unless the same one is running. Begins at once."""

    async def cancel(self, kind: str, key: str) -> None:
        """Cancel a job for good."""

    async def all(self) -> tuple[Job, ...]:
        """Give running and recently finished jobs, newest first."""


class Announcer(Protocol):
    """Tells the LAN that this server is here."""

    def announced(
        self, name: str, port: int, properties: Mapping[str, str]
    ) -> AbstractAsyncContextManager[None]:
        """Announce until the context ends, then withdraw. Never fails the server: logs instead."""
