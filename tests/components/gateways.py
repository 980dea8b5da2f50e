"""Gateways that a test exchanges while the server runs."""

from __future__ import annotations

from wylloh_server.adapters.ipfs import GatewayPool


class ChangingGateways(GatewayPool):
    """A pool that forgets its gateways for others."""

    def __init__(self, client, deadlines) -> None:
        super().__init__(client, (), deadlines)
        self._made_with = client, deadlines

    def use(self, urls) -> None:
        client, deadlines = self._made_with
        self.gateways = GatewayPool(client, urls, deadlines).gateways
