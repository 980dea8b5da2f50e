"""The publisher's page of a film: terms of its first sale, its stock, and how the price has changed."""

from __future__ import annotations

from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wylloh_server.sdk import (
    ChainError,
    EventQuery,
    InvalidValue,
    OfferChanged,
    OfferClosed,
    Page,
    PriceStep,
    Proposal,
    SplitterCreated,
    Timestamp,
    block_url,
    format_exact,
    format_minute,
    format_percent,
    parse_address,
    read_coins,
    redirect_to_wallet,
    require_viewer,
    short_address,
)
from wylloh_store.coin_choices import coins_to_choose, known_coin
from wylloh_store.form_values import amount_of, moment_of, quantity_of, typed_moment
from wylloh_store.inventory import published_market, publisher_proposal
from wylloh_store.messages import lead_of, money, tokens
from wylloh_store.offer import Offer
from wylloh_store.proposal_recipes import STOCK, WITHDRAW, propose
from wylloh_store.requests import film_of
from wylloh_store.sale_errors import PUBLISHING
from wylloh_store.sale_road import sale_road
from wylloh_store.store_contract import StoreContract
from wylloh_store.sync import index_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from wylloh_server.sdk import ChainEvent, Coin, Film, PluginContext, PluginRequest, Reply, Wallet
    from wylloh_store.index import StoreIndex
    from wylloh_store.offer import FilmMarket

MOST_STEPS = 16
"""The contract keeps no longer price list."""
_MOST_CHANGES = 50
_MOST_SPLITTERS = 20
_SPARE_LINES = 3
_SOON = 2 * 365 * 86_400
"""A sale that begins later than in so many seconds is asked about."""
_LATEST = 1 << 40
"""Seconds since 1970: no sale begins in so far a future."""


@dataclass(frozen=True, slots=True)
class PricedFilm:
    """One of a publisher's films: what it costs, and how many tokens are left to sell."""

    film: Film
    lead: str
    stock: int


@dataclass(frozen=True, slots=True)
class PriceChange:
    """One line of the history of prices."""

    when: str
    block: int
    url: str
    terms: str


async def own_films(context: PluginContext, request: PluginRequest) -> Reply:
    """Show a publisher's own films with their prices."""
    viewer, index = require_viewer(request), index_of(context)
    lines = [
        PricedFilm(film, lead_of(market, index), market.stock)
        for film in index.films.values()
        if (market := index.market(film)) and market.publisher == viewer.wallet
    ]
    return Page("own_films.html", {"lines": sorted(lines, key=lambda line: line.film.title.casefold())})


async def prices(context: PluginContext, request: PluginRequest) -> Reply:
    """Show the terms, the stock and the history."""
    return await _page(context, request, await film_of(context, request))


async def set_prices(context: PluginContext, request: PluginRequest) -> Reply:
    """Propose new terms."""
    typed = _posted(request)

    async def proposed(film: Film, market: FilmMarket) -> Reply:
        viewer = require_viewer(request)
        offer, coin = await _terms(context, viewer.wallet, typed)
        proposal = await _terms_proposal(context, film, market, offer, coin)
        return await redirect_to_wallet(context, viewer, proposal)

    return await _submitted(context, request, proposed, typed)


async def add_stock(context: PluginContext, request: PluginRequest) -> Reply:
    """Propose to put tokens on sale: new ones, or such as one holds."""
    typed = {"more": request.value("quantity"), "way": request.value("way")}

    async def proposed(film: Film, _: FilmMarket) -> Reply:
        quantity = quantity_of(typed["more"])
        return await propose(context, request, film, STOCK, quantity=quantity, way=typed["way"])

    return await _submitted(context, request, proposed, typed)


async def withdraw_stock(context: PluginContext, request: PluginRequest) -> Reply:
    """Propose to take unsold tokens back."""
    typed = {"less": request.value("quantity")}

    async def proposed(film: Film, _: FilmMarket) -> Reply:
        quantity = quantity_of(typed["less"])
        return await propose(context, request, film, WITHDRAW, quantity=quantity)

    return await _submitted(context, request, proposed, typed)


async def close(context: PluginContext, request: PluginRequest) -> Reply:
    """Propose to end the first sale."""

    async def proposed(film: Film, market: FilmMarket) -> Reply:
        summary = f"End the sale of {film.title}."
        call = StoreContract(context).store.call("closeOffer", market.token.token_id, summary=summary)
        sentences = [f"Nobody can buy {film.title} from you any more. Holders can still resell theirs."]
        if market.stock:
            left = tokens(market.stock)
            sentences.append(f"{left} in the store stay yours; take them back whenever you like.")
        proposal = publisher_proposal(
            film, "End the sale", tuple(sentences), (call,), functions=("FilmStore.closeOffer",)
        )
        return await redirect_to_wallet(context, require_viewer(request), proposal)

    return await _submitted(context, request, proposed)


