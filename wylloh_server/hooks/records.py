"""How a plugin is doing: what the admin page shows, and what stands behind it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeVar

from wylloh_server.domain.errors import PluginError
from wylloh_server.hooks._declared import Declared
from wylloh_server.hooks._log import StdlibLog

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Coroutine, Mapping
    from types import ModuleType

    from pluggy import HookImpl

    from wylloh_server.hooks._bridge import Bridge
    from wylloh_server.hooks._conduct import Conduct
    from wylloh_server.hooks._lifespan import Lifespan
    from wylloh_server.hooks._outbox import Outbox
    from wylloh_server.hooks._queue import EventQueue
    from wylloh_server.hooks._thread import PluginThread
    from wylloh_server.hooks.context import PluginContext
    from wylloh_server.hooks.declarations import SettingValue
    from wylloh_server.hooks.discovery import Candidate

_Answer = TypeVar("_Answer")


class PluginStatus(StrEnum):
    """Where a plugin stands."""

    LOADED = "loaded"
    """Imported and declared, not started yet (or stopped again)."""
    RUNNING = "running"
    FAILED = "failed"
    """It could not be loaded or started."""
    STOPPED = "stopped"
    """It ran and was stopped because it misbehaved."""
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
    """A plugin inside the registry. Everything but the first four changes while the server runs.

    Attributes:
        doomed: why it is to be stopped as soon as it has started; "" if nothing was wrong so far.
        votes: whether it has a say in who may watch, as far as that can be known of one that failed to load.
        on_halt: puts away what runs of it.
        ending: the task that does so.
    """

    name: str
    version: str
    module: str
    candidate: Candidate
    code: ModuleType | None = None
    sdk: str = ""
    status: PluginStatus = PluginStatus.LOADED
    reason: str = ""
    doomed: str = ""
    errors: int = 0
    last_error: str = ""
    declared: Declared = field(default_factory=Declared)
    hooks: dict[str, HookImpl] = field(default_factory=dict)
    votes: bool = False
    settings: Mapping[str, SettingValue] = field(default_factory=dict)
    context: PluginContext | None = None
    thread: PluginThread | None = None
    bridge: Bridge | None = None
    outbox: Outbox | None = None
    queue: EventQueue | None = None
    lifespan: Lifespan | None = None
    lifespan_begun: bool = False
    conduct: Conduct | None = None
    on_halt: Callable[[], None] | None = None
    ending: asyncio.Task[None] | None = None

    @property
    def log(self) -> StdlibLog:
        """The plugin's logger."""
        return StdlibLog(self.name)

    def fail(self, reason: str, error: BaseException | None = None) -> None:
        """Note that the plugin does not run, and why."""
        self.status, self.reason = PluginStatus.FAILED, reason
        self.log.error("plugin does not run", reason=reason, exc_info=error)

    def blame(self, where: str, error: BaseException) -> None:
        """Count one failure. A plugin that has failed too often of late is stopped."""
        self.errors += 1
        self.last_error = f"{where}: {type(error).__name__}: {error}"
        self.log.error("plugin failed", where=where, exc_info=error)
        if self.conduct is not None and self.conduct.failed(error):
            self.halt(f"It failed again and again. The last time: {self.last_error}.")

    def halt(self, reason: str) -> None:
        """Stop a running plugin at once; what it was doing is put away afterwards.

        One that is still starting is stopped when it has started.
        """
        if self.status is not PluginStatus.RUNNING:
            self.doomed = reason
            return
        self.status, self.reason = PluginStatus.STOPPED, reason
        self.log.error("plugin was stopped", reason=reason)
        if self.on_halt is not None:
            self.on_halt()

    async def ask(self, where: str, work: Coroutine[Any, Any, _Answer], seconds: float) -> _Answer:
        """Have some work of the plugin's done in its thread, within so many seconds.

        Args:
            where: names it, should it hang.
            work: a coroutine that has not begun.
            seconds: how long somebody waits for it.

        Raises:
            TimeoutError: it took longer, or the plugin is still busy with something else.
            PluginError: the plugin does not run, or tried to end the server.
            Exception: whatever the plugin raised.
        """
        return await self._at_work(work).answered(where, work, seconds)

    async def finish(self, where: str, work: Coroutine[Any, Any, _Answer], grace: float) -> _Answer:
        """Have some work of the plugin's done in its thread, however long it takes.

        Whoever is cancelled while waiting cancels the work too; it then has `grace` seconds to end.

        Raises:
            PluginError: the plugin does not run, or tried to end the server.
            Exception: whatever the plugin raised.
        """
        return await self._at_work(work).completed(where, work, grace)

    def _at_work(self, work: Coroutine[Any, Any, Any]) -> PluginThread:
        if self.thread is None:
            work.close()
            raise PluginError(f"The plugin {self.name} is not running.")
        return self.thread

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
