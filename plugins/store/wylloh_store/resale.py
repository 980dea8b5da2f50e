"""What a holder's wallet is asked to put tokens up at a price, and to take back what was not sold."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from wylloh_server.sdk import ChainError, InvalidValue, Proposal, format_percent, short_address
from wylloh_store.coin_choices import known_coin
from wylloh_store.form_values import LARGEST, amount_of, quantity_of
from wylloh_store.messages import lost_rights, tokens
from wylloh_store.requests import stack_of
from wylloh_store.sale_errors import SELLING
from wylloh_store.store_contract import StoreContract
from wylloh_store.sync import TOPIC, index_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wylloh_server.sdk import Coin, ContractCall, Film, PluginContext, Stack, Viewer
    from wylloh_store.offer import FilmMarket

_BACK = "/plugins/store/selling"
_WHOLE = 10_000

PERMITTING = "FilmRegistry.setApprovalForAll"
"""The function that `permission_steps` may call."""

Deduction = tuple[int, int, str]
"""An amount, its basis points of the price, and who gets it."""


async def propose_listing(
    context: PluginContext, viewer: Viewer, film: Film, recipe: Mapping[str, str]
) -> Proposal:
    """Propose to put a `quantity` of tokens up for sale, each at a `price` in the unit of a `coin`.

    Raises:
        InvalidValue: the wallet holds too few, or the store does not take the coin.
    """
    contract, market = StoreContract(context), index_of(context).market(film)
    if market is None:
        raise InvalidValue(f"{film.title} has no tokens.", fix="Choose another film.")
    quantity, price = int(recipe["quantity"]), int(recipe["price"])
    coin = await known_coin(context, recipe["coin"])
    total, which = quantity * price, f"{tokens(quantity)} of {film.title}"
    await contract.check_release()
    held, accepted, deductions, stack, permission = await asyncio.gather(
        contract.holding(viewer.wallet, market.token),
        contract.accepts(coin.address),
        _deductions(contract, market, total),
        stack_of(context, viewer, film),
        permission_steps(viewer, contract),
    )
    if held < quantity:
        raise InvalidValue(f"You hold {tokens(held)}, so you cannot sell {quantity:,}.", fix="Sell fewer.")
    if not accepted:
        raise InvalidValue(f"The store does not take {coin.symbol}.", fix="Choose another coin.")
    put_up = f"{which} up for {coin.written(price)} each."
    points, least = _least(price, deductions)
    terms = (market.token.token_id, quantity, coin.address, price, points, least)
    call = contract.store.call("list", *terms, summary=f"Put {put_up}")
    lost = lost_rights(stack, quantity) if stack else ""
    promise = f"The store's part can never become larger, and of each at least {coin.written(least)} arrives."
    return Proposal(
        title=f"Sell {which}",
        explanation=(f"You put {put_up}", *_consequences(coin, total, deductions, lost, promise)),
        steps=(*permission, call),
        done=f"{which} can be bought now.",
        refusals=SELLING,
        topics=(f"film:{film.id}", TOPIC),
        back=_BACK,
        start=f"/plugins/store/film/{film.id}/sell",
        spends={contract.registry.address: quantity},
        functions=(PERMITTING, "FilmStore.list"),
    )


async def sale_outcome(
    context: PluginContext, film: Film, stack: Stack | None, typed: Mapping[str, str]
) -> tuple[str, ...]:
    """Return what selling would bring and take, as far as it is typed; one sentence where it cannot be."""
    market = index_of(context).market(film)
    if market is None or not typed.get("quantity") or not typed.get("price"):
        return ()
    try:
        quantity, coin = quantity_of(typed["quantity"]), await known_coin(context, typed.get("coin", ""))
        total = quantity * amount_of(typed["price"], coin)
        deductions = await _deductions(StoreContract(context), market, total)
    except (ChainError, InvalidValue) as error:
        return (str(error),)
    if stack is not None and quantity > stack.holding:
        return (f"You hold {tokens(stack.holding)}, so you cannot sell {quantity:,}.",)
    rest = total - sum(amount for amount, *_ in deductions)
    each = f", {coin.written(rest // quantity)} for each" if quantity > 1 else ""
    receive = (
        f"You will receive {coin.written(rest)} when {'all are' if quantity > 1 else 'it is'} sold{each}."
    )
    taken = _taken(coin, deductions)
    lost = lost_rights(stack, quantity) if stack else ""
    return tuple(filter(None, (receive, f"Of {coin.written(total)} {taken}." if taken else "", lost)))


async def propose_listing_withdrawal(
    context: PluginContext, viewer: Viewer, film: Film, recipe: Mapping[str, str]
) -> Proposal:
    """Propose to take back what is left of an own `listing`.

    Raises:
        InvalidValue: nothing is left of it.
    """
    del viewer  # the contract knows whose offer it is
    market, number = index_of(context).market(film), int(recipe["listing"])
    listing = market.listing(number) if market else None
    if listing is None:
        raise InvalidValue(SELLING["NotEnoughListed"], fix="Look under Sell tokens.")
    which = f"{tokens(listing.left)} of {film.title}"
    return Proposal(
        title=f"Take back {which}",
        explanation=(f"What is not sold, {which}, comes back into your wallet.",),
        steps=(StoreContract(context).store.call("cancel", number, summary=f"Take {which} back."),),
        done=f"{which} {'is' if listing.left == 1 else 'are'} back in your wallet.",
        refusals=SELLING,
        topics=(f"film:{film.id}", TOPIC),
        back=_BACK,
        functions=("FilmStore.cancel",),
    )


async def permission_steps(viewer: Viewer, contract: StoreContract) -> tuple[ContractCall, ...]:
    """Return the call that lets the store take the viewer's tokens, if it may not yet."""
    if await contract.may_take_tokens(viewer.wallet):
        return ()
    store = contract.store.address
    summary = (
        f"Let the store, {short_address(store)}, move film tokens of yours. The standard knows only all or "
        "none; the store moves those alone that you put up. Take it back under Permissions whenever you like."
    )
    return (contract.registry.call("setApprovalForAll", store, True, summary=summary),)


