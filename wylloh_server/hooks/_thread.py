"""One plugin's thread, with an event loop of its own. Whatever the plugin does there, the server goes on."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import threading
from concurrent.futures import Future
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from wylloh_server.domain.errors import PluginError
from wylloh_server.hooks._bridge import ERRANDS, Errands
from wylloh_server.hooks._calls import contained
from wylloh_server.hooks._pool import DaemonPool

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

_Answer = TypeVar("_Answer")

_MOMENT = 0.2
"""Seconds within which work that was called off ends, if its thread is not blocked."""
_WIND_UP = 1.0
"""Seconds for what a plugin left running on its loop to end when the loop does."""


class StillBusy(TimeoutError):
    """The plugin's thread has not come back from something else. No new fault: that one is counted."""


class KeptWaiting(TimeoutError):
    """The plugin took too long because the server, or the world behind it, did not answer it."""


class PluginThread:
    """Runs one plugin's coroutines. Made, asked and stopped on the server's loop, its home.

    Args:
        name: the plugin's.
        patience: seconds for called-off work to end before `hung` is told.
        hung: told on the server's loop where the plugin hangs.
        stray: told on the server's loop of errors nobody waits for: those of tasks the plugin began itself.
    """

    def __init__(
        self,
        name: str,
        *,
        patience: float,
        hung: Callable[[str], None],
        stray: Callable[[BaseException], None],
    ) -> None:
        self._home = asyncio.get_running_loop()
        self._patience = patience
        self._hung = hung
        self._stray = stray
        self._leaving = False
        self._pinged = self._ponged = 0
        self._ended = asyncio.Event()
        self._loop = asyncio.new_event_loop()
        self._loop.set_default_executor(DaemonPool(name))
        self._loop.set_exception_handler(self._unhandled)
        self._thread = threading.Thread(target=self._run, name=f"plugin {name}", daemon=True)
        self._thread.start()

    @property
    def stuck(self) -> bool:
        """Whether the thread has not come back since something in it took too long."""
        return self._pinged != self._ponged

    async def answered(self, where: str, work: Coroutine[Any, Any, _Answer], seconds: float) -> _Answer:
        """Have some work done there and wait for the answer, at most so many seconds.

        Raises:
            TimeoutError: it took longer. The work is called off but not waited for: it may ignore that.
            KeptWaiting: so it did, and was waiting for an answer of the server's.
            StillBusy: the thread is blocked by something else; nobody waits for that twice.
            PluginError: it cancelled itself, tried to end the process, or the thread has ended.
            Exception: whatever the plugin raised.
        """
        call = self._call(work)
        try:
            done, _ = await asyncio.wait({call.answer}, timeout=seconds)
        except asyncio.CancelledError:
            self._call_off(call, where)
            raise
        if not done:
            kept = call.errands.under_way
            self._call_off(call, where)
            await asyncio.wait({call.ended}, timeout=_MOMENT)
            if not call.ended.done():
                self._ping()
            if kept:
                raise KeptWaiting(f"took longer than {seconds:g} s, waiting for the server")
            raise TimeoutError(f"took longer than {seconds:g} s")
        return call.answer.result()

    async def completed(self, where: str, work: Coroutine[Any, Any, _Answer], grace: float) -> _Answer:
        """Have some work done there, however long it takes.

        Whoever is cancelled while waiting calls the work off too; it then has `grace` seconds to end.

        Raises:
            PluginError: it cancelled itself, tried to end the process, or the thread has ended.
            Exception: whatever the plugin raised.
        """
        call = self._call(work)
        try:
            await asyncio.wait({call.answer})
        except asyncio.CancelledError:
            self._call_off(call, where)
            await asyncio.wait({call.ended}, timeout=grace)
            raise
        return call.answer.result()

    async def stop(self, seconds: float) -> bool:
        """Cancel what still runs there and end the thread.

        False: it did not come back within so many seconds. Then it is left alone, and ends as soon as Python
        gets hold of it again, or with the process.
        """
        self._leaving = True
        with contextlib.suppress(RuntimeError):  # it has ended already
            self._loop.call_soon_threadsafe(self._loop.stop)
        try:
            await asyncio.wait_for(self._ended.wait(), seconds)
        except TimeoutError:
            interrupt(self._thread)
            return False
        self._thread.join()  # it has said its last word, and only has to return
        return True

    def _call(self, work: Coroutine[Any, Any, _Answer]) -> _Call[_Answer]:
        if self.stuck:
            work.close()
            raise StillBusy("is still busy with something else")
        return _Call(work, self._home, self._loop)

    def _call_off(self, call: _Call[_Answer], where: str) -> None:
        call.cancel()
        self._home.call_later(self._patience, self._look_after, call, where)

    def _look_after(self, call: _Call[_Answer], where: str) -> None:
        if not call.ended.done():
            self._hung(where)

    def _ping(self) -> None:
        self._pinged += 1
        self._loop.call_soon_threadsafe(self._pong, self._pinged)

    def _pong(self, number: int) -> None:
        self._ponged = number

    def _unhandled(self, _loop: asyncio.AbstractEventLoop, told: dict[str, Any]) -> None:
        self._tell(told.get("exception") or PluginError(str(told["message"])))

    def _tell(self, error: BaseException) -> None:
        with contextlib.suppress(RuntimeError):  # the server's loop has closed
            self._home.call_soon_threadsafe(self._stray, error)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        while not self._leaving:
            try:
                self._loop.run_forever()
            except BaseException as error:  # noqa: BLE001 - a task of the plugin's own may raise SystemExit
                self._tell(PluginError(f"raised {type(error).__name__}"))
        with contextlib.suppress(BaseException):
            self._wind_up()
        with contextlib.suppress(RuntimeError):  # the server's loop has closed before
            self._home.call_soon_threadsafe(self._ended.set)

    def _wind_up(self) -> None:
        try:
            tasks = asyncio.all_tasks(self._loop)
            for task in tasks:
                task.cancel()
            if tasks:
                self._loop.run_until_complete(asyncio.wait(tasks, timeout=_WIND_UP))
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        finally:
            self._loop.close()


