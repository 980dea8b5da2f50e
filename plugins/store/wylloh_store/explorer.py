"""A film's tokens in the open: who holds how many, and every time they moved."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from wylloh_server.sdk import (
    ZERO_ADDRESS,
    EventQuery,
    ListingCancelled,
    Page,
    Stack,
    TokensListed,
    TokensSold,
    TokensTransferred,
    block_url,
    format_minute,
    format_percent,
    page_count,
    page_number,
    read_coins,
    require_viewer,
)
from wylloh_store.address_book import names_of
from wylloh_store.messages import money
from wylloh_store.requests import film_of
from wylloh_store.sync import index_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wylloh_server.sdk import (
        Coin,
        Holder,
        PluginChain,
        PluginContext,
        PluginRequest,
        Reply,
        Wallet,
    )
    from wylloh_store.offer import FilmMarket

_HOLDERS, _FACTS = 25, 60
"""Lines on one page."""
_WHOLE = 10_000
_MARGIN = 10
"""Facts of a transaction can lie on both sides of the border between two pages."""
_KINDS = (TokensTransferred, TokensSold, TokensListed, ListingCancelled)


@dataclass(frozen=True, slots=True)
class HolderLine:
    """Somebody who holds tokens. `tier` is the highest right they unlock."""

    wallet: Wallet
    amount: int
    share: str
    tier: str


@dataclass(frozen=True, slots=True)
class Transfer:
    """Tokens that moved, and what that was.

    Attributes:
        sender: whose they were; None when they are new.
        price: what was paid for them in all; empty if nothing.
    """

    kind: str
    sender: Wallet | None
    receiver: Wallet
    amount: int
    price: str
    when: str
    block: int
    url: str


async def explorer(context: PluginContext, request: PluginRequest) -> Reply:
    """Show holders and transfers of a film."""
    film, viewer = await film_of(context, request), require_viewer(request)
    index = index_of(context)
    market = index.market(film)
    assert market is not None  # noqa: S101 - `film_of` gives only films with tokens
    count = await context.chain.holder_count(market.token) - (market.in_store > 0)  # the store is nobody
    facts = await context.chain.count(EventQuery(kinds=_KINDS, token=market.token))
    holders_pages, pages = page_count(count, _HOLDERS), page_count(facts, _FACTS)
    at, page = page_number(request, holders_pages, "holders"), page_number(request, pages)
    values = {
        "film": film,
        "market": market,
        "holder_count": count,
        "holders": await _holders(context, market, (at - 1) * _HOLDERS),
        "store_share": share_of(market.in_store, market.minted),
        "holders_at": at,
        "holders_pages": holders_pages,
        "transfers": await _transfers(context, market, (page - 1) * _FACTS),
        "page": page,
        "pages": pages,
        "names": await names_of(context, viewer),
        "store": context.chain.contracts.store,
        "state": await context.chain.state(),
    }
    return Page("explorer.html", values)


def share_of(amount: int, whole: int) -> str:
    """Write a share of the supply, rounded: `12.5 %`, `under 0.01 %`; what is not all is never `100 %`."""
    basis_points = (amount * 20_000 + whole) // (2 * whole) if whole else 0
    if amount and not basis_points:
        return f"under {format_percent(1)}"
    if basis_points == _WHOLE and amount < whole:
        return f"over {format_percent(_WHOLE - 1)}"
    return format_percent(basis_points)


async def _holders(context: PluginContext, market: FilmMarket, offset: int) -> list[HolderLine]:
    """Return a page of those who hold tokens. The store, somewhere among them, is left out."""
    store = context.chain.contracts.store
    found = await context.chain.holders(market.token, limit=offset + _HOLDERS + 1)
    people = [holder for holder in found if holder.wallet != store]
    return [_line(holder, market) for holder in people[offset : offset + _HOLDERS]]


def _line(holder: Holder, market: FilmMarket) -> HolderLine:
    top = Stack(holder.amount, market.ladder).top if market.ladder else None
    share = share_of(holder.amount, market.minted)
    return HolderLine(holder.wallet, holder.amount, share, "" if top is None else top.name)


async def _transfers(context: PluginContext, market: FilmMarket, offset: int) -> list[Transfer]:
    """Return a page of transfers, each with what it was by the events of the same transaction."""
    before = min(_MARGIN, offset)
    facts = await context.chain.history(
        EventQuery(kinds=_KINDS, token=market.token, limit=before + _FACTS + _MARGIN, offset=offset - before)
    )
    coins = await read_coins(context.chain, [fact.coin for fact in facts if isinstance(fact, TokensSold)])
    beside: defaultdict[str, list[Any]] = defaultdict(list)
    for fact in facts:
        if not isinstance(fact, TokensTransferred):
            beside[fact.mark.transaction].append(fact)
    return [
        _transfer(move, beside[move.mark.transaction], context.chain, coins)
        for move in facts[before : before + _FACTS]
        if isinstance(move, TokensTransferred)
    ]


def _transfer(
    move: TokensTransferred, beside: list[Any], chain: PluginChain, coins: Mapping[Wallet, Coin]
) -> Transfer:
    store = chain.contracts.store
    sold = _sale_of(move, beside) if move.sender == store else None
    sender = sold.seller if sold else move.sender
    return Transfer(
        kind=_kind(move, sold, beside, store),
        sender=None if sender == ZERO_ADDRESS else sender,
        receiver=move.receiver,
        amount=move.amount,
        price=money(sold.total, coins.get(sold.coin)) if sold else "",
        when=format_minute(move.mark.at),
        block=move.mark.block,
        url=block_url(chain.explorer, move.mark.block),
    )


def _sale_of(move: TokensTransferred, beside: list[Any]) -> TokensSold | None:
    """Find the sale that a move out of the store delivers, and use it up: a transaction can have several."""
    for fact in beside:
        if isinstance(fact, TokensSold) and (fact.buyer, fact.quantity) == (move.receiver, move.amount):
            beside.remove(fact)
            return fact
    return None


def _kind(move: TokensTransferred, sold: TokensSold | None, beside: list[Any], store: Wallet | None) -> str:
    if sold is not None:
        if sold.listing:
            return "Resale"
        return "Sale in the presale" if sold.presale else "Sale"
    if move.minted:
        return "Minted into the store" if move.receiver == store else "Minted"
    if store is not None and move.receiver == store:
        listed = any(isinstance(fact, TokensListed) for fact in beside)
        return "Put up for resale" if listed else "Put on sale"
    if store is not None and move.sender == store:
        return "Taken back"
    return "Gift"
