"""A small shop to test with: films with tokens, and the facts that put them on sale."""

from __future__ import annotations

import asyncio

from wylloh_server.domain.film import Credit, Description, Film, FilmState, TokenOrigin, film_id_for
from wylloh_server.domain.types import ChainId, Cid, Seconds, TokenReference, Wallet
from wylloh_server.sdk import (
    SALE_TERMS_TYPEHASH,
    ZERO_ADDRESS,
    ChainError,
    FilmCreated,
    LadderChanged,
    OfferChanged,
    PriceStep,
    RightsLadder,
    Role,
    StoreFeeChanged,
    Tier,
    TokensListed,
    TokensTransferred,
    TokensSold,
)
from wylloh_server.sdk.testing import CONTRACTS, DOLLAR, SOMEWHERE
from wylloh_server.sdk.testing.samples import sample_viewer
from wylloh_store.sync import sync_of

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
    return Film(film_id_for(str(token(number))), Description(title, **given), origin, FilmState.READY, 1.0)


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


def minted(number: int, amount: int, to: Wallet = STORE) -> TokensTransferred:
    return TokensTransferred(SOMEWHERE, token(number), ZERO_ADDRESS, to, amount)


def moved(number: int, sender: Wallet, receiver: Wallet, amount: int) -> TokensTransferred:
    return TokensTransferred(SOMEWHERE, token(number), sender, receiver, amount)


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
    receiver = MAKERS if listing else ZERO_ADDRESS
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


def first_sale_of(quantity: int, total: int, *, fee: int = 250, presale: bool = False):
    """The contract's struct `Sale` of a purchase from the publisher of Winter Light."""
    parts = total, fee, total * fee // 10_000, ZERO_ADDRESS, 0, 0, presale
    return (1, 0, quantity, PUBLISHER, PAYEE, DOLLAR.address, *parts)


def resale_of(listing: int, quantity: int, total: int, *, number: int = 2, seller: Wallet = HOLDER):
    """The same of a purchase from a holder."""
    parts = total, 250, total * 250 // 10_000, MAKERS, 500, total * 500 // 10_000, False
    return (number, listing, quantity, seller, seller, DOLLAR.address, *parts)


def listing_of(number: int, *, left: int = 30, seller: Wallet = HOLDER):
    """The contract's struct `Listing`, of a film's tokens."""
    return (seller, number, left, DOLLAR.address, 250 * CENT, 1_000, 0)


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
        return (first_sale_of(quantity, total),)

    def listing(number):
        if number != 7:
            raise ChainError(f"the contract refused: UnknownListing({number})")
        return (listing_of(2),)

    def quote_listed(number, quantity):
        total = quantity * 250 * CENT
        return (resale_of(number, quantity, total),)

    answers = {
        (STORE, "TERMS_TYPEHASH()"): (SALE_TERMS_TYPEHASH,),
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
    sync = sync_of(app.context)
    while not sync.idle:
        await asyncio.sleep(0.005)


async def happened(app, *facts, at: float | None = None) -> None:
    await app.happened(*facts, at=at)
    await settled(app)


async def stocked(app) -> None:
    """Winter Light is on sale with a price list, The Meadow only by a holder, Night Bus not at all."""
    answer_store(app)
    fee = StoreFeeChanged(SOMEWHERE, PAYEE, 250)
    await app.happened(fee, *(fact for number in (1, 2, 3) for fact in (created(number), ladder(number))))
    await app.happened(minted(1, 600), offer(1, (1, 499), (10, 450), (100, 400)))
    await app.happened(minted(2, 40, HOLDER))
    await happened(app, *listed(2, 7, 30, 250))


def titles_of(page) -> list[str]:
    return [row.card.film.title for row in page.values["rows"]]
