"""Every step of stopping has a bound: what hangs is left behind, and what comes after it is stopped in order."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import pytest

from tests.components.simulated_time import run_simulated
from wylloh_server.app.bounded_stack import BoundedExitStack


def stopped(*steps):
    """Start and stop steps of (name, seconds; None never ends); gives what ended, and when all was over."""
    ended = []

    @asynccontextmanager
    async def step(name, seconds):
        try:
            yield name
        finally:
            while seconds is None:  # deaf to its cancellation
                try:
                    await asyncio.sleep(3600)
                except asyncio.CancelledError:
                    if asyncio.get_running_loop().time() > 60:
                        raise
            await asyncio.sleep(seconds)
            ended.append(name)

    async def run():
        async with BoundedExitStack() as stack:
            for name, seconds in steps:
                assert await stack.enter_async_context(step(name, seconds)) == name
        over = asyncio.get_running_loop().time()
        await asyncio.sleep(100)
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
        return ended, over

    return run_simulated(run())


def test_what_stops_in_time_is_stopped_in_reverse_order():
    assert stopped(("one", 0.5), ("two", 1.0), ("three", 0.1)) == (["three", "two", "one"], 1.6)


def test_a_step_that_never_ends_is_left_behind(caplog):
    ended, over = stopped(("database", 0.1), ("plugin", None), ("web", 0.1))
    assert ended == ["web", "database"]
    assert over < 3
    assert "step did not stop within 2.0 s" in caplog.text


def test_however_many_steps_hang_all_is_over_in_time():
    ended, over = stopped(("database", 0.1), *((f"hung {number}", None) for number in range(8)))
    assert ended == ["database"]
    assert over < 8


def test_a_callback_is_bounded_too_and_what_a_step_raises_is_raised():
    async def run():
        async with BoundedExitStack() as stack:
            stack.push_async_callback(asyncio.sleep, 3600)
            stack.push_async_callback(fail, "broken")
        return asyncio.get_running_loop().time()

    async def fail(text):
        raise OSError(text)

    with pytest.raises(OSError, match="broken"):
        run_simulated(run())


def test_being_cancelled_while_stopping_leaves_no_step_out():
    ended = []

    @asynccontextmanager
    async def step(name):
        yield
        await asyncio.sleep(1)
        ended.append(name)

    async def work():
        async with BoundedExitStack() as stack:
            await stack.enter_async_context(step("one"))
            await stack.enter_async_context(step("two"))

    async def run():
        task = asyncio.create_task(work())
        await asyncio.sleep(0.5)
        task.cancel()
        await task

    run_simulated(run())
    assert ended == ["two", "one"]
