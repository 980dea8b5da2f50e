"""Which call a plugin's process runs at this moment, in memory that both sides see.

A process whose loop is held, by an endless loop or a regular expression, can answer no question: this is how
the server knows which hook or route holds it.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import struct
import sys
from types import coroutine
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Coroutine, Generator

_NUMBER = struct.Struct("=Q")


class RunningCall:
    """A number in shared memory; 0 while nothing runs.

    Args:
        descriptor: of the memory, see `new_memory`; it may be closed afterwards.

    Attributes:
        memory: to be closed by who needs it no more.
    """

    def __init__(self, descriptor: int) -> None:
        self.memory = mmap.mmap(descriptor, mmap.PAGESIZE)

    @property
    def number(self) -> int:
        """The number of the call that runs."""
        return int(_NUMBER.unpack_from(self.memory)[0])

    @coroutine
    def follow(self, number: int, work: Coroutine[Any, Any, Any]) -> Generator[Any, Any, Any]:
        """Run a coroutine, and note its number whenever it runs rather than waits."""
        step, given = work.send, None
        while True:
            _NUMBER.pack_into(self.memory, 0, number)
            try:
                waited_for = step(given)
            except StopIteration as ended:
                return ended.value
            finally:
                _NUMBER.pack_into(self.memory, 0, 0)
            try:
                step, given = work.send, (yield waited_for)
            except BaseException as error:  # noqa: BLE001 - a cancellation too is the coroutine's own
                step, given = work.throw, error


def new_memory() -> int:
    """Return the descriptor of memory for a `RunningCall` on each side; -1 where it cannot be shared.

    It is sealed: a plugin that cuts it off would end the server.
    """
    if sys.platform != "linux":
        return -1
    descriptor = os.memfd_create("wylloh-running-call", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.ftruncate(descriptor, mmap.PAGESIZE)
    fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL)
    return descriptor