async def _submitted(
    context: PluginContext,
    request: PluginRequest,
    proposed: Callable[[Film, FilmMarket], Awaitable[Reply]],
    typed: Mapping[str, str] | None = None,
) -> Reply:
    """Propose something about a film of the viewer's own; show the page again if a value is invalid."""
    film = await film_of(context, request)
    market = published_market(context, require_viewer(request), film)
    try:
        return await proposed(film, market)
    except InvalidValue as error:
        return await _page(context, request, film, typed, error)


def _posted(request: PluginRequest) -> dict[str, str]:
    names = ["coin", "payee", "sale_from", "presale_from", "presale_price"]
    names += [f"{part}_{line}" for line in range(1, MOST_STEPS + 1) for part in ("quantity", "price")]
    return {name: request.value(name).strip() for name in names}


def _typed(market: FilmMarket, index: StoreIndex) -> dict[str, str]:
    """Return what the form holds at first: the terms as they are, or without dates those of an ended sale."""
    offer = market.offer or market.ended
    coin = index.coins.get(offer.coin) if offer else None
    if offer is None or coin is None:
        return {"quantity_1": "1"}
    typed: dict[str, str] = {"coin": offer.coin, "payee": offer.payee}
    if market.offer is not None:
        typed["sale_from"] = typed_moment(offer.sale_from)
    if market.offer is not None and offer.has_presale:
        typed |= {
            "presale_from": typed_moment(offer.presale_from),
            "presale_price": format_exact(offer.presale_price, coin),
        }
    for line, step in enumerate(offer.steps, 1):
        typed |= {
            f"quantity_{line}": str(step.quantity),
            f"price_{line}": format_exact(step.unit_price, coin),
        }
    return typed


async def _terms(context: PluginContext, publisher: Wallet, typed: Mapping[str, str]) -> tuple[Offer, Coin]:
    coin = await known_coin(context, typed["coin"])
    now = int(index_of(context).now)
    sale_from = _moment(typed["sale_from"], "beginning of the sale") if typed["sale_from"] else now
    presale_from, presale_price = _presale(typed, coin, sale_from)
    payee = parse_address(typed["payee"])
    context.chain.contracts.check_payee(payee, {coin.address, *index_of(context).coins})
    return Offer(
        publisher=publisher,
        payee=payee,
        coin=coin.address,
        presale_from=Timestamp(presale_from),
        sale_from=Timestamp(sale_from),
        presale_price=presale_price,
        steps=_price_list(typed, coin),
    ), coin


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


def _price_list(typed: Mapping[str, str], coin: Coin) -> tuple[PriceStep, ...]:
    steps: list[PriceStep] = []
    for line in range(1, MOST_STEPS + 1):
        quantity, price = typed[f"quantity_{line}"], typed[f"price_{line}"]
        if not quantity and not price:
            continue
        if not price and line > 1:
            raise InvalidValue(f"Price {line} is missing.", fix="Fill it in, or clear its number of tokens.")
        step = PriceStep(quantity_of(quantity or "1"), amount_of(price, coin))
        if steps and step.quantity <= steps[-1].quantity:
            before = tokens(steps[-1].quantity)
            raise InvalidValue(
                f"A price from {tokens(step.quantity)} on must come before one from {before} on.",
                fix="Let the numbers of tokens rise.",
            )
        steps.append(step)
    if not steps or steps[0].quantity != 1:
        raise InvalidValue("The first price must hold from 1 token on.", fix="Write 1 into its first field.")
    return tuple(steps)


async def _terms_proposal(
    context: PluginContext, film: Film, market: FilmMarket, offer: Offer, coin: Coin
) -> Proposal:
    contract = StoreContract(context)
    await contract.check_release()
    if not await contract.accepts(coin.address):
        raise InvalidValue(f"The store does not take {coin.symbol}.", fix=PUBLISHING["CoinNotAccepted"])
    steps = tuple((step.quantity, step.unit_price) for step in offer.steps)
    times = (offer.presale_from, offer.sale_from, offer.presale_price)
    summary, fee = f"Set the price of {film.title}.", await contract.fee_basis_points()
    terms = (offer.payee, offer.coin, *times, steps)
    call = contract.store.call("setOffer", market.token.token_id, terms, fee, summary=summary)
    explanation = (
        *_terms_sentences(film, offer, coin, _doubts(offer, market, index_of(context).now)),
        *_shares(fee, offer),
        *await _payee_doubts(context, offer.payee),
    )
    functions = ("FilmStore.setOffer",)
    return publisher_proposal(film, "Set the price", explanation, (call,), functions=functions)


def _terms_sentences(film: Film, offer: Offer, coin: Coin, doubts: list[str]) -> tuple[str, ...]:
    single, *further = offer.steps
    begins, price = format_minute(offer.sale_from), coin.written(single.unit_price)
    sentences = [f"From {begins} a token of {film.title} costs {price}.", *doubts]
    sentences += [
        f"From {tokens(step.quantity)} at once each costs {coin.written(step.unit_price)}."
        for step in further
    ]
    if offer.has_presale:
        begins, price = format_minute(offer.presale_from), coin.written(offer.presale_price)
        sentences.append(f"In the presale, from {begins} on, each costs {price}.")
    return tuple(sentences)


