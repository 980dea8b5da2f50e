"""Buying: sentences say what it costs and gives, then the viewer's own wallet is asked."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wylloh_server.sdk import (
    InvalidValue,
    Proposal,
    SignaturePart,
    Stack,
    format_percent,
    short_address,
)
from wylloh_store.messages import right_with_limits, tokens
from wylloh_store.offer import Price
from wylloh_store.permit import permit_request
from wylloh_store.purchase_options import cheaper_listing
from wylloh_store.requests import stack_of
from wylloh_store.sale_errors import BUYING
from wylloh_store.store_contract import StoreContract, coin_contract
from wylloh_store.sync import TOPIC, index_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wylloh_server.sdk import ContractCall, Film, PluginContext, PriceStep, SignatureRequest, Viewer
    from wylloh_store.offer import Listing
    from wylloh_store.store_contract import Quote

_VALID_SECONDS = 3600
"""How long a purchase and its signed permission hold: enough to find the phone, and no longer."""


@dataclass(frozen=True, slots=True)
class Purchase:
    """What a purchase would be.

    Attributes:
        sentences: what it costs and gives.
        cheaper: a listing that is cheaper for some of it.
        step: a step of the price list at which a larger number costs less in all.
    """

    quote: Quote
    sentences: tuple[str, ...]
    cheaper: Listing | None = None
    step: PriceStep | None = None

    @property
    def cheaper_quantity(self) -> int:
        """How many of the tokens the cheaper listing has."""
        return min(self.cheaper.left, self.quote.quantity) if self.cheaper else 0

    @property
    def cheaper_sentence(self) -> str:
        """The sentence about the cheaper listing; empty if there is none."""
        if self.cheaper is None:
            return ""
        price = self.quote.coin.written(self.cheaper.unit_price)
        if self.cheaper_quantity == 1:
            which = "It" if self.quote.quantity == 1 else "One of them"
            return f"{which} is cheaper from a holder: {price}."
        return f"{self.cheaper_quantity:,} of them are cheaper from a holder: {price} each."

    @property
    def step_sentence(self) -> str:
        """The sentence about the larger number that costs less; empty if there is none."""
        if self.step is None:
            return ""
        number, written = self.step.quantity, self.quote.coin.written
        total = number * self.step.unit_price
        return f"{tokens(number)} cost {written(total)}, which is {written(self.quote.total - total)} less."

    @property
    def total(self) -> str:
        """What is paid in all."""
        return self.quote.coin.written(self.quote.total)


async def quoted_purchase(
    context: PluginContext, viewer: Viewer, film: Film, quantity: int, listing: int = 0
) -> Purchase:
    """Return what so many tokens cost, from the publisher or (`listing`) from a holder.

    Raises:
        InvalidValue: they cannot be had like that; the sentence says why.
        ChainError: the chain cannot be asked.
    """
    market = index_of(context).market(film)
    if market is None:
        raise InvalidValue(f"{film.title} lies in a folder and has no tokens.", fix="Just watch it.")
    contract, token = StoreContract(context), market.token
    quoted = contract.resale(token, listing, quantity) if listing else contract.first_sale(token, quantity)
    quote, stack = await asyncio.gather(quoted, stack_of(context, viewer, film))
    if quote.listing and quote.seller == viewer.wallet:
        raise InvalidValue("You are selling these yourself.", fix="Take them back under Sell tokens instead.")
    sentences = (*_payment(film, quote), *_unlocked(stack, quantity))
    step = market.cheaper_step(quantity, Price(quote.coin.address, quote.total), index_of(context).now)
    return Purchase(quote, sentences, cheaper_listing(market, quote, viewer.wallet), step)


async def propose_purchase(
    context: PluginContext, viewer: Viewer, film: Film, recipe: Mapping[str, str]
) -> Proposal:
    """Propose a purchase, with a fresh permission, in as few steps as the coin allows.

    Raises:
        InvalidValue: as `quoted_purchase`, or the wallet holds too little of the coin.
        ChainError: the chain cannot be asked.
    """
    purchase = await quoted_purchase(context, viewer, film, int(recipe["quantity"]), int(recipe["listing"]))
    quote, contract = purchase.quote, StoreContract(context)
    deadline = int(index_of(context).now) + _VALID_SECONDS
    held, allowed, permission = await asyncio.gather(
        context.chain.balance(viewer.wallet, quote.coin.address),
        contract.allowance(viewer.wallet, quote.coin.address),
        _permission(context, viewer, contract, quote, deadline),
    )
    _check_balance(viewer, quote, held)
    cheaper = filter(None, (purchase.cheaper_sentence, purchase.step_sentence))
    symbol = quote.coin.symbol
    promise = (
        f"Once confirmed this holds for an hour, and nothing else does: no more than this, in {symbol} only, "
        "and with these parts for everybody. If anything of it changes first, nothing is bought."
    )
    fee = "The network's own fee comes on top; your wallet shows it."
    which = f"{tokens(quote.quantity)} of {film.title}"
    return Proposal(
        title=f"Buy {which}",
        explanation=(*purchase.sentences, *cheaper, f"{promise} {fee}"),
        steps=_steps(contract, quote, allowed, permission, deadline=deadline, summary=purchase.sentences[0]),
        done=f"{which} {'is' if quote.quantity == 1 else 'are'} yours.",
        refusals=BUYING,
        topics=(f"film:{film.id}", TOPIC),
        back=f"/films/{film.id}",
        start=f"/plugins/store/film/{film.id}/buy?quantity={quote.quantity}",
        spends={quote.coin.address: quote.total},
        functions=(f"FilmStore.{_function(quote)}", f"FilmStore.{_function(quote)}WithPermit"),
    )


def _payment(film: Film, quote: Quote) -> tuple[str, str]:
    """Return what goes out, and who gets it, to the last unit."""
    written = quote.coin.written
    paid = f"You pay {written(quote.total)} for {tokens(quote.quantity)} of {film.title}"
    if not quote.listing:
        price = "the presale price" if quote.presale else "the publisher's price"
        makers = f"the makers ({short_address(quote.payee)})"
        if not quote.fee:
            return f"{paid}, {price}.", f"All of it goes to {makers}."
        shares = f"{written(quote.earned)} goes to {makers}, {written(quote.fee)} to the store."
        return f"{paid}, {price}.", shares
    royalty = "Nothing goes to the makers"
    if quote.royalty:
        percent = format_percent(quote.royalty_basis_points)
        royalty = f"{percent} ({written(quote.royalty)}) goes to the makers"
    fee = f", {written(quote.fee)} to the store" if quote.fee else ""
    return (
        f"{paid}, from the holder {short_address(quote.seller)}.",
        f"{royalty}{fee} and {written(quote.earned)} to the holder.",
    )


def _unlocked(stack: Stack | None, quantity: int) -> tuple[str, ...]:
    """Return what the viewer will hold, and what that newly unlocks."""
    if stack is None:
        return ()
    after = Stack(stack.holding + quantity, stack.ladder)
    new = [tier for tier in after.reached if tier not in stack.reached]
    if not new:
        return (f"You will hold {after.holding:,} then.",)
    unlocked = " and ".join(right_with_limits(tier) for tier in new)
    return (f"You will hold {after.holding:,} then, which unlocks {unlocked}.",)


def _check_balance(viewer: Viewer, quote: Quote, held: int) -> None:
    if held < quote.total:
        written = quote.coin.written
        raise InvalidValue(
            f"This costs {written(quote.total)} and your wallet has {written(held)}: "
            f"{written(quote.total - held)} is missing.",
            fix=f"Put more {quote.coin.symbol} into {short_address(viewer.wallet)}, or buy fewer tokens.",
        )


async def _permission(
    context: PluginContext, viewer: Viewer, contract: StoreContract, quote: Quote, deadline: int
) -> SignatureRequest | None:
    """Return the permission that the wallet can sign; None if the coin has none."""
    if not quote.coin.permits:
        return None
    return await permit_request(
        context.chain,
        quote.coin,
        quote.token.chain_id,
        owner=viewer.wallet,
        spender=contract.store.address,
        value=quote.total,
        deadline=deadline,
    )


def _steps(
    contract: StoreContract,
    quote: Quote,
    allowed: int,
    permission: SignatureRequest | None,
    *,
    deadline: int,
    summary: str,
) -> tuple[ContractCall | SignatureRequest, ...]:
    name = _function(quote)
    agreed = (quote.coin.address, quote.total, deadline, quote.terms(contract.store.address).hash)
    arguments = (quote.listing or quote.token.token_id, quote.quantity, agreed)
    if allowed < quote.total and permission is not None:
        permit = (deadline, SignaturePart.V, SignaturePart.R, SignaturePart.S)
        return permission, contract.store.call(f"{name}WithPermit", *arguments, permit, summary=summary)
    approvals = () if allowed >= quote.total else _approvals(contract, quote, allowed)
    return (*approvals, contract.store.call(name, *arguments, summary=summary))


def _function(quote: Quote) -> str:
    return "buyListed" if quote.listing else "buy"


def _approvals(contract: StoreContract, quote: Quote, allowed: int) -> tuple[ContractCall, ...]:
    """Allow the exact price. Some coins take a new allowance only after the old one was set to 0."""
    coin, store, written = coin_contract(quote.coin.address), contract.store.address, quote.coin.written
    summary = f"Allow the store to take {written(quote.total)}."
    allow = coin.call("approve", store, quote.total, summary=summary)
    if not allowed:
        return (allow,)
    earlier = f"Withdraw an earlier allowance of {written(allowed)}."
    return coin.call("approve", store, 0, summary=earlier), allow
