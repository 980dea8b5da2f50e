"""The publisher's page of a film: terms of its first sale, its stock, and how the price has changed."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eth_utils.address import is_checksum_address

from wylloh_server.sdk import (
    ContractCall,
    InvalidValue,
    OfferChanged,
    OfferClosed,
    Page,
    Proposal,
    Redirect,
    SplitterCreated,
    shortened,
    wallet_of,
)
from wylloh_store.amounts import amount_of, moment_of, percent, quantity_of, typed_amount, typed_moment
from wylloh_store.asking import film_of, to_wallet, viewer_of
from wylloh_store.coins import coins_in, coins_to_choose, known_coin
from wylloh_store.fragments import lead_of
from wylloh_store.keeper import shop_of
from wylloh_store.market import Market
from wylloh_store.refusals import PUBLISHING
from wylloh_store.stocking import published_goods, publisher_proposal, stocked, withdrawn
from wylloh_store.words import minute, money, tokens

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wylloh_server.sdk import ChainEvent, Coin, Film, PluginContext, PluginRequest, Reply, Wallet
    from wylloh_store.goods import Goods
    from wylloh_store.shop import Shop

MOST_STEPS = 16
"""The contract keeps no longer price list."""
_SET_OFFER = "setOffer(uint256,(address,address,uint64,uint64,uint256,(uint256,uint256)[]))"
_MOST_CHANGES = 50
_MOST_SPLITTERS = 20
_SPARE_LINES = 3
_LATEST = 1 << 40
"""Seconds since 1970: no sale begins in so far a future."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What a publisher wants to offer."""

    payee: Wallet
    coin: Coin
    presale_from: int
    sale_from: int
    presale_price: int
    steps: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class OwnFilm:
    """One of a publisher's films: what it costs, and how many tokens are left to sell."""

    film: Film
    says: str
    stock: int


@dataclass(frozen=True, slots=True)
class PriceChange:
    """One line of the history of prices."""

    when: str
    block: int
    url: str
    says: str


async def own_films(context: PluginContext, request: PluginRequest) -> Reply:
    """Show a publisher's own films with their prices."""
    viewer, shop = viewer_of(request), shop_of(context)
    lines = [
        OwnFilm(film, lead_of(goods, shop), goods.stock)
        for film in shop.films()
        if (goods := shop.goods(film)) and goods.publisher == viewer.wallet
    ]
    return Page("own_films.html", {"lines": sorted(lines, key=lambda line: line.film.title.casefold())})


async def prices(context: PluginContext, request: PluginRequest) -> Reply:
    """Show the terms, the stock and the history."""
    film = await film_of(context, request)
    goods = _own_goods(context, request, film)
    return await _page(context, request, film, _typed(goods, shop_of(context)))


async def set_prices(context: PluginContext, request: PluginRequest) -> Reply:
    """Propose new terms."""
    film = await film_of(context, request)
    goods = _own_goods(context, request, film)
    typed = _posted(request)
    try:
        terms = await _terms(context, typed)
        return await _propose(context, request, await _offer(context, film, goods, terms))
    except InvalidValue as error:
        return await _page(context, request, film, typed, error)


async def add_stock(context: PluginContext, request: PluginRequest) -> Reply:
    """Propose to put tokens on sale: new ones, or such as one holds."""
    film = await film_of(context, request)
    goods = _own_goods(context, request, film)
    try:
        quantity, way = quantity_of(request.value("quantity")), request.value("way")
        return await _propose(
            context, request, await stocked(context, viewer_of(request), film, quantity, way)
        )
    except InvalidValue as error:
        return await _page(context, request, film, _typed(goods, shop_of(context)), error)


async def withdraw_stock(context: PluginContext, request: PluginRequest) -> Reply:
    """Propose to take unsold tokens back."""
    film = await film_of(context, request)
    goods, viewer = _own_goods(context, request, film), viewer_of(request)
    try:
        quantity = quantity_of(request.value("quantity"))
        return await _propose(context, request, await withdrawn(context, viewer, film, quantity))
    except InvalidValue as error:
        return await _page(context, request, film, _typed(goods, shop_of(context)), error)


async def close(context: PluginContext, request: PluginRequest) -> Reply:
    """Propose to end the first sale."""
    film = await film_of(context, request)
    goods = _own_goods(context, request, film)
    market = Market(context)
    says = f"End the sale of {film.title}."
    call = ContractCall(market.store, "closeOffer(uint256)", (goods.token.token_id,), says=says)
    sentences = [f"Nobody can buy {film.title} from you any more. Holders can still resell theirs."]
    if goods.stock:
        sentences.append(f"{tokens(goods.stock)} in the store stay yours; take them back whenever you like.")
    try:
        return await _propose(
            context, request, publisher_proposal(film, "End the sale", tuple(sentences), (call,))
        )
    except InvalidValue as error:
        return await _page(context, request, film, _typed(goods, shop_of(context)), error)