def _doubts(offer: Offer, market: FilmMarket, now: float) -> list[str]:
    """Ask about prices that the contract takes and that nobody usually means."""
    single, *further = offer.steps
    dearer = next((step.quantity for step in further if step.unit_price > single.unit_price), None)
    doubts = []
    if dearer is not None:
        doubts.append(f"From {tokens(dearer)} each costs more than a single one. Is that meant?")
    if offer.has_presale and offer.presale_price > single.unit_price:
        doubts.append("In the presale one costs more than afterwards. Is that meant?")
    beyond = next((step.quantity for step in further if step.quantity > market.max_supply), None)
    if beyond is not None:
        most = f"there are never more than {market.max_supply:,}"
        doubts.append(f"Nobody can buy {tokens(beyond)} at once: {most}. Is that price meant?")
    if offer.presale_from > now + _SOON:
        doubts.append(f"Nothing is sold before {format_minute(offer.presale_from)}. Is that meant?")
    return doubts


async def _payee_doubts(context: PluginContext, payee: Wallet) -> tuple[str, ...]:
    """Ask about a receiver that is a contract of somebody else's."""
    if not await context.chain.is_contract(payee):
        return ()
    if await context.chain.count(EventQuery(kinds=(SplitterCreated,), contract=payee)):
        return ()
    doubt = "is a contract, and no royalty splitter that was made here. If it cannot pay out what it gets,"
    return (f"{short_address(payee)} {doubt} the money is lost. Do you know it?",)


def _shares(fee: int, offer: Offer) -> tuple[str, str]:
    store = f", {format_percent(fee)} is the store's" if fee else ""
    return (
        f"{format_percent(10_000 - fee)} of the money goes to {short_address(offer.payee)}{store}.",
        "The store's part can never become larger while these prices hold.",
    )


async def _page(
    context: PluginContext,
    request: PluginRequest,
    film: Film,
    typed: Mapping[str, str] | None = None,
    error: InvalidValue | None = None,
) -> Page:
    index, viewer = index_of(context), require_viewer(request)
    market = published_market(context, viewer, film)
    typed = _typed(market, index) | dict(typed or {})
    filled = max(
        [0, *(int(name[9:]) for name, text in typed.items() if name.startswith("quantity_") and text)]
    )
    values = {
        "film": film,
        "market": market,
        "road": sale_road(film, market, index),
        "typed": defaultdict(str, typed),
        "lines": range(1, min(MOST_STEPS, filled + _SPARE_LINES) + 1),
        "coins": await coins_to_choose(context),
        "wallet": viewer.wallet,
        "splitters": await _splitters(context, viewer.wallet),
        "room": max(0, market.max_supply - market.minted),
        "changes": await _changes(context, market),
        "fee": format_percent(index.fee_basis_points) if index.fee_basis_points is not None else "",
        "offer_fee": await _offer_fee(context, market, index.fee_basis_points),
        "error": error,
    }
    return Page("prices.html", values, status=400 if error else 200)


async def _offer_fee(context: PluginContext, market: FilmMarket, fee: int | None) -> str:
    """Return the store's part at the price of now, if that is less than its part of new offers."""
    if market.offer is None or fee is None:
        return ""
    with suppress(ChainError, InvalidValue):
        bound = await StoreContract(context).offer_fee(market.token)
        return format_percent(bound) if bound is not None and bound < fee else ""
    return ""


async def _splitters(context: PluginContext, owner: Wallet) -> list[Wallet]:
    """Return the royalty splitters a publisher has made, the newest first."""
    found = await context.chain.history(
        EventQuery(kinds=(SplitterCreated,), wallet=owner, limit=_MOST_SPLITTERS)
    )
    return [event.splitter for event in found if isinstance(event, SplitterCreated)]


async def _changes(context: PluginContext, market: FilmMarket) -> list[PriceChange]:
    found = await context.chain.history(
        EventQuery(kinds=(OfferChanged, OfferClosed), token=market.token, limit=_MOST_CHANGES)
    )
    coins = await read_coins(
        context.chain, [event.coin for event in found if isinstance(event, OfferChanged)]
    )
    return [
        PriceChange(
            format_minute(event.mark.at),
            event.mark.block,
            block_url(context.chain.explorer, event.mark.block),
            _changed_terms(event, coins),
        )
        for event in found
    ]


def _changed_terms(event: ChainEvent, coins: Mapping[Wallet, Coin]) -> str:
    if not isinstance(event, OfferChanged):
        return "The sale ended."
    coin = coins.get(event.coin)
    prices = [
        f"{money(step.unit_price, coin)}" + (f" from {tokens(step.quantity)}" if step.quantity > 1 else "")
        for step in event.steps
    ]
    presale = ""
    if event.presale_from < event.sale_from:
        presale = f"; presale {money(event.presale_price, coin)} from {format_minute(event.presale_from)}"
    begins = f", from {format_minute(event.sale_from)}" if event.sale_from > event.mark.at else ""
    return f"{', '.join(prices)}{begins}{presale}. Money to {short_address(event.payee)}."
