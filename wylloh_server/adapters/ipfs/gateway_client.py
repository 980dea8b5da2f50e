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
    from collections.abc import AsyncGenerator, AsyncIterator, Mapping

    from wylloh_server.domain.ports.http import HttpClient, HttpReply

_OK = 200
_NOT_HERE = {404, 410}
_BUSY = {429, 503}
_LACKING_FOR = 60.0
_FAILED_FOR = 15.0
_LIED_FOR = 600.0
_LONGEST = 600.0


@dataclass(frozen=True, slots=True)
class GatewayDeadlines:
    """How long a gateway may take: to connect, to begin, between two pieces, for a whole block.

    Attributes:
        rated: how long an answer has been waited for when its pace counts.
        least_rate: bytes a second that an answer must bring from then on, where others could be asked.
    """

    connect: Seconds = Seconds(5)
    begin: Seconds = Seconds(15)
    pause: Seconds = Seconds(10)
    block: Seconds = Seconds(180)
    rated: Seconds = Seconds(8)
    least_rate: int = 16 << 10


class GatewayFailed(Exception):
    """A gateway did not give what it was asked for; the text says why. It never leaves this folder."""


class GatewaySlow(GatewayFailed):
    """A gateway was giving what it was asked for, too slowly to wait for while others may have it."""


class _TooSlow(Exception):
    """An answer comes with less than the least rate."""


class _AskedToWait(OSError):
    """A gateway is busy and says for how long (`Retry-After`, in seconds)."""

    def __init__(self, status: int, seconds: float) -> None:
        super().__init__(f"it answered {status}")
        self.seconds = seconds


class GatewayClient:
    """A gateway by its base URL, with its record. `avoid_until` is a moment on the monotonic clock."""

    def __init__(self, url: str, client: HttpClient, deadlines: GatewayDeadlines) -> None:
        self.url = url
        self.avoid_until = 0.0
        self.reason = ""
        self._strikes = 0
        self._client = client
        self._deadlines = deadlines

    async def block(self, cid: ContentId, *, patient: bool = True) -> IpfsBlock:
        """Fetch one block and check it.

        Args:
            cid: the block.
            patient: whether it may come slowly, within the other deadlines.

        Raises:
            GatewayFailed: it could not be had from here.
            GatewaySlow: it could, slowly.
        """
        try:
            async with asyncio.timeout(self._deadlines.block):
                data = await self._body(cid, patient=patient)
            block = await asyncio.to_thread(IpfsBlock.checked, cid, data)
        except (OSError, BlockCorrupt, _TooSlow) as error:
            raise self._blamed(error) from error
        self._strikes, self.reason, self.avoid_until = 0, "", 0.0
        return block

    async def car(self, root: ContentId, *, patient: bool = True) -> AsyncGenerator[IpfsBlock, None]:
        """Fetch a whole package as one stream; each block is checked. Its end does not mean it was complete.

        Args:
            root: the package.
            patient: whether it may come slowly, within the other deadlines.

        Raises:
            GatewayFailed: the stream could not be had, broke off, came too slowly or held what it should not.
        """
        query, accept = "format=car&dag-scope=all", "application/vnd.ipld.car; version=1; order=dfs; dups=n"
        try:
            async with AsyncExitStack() as stack:
                reply = await self._reply(stack, root, query, accept)
                blocks = read_car(self._paced(reply, patient=patient), root)
                async with aclosing(blocks):
                    while (block := await self._next(blocks)) is not None:
                        yield block
        except (OSError, BlockCorrupt, _TooSlow) as error:
            raise self._blamed(error) from error

    def lied(self, what: str) -> GatewayFailed:
        """Record that the gateway gave what nobody asked for."""
        return self._blamed(BlockCorrupt(what))

    async def _next(self, blocks: AsyncIterator[IpfsBlock]) -> IpfsBlock | None:
        async with asyncio.timeout(self._deadlines.block):
            return await anext(blocks, None)

    async def _body(self, cid: ContentId, *, patient: bool) -> bytes:
        parts, length = [], 0
        async with AsyncExitStack() as stack:
            reply = await self._reply(stack, cid, "format=raw", "application/vnd.ipld.raw")
            async for chunk in self._paced(reply, patient=patient):
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
        if reply.status in _BUSY:
            raise _AskedToWait(reply.status, _seconds_named(reply.headers))
        if reply.status != _OK:
            raise OSError(f"it answered {reply.status}")
        return reply

    async def _paced(self, reply: HttpReply, *, patient: bool) -> AsyncIterator[bytes]:
        """Return the pieces of an answer; give up on a long silence, and if not `patient` on a slow answer.

        Only the time in which the gateway is waited for counts, not what is done with the pieces.
        """
        chunks, waited, came = reply.chunks, 0.0, 0
        while True:
            since = time.monotonic()
            async with asyncio.timeout(self._deadlines.pause):
                chunk = await anext(chunks, None)
            if chunk is None:
                return
            waited, came = waited + time.monotonic() - since, came + len(chunk)
            if not patient and waited > self._deadlines.rated and came < waited * self._deadlines.least_rate:
                raise _TooSlow(f"it sends fewer than {self._deadlines.least_rate:,} bytes a second")
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
            if isinstance(error, _AskedToWait):
                pause = min(max(pause, error.seconds), _LONGEST)
            self.reason = "it fell silent" if isinstance(error, TimeoutError) else str(error)
        self.avoid_until = time.monotonic() + pause
        return (GatewaySlow if isinstance(error, _TooSlow) else GatewayFailed)(self.reason)


def _seconds_named(headers: Mapping[str, str]) -> float:
    """Return the seconds of `Retry-After`; 0 without one, or if it is a date (RFC 9110, 10.2.3)."""
    named = headers.get("Retry-After", "").strip()
    return float(named) if named.isascii() and named.isdecimal() else 0.0
