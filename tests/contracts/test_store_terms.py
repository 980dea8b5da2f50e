"""FilmStore binds everybody to what they were shown: coin, price, who gets which part, until when."""

from __future__ import annotations

import pytest
from eth_utils.crypto import keccak

from tests.components.evm import UINT256_MAX
from tests.components.market import DOLLAR, FEE, FUNDS, MAX_FEE, TERMS, new_signer

PRICE = 5 * DOLLAR
NO_PERMIT = (UINT256_MAX, 27, b"\1" * 32, b"\2" * 32)
WAYS = ("buy", "buyWithPermit", "buyListed", "buyListedWithPermit")


@pytest.fixture
def seller(market):
    """The first of the people has one token up for resale, at the publisher's price."""
    market.registry.mint(market.people[0], market.film, 1)
    market.list(market.film, 1, market.coin, PRICE, by=market.people[0])
    return market.people[0]


@pytest.fixture(params=WAYS)
def way(request):
    return request.param


class Purchase:
    """One token at the price, by one of the four functions, as somebody was shown it."""

    def __init__(self, market, way, buyer, permit=NO_PERMIT, **shown):
        listing = 1 if "Listed" in way else 0
        what = listing or market.film
        agreed = market.agreed(shown.pop("limit", PRICE), listing=listing, **shown)
        rest = (permit,) if way.endswith("Permit") else ()
        self.market, self.buyer = market, buyer
        self.data = market.store.data(way, what, 1, agreed, *rest)

    def send(self):
        return self.market.chain.send(self.market.store.address, self.data, by=self.buyer)


def test_the_page_and_the_contract_hash_the_same_words(market):
    assert market.store.TERMS_TYPEHASH() == keccak(text=TERMS)


def test_what_was_shown_is_bought(market, seller, way):
    buyer = market.people[1]
    Purchase(market, way, buyer).send()
    assert (market.held(buyer), market.money(buyer)) == (1, FUNDS - PRICE)


def test_a_price_that_has_fallen_is_paid_as_it_is(market, seller):
    buyer = market.people[1]
    purchase = Purchase(market, "buy", buyer)
    market.set_offer(market.film, market.offer(steps=[(1, 2 * DOLLAR)]))
    purchase.send()
    assert market.money(buyer) == FUNDS - 2 * DOLLAR


def test_after_the_deadline_nothing_is_bought(market, seller, refuses, way):
    deadline = market.chain.now() + 100
    purchase = Purchase(market, way, market.people[1], deadline=deadline)
    market.chain.at_time(deadline + 1)
    with refuses("Expired", deadline):
        purchase.send()
    assert market.money(market.people[1]) == FUNDS


def test_at_its_deadline_it_still_is(market, seller, way):
    deadline = market.chain.now() + 100
    purchase = Purchase(market, way, market.people[1], deadline=deadline)
    market.chain.rpc("evm_setNextBlockTimestamp", hex(deadline))
    purchase.send()
    assert market.held(market.people[1]) == 1


@pytest.mark.parametrize("way", ["buy", "buyWithPermit"])
def test_a_publisher_who_swaps_the_coin_gets_nothing(market, refuses, way):
    dear, buyer = market.new_coin("NoPermitCoin"), market.people[1]  # that one may be taken without end
    purchase = Purchase(market, way, buyer)
    market.set_offer(market.film, market.offer(coin=dear.address, steps=[(1, PRICE)]))
    with refuses("TermsChanged", market.film):
        purchase.send()
    assert market.money(buyer) == market.money(buyer, dear) == FUNDS


@pytest.mark.parametrize("way", ["buy", "buyWithPermit"])
def test_a_publisher_who_swaps_the_payee_gets_nothing(market, refuses, way):
    purchase = Purchase(market, way, market.people[1])
    market.set_offer(market.film, market.offer(payee=market.stranger))
    with refuses("TermsChanged", market.film):
        purchase.send()


@pytest.mark.parametrize("fee", [FEE + 1, FEE - 1])
def test_another_part_for_the_store_is_another_deal(market, seller, refuses, way, fee):
    purchase = Purchase(market, way, market.people[1])
    market.store.setFee(market.fees, fee)
    with refuses("TermsChanged", market.film):
        purchase.send()


@pytest.mark.parametrize("what", ["chain", "store", "token", "number", "seller", "payee", "makers", "coin"])
def test_whoever_was_shown_something_else_buys_nothing(market, seller, refuses, way, what):
    other = market.stranger if what not in ("chain", "token", "number") else 7
    with refuses("TermsChanged", market.film):
        Purchase(market, way, market.people[1], **{what: other}).send()


@pytest.mark.parametrize("what", ["fee", "royalty"])
def test_whoever_was_shown_another_part_buys_nothing(market, seller, refuses, way, what):
    with refuses("TermsChanged", market.film):
        Purchase(market, way, market.people[1], **{what: 9}).send()


def test_a_right_hash_does_not_bring_another_coin(market, seller, refuses, way):
    """The coin stands beside the hash so that a wallet can show it: both must be right."""
    listing = 1 if "Listed" in way else 0
    _, *rest = market.agreed(PRICE, listing=listing)
    permit = (NO_PERMIT,) if way.endswith("Permit") else ()
    with refuses("TermsChanged", market.film):
        call = getattr(market.store, way)
        call(listing or market.film, 1, (market.stranger, *rest), *permit, by=market.people[1])


