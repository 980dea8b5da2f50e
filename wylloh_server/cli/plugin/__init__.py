"""`wylloh plugin`: write, check, install and look after plugins."""

from __future__ import annotations

import click

from wylloh_server.cli.plugin.check_command import check
from wylloh_server.cli.plugin.docs_command import docs
from wylloh_server.cli.plugin.enable_command import disable, enable
from wylloh_server.cli.plugin.install_command import install
from wylloh_server.cli.plugin.list_command import list_plugins
from wylloh_server.cli.plugin.new_command import new
from wylloh_server.cli.plugin.run_command import run


@click.group()
def command() -> None:
    """Write, check, install and look after plugins."""


for one in (new, list_plugins, enable, disable, check, install, run, docs):
    command.add_command(one)
