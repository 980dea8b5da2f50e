"""`wylloh owner`: who owns this server; hand it over, or take it back when the owner's wallet is lost.

Whoever may run commands on the machine may do what they like with the server anyway. A running server
follows at once.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import click

from wylloh_server.cli.settings_option import with_settings
from wylloh_server.domain.errors import InvalidValue, NotFound
from wylloh_server.typed_address import parse_address

if TYPE_CHECKING:
    from wylloh_server.config import Settings
    from wylloh_server.domain.types import Wallet


@click.group()
def command() -> None:
    """Show who owns this server, or make another wallet its owner."""


@command.command()
@with_settings
def show(settings: Settings) -> None:
    """Print the wallet that owns this server."""
    click.echo(asyncio.run(_owner(settings)))


@command.command()
@click.argument("wallet")
@click.option(
    "--remove-former",
    is_flag=True,
    help="Remove the former owner, with its drafts; else it becomes an admin.",
)
@with_settings
def transfer(settings: Settings, wallet: str, *, remove_former: bool) -> None:
    """Make WALLET the owner. The former owner is signed out everywhere.

    This needs no signature: it is for an owner whose wallet is lost or stolen, too.
    """
    new = parse_address(wallet)
    former = asyncio.run(_transfer(settings, new, remove_former=remove_former))
    click.echo(f"{new} owns this server. {former} {'is removed' if remove_former else 'is an admin now'}.")


async def _owner(settings: Settings) -> Wallet:
    from wylloh_server.storage import open_database

    _check_begun(settings)
    async with open_database(settings.database_url) as database:
        owner = await database.storage.accounts.owner()
    if owner is None:
        raise _nobody()
    return owner


async def _transfer(settings: Settings, new: Wallet, *, remove_former: bool) -> Wallet:
    from wylloh_server.app.commands import remove_account
    from wylloh_server.storage import open_database

    _check_begun(settings)
    async with open_database(settings.database_url) as database:
        accounts, sessions = database.storage.accounts, database.storage.sessions
        former = await accounts.owner()
        if former is None:
            raise _nobody()
        if former == new:
            raise InvalidValue(f"{new} owns this server already", fix="Name another wallet.")
        await accounts.transfer(former, new)
        await sessions.remove_of(former)
        if remove_former:
            await remove_account(settings, database.storage, former)
    return former


def _check_begun(settings: Settings) -> None:
    """Raise NotFound where no server has run yet: looking must make no database."""
    from wylloh_server.storage.engine import sqlite_file

    file = sqlite_file(settings.database_url)
    if file is not None and not file.exists():
        raise _nobody()


def _nobody() -> NotFound:
    return NotFound("nobody owns this server yet", fix="Start it and type the claim code that it prints.")
