"""The first run: who owns this server. Proven by a code from the terminal, never by coming first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wylloh_server.domain.errors import SignInRefused
from wylloh_server.services.codes import matches, new_code

if TYPE_CHECKING:
    from collections.abc import Callable

    from wylloh_server.domain.ports.storage import Accounts
    from wylloh_server.domain.types import Wallet

_WRONG_TRIES = 10


class Claim:
    """Keeps the code while nobody owns the server. `show` prints it in the terminal."""

    def __init__(self, accounts: Accounts, show: Callable[[str], None]) -> None:
        self._accounts = accounts
        self._show = show
        self._code = ""
        self._wrong = 0
        self._done = False

    async def begin(self) -> None:
        """Show a code if there is no owner yet."""
        if not await self.done():
            self._renew()

    async def done(self) -> bool:
        """Say whether there is an owner."""
        if not self._done:
            self._done = await self._accounts.owned()
        return self._done

    async def take(self, wallet: Wallet, code: str) -> None:
        """Make the wallet owner, given the right code.

        Raises:
            SignInRefused: the code is missing or wrong. After ten wrong ones a new one is shown.
        """
        if not self._code or not matches(code, self._code):
            self._count_wrong(code)
            raise SignInRefused(
                "That is not the code in the terminal." if code else "This server has no owner yet.",
                fix="Type the claim code that the server printed in its terminal.",
            )
        if not await self._accounts.claim(wallet):
            raise SignInRefused("Somebody else has just claimed this server.", fix="Ask them to add you.")
        self._code, self._done = "", True

    def _count_wrong(self, code: str) -> None:
        self._wrong += bool(code)
        if self._wrong >= _WRONG_TRIES:
            self._renew()

    def _renew(self) -> None:
        self._wrong = 0
        self._code = new_code(8)
        self._show(self._code)
