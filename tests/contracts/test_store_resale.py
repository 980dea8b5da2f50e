"""FilmStore: tokens in escrow, sold on with the makers' royalty, or taken back, on a real chain."""

from __future__ import annotations

import pytest

from tests.components.evm import UINT256_MAX, ZERO
from tests.components.market import CENT, DOLLAR, FEE, FUNDS, MAX_FEE, STOCK


@pytest.fixture
def seller(market):
    """The first of the people has ten tokens."""
    market.registry.mint(market.people[0], market.film, 10)
    return market.people[0]


@pytest.fixture
def listing(market, seller):
    """Eight of them are up for resale at two dollars."""
    market.list(market.film, 8, market.coin, 2 * DOLLAR, by=seller)
    return 1


class TestListing:
    def test_the_store_keeps_what_is_listed(self, market, seller):
        receipt = market.list(market.film, 8, market.coin, 2 * DOLLAR, by=seller)
        values = {
            "listingId": 1,
            "tokenId": market.film,
            "seller": seller,
            "quantity": 8,
            "coin": market.coin.address,
            "unitPrice": 2 * DOLLAR,
        }
        assert receipt.of(market.store) == [("Listed", values)]
        kept = (seller, market.film, 8, market.coin.address, 2 * DOLLAR, MAX_FEE, 0)
        assert market.store.listing(1) == kept
        assert (market.held(seller), market.held(market.store)) == (2, STOCK + 8)
        assert market.store.stockOf(market.film) == STOCK

    def test_every_listing_has_its_own_number(self, market, seller):
        for expected in (1, 2, 3):
            receipt = market.list(market.film, 1, market.coin, 1, by=seller)
            assert receipt.of(market.store)[0][1]["listingId"] == expected

    @pytest.mark.parametrize(
        ("quantity", "price", "error"),
        [
            (0, 1, ("ZeroQuantity",)),
            (1, 0, ("ZeroPrice",)),
            (0, 0, ("ZeroQuantity",)),
            (11, 1, ("ERC1155InsufficientBalance",)),
            (UINT256_MAX, 1, ("ERC1155InsufficientBalance",)),
            (1, UINT256_MAX, None),
            (2, UINT256_MAX, ("Panic", 0x11)),
            (UINT256_MAX, UINT256_MAX, ("Panic", 0x11)),
        ],
    )
    def test_amounts_at_the_edges(self, market, seller, refuses, quantity, price, error):
        if error is None:
            market.list(market.film, quantity, market.coin, price, by=seller)
            assert market.quoted_listing(1, quantity)[1] == price
            return
        with refuses(*error):
            market.list(market.film, quantity, market.coin, price, by=seller)
        assert (market.held(seller), market.held(market.store)) == (10, STOCK)
        with refuses("UnknownListing", 1):
            market.store.listing(1)

    def test_only_accepted_coins(self, market, seller, refuses):
        other = market.chain.deploy("DemoDollar")
        with refuses("CoinNotAccepted", other.address):
            market.list(market.film, 1, other, DOLLAR, by=seller)

    def test_only_with_approval(self, market, seller, refuses):
        market.registry.setApprovalForAll(market.store, False, by=seller)
        with refuses("ERC1155MissingApprovalForAll", market.store.address, seller):
            market.list(market.film, 1, market.coin, DOLLAR, by=seller)

    def test_a_film_whose_royalty_and_fee_eat_the_price_is_not_listed(self, earlier, refuses):
        greedy = earlier.new_film(2, royalty=9_751)
        seller = earlier.people[0]
        earlier.registry.mint(seller, greedy, 1)
        with refuses("RoyaltyTooHigh"):
            earlier.list(greedy, 1, earlier.coin, DOLLAR, by=seller)


