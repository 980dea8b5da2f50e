"""A publisher's tokens on first sale: put there, new or out of the publisher's wallet, and taken back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wylloh_server.sdk import AccessRefused, InvalidValue, Proposal, short_address
from wylloh_store.messages import tokens
from wylloh_store.resale import PERMITTING, permission_steps
from wylloh_store.sale_errors import PUBLISHING
from wylloh_store.store_contract import StoreContract
from wylloh_store.sync import TOPIC, index_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wylloh_server.sdk import ContractCall, Film, PluginContext, Viewer, Wallet
    from wylloh_store.offer import FilmMarket


def published_market(context: PluginContext, viewer: Viewer, film: Film) -> FilmMarket:
    """Return the market of a film of the viewer's own.

    Raises:
        InvalidValue: its registration was not read yet.
        AccessRefused: somebody else has registered it.
    """
    market = index_of(context).market(film)
    if market is None or market.publisher is None:
        raise InvalidValue(
            "This server has not read the film's registration yet.", fix="Try again in a minute."
        )
    if market.publisher != viewer.wallet:
        raise AccessRefused(
            f"Only {short_address(market.publisher)}, who registered {film.title}, sets its prices.",
            fix="Sign in with that wallet.",
        )
    return market


async def propose_stock(
    context: PluginContext, viewer: Viewer, film: Film, recipe: Mapping[str, str]
) -> Proposal:
    """Propose to put tokens on sale: `way` is `own` for such as the viewer holds, else they are made.

    Raises:
        InvalidValue: the wallet holds too few, or so many cannot be made.
        AccessRefused: the viewer is not the publisher.
    """
    contract, market = StoreContract(context), published_market(context, viewer, film)
    quantity = int(recipe["quantity"])
    await contract.check_release()
    if recipe["way"] == "own":
        return await _from_own(viewer, contract, film, market, quantity)
    return _minted(contract, film, market, quantity)


async def propose_stock_withdrawal(
    context: PluginContext, viewer: Viewer, film: Film, recipe: Mapping[str, str]
) -> Proposal:
    """Propose to take unsold tokens back.

    Raises:
        InvalidValue: the store does not have so many.
        AccessRefused: the viewer is not the publisher.
    """
    contract, market = StoreContract(context), published_market(context, viewer, film)
    quantity, left = int(recipe["quantity"]), await contract.stock(market.token)
    if quantity > left:
        raise InvalidValue(
            f"{tokens(left)} {'lies' if left == 1 else 'lie'} in the store.", fix="Take fewer."
        )
    summary = f"Take {tokens(quantity)} of {film.title} out of the store."
    call = contract.store.call(
        "withdrawStock", market.token.token_id, quantity, viewer.wallet, summary=summary
    )
    sentence = f"{tokens(quantity)} of {film.title} come into your wallet; {left - quantity:,} stay on sale."
    functions = ("FilmStore.withdrawStock",)
    return publisher_proposal(film, "Take unsold tokens back", (sentence,), (call,), functions=functions)


def publisher_proposal(
    film: Film,
    title: str,
    explanation: tuple[str, ...],
    steps: tuple[ContractCall, ...],
    *,
    functions: tuple[str, ...],
    spends: Mapping[Wallet, int] | None = None,
) -> Proposal:
    """Return a proposal that leads back to the film's page of prices."""
    return Proposal(
        title=f"{title}: {film.title}",
        explanation=explanation,
        steps=steps,
        done=f"{title}: done.",
        refusals=PUBLISHING,
        topics=(f"film:{film.id}", TOPIC),
        back=f"/plugins/store/film/{film.id}/prices",
        spends=spends or {},
        functions=functions,
    )


async def _from_own(
    viewer: Viewer, contract: StoreContract, film: Film, market: FilmMarket, quantity: int
) -> Proposal:
    held = await contract.holding(viewer.wallet, market.token)
    if held < quantity:
        raise InvalidValue(f"You hold {tokens(held)}.", fix="Put fewer on sale, or make new ones.")
    summary = f"Put {tokens(quantity)} of {film.title} on sale."
    call = contract.store.call("stock", market.token.token_id, quantity, summary=summary)
    sentence = (
        f"{tokens(quantity)} of {film.title} go from your wallet into the store, to be sold at your price."
    )
    steps = (*await permission_steps(viewer, contract), call)
    spends = {contract.registry.address: quantity}
    functions = (PERMITTING, "FilmStore.stock")
    return publisher_proposal(
        film, "Put tokens on sale", (sentence,), steps, functions=functions, spends=spends
    )


def _minted(contract: StoreContract, film: Film, market: FilmMarket, quantity: int) -> Proposal:
    room, most = market.max_supply - market.minted, market.max_supply
    if quantity > room:
        raise InvalidValue(
            f"{tokens(room)} can still be made: there are {market.minted:,} of at most {most:,}.",
            fix="Make fewer.",
        )
    summary = f"Make {tokens(quantity)} of {film.title} and put them on sale."
    call = contract.registry.call(
        "mint", contract.store.address, market.token.token_id, quantity, summary=summary
    )
    sentence = (
        f"{tokens(quantity)} of {film.title} are made and lie in the store, to be sold at your price. "
        f"There will be {market.minted + quantity:,} of at most {most:,}."
    )
    spends = {contract.registry.address: quantity}
    functions = ("FilmRegistry.mint",)
    return publisher_proposal(
        film, "Put new tokens on sale", (sentence,), (call,), functions=functions, spends=spends
    )
