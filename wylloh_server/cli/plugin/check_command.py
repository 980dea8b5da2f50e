"""`wylloh plugin check`: say what is wrong with a plugin, before a server finds out."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import click

from wylloh_server.cli.plugin.plugin_findings import BY_NAME, PluginFinding
from wylloh_server.cli.plugin.trial_data import prepare_trial_data
from wylloh_server.passphrase import environment_without_settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wylloh_server.config import Settings

_SECONDS = 90
"""How long a plugin may take to be looked at, in all."""


@click.command()
@click.argument("path", type=click.Path(exists=True, path_type=Path))
@click.option("-v", "--verbose", is_flag=True, help="Show the traceback of what is wrong.")
def check(path: Path, *, verbose: bool) -> None:
    """Load the plugin in a folder, start it on an empty database, and read its templates."""
    found = examine(str(path.absolute()))
    show(found, verbose=verbose)
    if not all(finding.ok for finding in found):
        sys.exit(1)


def show(found: Sequence[PluginFinding], *, verbose: bool = False) -> None:
    """Write findings to the terminal, and what to do about those that are wrong; tracebacks if `verbose`."""
    for finding in found:
        click.echo(f"{'✓' if finding.ok else '!'} {finding.sentence}")
        if not finding.ok:
            click.echo(f"  {finding.fix}")
        if verbose and finding.traceback:
            click.echo(textwrap.indent(finding.traceback.rstrip(), "    "))


def examine(
    target: str, python: str = sys.executable, seconds: float = _SECONDS, settings: Settings | None = None
) -> tuple[PluginFinding, ...]:
    """Look at a plugin with a Python of its own, so that nothing it does can touch this process.

    Args:
        target: its folder, or `name:` and the name of a plugin installed there.
        python: the Python to use.
        seconds: how long it may take.
        settings: of the server whose tables and settings of the plugin it is tried on, as copies.

    Raises:
        PluginError: the tables cannot be copied.
    """
    with tempfile.TemporaryDirectory() as folder:
        results, data = Path(folder) / "findings.jsonl", Path(folder) / "data"
        data.mkdir(mode=0o700)
        if settings:
            prepare_trial_data(settings, target.removeprefix(BY_NAME), data)
        command = [python, "-m", "wylloh_server.cli.plugin.plugin_trial", str(results), target, str(data)]
        ended = _run(command, seconds)
        lines = results.read_text(encoding="utf-8").splitlines() if results.exists() else []
    found = tuple(PluginFinding(**json.loads(line)) for line in lines)
    return (*found, ended) if ended else found


def _run(command: list[str], seconds: float) -> PluginFinding | None:
    """Run it to its end; give what was wrong with that end."""
    # Settings of the server in the environment must not lead to the server's own data.
    try:
        done = subprocess.run(  # noqa: S603 - our own module, and a path as its argument
            command,
            env=environment_without_settings(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return PluginFinding(f"It did not come back within {seconds:g} s.", fix="Find what hangs.")
    if done.returncode:
        said = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        return PluginFinding(f"It ended the process: {said}.", "Find what exits the process.", done.stderr)
    return None
