"""Refuses what comes too often: token buckets, one for each purpose and network address."""

from __future__ import annotations

import ipaddress
import math
import time
from collections import OrderedDict
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING

from aiohttp import web

from wylloh_server.web.problems import BadRequest
from wylloh_server.web.session import address_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiohttp.typedefs import Handler

_MOST_BUCKETS = 10_000
_HOME_PREFIX = 64


@dataclass(frozen=True, slots=True)
class Budget:
    """How often something may be done from one address: `burst` at once, then `per_minute`."""

    purpose: str
    burst: int
    per_minute: float


class TokenBuckets:
    """Who has how much of each budget left. The least recently used are forgotten when there are many."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, most: int = _MOST_BUCKETS) -> None:
        self._clock = clock
        self._most = most
        self._levels: OrderedDict[tuple[str, str], tuple[float, float]] = OrderedDict()

    def spend(self, budget: Budget, address: str) -> float:
        """Take one from a bucket. Gives 0, or the seconds until there is one again."""
        now = self._clock()
        key = (budget.purpose, _home_of(address))
        level, since = self._levels.pop(key, (float(budget.burst), now))
        level = min(budget.burst, level + (now - since) * budget.per_minute / 60)
        allowed = level >= 1
        self._levels[key] = (level - 1 if allowed else level, now)
        while len(self._levels) > self._most:
            self._levels.popitem(last=False)
        return 0.0 if allowed else (1 - level) * 60 / budget.per_minute


BUCKETS: web.AppKey[TokenBuckets] = web.AppKey("buckets")

SIGN_IN_BUDGET = Budget("sign-in", burst=10, per_minute=20)
PAIRING_BUDGET = Budget("tv", burst=10, per_minute=10)
CODE_BUDGET = Budget("tv-code", burst=10, per_minute=10)
PLAY_BUDGET = Budget("play", burst=60, per_minute=60)
CUSTODY_BUDGET = Budget("custody", burst=60, per_minute=60)
TRANSACTION_BUDGET = Budget("transaction", burst=60, per_minute=60)


def limited(budget: Budget) -> Callable[[Handler], Handler]:
    """Let a handler answer 429 to an address that has used up its budget."""

    def around(handler: Handler) -> Handler:
        @wraps(handler)
        async def spending(request: web.Request) -> web.StreamResponse:
            wait = request.app[BUCKETS].spend(budget, address_of(request))
            if wait:
                raise BadRequest(
                    429,
                    "That was too often.",
                    fix=f"Try again in {math.ceil(wait)} s.",
                    headers={"Retry-After": str(math.ceil(wait))},
                )
            return await handler(request)

        return spending

    return around


def _home_of(address: str) -> str:
    """Give whom a bucket belongs to: an IPv4 address, or the /64 that one IPv6 customer commands."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return address
    return str(ipaddress.ip_network((parsed, _HOME_PREFIX), strict=False))
