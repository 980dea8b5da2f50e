"""Run calls from a plugin's thread on the server's event loop."""

from __future__ import annotations

import asyncio
import functools
import inspect
import threading
from concurrent.futures import Future
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, TypeVar, cast

from wylloh_server.domain.errors import PluginError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator

_Answer = TypeVar("_Answer")
_Target = TypeVar("_Target")
_Function = TypeVar("_Function", bound="Callable[..., Any]")

_PLAIN_CALL_SECONDS = 10.0
"""Seconds a plain call waits for the server's loop; it takes longer only while the server stops."""


class PendingCalls:
    """The calls to the server that one piece of a plugin's work, with its own tasks, is waiting for."""

    def __init__(self) -> None:
        self.count = 0

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Count one call until the context ends."""
        self.count += 1
        try:
            yield
        finally:
            self.count -= 1


PENDING_CALLS: ContextVar[PendingCalls] = ContextVar("wylloh_plugin_pending_calls")
"""Those of the running work; set when the work starts."""


class LoopProxy:
    """Run calls on the event loop it was created on. Calls from that loop itself run directly."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._closed = False
        self._tasks: set[asyncio.Task[Any]] = set()

    async def close(self) -> None:
        """Cancel the calls in progress, wait until they have ended, and refuse new ones.

        What is behind the proxy is not in use afterwards and may be closed.
        """
        self._closed = True
        while self._tasks:
            for task in self._tasks:
                task.cancel()
            await asyncio.wait(set(self._tasks))

    def wrap(self, target: _Target) -> _Target:
        """Return a proxy with the same methods, which run on the server's loop.

        `async` methods are awaited there; plain ones block until the result is there. Attributes that are not
        callable are read directly.
        """
        return cast("_Target", _Proxy(self, target))

    def wrap_function(self, function: _Function) -> _Function:
        """Return a function with the same signature that runs on the server's loop."""
        wrap = self._wrap_async if inspect.iscoroutinefunction(function) else self._wrap_plain
        return cast("_Function", wrap(function))

    def _wrap_async(self, function: Callable[..., Coroutine[Any, Any, Any]]) -> Callable[..., Any]:
        @functools.wraps(function)
        async def call(*args: object, **kwargs: object) -> object:
            work = function(*args, **kwargs)
            if asyncio.get_running_loop() is self._loop:
                return await work
            tracked = self._track(work)
            try:
                future = asyncio.run_coroutine_threadsafe(tracked, self._loop)
            except RuntimeError:
                tracked.close()
                work.close()
                raise PluginError("The server has stopped.") from None
            with PENDING_CALLS.get(PendingCalls()).waiting():
                return await asyncio.wrap_future(future)

        return call

    async def _track(self, work: Coroutine[Any, Any, Any]) -> object:
        if self._closed:
            work.close()
            raise PluginError("The plugin is not running any more.")
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - for the type checker: a coroutine runs in one
        self._tasks.add(task)
        try:
            return await work
        finally:
            self._tasks.discard(task)

    def _wrap_plain(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def call(*args: object, **kwargs: object) -> object:
            if threading.get_ident() == self._thread:
                return function(*args, **kwargs)
            result: Future[object] = Future()
            try:
                self._loop.call_soon_threadsafe(settle, result, functools.partial(function, *args, **kwargs))
            except RuntimeError:
                raise PluginError("The server has stopped.") from None
            return result.result(_PLAIN_CALL_SECONDS)

        return call


def settle(result: Future[_Answer], function: Callable[[], _Answer]) -> None:
    """Call a function and keep what it returns or raises for the thread that waits for it."""
    result.set_running_or_notify_cancel()
    try:
        result.set_result(function())
    except BaseException as error:  # noqa: BLE001 - raised in the waiting thread
        result.set_exception(error)


class _Proxy:
    """Look up attributes on the target; wrap those that are callable."""

    def __init__(self, proxy: LoopProxy, target: object) -> None:
        self._proxy = proxy
        self._target = target

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._target, name)
        return self._proxy.wrap_function(found) if callable(found) else found
