"""`wylloh plugin check`: say what is wrong with a plugin, before a server finds out."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click

from wylloh_server.cli.plugin._findings import Finding

if TYPE_CHECKING:
    from collections.abc import Sequence

_SECONDS = 90
"""How long a plugin may take to be looked at, in all."""


@click.command()
@click.argument("path", type=click.Path(exists=True, path_type=Path))
def check(path: Path) -> None:
    """Load the plugin in a folder, start it on an empty database, and read its templates."""
    found = examine(str(path.absolute()))
    show(found)
    if not all(finding.ok for finding in found):
        sys.exit(1)


def show(found: Sequence[Finding]) -> None:
    """Write findings to the terminal, and what to do about those that are wrong."""
    for finding in found:
        click.echo(f"{'✓' if finding.ok else '!'} {finding.says}")
        if not finding.ok:
            click.echo(f"  {finding.fix}")


def examine(target: str, python: str = sys.executable, seconds: float = _SECONDS) -> tuple[Finding, ...]:
    """Look at a plugin with a Python of its own, so that nothing it does can touch this process.

    Args:
        target: its folder, or `name:` and the name of a plugin installed there.
        python: the Python to use.
        seconds: how long it may take.
    """
    with tempfile.TemporaryDirectory() as folder:
        results = Path(folder) / "findings.jsonl"
        command = [python, "-m", "wylloh_server.cli.plugin._trial", str(results), target]
        ended = _run(command, seconds)
        lines = results.read_text(encoding="utf-8").splitlines() if results.exists() else []
    found = tuple(Finding(**json.loads(line)) for line in lines)
    return (*found, ended) if ended else found


def _run(command: list[str], seconds: float) -> Finding | None:
    """Run it to its end; give what was wrong with that end."""
    # Settings of the server in the environment must not lead to the server's own data.
    clean = {name: value for name, value in os.environ.items() if not name.startswith("WYLLOH_")}
    try:
        done = subprocess.run(  # noqa: S603 - our own module, and a path as its argument
            command,
            env=clean,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Finding(ok=False, says=f"It did not come back within {seconds:g} s.", fix="Find what hangs.")
    if done.returncode:
        said = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        return Finding(ok=False, says=f"It ended the process: {said}.", fix="Find what ends Python.")
    return None
