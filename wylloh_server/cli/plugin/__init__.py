"""`wylloh plugin`: write, check, install and look after plugins."""

from __future__ import annotations

import click

from wylloh_server.cli.plugin.new import new


@click.group()
def command() -> None:
    """Write, check, install and look after plugins."""


command.add_command(new)