class TestBuyingListed:
    def test_seller_store_and_makers_get_their_parts_to_the_last_unit(self, market, seller):
        buyer = market.people[1]
        market.list(market.film, 8, market.coin, 1_999_999, by=seller)
        total, fee, royalty = 5_999_997, 149_999, 299_999
        quoted = (market.coin.address, total, fee, market.makers, royalty)
        assert market.quoted_listing(1, 3) == quoted
        receipt = market.buy_listed(1, 3, total, by=buyer)
        assert receipt.of(market.store) == [
            (
                "Sold",
                {
                    "tokenId": market.film,
                    "buyer": buyer,
                    "seller": seller,
                    "listingId": 1,
                    "quantity": 3,
                    "coin": market.coin.address,
                    "total": total,
                    "fee": fee,
                    "royaltyReceiver": market.makers,
                    "royalty": royalty,
                    "presale": False,
                },
            )
        ]
        assert market.money(buyer) == FUNDS - total
        assert market.money(seller) == FUNDS + total - fee - royalty
        assert (market.money(market.fees), market.money(market.makers)) == (fee, royalty)
        assert market.money(market.store) == market.money(market.payee) == 0
        assert (market.held(buyer), market.held(market.store)) == (3, STOCK + 5)
        assert market.store.listing(1)[2] == 5

    def test_a_listing_is_sold_out_once(self, market, listing, refuses):
        market.buy_listed(listing, 5, UINT256_MAX, by=market.people[1])
        with refuses("NotEnoughListed", listing, 4, 3):
            market.buy_listed(listing, 4, UINT256_MAX, by=market.people[2])
        market.buy_listed(listing, 3, UINT256_MAX, by=market.people[2])
        for wanted in (1, UINT256_MAX):
            with refuses("NotEnoughListed", listing, wanted, 0):
                market.buy_listed(listing, wanted, UINT256_MAX, by=market.people[2])
        assert market.held(market.store) == market.store.stockOf(market.film) == STOCK

    def test_stock_is_not_sold_through_a_listing(self, market, listing, refuses):
        with refuses("NotEnoughListed", listing, 9, 8):
            market.buy_listed(listing, 9, UINT256_MAX, by=market.people[1])
        market.store.withdrawStock(market.film, STOCK, market.owner)
        with refuses("NotEnoughStock", market.film, 1, 0):
            market.buy(1, UINT256_MAX, by=market.people[1])
        with refuses("NotEnoughStock", market.film, 1, 0):
            market.store.withdrawStock(market.film, 1, market.owner)
        market.buy_listed(listing, 8, UINT256_MAX, by=market.people[1])

    def test_unknown_listings_and_nothing(self, market, listing, refuses):
        for unknown in (0, 2, UINT256_MAX):
            for call in (
                lambda number=unknown: market.store.listing(number),
                lambda number=unknown: market.quoted_listing(number, 1),
                lambda number=unknown: market.buy_listed(number, 1, UINT256_MAX, by=market.people[1]),
                lambda number=unknown: market.store.cancel(number, by=market.people[1]),
            ):
                with refuses("UnknownListing", unknown):
                    call()
        for call in (
            lambda: market.quoted_listing(listing, 0),
            lambda: market.buy_listed(listing, 0, UINT256_MAX, by=market.people[1]),
        ):
            with refuses("ZeroQuantity"):
                call()

    def test_nobody_pays_more_than_they_said(self, market, listing, refuses):
        with refuses("PriceAboveLimit", 4 * DOLLAR, 4 * DOLLAR - 1):
            market.buy_listed(listing, 2, 4 * DOLLAR - 1, by=market.people[1])

    def test_means_are_named_whole(self, market, listing, refuses):
        market.coin.mint(market.stranger, DOLLAR)
        market.coin.approve(market.store, UINT256_MAX, by=market.stranger)
        with refuses("ERC20InsufficientBalance", market.stranger, DOLLAR, 2 * DOLLAR):
            market.buy_listed(listing, 1, UINT256_MAX, by=market.stranger)
        assert market.money(market.stranger) == DOLLAR

    def test_one_may_buy_back_ones_own(self, market, seller, listing):
        market.buy_listed(listing, 8, UINT256_MAX, by=seller)
        assert (market.held(seller), market.money(seller)) == (10, FUNDS - 40 * CENT - 80 * CENT)

    def test_a_change_of_fee_never_makes_anybody_pay_more(self, market, seller, listing):
        market.store.setFee(market.fees, 1_000)
        market.buy_listed(listing, 1, 2 * DOLLAR, by=market.people[1])
        assert market.money(seller) == FUNDS + 2 * DOLLAR - 20 * CENT - 10 * CENT

    def test_without_royalty_there_is_no_royalty_receiver(self, market):
        free = market.new_film(2, royalty=0)
        market.registry.mint(market.people[0], free, 1)
        market.list(free, 1, market.coin, DOLLAR, by=market.people[0])
        assert market.quoted_listing(1, 1)[3:] == (ZERO, 0)
        market.buy_listed(1, 1, DOLLAR, by=market.people[1])

    def test_a_royalty_never_gets_stuck_in_the_store(self, market):
        odd = market.new_film(2, receiver=market.store.address)
        market.registry.mint(market.people[0], odd, 1)
        market.list(odd, 1, market.coin, DOLLAR, by=market.people[0])
        assert market.quoted_listing(1, 1)[3:] == (ZERO, 0)
        market.buy_listed(1, 1, DOLLAR, by=market.people[1])
        assert market.money(market.store) == 0

    def test_fee_and_royalty_may_take_the_whole_price_but_not_more(self, earlier, refuses):
        film, (seller, buyer, *_) = earlier.new_film(2, royalty=9_750), earlier.people
        earlier.registry.mint(seller, film, 2)
        earlier.list(film, 2, earlier.coin, 100 * CENT, by=seller)
        earlier.buy_listed(1, 1, DOLLAR, by=buyer)
        assert earlier.money(seller) == FUNDS
        assert earlier.money(earlier.fees) + earlier.money(earlier.makers) == DOLLAR
        earlier.store.setFee(earlier.fees, 251)
        with refuses("RoyaltyTooHigh"):
            earlier.buy_listed(1, 1, DOLLAR, by=buyer)
        earlier.store.cancel(1, by=seller)
        assert earlier.held(seller, film) == 1

    def test_a_splitter_can_be_the_makers(self, market, seller):
        recipients = [(market.payee, 10_000, "everybody")]
        splitter = market.chain.deploy("RoyaltySplitter", market.owner, recipients, [])
        film = market.new_film(2, receiver=splitter.address)
        market.registry.mint(seller, film, 1)
        market.list(film, 1, market.coin, 3 * DOLLAR, by=seller)
        market.buy_listed(1, 1, 3 * DOLLAR, by=market.people[1])
        assert splitter.pending(market.coin) == 15 * CENT


