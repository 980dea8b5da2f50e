"""Calls into plugins: each in a task of its own, with a deadline, so that none can take the caller along."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

from wylloh_server.domain.errors import PluginError

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from pluggy import HookImpl

_Answer = TypeVar("_Answer")


def invoke(implementation: HookImpl, **given: object) -> Any:
    """Call a hook implementation with those of the given arguments that it takes."""
    return implementation.function(*(given[name] for name in implementation.argnames))


async def answered(work: Awaitable[_Answer], seconds: float) -> _Answer:
    """Wait for a plugin's answer, at most so many seconds.

    Raises:
        TimeoutError: it took longer. The work is cancelled but not waited for: it may ignore that.
        PluginError: it cancelled itself, or tried to end the process.
        Exception: whatever the plugin raised.
    """
    task = asyncio.ensure_future(contained(work))
    try:
        done, _ = await asyncio.wait({task}, timeout=seconds)
    except asyncio.CancelledError:
        task.cancel()
        raise
    if not done:
        task.cancel()
        task.add_done_callback(_retrieve)
        raise TimeoutError(f"took longer than {seconds:g} s")
    if task.cancelled():
        raise PluginError("cancelled its own task")
    return task.result()


async def completed(work: Awaitable[_Answer], grace: float) -> _Answer:
    """Wait for a plugin's work, however long it takes.

    Whoever is cancelled while waiting cancels the work too; it then has `grace` seconds to end.

    Raises:
        PluginError: it cancelled itself, or tried to end the process.
        Exception: whatever the plugin raised.
    """
    task = asyncio.ensure_future(contained(work))
    try:
        await asyncio.wait({task})
    except asyncio.CancelledError:
        task.cancel()
        task.add_done_callback(_retrieve)
        await asyncio.wait({task}, timeout=grace)
        raise
    if task.cancelled():
        raise PluginError("cancelled its own task")
    return task.result()


async def contained(work: Awaitable[_Answer]) -> _Answer:
    """Keep a plugin's `sys.exit()` from ending the server: from a task, asyncio hands it to the event loop.

    Raises:
        PluginError: it tried to.
    """
    try:
        return await work
    except SystemExit as error:
        raise PluginError("tried to end the server") from error


def _retrieve(task: asyncio.Future[_Answer]) -> None:
    """Take the late outcome, so that asyncio does not report it as forgotten."""
    if not task.cancelled():
        task.exception()
