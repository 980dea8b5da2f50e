"""FilmStore under any sequence of purchases, listings, changes and mistakes by several wallets.

After every step: no coin is made, lost or left in the store; no token is made or lost; what the store holds of a
film is its stock plus the open listings; and every single balance is what a model in Python says.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from tests.components.evm import UINT256_MAX, ZERO, Reverted
from tests.components.market import Market, sale_terms

pytestmark = pytest.mark.timeout(400)
"""Only a failing one takes long: Hypothesis looks for the shortest example for up to five minutes."""

CHAIN_ID = 31_337
"""Anvil's."""
FUNDS = 2_000_000
FAR = 2**63
SUPPLY = 10_000

PUBLISHER = 0
WALLETS = 4
"""Anvil's first accounts: the publisher and three others, all of whom buy and sell."""
SINKS = 3
"""Three more that only ever receive."""

person = st.integers(0, WALLETS - 1)
account = st.integers(0, WALLETS + SINKS - 1)
which = st.integers(0, 1)
few = st.one_of(st.integers(1, 12), st.integers(0, 12))
price = st.one_of(*[st.integers(1, 20_000)] * 4, st.sampled_from([0, FUNDS, UINT256_MAX]))
steps = st.lists(st.tuples(st.integers(2, 30), price), max_size=3).flatmap(
    lambda later: st.sampled_from([[(1, 777), *sorted(later)]] * 4 + [later])
)
number = st.integers(0, 40)
schedule = st.sampled_from([(0, 0)] * 4 + [(0, FAR)] * 3 + [(FAR, FAR), (FAR, FAR + 1), (FAR, 0)])
spare = st.sampled_from([0, 0, 0, 1_000, -1])
max_fee = st.sampled_from([1_000, 1_000, 500, 0])
least = st.sampled_from([0, 0, 900, 1_100])
shown = st.sampled_from([{}] * 8 + [{"payee": 0}, {"fee": 1_001}, {"token": 1}, {"coin": 1}, {"late": 1}])
"""In what somebody was shown something else than what holds."""


@dataclass
class Listing:
    seller: str
    film: int
    left: int
    coin: int
    price: int
    max_fee: int
    least: int


@dataclass(frozen=True)
class Royalty:
    receiver: str
    basis_points: int


@dataclass(frozen=True)
class Bill:
    """What a purchase costs whom: as FilmStore should compute it."""

    coin: int
    total: int
    fee: int
    payee: str
    makers: str
    royalty: int = 0
    fee_points: int = 0
    royalty_points: int = 0


STRATEGIES = {
    "set_offer": (which, which, account, schedule, price, steps, max_fee),
    "close_offer": (which,),
    "set_fee": (st.integers(0, 1_050), account),
    "set_coin": (which, st.sampled_from([True, True, False])),
    "mint_stock": (which, few),
    "mint": (which, person, few),
    "stock_own": (which, few),
    "withdraw_stock": (which, account, few),
    "give_tokens": (which, person, person, few),
    "give_tokens_to_the_store": (which, person, few),
    "give_money": (which, person, person, st.integers(1, 100)),
}
MEANWHILE = [*STRATEGIES, "set_offer", "set_fee", "mint_stock"]


