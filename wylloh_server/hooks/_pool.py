"""Threads for `asyncio.to_thread` in plugins, which nobody waits for at the end."""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

_Given = ParamSpec("_Given")
_Result = TypeVar("_Result")
_Job = tuple["Future[Any]", "Callable[[], Any]"]


class DaemonPool(ThreadPoolExecutor):
    """A pool whose threads end with the process, whatever they are doing.

    For those of an ordinary pool Python waits when the process ends. An event loop takes no executor that
    is not derived from `ThreadPoolExecutor`; nothing else of it is used.
    """

    def __init__(self, name: str, most: int = 8) -> None:
        super().__init__(max_workers=1)
        self._name = name
        self._most = most
        self._begun = 0
        self._resting = threading.Semaphore(0)
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()

    def submit(
        self, fn: Callable[_Given, _Result], /, *args: _Given.args, **kwargs: _Given.kwargs
    ) -> Future[_Result]:
        """Have a function called in one of the threads."""
        future: Future[_Result] = Future()
        self._jobs.put((future, partial(fn, *args, **kwargs)))
        if not self._resting.acquire(blocking=False) and self._begun < self._most:
            self._begun += 1
            threading.Thread(target=self._serve, name=f"plugin {self._name} pool", daemon=True).start()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Let each thread end after the job it is doing. Waits for none."""
        del wait, cancel_futures
        for _ in range(self._begun):
            self._jobs.put(None)

    def _serve(self) -> None:
        while (job := self._jobs.get()) is not None:
            future, call = job
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(call())
                except BaseException as error:  # noqa: BLE001 - handed to whoever waits
                    future.set_exception(error)
            self._resting.release()
