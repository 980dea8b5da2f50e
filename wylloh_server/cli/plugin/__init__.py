"""`wylloh plugin`: write, check, install and look after plugins."""

from __future__ import annotations

import click

from wylloh_server.cli.plugin.check import check
from wylloh_server.cli.plugin.install import install
from wylloh_server.cli.plugin.listing import list_plugins
from wylloh_server.cli.plugin.new import new
from wylloh_server.cli.plugin.run import run
from wylloh_server.cli.plugin.switch import disable, enable


@click.group()
def command() -> None:
    """Write, check, install and look after plugins."""


for one in (new, list_plugins, enable, disable, check, install, run):
    command.add_command(one)