class StoreMachine(RuleBasedStateMachine):
    market: Market = None

    def __init__(self):
        super().__init__()
        chain = self.market.chain
        self.snapshot = chain.snapshot()
        self.accounts = chain.accounts[: WALLETS + SINKS]
        self.store = chain.deploy("FilmStore", self.market.registry, self.accounts[0], self.accounts[5], 0)
        self.coins = [chain.deploy("NoPermitCoin") for _ in range(2)]
        self.money = [Counter(), Counter()]
        self.accepted = [True, True]
        for number, coin in enumerate(self.coins):
            self.store.setCoin(coin, True)
            for one in self.accounts[:WALLETS]:
                coin.mint(one, FUNDS)
                coin.approve(self.store, UINT256_MAX, by=one)
                self.money[number][one] = FUNDS
        for one in self.accounts[:WALLETS]:
            self.market.registry.setApprovalForAll(self.store, True, by=one)
        self.royalties = [Royalty(self.accounts[6], 333), Royalty(self.accounts[1], 2_500)]
        self.films = [
            self.market.new_film(100 + number, royalty=one.basis_points, receiver=one.receiver, supply=SUPPLY)
            for number, one in enumerate(self.royalties)
        ]
        self.tokens = [Counter(), Counter()]
        self.stock = [0, 0]
        self.offers = [None, None]
        self.listings: list[Listing] = []
        self.fee, self.fees_to = 0, self.accounts[5]

    def teardown(self):
        self.market.chain.revert(self.snapshot)

    @initialize()
    def begin(self):
        for film in (0, 1):
            self.mint_stock(film, 60)
            self.mint(film, 1, 20)
            self.mint(film, 2, 20)
            self.set_offer(film, film, 4, (0, 0), 5, [(1, 999), (10, 801)], 1_000)
            self.list(film, 1 + film, 7, film, 1_234, 1_000, 0)

    # --- the publisher, the owner, and what goes past the store ---

    @rule(data=st.data(), action=st.sampled_from(MEANWHILE))
    def meanwhile(self, data, action):
        """One rule for all of them, so that most steps are trade."""
        getattr(self, action)(*(data.draw(one) for one in STRATEGIES[action]))

    def mint_stock(self, film, amount):
        if amount == 0:
            return self.refused("ZeroQuantity", self.market.registry.mint, self.store, self.films[film], 0)
        self.market.registry.mint(self.store, self.films[film], amount)
        self.stock[film] += amount

    def mint(self, film, to, amount):
        self.market.registry.mint(self.accounts[to], self.films[film], amount)
        self.tokens[film][self.accounts[to]] += amount

    def stock_own(self, film, amount):
        held = self.tokens[film][self.accounts[PUBLISHER]]
        error = "ZeroQuantity" if amount == 0 else "ERC1155InsufficientBalance" if amount > held else None
        if self.tried(error, self.store.stock, self.films[film], amount):
            self.move(film, self.accounts[PUBLISHER], None, amount)
            self.stock[film] += amount

    def withdraw_stock(self, film, to, amount):
        error = "ZeroQuantity" if amount == 0 else "NotEnoughStock" if amount > self.stock[film] else None
        if self.tried(error, self.store.withdrawStock, self.films[film], amount, self.accounts[to]):
            self.stock[film] -= amount
            self.move(film, None, self.accounts[to], amount)

    def set_offer(self, film, coin, payee, when, presale, steps, most):
        terms = (self.accounts[payee], self.coins[coin].address, *when, presale, steps)
        error = self.offer_error(coin, when, presale, steps)
        error = error or ("FeeAboveLimit" if most < self.fee else None)
        if self.tried(error, self.store.setOffer, self.films[film], terms, most):
            self.offers[film] = (coin, self.accounts[payee], when, presale, steps, most)

    def offer_error(self, coin, when, presale, steps):
        if not self.accepted[coin]:
            return "CoinNotAccepted"
        if when[0] > when[1]:
            return "BadSchedule"
        if when[0] < when[1] and presale == 0:
            return "ZeroPrice"
        if not steps or steps[0][0] != 1:
            return "StepsNotAscending"
        if any(high <= low for (low, _), (high, _) in zip(steps, steps[1:], strict=False)):
            first_bad = next(i for i in range(1, len(steps)) if steps[i][0] <= steps[i - 1][0])
            return "ZeroPrice" if any(unit == 0 for _, unit in steps[:first_bad]) else "StepsNotAscending"
        return "ZeroPrice" if any(unit == 0 for _, unit in steps) else None

    def close_offer(self, film):
        error = None if self.offers[film] else "NotOnSale"
        if self.tried(error, self.store.closeOffer, self.films[film]):
            self.offers[film] = None

    def set_fee(self, fee, to):
        error = "FeeTooHigh" if fee > 1_000 else None
        if self.tried(error, self.store.setFee, self.accounts[to], fee):
            self.fee, self.fees_to = fee, self.accounts[to]

    def set_coin(self, coin, accepted):
        self.store.setCoin(self.coins[coin], accepted)
        self.accepted[coin] = accepted

    # --- wallets ---

    @rule(film=which, buyer=person, quantity=few, spare=spare, shown=shown)
    def buy(self, film, buyer, quantity, spare, shown):
        bill, error = self.first_sale(film, quantity)
        by = self.accounts[buyer]
        agreed, error = self.agreement(bill, error, by, spare, shown, film, 0, self.accounts[PUBLISHER])
        if self.tried(error, self.store.buy, self.films[film], quantity, agreed, by=by):
            self.stock[film] -= quantity
            self.pay(bill, by)
            self.move(film, None, by, quantity)

    def first_sale(self, film, quantity):
        if self.offers[film] is None:
            return None, "NotOnSale"
        if quantity == 0:
            return None, "ZeroQuantity"
        if quantity > self.stock[film]:
            return None, "NotEnoughStock"
        coin, payee, (presale_from, sale_from), presale, steps, most = self.offers[film]
        if presale_from:
            return None, "NotYetOnSale"
        unit = presale if sale_from else [unit for least, unit in steps if least <= quantity][-1]
        return self.billed(coin, payee, unit, quantity, most)

    def billed(self, coin, payee, unit, quantity, most, royalty=None, least=0):
        total = unit * quantity
        if not self.accepted[coin]:
            return None, "CoinNotAccepted"
        if total > UINT256_MAX:
            return None, "Panic"
        points = min(self.fee, most)
        fee = total * points // 10_000
        if royalty is None:
            return Bill(coin, total, fee, payee, self.accounts[0], fee_points=points), None
        part = total * royalty.basis_points // 10_000
        if total - fee - part < least * quantity:
            return None, "ProceedsBelowMinimum"
        return Bill(coin, total, fee, payee, royalty.receiver, part, points, royalty.basis_points), None

    def agreement(self, bill, error, buyer, spare, shown, film, number, seller):
        """What the buyer agrees to, right or (`shown`) wrong in one thing, and what the store must say to it."""
        late, limit = "late" in shown, min(bill.total + spare, UINT256_MAX) if bill else UINT256_MAX
        deadline = self.market.chain.now() - 1 if late else UINT256_MAX
        if late or bill is None:
            nothing = (self.coins[0].address, limit, deadline, bytes(32))
            return nothing, "Expired" if late else error
        terms = {
            "chain": CHAIN_ID,
            "store": self.store.address,
            "token": self.films[film],
            "number": number,
            "seller": seller,
            "payee": bill.payee,
            "coin": self.coins[bill.coin].address,
            "fee": bill.fee_points,
            "makers": bill.makers if number else ZERO,
            "royalty": bill.royalty_points,
        }
        wrong = {
            "payee": self.store.address,
            "coin": self.coins[1 - bill.coin].address,
            "token": 1,
            "fee": 1_001,
        }
        terms |= {name: wrong[name] for name in shown}
        return (terms["coin"], limit, deadline, sale_terms(*terms.values())), (
            "TermsChanged" if shown else self.means_error(bill, buyer, limit)
        )

    def means_error(self, bill, buyer, limit):
        if bill.total > limit:
            return "PriceAboveLimit"
        return "ERC20InsufficientBalance" if bill.total > self.money[bill.coin][buyer] else None

    @rule(
        film=which,
        seller=st.integers(0, 3 * WALLETS),
        quantity=few,
        coin=which,
        unit=price,
        most=max_fee,
        least=least,
    )
    def list(self, film, seller, quantity, coin, unit, most, least):
        by = self.accounts[seller] if seller < WALLETS else self.richest(film)
        error = "ZeroQuantity" if quantity == 0 else "ZeroPrice" if unit == 0 else None
        error = error or ("FeeAboveLimit" if most < self.fee else None)
        error = error or self.billed(coin, by, unit, quantity, most, self.royalties[film], least)[1]
        if not error and quantity > self.tokens[film][by]:
            error = "ERC1155InsufficientBalance"
        terms = (self.films[film], quantity, self.coins[coin], unit, most, least)
        if self.tried(error, self.store.list, *terms, by=by):
            self.listings.append(Listing(by, film, quantity, coin, unit, most, least))
            self.move(film, by, None, quantity)

    @rule(number=number, seller=st.sampled_from([True, True, False]), by=person)
    def cancel(self, number, seller, by):
        number = self.known(number)
        listed = self.listed(number)
        by = listed.seller if seller and listed else self.accounts[by]
        error = None
        if listed is None:
            error = "UnknownListing"
        elif listed.seller != by:
            error = "NotTheSeller"
        elif listed.left == 0:
            error = "NotEnoughListed"
        if self.tried(error, self.store.cancel, number, by=by):
            self.move(listed.film, None, by, listed.left)
            listed.left = 0

    @rule(number=number, buyer=person, quantity=few, spare=spare, shown=shown)
    def buy_listed(self, number, buyer, quantity, spare, shown):
        by, number = self.accounts[buyer], self.known(number)
        listed = self.listed(number)
        bill, error = self.resale(listed, quantity)
        film, seller = (listed.film, listed.seller) if listed else (0, by)
        agreed, error = self.agreement(bill, error, by, spare, shown, film, number, seller)
        if self.tried(error, self.store.buyListed, number, quantity, agreed, by=by):
            listed.left -= quantity
            self.pay(bill, by)
            self.move(listed.film, None, by, quantity)

    def resale(self, listed, quantity):
        if listed is None:
            return None, "UnknownListing"
        if quantity > listed.left:
            return None, "NotEnoughListed"
        if quantity == 0:
            return None, "ZeroQuantity"
        royalty = self.royalties[listed.film]
        return self.billed(
            listed.coin, listed.seller, listed.price, quantity, listed.max_fee, royalty, listed.least
        )

    def give_tokens(self, film, sender, to, amount):
        sender, to = self.accounts[sender], self.accounts[to]
        error = "ERC1155InsufficientBalance" if amount > self.tokens[film][sender] else None
        give = self.market.registry.safeTransferFrom
        if self.tried(error, give, sender, to, self.films[film], amount, b"", by=sender):
            self.move(film, sender, to, amount)

    def give_tokens_to_the_store(self, film, sender, amount):
        sender = self.accounts[sender]
        error = "ERC1155InsufficientBalance" if amount > self.tokens[film][sender] else "DirectTransfer"
        give = self.market.registry.safeTransferFrom
        self.refused(error, give, sender, self.store, self.films[film], amount, b"", by=sender)

    def give_money(self, coin, sender, to, part):
        sender, to = self.accounts[sender], self.accounts[to]
        amount = self.money[coin][sender] * part // 100
        self.coins[coin].transfer(to, amount, by=sender)
        self.money[coin][sender] -= amount
        self.money[coin][to] += amount

    # --- the model ---

    def tried(self, error, call, *arguments, **options):
        """Make a call that must fail with this error, or must not. Says whether it succeeded."""
        try:
            call(*arguments, **options)
        except Reverted as reason:
            assert reason.name == error, (reason, error)
            return False
        assert error is None, error
        return True

    def refused(self, error, call, *arguments, **options):
        assert not self.tried(error, call, *arguments, **options)

    def known(self, number):
        """Mostly the number of a listing."""
        return number if number % 10 == 0 else 1 + number % len(self.listings)

    def richest(self, film):
        return max(self.accounts[:WALLETS], key=lambda one: self.tokens[film][one])

    def listed(self, number):
        return self.listings[number - 1] if 0 < number <= len(self.listings) else None

    def move(self, film, sender, to, amount):
        """Move tokens; None is the store."""
        if sender:
            self.tokens[film][sender] -= amount
        if to:
            self.tokens[film][to] += amount

    def pay(self, bill, buyer):
        purse = self.money[bill.coin]
        purse[buyer] -= bill.total
        purse[self.fees_to] += bill.fee
        purse[bill.makers] += bill.royalty
        purse[bill.payee] += bill.total - bill.fee - bill.royalty

    # --- what holds after every step ---

    @invariant()
    def money_in_is_money_out_and_balances(self):
        everybody = (self.store, *self.accounts)
        for coin, expected in zip(self.coins, self.money, strict=True):
            kept, *balances = self.market.chain.ask(*(coin.question("balanceOf", one) for one in everybody))
            assert kept == 0
            assert sum(balances) == WALLETS * FUNDS
            assert balances == [expected[one] for one in self.accounts]

    @invariant()
    def tokens_are_conserved_and_the_escrow_is_stock_and_listings(self):
        registry, everybody = self.market.registry, (self.store, *self.accounts)
        for number, film in enumerate(self.films):
            supply, stock, kept, *balances = self.market.chain.ask(
                registry.question("totalSupply", film),
                self.store.question("stockOf", film),
                *(registry.question("balanceOf", one, film) for one in everybody),
            )
            open_listings = sum(one.left for one in self.listings if one.film == number)
            assert kept + sum(balances) == supply
            assert kept == stock + open_listings
            assert stock == self.stock[number]
            assert balances == [self.tokens[number][one] for one in self.accounts]

    @invariant()
    def listings_read_back(self):
        questions = [self.store.question("listing", number) for number in range(1, len(self.listings) + 1)]
        left = [answer[2] for answer in self.market.chain.ask(*questions)] if questions else []
        assert left == [one.left for one in self.listings]


def test_money_in_is_money_out_and_balances_always(market):
    StoreMachine.market = market
    run_state_machine_as_test(
        StoreMachine, settings=settings(max_examples=40, stateful_step_count=40, deadline=None)
    )
