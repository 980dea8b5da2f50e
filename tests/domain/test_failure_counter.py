from __future__ import annotations

import pytest

from wylloh_server.domain.failure_counter import FailureCounter
from wylloh_server.domain.plugin_limits import Limits


@pytest.fixture
def now():
    return [1000.0]


@pytest.fixture
def failures(now):
    return FailureCounter(Limits(failures=3, window=60), clock=lambda: now[0])


def closed_after(failures, where, count):
    told = []
    for _ in range(count):
        failures.add(where)
        told.append(failures.is_closed(where))
    return told


def test_so_many_failures_of_a_place_within_the_window_close_it_and_no_other(failures):
    assert closed_after(failures, "a", 3) == [False, False, True]
    assert closed_after(failures, "b", 2) == [False, False]
    assert failures.closed() == ("a",)


def test_a_place_is_open_again_when_its_failures_are_old(failures, now):
    closed_after(failures, "a", 3)
    now[0] += 61
    assert not failures.is_closed("a")
    assert failures.closed() == ()


def test_what_lies_further_back_is_forgotten(failures, now):
    for _ in range(10):
        assert closed_after(failures, "a", 1) == [False]
        now[0] += 31
    now[0] -= 31
    assert closed_after(failures, "a", 1) == [True]


def test_places_that_nobody_uses_any_more_are_not_remembered(failures, now):
    for number in range(100):
        failures.add(str(number))
        now[0] += 10
    assert len(failures._failures) <= 7


def test_a_place_is_closed_at_once_when_it_hung(failures, now):
    failures.close("a")
    assert failures.closed() == ("a",)
    now[0] += 61
    assert failures.closed() == ()
