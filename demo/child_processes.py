"""Child processes of the demo: started with a log file each, ended in reverse order, never left behind."""

from __future__ import annotations

import ctypes
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from wylloh_server.domain.errors import WyllohError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

_STOP_SECONDS = 10.0
"""Longer than a server takes to stop in any case."""
_ALL_STOP_SECONDS = 6.0
"""For all children together once the demo itself is told to stop."""
_LEAST_STOP_SECONDS = 0.8
_PR_SET_PDEATHSIG = 1


class StopDeadline:
    """When all children must have ended; each has its own time until the demo is told to stop."""

    def __init__(self) -> None:
        self._moment: float | None = None

    def begin(self) -> None:
        """Count from now on, unless it counts already."""
        if self._moment is None:
            self._moment = time.monotonic() + _ALL_STOP_SECONDS

    @property
    def seconds(self) -> float:
        """How long to wait for the next child."""
        if self._moment is None:
            return _STOP_SECONDS
        return max(_LEAST_STOP_SECONDS, self._moment - time.monotonic())


STOP_DEADLINE = StopDeadline()
"""Of this process."""


class Child:
    """A running program and the file with what it says."""

    def __init__(self, name: str, process: subprocess.Popen[bytes], log: Path) -> None:
        self.name = name
        self.log = log
        self._process = process

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def ask_to_stop(self) -> None:
        """Ask it to stop, without waiting: several stop side by side."""
        if self._process.poll() is None:
            self._process.terminate()

    def check(self) -> None:
        """Make sure that it still runs.

        Raises:
            WyllohError: it has ended; the message carries its last lines of stderr.
        """
        if self._process.poll() is not None:
            words = self.said().strip().splitlines()[-5:]
            raise WyllohError(f"the {self.name} has stopped: " + " ".join(words), fix=f"Read {self.log}.")

    def said(self) -> str:
        """Return all it has said in this run."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def wait_for(self, ready: Callable[[], object], seconds: float) -> None:
        """Wait until `ready` gives something true.

        Raises:
            WyllohError: it ended, or it took too long.
        """
        deadline = time.monotonic() + seconds
        while True:
            ended = self._process.poll() is not None  # asked first: what it did last may be what counts
            if ready():
                return
            if ended:
                self.check()
            if time.monotonic() > deadline:
                raise WyllohError(
                    f"the {self.name} took longer than {seconds:.0f} s", fix=f"Read {self.log}."
                )
            time.sleep(0.1)


@contextmanager
def child(
    name: str, command: Sequence[str], log: Path, *, stop: signal.Signals = signal.SIGTERM
) -> Iterator[Child]:
    """Run a program until the context ends; `stop` asks it to end, and after ten seconds it is killed.

    Where the demo itself was told to stop, all children have six seconds together.
    """
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - programs of our own choice, no shell
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=_die_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509 - one thread here
        )
    try:
        yield Child(name, process, log)
    finally:
        _end(process, stop)


def _end(process: subprocess.Popen[bytes], stop: signal.Signals) -> None:
    process.send_signal(stop)
    try:
        process.wait(STOP_DEADLINE.seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _die_with_parent() -> None:
    """Ask Linux to end the child when the demo itself is killed."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
