"""The pool of trustless gateways that blocks are fetched from.

The gateways are asked in the order of the settings. One that lies, breaks off, stalls, drips or fails is left
for the next and stays behind the others for a while. Slow ones are asked again, and waited for, when no other
gives a block; only then is it unavailable. Who waits for a slow one takes nobody else's place.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from contextlib import aclosing
from typing import TYPE_CHECKING

from wylloh_server.adapters.ipfs.gateway_client import (
    GatewayClient,
    GatewayDeadlines,
    GatewayFailed,
    GatewaySlow,
)
from wylloh_server.domain.errors import BlockUnavailable

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterable

    from wylloh_server.adapters.ipfs.cid import ContentId, IpfsBlock
    from wylloh_server.domain.ports.http import HttpClient

SIDE_BY_SIDE = 8
"""How many blocks are fetched at once."""


class GatewayPool:
    """Fetches blocks from whichever gateway gives them.

    Args:
        client: makes the requests.
        urls: base URLs, the preferred one first, such as `https://ipfs.example`.
        deadlines: how long a gateway may take.
    """

    def __init__(
        self, client: HttpClient, urls: Iterable[str], deadlines: GatewayDeadlines | None = None
    ) -> None:
        deadlines = deadlines or GatewayDeadlines()
        different = dict.fromkeys(url.rstrip("/") for url in urls)
        self.gateways = [GatewayClient(url, client, deadlines) for url in different]
        self._places = {patient: asyncio.Semaphore(SIDE_BY_SIDE) for patient in (False, True)}

    async def block(self, cid: ContentId) -> IpfsBlock:
        """Fetch a block from the first gateway that gives it.

        Raises:
            BlockUnavailable: none did; the message names each with its reason.
        """
        reasons: dict[str, str] = {}
        waiting = deque((gateway, False) for gateway in self._in_order())
        while waiting:
            gateway, slow = waiting.popleft()
            patient = slow or not waiting
            try:
                async with self._places[patient]:
                    return await gateway.block(cid, patient=patient)
            except GatewaySlow:
                waiting.append((gateway, True))
            except GatewayFailed as failure:
                reasons[gateway.url] = str(failure)
        said = "; ".join(f"{url}: {reason}" for url, reason in reasons.items())
        raise BlockUnavailable(
            f"No gateway gave block {cid.text}. " + (said or "None is configured."),
            fix="Check the network, or add a gateway under ipfs.gateways. What was fetched stays.",
        )

    async def car(
        self, root: ContentId, wanted: Callable[[ContentId], bool]
    ) -> AsyncGenerator[IpfsBlock, None]:
        """Stream as much of a package as one gateway sends: the first that has anything of it.

        It ends without an error when that gateway fails: what is missing then is fetched block by block.

        Args:
            root: the package.
            wanted: says whether a block belongs to the package; a stream with others is a lie.
        """
        order = self._in_order()
        for gateway in order:
            begun = False
            try:
                async with aclosing(gateway.car(root, patient=gateway is order[-1])) as blocks:
                    async for block in blocks:
                        if not wanted(block.cid):
                            raise gateway.lied("a block that does not belong to the package")
                        begun = True
                        yield block
            except GatewayFailed:
                pass
            if begun:
                return

    def _in_order(self) -> list[GatewayClient]:
        now = time.monotonic()
        # Sorting keeps the configured order among those with nothing against them.
        return sorted(self.gateways, key=lambda gateway: max(0.0, gateway.avoid_until - now))
