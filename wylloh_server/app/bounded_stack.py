"""Stopping what was started, in reverse order, where a step that hangs costs the others nothing."""

from __future__ import annotations

import asyncio
import logging
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from contextlib import AbstractAsyncContextManager
    from types import TracebackType

_Value = TypeVar("_Value")

_log = logging.getLogger(__name__)

_STEP_SECONDS = 2.0
_ALL_SECONDS = 6.0
_LEAST_SECONDS = 0.2
"""What a step gets although the others have used everything up: most steps need much less."""


class BoundedExitStack(AsyncExitStack):
    """Leaves what was entered in reverse order, each within a bound; one that takes longer is left behind.

    Each is left in a task of its own: one that does not heed its cancellation cannot hold the rest up.
    """

    def __init__(self) -> None:
        super().__init__()
        self._deadline: float | None = None

    async def enter_async_context(self, cm: AbstractAsyncContextManager[_Value, Any]) -> _Value:
        """Enter a context, to be left within a bound."""
        return await super().enter_async_context(_BoundedContext(cm, self.leave))

    def push_async_callback(self, callback: Any, /, *args: Any, **kwargs: Any) -> Any:
        """Have a coroutine function called at the end, within a bound."""

        async def bounded() -> None:
            await self.leave(_name(callback), callback(*args, **kwargs))

        super().push_async_callback(bounded)
        return callback

    async def leave(self, name: str, step: Awaitable[object]) -> object:
        """Do one step of stopping; give up waiting for it after its bound. Raises what it raises."""
        loop = asyncio.get_running_loop()
        if self._deadline is None:
            self._deadline = loop.time() + _ALL_SECONDS
        seconds = max(_LEAST_SECONDS, min(_STEP_SECONDS, self._deadline - loop.time()))
        task = asyncio.ensure_future(step)
        await _wait(task, loop.time() + seconds)
        if task.done():
            return task.result()
        _log.warning("%s did not stop within %.1f s and is left behind", name, seconds)
        task.cancel()
        return False


class _BoundedContext:
    def __init__(
        self,
        context: AbstractAsyncContextManager[Any, Any],
        leave: Callable[[str, Awaitable[object]], Awaitable[object]],
    ) -> None:
        self._context = context
        self._leave = leave

    async def __aenter__(self) -> Any:
        return await self._context.__aenter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        return bool(await self._leave(_name(self._context), self._context.__aexit__(kind, error, trace)))


async def _wait(task: asyncio.Future[Any], until: float) -> None:
    """Wait for a task until a moment, also while being cancelled: what was begun is ended in order."""
    loop = asyncio.get_running_loop()
    while not task.done() and (left := until - loop.time()) > 0:
        try:
            await asyncio.wait([task], timeout=left)
        except asyncio.CancelledError:
            continue


def _name(what: object) -> str:
    generator = getattr(what, "gen", what)
    return str(getattr(generator, "__qualname__", type(what).__name__))
