"""Reverse proxies that the settings do not name: behind one of them everybody seems to be at home."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from wylloh_server.domain.network_address import is_local
from wylloh_server.domain.types import Seconds
from wylloh_server.services.operations.health import CheckFailed

if TYPE_CHECKING:
    from collections.abc import Callable

_REMEMBERED = Seconds(86_400)


class UnlistedProxies:
    """Remembers where requests with forwarded headers came from, unless they came through a trusted proxy."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._last: tuple[str, float] | None = None

    def note(self, address: str) -> None:
        """Record that a request with such headers came from an address.

        Somebody far away who makes them up is no proxy of this server, and is not taken for one of this home.
        """
        if is_local(address):
            self._last = address, self._clock()

    async def check(self) -> str:
        """Return that all is well. A check of `Health`.

        Raises:
            CheckFailed: there was one in the last day.
        """
        if self._last is None or self._clock() - self._last[1] > _REMEMBERED:
            return "Addresses of visitors are their own."
        raise CheckFailed(
            f"{self._last[0]} passes on what others ask, and server.trusted_proxies does not name it. So all "
            "of them seem to be at home: limits on strangers, on TVs and on blocks are void.",
            fix="If it is your reverse proxy, add its address to server.trusted_proxies.",
        )
