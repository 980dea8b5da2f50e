"""`wylloh doctor`: what the server needs, checked, a line each, with the fix."""

from __future__ import annotations

import asyncio
import logging
import sys
from typing import TYPE_CHECKING

import click

from wylloh_server.cli.settings_option import with_settings

if TYPE_CHECKING:
    from wylloh_server.config import Settings


@click.command()
@with_settings
def command(settings: Settings) -> None:
    """Check ffmpeg, its sandbox, chain, gateways, clock, disk, folders, films, keys, backup and address."""
    logging.disable(logging.WARNING)  # what is wrong is said below, once, with its fix
    from wylloh_server.app import check_everything

    checks = asyncio.run(check_everything(settings))
    width = max(len(check.name) for check in checks)
    for check in checks:
        mark = click.style("ok  ", fg="green") if check.ok else click.style("FIX ", fg="red", bold=True)
        advice = f" → {check.fix}" if check.fix else ""
        click.echo(f"{mark}{check.name:<{width}}  {check.sentence}{advice}")
    sys.exit(0 if all(check.ok for check in checks) else 1)
