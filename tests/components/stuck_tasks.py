"""What the tasks of every event loop wait for: where a test hangs, a stack of its thread says nothing."""

from __future__ import annotations

import asyncio
import gc
import io


def stacks() -> str:
    """Return the stack of each task that has not ended, with what it waits for inside."""
    said = io.StringIO()
    for task in [one for one in gc.get_objects() if isinstance(one, asyncio.Task) and not one.done()]:
        task.print_stack(file=said)
        waits = task.get_coro()
        while (inner := getattr(waits, "cr_await", None)) is not None:
            waits = inner
            said.write(f"    waits for {waits!r}\n")
    return said.getvalue()
