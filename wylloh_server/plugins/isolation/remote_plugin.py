"""A plugin with a process of its own, from the server's side: what it declares, its hooks as calls to it."""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from wylloh_server.domain.errors import PluginError
from wylloh_server.plugins.declarations import BackgroundTask, BatchAction, Command, PluginRoute
from wylloh_server.plugins.hook import Hook
from wylloh_server.plugins.isolation.channel import LENGTH, MOST_BYTES
from wylloh_server.plugins.isolation.remote_errors import ProcessEnded, rebuild_error, shortened
from wylloh_server.plugins.isolation.wire import event_class, from_json
from wylloh_server.plugins.loading import Declared, check_declared

if TYPE_CHECKING:
    import socket
    from collections.abc import AsyncIterator, Callable, Mapping
    from pathlib import Path

    from wylloh_server.domain.events import Event
    from wylloh_server.plugins.isolation.plugin_process import PluginProcess, Spawn, SpawnedProcess
    from wylloh_server.plugins.loading import Candidate


@dataclass(frozen=True, slots=True)
class LoadedRemotely:
    """What a plugin's process says of the plugin once it has imported it."""

    version: str
    sdk: str
    hooks: dict[str, Hook]
    declared: Declared


class RemotePlugin:
    """A plugin whose code is imported and runs in a process of its own.

    Args:
        candidate: the plugin.
        spawn: starts a process that imports it; blocks while it does.
        seconds: deadline for the import and its declarations.

    Attributes:
        process: the process while the plugin runs.
    """

    def __init__(self, candidate: Candidate, spawn: Spawn, seconds: float) -> None:
        self.process: PluginProcess | None = None
        self._candidate = candidate
        self._spawn = spawn
        self._seconds = seconds
        self._waiting: SpawnedProcess | None = None

    def load(self) -> LoadedRemotely:
        """Have a process import the plugin, and return what it declares. The process then waits to be taken.

        Raises:
            PluginError: it breaks a rule, or its process ended.
            TimeoutError: it took too long.
            RemoteError: the error that the plugin raised.
        """
        spawned = self._spawn(self._candidate)
        try:
            said = self._first_words(spawned)
            loaded = self._checked(said)
        except BaseException:
            spawned.kill()
            raise
        self._waiting = spawned
        return loaded

    async def take(self) -> SpawnedProcess:
        """Return the process that waits, or one that has imported the plugin again. Raise as `load` does."""
        if self._waiting is None:
            await asyncio.to_thread(self.load)
        taken, self._waiting = self._waiting, None
        assert taken is not None  # noqa: S101 - for the type checker: `load` has raised otherwise
        return taken

    def close(self) -> None:
        """End a process that waits and was not taken."""
        if self._waiting is not None:
            self._waiting.kill()
            self._waiting = None

    async def ask(self, method: str, *arguments: object) -> Any:
        """Have the plugin's process do something. Raise as `PluginProcess.ask`."""
        if self.process is None:
            raise ProcessEnded("is not running any more")
        return await self.process.ask(method, *arguments)

    def reload_templates(self) -> None:
        """Have the process read the plugin's templates again."""
        if self.process is not None:
            self.process.say("reload_templates")

    def _first_words(self, spawned: SpawnedProcess) -> dict[str, Any]:
        try:
            said = from_json(_receive(spawned.line, time.monotonic() + self._seconds))
        except TimeoutError:
            raise TimeoutError(f"took longer than {self._seconds:g} s") from None
        except (EOFError, ConnectionError):
            with contextlib.suppress(Exception):
                spawned.process.wait(1)
            code = spawned.process.poll()
            raise PluginError(f"Its process ended with exit code {code} while it was imported.") from None
        if not isinstance(said, dict):
            raise PluginError("Its process says nothing about it.")
        if "error" in said:
            raise rebuild_error(said["error"])
        return said

    def _checked(self, said: Mapping[str, Any]) -> LoadedRemotely:
        """Return what the process said, as far as it keeps the rules that the server's own code checks."""
        declared = Declared(
            settings=tuple(said["settings"]),
            event_types=tuple(self._event_type(*one) for one in said["event_types"]),
            routes=tuple(self._route(**one) for one in said["routes"]),
            template_dirs=self._own_folders(said["template_dirs"]),
            static_dirs=self._own_folders(said["static_dirs"]),
            background_tasks=tuple(self._task(**one) for one in said["background_tasks"]),
            batch_actions=tuple(self._batch_action(**one) for one in said["batch_actions"]),
            cli_commands=tuple(self._command(**one) for one in said["cli_commands"]),
        )
        check_declared(declared)
        hooks = {name: self._hook(name, **rest) for name, rest in said["hooks"].items()}
        return LoadedRemotely(shortened(said["version"]), shortened(said["sdk"]), hooks, declared)

    def _event_type(self, module: str, name: str, doc: str, fields: Any) -> type[Event]:
        package = self._candidate.package
        if module.partition(".")[0] != package.partition(".")[0]:
            raise PluginError(
                f"Its event type {module}.{name} is not part of it.", fix="Declare it in the package."
            )
        return event_class(module, name, doc, fields)

    def _own_folders(self, folders: list[Path]) -> tuple[Path, ...]:
        """Return folders of the plugin's own code: it may not have the server hand out other files."""
        home = self._candidate.folder
        for folder in folders:
            if home is None or not folder.resolve().is_relative_to(home.resolve()):
                raise PluginError(
                    f"It names the folder {folder}, which is not part of it.",
                    fix="Put templates and static files into the plugin's package.",
                )
        return tuple(folders)

    def _hook(self, name: str, *, takes: tuple[str, ...], first: bool, last: bool) -> Hook:
        async def call(*given: object) -> Any:
            sent = {key: value for key, value in zip(takes, given, strict=True) if key != "context"}
            return await self.ask("hook", name, sent)

        function = self._lifespan if name == "lifespan" else call
        return Hook(name, function, takes, first=first is True, last=last is True)

    async def _lifespan(self, *_: object) -> AsyncIterator[None]:
        await self.ask("begin")
        yield
        await self.ask("end")

    def _route(self, **declared: Any) -> PluginRoute:
        async def handler(_: object, request: object) -> Any:
            return await self.ask("route", declared["method"], declared["path"], request)

        return PluginRoute(handler=handler, **declared)

    def _task(self, **declared: Any) -> BackgroundTask:
        async def handler(_: object, progress: object) -> Any:
            return await self.ask("task", declared["kind"], progress)

        return BackgroundTask(handler=handler, **declared)

    def _batch_action(self, *, has_fields: bool, **declared: Any) -> BatchAction:
        async def plan(_: object, request: object) -> Any:
            return await self.ask("plan", declared["name"], request)

        async def fields(_: object, viewer: object) -> Any:
            return await self.ask("fields", declared["name"], viewer)

        return BatchAction(plan=plan, fields=fields if has_fields else None, **declared)

    def _command(self, **declared: Any) -> Command:
        async def run(_: object, arguments: object) -> Any:
            return await self.ask("command", declared["name"], arguments)

        return Command(run=run, **declared)

    def drawing(self, template: str) -> Callable[[Mapping[str, object]], Any]:
        """Return what draws one of the plugin's templates in its process."""
        return partial(self.ask, "draw", template)


def _receive(line: socket.socket, until: float) -> bytes:
    (length,) = LENGTH.unpack(_exactly(line, LENGTH.size, until))
    if length > MOST_BYTES:
        raise PluginError("Its process says too much about it.")
    return _exactly(line, length, until)


def _exactly(line: socket.socket, length: int, until: float) -> bytes:
    """Return that many bytes. Raise EOFError if the line ends before, TimeoutError if it is too late."""
    received = bytearray()
    while len(received) < length:
        line.settimeout(max(until - time.monotonic(), 0.001))
        if not (part := line.recv(length - len(received))):
            raise EOFError
        received += part
    return bytes(received)
