"""Transactions as one plugin proposes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wylloh_server.domain.errors import PluginError
from wylloh_server.domain.topics import may_tell

if TYPE_CHECKING:
    from wylloh_server.domain.access import Viewer
    from wylloh_server.domain.transaction import Proposal, TransactionId
    from wylloh_server.hooks.context import TransactionKeeper


class OwnTransactions:
    """One plugin's way to have a wallet asked. See `context.PluginTransactions`."""

    def __init__(self, plugin: str, desk: TransactionKeeper) -> None:
        self._plugin = plugin
        self._desk = desk

    async def propose(self, viewer: Viewer, proposal: Proposal) -> TransactionId:
        """Try the proposal's first call on the chain and keep it; send people to `/transactions/<id>`.

        Raises:
            InvalidValue: the contracts would refuse it, or it is no proposal.
            ChainError: the chain cannot be asked.
            PluginError: it names a live topic that belongs to somebody else.
        """
        for topic in proposal.topics:
            if not may_tell(self._plugin, topic):
                raise PluginError(
                    f"{self._plugin} may not tell of the topic {topic!r}.",
                    fix=f"Use plugin:{self._plugin}, plugin:{self._plugin}:<anything> or film:<id>.",
                )
        return await self._desk.propose(viewer, proposal, self._plugin)
