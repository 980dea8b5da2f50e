"""Calls into plugins. `_thread` says where they run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from wylloh_server.domain.errors import PluginError

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from pluggy import HookImpl

_Answer = TypeVar("_Answer")


def invoke(implementation: HookImpl, **given: object) -> Any:
    """Call a hook implementation with those of the given arguments that it takes."""
    return implementation.function(*(given[name] for name in implementation.argnames))


async def contained(work: Awaitable[_Answer]) -> _Answer:
    """Keep a plugin's `sys.exit()` from ending its loop: from a task, asyncio hands it to `run_forever`.

    Raises:
        PluginError: it tried to.
    """
    try:
        return await work
    except (SystemExit, KeyboardInterrupt) as error:
        raise PluginError("tried to end the server") from error
