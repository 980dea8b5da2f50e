"""A plugin's own process from the server's side: call it with deadlines, notice how it hangs or ends."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable
from contextvars import ContextVar, copy_context
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any, TypeVar

from wylloh_server.domain.errors import PluginError
from wylloh_server.plugins.guarded_call import CallTimeout, PluginBusy
from wylloh_server.plugins.isolation.channel import ASKED, Channel
from wylloh_server.plugins.isolation.remote_errors import ProcessEnded, ProcessStopped
from wylloh_server.plugins.isolation.wire import NOT_LENT, from_json, to_pickle

if TYPE_CHECKING:
    import socket
    import subprocess
    from collections.abc import Awaitable, Coroutine
    from pathlib import Path

    from wylloh_server.plugins.isolation.running_call import RunningCall
    from wylloh_server.plugins.loading import Candidate

_Answer = TypeVar("_Answer")

_LENT: ContextVar[list[int] | None] = ContextVar("wylloh_lent", default=None)
"""Receives the numbers of the functions that the process may call until it has answered."""
_CANCEL_SECONDS = 0.2
"""Time for a process that is not blocked to answer."""
_END_SECONDS = 2.0
"""Time for a process whose line is closed to end by itself."""


@dataclass(frozen=True, slots=True, eq=False)
class SpawnedProcess:
    """A process that has loaded a plugin and waits.

    Attributes:
        line: the server's end of the socket pair.
        running: which call it runs.
    """

    process: subprocess.Popen[bytes]
    line: socket.socket
    running: RunningCall

    def kill(self) -> None:
        """End the process at once, and wait for it."""
        self.line.close()
        self.running.memory.close()
        self.process.kill()
        self.process.wait()


Spawn = Callable[["Candidate"], SpawnedProcess]
"""Starts a process that imports a plugin; blocks while it does."""


@dataclass(eq=False, slots=True)
class _AskingWork:
    """Work that asks the process for something.

    Attributes:
        numbers: of what it has asked.
    """

    where: str
    numbers: set[int] = field(default_factory=set)


class PluginProcess:
    """The process of a plugin that runs. Create, open, call and stop it on the server's loop.

    It is called like a `PluginThread`.

    Args:
        spawned: the process.
        folder: of the plugin's code.
        hang: seconds for cancelled work to end before `hung` is called.
        hung: called once when the plugin hangs: with the name of the work that does it (empty if it is a task
            that the plugin started itself), and an empty text.
        died: called once with how the process ended, if nobody has stopped it.
        answer: answers what the plugin asks.
        heard: called with what it says without waiting for an answer.

    Attributes:
        free: set while the process is not blocked.
    """

    def __init__(
        self,
        spawned: SpawnedProcess,
        *,
        folder: Path | None,
        hang: float,
        hung: Callable[[str, str], None],
        died: Callable[[str], None],
        answer: Callable[[str, tuple[Any, ...]], Awaitable[object]],
        heard: Callable[[str, tuple[Any, ...]], None],
    ) -> None:
        self._spawned = spawned
        self._hang, self._hung, self._died = hang, hung, died
        self._answer = answer
        self._lent: dict[int, Callable[..., Any]] = {}
        self._numbers = count(1)
        self._calls: set[_AskingWork] = set()
        self._stopping = self._has_hung = False
        self.free = asyncio.Event()
        self.free.set()
        self._channel = Channel(
            self._encode, from_json, answer=self._answered, heard=heard, folder=folder, trusted=False
        )
        self._serving: asyncio.Task[None] | None = None

    @property
    def blocked(self) -> bool:
        """Whether the process has not returned to its loop since a call took too long."""
        return not self.free.is_set()

    async def open(self) -> None:
        """Begin to talk to the process."""
        reader = await self._channel.open(self._spawned.line)
        self._serving = asyncio.create_task(self._serve(reader))

    async def ask(self, method: str, *arguments: object) -> Any:
        """Have the process do something. Functions among the arguments can be called there meanwhile.

        Raises:
            ProcessEnded: it is not running any more.
            Exception: the error that it raised.
        """
        lent: list[int] = []
        token = _LENT.set(lent)
        try:
            return await self._channel.ask(method, *arguments)
        finally:
            _LENT.reset(token)
            for number in lent:
                del self._lent[number]

    def say(self, method: str) -> None:
        """Tell the process something, if it runs."""
        with contextlib.suppress(ProcessEnded):
            self._channel.say(method)

    async def call(
        self, where: str, work: Coroutine[Any, Any, _Answer], seconds: float | None, grace: float = 0
    ) -> _Answer:
        """Run a coroutine that asks the process, with a deadline; otherwise as `PluginThread.call`.

        Raises:
            ProcessEnded: the process ended meanwhile.
        """
        if self.blocked:
            work.close()
            raise PluginBusy("is still busy with something else")
        call, context = _AskingWork(where), copy_context()
        context.run(ASKED.set, call.numbers)
        self._calls.add(call)
        task = asyncio.get_running_loop().create_task(work, context=context)
        try:
            done, _ = await asyncio.wait({task}, timeout=seconds)
        except asyncio.CancelledError:
            self._cancel(call, task)
            await self._ended(call, grace)
            raise
        if done:
            self._calls.discard(call)
            return task.result()
        waited = self._channel.waits_for_us(call.numbers)
        self._cancel(call, task)
        await self._ended(call, _CANCEL_SECONDS)
        if not self._is_over(call):
            self._ping()
            if self._where_it_runs() not in {None, call.where}:
                raise PluginBusy("waited for something else that takes too long")
        if waited:
            raise CallTimeout(f"took longer than {seconds:g} s, waiting for the server")
        raise TimeoutError(f"took longer than {seconds:g} s")

    async def stop(self, seconds: float) -> bool:
        """End the process, by force if it has not ended in time. Return True: nothing is left of it."""
        self._stopping = True
        if self._serving is not None and not self.blocked:
            self.say("stop")
            await asyncio.wait({self._serving}, timeout=seconds)
        if self._serving is None:
            await asyncio.to_thread(self._spawned.kill)
            return True
        self._spawned.process.kill()
        await asyncio.wait({self._serving})
        return True

    async def _serve(self, reader: asyncio.StreamReader) -> None:
        """Talk to the process until it ends."""
        with contextlib.suppress(PluginError):  # what it sent makes no sense, so it is ended
            await self._channel.serve(reader)
        how = _how_it_ended(await asyncio.to_thread(self._reap))
        self._channel.close(ProcessStopped(how) if self._stopping else ProcessEnded(how))
        self._spawned.running.memory.close()
        self.free.set()
        if not self._stopping:
            self._died(how)

    def _reap(self) -> int:
        with contextlib.suppress(Exception):
            return self._spawned.process.wait(_END_SECONDS)
        self._spawned.process.kill()
        return self._spawned.process.wait()

    def _encode(self, message: object) -> bytes:
        return to_pickle(message, self._lend)

    def _lend(self, function: Callable[..., Any]) -> int:
        if (lent := _LENT.get()) is None:
            return NOT_LENT  # part of an answer: nobody knows for how long
        number = next(self._numbers)
        self._lent[number] = function
        lent.append(number)
        return number

    async def _answered(self, method: str, arguments: tuple[Any, ...]) -> object:
        if method != "function":
            return await self._answer(method, arguments)
        number, given, named = arguments
        found = self._lent[number](*given, **named)
        return await found if asyncio.iscoroutine(found) else found

    def _is_over(self, call: _AskingWork) -> bool:
        return not call.numbers & self._channel.unanswered.keys()

    async def _ended(self, call: _AskingWork, seconds: float) -> None:
        """Wait until the process is done with what was asked, but not for long."""
        if left := call.numbers & self._channel.unanswered.keys():
            await asyncio.wait([self._channel.unanswered[number] for number in left], timeout=seconds)

    def _cancel(self, call: _AskingWork, task: asyncio.Task[Any]) -> None:
        task.cancel()
        asyncio.get_running_loop().call_later(self._hang, self._check_ended, call)

    def _check_ended(self, call: _AskingWork) -> None:
        if self._is_over(call):
            self._calls.discard(call)
            return
        self._ping()
        asyncio.get_running_loop().call_later(_CANCEL_SECONDS, self._blame, call)

    def _blame(self, call: _AskingWork) -> None:
        if not self._is_over(call) and not self._has_hung and not self._stopping:
            self._has_hung = True
            # While the process is blocked, everything waits for what runs in it: only that is to blame.
            self._hung(self._where_it_runs() or ("" if self.blocked else call.where), "")
        self._calls.discard(call)

    def _where_it_runs(self) -> str | None:
        """Return the name of the call that the process runs at this moment, if any."""
        number = self._spawned.running.number
        return next((call.where for call in self._calls if number in call.numbers), None)

    def _ping(self) -> None:
        if self.free.is_set():
            self.free.clear()
            task = asyncio.ensure_future(self._channel.ask("ping"))
            task.add_done_callback(self._returned)

    def _returned(self, answer: asyncio.Future[Any]) -> None:
        answer.cancelled() or answer.exception()
        self.free.set()


def _how_it_ended(code: int) -> str:
    if code >= 0:
        return f"its process ended itself with exit code {code}"
    with contextlib.suppress(ValueError):
        return f"its process was ended by {signal.Signals(-code).name}"
    return f"its process was ended by signal {-code}"
