"""The loop in which a plugin follows the chain: it ends when it is told to, whatever it is waiting for."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest

from wylloh_server.sdk import PollLoop


@pytest.fixture
def failing():
    """A loop whose every poll fails, so that it pauses."""

    async def poll():
        raise OSError("the chain is away")

    return PollLoop(poll, SimpleNamespace(warning=lambda *_, **__: None), "behind")


async def test_it_is_cancelled_though_it_is_woken_at_the_same_moment(failing):
    running = asyncio.create_task(failing._run())
    with pytest.raises(OSError):
        await failing.wait(10)
    await asyncio.sleep(0.01)  # now it pauses
    failing.wake()
    await asyncio.sleep(0)  # the pause is over, and the loop has not noticed yet
    running.cancel()
    await asyncio.wait({running}, timeout=1)
    assert running.cancelled()
