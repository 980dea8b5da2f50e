"""A small shop to test with: films with tokens, and the facts that put them on sale."""

from __future__ import annotations

import asyncio

from wylloh_server.domain.film import Credit, Description, Film, FilmState, TokenOrigin, film_id_of
from wylloh_server.domain.types import ChainId, Cid, Seconds, TokenReference, Wallet
from wylloh_server.sdk import (
    NOBODY,
    ChainError,
    FilmCreated,
    LadderChanged,
    OfferChanged,
    PriceStep,
    RightsLadder,
    Role,
    Tier,
    TokensListed,
    TokensMoved,
    TokensSold,
)
from wylloh_server.testing import CONTRACTS, DOLLAR, SOMEWHERE
from wylloh_server.testing._samples import sample_viewer
from wylloh_store.keeper import keeper_of

STORE = CONTRACTS.store
CENT = 10_000
"""In the smallest unit of a coin with six decimals."""
PAYEE, MAKERS, HOLDER = (Wallet("0x" + digits * 20) for digits in ("e1", "e2", "e3"))
VIEWER, PUBLISHER = sample_viewer(Role.VIEWER).wallet, sample_viewer(Role.PUBLISHER).wallet
LADDER = RightsLadder(
    (Tier(1, "personal"), Tier(100, "small-venue", seats=50), Tier(500, "streaming", ("DE", "AT")))
)
ROOT = Cid("bafybeiczsscdsbs7ffqz55asqdf3smv6klcw3gofszvwlyarci47bgf354")


def token(number: int) -> TokenReference:
    return TokenReference(ChainId(1), CONTRACTS.registry, number)


def film(number: int, title: str, **about) -> Film:
    origin = TokenOrigin(token(number), ROOT, PUBLISHER, "5a" * 32)
    given = {"year": 1999, "runtime": Seconds(5400), "languages": ("en",), "genres": ("Drama",)} | about
    return Film(film_id_of(str(token(number))), Description(title, **given), origin, FilmState.READY, 1.0)


LIGHT = film(
    1,
    "Winter Light",
    synopsis="A lighthouse keeper counts the ships.",
    credits=(Credit("Director", "Ada Marsh"), Credit("Cast", "Lou Große")),
    genres=("Drama", "Film noir"),
    year=1994,
    languages=("de-AT", "en"),
)
MEADOW = film(2, "The Meadow", genres=("Documentary",), year=2021, runtime=Seconds(1800), languages=("fr",))
NIGHT = film(3, "Night Bus", genres=("Drama", "Comedy"), year=2024, runtime=Seconds(7800))
FILMS = (LIGHT, MEADOW, NIGHT)


def created(number: int, supply: int = 1000, royalty: int = 500) -> FilmCreated:
    return FilmCreated(SOMEWHERE, token(number), PUBLISHER, supply, MAKERS, royalty)


def ladder(number: int, steps: RightsLadder = LADDER) -> LadderChanged:
    return LadderChanged(SOMEWHERE, token(number), steps)


def minted(number: int, amount: int, to: Wallet = STORE) -> TokensMoved:
    return TokensMoved(SOMEWHERE, token(number), NOBODY, to, amount)


def moved(number: int, sender: Wallet, receiver: Wallet, amount: int) -> TokensMoved:
    return TokensMoved(SOMEWHERE, token(number), sender, receiver, amount)


def offer(number: int, *prices: tuple[int, int], presale=(0, 0, 0), coin: Wallet = DOLLAR.address):
    """An offer; `prices` are pairs of quantity and cents, `presale` is from, until, cents."""
    begins, until, price = presale
    steps = tuple(PriceStep(quantity, cents * CENT) for quantity, cents in prices)
    return OfferChanged(SOMEWHERE, token(number), PUBLISHER, PAYEE, coin, begins, until, price * CENT, steps)


def listed(number: int, listing: int, quantity: int, cents: int, seller: Wallet = HOLDER):
    """What the contract says when somebody puts tokens up: the listing, then the move into escrow."""
    put_up = TokensListed(SOMEWHERE, token(number), listing, seller, quantity, DOLLAR.address, cents * CENT)
    return put_up, moved(number, seller, STORE, quantity)


def sold(number: int, buyer: Wallet, quantity: int, cents: int, listing: int = 0, seller: Wallet = PUBLISHER):
    """What the contract says of a sale: the sale, then the move to the buyer."""
    total = cents * CENT * quantity
    fee, royalty = total * 250 // 10_000, total * 500 // 10_000 if listing else 0
    receiver = MAKERS if listing else NOBODY
    sale = TokensSold(
        SOMEWHERE,
        token(number),
        buyer,
        seller,
        listing,
        quantity,
        DOLLAR.address,
        total,
        fee,
        receiver,
        royalty,
        False,
    )
    return sale, moved(number, STORE, buyer, quantity)


def answer_store(app) -> None:
    """Let the contracts answer as the real ones would for what is on sale in `stocked`."""
    coin, registry = DOLLAR.address, CONTRACTS.registry

    def quote(token_id, quantity):
        if token_id != 1:
            raise ChainError(f"the contract refused: NotOnSale({token_id})")
        total = (
            quantity
            * next(cents for least, cents in ((100, 400), (10, 450), (1, 499)) if quantity >= least)
            * CENT
        )
        return coin, total, total * 250 // 10_000, False

    def listing(number):
        if number != 7:
            raise ChainError(f"the contract refused: UnknownListing({number})")
        return ((HOLDER, 2, 30, coin, 250 * CENT),)

    def quote_listed(number, quantity):
        total = quantity * 250 * CENT
        return coin, total, total * 250 // 10_000, MAKERS, total * 500 // 10_000

    answers = {
        (STORE, "feeBasisPoints()"): (250,),
        (STORE, "acceptsCoin(address)"): lambda asked: (asked == coin,),
        (STORE, "quote(uint256,uint256)"): quote,
        (STORE, "stockOf(uint256)"): lambda token_id: (600 if token_id == 1 else 0,),
        (STORE, "listing(uint256)"): listing,
        (STORE, "quoteListed(uint256,uint256)"): quote_listed,
        (coin, "allowance(address,address)"): (0,),
        (registry, "balanceOf(address,uint256)"): (0,),
        (registry, "isApprovedForAll(address,address)"): (False,),
        (registry, "royaltyInfo(uint256,uint256)"): lambda _, total: (MAKERS, total * 500 // 10_000),
    }
    for (contract, function), answer in answers.items():
        app.chain.answer(contract, function, answer)


async def settled(app) -> None:
    """Wait until the shop shows everything that has happened so far."""
    keeper = keeper_of(app.context)
    while not keeper.idle:
        await asyncio.sleep(0.005)


async def happened(app, *facts, at: float | None = None) -> None:
    await app.happened(*facts, at=at)
    await settled(app)


async def stocked(app) -> None:
    """Winter Light is on sale with a price list, The Meadow only by a holder, Night Bus not at all."""
    answer_store(app)
    await app.happened(*(fact for number in (1, 2, 3) for fact in (created(number), ladder(number))))
    await app.happened(minted(1, 600), offer(1, (1, 499), (10, 450), (100, 400)))
    await app.happened(minted(2, 40, HOLDER))
    await happened(app, *listed(2, 7, 30, 250))


def titles_of(page) -> list[str]:
    return [shelf.card.film.title for shelf in page.values["shelves"]]
