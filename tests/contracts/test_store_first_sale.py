"""FilmStore: its owner's part, stock, offers, prices and first sales, on a real chain."""

from __future__ import annotations

import pytest

from tests.components.evm import UINT256_MAX, ZERO
from tests.components.market import CENT, DOLLAR, FEE, FUNDS, STEPS, STOCK, new_signer


def sold(market, receipt):
    (event,) = [values for name, values in receipt.of(market.store) if name == "Sold"]
    return event


class TestOwner:
    def test_what_it_was_deployed_with(self, market):
        store = market.store
        assert store.registry() == market.registry.address
        assert (store.owner(), store.feeReceiver(), store.feeBasisPoints()) == (
            market.owner,
            market.fees,
            FEE,
        )
        assert store.MAX_FEE() == 1_000

    @pytest.mark.parametrize("interface", ["4e2312e0", "01ffc9a7"])
    def test_it_says_that_it_receives_tokens(self, market, interface):
        assert market.store.supportsInterface(bytes.fromhex(interface)) is True
        assert market.store.supportsInterface(b"\xff" * 4) is False

    def test_the_fee_changes_up_to_its_limit(self, market, refuses):
        receipt = market.store.setFee(market.stranger, 1_000)
        assert receipt.of(market.store) == [
            ("FeeChanged", {"receiver": market.stranger, "basisPoints": 1_000})
        ]
        assert market.quoted(1)[2] == 50 * CENT
        market.store.setFee(market.stranger, 0)
        assert market.quoted(1)[2] == 0
        with refuses("FeeTooHigh", 1_001):
            market.store.setFee(market.stranger, 1_001)
        for lost in (ZERO, market.store.address):
            with refuses("BadPayee", lost):
                market.store.setFee(lost, 10)

    def test_it_cannot_be_deployed_with_a_bad_fee(self, market, refuses):
        for arguments, *error in [
            ((market.owner, market.fees, 1_001), "FeeTooHigh", 1_001),
            ((market.owner, ZERO, 0), "BadPayee", ZERO),
            ((ZERO, market.fees, 0), "OwnableInvalidOwner", ZERO),
        ]:
            with refuses(*error):
                market.chain.deploy("FilmStore", market.registry, *arguments)

    def test_coins_come_and_go(self, market, refuses):
        other = market.chain.deploy("DemoDollar")
        assert market.store.acceptsCoin(other) is False
        receipt = market.store.setCoin(other, True)
        assert receipt.of(market.store) == [("CoinChanged", {"coin": other.address, "accepted": True})]
        assert market.store.acceptsCoin(other) is True
        market.store.setCoin(other, False)
        assert market.store.acceptsCoin(other) is False

    def test_what_is_no_coin_is_not_accepted(self, market, refuses):
        for nothing in (ZERO, market.stranger, market.registry.address):
            with refuses("BadCoin", nothing):
                market.store.setCoin(nothing, True)
        market.store.setCoin(market.stranger, False)

    def test_only_the_owner_may(self, market, refuses):
        for name, arguments in [("setFee", (market.stranger, 1)), ("setCoin", (market.coin, False))]:
            with refuses("OwnableUnauthorizedAccount", market.stranger):
                getattr(market.store, name)(*arguments, by=market.stranger)

    def test_a_new_owner_must_accept(self, market, refuses):
        market.store.transferOwnership(market.stranger)
        assert market.store.owner() == market.owner
        with refuses("OwnableUnauthorizedAccount", market.payee):
            market.store.acceptOwnership(by=market.payee)
        market.store.acceptOwnership(by=market.stranger)
        assert market.store.owner() == market.stranger


class TestStock:
    def test_tokens_minted_to_the_store_are_stock(self, market):
        assert market.store.stockOf(market.film) == market.held(market.store) == STOCK
        receipt = market.registry.mint(market.store, market.film, 7)
        assert receipt.of(market.store) == [("Stocked", {"tokenId": market.film, "amount": 7})]
        assert market.store.stockOf(market.film) == STOCK + 7

    def test_own_tokens_are_moved_in_and_out(self, market):
        store, film = market.store, market.film
        market.registry.mint(market.owner, film, 30)
        market.registry.setApprovalForAll(store, True)
        receipt = store.stock(film, 20)
        assert receipt.of(store) == [("Stocked", {"tokenId": film, "amount": 20})]
        assert (store.stockOf(film), market.held(market.owner)) == (STOCK + 20, 10)
        receipt = store.withdrawStock(film, STOCK + 20, market.stranger)
        gone = {"tokenId": film, "to": market.stranger, "amount": STOCK + 20}
        assert receipt.of(store) == [("StockWithdrawn", gone)]
        assert (store.stockOf(film), market.held(store)) == (0, 0)
        assert market.held(market.stranger) == STOCK + 20

    def test_only_the_publisher_stocks_and_withdraws(self, market, refuses):
        buyer = market.people[0]
        market.registry.mint(buyer, market.film, 3)
        with refuses("NotThePublisher", market.film, buyer):
            market.store.stock(market.film, 3, by=buyer)
        with refuses("NotThePublisher", market.film, market.stranger):
            market.store.withdrawStock(market.film, 1, market.stranger, by=market.stranger)
        assert market.held(buyer) == 3

    def test_more_than_there_is_or_nothing(self, market, refuses):
        store, film = market.store, market.film
        with refuses("NotEnoughStock", film, STOCK + 1, STOCK):
            store.withdrawStock(film, STOCK + 1, market.owner)
        with refuses("NotEnoughStock", film, UINT256_MAX, STOCK):
            store.withdrawStock(film, UINT256_MAX, market.owner)
        for call in (lambda: store.withdrawStock(film, 0, market.owner), lambda: store.stock(film, 0)):
            with refuses("ZeroQuantity"):
                call()
        with refuses("ZeroQuantity"):
            market.registry.mint(store, film, 0)
        with refuses("ERC1155MissingApprovalForAll", store.address, market.owner):
            store.stock(film, 1)
        market.registry.setApprovalForAll(store, True)
        with refuses("ERC1155InsufficientBalance", market.owner, 0, 1, film):
            store.stock(film, 1)
        with refuses("UnknownFilm", film + 1):
            store.stock(film + 1, 1)
        assert store.stockOf(film) == market.held(store) == STOCK

    def test_stock_is_not_withdrawn_into_nothing(self, market, refuses):
        with refuses("ERC1155InvalidReceiver", ZERO):
            market.store.withdrawStock(market.film, 1, ZERO)
        with refuses("DirectTransfer"):
            market.store.withdrawStock(market.film, 1, market.store)
        assert market.store.stockOf(market.film) == STOCK

    def test_a_publisher_without_the_role_gets_the_stock_back(self, market):
        market.registry.revokeRole(market.registry.PUBLISHER_ROLE(), market.owner)
        market.store.closeOffer(market.film)
        market.store.withdrawStock(market.film, STOCK, market.owner)
        assert market.held(market.owner) == STOCK


class TestOffers:
    def test_an_offer_reads_back_and_is_announced(self, market):
        offer = market.offer(presale_from=5, sale_from=9, presale_price=2 * DOLLAR, steps=[(1, 7), (2, 3)])
        receipt = market.set_offer(market.film, offer)
        expected = (market.payee, market.coin.address, 5, 9, 2 * DOLLAR, ((1, 7), (2, 3)))
        assert market.store.offerOf(market.film) == expected
        values = {"tokenId": market.film, "publisher": market.owner, "offer": expected}
        assert receipt.of(market.store) == [("OfferChanged", values)]

    def test_a_new_offer_replaces_the_old_one_whole(self, market):
        market.set_offer(market.film, market.offer(steps=[(1, 9)]))
        assert market.store.offerOf(market.film)[5] == ((1, 9),)
        assert market.quoted(100)[1] == 900

    def test_a_closed_offer_is_gone_and_its_stock_is_not(self, market, refuses):
        receipt = market.store.closeOffer(market.film)
        assert receipt.of(market.store) == [("OfferClosed", {"tokenId": market.film})]
        film = market.film
        for call in (
            lambda: market.store.offerOf(film),
            lambda: market.quoted(1, film),
            lambda: market.buy(1, UINT256_MAX, film=film, by=market.people[0]),
            lambda: market.store.closeOffer(film),
        ):
            with refuses("NotOnSale", film):
                call()
        assert market.store.stockOf(film) == STOCK

    def test_only_the_publisher_sets_and_closes(self, market, refuses):
        with refuses("NotThePublisher", market.film, market.stranger):
            market.set_offer(market.film, market.offer(payee=market.stranger), by=market.stranger)
        with refuses("NotThePublisher", market.film, market.stranger):
            market.store.closeOffer(market.film, by=market.stranger)
        with refuses("UnknownFilm", market.film + 1):
            market.set_offer(market.film + 1, market.offer())

    @pytest.mark.parametrize(
        ("changes", "error"),
        [
            ({"coin": ZERO}, ("CoinNotAccepted", ZERO)),
            ({"payee": ZERO}, ("BadPayee", ZERO)),
            ({"presale_from": 2, "sale_from": 1}, ("BadSchedule",)),
            ({"presale_from": 1, "sale_from": 2}, ("ZeroPrice",)),
            ({"steps": []}, ("StepsNotAscending",)),
            ({"steps": [(0, 5)]}, ("StepsNotAscending",)),
            ({"steps": [(2, 5)]}, ("StepsNotAscending",)),
            ({"steps": [(1, 5), (1, 4)]}, ("StepsNotAscending",)),
            ({"steps": [(1, 5), (9, 4), (8, 3)]}, ("StepsNotAscending",)),
            ({"steps": [(1, 0)]}, ("ZeroPrice",)),
            ({"steps": [(1, 5), (2, 0)]}, ("ZeroPrice",)),
            ({"steps": [(n, 1) for n in range(1, 18)]}, ("TooManySteps", 17)),
        ],
    )
    def test_terms_that_make_no_sense_are_refused(self, market, refuses, changes, error):
        with refuses(*error):
            market.set_offer(market.film, market.offer(**changes))
        assert market.store.offerOf(market.film)[5] == tuple(STEPS)

    def test_the_store_is_nobodys_payee(self, market, refuses):
        with refuses("BadPayee", market.store.address):
            market.set_offer(market.film, market.offer(payee=market.store.address))

    def test_the_longest_list_is_accepted(self, market):
        steps = [(n, UINT256_MAX - n) for n in range(1, 17)]
        market.set_offer(market.film, market.offer(steps=steps))
        assert market.store.offerOf(market.film)[5] == tuple(steps)

    def test_without_a_presale_its_price_does_not_matter(self, market):
        market.set_offer(market.film, market.offer(presale_price=1))
        assert market.quoted(1)[1:] == (5 * DOLLAR, 5 * DOLLAR * FEE // 10_000, False)


class TestPrices:
    @pytest.mark.parametrize(
        ("quantity", "unit"),
        [(1, 5), (9, 5), (10, 4), (99, 4), (100, 3), (10**6, 3)],
    )
    def test_the_last_step_reached_holds_for_all_tokens(self, market, quantity, unit):
        total = quantity * unit * DOLLAR
        expected = (market.coin.address, total, total * FEE // 10_000, False)
        assert market.quoted(quantity) == expected

    def test_presale_then_sale(self, market, refuses):
        now = market.chain.now()
        terms = {"presale_from": now + 100, "sale_from": now + 200, "presale_price": DOLLAR}
        market.set_offer(market.film, market.offer(**terms))
        buyer = market.people[0]
        for call in (
            lambda: market.quoted(1),
            lambda: market.buy(1, UINT256_MAX, by=buyer),
        ):
            with refuses("NotYetOnSale", market.film, now + 100):
                call()
        market.chain.at_time(now + 100)
        assert market.quoted(10)[1:] == (10 * DOLLAR, 25 * CENT, True)
        event = sold(market, market.buy(10, 10 * DOLLAR, by=buyer))
        assert (event["presale"], event["total"]) == (True, 10 * DOLLAR)
        market.chain.at_time(now + 200)
        assert market.quoted(10)[1:] == (40 * DOLLAR, DOLLAR, False)
        event = sold(market, market.buy(10, 40 * DOLLAR, by=buyer))
        assert (event["presale"], event["total"]) == (False, 40 * DOLLAR)

    def test_a_sale_without_presale_that_has_not_begun(self, market, refuses):
        later = market.chain.now() + 1_000
        market.set_offer(market.film, market.offer(presale_from=later, sale_from=later))
        with refuses("NotYetOnSale", market.film, later):
            market.quoted(1)
        market.chain.at_time(later)
        assert market.quoted(1)[3] is False

    def test_a_price_beyond_256_bits_is_no_price(self, market, refuses):
        market.set_offer(market.film, market.offer(steps=[(1, UINT256_MAX)]))
        assert market.quoted(1)[1:3] == (UINT256_MAX, UINT256_MAX * FEE // 10_000)
        with refuses("Panic", 0x11):
            market.quoted(2)
        with refuses("Panic", 0x11):
            market.buy(2, UINT256_MAX, by=market.people[0])
        with refuses("ERC20InsufficientBalance", market.people[0], FUNDS, UINT256_MAX):
            market.buy(1, UINT256_MAX, by=market.people[0])

    def test_nothing_has_no_price(self, market, refuses):
        with refuses("ZeroQuantity"):
            market.quoted(0)


class TestBuying:
    def test_money_and_tokens_change_hands_to_the_last_unit(self, market):
        buyer = market.people[0]
        market.set_offer(market.film, market.offer(steps=[(1, 4_990_001)]))
        receipt = market.buy(3, 3 * 4_990_001, by=buyer)
        total, fee = 14_970_003, 374_250
        assert sold(market, receipt) == {
            "tokenId": market.film,
            "buyer": buyer,
            "seller": market.owner,
            "listingId": 0,
            "quantity": 3,
            "coin": market.coin.address,
            "total": total,
            "fee": fee,
            "royaltyReceiver": ZERO,
            "royalty": 0,
            "presale": False,
        }
        assert market.money(buyer) == FUNDS - total
        assert (market.money(market.payee), market.money(market.fees)) == (total - fee, fee)
        assert (market.money(market.store), market.money(market.makers)) == (0, 0)
        assert (market.held(buyer), market.held(market.store)) == (3, STOCK - 3)
        assert market.store.stockOf(market.film) == STOCK - 3

    def test_the_whole_stock_can_be_sold_and_no_more(self, market, refuses):
        buyer = market.people[0]
        with refuses("NotEnoughStock", market.film, STOCK + 1, STOCK):
            market.buy(STOCK + 1, UINT256_MAX, by=buyer)
        market.buy(STOCK, UINT256_MAX, by=buyer)
        assert (market.held(buyer), market.held(market.store)) == (STOCK, 0)
        with refuses("NotEnoughStock", market.film, 1, 0):
            market.buy(1, UINT256_MAX, by=buyer)
        with refuses("NotEnoughStock", market.film, UINT256_MAX, 0):
            market.buy(UINT256_MAX, UINT256_MAX, by=buyer)

    def test_nobody_pays_more_than_they_said(self, market, refuses):
        with refuses("PriceAboveLimit", 5 * DOLLAR, 5 * DOLLAR - 1):
            market.buy(1, 5 * DOLLAR - 1, by=market.people[0])
        market.set_offer(market.film, market.offer(steps=[(1, 6 * DOLLAR)]))
        with refuses("PriceAboveLimit", 6 * DOLLAR, 5 * DOLLAR):
            market.buy(1, 5 * DOLLAR, by=market.people[0])
        assert market.money(market.people[0]) == FUNDS

    def test_nothing_cannot_be_bought(self, market, refuses):
        with refuses("ZeroQuantity"):
            market.buy(0, UINT256_MAX, by=market.people[0])

    def test_means_are_named_whole(self, market, refuses):
        buyer = market.people[0]
        market.coin.transfer(market.stranger, FUNDS - 4 * DOLLAR, by=buyer)
        with refuses("ERC20InsufficientBalance", buyer, 4 * DOLLAR, 5 * DOLLAR):
            market.buy(1, UINT256_MAX, by=buyer)
        market.coin.approve(market.store, 5 * DOLLAR - 1, by=market.people[1])
        with refuses("ERC20InsufficientAllowance", market.store.address, 5 * DOLLAR - 1, 5 * DOLLAR):
            market.buy(1, UINT256_MAX, by=market.people[1])
        assert market.money(market.payee) == market.money(market.fees) == 0

    def test_a_coin_no_longer_accepted_stops_the_sale(self, market, refuses):
        market.store.setCoin(market.coin, False)
        with refuses("CoinNotAccepted", market.coin.address):
            market.quoted(1)
        with refuses("CoinNotAccepted", market.coin.address):
            market.buy(1, UINT256_MAX, by=market.people[0])

    def test_a_film_without_offer_is_not_on_sale(self, market, refuses):
        other = market.new_film(2)
        market.registry.mint(market.store, other, 5)
        with refuses("NotOnSale", other):
            market.buy(1, UINT256_MAX, film=other, by=market.people[0])

    @pytest.mark.parametrize(("role", "payee", "fees"), [("payee", 99, 1), ("fees", 39, 61)])
    def test_who_gets_the_money_may_buy_too(self, market, role, payee, fees):
        buyer = getattr(market, role)
        market.coin.mint(buyer, 100 * DOLLAR)
        market.coin.approve(market.store, UINT256_MAX, by=buyer)
        market.buy(10, UINT256_MAX, by=buyer)
        assert market.money(market.payee) == payee * DOLLAR
        assert market.money(market.fees) == fees * DOLLAR
        assert market.held(buyer) == 10

    def test_a_contract_with_the_right_manners_can_buy(self, market):
        wallet = market.chain.deploy("ReentrantBuyer")
        market.coin.mint(wallet, FUNDS)
        wallet.act(market.coin, market.coin.data("approve", market.store, UINT256_MAX))
        wallet.act(market.store, market.store.data("buy", market.film, 2, market.agreed(UINT256_MAX)))
        assert (market.held(wallet), market.money(wallet)) == (2, FUNDS - 10 * DOLLAR)

    def test_a_splitter_can_be_the_payee(self, market):
        recipients = [(market.makers, 6_000, "director"), (market.stranger, 4_000, "")]
        splitter = market.chain.deploy("RoyaltySplitter", market.owner, recipients, [market.coin.address])
        market.set_offer(market.film, market.offer(payee=splitter.address))
        market.buy(1, UINT256_MAX, by=market.people[0])
        assert splitter.pending(market.coin) == 5 * DOLLAR - 125_000


class TestPermits:
    def bought(self, market, signer, permit, quantity=1, limit=10 * DOLLAR):
        buyer = signer.address.lower()
        return market.store.buyWithPermit(market.film, quantity, market.agreed(limit), permit, by=buyer)

    def test_a_signature_is_enough(self, market):
        signer = new_signer(market)
        self.bought(market, signer, market.permit(signer, 10 * DOLLAR))
        buyer = signer.address.lower()
        assert (market.held(buyer), market.money(buyer)) == (1, FUNDS - 5 * DOLLAR)
        assert market.coin.allowance(buyer, market.store) == 5 * DOLLAR

    def test_a_permit_that_somebody_used_before_does_no_harm(self, market):
        signer = new_signer(market)
        deadline, v, r, s = market.permit(signer, 10 * DOLLAR)
        buyer = signer.address.lower()
        market.coin.permit(buyer, market.store, 10 * DOLLAR, deadline, v, r, s, by=market.stranger)
        self.bought(market, signer, (deadline, v, r, s))
        assert market.held(buyer) == 1

    def test_an_expired_permit_says_so(self, market, refuses):
        signer = new_signer(market)
        late = market.permit(signer, 10 * DOLLAR, deadline=market.chain.now() - 1)
        with refuses("ERC2612ExpiredSignature", late[0]):
            self.bought(market, signer, late)
        market.coin.approve(market.store, 5 * DOLLAR, by=signer.address.lower())
        self.bought(market, signer, late)

    def test_a_permit_for_other_terms_says_so(self, market, refuses):
        signer, other = new_signer(market), new_signer(market)
        for permit in (
            market.permit(signer, 9 * DOLLAR),
            market.permit(signer, 10 * DOLLAR, nonce=7),
            market.permit(other, 10 * DOLLAR),
        ):
            with refuses("ERC2612InvalidSigner"):
                self.bought(market, signer, permit)
        assert market.held(signer.address.lower()) == 0

    def test_a_permit_is_no_licence_to_charge_more(self, market, refuses):
        signer = new_signer(market)
        with refuses("PriceAboveLimit", 15 * DOLLAR, 10 * DOLLAR):
            self.bought(market, signer, market.permit(signer, 10 * DOLLAR), quantity=3)

    def test_nobody_else_can_use_it_to_buy(self, market, refuses):
        signer = new_signer(market)
        permit = market.permit(signer, 10 * DOLLAR)
        market.coin.mint(market.stranger, FUNDS)
        with refuses("ERC2612InvalidSigner"):
            market.store.buyWithPermit(market.film, 1, market.agreed(10 * DOLLAR), permit, by=market.stranger)

    def test_a_coin_that_knows_no_permits(self, market, refuses):
        coin = market.new_coin("NoPermitCoin")
        market.set_offer(market.film, market.offer(coin=coin.address))
        nonsense, buyer = (UINT256_MAX, 27, b"\1" * 32, b"\2" * 32), market.people[0]
        market.store.buyWithPermit(market.film, 1, market.agreed(5 * DOLLAR), nonsense, by=buyer)
        assert market.held(buyer) == 1
        coin.approve(market.store, 0, by=buyer)
        with refuses("ERC20InsufficientAllowance", market.store.address, 0, 5 * DOLLAR):
            market.store.buyWithPermit(market.film, 1, market.agreed(5 * DOLLAR), nonsense, by=buyer)

    def test_it_works_for_resale_too(self, market):
        market.registry.mint(market.people[0], market.film, 4)
        market.list(market.film, 4, market.coin, 2 * DOLLAR, by=market.people[0])
        signer = new_signer(market)
        buyer = signer.address.lower()
        permit = market.permit(signer, 6 * DOLLAR)
        agreed = market.agreed(6 * DOLLAR, listing=1)
        market.store.buyListedWithPermit(1, 3, agreed, permit, by=buyer)
        assert (market.held(buyer), market.coin.allowance(buyer, market.store)) == (3, 0)
