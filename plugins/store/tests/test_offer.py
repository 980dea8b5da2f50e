from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from store_samples import HOLDER, LADDER, PAYEE, PUBLISHER, token

from wylloh_server.sdk import PriceStep, Timestamp
from wylloh_server.sdk.testing import DOLLAR
from wylloh_store.offer import Availability, FilmMarket, Listing, Offer, Price, cheapest_first

COIN = DOLLAR.address
OTHER = "0x" + "d9" * 20
NOW = 1_000.0


def offer(*steps, presale=(0, 0, 0), coin=COIN):
    begins, until, price = presale
    return Offer(
        PUBLISHER,
        PAYEE,
        coin,
        Timestamp(begins),
        Timestamp(until),
        price,
        tuple(PriceStep(*step) for step in steps),
    )


def market(offered=None, *, stock=0, listings=(), sold=0):
    listings = cheapest_first(listings)
    held = stock + sum(listing.left for listing in listings)
    return FilmMarket(
        token(1),
        Timestamp(5),
        minted=1000,
        in_store=held,
        sold=sold,
        ladder=LADDER,
        offer=offered,
        listings=listings,
    )


def listing(number, left, price, coin=COIN):
    return Listing(number, HOLDER, coin, price, left)


REGULAR = offer((1, 50), (10, 40), (100, 30))
PRESALE = offer((1, 50), presale=(500, 2000, 20))
LATER = offer((1, 50), presale=(2000, 2000, 0))
LATER_PRESALE = offer((1, 50), presale=(2000, 3000, 20))


@pytest.mark.parametrize(
    ("some", "availability", "price"),
    [
        (market(REGULAR, stock=5), Availability.SALE, 50),
        (market(PRESALE, stock=5), Availability.PRESALE, 20),
        (market(LATER, stock=5), Availability.SOON, 50),
        (market(LATER_PRESALE, stock=5), Availability.SOON, 20),
        (market(LATER, stock=5, listings=[listing(1, 2, 70)]), Availability.SOON, 70),
        (market(REGULAR, sold=7), Availability.SOLD_OUT, None),
        (market(REGULAR), Availability.NOT_OFFERED, None),  # priced, and never on sale
        (market(REGULAR, listings=[listing(1, 2, 70)]), Availability.RESALE, 70),
        (market(REGULAR, stock=5, listings=[listing(1, 2, 45)]), Availability.SALE, 45),
        (market(REGULAR, stock=5, listings=[listing(1, 2, 45, OTHER)]), Availability.SALE, 50),
        (market(listings=[listing(1, 2, 70)]), Availability.RESALE, 70),
        (market(stock=5), Availability.NOT_OFFERED, None),
        (market(), Availability.NOT_OFFERED, None),
    ],
)
def test_what_can_be_had_and_for_how_much(some, availability, price):
    assert some.availability(NOW) is availability
    assert some.price(NOW) == (None if price is None else Price(COIN, price))


@pytest.mark.parametrize(("quantity", "price"), [(1, 50), (9, 50), (10, 40), (99, 40), (100, 30), (5000, 30)])
def test_the_price_of_one_falls_with_the_number_bought(quantity, price):
    assert REGULAR.unit_price(quantity, NOW) == price


def test_a_presale_has_one_price_whatever_the_number():
    assert PRESALE.unit_price(100, NOW) == 20
    assert PRESALE.unit_price(100, 2000) == 50


def test_prices_change_by_themselves_when_presale_and_sale_begin():
    some = market(LATER_PRESALE, stock=5)
    assert (some.next_change(NOW), some.next_change(2000), some.next_change(3000)) == (2000, 3000, None)
    assert some.availability(2000) is Availability.PRESALE
    assert some.availability(3000) is Availability.SALE


@pytest.mark.parametrize(
    ("quantity", "total"),
    [
        (1, 45),  # the cheapest holder
        (3, 45 * 2 + 50),  # both of that holder's, and one from the publisher
        (12, 12 * 40),  # at once from the publisher: the step is better than the holder's price
        (13, 13 * 40),
        (25, 45 * 2 + 20 * 40 + 3 * 60),  # everything there is
        (26, None),
    ],
)
def test_the_least_for_which_a_number_can_be_had(quantity, total):
    some = market(REGULAR, stock=20, listings=[listing(1, 2, 45), listing(2, 3, 60)])
    assert some.cost(quantity, NOW) == (None if total is None else Price(COIN, total))


def test_before_the_sale_only_holders_count():
    some = market(LATER, stock=20, listings=[listing(1, 2, 45)])
    assert (some.cost(2, NOW), some.cost(3, NOW)) == (Price(COIN, 90), None)


offers = st.none() | st.lists(st.tuples(st.integers(2, 30), st.integers(1, 90)), max_size=3).map(
    lambda more: offer((1, 95), *sorted({quantity: price for quantity, price in more}.items()))
)
some_listings = st.lists(
    st.builds(listing, st.integers(1, 99), st.integers(1, 9), st.integers(1, 99)), max_size=4
)


@given(offers, st.integers(0, 30), some_listings, st.integers(1, 40))
def test_no_way_to_divide_a_purchase_is_cheaper(offered, stock, listings, quantity):
    """Against trying every split between the publisher and the holders."""
    some = market(offered, stock=stock, listings=listings)
    each = [one.unit_price for one in some.listings for _ in range(one.left)]
    most = min(quantity, some.stock) if some.on_first_sale(NOW) else 0
    totals = [
        first * (offered.unit_price(first, NOW) if first else 0) + sum(each[: quantity - first])
        for first in range(most + 1)
        if len(each) >= quantity - first
    ]
    found = some.cost(quantity, NOW)
    assert (found is None) == (not totals)
    if found is not None:
        assert found.amount == min(totals)
