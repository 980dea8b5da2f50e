"""The first run: who owns this server. Proven by a code from the terminal, never by coming first."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from cachetools import TTLCache

from wylloh_server.domain.errors import SignInRefused
from wylloh_server.domain.network_address import home_of
from wylloh_server.services.accounts.one_time_codes import matches, new_code

if TYPE_CHECKING:
    from collections.abc import Callable

    from wylloh_server.domain.types import Wallet
    from wylloh_server.storage.accounts import AccountRepository

_WRONG_TRIES, _ALL_WRONG_TRIES = 10, 1_000
"""Wrong codes from one home and from all, of 2^40 codes there are."""
_MOST_HOMES, _DAY = 10_000, 86_400


class OwnerSetup:
    """Keeps the code while nobody owns the server. `show` prints it in the terminal."""

    def __init__(
        self,
        accounts: AccountRepository,
        show: Callable[[str], None],
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self._accounts = accounts
        self._show = show
        self._code = ""
        self._wrong = 0
        self._wrong_of: TTLCache[str, int] = TTLCache(_MOST_HOMES, _DAY, timer=timer)
        self._done = False

    async def begin(self) -> None:
        """Show a code if there is no owner yet."""
        if not await self.done():
            self._renew()

    async def done(self) -> bool:
        """Return whether there is an owner."""
        if not self._done:
            self._done = await self._accounts.owned()
        return self._done

    async def take(self, wallet: Wallet, code: str, address: str = "") -> None:
        """Make the wallet owner, given the right code.

        Ten wrong codes end the tries of a home for a day; the code stays what it is, so that a stranger
        cannot take it away from who reads it. After a thousand from everywhere a new one is shown.

        Raises:
            SignInRefused: the code is missing or wrong, or too many wrong ones came from this home.
        """
        home = home_of(address)
        if self._wrong_of.get(home, 0) >= _WRONG_TRIES:
            raise SignInRefused("Too many wrong codes came from here.", fix="Start the server again.")
        if not self._code or not matches(code, self._code):
            self._count_wrong(code, home)
            raise SignInRefused(
                "That is not the code in the terminal." if code else "This server has no owner yet.",
                fix="Type the claim code that the server printed in its terminal.",
            )
        if not await self._accounts.claim(wallet):
            raise SignInRefused("Somebody else has just claimed this server.", fix="Ask them to add you.")
        self._code, self._done = "", True

    def _count_wrong(self, code: str, home: str) -> None:
        if not code:
            return
        self._wrong_of[home] = self._wrong_of.get(home, 0) + 1
        self._wrong += 1
        if self._wrong >= _ALL_WRONG_TRIES:
            self._renew()

    def _renew(self) -> None:
        self._wrong = 0
        self._code = new_code(8)
        self._show(self._code)
