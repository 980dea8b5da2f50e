"""Reselling: a holder puts tokens up at a price, and takes back what was not sold."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wylloh_server.sdk import ContractCall, InvalidValue, NotFound, Page, Proposal, TokensMoved, shortened
from wylloh_store.amounts import LARGEST, amount_of, percent, quantity_of
from wylloh_store.asking import cards_of, film_of, number_of, stack_of, to_wallet, viewer_of
from wylloh_store.coins import coins_to_choose, known_coin
from wylloh_store.fragments import money_sentences
from wylloh_store.keeper import TOPIC, shop_of
from wylloh_store.market import Market
from wylloh_store.offers import resales_of
from wylloh_store.refusals import SELLING
from wylloh_store.words import lost_rights, money, tokens

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from wylloh_server.sdk import Coin, Film, FilmCard, PluginContext, PluginRequest, Reply, Viewer
    from wylloh_store.goods import Goods
    from wylloh_store.offers import Resale

SELL, TAKE_BACK = "sell", "take-back"
"""What an offer, and taking it back, are called in a recipe."""

_MAY_TAKE = "setApprovalForAll(address,bool)"
_MOST_MOVES = 5_000
_LIST = "list(uint256,uint256,address,uint256)"


@dataclass(frozen=True, slots=True)
class Mine:
    """One's own offers of a film."""

    film: Film
    offers: tuple[Resale, ...]


@dataclass(frozen=True, slots=True)
class Sale:
    """What somebody wants to sell."""

    film: Film
    quantity: int
    coin: Coin
    price: int


async def selling(context: PluginContext, request: PluginRequest) -> Reply:
    """Show one's own offers, and the films of which one holds something to sell."""
    viewer, shop = viewer_of(request), shop_of(context)
    offered = []
    for film in shop.films():
        goods = shop.goods(film)
        if goods is not None and any(listing.seller == viewer.wallet for listing in goods.listings):
            own = tuple(offer for offer in resales_of(goods, shop, viewer.wallet) if offer.mine)
            offered.append(Mine(film, own))
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
    viewer, film = viewer_of(request), await film_of(context, request)
    typed = {name: request.value(name) for name in ("quantity", "price", "coin")}
    try:
        sale = await _sale(context, film, typed)
        proposal = await _proposal(context, viewer, sale)
        return await to_wallet(context.transactions, viewer, proposal)
    except InvalidValue as error:
        return await _form(context, request, film, typed, error)


async def take_back(context: PluginContext, request: PluginRequest) -> Reply:
    """Propose to take back what is left of an own offer."""
    viewer, number = viewer_of(request), number_of(request, "listing")
    shop = shop_of(context)
    for film in shop.films():
        goods = shop.goods(film)
        listing = next((one for one in goods.listings if one.number == number), None) if goods else None
        if listing is not None:
            proposal = _withdrawal(context, film, number, listing.left)
            return await to_wallet(context.transactions, viewer, proposal)
    raise NotFound("There is no such offer any more.", fix="Look under Sell tokens.")


async def _held(context: PluginContext, viewer: Viewer) -> list[FilmCard]:
    """Give the films of which the viewer holds tokens, by title.

    Only those are asked about whose tokens ever moved to or from this wallet: a library has many more.
    """
    kinds, wallet = (TokensMoved,), viewer.wallet
    cards: Sequence[FilmCard]
    if await context.chain.count(kinds=kinds, wallet=wallet) > _MOST_MOVES:
        cards = await context.library.films(viewer)
    else:
        moves = await context.chain.history(kinds=kinds, wallet=wallet, limit=_MOST_MOVES)
        tokens_moved = dict.fromkeys(str(move.token) for move in moves if isinstance(move, TokensMoved))
        films = [film for token in tokens_moved if (film := shop_of(context).film_of(token))]
        cards = await cards_of(context, viewer, [film.id for film in films])
    held = [card for card in cards if card.stack is not None and card.stack.holding]
    return sorted(held, key=lambda card: card.film.title.casefold())


async def _sale(context: PluginContext, film: Film, typed: dict[str, str]) -> Sale:
    quantity = quantity_of(typed["quantity"])
    coin = await known_coin(context, typed["coin"])
    return Sale(film, quantity, coin, amount_of(typed["price"], coin))


async def _proposal(context: PluginContext, viewer: Viewer, sale: Sale) -> Proposal:
    market, goods = Market(context), shop_of(context).goods(sale.film)
    if goods is None:
        raise InvalidValue(f"{sale.film.title} has no tokens.", fix="Choose another film.")
    held, accepted, explanation, permission = await asyncio.gather(
        market.holding(viewer.wallet, goods.token),
        market.accepts(sale.coin.address),
        _explained(context, viewer, goods, sale),
        permission_steps(viewer, market),
    )
    if held < sale.quantity:
        raise InvalidValue(
            f"You hold {tokens(held)}, so you cannot sell {sale.quantity:,}.", fix="Sell fewer."
        )
    if not accepted:
        raise InvalidValue(f"The store does not take {sale.coin.symbol}.", fix="Choose another coin.")
    call = ContractCall(
        market.store,
        _LIST,
        (goods.token.token_id, sale.quantity, sale.coin.address, sale.price),
        says=f"Put {tokens(sale.quantity)} of {sale.film.title} up for {sale.coin.written(sale.price)} each.",
    )
    return Proposal(
        title=f"Sell {tokens(sale.quantity)} of {sale.film.title}",
        explanation=explanation,
        steps=(*permission, call),
        done=f"{tokens(sale.quantity)} of {sale.film.title} can be bought now.",
        refusals=SELLING,
        topics=(f"film:{sale.film.id}", TOPIC),
        back="/plugins/store/selling",
        start=f"/plugins/store/film/{sale.film.id}/sell",
        recipe={
            "do": SELL,
            "film": sale.film.id,
            "quantity": str(sale.quantity),
            "coin": sale.coin.address,
            "price": str(sale.price),
        },
    )


