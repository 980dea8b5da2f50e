"""One trustless gateway: asks it for a block or a CAR, and remembers how it behaved.

Source: https://specs.ipfs.tech/http-gateways/trustless-gateway/.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wylloh_server.adapters.ipfs.car import read_car
from wylloh_server.adapters.ipfs.cid import MAX_BLOCK_BYTES, ContentId, IpfsBlock
from wylloh_server.domain.errors import BlockCorrupt
from wylloh_server.domain.types import Seconds

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

    from wylloh_server.domain.ports.http import HttpClient, HttpReply

_OK = 200
_NOT_HERE = {404, 410}
_LACKING_FOR = 60.0
_FAILED_FOR = 15.0
_LIED_FOR = 600.0
_LONGEST = 600.0


@dataclass(frozen=True, slots=True)
class GatewayDeadlines:
    """How long a gateway may take: to connect, to begin, between two pieces, for a whole block."""

    connect: Seconds = Seconds(5)
    begin: Seconds = Seconds(15)
    pause: Seconds = Seconds(10)
    block: Seconds = Seconds(180)


class GatewayFailed(Exception):
    """A gateway did not give what it was asked for; the text says why. It never leaves this folder."""


class GatewayClient:
    """A gateway by its base URL, with its record. `avoid_until` is a moment on the monotonic clock."""

    def __init__(self, url: str, client: HttpClient, deadlines: GatewayDeadlines) -> None:
        self.url = url
        self.avoid_until = 0.0
        self.reason = ""
        self._strikes = 0
        self._client = client
        self._deadlines = deadlines

    async def block(self, cid: ContentId) -> IpfsBlock:
        """Fetch one block and check it.

        Raises:
            GatewayFailed: it could not be had from here.
        """
        try:
            async with asyncio.timeout(self._deadlines.block):
                data = await self._body(cid)
            block = await asyncio.to_thread(IpfsBlock.checked, cid, data)
        except (OSError, BlockCorrupt) as error:
            raise self._blamed(error) from error
        self._strikes, self.reason, self.avoid_until = 0, "", 0.0
        return block

    async def car(self, root: ContentId) -> AsyncGenerator[IpfsBlock, None]:
        """Fetch a whole package as one stream; each block is checked. Its end does not mean it was complete.

        Raises:
            GatewayFailed: the stream could not be had, broke off, or held what it should not.
        """
        query, accept = "format=car&dag-scope=all", "application/vnd.ipld.car; version=1; order=dfs; dups=n"
        try:
            async with AsyncExitStack() as stack:
                reply = await self._reply(stack, root, query, accept)
                blocks = read_car(self._paced(reply), root)
                async with aclosing(blocks):
                    while (block := await self._next(blocks)) is not None:
                        yield block
        except (OSError, BlockCorrupt) as error:
            raise self._blamed(error) from error

    def lied(self, what: str) -> GatewayFailed:
        """Record that the gateway gave what nobody asked for."""
        return self._blamed(BlockCorrupt(what))

    async def _next(self, blocks: AsyncIterator[IpfsBlock]) -> IpfsBlock | None:
        async with asyncio.timeout(self._deadlines.block):
            return await anext(blocks, None)

    async def _body(self, cid: ContentId) -> bytes:
        parts, length = [], 0
        async with AsyncExitStack() as stack:
            reply = await self._reply(stack, cid, "format=raw", "application/vnd.ipld.raw")
            async for chunk in self._paced(reply):
                parts.append(chunk)
                length += len(chunk)
                if length > MAX_BLOCK_BYTES:
                    raise BlockCorrupt("it sent more than any block may have")
        return b"".join(parts)

    async def _reply(self, stack: AsyncExitStack, cid: ContentId, query: str, accept: str) -> HttpReply:
        url = f"{self.url}/ipfs/{cid.text}?{query}"
        asked = self._client.get(url, headers={"Accept": accept}, connect=self._deadlines.connect)
        async with asyncio.timeout(self._deadlines.begin):
            reply = await stack.enter_async_context(asked)
        if reply.status in _NOT_HERE:
            raise FileNotFoundError("it does not have it")
        if reply.status != _OK:
            raise OSError(f"it answered {reply.status}")
        return reply

    async def _paced(self, reply: HttpReply) -> AsyncIterator[bytes]:
        """Return the pieces of an answer, and give up on a long silence."""
        chunks = reply.chunks
        while True:
            async with asyncio.timeout(self._deadlines.pause):
                chunk = await anext(chunks, None)
            if chunk is None:
                return
            yield chunk

    def _blamed(self, error: Exception) -> GatewayFailed:
        """Put the gateway behind the others for a while: longer for lies and for failing again and again."""
        self._strikes += 1
        if isinstance(error, FileNotFoundError):
            pause, self.reason = _LACKING_FOR, str(error)
        elif isinstance(error, BlockCorrupt):
            pause, self.reason = _LIED_FOR, f"it sent wrong bytes: {error}"
        else:
            pause = min(_FAILED_FOR * 2 ** min(self._strikes - 1, 10), _LONGEST)
            self.reason = "it fell silent" if isinstance(error, TimeoutError) else str(error)
        self.avoid_until = time.monotonic() + pause
        return GatewayFailed(self.reason)
