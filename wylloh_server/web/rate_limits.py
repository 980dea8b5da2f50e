"""Refuses what comes too often: token buckets for each purpose.

Who is signed in pays from a bucket of the account, whatever others do. A stranger pays from three: that of
the home, of the site around it, and one for all strangers; so neither one customer with a whole IPv6 network
nor many of them take more than a part. In local networks the last two do not count.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING

from aiohttp import web

from wylloh_server.domain.network_address import home_of, is_local, site_of
from wylloh_server.web.error_responses import BadRequest
from wylloh_server.web.session import address_of, viewer_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from aiohttp.typedefs import Handler

_MOST_BUCKETS = 10_000
_EVICTED = 10
"""Of this many buckets one goes when no more fit and none is full."""
SITE_TIMES = 8
"""How many homes' share one site has."""


@dataclass(frozen=True, slots=True)
class Budget:
    """How often something may be done by one account or home: `burst` at once, then `per_minute`.

    All strangers together have `total_times` as much.
    """

    purpose: str
    burst: int
    per_minute: float
    total_times: int = 50


@dataclass(frozen=True, slots=True)
class Payer:
    """Who asks: an account, or a stranger at an address."""

    address: str
    account: str = ""

    def names(self) -> tuple[tuple[str, str], ...]:
        """Return whom counts belong to, the widest first: pairs of a kind and a name."""
        if self.account:
            return (("account", self.account),)
        home = ("home", home_of(self.address))
        if is_local(self.address):
            return (home,)
        return (("all", ""), ("site", site_of(self.address)), home)


def payer_of(request: web.Request) -> Payer:
    """Return who a request counts for. Every count of requests or streams goes by this."""
    viewer = viewer_of(request)
    return Payer(address_of(request), viewer.wallet if viewer else "")


@dataclass(frozen=True, slots=True)
class _Bucket:
    """How much was left at a moment, of a burst that fills up with so much a second."""

    left: float
    at: float
    burst: float
    rate: float

    def level(self, now: float) -> float:
        return min(self.burst, self.left + (now - self.at) * self.rate)


class TokenBuckets:
    """Who has how much of each budget left. A bucket that is full again is as good as none and goes first."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, most: int = _MOST_BUCKETS) -> None:
        self._clock = clock
        self._most = most
        self._buckets: dict[tuple[str, str, str], _Bucket] = {}

    def spend(self, budget: Budget, payer: Payer) -> float:
        """Take one from each bucket of the payer, or from none. Gives 0, or the seconds until it can be."""
        if wait := self.wait(budget, payer):
            return wait
        now = self._clock()
        for name, burst, rate in _shares(budget, payer):
            self._buckets[name] = _Bucket(self._level(name, burst, now) - 1, now, burst, rate)
        if len(self._buckets) > self._most:
            self._make_room(now)
        return 0.0

    def wait(self, budget: Budget, payer: Payer) -> float:
        """Return 0 if `spend` would take one now, or the seconds until it would. Takes nothing."""
        now = self._clock()
        waits = ((1 - self._level(name, burst, now)) / rate for name, burst, rate in _shares(budget, payer))
        return max(0.0, *waits)

    def _level(self, name: tuple[str, str, str], burst: float, now: float) -> float:
        bucket = self._buckets.get(name)
        return burst if bucket is None else bucket.level(now)

    def _make_room(self, now: float) -> None:
        self._buckets = {
            name: bucket for name, bucket in self._buckets.items() if bucket.level(now) < bucket.burst
        }
        if len(self._buckets) > self._most:
            fullest = sorted(self._buckets.items(), key=lambda one: one[1].level(now) / one[1].burst)
            self._buckets = dict(fullest[: self._most - self._most // _EVICTED])


def _shares(budget: Budget, payer: Payer) -> Iterator[tuple[tuple[str, str, str], float, float]]:
    """Return name, burst and rate of the buckets that a payer pays from."""
    times = {"all": budget.total_times, "site": SITE_TIMES}
    for kind, name in payer.names():
        share = times.get(kind, 1)
        yield (budget.purpose, kind, name), budget.burst * share, budget.per_minute * share / 60


BUCKETS: web.AppKey[TokenBuckets] = web.AppKey("buckets")

SIGN_IN_BUDGET = Budget("sign-in", burst=10, per_minute=20)
PAIRING_BUDGET = Budget("tv", burst=10, per_minute=10)
CODE_BUDGET = Budget("tv-code", burst=10, per_minute=10)
PLAY_BUDGET = Budget("play", burst=60, per_minute=60)
GUEST_PAGE_BUDGET = Budget("guest-page", burst=120, per_minute=120)
"""Pages of plugins that are open to everybody, such as a store: each may search, and count."""
TRAILER_BUDGET = Budget("trailer", burst=120, per_minute=120)
CUSTODY_BUDGET = Budget("custody", burst=60, per_minute=60, total_times=10)
"""Each request asks the chain, so that all of them together have less than of other budgets."""
TRANSACTION_BUDGET = Budget("transaction", burst=60, per_minute=60)


def too_often(wait: float) -> BadRequest:
    """Return the answer to who has to wait for so many seconds."""
    seconds = math.ceil(wait)
    return BadRequest(
        429,
        "That was too often.",
        fix=f"Try again in {seconds} s.",
        headers={"Retry-After": str(seconds)},
    )


def charge(request: web.Request, budget: Budget) -> None:
    """Take one from a budget of who asks.

    Raises:
        BadRequest: it is used up; 429.
    """
    if wait := request.app[BUCKETS].spend(budget, payer_of(request)):
        raise too_often(wait)


def limited(budget: Budget) -> Callable[[Handler], Handler]:
    """Make a handler answer 429 to an account or address that has used up its budget."""

    def around(handler: Handler) -> Handler:
        @wraps(handler)
        async def spending(request: web.Request) -> web.StreamResponse:
            charge(request, budget)
            return await handler(request)

        return spending

    return around
