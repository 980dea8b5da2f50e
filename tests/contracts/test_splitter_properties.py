"""RoyaltySplitter under any sequence of income, distributions, withdrawals and changes of recipients and coins.

A model in Python, which divides in another way, says after every step what must be pending, owed and paid.
"""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from tests.components.evm import UINT256_MAX, ZERO, Reverted
from tests.components.shares import divided, split_hash

pytestmark = pytest.mark.timeout(400)
"""Only a failing one takes long: Hypothesis looks for the shortest example for up to five minutes."""

POOL = ["0x" + f"{0xA11CE000 + n:040x}" for n in range(12)]
"""Accounts that never send anything, so that their native balance shows what they were paid."""

MOST_COINS = 8
"""That a splitter knows at a time."""

INSIDER, OUTSIDER = 0, 8
"""Anvil's accounts: the owner, and somebody."""


@st.composite
def shares(draw, most=8):
    """Recipients whose basis points add up to 10,000: the gaps between distinct cuts."""
    accounts = draw(st.lists(st.sampled_from(POOL), min_size=1, max_size=most, unique=True))
    size = len(accounts) - 1
    cuts = sorted(draw(st.lists(st.integers(1, 9_999), min_size=size, max_size=size, unique=True)))
    parts = [high - low for low, high in zip([0, *cuts], [*cuts, 10_000], strict=True)]
    return list(zip(accounts, parts, strict=True))


def written(recipients):
    return [(account, part, f"role {part}") for account, part in recipients]