def _own_goods(context: PluginContext, request: PluginRequest, film: Film) -> Goods:
    return published_goods(context, viewer_of(request), film)


async def _propose(context: PluginContext, request: PluginRequest, proposal: Proposal) -> Redirect:
    return await to_wallet(context.transactions, viewer_of(request), proposal)


def _posted(request: PluginRequest) -> dict[str, str]:
    names = ["coin", "payee", "sale_from", "presale_from", "presale_price"]
    names += [f"{part}_{line}" for line in range(1, MOST_STEPS + 1) for part in ("quantity", "price")]
    return {name: request.value(name).strip() for name in names}


def _typed(goods: Goods, shop: Shop) -> dict[str, str]:
    """Give what the form holds before anybody typed: the terms as they are."""
    offer = goods.offer
    coin = shop.coins.get(offer.coin) if offer else None
    if offer is None or coin is None:
        return {"quantity_1": "1"}
    typed = {"coin": offer.coin, "payee": offer.payee, "sale_from": typed_moment(offer.sale_from)}
    if offer.has_presale:
        typed |= {
            "presale_from": typed_moment(offer.presale_from),
            "presale_price": typed_amount(offer.presale_price, coin),
        }
    for line, step in enumerate(offer.steps, 1):
        typed |= {
            f"quantity_{line}": str(step.quantity),
            f"price_{line}": typed_amount(step.unit_price, coin),
        }
    return typed


async def _terms(context: PluginContext, typed: Mapping[str, str]) -> Terms:
    coin = await known_coin(context, typed["coin"])
    now = int(shop_of(context).now)
    sale_from = _moment(typed["sale_from"], "beginning of the sale") if typed["sale_from"] else now
    presale_from, presale_price = _presale(typed, coin, sale_from)
    return Terms(
        _payee(typed["payee"]), coin, presale_from, sale_from, presale_price, _price_list(typed, coin)
    )


def _presale(typed: Mapping[str, str], coin: Coin, sale_from: int) -> tuple[int, int]:
    """Read the presale: both its fields are filled in, or there is none."""
    if not typed["presale_from"] and not typed["presale_price"]:
        return sale_from, 0
    if not typed["presale_from"] or not typed["presale_price"]:
        raise InvalidValue(
            "A presale needs both its beginning and its price.", fix="Fill in both, or neither."
        )
    begins = _moment(typed["presale_from"], "beginning of the presale")
    if begins >= sale_from:
        raise InvalidValue("The presale must begin before the sale.", fix="Let the sale begin later.")
    return begins, amount_of(typed["presale_price"], coin, "presale price")


def _moment(text: str, what: str) -> int:
    moment = int(moment_of(text, what))
    if not 0 <= moment < _LATEST:
        raise InvalidValue(f"The {what} is too far away.", fix="Choose a date nearer to today.")
    return moment


def _payee(text: str) -> Wallet:
    """Read who gets the money. A wrong letter would lose all of it, so its checksum is looked at (EIP-55)."""
    wallet = wallet_of(text)
    mixed = text[2:].lower() != text[2:] and text[2:].upper() != text[2:]
    if mixed and not is_checksum_address(text):
        raise InvalidValue(
            f"{text} is mistyped: its capitals do not fit (EIP-55).", fix="Copy the address again."
        )
    return wallet


def _price_list(typed: Mapping[str, str], coin: Coin) -> tuple[tuple[int, int], ...]:
    steps: list[tuple[int, int]] = []
    for line in range(1, MOST_STEPS + 1):
        quantity, price = typed[f"quantity_{line}"], typed[f"price_{line}"]
        if not quantity and not price:
            continue
        if not price and line > 1:
            raise InvalidValue(f"Price {line} is missing.", fix="Fill it in, or clear its number of tokens.")
        step = quantity_of(quantity or "1"), amount_of(price, coin)
        if steps and step[0] <= steps[-1][0]:
            raise InvalidValue(
                f"A price from {tokens(step[0])} on must come before one from {tokens(steps[-1][0])} on.",
                fix="Let the numbers of tokens rise.",
            )
        steps.append(step)
    if not steps or steps[0][0] != 1:
        raise InvalidValue("The first price must hold from 1 token on.", fix="Write 1 into its first field.")
    return tuple(steps)


