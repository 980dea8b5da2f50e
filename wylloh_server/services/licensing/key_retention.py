"""Deletes content keys that nobody here has a use for any more."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wylloh_server.domain.types import Seconds

if TYPE_CHECKING:
    from wylloh_server.domain.ports.clock import Clock
    from wylloh_server.domain.types import TokenReference
    from wylloh_server.services.licensing.film_keys import FilmKeys
    from wylloh_server.storage.accounts import AccountRepository
    from wylloh_server.storage.bindings import BindingRepository
    from wylloh_server.storage.envelopes import EnvelopeRepository
    from wylloh_server.storage.stacks import StackRepository

_log = logging.getLogger(__name__)

KEPT_AFTER_ENVELOPE = Seconds(30 * 86_400)
"""How long a key is kept after the last envelope for its film ran out."""


@dataclass(kw_only=True, eq=False)
class KeyRetention:
    """Deletes received keys 30 days after the last envelope ran out, if no wallet here holds the film.

    While one holds it, its key stays: a custodian that is gone for good must not end anybody's watching. Keys
    that this server keeps as custodian are never deleted.
    """

    film_keys: FilmKeys
    envelopes: EnvelopeRepository
    bindings: BindingRepository
    accounts: AccountRepository
    stacks: StackRepository
    clock: Clock

    async def delete_expired(self) -> None:
        """Go once through the received keys. Nothing is deleted before the chain has been read once."""
        keys = await self.film_keys.received()
        if not keys or not await self.stacks.is_known():
            return
        ends, held = await self.envelopes.ends(), await self._held()
        for key in keys:
            # Where no envelope is known, it is not known either that the last one ran out.
            end = ends.get(key.token)
            if end is None or key.token in held or end + KEPT_AFTER_ENVELOPE > self.clock():
                continue
            await self.film_keys.delete(key)
            await self.envelopes.remove(key.token)
            _log.info("deleted the key of %s: its last licence ran out, and nobody here holds it", key.token)

    async def _held(self) -> frozenset[TokenReference]:
        wallets = {account.wallet for account in await self.accounts.all()}
        wallets |= {binding.wallet for binding in await self.bindings.all()}
        return frozenset().union(*(await self.stacks.held(wallets)).values())
