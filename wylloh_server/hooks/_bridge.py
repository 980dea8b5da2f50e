"""Carries what a plugin asks of the server from the plugin's thread to the server's event loop, and back."""

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

_Port = TypeVar("_Port")
_Function = TypeVar("_Function", bound="Callable[..., Any]")

_PATIENCE = 10.0
"""Seconds a plain call waits for the server's loop; longer means that the server is stopping."""


class Errands:
    """What one piece of a plugin's work is asking the server at this moment, tasks it began included."""

    def __init__(self) -> None:
        self._open = 0

    @property
    def under_way(self) -> bool:
        """Whether the server has been asked something and has not answered yet."""
        return self._open > 0

    @contextmanager
    def one(self) -> Iterator[None]:
        """Count one until the context ends."""
        self._open += 1
        try:
            yield
        finally:
            self._open -= 1


ERRANDS: ContextVar[Errands] = ContextVar("wylloh_plugin_errands")
"""Those of the work that is running; set by whoever begins it."""


class Bridge:
    """Leads to the event loop it was made on. Calls from that loop itself go straight on."""

    def __init__(self) -> None:
        self._home = asyncio.get_running_loop()
        self._ident = threading.get_ident()
        self._closed = False
        self._at_work: set[asyncio.Task[Any]] = set()

    async def close(self) -> None:
        """Call off what is still being done for the plugin here, wait until it has ended, and take no more.

        What is behind the ports may be closed afterwards: nobody is using it any more.
        """
        self._closed = True
        while self._at_work:
            for task in self._at_work:
                task.cancel()
            await asyncio.wait(set(self._at_work))

    def over(self, port: _Port) -> _Port:
        """Give a port whose methods run on the server's loop: the same methods, for the plugin's thread.

        `async` ones are awaited there; of plain ones the caller waits for the result. What is no method is
        read as it is.
        """
        return cast("_Port", _Carried(self, port))

    def carried(self, function: _Function) -> _Function:
        """Give a function that runs on the server's loop, for the plugin's thread."""
        carry = self._carried_async if inspect.iscoroutinefunction(function) else self._carried_plain
        return cast("_Function", carry(function))

    def _carried_async(self, function: Callable[..., Coroutine[Any, Any, Any]]) -> Callable[..., Any]:
        @functools.wraps(function)
        async def carried(*given: object, **named: object) -> object:
            work = function(*given, **named)
            if asyncio.get_running_loop() is self._home:
                return await work
            errand = self._errand(work)
            try:
                there = asyncio.run_coroutine_threadsafe(errand, self._home)
            except RuntimeError:
                errand.close()
                work.close()
                raise PluginError("The server has stopped.") from None
            with ERRANDS.get(Errands()).one():
                return await asyncio.wrap_future(there)

        return carried

    async def _errand(self, work: Coroutine[Any, Any, Any]) -> object:
        if self._closed:
            work.close()
            raise PluginError("The plugin is not running any more.")
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - for the type checker: a coroutine runs in one
        self._at_work.add(task)
        try:
            return await work
        finally:
            self._at_work.discard(task)

    def _carried_plain(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def carried(*given: object, **named: object) -> object:
            if threading.get_ident() == self._ident:
                return function(*given, **named)
            outcome: Future[object] = Future()

            def run() -> None:
                try:
                    outcome.set_result(function(*given, **named))
                except Exception as error:  # noqa: BLE001 - handed to whoever called
                    outcome.set_exception(error)

            try:
                self._home.call_soon_threadsafe(run)
            except RuntimeError:
                raise PluginError("The server has stopped.") from None
            return outcome.result(_PATIENCE)

        return carried


class _Carried:
    """Looks like the port behind it."""

    def __init__(self, bridge: Bridge, port: object) -> None:
        self._bridge = bridge
        self._port = port

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._port, name)
        return self._bridge.carried(found) if callable(found) else found
