"""The state of one plugin: its status, its limits, its failures and what runs of it."""

from __future__ import annotations

import logging
import traceback
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from wylloh_server.domain.error_location import located
from wylloh_server.domain.errors import ChainError, ContentError, PluginError, StorageError
from wylloh_server.domain.plugin_log import PluginLog
from wylloh_server.domain.plugin_record import PluginIsolation, PluginRecord, PluginStatus
from wylloh_server.plugins.guarded_call import CallTimeout, PluginBusy
from wylloh_server.plugins.loading import Declared

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Coroutine, Mapping
    from concurrent.futures import Future
    from types import ModuleType

    from wylloh_server.domain.failure_counter import FailureCounter
    from wylloh_server.domain.plugin_settings import SettingValue
    from wylloh_server.plugins.context import PluginContext
    from wylloh_server.plugins.event_emitter import EventEmitter, EventQueue
    from wylloh_server.plugins.guarded_call import PluginThread
    from wylloh_server.plugins.hook import Hook
    from wylloh_server.plugins.isolation.plugin_process import PluginProcess
    from wylloh_server.plugins.isolation.remote_plugin import RemotePlugin
    from wylloh_server.plugins.lifecycle import Lifespan
    from wylloh_server.plugins.loading import Candidate
    from wylloh_server.plugins.loop_proxy import LoopProxy

_Answer = TypeVar("_Answer")

_NOT_COUNTED = (ChainError, ContentError, StorageError, CallTimeout, PluginBusy)
"""Failures of something the plugin depends on, and those that are counted already."""


_ITS_PROCESS = "its process"


class PlaceClosed(PluginError):
    """What was called is closed because it failed too often; nothing of the plugin was called."""

    def __init__(self, where: str) -> None:
        super().__init__(f"{where} is closed, because it failed again and again")