class _Call(Generic[_Answer]):
    """Work on its way: begun and ended in the plugin's thread, answered at home.

    Attributes:
        answer: the outcome; cancelled when nobody wants it any more.
        ended: done as soon as the plugin's thread has nothing more to do with it.
        errands: what it is asking the server.
    """

    def __init__(
        self,
        work: Coroutine[Any, Any, _Answer],
        home: asyncio.AbstractEventLoop,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self.answer: asyncio.Future[_Answer] = home.create_future()
        self.ended: asyncio.Future[None] = home.create_future()
        self.errands = Errands()
        self._work = work
        self._home = home
        self._loop = loop
        self._task: asyncio.Task[_Answer] | None = None
        try:
            loop.call_soon_threadsafe(self._begin)
        except RuntimeError:
            work.close()
            raise PluginError("is not running any more") from None

    def cancel(self) -> None:
        """Want the answer no more."""
        self.answer.cancel()
        with contextlib.suppress(RuntimeError):  # the loop has closed, and everything on it has ended
            self._loop.call_soon_threadsafe(self._stop)

    def _begin(self) -> None:
        if self.answer.cancelled():
            self._work.close()
            self._tell_home(None)
            return
        context = copy_context()
        context.run(ERRANDS.set, self.errands)
        self._task = self._loop.create_task(contained(self._work), context=context)
        self._task.add_done_callback(self._tell_home)

    def _stop(self) -> None:
        if self._task is not None:
            self._task.cancel()

    def _tell_home(self, task: asyncio.Task[_Answer] | None) -> None:
        with contextlib.suppress(RuntimeError):  # the server's loop has closed
            self._home.call_soon_threadsafe(self._arrive, task)

    def _arrive(self, task: asyncio.Task[_Answer] | None) -> None:
        self.ended.set_result(None)
        error = _error_of(task)
        if self.answer.cancelled() or task is None:
            return
        if error is not None:
            self.answer.set_exception(error)
        else:
            self.answer.set_result(task.result())


def _error_of(task: asyncio.Task[Any] | None) -> Exception | None:
    """Take a task's error, so that asyncio does not report it as forgotten."""
    if task is None:
        return None
    if task.cancelled():
        return PluginError("cancelled its own task")
    error = task.exception()
    if error is None or isinstance(error, Exception):
        return error
    return PluginError(f"raised {type(error).__name__}")


def within(seconds: float, function: Callable[..., _Answer], *given: object) -> _Answer:
    """Call a plain function of a plugin's in a thread and wait for it, at most so many seconds.

    Raises:
        TimeoutError: it took longer. Its thread is interrupted and left alone.
        BaseException: whatever it raised, SystemExit included.
    """
    outcome: Future[_Answer] = Future()

    def run() -> None:
        try:
            outcome.set_result(function(*given))
        except BaseException as error:  # noqa: BLE001 - handed to whoever waits
            outcome.set_exception(error)

    thread = threading.Thread(target=run, name="plugin loading", daemon=True)
    thread.start()
    try:
        return outcome.result(seconds)
    except TimeoutError:
        if outcome.done():
            raise
        interrupt(thread)
        raise TimeoutError(f"took longer than {seconds:g} s") from None


def interrupt(thread: threading.Thread) -> None:
    """Raise SystemExit in another thread as soon as it runs Python code again; this ends an endless loop.

    See `PyThreadState_SetAsyncExc` in Python's C API.
    """
    if thread.ident is not None and thread.is_alive():
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), ctypes.py_object(SystemExit))