@settings(max_examples=60, deadline=None)
@given(recipients=shares(most=12), amounts=st.lists(st.integers(1, UINT256_MAX // 4), min_size=1, max_size=3))
def check_division(evm, recipients, amounts):
    snapshot = evm.snapshot()
    coin = evm.deploy("NoPermitCoin")
    splitter = evm.deploy("RoyaltySplitter", evm.accounts[0], written(recipients), [])
    expected = Counter()
    for amount in amounts:
        coin.mint(splitter, amount)
        splitter.distribute(coin)
        parts = divided(amount, [part for _, part in recipients])
        expected.update(dict(zip([account for account, _ in recipients], parts, strict=True)))
    owed = evm.ask(*(splitter.question("owed", account, coin) for account in POOL))
    assert owed == [expected[account] for account in POOL]
    assert sum(owed) == sum(amounts)
    evm.revert(snapshot)


def test_every_distribution_is_the_largest_remainder_of_the_shares(evm):
    check_division(evm)


class SplitterMachine(RuleBasedStateMachine):
    """`owed` and `paid` are kept here per coin; `known` as in the contract.

    `splits` are all shares there ever were, the newest last. `pending` holds of each coin what came in, as the
    number of the shares of that moment and an amount; `divided_by` is under which a coin is divided next.
    """

    evm = None

    def __init__(self):
        super().__init__()
        self.snapshot = self.evm.snapshot()
        expected, later = self.evm.deploy("NoPermitCoin"), self.evm.deploy("BreakingCoin")
        self.coins = {ZERO: None, expected.address: expected, later.address: later}
        self.breaking, self.broken = later, False
        self.splits = [[(POOL[0], 6_667), (POOL[1], 3_333)]]
        owner = self.evm.accounts[INSIDER]
        self.splitter = self.evm.deploy("RoyaltySplitter", owner, written(self.splits[0]), [expected.address])
        self.known = [expected.address]
        self.pending = {address: [] for address in self.coins}
        self.divided_by = Counter()
        self.owed, self.paid = Counter(), Counter()

    def teardown(self):
        self.evm.revert(self.snapshot)

    coin = st.integers(0, 2)
    amount = st.one_of(st.integers(1, 200), st.integers(1, 10**21))
    who = st.sampled_from([INSIDER, OUTSIDER])

    def address(self, coin):
        return list(self.coins)[coin]

    def silent(self, address):
        """Whether a coin does not answer now."""
        return self.broken and address == self.breaking.address

    @rule(coin=coin, amount=amount)
    def income(self, coin, amount):
        address = self.address(coin)
        if address == ZERO:
            amount = min(amount, 10**18)
            self.evm.send(self.splitter.address, value=amount)
        else:
            self.coins[address].mint(self.splitter, amount)
        self.pending[address].append((len(self.splits) - 1, amount))

    @rule(coin=coin, who=who)
    def distribute(self, coin, who):
        address = self.address(coin)
        if self.silent(address):
            with pytest.raises(Reverted, match="BadCoin"):
                self.splitter.distribute(address, by=self.evm.accounts[who])
            return
        full = len(self.known) == MOST_COINS
        if who == INSIDER and address not in (ZERO, *self.known) and not full:
            self.known.append(address)
        receipt = self.splitter.distribute(address, by=self.evm.accounts[who])
        credited = [values for name, values in receipt.of(self.splitter) if name == "Credited"]
        assert sum(values["amount"] for values in credited) == self.waiting(address)
        self.divide(address)

    @rule(coin=coin, recipient=st.sampled_from(POOL[:4]))
    def withdraw(self, coin, recipient):
        key = recipient, self.address(coin)
        if self.owed[key] == 0 or self.silent(key[1]):
            return
        self.splitter.withdraw(*key, by=self.evm.accounts[OUTSIDER])
        self.paid[key] += self.owed.pop(key)

    @rule(recipients=shares(most=4))
    def change(self, recipients):
        self.splitter.setRecipients(written(recipients))
        self.splits.append(recipients)
        for address in (ZERO, *self.known):
            if address in self.coins and not self.silent(address):
                self.divide(address)

    @rule(coin=coin)
    def forget(self, coin):
        address = self.address(coin)
        self.splitter.forget(address)
        self.known = [known for known in self.known if known != address]

    @rule(coin=coin, recipients=shares(most=4))
    def forget_and_change(self, coin, recipients):
        self.forget(coin)
        self.change(recipients)

    @rule()
    def fill_every_place(self):
        """The owner makes so many coins of their own known that there is no room for another."""
        while len(self.known) < MOST_COINS:
            worthless = self.evm.deploy("NoPermitCoin")
            self.splitter.distribute(worthless)
            self.known.append(worthless.address)

    @rule()
    def break_or_mend(self):
        """A coin that does not answer is like one that nobody has heard of."""
        self.broken = not self.broken
        self.breaking.setFault(int(self.broken))

    def waiting(self, address):
        return sum(amount for _, amount in self.pending[address])

    def divide(self, address):
        shares = self.splits[self.divided_by[address]]
        # What this is all about: nobody's income is divided under shares that were set after it came in.
        assert all(self.divided_by[address] <= arrived for arrived, _ in self.pending[address])
        parts = divided(self.waiting(address), [part for _, part in shares])
        for (account, _), part in zip(shares, parts, strict=True):
            self.owed[account, address] += part
        self.pending[address].clear()
        self.divided_by[address] = len(self.splits) - 1

    @invariant()
    def every_unit_is_accounted_for(self):
        for address, coin in self.coins.items():
            if self.silent(address):
                continue
            pending, *owed = self.evm.ask(
                self.splitter.question("pending", address),
                *(self.splitter.question("owed", account, address) for account in POOL),
            )
            if coin is None:
                held, *paid = [self.evm.balance(one) for one in (self.splitter.address, *POOL)]
            else:
                everybody = (self.splitter, *POOL)
                held, *paid = self.evm.ask(*(coin.question("balanceOf", one) for one in everybody))
            assert held == sum(owed) + pending
            assert pending == self.waiting(address)
            assert owed == [self.owed[account, address] for account in POOL]
            assert paid == [self.paid[account, address] for account in POOL]

    @invariant()
    def it_reads_back(self):
        assert self.splitter.recipients() == tuple(written(self.splits[-1]))
        assert sorted(self.splitter.coins()) == sorted(self.known)
        accounts, parts = zip(*self.splits[-1], strict=True)
        assert self.splitter.splitHash() == split_hash(accounts, parts)
        for address in self.coins:
            assert self.splitter.sharesOf(address) == tuple(self.splits[self.divided_by[address]])


def test_no_sequence_of_calls_divides_income_by_shares_set_after_it_came(evm):
    """And whatever happens, what was received is owed, paid or pending, to the last unit."""
    SplitterMachine.evm = evm
    run_state_machine_as_test(
        SplitterMachine, settings=settings(max_examples=40, stateful_step_count=30, deadline=None)
    )
