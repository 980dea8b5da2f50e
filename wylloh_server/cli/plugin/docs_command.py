"""`wylloh plugin docs`: the documentation for authors of plugins, as this server is."""

from __future__ import annotations

import click


@click.command()
def docs() -> None:
    """Print the documentation for authors of plugins: every hook, type, fixture, slot and setting."""
    from wylloh_server.cli.plugin.reference import reference

    click.echo_via_pager(reference())
