"""Pages for reselling: what a holder can sell, the form for it, and own offers to take back."""

from __future__ import annotations

from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from wylloh_server.sdk import ChainError, InvalidValue, NotFound, Page, require_viewer
from wylloh_store.coin_choices import coins_to_choose, known_coin
from wylloh_store.form_values import amount_of, quantity_of
from wylloh_store.holdings import holdings_of
from wylloh_store.messages import money
from wylloh_store.proposal_recipes import SELL, TAKE_BACK, propose
from wylloh_store.purchase_fragments import money_sentences
from wylloh_store.purchase_options import resales_of
from wylloh_store.requests import cards_of, film_of, number_of, stack_of
from wylloh_store.resale import sale_outcome
from wylloh_store.store_contract import StoreContract
from wylloh_store.sync import index_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wylloh_server.sdk import Coin, Film, LibraryItem, PluginContext, PluginRequest, Reply, Viewer
    from wylloh_store.purchase_options import Resale


@dataclass(frozen=True, slots=True)
class OwnListing:
    """One's own offers of a film."""

    film: Film
    offers: tuple[Resale, ...]


async def selling(context: PluginContext, request: PluginRequest) -> Reply:
    """Show one's own offers, and the films of which one holds something to sell."""
    viewer, index = require_viewer(request), index_of(context)
    offered = []
    for film in index.films.values():
        market = index.market(film)
        if market is not None and any(listing.seller == viewer.wallet for listing in market.listings):
            own = tuple(offer for offer in resales_of(market, index, viewer.wallet) if offer.mine)
            offered.append(OwnListing(film, own))
    values = {
        "offered": sorted(offered, key=lambda mine: mine.film.title.casefold()),
        "held": await _held(context, viewer),
    }
    return Page("selling.html", values)


async def sell(context: PluginContext, request: PluginRequest) -> Reply:
    """Show the form to sell tokens of one film."""
    return await _form(context, request, await film_of(context, request), dict(request.query))


async def offer_tokens(context: PluginContext, request: PluginRequest) -> Reply:
    """Propose to put tokens up for sale."""
    film = await film_of(context, request)
    typed = {name: request.value(name) for name in ("quantity", "price", "coin")}
    try:
        quantity = quantity_of(typed["quantity"])
        coin = await known_coin(context, typed["coin"])
        price = amount_of(typed["price"], coin)
        return await propose(context, request, film, SELL, quantity=quantity, coin=coin.address, price=price)
    except InvalidValue as error:
        return await _form(context, request, film, typed, error)


async def take_back(context: PluginContext, request: PluginRequest) -> Reply:
    """Propose to take back what is left of an own offer."""
    number, index = number_of(request, "listing"), index_of(context)
    for film in index.films.values():
        market = index.market(film)
        if market and market.listing(number):
            return await propose(context, request, film, TAKE_BACK, listing=number)
    raise NotFound("There is no such offer any more.", fix="Look under Sell tokens.")


async def _held(context: PluginContext, viewer: Viewer) -> list[LibraryItem]:
    """Return the films of which the viewer holds tokens, by title."""
    holdings, films = await holdings_of(context, viewer.wallet), index_of(context).films
    cards: Sequence[LibraryItem]
    if holdings is None:
        cards = await context.library.films(viewer)
    else:
        cards = await cards_of(context, viewer, [films[token].id for token in holdings if token in films])
    held = [card for card in cards if card.stack is not None and card.stack.holding]
    return sorted(held, key=lambda card: card.film.title.casefold())


async def _form(
    context: PluginContext,
    request: PluginRequest,
    film: Film,
    typed: dict[str, str],
    error: InvalidValue | None = None,
) -> Page:
    index, viewer = index_of(context), require_viewer(request)
    market = index.market(film)
    if market is None:
        raise NotFound("This film has no tokens.", fix="Choose another film.")
    price, stack = market.price(index.now), await stack_of(context, viewer, film)
    if stack is not None and not stack.holding:
        # What was bought a moment ago is on chain already, but may not be read yet.
        with suppress(ChainError):
            held = await StoreContract(context).holding(viewer.wallet, market.token)
            stack = replace(stack, holding=held)
    coins = await coins_to_choose(context)
    values = {
        "film": film,
        "stack": stack,
        "typed": defaultdict(str, typed),
        "coins": coins,
        "price_now": money(price.amount, index.coins.get(price.coin)) if price else "",
        "money": money_sentences(market, index)[1:],
        "error": error,
        "outcome": await sale_outcome(context, film, stack, {"coin": _only(coins), **typed}),
    }
    return Page("sell.html", values, status=400 if error else 200)


def _only(coins: Sequence[Coin]) -> str:
    """Return the address of the coin that is chosen where nobody has chosen: the first."""
    return coins[0].address if coins else ""