@dataclass(slots=True)
class Plugin:
    """A plugin of the registry. Everything but `candidate` changes while the server runs.

    Attributes:
        ends: counts how often its process ended.
        traceback: of the latest failure, for who develops the plugin.
        given: its settings as they were written; `settings` are checked.
        loading: done when it has been loaded.
        remote: what loads and calls it in a process of its own; None if it runs in the server.
        thread: where its code runs: a thread, or that process.
        stop_on_start: why to stop the plugin as soon as it has started; empty if there is no reason.
        votes: whether it implements `access_vote`, as far as known of a plugin that failed to load.
        on_stop: start to release what the plugin holds.
        on_hang: start to do that, and to start the plugin again.
        stopping: the task that does either.
    """

    candidate: Candidate
    failures: FailureCounter
    ends: FailureCounter
    version: str = ""
    given: Mapping[str, object] = field(default_factory=dict)
    loading: Future[None] | None = None
    code: ModuleType | None = None
    sdk: str = ""
    status: PluginStatus = PluginStatus.LOADING
    reason: str = ""
    stop_on_start: str = ""
    errors: int = 0
    last_error: str = ""
    not_taken: str = ""
    traceback: str = ""
    declared: Declared = field(default_factory=Declared)
    hooks: dict[str, Hook] = field(default_factory=dict)
    votes: bool = False
    settings: Mapping[str, SettingValue] = field(default_factory=dict)
    context: PluginContext | None = None
    remote: RemotePlugin | None = None
    thread: PluginThread | PluginProcess | None = None
    proxy: LoopProxy | None = None
    emitter: EventEmitter | None = None
    queue: EventQueue | None = None
    lifespan: Lifespan | None = None
    on_stop: Callable[[], None] | None = None
    on_hang: Callable[[], None] | None = None
    stopping: asyncio.Task[None] | None = None

    @property
    def name(self) -> str:
        """The plugin's name."""
        return self.candidate.name

    @property
    def log(self) -> PluginLog:
        """The plugin's logger."""
        return PluginLog(logging.getLogger(f"wylloh.plugins.{self.name}"))

    def fail(self, reason: str, error: BaseException | None = None) -> None:
        """Mark the plugin as failed."""
        if error is not None:
            self.traceback = "".join(traceback.format_exception(error))
        self.status, self.reason = PluginStatus.FAILED, reason
        self.log.error("plugin does not run", reason=reason, exc_info=error)

    def record_failure(self, where: str, error: BaseException) -> None:
        """Count a failure. After too many of them, what failed is closed; the rest of the plugin goes on."""
        self.errors += 1
        self.last_error = f"{where}: {located(error, self.candidate.folder)}"
        self.traceback = "".join(traceback.format_exception(error))
        self.log.error("plugin failed", where=where, exc_info=error)
        if not isinstance(error, _NOT_COUNTED):
            self.failures.add(where)

    def check_open(self, where: str) -> None:
        """Raise PlaceClosed if a place failed too often."""
        if self.failures.is_closed(where):
            raise PlaceClosed(where)

    def stop(self, reason: str) -> None:
        """Stop a running plugin at once; what it holds is released afterwards.

        A plugin that is still starting is stopped when it has started.
        """
        if self.status is not PluginStatus.RUNNING:
            self.stop_on_start = reason
            return
        self.status, self.reason = PluginStatus.STOPPED, reason
        self.log.error("plugin was stopped", reason=reason)
        if self.on_stop is not None:
            self.on_stop()

    def hang(self, where: str, place: str) -> None:
        """Close what hangs, and start the plugin again in another thread: everything else of it goes on.

        It is stopped if what hangs is a task that it started itself, which it would do again.
        """
        what = f"{where or 'a task of its own'}{place}"
        reason = f"It hangs: {what} took too long and did not end when it was cancelled."
        if not where or self.status is not PluginStatus.RUNNING or self.on_hang is None:
            self.stop(reason)
            return
        self.errors += 1
        self.last_error = f"{reason} That is closed for a while, and the plugin was started again."
        self.failures.close(where)
        self.status, self.reason = PluginStatus.STOPPED, reason
        self.log.error("plugin hangs and is started again", reason=reason)
        self.on_hang()

    def restart_after_end(self, how: str) -> None:
        """Start the plugin again, whose process has ended; stop it if that has happened again and again."""
        self.ends.add(_ITS_PROCESS)
        reason = f"It ended: {how}."
        if self.status is not PluginStatus.RUNNING or self.on_hang is None:
            return  # it is starting, which fails by itself, or is being stopped
        self.errors += 1
        if self.ends.is_closed(_ITS_PROCESS):
            self.last_error = reason
            self.stop(f"It ended again and again; the last time {how}.")
            return
        self.last_error = f"{reason} The plugin was started again."
        self.status, self.reason = PluginStatus.STOPPED, reason
        self.log.error("plugin ended and is started again", reason=reason)
        self.on_hang()

    async def call(
        self, where: str, work: Coroutine[Any, Any, _Answer], seconds: float | None, grace: float = 0
    ) -> _Answer:
        """Run a coroutine in the plugin's thread, or one that asks its process. See `PluginThread.call`.

        Raises:
            PluginError: the plugin does not run.
        """
        if self.thread is None:
            work.close()
            raise PluginError(f"The plugin {self.name} is not running.")
        return await self.thread.call(where, work, seconds, grace)

    def close(self) -> None:
        """End a process that was started for the plugin and is not needed."""
        if self.remote is not None:
            self.remote.close()

    def record(self) -> PluginRecord:
        """Return a snapshot for the admin page."""
        return PluginRecord(
            name=self.name,
            version=self.version,
            status=self.status,
            reason=self.reason,
            module=self.candidate.module,
            errors=self.errors,
            last_error=self.last_error,
            closed=self.failures.closed(),
            lost=dict(self.queue.lost) if self.queue else {},
            votes=self.votes,
            sdk=self.sdk,
            not_taken=self.not_taken,
            isolation=PluginIsolation.THREAD if self.remote is None else PluginIsolation.PROCESS,
        )
