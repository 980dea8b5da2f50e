"""RoyaltySplitter under any sequence of income, distributions, withdrawals and changes of recipients.

A model in Python, which divides in another way, says after every step what must be pending, owed and paid.
"""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from tests.components.evm import UINT256_MAX, ZERO
from tests.components.shares import divided, split_hash

pytestmark = pytest.mark.timeout(400)
"""Only a failing one takes long: Hypothesis looks for the shortest example for up to five minutes."""

POOL = ["0x" + f"{0xA11CE000 + n:040x}" for n in range(12)]
"""Accounts that never send anything, so that their native balance shows what they were paid."""

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
    """`received`, `owed` and `paid` are kept here per coin; `known` as in the contract."""

    evm = None

    def __init__(self):
        super().__init__()
        self.snapshot = self.evm.snapshot()
        expected, later = (self.evm.deploy("NoPermitCoin") for _ in range(2))
        self.coins = {ZERO: None, expected.address: expected, later.address: later}
        self.shares = [(POOL[0], 6_667), (POOL[1], 3_333)]
        owner = self.evm.accounts[INSIDER]
        self.splitter = self.evm.deploy("RoyaltySplitter", owner, written(self.shares), [expected.address])
        self.known = [expected.address]
        self.received, self.pending = Counter(), Counter()
        self.owed, self.paid = Counter(), Counter()

    def teardown(self):
        self.evm.revert(self.snapshot)

    coin = st.integers(0, 2)
    amount = st.one_of(st.integers(1, 200), st.integers(1, 10**21))

    def address(self, coin):
        return list(self.coins)[coin]

    @rule(coin=coin, amount=amount)
    def income(self, coin, amount):
        address = self.address(coin)
        if address == ZERO:
            amount = min(amount, 10**18)
            self.evm.send(self.splitter.address, value=amount)
        else:
            self.coins[address].mint(self.splitter, amount)
        self.received[address] += amount
        self.pending[address] += amount

    @rule(coin=coin, who=st.sampled_from([INSIDER, OUTSIDER]))
    def distribute(self, coin, who):
        address = self.address(coin)
        if self.pending[address] and who == INSIDER and address not in (ZERO, *self.known):
            self.known.append(address)
        receipt = self.splitter.distribute(address, by=self.evm.accounts[who])
        credited = [values for name, values in receipt.of(self.splitter) if name == "Credited"]
        assert sum(values["amount"] for values in credited) == self.pending[address]
        self.divide(address)

    @rule(coin=coin, recipient=st.sampled_from(POOL[:4]))
    def withdraw(self, coin, recipient):
        key = recipient, self.address(coin)
        if self.owed[key] == 0:
            return
        self.splitter.withdraw(*key, by=self.evm.accounts[OUTSIDER])
        self.paid[key] += self.owed.pop(key)

    @rule(recipients=shares(most=4))
    def change(self, recipients):
        self.splitter.setRecipients(written(recipients))
        for address in (ZERO, *self.known):
            self.divide(address)
        self.shares = recipients

    @rule(coin=coin)
    def forget(self, coin):
        address = self.address(coin)
        self.splitter.forget(address)
        self.known = [known for known in self.known if known != address]

    def divide(self, address):
        amount = self.pending.pop(address, 0)
        parts = divided(amount, [part for _, part in self.shares])
        for (account, _), part in zip(self.shares, parts, strict=True):
            self.owed[account, address] += part

    @invariant()
    def every_unit_is_accounted_for(self):
        for address, coin in self.coins.items():
            pending, *owed = self.evm.ask(
                self.splitter.question("pending", address),
                *(self.splitter.question("owed", account, address) for account in POOL),
            )
            if coin is None:
                held, *paid = [self.evm.balance(one) for one in (self.splitter.address, *POOL)]
            else:
                everybody = (self.splitter, *POOL)
                held, *paid = self.evm.ask(*(coin.question("balanceOf", one) for one in everybody))
            assert self.received[address] == sum(owed) + sum(paid) + pending
            assert held == sum(owed) + pending
            assert pending == self.pending[address]
            assert owed == [self.owed[account, address] for account in POOL]
            assert paid == [self.paid[account, address] for account in POOL]

    @invariant()
    def it_reads_back(self):
        assert self.splitter.recipients() == tuple(written(self.shares))
        assert sorted(self.splitter.coins()) == sorted(self.known)
        accounts, parts = zip(*self.shares, strict=True)
        assert self.splitter.splitHash() == split_hash(accounts, parts)


def test_received_is_owed_and_paid_and_pending_whatever_happens(evm):
    SplitterMachine.evm = evm
    run_state_machine_as_test(
        SplitterMachine, settings=settings(max_examples=40, stateful_step_count=30, deadline=None)
    )
