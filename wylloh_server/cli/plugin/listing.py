"""`wylloh plugin list`: which plugins there are, and how they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from wylloh_server.cli.options import with_settings
from wylloh_server.cli.plugin._known import keep_quiet

if TYPE_CHECKING:
    from wylloh_server.config import Settings
    from wylloh_server.hooks import PluginRecord


@click.command("list")
@with_settings
def list_plugins(settings: Settings) -> None:
    """Show every plugin: name, version, status, SDK, and why it does not run. Asks a server that runs."""
    from wylloh_server.app import noted, plugin_registry

    keep_quiet()
    records = noted(settings)
    if records is None:
        records = plugin_registry(settings).records()
    if not records:
        click.echo("No plugin is here. The server is complete without any.")
    width = max((len(record.name) for record in records), default=0)
    for record in records:
        click.echo(f"{record.name:<{width}}  {_facts(record)}".rstrip())
        if record.reason:
            click.echo(f"{'':{width}}  {record.reason}")


def _facts(record: PluginRecord) -> str:
    # Without a server nothing has been started: what could be loaded is ready to run.
    status = "ready" if record.status == "loaded" else str(record.status)
    sdk = f"SDK {record.sdk}" if record.sdk else ""
    return f"{record.version or '-':<10}  {status:<8}  {sdk}"