async def _deductions(contract: StoreContract, market: FilmMarket, total: int) -> tuple[Deduction, ...]:
    """Return what others get of a sale.

    Raises:
        InvalidValue: it is more than the price, or the price is more than a contract can count.
    """
    if total > LARGEST:
        raise InvalidValue(SELLING["Panic"])
    fee, royalty = await asyncio.gather(
        contract.fee_basis_points(), contract.royalty_basis_points(market.token)
    )
    if fee + royalty > _WHOLE:
        raise InvalidValue(SELLING["RoyaltyTooHigh"])
    return (total * royalty // _WHOLE, royalty, "the makers"), (total * fee // _WHOLE, fee, "the store")


def _least(price: int, deductions: tuple[Deduction, ...]) -> tuple[int, int]:
    """Return the store's part now, and what arrives of each token however many are sold at once.

    Rounding favours the seller, the more so the fewer are sold; what holds for very many is the least.
    """
    (_, royalty, _), (_, fee, _) = deductions
    return fee, price * (_WHOLE - royalty - fee) // _WHOLE


def _consequences(
    coin: Coin, total: int, deductions: tuple[Deduction, ...], lost: str, promise: str
) -> tuple[str, ...]:
    """Return the sentences about what arrives, what others get, and which rights end."""
    rest = total - sum(amount for amount, *_ in deductions)
    taken = _taken(coin, deductions)
    sentences = (
        f"When all are sold, {coin.written(rest)} of {coin.written(total)} arrives in your wallet.",
        f"{taken} from it." if taken else "",
        promise,
        lost,
        "Until they are sold the store keeps them, and you can take them back at any time.",
    )
    return tuple(sentence for sentence in sentences if sentence)


def _taken(coin: Coin, deductions: tuple[Deduction, ...]) -> str:
    """Return what others get, `5 % (2.50 dUSD) to the makers is taken`; empty when they get nothing."""
    parts = [
        f"{format_percent(part)} ({coin.written(amount)}) to {who}"
        for amount, part, who in deductions
        if amount
    ]
    return f"{' and '.join(parts)} {'is' if len(parts) == 1 else 'are'} taken" if parts else ""
