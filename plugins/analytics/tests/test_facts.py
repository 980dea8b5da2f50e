"""What facts on chain mean for who holds what."""

from __future__ import annotations

import pytest
from plugins.analytics.tests.scenarios import DOLLAR, PEOPLE, PUBLISHERS, STORE, film_token

from wylloh_analytics.facts import MOST, non_holders, passed_on, postings, token_of
from wylloh_server.domain.chain_events import (
    ZERO_ADDRESS,
    FilmCreated,
    IncomeCredited,
    ListingCancelled,
    TokensListed,
    TokensTransferred,
    TokensSold,
)
from wylloh_server.sdk.testing import SOMEWHERE

ANN, BEN = PEOPLE[:2]
PUBLISHER = PUBLISHERS[0]
FILM = film_token(0)
NONE = non_holders(STORE, PUBLISHER)


def moved(sender, receiver, amount=5):
    return TokensTransferred(SOMEWHERE, FILM, sender, receiver, amount)


def sold(listing, seller, buyer=BEN, quantity=5):
    return TokensSold(
        SOMEWHERE, FILM, buyer, seller, listing, quantity, DOLLAR.address, 500, 25, ZERO_ADDRESS, 0, False
    )


@pytest.mark.parametrize(
    ("fact", "expected", "passed"),
    [
        (moved(ANN, BEN), ((ANN, -5), (BEN, 5)), 5),
        (moved(ANN, ANN), ((ANN, -5), (ANN, 5)), 0),
        (moved(ZERO_ADDRESS, ANN), ((ANN, 5),), 0),
        (moved(ZERO_ADDRESS, STORE), (), 0),
        (moved(ZERO_ADDRESS, PUBLISHER), (), 0),
        (moved(PUBLISHER, ANN), ((ANN, 5),), 0),
        (moved(ANN, PUBLISHER), ((ANN, -5),), 0),
        (moved(STORE, ANN), ((ANN, 5),), 0),
        (moved(ANN, STORE), ((ANN, -5),), 0),
        (moved(ANN, BEN, 0), (), 0),
        (TokensListed(SOMEWHERE, FILM, 1, ANN, 5, DOLLAR.address, 9), ((ANN, 5),), 0),
        (ListingCancelled(SOMEWHERE, FILM, 1, ANN, 5), ((ANN, -5),), 0),
        (sold(0, PUBLISHER), (), 0),
        (sold(7, ANN), ((ANN, -5),), 5),
        (sold(7, PUBLISHER), (), 0),
        (sold(7, ANN, buyer=PUBLISHER), ((ANN, -5),), 0),
        (FilmCreated(SOMEWHERE, FILM, PUBLISHER, 9, PUBLISHER, 0), (), 0),
    ],
    ids=lambda value: type(value).__name__,
)
def test_postings(fact, expected, passed):
    assert postings(fact, NONE) == expected
    assert passed_on(fact, NONE) == passed


def total(*facts):
    sums = {}
    for fact in facts:
        for wallet, tokens in postings(fact, NONE):
            sums[wallet] = sums.get(wallet, 0) + tokens
    return {wallet: tokens for wallet, tokens in sums.items() if tokens}


def test_listing_and_taking_back_change_nothing_and_a_resale_only_seller_and_buyer():
    listed = TokensListed(SOMEWHERE, FILM, 1, ANN, 5, DOLLAR.address, 9)
    assert total(listed, moved(ANN, STORE)) == {}
    assert total(ListingCancelled(SOMEWHERE, FILM, 1, ANN, 5), moved(STORE, ANN)) == {}
    assert total(moved(STORE, BEN), sold(1, ANN)) == {ANN: -5, BEN: 5}


def test_more_tokens_than_the_database_can_add_are_left_out():
    huge = MOST + 1
    for fact in (
        moved(ANN, BEN, huge),
        TokensListed(SOMEWHERE, FILM, 1, ANN, huge, DOLLAR.address, 9),
        ListingCancelled(SOMEWHERE, FILM, 1, ANN, huge),
        sold(3, ANN, quantity=huge),
    ):
        assert postings(fact, NONE) == ()
        assert passed_on(fact, NONE) == 0
    assert postings(moved(ANN, BEN, MOST), NONE) != ()


def test_without_a_store_and_a_known_publisher_only_nobody_is_no_holder():
    assert non_holders(None, None) == {ZERO_ADDRESS}


def test_a_fact_about_no_film_is_nothing_to_count():
    with pytest.raises(TypeError):
        token_of(IncomeCredited(SOMEWHERE, STORE, ANN, DOLLAR.address, 5))
