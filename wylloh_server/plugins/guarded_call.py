"""Run a plugin's code in its own thread, with a deadline, so that it cannot block or end the server."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from wylloh_server.domain.error_location import code_place
from wylloh_server.domain.errors import PluginError
from wylloh_server.plugins.loop_proxy import PENDING_CALLS, PendingCalls, settle

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine
    from pathlib import Path

_Answer = TypeVar("_Answer")

_CANCEL_SECONDS = 0.2
"""Time for cancelled work to end if its thread is not blocked."""
_SHUTDOWN_SECONDS = 1.0
"""Time for tasks left on the plugin's loop to end when the loop stops."""


class PluginBusy(TimeoutError):
    """The plugin's thread is blocked by earlier work, whose failure is counted already."""


class CallTimeout(TimeoutError):
    """The plugin took too long because it was waiting for the server."""


async def contain_exit(work: Awaitable[_Answer]) -> _Answer:
    """Await a plugin's work, without letting `sys.exit()` end its event loop.

    Raises:
        PluginError: the plugin raised SystemExit or KeyboardInterrupt.
    """
    try:
        return await work
    except (SystemExit, KeyboardInterrupt) as error:
        raise PluginError("tried to end the server") from error


class PluginThread:
    """A plugin's thread with an event loop. Create, call and stop it on the server's loop.

    Args:
        name: the plugin's name.
        folder: the folder of its code, if known.
        hang: seconds for cancelled work to end before `hung` is called.
        hung: called once, on the server's loop, when the plugin hangs: with the name of the work that does it
            (empty if it is a task that the plugin started itself), and where in its code.
        stray: called on the server's loop with errors of tasks that the plugin started itself.

    Attributes:
        free: set while the thread is not blocked.
    """

    def __init__(
        self,
        name: str,
        *,
        folder: Path | None = None,
        hang: float,
        hung: Callable[[str, str], None],
        stray: Callable[[BaseException], None],
    ) -> None:
        self._home = asyncio.get_running_loop()
        self._folder = folder
        self._hang = hang
        self._hung = hung
        self._stray = stray
        self._stopping = False
        self._pings = 0
        self._unfinished: dict[_Call[Any], str] = {}
        self._has_hung = False
        self.free = asyncio.Event()
        self.free.set()
        self._ended = asyncio.Event()
        self._loop = asyncio.new_event_loop()
        self._loop.set_default_executor(ThreadPoolExecutor(thread_name_prefix=f"plugin {name} pool"))
        self._loop.set_exception_handler(self._report_unhandled)
        self._thread = threading.Thread(target=self._run, name=f"plugin {name}", daemon=True)
        self._thread.start()

    @property
    def blocked(self) -> bool:
        """Whether the thread has not returned to its loop since a call took too long."""
        return not self.free.is_set()

    async def call(
        self, where: str, work: Coroutine[Any, Any, _Answer], seconds: float | None, grace: float = 0
    ) -> _Answer:
        """Run a coroutine in the thread and return its result. Cancelling this call cancels the work.

        Args:
            where: names the work, should it hang.
            work: a coroutine that has not started.
            seconds: the deadline; None for no deadline.
            grace: seconds to wait for cancelled work to end.

        Raises:
            TimeoutError: the deadline has passed. The work is cancelled but not waited for.
            CallTimeout: likewise, while the work was waiting for the server.
            PluginBusy: the thread is blocked by other work.
            PluginError: the work cancelled itself or tried to end the process, or the thread has ended.
            Exception: the error the plugin raised.
        """
        if self.blocked:
            work.close()
            raise PluginBusy("is still busy with something else")
        call = _Call(work, self._home, self._loop)
        self._unfinished[call] = where
        call.ended.add_done_callback(lambda _: self._unfinished.pop(call))
        try:
            done, _ = await asyncio.wait({call.answer}, timeout=seconds)
        except asyncio.CancelledError:
            self._cancel(call)
            await asyncio.wait({call.ended}, timeout=grace)
            raise
        if done:
            return call.answer.result()
        pending, place = call.pending.count, code_place(self._thread, self._folder, work)
        self._cancel(call)
        await asyncio.wait({call.ended}, timeout=_CANCEL_SECONDS)
        if not call.ended.done():
            self._ping()
            if self._running_call() not in {None, call}:
                raise PluginBusy("waited for something else that takes too long")
        if pending:
            raise CallTimeout(f"took longer than {seconds:g} s, waiting for the server{place}")
        raise TimeoutError(f"took longer than {seconds:g} s{place}")

    async def stop(self, seconds: float) -> bool:
        """Cancel the remaining tasks and end the thread. Return False if it did not end in time.

        Then SystemExit is raised in it, as a thread in an endless loop would slow the whole server down.
        """
        self._stopping = True
        with contextlib.suppress(RuntimeError):  # the loop has closed already
            self._loop.call_soon_threadsafe(self._loop.stop)
        try:
            async with asyncio.timeout(seconds):
                await self._ended.wait()
        except TimeoutError:
            interrupt(self._thread)
            return False
        self._thread.join()  # its last statement has run
        return True

    def _cancel(self, call: _Call[_Answer]) -> None:
        call.cancel()
        self._home.call_later(self._hang, self._check_ended, call)

    def _check_ended(self, call: _Call[_Answer]) -> None:
        if not call.ended.done():
            self._ping()
            self._home.call_later(_CANCEL_SECONDS, self._blame, call)

    def _blame(self, call: _Call[_Answer]) -> None:
        if call.ended.done() or self._has_hung:
            return
        self._has_hung = True
        # While the thread is blocked, everything waits for what runs in it: only that is to blame.
        culprit = self._running_call() or (None if self.blocked else call)
        where = self._unfinished[culprit] if culprit else ""
        self._hung(where, code_place(self._thread, self._folder, culprit.work if culprit else call.work))

    def _running_call(self) -> _Call[Any] | None:
        """Return the call whose work the thread runs at this moment, if any."""
        return next((one for one in self._unfinished if getattr(one.work, "cr_running", False)), None)

    def _ping(self) -> None:
        self._pings += 1
        self.free.clear()
        self._loop.call_soon_threadsafe(self._pong, self._pings)

    def _pong(self, number: int) -> None:
        with contextlib.suppress(RuntimeError):  # the server's loop has closed
            self._home.call_soon_threadsafe(self._returned, number)

    def _returned(self, number: int) -> None:
        if number == self._pings:
            self.free.set()

    def _report_unhandled(self, _loop: asyncio.AbstractEventLoop, problem: dict[str, Any]) -> None:
        self._report(problem.get("exception") or PluginError(str(problem["message"])))

    def _report(self, error: BaseException) -> None:
        with contextlib.suppress(RuntimeError):  # the server's loop has closed
            self._home.call_soon_threadsafe(self._stray, error)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        while not self._stopping:
            try:
                self._loop.run_forever()
            except BaseException as error:  # noqa: BLE001 - a task of the plugin may raise SystemExit
                self._report(PluginError(f"raised {type(error).__name__}"))
        with contextlib.suppress(BaseException):
            self._close_loop()
        with contextlib.suppress(RuntimeError):  # the server's loop has closed
            self._home.call_soon_threadsafe(self._ended.set)

    def _close_loop(self) -> None:
        try:
            tasks = asyncio.all_tasks(self._loop)
            for task in tasks:
                task.cancel()
            if tasks:
                self._loop.run_until_complete(asyncio.wait(tasks, timeout=_SHUTDOWN_SECONDS))
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        finally:
            self._loop.close()


