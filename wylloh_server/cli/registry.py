"""`wylloh registry`: put a FilmRegistry on a chain, let publishers in, and mint tokens."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import click

from wylloh_server.cli.options import with_settings
from wylloh_server.cli.signing import Signer, carry_out, need_chain, open_chain, with_signer
from wylloh_server.domain.types import TokenReference, wallet_of

if TYPE_CHECKING:
    from wylloh_server.adapters.chain.registry_calls import Transaction
    from wylloh_server.adapters.chain.transactions import Mined
    from wylloh_server.config import Settings


@click.group()
def command() -> None:
    """Put a FilmRegistry on a chain, let publishers in, and mint tokens."""


@command.command()
@click.option("--admin", required=True, help="Address that lets publishers in, and is the first of them.")
@with_signer
@with_settings
def deploy(settings: Settings, signer: Signer, admin: str) -> None:
    """Create a registry. What it prints goes into the settings of every server."""
    from wylloh_server.adapters.chain.registry_calls import deploy_registry
    from wylloh_server.resources import contract_artifact

    transaction = deploy_registry(contract_artifact("FilmRegistry"), wallet_of(admin))
    mined = _do(settings, signer, transaction, contract=False)
    if mined is not None:
        click.echo(f'[chain]\nid = {settings.chain.id}\ncontract = "{mined.contract}"')
        click.echo(f"start_block = {mined.block}")


@command.command()
@click.argument("publisher")
@with_signer
@with_settings
def grant(settings: Settings, signer: Signer, publisher: str) -> None:
    """Let the account PUBLISHER register films. Only the registry's admin may."""
    from wylloh_server.adapters.chain.registry_calls import grant_publisher

    need_chain(settings)
    transaction = grant_publisher(wallet_of(settings.chain.contract), wallet_of(publisher))
    if _do(settings, signer, transaction):
        click.echo(f"{publisher} may register films now.")


@command.command()
@click.argument("token")
@click.argument("to")
@click.argument("amount", type=click.IntRange(1))
@with_signer
@with_settings
def mint(settings: Settings, signer: Signer, token: str, to: str, amount: int) -> None:
    """Make AMOUNT tokens of a film for the wallet TO. Only the film's publisher may."""
    from wylloh_server.adapters.chain.registry_calls import mint as minting

    if _do(settings, signer, minting(TokenReference.parse(token), wallet_of(to), amount)):
        click.echo(f"{to} holds {amount:,} more.")


def _do(
    settings: Settings, signer: Signer, transaction: Transaction, *, contract: bool = True
) -> Mined | None:
    password = signer.password() if signer.keystore else ""

    async def work() -> Mined | None:
        async with open_chain(settings, contract=contract) as pool:
            return await carry_out(pool, transaction, signer, password)

    return asyncio.run(work())
