"""The live channel: server-sent events that tell open pages which of their parts to draw anew.

The format is that of the HTML standard: https://html.spec.whatwg.org/multipage/server-sent-events.html. Each
message is `{topics, notices, everything}`; its id is a mark, with which a browser that lost the connection
asks on from where it was.
"""

from __future__ import annotations

import json
from collections import Counter
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING

from aiohttp import web

from wylloh_server.domain.types import Seconds
from wylloh_server.web.keys import LIVE, PAIRING
from wylloh_server.web.problems import BadRequest
from wylloh_server.web.session import address_of, viewer_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wylloh_server.domain.access import Viewer
    from wylloh_server.services.live import Listener, News

MOST_EACH = 12
"""Streams of one session, or of one address where nobody is signed in. Tabs of one browser share a stream."""

_MOST = 2_000
_AGAIN_MS = 2_000
_BEAT_SECONDS = Seconds(20)
_HEADERS = {
    "Content-Type": "text/event-stream",
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",  # nginx would otherwise wait for more
}


class Streams:
    """The streams that are open now."""

    def __init__(self) -> None:
        self._open: list[tuple[web.Request, str]] = []

    @contextmanager
    def opened(self, request: web.Request, viewer: Viewer | None) -> Iterator[None]:
        """Count a stream until the context ends.

        Raises:
            BadRequest: there are too many; 429.
        """
        owner = viewer.session if viewer else address_of(request)
        self._forget_the_gone()
        if len(self._open) >= _MOST or Counter(one for _, one in self._open)[owner] >= MOST_EACH:
            raise BadRequest(
                429,
                "Too many pages of this server are open.",
                fix="Close some; this one shows what is new when it is loaded again.",
                headers={"Retry-After": "60"},
            )
        entry = (request, owner)
        self._open.append(entry)
        try:
            yield
        finally:
            self._open = [other for other in self._open if other is not entry]

    def _forget_the_gone(self) -> None:
        """A browser that left is only noticed at the next write; until then it must not count."""
        self._open = [entry for entry in self._open if entry[0].transport is not None]


STREAMS: web.AppKey[Streams] = web.AppKey("live_streams")


async def live(request: web.Request) -> web.StreamResponse:
    """→ the stream of news after the mark `?since=` (of the page's drawing) or `Last-Event-ID`."""
    viewer = viewer_of(request)
    since = request.headers.get("Last-Event-ID") or request.query.get("since", "")
    wallet, device = (viewer.wallet, viewer.device) if viewer else (None, None)
    with (
        request.app[STREAMS].opened(request, viewer),
        request.app[LIVE].listening(wallet, device, since) as listener,
    ):
        response = web.StreamResponse(headers=_HEADERS)
        await response.prepare(request)
        await response.write(f"retry: {_AGAIN_MS}\n\n".encode())
        await _tell(request, response, listener, viewer)
    return response


async def close_streams(app: web.Application) -> None:
    """Let every stream end when the server stops; it would otherwise wait for them."""
    app[LIVE].close()


async def _tell(
    request: web.Request, response: web.StreamResponse, listener: Listener, viewer: Viewer | None
) -> None:
    while not listener.ended:
        news = await listener.next(_BEAT_SECONDS)
        if news is not None:
            await response.write(_message(news))
        elif listener.ended or not await _still_there(request, viewer):
            return
        else:
            await response.write(b"event: beat\ndata: -\n\n")


async def _still_there(request: web.Request, viewer: Viewer | None) -> bool:
    """Say whether the session still exists. Looking does not count as using it."""
    if viewer is None:
        return True
    sessions = await request.app[PAIRING].devices(viewer)
    return any(session.id == viewer.session for session in sessions)


def _message(news: News) -> bytes:
    body = {
        "topics": sorted(news.topics),
        "notices": [asdict(notice) for notice in news.notices],
        "everything": news.everything,
    }
    return f"id: {news.mark}\ndata: {json.dumps(body)}\n\n".encode()


routes = [web.get("/api/live", live, allow_head=False)]
