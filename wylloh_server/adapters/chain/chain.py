"""The chain as the services see it: one registry on one chain, read through the pool."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wylloh_server.adapters.chain.discovery import FilmDiscovery
from wylloh_server.adapters.chain.holdings import read_holdings
from wylloh_server.adapters.chain.ladders import Ladders

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wylloh_server.adapters.chain.rpc import RpcPool
    from wylloh_server.domain.ports.chain import ChainStatus, Discovery, Holdings
    from wylloh_server.domain.rights import RightsLadder
    from wylloh_server.domain.types import BlockNumber, TokenReference, Wallet


class RegistryChain:
    """Implements the port `Chain` with web3 over an `RpcPool`."""

    def __init__(self, pool: RpcPool, contract: Wallet) -> None:
        """Set up; nothing is sent yet. The pool stays the caller's to close.

        Args:
            pool: RPCs of the registry's chain; made with the same contract, so that its code is checked.
            contract: address of the FilmRegistry.
        """
        self._pool = pool
        self._ladders = Ladders(pool)
        self._discovery = FilmDiscovery(pool, contract)

    async def status(self) -> ChainStatus:
        """See `RpcPool.status`."""
        return await self._pool.status()

    async def films(self, since: BlockNumber) -> Discovery:
        """See `FilmDiscovery.since`."""
        return await self._discovery.since(since)

    async def holdings(self, wallet: Wallet, tokens: Sequence[TokenReference]) -> Holdings:
        """See `holdings.read_holdings`."""
        return await read_holdings(self._pool, wallet, tokens)

    async def ladder(self, token: TokenReference) -> RightsLadder:
        """See `Ladders.of`."""
        return await self._ladders.of(token)
