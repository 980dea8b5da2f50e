from __future__ import annotations

import pytest

from wylloh_server.web.rate_limits import SITE_TIMES, Budget, Payer, TokenBuckets

BUDGET = Budget("try", burst=2, per_minute=6)


class Now:
    now = 0.0

    def __call__(self):
        return self.now


def test_a_budget_is_spent_and_comes_back():
    now = Now()
    buckets = TokenBuckets(now)

    assert [buckets.spend(BUDGET, Payer("10.0.0.1")) for _ in range(3)] == [0, 0, 10]
    now.now = 9.0
    assert buckets.spend(BUDGET, Payer("10.0.0.1")) == pytest.approx(1)
    now.now = 10.5
    assert buckets.spend(BUDGET, Payer("10.0.0.1")) == 0


def test_waiting_long_never_gives_more_than_a_burst():
    now = Now()
    buckets = TokenBuckets(now)
    buckets.spend(BUDGET, Payer("10.0.0.1"))
    now.now = 1e6

    assert [bool(buckets.spend(BUDGET, Payer("10.0.0.1"))) for _ in range(3)] == [False, False, True]


def test_each_address_and_purpose_has_its_own():
    buckets = TokenBuckets(Now())
    once = Budget("once", burst=1, per_minute=1)

    assert [buckets.spend(once, Payer(address)) for address in ("10.0.0.1", "10.0.0.2")] == [0, 0]
    assert buckets.spend(BUDGET, Payer("10.0.0.1")) == 0


def test_one_customers_ipv6_addresses_are_one():
    buckets = TokenBuckets(Now())
    once = Budget("once", burst=1, per_minute=1)

    waits = [
        buckets.spend(once, Payer(address))
        for address in ("2001:db8::1", "2001:db8::ffff", "2001:db8:0:1::1")
    ]

    assert waits == [0, 60, 0]


def test_many_addresses_do_not_fill_the_memory():
    buckets = TokenBuckets(Now(), most=100)

    for number in range(1000):
        buckets.spend(BUDGET, Payer(f"10.0.{number // 256}.{number % 256}"))

    assert len(buckets._buckets) <= 100


def test_a_flood_from_many_networks_flushes_nobodys_bucket():
    """Buckets that are full again go first, and all strangers together have a bound."""
    now = Now()
    buckets = TokenBuckets(now)
    while not buckets.spend(BUDGET, Payer("198.51.100.7")):
        pass
    for number in range(12_000):
        now.now += 0.0001
        buckets.spend(BUDGET, Payer(f"2a00:{number >> 8:x}:{number & 255:x}:1::1"))

    assert buckets.spend(BUDGET, Payer("198.51.100.7")) > 5


def test_a_site_of_many_networks_has_a_bound_of_its_own():
    buckets = TokenBuckets(Now())

    allowed = [not buckets.spend(BUDGET, Payer(f"2a00:1:1:{number:x}::1")) for number in range(100)]

    assert sum(allowed) == SITE_TIMES * BUDGET.burst
    assert buckets.spend(BUDGET, Payer("2a00:1:2:1::1")) == 0


def test_strangers_who_use_everything_up_leave_the_signed_in_and_the_household_theirs():
    buckets = TokenBuckets(Now())
    for number in range(1_000):
        buckets.spend(BUDGET, Payer(f"2a00:{number:x}:1:1::1"))

    assert buckets.spend(BUDGET, Payer("2b00:1:1:1::1")) > 0
    assert buckets.spend(BUDGET, Payer("2b00:1:1:1::1", account="0xa")) == 0
    assert buckets.spend(BUDGET, Payer("192.168.1.4")) == 0


def test_an_account_pays_for_itself_wherever_it_is():
    buckets = TokenBuckets(Now())

    waits = [buckets.spend(BUDGET, Payer(f"198.51.100.{number}", account="0xa")) for number in range(3)]

    assert waits == [0, 0, 10]
    assert buckets.spend(BUDGET, Payer("198.51.100.1", account="0xb")) == 0