async def _offer(context: PluginContext, film: Film, goods: Goods, terms: Terms) -> Proposal:
    market = Market(context)
    if not await market.accepts(terms.coin.address):
        raise InvalidValue(f"The store does not take {terms.coin.symbol}.", fix=PUBLISHING["CoinNotAccepted"])
    offer = (
        terms.payee,
        terms.coin.address,
        terms.presale_from,
        terms.sale_from,
        terms.presale_price,
        terms.steps,
    )
    says = f"Set the price of {film.title}."
    call = ContractCall(market.store, _SET_OFFER, (goods.token.token_id, offer), says=says)
    explanation = (*_terms_sentences(film, terms), await _shares(market, terms))
    return publisher_proposal(film, "Set the price", explanation, (call,))


def _terms_sentences(film: Film, terms: Terms) -> tuple[str, ...]:
    written = terms.coin.written
    first = f"From {minute(terms.sale_from)} a token of {film.title} costs {written(terms.steps[0][1])}."
    further = [
        f"From {tokens(quantity)} at once each costs {written(price)}." for quantity, price in terms.steps[1:]
    ]
    early = []
    if terms.presale_from < terms.sale_from:
        price = written(terms.presale_price)
        early = [f"In the presale, from {minute(terms.presale_from)} on, each costs {price}."]
    return (first, *_doubts(terms), *further, *early)


def _doubts(terms: Terms) -> list[str]:
    """Ask about prices that the contract takes and that nobody usually means."""
    single = terms.steps[0][1]
    dearer = next((quantity for quantity, price in terms.steps[1:] if price > single), None)
    doubts = []
    if dearer is not None:
        doubts.append(f"From {tokens(dearer)} each costs more than a single one. Is that meant?")
    if terms.presale_from < terms.sale_from and terms.presale_price > single:
        doubts.append("In the presale one costs more than afterwards. Is that meant?")
    return doubts


async def _shares(market: Market, terms: Terms) -> str:
    fee = await market.fee_basis_points()
    store = f", {percent(fee)} is the store's" if fee else ""
    return f"{percent(10_000 - fee)} of the money goes to {shortened(terms.payee)}{store}."


async def _page(
    context: PluginContext,
    request: PluginRequest,
    film: Film,
    typed: Mapping[str, str],
    error: InvalidValue | None = None,
) -> Page:
    shop, viewer = shop_of(context), viewer_of(request)
    goods = _own_goods(context, request, film)
    filled = max(
        [0, *(int(name[9:]) for name, text in typed.items() if name.startswith("quantity_") and text)]
    )
    values = {
        "film": film,
        "goods": goods,
        "lead": lead_of(goods, shop),
        "typed": defaultdict(str, typed),
        "lines": range(1, min(MOST_STEPS, filled + _SPARE_LINES) + 1),
        "coins": await coins_to_choose(context),
        "wallet": viewer.wallet,
        "splitters": await _splitters(context, viewer.wallet),
        "room": max(0, goods.max_supply - goods.minted),
        "changes": await _changes(context, goods),
        "fee": percent(shop.fee_basis_points) if shop.fee_basis_points is not None else "",
        "error": error,
    }
    return Page("prices.html", values, status=400 if error else 200)


async def _splitters(context: PluginContext, owner: Wallet) -> list[Wallet]:
    """Give the royalty splitters a publisher has made, the newest first."""
    found = await context.chain.history(kinds=(SplitterCreated,), wallet=owner, limit=_MOST_SPLITTERS)
    return [event.splitter for event in found if isinstance(event, SplitterCreated)]


async def _changes(context: PluginContext, goods: Goods) -> list[PriceChange]:
    found = await context.chain.history(
        kinds=(OfferChanged, OfferClosed), token=goods.token, limit=_MOST_CHANGES
    )
    offered = [event.coin for event in found if isinstance(event, OfferChanged)]
    coins = await coins_in(context, offered)
    return [_change(event, coins, context.chain.explorer) for event in found]


def _change(event: ChainEvent, coins: Mapping[Wallet, Coin], explorer: str) -> PriceChange:
    block = event.mark.block
    url = explorer.replace("{block}", str(block))
    return PriceChange(minute(event.mark.at), block, url, _changed(event, coins))


def _changed(event: Any, coins: Mapping[Wallet, Coin]) -> str:
    if isinstance(event, OfferClosed):
        return "The sale ended."
    coin = coins.get(event.coin)
    prices = [
        f"{money(step.unit_price, coin)}" + (f" from {tokens(step.quantity)}" if step.quantity > 1 else "")
        for step in event.steps
    ]
    presale = ""
    if event.presale_from < event.sale_from:
        presale = f"; presale {money(event.presale_price, coin)} from {minute(event.presale_from)}"
    return f"{', '.join(prices)}, from {minute(event.sale_from)}{presale}. Money to {shortened(event.payee)}."
