"""A publisher's tokens on first sale: put there, new or out of the publisher's wallet, and taken back."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from wylloh_server.sdk import AccessRefused, ContractCall, InvalidValue, Proposal, shortened
from wylloh_store.keeper import TOPIC, shop_of
from wylloh_store.market import Market
from wylloh_store.refusals import PUBLISHING
from wylloh_store.selling import permission_steps
from wylloh_store.words import tokens

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wylloh_server.sdk import Film, PluginContext, Viewer
    from wylloh_store.goods import Goods

STOCK, WITHDRAW = "stock", "withdraw"
"""What putting tokens on sale, and taking them back, are called in a recipe."""


def published_goods(context: PluginContext, viewer: Viewer, film: Film) -> Goods:
    """Give what the chain says about a film of the viewer's own.

    Raises:
        InvalidValue: its registration was not read yet.
        AccessRefused: somebody else has registered it.
    """
    goods = shop_of(context).goods(film)
    if goods is None or goods.publisher is None:
        raise InvalidValue(
            "This server has not read the film's registration yet.", fix="Try again in a minute."
        )
    if goods.publisher != viewer.wallet:
        raise AccessRefused(
            f"Only {shortened(goods.publisher)}, who registered {film.title}, sets its prices.",
            fix="Sign in with that wallet.",
        )
    return goods


async def stocked(context: PluginContext, viewer: Viewer, film: Film, quantity: int, way: str) -> Proposal:
    """Propose to put tokens on sale: `way` is `own` for such as the viewer holds, else they are made.

    Raises:
        InvalidValue: the wallet holds too few, or so many cannot be made.
        AccessRefused: the viewer is not the publisher.
    """
    market, goods = Market(context), published_goods(context, viewer, film)
    if way == "own":
        proposal = await _from_own(viewer, market, film, goods, quantity)
    else:
        proposal = _minted(market, film, goods, quantity)
    return replace(proposal, recipe={"do": STOCK, "film": film.id, "quantity": str(quantity), "way": way})


async def withdrawn(context: PluginContext, viewer: Viewer, film: Film, quantity: int) -> Proposal:
    """Propose to take unsold tokens back.

    Raises:
        InvalidValue: the store does not have so many.
        AccessRefused: the viewer is not the publisher.
    """
    market, goods = Market(context), published_goods(context, viewer, film)
    left = await market.stock(goods.token)
    if quantity > left:
        raise InvalidValue(
            f"{tokens(left)} {'lies' if left == 1 else 'lie'} in the store.", fix="Take fewer."
        )
    call = ContractCall(
        market.store,
        "withdrawStock(uint256,uint256,address)",
        (goods.token.token_id, quantity, viewer.wallet),
        says=f"Take {tokens(quantity)} of {film.title} out of the store.",
    )
    sentence = f"{tokens(quantity)} of {film.title} come into your wallet; {left - quantity:,} stay on sale."
    proposal = publisher_proposal(film, "Take unsold tokens back", (sentence,), (call,))
    return replace(proposal, recipe={"do": WITHDRAW, "film": film.id, "quantity": str(quantity)})


async def renewed_stock(
    context: PluginContext, viewer: Viewer, film: Film, recipe: Mapping[str, str]
) -> Proposal:
    """Propose anew to put tokens on sale. Raises as `stocked`."""
    return await stocked(context, viewer, film, int(recipe["quantity"]), recipe["way"])


async def renewed_withdrawal_of_stock(
    context: PluginContext, viewer: Viewer, film: Film, recipe: Mapping[str, str]
) -> Proposal:
    """Propose anew to take unsold tokens back. Raises as `withdrawn`."""
    return await withdrawn(context, viewer, film, int(recipe["quantity"]))


def publisher_proposal(
    film: Film, title: str, explanation: tuple[str, ...], steps: tuple[ContractCall, ...]
) -> Proposal:
    """Make a proposal that leads back to the film's page of prices."""
    return Proposal(
        title=f"{title}: {film.title}",
        explanation=explanation,
        steps=steps,
        done=f"{title}: done.",
        refusals=PUBLISHING,
        topics=(f"film:{film.id}", TOPIC),
        back=f"/plugins/store/film/{film.id}/prices",
    )


async def _from_own(viewer: Viewer, market: Market, film: Film, goods: Goods, quantity: int) -> Proposal:
    held = await market.holding(viewer.wallet, goods.token)
    if held < quantity:
        raise InvalidValue(f"You hold {tokens(held)}.", fix="Put fewer on sale, or make new ones.")
    says = f"Put {tokens(quantity)} of {film.title} on sale."
    call = ContractCall(market.store, "stock(uint256,uint256)", (goods.token.token_id, quantity), says=says)
    sentence = (
        f"{tokens(quantity)} of {film.title} go from your wallet into the store, to be sold at your price."
    )
    steps = (*await permission_steps(viewer, market), call)
    return publisher_proposal(film, "Put tokens on sale", (sentence,), steps)


def _minted(market: Market, film: Film, goods: Goods, quantity: int) -> Proposal:
    room = goods.max_supply - goods.minted
    if quantity > room:
        raise InvalidValue(
            f"{tokens(room)} can still be made: there are {goods.minted:,} of at most {goods.max_supply:,}.",
            fix="Make fewer.",
        )
    says = f"Make {tokens(quantity)} of {film.title} and put them on sale."
    call = ContractCall(
        market.registry,
        "mint(address,uint256,uint256)",
        (market.store, goods.token.token_id, quantity),
        says=says,
    )
    sentence = (
        f"{tokens(quantity)} of {film.title} are made and lie in the store, to be sold at your price. "
        f"There will be {goods.minted + quantity:,} of at most {goods.max_supply:,}."
    )
    return publisher_proposal(film, "Put new tokens on sale", (sentence,), (call,))
