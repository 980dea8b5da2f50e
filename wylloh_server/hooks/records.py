"""How a plugin is doing: what the admin page shows, and what stands behind it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from wylloh_server.hooks._declared import Declared
from wylloh_server.hooks._log import StdlibLog

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import ModuleType

    from pluggy import HookImpl

    from wylloh_server.hooks._lifespan import Lifespan
    from wylloh_server.hooks._queue import EventQueue
    from wylloh_server.hooks.context import PluginContext
    from wylloh_server.hooks.declarations import SettingValue


class PluginStatus(StrEnum):
    """Where a plugin stands."""

    LOADED = "loaded"
    """Imported and declared, not started yet (or stopped again)."""
    RUNNING = "running"
    FAILED = "failed"
    DISABLED = "disabled"


@dataclass(frozen=True, slots=True)
class PluginRecord:
    """What is known of one plugin at this moment.

    Attributes:
        reason: why it is not running; empty while it is.
        module: the Python module it is, or where it was looked for.
        errors: failures since the server started, in hooks, routes and templates.
        last_error: the newest failure in one line, empty if there was none.
        dropped: events it did not hear because its queue was full.
        sdk: the SDK version it names; empty until it was found to fit.
    """

    name: str
    version: str
    status: PluginStatus
    reason: str
    module: str
    errors: int = 0
    last_error: str = ""
    dropped: int = 0
    sdk: str = ""


@dataclass(slots=True)
class Plugin:
    """A plugin inside the registry. Everything but the first three changes while the server runs."""

    name: str
    version: str
    module: str
    code: ModuleType | None = None
    sdk: str = ""
    status: PluginStatus = PluginStatus.LOADED
    reason: str = ""
    errors: int = 0
    last_error: str = ""
    declared: Declared = field(default_factory=Declared)
    hooks: dict[str, HookImpl] = field(default_factory=dict)
    settings: Mapping[str, SettingValue] = field(default_factory=dict)
    context: PluginContext | None = None
    queue: EventQueue | None = None
    lifespan: Lifespan | None = None

    @property
    def log(self) -> StdlibLog:
        """The plugin's logger."""
        return StdlibLog(self.name)

    def fail(self, reason: str, error: BaseException | None = None) -> None:
        """Note that the plugin does not run, and why."""
        self.status, self.reason = PluginStatus.FAILED, reason
        self.log.error("plugin does not run", reason=reason, exc_info=error)

    def blame(self, where: str, error: BaseException) -> None:
        """Count one failure of a plugin that goes on running."""
        self.errors += 1
        self.last_error = f"{where}: {type(error).__name__}: {error}"
        self.log.error("plugin failed", where=where, exc_info=error)

    def record(self) -> PluginRecord:
        """Give what the admin page shows."""
        return PluginRecord(
            name=self.name,
            version=self.version,
            status=self.status,
            reason=self.reason,
            module=self.module,
            errors=self.errors,
            last_error=self.last_error,
            dropped=self.queue.dropped if self.queue else 0,
            sdk=self.sdk,
        )
