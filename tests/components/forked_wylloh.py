"""Runs the command `wylloh` in processes forked from one that has imported the product already.

Each is a process of its own, with its own environment, files, signals and exit code; what it saves is the second
or two in which Python reads modules. What is about starting itself (imports, memory) runs the command anew, see
`server.WYLLOH`.
"""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import signal
    from collections.abc import Mapping, Sequence

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["tests.components.imported_wylloh"])


class ForkedWylloh:
    """A running command, with the methods of `subprocess.Popen` that tests use."""

    def __init__(self, words: Sequence[str], *, out: Path, err: Path, env: Mapping[str, str]) -> None:
        """Start it; what it prints is appended to the files `out` and `err`."""
        out.touch()
        err.touch()
        arguments = (list(words), str(out), str(err), dict(env), os.getcwd())
        self._words = words
        self._process = _CONTEXT.Process(target=_run, args=arguments)
        self._process.start()

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """The exit code, the negative number of the signal that ended it, or None while it runs."""
        return self._process.exitcode

    def poll(self) -> int | None:
        """As `returncode`."""
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end; gives the exit code. Raises subprocess.TimeoutExpired."""
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired(self._words, timeout)
        return self._process.exitcode

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal, unless the process has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()


def run_forked(
    words: Sequence[str], *, env: Mapping[str, str], timeout: float
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end. Raises subprocess.TimeoutExpired."""
    with tempfile.TemporaryDirectory(prefix="wylloh-said-") as folder:
        out, err = Path(folder, "out"), Path(folder, "err")
        process = ForkedWylloh(words, out=out, err=err, env=env)
        try:
            code = process.wait(timeout)
        finally:
            process.kill()
        return subprocess.CompletedProcess(words, code, out.read_text(), err.read_text())


def _run(words: list[str], out: str, err: str, env: dict[str, str], folder: str) -> None:
    os.environ.clear()
    os.environ.update(env)
    os.chdir(folder)
    for number, file in enumerate((os.devnull, out, err)):
        opened = os.open(file, (os.O_WRONLY | os.O_CREAT | os.O_APPEND) if number else os.O_RDONLY, 0o600)
        os.dup2(opened, number)
        os.close(opened)
    sys.argv = ["wylloh", *words]
    from wylloh_server.cli import main

    main(prog_name="wylloh")
