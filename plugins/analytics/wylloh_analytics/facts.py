"""What an on-chain event means for who holds how many tokens.

A holder is a wallet other than the store and other than the film's own publisher: tokens on sale for the
first time, or not yet on sale, are nobody's yet. Tokens listed for resale are still their seller's until
somebody has bought them, although the store keeps them. So listing them and taking them back changes nothing,
and does not end the time for which they were held.

Every event has postings that only add up; all postings of a block together are what changed in it. In the
middle of a block a listed token may seem to be gone, at its end it is not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wylloh_server.sdk import (
    ZERO_ADDRESS,
    FilmCreated,
    LadderChanged,
    ListingCancelled,
    TokensListed,
    TokensSold,
    TokensTransferred,
)

if TYPE_CHECKING:
    from collections.abc import Collection

    from wylloh_server.sdk import ChainEvent, TokenReference, Wallet

KINDS: tuple[type[ChainEvent], ...] = (
    FilmCreated,
    LadderChanged,
    TokensTransferred,
    TokensListed,
    ListingCancelled,
    TokensSold,
)
"""The kinds of facts that are counted."""

MOST = 10**12
"""More tokens at once than this are left out: no film has them, and the database adds numbers of 64 bits."""


def token_of(event: ChainEvent) -> TokenReference:
    """Return the film an event is about.

    Raises:
        TypeError: it is about none.
    """
    token: TokenReference | None = getattr(event, "token", None)
    if token is None:
        raise TypeError(type(event).__name__)
    return token


def postings(event: ChainEvent, non_holders: Collection[Wallet]) -> tuple[tuple[Wallet, int], ...]:
    """Return what an event adds to wallets and takes from them, without those that are no holders."""
    both: tuple[tuple[Wallet, int], ...]
    match event:
        case TokensTransferred(amount=amount) if amount <= MOST:
            both = ((event.sender, -amount), (event.receiver, amount))
        case TokensListed(quantity=quantity) if quantity <= MOST:
            both = ((event.seller, quantity),)  # against the move into the store
        case ListingCancelled(quantity=quantity) if quantity <= MOST:
            both = ((event.seller, -quantity),)  # against the move out of the store
        case TokensSold(quantity=quantity) if event.listing and quantity <= MOST:
            both = ((event.seller, -quantity),)  # theirs until now; the buyer gets them by a move
        case _:
            return ()
    return tuple([(wallet, tokens) for wallet, tokens in both if wallet not in non_holders and tokens])


def passed_on(event: ChainEvent, non_holders: Collection[Wallet]) -> int:
    """Count the tokens that went from one holder to another, given or sold."""
    match event:
        case TokensTransferred(amount=amount):
            giver, taker, tokens = event.sender, event.receiver, amount
        case TokensSold(quantity=quantity) if event.listing:
            giver, taker, tokens = event.seller, event.buyer, quantity
        case _:
            return 0
    between_holders = giver not in non_holders and taker not in non_holders
    return tokens if between_holders and giver != taker and tokens <= MOST else 0


def non_holders(store: Wallet | None, publisher: Wallet | None) -> frozenset[Wallet]:
    """Return the wallets that are no holders of a film."""
    return frozenset(wallet for wallet in (ZERO_ADDRESS, store, publisher) if wallet is not None)
