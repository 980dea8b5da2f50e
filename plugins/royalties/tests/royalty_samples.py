"""A splitter to test with, and the facts that bring it into being and fill it."""

from __future__ import annotations

import asyncio

from wylloh_royalties.splitter_sync import sync_of
from wylloh_server.domain.film import Description, Film, FilmState, TokenOrigin, film_id_for
from wylloh_server.domain.types import ChainId, Cid, Seconds, TokenReference
from wylloh_server.sdk import (
    ZERO_ADDRESS,
    FilmCreated,
    IncomeCredited,
    OfferChanged,
    PayoutMade,
    PriceStep,
    RecipientsChanged,
    Role,
    Share,
    SplitterCreated,
    TokensSold,
    Wallet,
)
from wylloh_server.sdk.testing import CONTRACTS, DOLLAR, SOMEWHERE
from wylloh_server.sdk.testing.samples import sample_viewer

SPLITTER, OTHER = (Wallet("0x" + digits * 20) for digits in ("5a", "5b"))
ANN, BEN, CYN = (Wallet("0x" + digits * 20) for digits in ("a1", "b2", "c3"))
VIEWER, PUBLISHER, OWNER = (sample_viewer(role).wallet for role in (Role.VIEWER, Role.PUBLISHER, Role.OWNER))
COIN = DOLLAR.address
ROOT = Cid("bafybeiczsscdsbs7ffqz55asqdf3smv6klcw3gofszvwlyarci47bgf354")
SHARES = (Share(VIEWER, 6_500, "director"), Share(ANN, 3_500, "music"))


def token(number: int) -> TokenReference:
    return TokenReference(ChainId(1), CONTRACTS.registry, number)


def film(number: int, title: str) -> Film:
    origin = TokenOrigin(token(number), ROOT, PUBLISHER, "5a" * 32)
    about = Description(title, runtime=Seconds(5400))
    return Film(film_id_for(str(token(number))), about, origin, FilmState.READY, 1.0)


LIGHT, MEADOW = film(1, "Winter Light"), film(2, "The Meadow")
FILMS = (LIGHT, MEADOW)


def made(owner: Wallet = PUBLISHER, shares=SHARES, splitter: Wallet = SPLITTER):
    """What the chain says when somebody makes a splitter."""
    return SplitterCreated(SOMEWHERE, splitter, owner), RecipientsChanged(SOMEWHERE, splitter, shares)


def credited(*parts: tuple[Wallet, int], coin: Wallet = COIN, splitter: Wallet = SPLITTER):
    return tuple(IncomeCredited(SOMEWHERE, splitter, who, coin, amount) for who, amount in parts)


def paid(who: Wallet, amount: int, coin: Wallet = COIN, splitter: Wallet = SPLITTER):
    return PayoutMade(SOMEWHERE, splitter, who, coin, amount)


def created(number: int, receiver: Wallet = SPLITTER) -> FilmCreated:
    return FilmCreated(SOMEWHERE, token(number), PUBLISHER, 1000, receiver, 500)


def offer(number: int, payee: Wallet = SPLITTER, coin: Wallet = COIN) -> OfferChanged:
    return OfferChanged(SOMEWHERE, token(number), PUBLISHER, payee, coin, 0, 0, 0, (PriceStep(1, 5_000_000),))


def sold(number: int, total: int, *, listing: int = 0, receiver: Wallet = SPLITTER, coin: Wallet = COIN):
    """A sale: 2.5 % are the store's, and of a resale 5 % the receiver's."""
    royalty, to = (total * 500 // 10_000, receiver) if listing else (0, ZERO_ADDRESS)
    fee = total * 250 // 10_000
    return TokensSold(
        SOMEWHERE, token(number), CYN, PUBLISHER, listing, 1, coin, total, fee, to, royalty, False
    )


def answer(app, *, owner: Wallet = PUBLISHER, pending: int = 0, owed=lambda *_: 0, splitter=SPLITTER) -> None:
    """Let a splitter answer as the contract does."""
    app.chain.answer(splitter, "owner()", (owner,))
    app.chain.answer(splitter, "coins()", ((COIN,),))
    app.chain.answer(
        splitter, "sharesOf(address)", (tuple((one.account, one.basis_points) for one in SHARES),)
    )
    app.chain.answer(splitter, "pending(address)", lambda coin: (pending if coin == COIN else 0,))
    app.chain.answer(splitter, "owed(address,address)", lambda who, coin: (owed(who, coin),))


async def settled(app) -> None:
    """Wait until the plugin has taken in everything that has happened so far."""
    while not sync_of(app.context).idle:
        await asyncio.sleep(0.005)


async def happened(app, *facts, at: float | None = None):
    block = await app.happened(*facts, at=at)
    await settled(app)
    return block


def at(*, splitter: Wallet = SPLITTER, page: str = "") -> str:
    return f"splitter/{splitter}" + (f"/{page}" if page else "")