class _Call(Generic[_Answer]):
    """A coroutine that runs in the plugin's thread; its result arrives on the server's loop.

    Attributes:
        answer: the result; cancelled when it is no longer wanted.
        ended: done when the plugin's thread has finished with the coroutine.
        pending: the calls to the server it is waiting for.
        work: the coroutine.
    """

    def __init__(
        self,
        work: Coroutine[Any, Any, _Answer],
        home: asyncio.AbstractEventLoop,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self.answer: asyncio.Future[_Answer] = home.create_future()
        self.ended: asyncio.Future[None] = home.create_future()
        self.pending = PendingCalls()
        self.work = work
        self._home = home
        self._loop = loop
        self._task: asyncio.Task[_Answer] | None = None
        try:
            loop.call_soon_threadsafe(self._begin)
        except RuntimeError:
            work.close()
            raise PluginError("is not running any more") from None

    def cancel(self) -> None:
        """Cancel the answer and the work."""
        self.answer.cancel()
        with contextlib.suppress(RuntimeError):  # the loop has closed, and everything on it has ended
            self._loop.call_soon_threadsafe(self._cancel_task)

    def _begin(self) -> None:
        if self.answer.cancelled():
            self.work.close()
            self._report_end(None)
            return
        context = copy_context()
        context.run(PENDING_CALLS.set, self.pending)
        self._task = self._loop.create_task(contain_exit(self.work), context=context)
        self._task.add_done_callback(self._report_end)

    def _cancel_task(self) -> None:
        if self._task is not None:
            self._task.cancel()

    def _report_end(self, task: asyncio.Task[_Answer] | None) -> None:
        with contextlib.suppress(RuntimeError):  # the server's loop has closed
            self._home.call_soon_threadsafe(self._finish, task)

    def _finish(self, task: asyncio.Task[_Answer] | None) -> None:
        self.ended.set_result(None)
        error = _error_of(task)
        if task is None or self.answer.done():
            return
        if error is not None:
            self.answer.set_exception(error)
        else:
            self.answer.set_result(task.result())


def _error_of(task: asyncio.Task[Any] | None) -> Exception | None:
    """Retrieve a task's error, so that asyncio does not log it as never retrieved."""
    if task is None:
        return None
    if task.cancelled():
        return PluginError("cancelled its own task")
    error = task.exception()
    if error is None or isinstance(error, Exception):
        return error
    return PluginError(f"raised {type(error).__name__}")


def call_within(
    seconds: float, folder: Path | None, function: Callable[..., _Answer], *given: object
) -> _Answer:
    """Call a plain function of a plugin, whose code is in a folder, in a thread and wait for it.

    Raises:
        TimeoutError: it took longer. Its thread is interrupted and not waited for.
        BaseException: the error it raised, SystemExit included.
    """
    result, thread = in_background(function, *given)
    try:
        return result.result(seconds)
    except TimeoutError:
        if result.done():
            raise
        place = code_place(thread, folder)
        interrupt(thread)
        raise TimeoutError(f"took longer than {seconds:g} s{place}") from None


def in_background(
    function: Callable[..., _Answer], *given: object
) -> tuple[Future[_Answer], threading.Thread]:
    """Call a function in a thread of its own, which keeps nobody from ending the process."""
    result: Future[_Answer] = Future()
    work = (result, partial(function, *given))
    thread = threading.Thread(target=settle, args=work, name="plugin loading", daemon=True)
    thread.start()
    return result, thread


def interrupt(thread: threading.Thread) -> None:
    """Raise SystemExit in another thread as soon as it runs Python code again, which ends an endless loop.

    See `PyThreadState_SetAsyncExc` in Python's C API.
    """
    if thread.ident is not None and thread.is_alive():
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), ctypes.py_object(SystemExit))
