"""Runs a Node.js script that serves on loopback and prints its address as its first line."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Timer

_START_SECONDS = 60


@contextmanager
def node_server(node: Path, project: Path, script: str, *arguments: str) -> Iterator[str]:
    """Give the address that `script` of a folder of tests/node prints; the process ends with the context."""
    with tempfile.TemporaryFile("w+") as complaints:
        process = subprocess.Popen(
            [node, script, *arguments], cwd=project, stdout=subprocess.PIPE, stderr=complaints, text=True
        )
        try:
            yield _first_line(process, complaints)
        finally:
            process.kill()
            process.wait()
            process.stdout.close()


def _first_line(process: subprocess.Popen[str], complaints) -> str:
    too_late = Timer(_START_SECONDS, process.kill)
    too_late.start()
    try:
        line = process.stdout.readline().strip()
    finally:
        too_late.cancel()
    if not line:
        process.wait()
        complaints.seek(0)
        raise RuntimeError(f"{process.args} did not start: {complaints.read()[-2000:]}")
    return line
