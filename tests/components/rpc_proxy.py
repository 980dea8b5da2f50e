"""A JSON-RPC proxy in front of a real node that counts, refuses, stalls or breaks, as providers do."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer

Before = Callable[[str], Awaitable[None]]
"""Runs before a request of this method is passed on."""

Refusal = Callable[[str, list[Any]], str | None]
"""Gives the words of a refusal for a method and its parameters, or None to let the request pass."""


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
    batches: bool = True
    """Whether it takes many questions in one request, as most nodes do."""
    requests: int = 0
    instead: dict[str, Any] = field(default_factory=dict)
    """Results given instead of the node's, by method."""
    answers: dict[str, Callable[[dict[str, Any]], Any]] = field(default_factory=dict)
    """Whole answers to a question, by method."""
    changed: dict[str, Callable[[Any], Any]] = field(default_factory=dict)
    """Makes another result of the node's, by method."""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request."""
        asked = await request.json()
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
        return web.json_response([await self._answer(question) for question in asked])

    async def _answer(self, question: dict[str, Any]) -> Any:
        if question["method"] in self.answers:
            return self.answers[question["method"]](question)
        if question["method"] in self.instead:
            result = self.instead[question["method"]]
            return {"jsonrpc": "2.0", "id": question["id"], "result": result}
        words = self.refusal(question["method"], question["params"])
        if words is not None:
            return _refused(question["id"], words)
        async with ClientSession() as session, session.post(self.upstream, json=question) as reply:
            answer = await reply.json()
        if question["method"] in self.changed and "result" in answer:
            answer["result"] = self.changed[question["method"]](answer["result"])
        return answer


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
