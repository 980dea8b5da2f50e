from __future__ import annotations

import pytest

from wylloh_server.domain.errors import ChainUnavailable, StorageError, StoreFull
from wylloh_server.hooks import Limits
from wylloh_server.hooks._conduct import Conduct
from wylloh_server.hooks._thread import KeptWaiting, StillBusy


@pytest.fixture
def now():
    return [1000.0]


@pytest.fixture
def conduct(now):
    return Conduct(Limits(failures=3, window=60), clock=lambda: now[0])


def test_so_many_failures_within_the_window_are_too_many(conduct, now):
    assert [conduct.failed(ValueError()) for _ in range(3)] == [False, False, True]


def test_what_lies_further_back_is_forgotten(conduct, now):
    for _ in range(10):
        assert not conduct.failed(ValueError())
        now[0] += 31
    now[0] -= 31
    assert conduct.failed(ValueError())


@pytest.mark.parametrize("error", [ChainUnavailable, StorageError, StoreFull, KeptWaiting, StillBusy])
def test_what_the_world_did_does_not_count(conduct, error):
    for _ in range(10):
        assert not conduct.failed(error("no"))
    assert [conduct.failed(TimeoutError()) for _ in range(3)] == [False, False, True]
