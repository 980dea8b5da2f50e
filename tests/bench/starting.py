"""A server that has been used before: from the command line to its first answer, and what it holds at rest."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from demo.child_processes import Child, child
from demo.demo_servers import answers
from tests.bench.figures import Figure
from tests.bench.servers import resident_megabytes, wait_until_quiet, write_settings, wylloh
from tests.bench.bench_environment import BenchEnvironment
from tests.bench.turns import in_turns

_LIBRARIES = ["aiohttp", "web3", "sqlalchemy"]
_IMPORTED = re.compile(r"^import time:\s+\d+ \|\s+\d+ \|\s+([\w.]+)$", re.MULTILINE)
_IMPORTS = r"""
import contextlib, importlib, sys
for name in sys.stdin.read().split():
    with contextlib.suppress(ImportError):
        importlib.import_module(name)
status = open("/proc/self/status").read()
print(status.partition("VmRSS:")[2].split()[0])
"""
"""Imports the modules named on stdin, then prints the resident memory in kB."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What starting a program takes: seconds, and resident memory in MB of 10⁶ bytes."""

    seconds: float
    megabytes: float


def measure(bench_environment: BenchEnvironment) -> list[Figure]:
    """Measure the start beside its imports and three large libraries, and the memory beside those libraries."""
    folder = bench_environment.folder / "starting"
    folder.mkdir()
    settings = write_settings(folder, bench_environment.port)
    with wylloh(settings, bench_environment.port):  # makes the database
        pass
    command = ["-m", "wylloh_server", "serve", "--config", str(settings)]
    imported = _imported(folder, command, bench_environment.port)
    ours, libraries, imports = in_turns(
        bench_environment.scale.rounds,
        lambda: _start(bench_environment, folder, command),
        lambda: _import(_LIBRARIES),
        lambda: _import(imported),
    )
    name, floor = "wylloh serve to its first answer", f"python -c 'import {', '.join(_LIBRARIES)}'"
    alone = "importing the same modules alone"
    return [
        Figure(name, "s", "less", floor, _seconds(ours), _seconds(libraries)),
        Figure(f"{name}, beside its imports", "s", "less", alone, _seconds(ours), _seconds(imports)),
        Figure("Resident memory at rest", "MB", "less", floor, _megabytes(ours), _megabytes(libraries)),
    ]


def _seconds(costs: Iterable[Cost]) -> tuple[float, ...]:
    return tuple(cost.seconds for cost in costs)


def _megabytes(costs: Iterable[Cost]) -> tuple[float, ...]:
    return tuple(cost.megabytes for cost in costs)


def _start(bench_environment: BenchEnvironment, folder: Path, command: Sequence[str]) -> Cost:
    """Start the server, and look at its memory when it has nothing more to do."""
    begun = time.perf_counter()
    with _answering(folder, command, bench_environment.port) as running:
        taken = time.perf_counter() - begun
        wait_until_quiet(running, bench_environment.scale.settle_seconds)
        return Cost(taken, resident_megabytes(running))


def _imported(folder: Path, command: Sequence[str], port: int) -> list[str]:
    """Return the names of all modules that a server has imported when it first answers, in their order."""
    with _answering(folder, ["-X", "importtime", *command], port) as running:
        return _IMPORTED.findall(running.said())


@contextmanager
def _answering(folder: Path, command: Sequence[str], port: int) -> Iterator[Child]:
    """Run Python with a server that answers when the context begins."""
    with child("server", [sys.executable, *command], folder / "server.log") as running:
        while not answers(f"http://127.0.0.1:{port}/livez"):
            running.check()
            time.sleep(0.01)
        yield running


def _import(modules: Sequence[str]) -> Cost:
    """Import modules in a Python of their own."""
    command = [sys.executable, "-c", _IMPORTS]
    names, begun = "\n".join(modules), time.perf_counter()
    done = subprocess.run(command, input=names, check=True, capture_output=True, text=True)
    return Cost(time.perf_counter() - begun, int(done.stdout) * 1024 / 1e6)
