"""`wylloh plugin list`: which plugins there are, and how they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from wylloh_server.cli.plugin.known_plugins import keep_quiet
from wylloh_server.cli.settings_option import with_settings

if TYPE_CHECKING:
    from wylloh_server.config import Settings
    from wylloh_server.plugins import PluginRecord


@click.command("list")
@with_settings
def list_plugins(settings: Settings) -> None:
    """Show every plugin: name, version, status, SDK, and what is wrong with it. Asks a server that runs."""
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
        for sentence in (record.reason, *record.troubles()):
            if sentence:
                click.echo(f"{'':{width}}  {sentence}")


def _facts(record: PluginRecord) -> str:
    # Without a server nothing has been started: what could be loaded is ready to run.
    status = "ready" if record.status == "loaded" else str(record.status)
    sdk = f"SDK {record.sdk}" if record.sdk else ""
    return f"{record.version or '-':<10}  {status:<8}  {sdk}"
