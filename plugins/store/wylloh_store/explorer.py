"""A film's tokens in the open: who holds how many, and every time they moved."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from wylloh_server.sdk import (
    NOBODY,
    ListingCancelled,
    Page,
    Stack,
    TokensListed,
    TokensMoved,
    TokensSold,
)
from wylloh_store.amounts import percent
from wylloh_store.asking import film_of, page_of, viewer_of
from wylloh_store.coins import coins_in
from wylloh_store.keeper import shop_of
from wylloh_store.names import names_of
from wylloh_store.words import minute, money

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from wylloh_server.sdk import ChainEvent, Coin, Holder, PluginContext, PluginRequest, Reply, Wallet
    from wylloh_store.goods import Goods

_HOLDERS, _FACTS = 25, 60
"""Lines on one page."""
_WHOLE = 10_000
_MARGIN = 10
"""Facts of a transaction can lie on both sides of the border between two pages."""
_KINDS = (TokensMoved, TokensSold, TokensListed, ListingCancelled)


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
    film, viewer = await film_of(context, request), viewer_of(request)
    shop = shop_of(context)
    goods = shop.goods(film)
    assert goods is not None  # noqa: S101 - `film_of` gives only films with tokens
    count = await _people(context, goods)
    facts = await context.chain.count(kinds=_KINDS, token=goods.token)
    at, pages = _within(request, "holders", count, _HOLDERS), -(-facts // _FACTS)
    page = min(page_of(request), max(1, pages))
    values = {
        "film": film,
        "goods": goods,
        "holder_count": count,
        "holders": await _holders(context, goods, (at - 1) * _HOLDERS),
        "store_share": share_of(goods.in_store, goods.minted),
        "holders_at": at,
        "holders_pages": max(1, -(-count // _HOLDERS)),
        "transfers": await _transfers(context, goods, (page - 1) * _FACTS),
        "page": page,
        "pages": max(1, pages),
        "names": await names_of(context, viewer),
        "store": context.chain.contracts.store,
        "state": await context.chain.state(),
    }
    return Page("explorer.html", values)


def share_of(amount: int, whole: int) -> str:
    """Write a share of the supply, rounded: `12.5 %`, `under 0.01 %`; what is not all is never `100 %`."""
    basis_points = (amount * 20_000 + whole) // (2 * whole) if whole else 0
    if amount and not basis_points:
        return "under 0.01 %"
    return "over 99.99 %" if basis_points == _WHOLE and amount < whole else percent(basis_points)


def transfers_of(
    facts: Sequence[ChainEvent],
    shown: Iterable[TokensMoved],
    store: Wallet | None,
    coins: Mapping[Wallet, Coin],
    url: str,
) -> list[Transfer]:
    """Say of each move what it was, by the facts of the same transaction.

    Args:
        facts: moves, sales, listings and cancellations of one film, among them all of those transactions.
        shown: the moves to describe.
        store: the store's contract, if there is one.
        coins: those in which something was paid, as far as they can be read.
        url: address of a block's page, with `{block}` in it; may be empty.
    """
    beside: defaultdict[str, list[Any]] = defaultdict(list)
    for fact in facts:
        if not isinstance(fact, TokensMoved):
            beside[fact.mark.transaction].append(fact)
    return [_transfer(move, beside[move.mark.transaction], store, coins, url) for move in shown]


async def _people(context: PluginContext, goods: Goods) -> int:
    """Count who holds tokens; what lies in the store nobody holds."""
    return await context.chain.holder_count(goods.token) - (goods.in_store > 0)


async def _holders(context: PluginContext, goods: Goods, offset: int) -> list[HolderLine]:
    """Give a page of those who hold tokens. The store, somewhere among them, is left out."""
    store = context.chain.contracts.store
    found = await context.chain.holders(goods.token, limit=offset + _HOLDERS + 1)
    people = [holder for holder in found if holder.wallet != store]
    return [_line(holder, goods) for holder in people[offset : offset + _HOLDERS]]


def _line(holder: Holder, goods: Goods) -> HolderLine:
    top = Stack(holder.amount, goods.ladder).top if goods.ladder else None
    share = share_of(holder.amount, goods.minted)
    return HolderLine(holder.wallet, holder.amount, share, "" if top is None else top.name)


async def _transfers(context: PluginContext, goods: Goods, offset: int) -> list[Transfer]:
    before = min(_MARGIN, offset)
    facts = await context.chain.history(
        kinds=_KINDS, token=goods.token, limit=before + _FACTS + _MARGIN, offset=offset - before
    )
    shown = [fact for fact in facts[before : before + _FACTS] if isinstance(fact, TokensMoved)]
    coins = await coins_in(context, [fact.coin for fact in facts if isinstance(fact, TokensSold)])
    return transfers_of(facts, shown, context.chain.contracts.store, coins, context.chain.explorer)


def _transfer(
    move: TokensMoved, beside: list[Any], store: Wallet | None, coins: Mapping[Wallet, Coin], url: str
) -> Transfer:
    sold = _sale_of(move, beside) if move.sender == store else None
    price = money(sold.total, coins.get(sold.coin)) if sold else ""
    sender = sold.seller if sold else move.sender
    return Transfer(
        kind=_kind(move, sold, beside, store),
        sender=None if sender == NOBODY else sender,
        receiver=move.receiver,
        amount=move.amount,
        price=price,
        when=minute(move.mark.at),
        block=move.mark.block,
        url=url.replace("{block}", str(move.mark.block)),
    )


def _sale_of(move: TokensMoved, beside: list[Any]) -> TokensSold | None:
    """Find the sale that a move out of the store delivers, and use it up: a transaction can have several."""
    for fact in beside:
        if isinstance(fact, TokensSold) and (fact.buyer, fact.quantity) == (move.receiver, move.amount):
            beside.remove(fact)
            return fact
    return None


def _kind(move: TokensMoved, sold: TokensSold | None, beside: list[Any], store: Wallet | None) -> str:
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


def _within(request: PluginRequest, name: str, count: int, size: int) -> int:
    text = request.query.get(name, "")
    wished = int(text) if text.isascii() and text.isdigit() and len(text) < 7 else 1  # noqa: PLR2004
    return max(1, min(wished, -(-count // size)))
