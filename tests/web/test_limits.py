from __future__ import annotations

import pytest

from wylloh_server.web.limits import Budget, TokenBuckets

BUDGET = Budget("try", burst=2, per_minute=6)


class Now:
    now = 0.0

    def __call__(self):
        return self.now


def test_a_budget_is_spent_and_comes_back():
    now = Now()
    buckets = TokenBuckets(now)

    assert [buckets.spend(BUDGET, "10.0.0.1") for _ in range(3)] == [0, 0, 10]
    now.now = 9.0
    assert buckets.spend(BUDGET, "10.0.0.1") == pytest.approx(1)
    now.now = 10.5
    assert buckets.spend(BUDGET, "10.0.0.1") == 0


def test_waiting_long_never_gives_more_than_a_burst():
    now = Now()
    buckets = TokenBuckets(now)
    buckets.spend(BUDGET, "10.0.0.1")
    now.now = 1e6

    assert [bool(buckets.spend(BUDGET, "10.0.0.1")) for _ in range(3)] == [False, False, True]


def test_each_address_and_purpose_has_its_own():
    buckets = TokenBuckets(Now())
    once = Budget("once", burst=1, per_minute=1)

    assert [buckets.spend(once, address) for address in ("10.0.0.1", "10.0.0.2")] == [0, 0]
    assert buckets.spend(BUDGET, "10.0.0.1") == 0


def test_one_customers_ipv6_addresses_are_one():
    buckets = TokenBuckets(Now())
    once = Budget("once", burst=1, per_minute=1)

    waits = [buckets.spend(once, address) for address in ("2001:db8::1", "2001:db8::ffff", "2001:db8:0:1::1")]

    assert waits == [0, 60, 0]


def test_many_addresses_do_not_fill_the_memory():
    buckets = TokenBuckets(Now(), most=100)

    for number in range(1000):
        buckets.spend(BUDGET, f"10.0.{number // 256}.{number % 256}")

    assert len(buckets._levels) == 100
