"""Buying: what it costs and gives is said in sentences, then the viewer's own wallet is asked."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wylloh_server.sdk import ContractCall, InvalidValue, Proposal, SignaturePart, Stack, shortened
from wylloh_store.amounts import percent
from wylloh_store.asking import stack_of
from wylloh_store.keeper import TOPIC, shop_of
from wylloh_store.market import Market
from wylloh_store.offers import Source, cheaper_of
from wylloh_store.permit import Permission, permit_request
from wylloh_store.refusals import BUYING
from wylloh_store.words import spoken_with_bounds, tokens

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wylloh_server.sdk import Film, PluginContext, SignatureRequest, Viewer
    from wylloh_store.goods import Goods
    from wylloh_store.market import Quote
    from wylloh_store.offers import Cheaper

BUY = "buy"
"""What a purchase is called in a recipe."""

_VALID_SECONDS = 3600
"""How long a signed permission holds: enough to find the phone, and no longer."""


@dataclass(frozen=True, slots=True)
class Purchase:
    """A purchase somebody looks at: the quote, and all that can be said about it."""

    quote: Quote
    sentences: tuple[str, ...]
    cheaper: Cheaper | None = None

    @property
    def cheaper_sentence(self) -> str:
        """Say that some of it can be had for less elsewhere; empty when not."""
        if self.cheaper is None:
            return ""
        number, price = self.cheaper.quantity, self.quote.coin.written(self.cheaper.unit_price)
        if number == 1:
            which = "It" if self.quote.quantity == 1 else "One of them"
            return f"{which} is cheaper from a holder: {price}."
        return f"{number:,} of them are cheaper from a holder: {price} each."

    @property
    def total(self) -> str:
        """What is paid in all."""
        return self.quote.coin.written(self.quote.total)


async def purchase(
    context: PluginContext, viewer: Viewer, film: Film, quantity: int, listing: int = 0
) -> Purchase:
    """Ask what so many tokens cost, from the publisher or (`listing`) from a holder, and say it.

    Raises:
        InvalidValue: they cannot be had like that; the sentence says why.
        ChainError: the chain cannot be asked.
    """
    goods = _goods(context, film)
    market = Market(context)
    asked = (
        market.resale(goods.token, listing, quantity) if listing else market.first_sale(goods.token, quantity)
    )
    quote, stack = await asyncio.gather(asked, stack_of(context, viewer, film))
    if quote.seller == viewer.wallet:
        raise InvalidValue("You are selling these yourself.", fix="Take them back under Sell tokens instead.")
    source = Source(quantity, quote.total, quote.coin.address, listing)
    cheaper = cheaper_of(goods, source, viewer.wallet)
    return Purchase(quote, (*_money(film, goods, quote), *_gained(stack, quantity)), cheaper)


async def propose_purchase(context: PluginContext, viewer: Viewer, film: Film, wanted: Purchase) -> Proposal:
    """Make the proposal for a purchase: permission and purchase in as few steps as the coin allows.

    Raises:
        InvalidValue: the wallet holds too little of the coin; the sentence says how much is missing.
        ChainError: the chain cannot be asked.
    """
    quote, market = wanted.quote, Market(context)
    held, allowed, permission = await asyncio.gather(
        context.chain.balance(viewer.wallet, quote.coin.address),
        market.allowance(viewer.wallet, quote.coin.address),
        _permission(context, viewer, market, quote),
    )
    _check_means(viewer, quote, held)
    told = (wanted.cheaper_sentence,) if wanted.cheaper else ()
    promise = "No more than this is taken, even if the price changes meanwhile."
    fee = "The network's own fee comes on top; your wallet shows it."
    return Proposal(
        title=f"Buy {tokens(quote.quantity)} of {film.title}",
        explanation=(*wanted.sentences, *told, f"{promise} {fee}"),
        steps=_steps(market, quote, allowed, permission, wanted.sentences[0]),
        done=f"{tokens(quote.quantity)} of {film.title} {'is' if quote.quantity == 1 else 'are'} yours.",
        refusals=BUYING,
        topics=(f"film:{film.id}", TOPIC),
        back=f"/films/{film.id}",
        start=f"/plugins/store/film/{film.id}/buy?quantity={quote.quantity}",
        recipe={
            "do": BUY,
            "film": film.id,
            "quantity": str(quote.quantity),
            "listing": str(quote.listing),
        },
    )


async def renewed_purchase(
    context: PluginContext, viewer: Viewer, film: Film, recipe: Mapping[str, str]
) -> Proposal:
    """Make the proposal for a purchase anew, with a fresh permission.

    Raises:
        InvalidValue, ChainError: as `purchase` and `propose_purchase`.
    """
    wanted = await purchase(context, viewer, film, int(recipe["quantity"]), int(recipe["listing"]))
    return await propose_purchase(context, viewer, film, wanted)


def _goods(context: PluginContext, film: Film) -> Goods:
    goods = shop_of(context).goods(film)
    if goods is None:
        raise InvalidValue(f"{film.title} lies in a folder and has no tokens.", fix="Just watch it.")
    return goods


def _money(film: Film, goods: Goods, quote: Quote) -> tuple[str, str]:
    """Say what goes out, and who gets it, to the last unit."""
    written = quote.coin.written
    paid = f"You pay {written(quote.total)} for {tokens(quote.quantity)} of {film.title}"
    if quote.seller is None:
        price = "the presale price" if quote.presale else "the publisher's price"
        payee = goods.offer.payee if goods.offer else goods.publisher
        makers = f"the makers ({shortened(payee)})" if payee else "the makers"
        if not quote.fee:
            return f"{paid}, {price}.", f"All of it goes to {makers}."
        shares = f"{written(quote.earned)} goes to {makers}, {written(quote.fee)} to the store."
        return f"{paid}, {price}.", shares
    royalty = "Nothing goes to the makers"
    if quote.royalty:
        royalty = f"{percent(goods.royalty_basis_points)} ({written(quote.royalty)}) goes to the makers"
    fee = f", {written(quote.fee)} to the store" if quote.fee else ""
    return (
        f"{paid}, from the holder {shortened(quote.seller)}.",
        f"{royalty}{fee} and {written(quote.earned)} to the holder.",
    )


def _gained(stack: Stack | None, quantity: int) -> tuple[str, ...]:
    """Say what the viewer will hold, and what that newly unlocks."""
    if stack is None:
        return ()
    after = Stack(stack.holding + quantity, stack.ladder)
    new = [tier for tier in after.reached if tier not in stack.reached]
    if not new:
        return (f"You will hold {after.holding:,} then.",)
    unlocked = " and ".join(spoken_with_bounds(tier) for tier in new)
    return (f"You will hold {after.holding:,} then, which unlocks {unlocked}.",)


def _check_means(viewer: Viewer, quote: Quote, held: int) -> None:
    if held < quote.total:
        written = quote.coin.written
        raise InvalidValue(
            f"This costs {written(quote.total)} and your wallet has {written(held)}: "
            f"{written(quote.total - held)} is missing.",
            fix=f"Put more {quote.coin.symbol} into {shortened(viewer.wallet)}, or buy fewer tokens.",
        )


async def _permission(
    context: PluginContext, viewer: Viewer, market: Market, quote: Quote
) -> SignatureRequest | None:
    """Give the permission that the wallet can sign; None if the coin has none."""
    if not quote.coin.permits:
        return None
    deadline = int(shop_of(context).now) + _VALID_SECONDS
    chain_id, wallet = quote.token.chain_id, viewer.wallet
    wanted = Permission(quote.coin, chain_id, wallet, market.store, quote.total, deadline)
    return await permit_request(context, wanted)


def _steps(
    market: Market, quote: Quote, allowed: int, permission: SignatureRequest | None, says: str
) -> tuple[ContractCall | SignatureRequest, ...]:
    if allowed >= quote.total:
        return (_buy(market, quote, says),)
    if permission is not None:
        deadline = int(permission.typed_data["message"]["deadline"])
        return permission, _buy_with_permit(market, quote, deadline, says)
    return (*_approvals(market, quote, allowed), _buy(market, quote, says))


def _approvals(market: Market, quote: Quote, allowed: int) -> tuple[ContractCall, ...]:
    """Allow the exact price. Some coins take a new allowance only after the old one was set to 0."""
    function, coin = "approve(address,uint256)", quote.coin
    allow = ContractCall(
        coin.address,
        function,
        (market.store, quote.total),
        says=f"Allow the store to take {coin.written(quote.total)}.",
    )
    if not allowed:
        return (allow,)
    withdraw = ContractCall(
        coin.address,
        function,
        (market.store, 0),
        says=f"Withdraw an earlier allowance of {coin.written(allowed)}.",
    )
    return withdraw, allow


def _buy(market: Market, quote: Quote, says: str) -> ContractCall:
    function = "buyListed(uint256,uint256,uint256)" if quote.listing else "buy(uint256,uint256,uint256)"
    what = quote.listing or quote.token.token_id
    return ContractCall(market.store, function, (what, quote.quantity, quote.total), says=says)


def _buy_with_permit(market: Market, quote: Quote, deadline: int, says: str) -> ContractCall:
    name = "buyListedWithPermit" if quote.listing else "buyWithPermit"
    what = quote.listing or quote.token.token_id
    permit = (deadline, SignaturePart.V, SignaturePart.R, SignaturePart.S)
    return ContractCall(
        market.store,
        f"{name}(uint256,uint256,uint256,(uint256,uint8,bytes32,bytes32))",
        (what, quote.quantity, quote.total, permit),
        says=says,
    )