class TestCancelling:
    def test_what_is_left_comes_back(self, market, seller, listing):
        market.buy_listed(listing, 3, UINT256_MAX, by=market.people[1])
        receipt = market.store.cancel(listing, by=seller)
        values = {"listingId": listing, "tokenId": market.film, "seller": seller, "quantity": 5}
        assert receipt.of(market.store) == [("ListingCancelled", values)]
        assert (market.held(seller), market.held(market.store)) == (7, STOCK)
        assert market.store.listing(listing)[2] == 0

    def test_only_the_seller_may_and_only_once(self, market, seller, listing, refuses):
        for other in (market.people[1], market.owner):
            with refuses("NotTheSeller", listing, other):
                market.store.cancel(listing, by=other)
        market.store.cancel(listing, by=seller)
        with refuses("NotEnoughListed", listing, 1, 0):
            market.store.cancel(listing, by=seller)
        with refuses("NotEnoughListed", listing, 1, 0):
            market.buy_listed(listing, 1, UINT256_MAX, by=market.people[1])

    def test_it_works_when_nothing_else_does(self, market, seller, listing, refuses):
        market.store.setCoin(market.coin, False)
        with refuses("CoinNotAccepted", market.coin.address):
            market.buy_listed(listing, 1, UINT256_MAX, by=market.people[1])
        market.registry.setApprovalForAll(market.store, False, by=seller)
        market.registry.revokeRole(market.registry.PUBLISHER_ROLE(), market.owner)
        market.store.renounceOwnership()
        market.store.cancel(listing, by=seller)
        assert market.held(seller) == 10
