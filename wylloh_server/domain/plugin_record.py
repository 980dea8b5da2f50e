"""How a plugin is: its status, and a snapshot for the admin page."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class PluginStatus(StrEnum):
    """The status of a plugin."""

    LOADING = "loading"
    """It is being imported."""
    LOADED = "loaded"
    """Imported and declared, not started yet, or stopped with the server."""
    RUNNING = "running"
    FAILED = "failed"
    """It could not be loaded or started."""
    STOPPED = "stopped"
    """It ran and was stopped because it flooded the server, or a task of its own hung."""
    DISABLED = "disabled"


class PluginIsolation(StrEnum):
    """Where a plugin's code runs."""

    THREAD = "thread"
    """In a thread of the server's process: it can end that."""
    PROCESS = "process"
    """In a process of its own, without the server's keys and files."""


@dataclass(frozen=True, slots=True)
class PluginRecord:
    """A snapshot of a plugin for the admin page.

    Attributes:
        reason: why it is not running; empty while it is.
        module: the Python module or entry point, or the path where it was found.
        errors: failures since the server started, in hooks, routes and templates.
        last_error: the latest failure on one line; empty if there was none.
        closed: hooks, routes, templates and tasks that failed too often and are not called for a while.
        lost: number of events it did not hear, by reason.
        votes: whether it has a say in who may watch.
        sdk: the SDK version it was written for; empty if it does not fit.
        not_taken: why its changed code did not take the place of what runs; empty if it did, or is unchanged.
    """

    name: str
    version: str
    status: PluginStatus
    reason: str
    module: str
    errors: int = 0
    last_error: str = ""
    closed: tuple[str, ...] = ()
    lost: Mapping[str, int] = field(default_factory=dict)
    votes: bool = False
    sdk: str = ""
    not_taken: str = ""
    isolation: PluginIsolation = PluginIsolation.THREAD

    def troubles(self) -> list[str]:
        """Return a sentence about each thing that went wrong since the plugin started."""
        said = [self.not_taken] if self.not_taken else []
        if self.errors:
            said.append(f"Errors so far: {self.errors}. The last one: {self.last_error}")
        if self.closed:
            said.append(f"Not called for a while, after failing again and again: {', '.join(self.closed)}.")
        return said + [f"Events it did not hear, because {why}: {count}." for why, count in self.lost.items()]