async def renewed_sale(
    context: PluginContext, viewer: Viewer, film: Film, recipe: Mapping[str, str]
) -> Proposal:
    """Propose anew to put tokens up for sale.

    Raises:
        InvalidValue: the wallet holds too few by now, or the store does not take the coin any more.
    """
    coin = await known_coin(context, recipe["coin"])
    return await _proposal(context, viewer, Sale(film, int(recipe["quantity"]), coin, int(recipe["price"])))


async def renewed_withdrawal(
    context: PluginContext, viewer: Viewer, film: Film, recipe: Mapping[str, str]
) -> Proposal:
    """Propose anew to take back what is left of an own offer.

    Raises:
        InvalidValue: nothing is left of it.
    """
    del viewer  # the contract knows whose offer it is
    goods, number = shop_of(context).goods(film), int(recipe["listing"])
    listing = next((one for one in goods.listings if one.number == number), None) if goods else None
    if listing is None:
        raise InvalidValue(SELLING["NotEnoughListed"], fix="Look under Sell tokens.")
    return _withdrawal(context, film, number, listing.left)


async def permission_steps(viewer: Viewer, market: Market) -> tuple[ContractCall, ...]:
    """Give the call that lets the store take the viewer's tokens, if it may not yet."""
    if await market.may_take_tokens(viewer.wallet):
        return ()
    says = f"Let the store, {shortened(market.store)}, take film tokens of yours when you put them up."
    return (ContractCall(market.registry, _MAY_TAKE, (market.store, True), says=says),)


async def _explained(context: PluginContext, viewer: Viewer, goods: Goods, sale: Sale) -> tuple[str, ...]:
    """Say what arrives, who gets what, and which rights end."""
    total, market = sale.price * sale.quantity, Market(context)
    if total > LARGEST:
        raise InvalidValue(SELLING["Panic"])
    basis_points, royalty, stack = await asyncio.gather(
        market.fee_basis_points(), market.royalty(goods.token, total), stack_of(context, viewer, sale.film)
    )
    fee = total * basis_points // 10_000
    if royalty > total - fee:
        raise InvalidValue(SELLING["RoyaltyTooHigh"])
    written = sale.coin.written
    sentences = (
        f"You put {tokens(sale.quantity)} of {sale.film.title} up for {written(sale.price)} each.",
        f"When all are sold, {written(total - fee - royalty)} of {written(total)} arrives in your wallet.",
        _taken(
            sale.coin,
            (royalty, goods.royalty_basis_points, "the makers"),
            (fee, basis_points, "the store"),
        ),
        lost_rights(stack, sale.quantity) if stack else "",
        "Until they are sold the store keeps them, and you can take them back at any time.",
    )
    return tuple(sentence for sentence in sentences if sentence)


def _taken(coin: Coin, *shares: tuple[int, int, str]) -> str:
    """Say what others get: amount, basis points, and who that is."""
    said = [f"{percent(part)} ({coin.written(amount)}) to {who}" for amount, part, who in shares if amount]
    return f"{' and '.join(said)} {'is' if len(said) == 1 else 'are'} taken from it." if said else ""


def _withdrawal(context: PluginContext, film: Film, number: int, left: int) -> Proposal:
    market = Market(context)
    says = f"Take {tokens(left)} of {film.title} back."
    return Proposal(
        title=f"Take back {tokens(left)} of {film.title}",
        explanation=(f"What is not sold, {tokens(left)} of {film.title}, comes back into your wallet.",),
        steps=(ContractCall(market.store, "cancel(uint256)", (number,), says=says),),
        done=f"{tokens(left)} of {film.title} {'is' if left == 1 else 'are'} back in your wallet.",
        refusals=SELLING,
        topics=(f"film:{film.id}", TOPIC),
        back="/plugins/store/selling",
        recipe={"do": TAKE_BACK, "film": film.id, "listing": str(number)},
    )


async def _form(
    context: PluginContext,
    request: PluginRequest,
    film: Film,
    typed: dict[str, str],
    error: InvalidValue | None = None,
) -> Page:
    shop, viewer = shop_of(context), viewer_of(request)
    goods = shop.goods(film)
    if goods is None:
        raise NotFound("This film has no tokens.", fix="Choose another film.")
    price = goods.price(shop.now)
    values = {
        "film": film,
        "stack": await stack_of(context, viewer, film),
        "typed": defaultdict(str, typed),
        "coins": await coins_to_choose(context),
        "price_now": money(price.amount, shop.coins.get(price.coin)) if price else "",
        "money": money_sentences(goods, shop)[1:],
        "error": error,
    }
    return Page("sell.html", values, status=400 if error else 200)