@pytest.mark.parametrize("way", ["buyListed", "buyListedWithPermit"])
def test_a_reorganisation_swaps_no_listing(market, refuses, way):
    """Numbers are given in order, so the same one may be another film of another seller."""
    seller, cheat, buyer = market.people[0], market.people[1], market.people[2]
    worthless = market.new_film(2)
    market.registry.mint(seller, market.film, 1)
    market.registry.mint(cheat, worthless, 1)
    fork = market.chain.snapshot()
    market.list(market.film, 1, market.coin, PRICE, by=seller)
    purchase = Purchase(market, way, buyer)
    market.chain.revert(fork)
    market.list(worthless, 1, market.coin, PRICE, by=cheat)
    with refuses("TermsChanged", worthless):
        purchase.send()
    assert market.money(buyer) == FUNDS


class TestPermits:
    def test_a_foreign_permit_does_not_let_an_old_allowance_of_another_coin_be_used(self, market, refuses):
        dear, signer = market.new_coin("NoPermitCoin"), new_signer(market)
        buyer = signer.address.lower()
        dear.mint(buyer, FUNDS)
        dear.approve(market.store, PRICE, by=buyer)  # left from a purchase that was given up
        purchase = Purchase(market, "buyWithPermit", buyer, market.permit(signer, PRICE))
        market.set_offer(market.film, market.offer(coin=dear.address, steps=[(1, PRICE)]))
        with refuses("TermsChanged", market.film):
            purchase.send()
        assert market.money(buyer) == market.money(buyer, dear) == FUNDS
        assert dear.allowance(buyer, market.store) == PRICE

    def test_what_a_failed_purchase_left_allowed_is_taken_for_no_other(self, market, refuses):
        """Anybody can use the permit of a failed purchase; it allows what the next purchase agrees to, and no more."""
        signer = new_signer(market)
        buyer = signer.address.lower()
        deadline, v, r, s = market.permit(signer, PRICE)
        market.coin.permit(buyer, market.store, PRICE, deadline, v, r, s, by=market.stranger)
        agreed = market.agreed(PRICE)
        market.set_offer(market.film, market.offer(payee=market.stranger))
        with refuses("TermsChanged", market.film):
            market.store.buyWithPermit(market.film, 1, agreed, (deadline, v, r, s), by=buyer)
        assert market.money(buyer) == FUNDS


class TestSellers:
    """What a seller was shown: the store's part, and what arrives."""

    def test_a_fee_that_rises_leaves_listings_alone(self, market, refuses):
        seller, buyer = market.people[0], market.people[1]
        market.registry.mint(seller, market.film, 2)
        market.list(market.film, 2, market.coin, 2 * DOLLAR, max_fee=FEE, by=seller)
        market.store.setFee(market.fees, MAX_FEE)
        assert market.quoted_listing(1, 1)[2] == 2 * DOLLAR * FEE // 10_000
        market.buy_listed(1, 1, 2 * DOLLAR, by=buyer)
        assert market.money(market.fees) == 2 * DOLLAR * FEE // 10_000
        market.store.setFee(market.fees, 0)  # one that falls is the seller's luck
        assert market.quoted_listing(1, 1)[2] == 0

    def test_a_fee_that_rises_leaves_offers_alone(self, market):
        market.set_offer(market.film, market.offer(), max_fee=FEE)
        market.store.setFee(market.fees, MAX_FEE)
        assert market.store.offerFee(market.film) == FEE
        market.buy(1, PRICE, by=market.people[1])
        assert market.money(market.payee) == PRICE - PRICE * FEE // 10_000
        market.set_offer(market.film, market.offer(), max_fee=MAX_FEE)
        assert market.store.offerFee(market.film) == MAX_FEE

    def test_what_is_not_on_sale_has_no_part_for_the_store(self, market, refuses):
        market.store.closeOffer(market.film)
        with refuses("NotOnSale", market.film):
            market.store.offerFee(market.film)

    def test_a_fee_that_rose_on_the_way_is_refused(self, market, refuses):
        seller = market.people[0]
        market.registry.mint(seller, market.film, 1)
        market.store.setFee(market.fees, FEE + 1)
        with refuses("FeeAboveLimit", FEE + 1, FEE):
            market.list(market.film, 1, market.coin, DOLLAR, max_fee=FEE, by=seller)
        with refuses("FeeAboveLimit", FEE + 1, FEE):
            market.set_offer(market.film, market.offer(), max_fee=FEE)

    def test_less_than_the_least_is_not_listed(self, market, refuses):
        seller = market.people[0]
        market.registry.mint(seller, market.film, 2)
        arrives = 100 - 5 - 2  # 100 less 5 % royalty and 2.5 % fee, rounded down
        market.list(market.film, 1, market.coin, 100, least=arrives, by=seller)
        with refuses("ProceedsBelowMinimum", arrives, arrives + 1):
            market.list(market.film, 1, market.coin, 100, least=arrives + 1, by=seller)

    def test_the_least_holds_at_every_sale(self, market, refuses):
        """The seller accepts any fee here, and at least 93 for each token."""
        seller, buyer = market.people[0], market.people[1]
        market.store.setFee(market.fees, 200)
        market.registry.mint(seller, market.film, 10)
        market.list(market.film, 10, market.coin, 100, least=93, by=seller)
        market.store.setFee(market.fees, 201)
        market.buy_listed(1, 5, 1_000, by=buyer)  # 500 less 25 and 10 are 465
        market.store.setFee(market.fees, 250)
        agreed = (market.coin.address, 1_000, UINT256_MAX, bytes(32))
        with refuses("ProceedsBelowMinimum", 463, 465):
            market.store.buyListed(1, 5, agreed, by=buyer)
        market.store.cancel(1, by=seller)
        assert market.held(seller) == 5

    def test_a_minimum_beyond_256_bits_sells_nothing(self, market, refuses):
        seller = market.people[0]
        market.registry.mint(seller, market.film, 2)
        with refuses("ProceedsBelowMinimum"):
            market.list(market.film, 2, market.coin, DOLLAR, least=UINT256_MAX, by=seller)
