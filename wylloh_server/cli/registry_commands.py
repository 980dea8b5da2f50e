"""`wylloh registry`: put the contracts on a chain, let publishers in, mint tokens, look after the store."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import click

from wylloh_server.cli.wallet_signing import Signer, carry_out, need_chain, open_chain, with_signer
from wylloh_server.domain.errors import SettingsError
from wylloh_server.domain.types import TokenReference, parse_wallet
from wylloh_server.typed_address import parse_address

if TYPE_CHECKING:
    from wylloh_server.adapters.chain.registry_calls import UnsignedTransaction
    from wylloh_server.adapters.chain.transaction_sender import Mined
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
def deploy(settings: Settings, signer: Signer, admin: str) -> None:
    """Create a registry. What it prints goes into the settings of every server."""
    mined = _deploy(settings, signer, "FilmRegistry", parse_address(admin))
    if mined is not None:
        click.echo(f'[chain]\nid = {settings.chain.id}\ncontract = "{mined.contract}"')
        click.echo(f"start_block = {mined.block}")


@command.command()
@click.argument("publisher")
@with_signer
def grant(settings: Settings, signer: Signer, publisher: str) -> None:
    """Allow the account PUBLISHER to register films. Only the registry's admin can."""
    from wylloh_server.adapters.chain.registry_calls import grant_publisher

    need_chain(settings)
    transaction = grant_publisher(parse_wallet(settings.chain.contract), parse_address(publisher))
    if _do(settings, signer, transaction):
        click.echo(f"{publisher} may register films now.")


@command.command("give-admin")
@click.argument("account")
@with_signer
def give_admin(settings: Settings, signer: Signer, account: str) -> None:
    """Offer the registry's admin role to ACCOUNT, which can take it three days later. Only the admin can.

    The newest offer counts, so offering it to oneself calls an offer back.
    """
    from wylloh_server.adapters.chain.registry_calls import call_registry

    need_chain(settings)
    registry = parse_wallet(settings.chain.contract)
    offer = call_registry(registry, "beginDefaultAdminTransfer", parse_address(account))
    if _do(settings, signer, offer):
        click.echo(f"{account} can take the role in three days, with `wylloh registry take-admin`.")


@command.command("take-admin")
@with_signer
def take_admin(settings: Settings, signer: Signer) -> None:
    """Take the registry's admin role that was offered three days ago or earlier."""
    from wylloh_server.adapters.chain.registry_calls import call_registry

    need_chain(settings)
    registry = parse_wallet(settings.chain.contract)
    if _do(settings, signer, call_registry(registry, "acceptDefaultAdminTransfer")):
        click.echo("The role is yours. Whoever had it lets no publishers in any more.")


@command.command()
@click.argument("token")
@click.argument("to")
@click.argument("amount", type=click.IntRange(1))
@with_signer
def mint(settings: Settings, signer: Signer, token: str, to: str, amount: int) -> None:
    """Make AMOUNT tokens of a film for the wallet TO. Only the film's publisher may."""
    from wylloh_server.adapters.chain.registry_calls import mint as minting

    if _do(settings, signer, minting(TokenReference.parse(token), parse_address(to), amount)):
        click.echo(f"{to} holds {amount:,} more.")


@command.command("deploy-store")
@click.option("--owner", required=True, help="Address that sets the store's fee and coins.")
@click.option("--fee", type=_FEE, default=0, show_default=True, help="Part of every sale, in basis points.")
@click.option("--fee-receiver", default="", help="Address that gets the fee.  [default: the owner]")
@with_signer
def deploy_store(settings: Settings, signer: Signer, owner: str, fee: int, fee_receiver: str) -> None:
    """Create a FilmStore that sells the registry's tokens. What it prints goes into the settings.

    It sells nothing until it accepts a coin (`wylloh registry accept-coin`).
    """
    need_chain(settings)
    registry, receiver = parse_wallet(settings.chain.contract), parse_address(fee_receiver or owner)
    mined = _deploy(settings, signer, "FilmStore", registry, parse_address(owner), receiver, fee)
    if mined is not None:
        click.echo(f'[chain]\nstore = "{mined.contract}"')


@command.command("deploy-splitters")
@with_signer
def deploy_splitters(settings: Settings, signer: Signer) -> None:
    """Create a RoyaltySplitterFactory. What it prints goes into the settings."""
    mined = _deploy(settings, signer, "RoyaltySplitterFactory")
    if mined is not None:
        click.echo(f'[chain]\nsplitters = "{mined.contract}"')


@command.command("accept-coin")
@click.argument("coin")
@click.option("--no-longer", is_flag=True, help="Stop all sales in this coin instead.")
@with_signer
def accept_coin(settings: Settings, signer: Signer, coin: str, *, no_longer: bool) -> None:
    """Allow the store to sell for COIN, the address of an ERC-20. Only the store's owner can."""
    from wylloh_server.adapters.chain.registry_calls import call_store

    if _do(
        settings, signer, call_store(_store_address(settings), "setCoin", parse_address(coin), not no_longer)
    ):
        click.echo(f"The store {'no longer accepts' if no_longer else 'accepts'} {coin}.")


@command.command("set-fee")
@click.argument("basis_points", type=_FEE)
@click.option("--receiver", required=True, help="Address that gets the fee.")
@with_signer
def set_fee(settings: Settings, signer: Signer, basis_points: int, receiver: str) -> None:
    """Change the store's part of every sale, in basis points. Only the store's owner may.

    A higher one holds for later prices and listings only, a lower one at once.
    """
    from wylloh_server.adapters.chain.registry_calls import call_store

    change = call_store(_store_address(settings), "setFee", parse_address(receiver), basis_points)
    if _do(settings, signer, change):
        click.echo(f"The store keeps {basis_points / 100:g} % of every sale for {receiver}.")


def _store_address(settings: Settings) -> Wallet:
    need_chain(settings)
    if not settings.chain.store:
        raise SettingsError(
            "this needs a store", fix="Set chain.store; `wylloh registry deploy-store` makes one."
        )
    return parse_wallet(settings.chain.store)


def _deploy(settings: Settings, signer: Signer, name: str, *arguments: Any) -> Mined | None:
    from wylloh_server.adapters.chain.registry_calls import deploy
    from wylloh_server.resources import contract_artifact

    # The store sells the tokens of a registry; the others need none.
    return _do(settings, signer, deploy(contract_artifact(name), arguments), contract=name == "FilmStore")


def _do(
    settings: Settings, signer: Signer, transaction: UnsignedTransaction, *, contract: bool = True
) -> Mined | None:
    password = signer.password() if signer.keystore else ""

    async def work() -> Mined | None:
        async with open_chain(settings, contract=contract) as pool:
            return await carry_out(pool, transaction, signer, password)

    return asyncio.run(work())
