"""A JSON-RPC proxy in front of a real node that counts, refuses, stalls or breaks, as providers do."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import ClientSession, TCPConnector, web
from aiohttp.test_utils import TestServer

Before = Callable[[str], Awaitable[None]]
"""Runs before a request of this method is passed on."""

Refusal = Callable[[str, list[Any]], str | None]
"""Gives the words of a refusal for a method and its parameters, or None to let the request pass."""


def _session() -> ClientSession:
    """Make a session that keeps no connection: the node may go and come back meanwhile."""
    return ClientSession(connector=TCPConnector(force_close=True))


@dataclass
class RpcProxy:
    """Change the fields while it runs."""

    upstream: str
    url: str = ""
    calls: Counter[str] = field(default_factory=Counter)
    before: Before | None = None
    refusal: Refusal = lambda method, params: None
    http_status: int = 200
    body: bytes | None = None
    stalled: bool = False
    delay: float = 0.0
    """Seconds that each request takes longer, however many questions are in it, as over a long line."""
    batches: bool = True
    """Whether it takes many questions in one request, as most nodes do."""
    requests: int = 0
    instead: dict[str, Any] = field(default_factory=dict)
    """Results given instead of the node's, by method."""
    answers: dict[str, Callable[[dict[str, Any]], Any]] = field(default_factory=dict)
    """Whole answers to a question, by method; None for the node's own."""
    changed: dict[str, Callable[[Any], Any]] = field(default_factory=dict)
    """Makes another result of the node's, by method."""
    pinned: int | None = None
    """The last block it knows: it stopped following the chain there."""
    session: ClientSession = field(default_factory=_session)
    """Asks the node; made inside the running event loop."""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request."""
        asked = await request.json()
        await asyncio.sleep(self.delay)
        self.requests += 1
        for question in asked if isinstance(asked, list) else [asked]:
            self.calls[question["method"]] += 1
            if self.before is not None:
                await self.before(question["method"])
        if self.stalled:
            await asyncio.Event().wait()
        if self.http_status != 200 or self.body is not None:
            return web.Response(status=self.http_status, body=self.body)
        if not isinstance(asked, list):
            return web.json_response(await self._answer(asked))
        if not self.batches:
            return web.json_response(_refused(None, "one question at a time"))
        return web.json_response(await asyncio.gather(*map(self._answer, asked)))

    async def _answer(self, question: dict[str, Any]) -> Any:
        own = self.answers.get(question["method"], lambda _: None)(question)
        if own is not None:
            return own
        if question["method"] in self.instead:
            result = self.instead[question["method"]]
            return {"jsonrpc": "2.0", "id": question["id"], "result": result}
        words = self.refusal(question["method"], question["params"])
        if words is not None:
            return _refused(question["id"], words)
        if self.pinned is not None:
            question = {**question, "params": [await self._as_of_pin(one) for one in question["params"]]}
            if question["method"] == "eth_blockNumber":
                return {"jsonrpc": "2.0", "id": question["id"], "result": hex(self.pinned)}
            if None in question["params"]:
                return _refused(question["id"], "header not found")
        answer = await self._upstream(question)
        if question["method"] in self.changed and "result" in answer:
            answer["result"] = self.changed[question["method"]](answer["result"])
        return answer

    async def _upstream(self, question: dict[str, Any]) -> Any:
        async with self.session.post(self.upstream, json=question) as reply:
            return await reply.json()

    async def _as_of_pin(self, parameter: Any) -> Any:
        """Give what stands for a block as the pinned node knows it; None for a later one."""
        if parameter in ("latest", "pending"):
            return hex(self.pinned)
        if isinstance(parameter, dict) and "blockHash" in parameter:
            question = {"jsonrpc": "2.0", "id": 0, "method": "eth_getBlockByHash"}
            found = await self._upstream({**question, "params": [parameter["blockHash"], False]})
            return parameter if int(found["result"]["number"], 16) <= self.pinned else None
        if isinstance(parameter, str) and len(parameter) < 20 and parameter.startswith("0x"):
            return parameter if int(parameter, 16) <= self.pinned else None
        return parameter


def _refused(id_: Any, words: str) -> Any:
    return {"jsonrpc": "2.0", "id": id_, "error": {"code": -32005, "message": words}}


@asynccontextmanager
async def rpc_proxy(upstream: str) -> AsyncIterator[RpcProxy]:
    """Run a proxy until the block ends."""
    proxy = RpcProxy(upstream)
    app = web.Application()
    app.router.add_post("/{path:.*}", proxy.handle)
    server = TestServer(app)
    await server.start_server(shutdown_timeout=0.1)
    proxy.url = str(server.make_url("/v3/secret-api-key"))
    try:
        yield proxy
    finally:
        await server.close()
        await proxy.session.close()
