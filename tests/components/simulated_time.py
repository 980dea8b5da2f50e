"""An event loop whose clock jumps to the next timer: hours of waiting pass in moments, always in the same order.

Only for what waits for timers and for each other; a socket or a thread would never be waited for.
"""

from __future__ import annotations

import asyncio


class SimulatedLoop(asyncio.SelectorEventLoop):
    """Its time stands still while something runs."""

    def __init__(self) -> None:
        super().__init__()
        self._now = 0.0
        select = self._selector.select

        def skip(timeout=None):
            if timeout is None:
                raise AssertionError("everybody waits, and no timer will wake anybody")
            self._now += timeout
            return select(0)

        self._selector.select = skip

    def time(self) -> float:
        return self._now


def run_simulated(coroutine):
    """Run a coroutine to its end on simulated time."""
    with asyncio.Runner(loop_factory=SimulatedLoop) as runner:
        return runner.run(coroutine)
