"""`wylloh plugin`: write, check, install and look after plugins."""

from __future__ import annotations

import click


@click.group()
def command() -> None:
    """Write, check, install and look after plugins."""
