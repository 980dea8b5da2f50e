"""`wylloh registry`: put the contracts on a chain, let publishers in, mint tokens, look after the store."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import click

from wylloh_server.cli.options import with_settings
from wylloh_server.cli.signing import Signer, carry_out, need_chain, open_chain, with_signer
from wylloh_server.domain.errors import SettingsError
from wylloh_server.domain.types import TokenReference, wallet_of

if TYPE_CHECKING:
    from wylloh_server.adapters.chain.registry_calls import Transaction
    from wylloh_server.adapters.chain.transactions import Mined
    from wylloh_server.config import Settings
    from wylloh_server.domain.types import Wallet

_MOST_FEE = 1_000
_FEE = click.IntRange(0, _MOST_FEE)


@click.group()
def command() -> None:
    """Put the contracts on a chain, let publishers in, mint tokens, look after the store."""


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


@command.command("deploy-store")
@click.option("--owner", required=True, help="Address that sets the store's fee and coins.")
@click.option("--fee", type=_FEE, default=0, show_default=True, help="Part of every sale, in basis points.")
@click.option("--fee-receiver", default="", help="Address that gets the fee.  [default: the owner]")
@with_signer
@with_settings
def deploy_store(settings: Settings, signer: Signer, owner: str, fee: int, fee_receiver: str) -> None:
    """Create a FilmStore that sells the registry's tokens. What it prints goes into the settings.

    It sells nothing until it accepts a coin (`wylloh registry accept-coin`).
    """
    from wylloh_server.adapters.chain.store_calls import StoreFee
    from wylloh_server.adapters.chain.store_calls import deploy_store as deploying
    from wylloh_server.resources import contract_artifact

    need_chain(settings)
    first = StoreFee(wallet_of(fee_receiver or owner), fee)
    artifact, registry = contract_artifact("FilmStore"), wallet_of(settings.chain.contract)
    mined = _do(settings, signer, deploying(artifact, registry, wallet_of(owner), first))
    if mined is not None:
        click.echo(f'[chain]\nstore = "{mined.contract}"')


@command.command("deploy-splitters")
@with_signer
@with_settings
def deploy_splitters(settings: Settings, signer: Signer) -> None:
    """Create a RoyaltySplitterFactory. What it prints goes into the settings."""
    from wylloh_server.adapters.chain.store_calls import deploy_splitters as deploying
    from wylloh_server.resources import contract_artifact

    mined = _do(settings, signer, deploying(contract_artifact("RoyaltySplitterFactory")), contract=False)
    if mined is not None:
        click.echo(f'[chain]\nsplitters = "{mined.contract}"')


@command.command("accept-coin")
@click.argument("coin")
@click.option("--no-longer", is_flag=True, help="Stop all sales in this coin instead.")
@with_signer
@with_settings
def accept_coin(settings: Settings, signer: Signer, coin: str, *, no_longer: bool) -> None:
    """Let the store sell for COIN, the address of an ERC-20. Only the store's owner may."""
    from wylloh_server.adapters.chain.store_calls import accept_coin as accepting

    if _do(settings, signer, accepting(_store_of(settings), wallet_of(coin), accepted=not no_longer)):
        click.echo(f"The store {'no longer accepts' if no_longer else 'accepts'} {coin}.")


@command.command("set-fee")
@click.argument("basis_points", type=_FEE)
@click.option("--receiver", required=True, help="Address that gets the fee.")
@with_signer
@with_settings
def set_fee(settings: Settings, signer: Signer, basis_points: int, receiver: str) -> None:
    """Change the store's part of every sale, in basis points. Only the store's owner may.

    It holds at once, also for tokens that holders have put up for resale already.
    """
    from wylloh_server.adapters.chain.store_calls import StoreFee
    from wylloh_server.adapters.chain.store_calls import set_fee as setting

    fee = StoreFee(wallet_of(receiver), basis_points)
    if _do(settings, signer, setting(_store_of(settings), fee)):
        click.echo(f"The store keeps {basis_points / 100:g} % of every sale for {receiver}.")


def _store_of(settings: Settings) -> Wallet:
    need_chain(settings)
    if not settings.chain.store:
        raise SettingsError(
            "this needs a store", fix="Set chain.store; `wylloh registry deploy-store` makes one."
        )
    return wallet_of(settings.chain.store)


def _do(
    settings: Settings, signer: Signer, transaction: Transaction, *, contract: bool = True
) -> Mined | None:
    password = signer.password() if signer.keystore else ""

    async def work() -> Mined | None:
        async with open_chain(settings, contract=contract) as pool:
            return await carry_out(pool, transaction, signer, password)

    return asyncio.run(work())
