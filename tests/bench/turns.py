"""Measures in turns, so that whatever else the machine does falls on ours and on the floor alike."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

Measured = TypeVar("Measured")


def in_turns(rounds: int, *measures: Callable[[], Measured]) -> tuple[tuple[Measured, ...], ...]:
    """Take each measure once a round; return all values of the first, of the second, and so on."""
    taken = [tuple(measure() for measure in measures) for _ in range(rounds)]
    return tuple(zip(*taken, strict=True))


async def in_turns_async(
    rounds: int, *measures: Callable[[], Awaitable[float]]
) -> tuple[tuple[float, ...], ...]:
    """As `in_turns`, inside an event loop."""
    taken = [tuple([await measure() for measure in measures]) for _ in range(rounds)]
    return tuple(zip(*taken, strict=True))


def seconds(work: Callable[[], object]) -> float:
    """How long a piece of work takes."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun
