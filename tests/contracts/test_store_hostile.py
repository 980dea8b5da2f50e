"""FilmStore among coins and accounts that mean harm: a clear refusal each, and nothing half done."""

from __future__ import annotations

import pytest

from tests.components.evm import UINT256_MAX
from tests.components.market import DOLLAR, FEE, FUNDS, STOCK


@pytest.fixture
def listing(market):
    """Four tokens of the first of the people are up for resale at two dollars."""
    market.registry.mint(market.people[0], market.film, 4)
    market.list(market.film, 4, market.coin, 2 * DOLLAR, by=market.people[0])
    return 1


class TestCoins:
    @pytest.mark.parametrize(
        ("coin", "arguments", "error"),
        [
            ("FalseCoin", (), "SafeERC20FailedOperation"),
            ("FeeOnTransferCoin", (False,), "BadCoin"),
            ("FeeOnTransferCoin", (True,), "BadCoin"),
        ],
    )
    def test_a_coin_that_does_not_move_what_it_should_is_refused(
        self, market, refuses, coin, arguments, error
    ):
        coin, (seller, buyer, *_) = market.new_coin(coin, *arguments), market.people
        market.set_offer(market.film, market.offer(coin=coin.address))
        with refuses(error, coin.address):
            market.buy(1, UINT256_MAX, by=buyer)
        market.registry.mint(seller, market.film, 1)
        market.list(market.film, 1, coin, 2 * DOLLAR, by=seller)
        with refuses(error, coin.address):
            market.buy_listed(1, 1, UINT256_MAX, by=buyer)
        assert market.held(buyer) == 0
        assert market.store.stockOf(market.film) == STOCK
        assert market.store.listing(1)[2] == 1
        assert [market.money(one, coin) for one in (buyer, seller)] == [FUNDS, FUNDS]

    def test_a_coin_that_breaks_later_stops_its_sales_only(self, market, listing, refuses):
        coin = market.new_coin("BreakingCoin")
        other = market.new_film(2)
        market.registry.mint(market.store, other, 5)
        market.set_offer(other, market.offer(coin=coin.address))
        coin.setFault(1)
        with refuses("Error", "broken"):
            market.buy(1, UINT256_MAX, film=other, by=market.people[1])
        market.buy(1, UINT256_MAX, by=market.people[1])
        market.store.withdrawStock(other, 5, market.owner)

    @pytest.mark.parametrize("fault", [1, 2, 3, 4])
    def test_a_coin_that_cannot_say_what_one_holds_is_not_accepted(self, market, refuses, fault):
        coin = market.new_coin("BreakingCoin", accepted=False)
        coin.setFault(fault)
        with refuses("BadCoin", coin.address):
            market.store.setCoin(coin, True)


class TestReentry:
    """A buyer or payee that calls the store again in the middle of a purchase."""

    @pytest.fixture
    def crook(self, market, listing):
        account = market.chain.deploy("ReentrantBuyer")
        market.coin.mint(account, FUNDS)
        account.act(market.coin, market.coin.data("approve", market.store, UINT256_MAX))
        account.act(market.registry, market.registry.data("setApprovalForAll", market.store, True))
        market.registry.mint(account, market.film, 3)
        account.act(market.store, market.store.data("list", market.film, 2, market.coin, 2 * DOLLAR, FEE, 0))
        return account

    def again(self, market, name):
        store, film, nothing = market.store, market.film, (0, 0, b"\0" * 32, b"\0" * 32)
        agreed, resold = market.agreed(UINT256_MAX), market.agreed(UINT256_MAX, listing=1)
        return {
            "buy": store.data("buy", film, 1, agreed),
            "buyWithPermit": store.data("buyWithPermit", film, 1, agreed, nothing),
            "buyListed": store.data("buyListed", 1, 1, resold),
            "buyListedWithPermit": store.data("buyListedWithPermit", 1, 1, resold, nothing),
            "list": store.data("list", film, 1, market.coin, DOLLAR, FEE, 0),
            "cancel": store.data("cancel", 2),
            "stock": store.data("stock", film, 1),
            "withdrawStock": store.data("withdrawStock", film, 1, market.stranger),
        }[name]

    WAYS = (
        "buy",
        "buyWithPermit",
        "buyListed",
        "buyListedWithPermit",
        "list",
        "cancel",
        "stock",
        "withdrawStock",
    )

    @pytest.mark.parametrize("inner", WAYS)
    @pytest.mark.parametrize("outer", ["buy", "buyListed", "cancel"])
    def test_a_call_back_is_refused_and_the_purchase_happens_once(self, market, crook, outer, inner):
        crook.aim(market.store, self.again(market, inner), False)
        crook.act(market.store, self.again(market, outer))
        assert crook.refusals() == 1
        assert market.chain.reason(crook.reason()).name == "ReentrancyGuardReentrantCall"
        spent, got = {"buy": (5, 1), "buyListed": (2, 1), "cancel": (0, 2)}[outer]
        assert market.money(crook) == FUNDS - spent * DOLLAR
        assert market.held(crook) == 1 + got
        open_listings = sum(market.store.listing(number)[2] for number in (1, 2))
        assert market.held(market.store) == market.store.stockOf(market.film) + open_listings

    @pytest.mark.parametrize("inner", WAYS)
    def test_who_insists_gets_nothing(self, market, crook, refuses, inner):
        crook.aim(market.store, self.again(market, inner), True)
        with refuses("ReentrancyGuardReentrantCall"):
            crook.act(market.store, self.again(market, "buy"))
        assert (market.money(crook), market.held(crook)) == (FUNDS, 1)
        assert market.store.stockOf(market.film) == STOCK

    def test_a_payee_who_calls_back_while_being_paid(self, market, crook):
        coin = market.new_coin("TellingCoin")
        market.set_offer(market.film, market.offer(coin=coin.address, payee=crook.address))
        crook.aim(market.store, self.again(market, "cancel"), False)
        market.buy(1, UINT256_MAX, by=market.people[1])
        assert market.chain.reason(crook.reason()).name == "ReentrancyGuardReentrantCall"
        assert market.store.listing(2)[2] == 2
        assert market.held(market.people[1]) == 1


class TestReceiving:
    def test_a_buyer_that_takes_no_tokens_keeps_the_money(self, market, listing, refuses):
        account = market.chain.deploy("RefusingReceiver")
        market.coin.mint(account, FUNDS)
        account.act(market.coin, market.coin.data("approve", market.store, UINT256_MAX))
        for call in (
            ("buy", market.film, 1, market.agreed(UINT256_MAX)),
            ("buyListed", listing, 1, market.agreed(UINT256_MAX, listing=listing)),
        ):
            with refuses("ERC1155InvalidReceiver", account.address):
                account.act(market.store, market.store.data(*call))
        assert market.money(account) == FUNDS
        assert (market.store.stockOf(market.film), market.store.listing(listing)[2]) == (STOCK, 4)

    def test_tokens_sent_directly_are_refused(self, market, refuses):
        holder = market.people[0]
        market.registry.mint(holder, market.film, 5)
        with refuses("DirectTransfer"):
            market.registry.safeTransferFrom(holder, market.store, market.film, 5, b"", by=holder)
        with refuses("DirectTransfer"):
            market.registry.safeBatchTransferFrom(holder, market.store, [market.film], [5], b"", by=holder)
        with refuses("DirectTransfer"):
            market.registry.safeBatchTransferFrom(holder, market.store, [], [], b"", by=holder)
        assert market.held(holder) == 5
        assert market.held(market.store) == market.store.stockOf(market.film) == STOCK

    def test_the_publisher_is_refused_like_all_others(self, market, refuses):
        market.registry.mint(market.owner, market.film, 5)
        with refuses("DirectTransfer"):
            market.registry.safeTransferFrom(market.owner, market.store, market.film, 5, b"")

    def test_tokens_of_another_contract_are_refused(self, market, refuses):
        foreign = market.chain.deploy("ForeignTokens")
        with refuses("DirectTransfer"):
            foreign.mint(market.store, market.film, 100)
        with refuses("DirectTransfer"):
            foreign.mintBatch(market.store, [market.film, 2], [100, 1])
        foreign.mint(market.owner, market.film, 100)
        with refuses("DirectTransfer"):
            foreign.safeTransferFrom(market.owner, market.store, market.film, 100, b"")
        assert market.store.stockOf(market.film) == STOCK

    def test_nobody_can_pretend_that_tokens_came(self, market, refuses):
        with refuses("DirectTransfer"):
            market.store.onERC1155Received(
                market.store, "0x" + "00" * 20, market.film, 100, b"", by=market.stranger
            )

    def test_the_store_takes_no_native_coin(self, market, refuses):
        with refuses("0x"):
            market.chain.send(market.store.address, value=1)
