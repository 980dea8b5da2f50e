"""The live channel: server-sent events that tell open pages which of their parts to draw anew.

The format is that of the HTML standard: https://html.spec.whatwg.org/multipage/server-sent-events.html. Each
message is `{topics, notices, everything, open}`; its id is a mark, with which a browser that lost the
connection asks on from where it was.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING

from aiohttp import web

from wylloh_server.domain.types import Seconds
from wylloh_server.web.app_keys import LIVE, SERVICES
from wylloh_server.web.error_responses import BadRequest
from wylloh_server.web.open_places import OpenPlaces
from wylloh_server.web.rate_limits import SITE_TIMES, payer_of
from wylloh_server.web.session import viewer_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wylloh_server.domain.access import Viewer
    from wylloh_server.services.operations.live_updates import Listener, Update
    from wylloh_server.web.open_places import Names

MOST_EACH = 12
"""Streams of one session, or of one home where nobody is signed in. Tabs of one browser share a stream."""
MOST_OF_ACCOUNT = 60
"""Streams of one wallet on all its devices."""
MOST_OF_STRANGERS = 1_000
"""Streams of all strangers from outside: half of `_MOST`, so that the rest is kept for others."""
_MOST = 2_000
_MOST_OF = {
    "everybody": _MOST,
    "session": MOST_EACH,
    "account": MOST_OF_ACCOUNT,
    "home": MOST_EACH,
    "site": MOST_EACH * SITE_TIMES,
    "all": MOST_OF_STRANGERS,
}
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
        self._open: dict[object, tuple[web.Request, Names]] = {}
        self._places = OpenPlaces(_MOST_OF)

    @contextmanager
    def opened(self, request: web.Request, viewer: Viewer | None) -> Iterator[None]:
        """Count a stream until the context ends.

        Raises:
            BadRequest: there are too many; 429.
        """
        sessions = (("session", viewer.session),) if viewer else ()
        names = (("everybody", ""), *sessions, *payer_of(request).names())
        self._take_places(names)
        key = object()
        self._open[key] = request, names
        try:
            yield
        finally:
            self._forget(key)

    def _take_places(self, names: Names) -> None:
        if self._places.take(names) is None:
            return
        # A browser that left is only noticed at the next write; until then it must not count.
        for key in [key for key, (request, _) in self._open.items() if request.transport is None]:
            self._forget(key)
        if self._places.take(names):
            raise BadRequest(
                429,
                "Too many pages of this server are open.",
                fix="Close some; this one shows what is new when it is loaded again.",
                headers={"Retry-After": "60"},
            )

    def _forget(self, key: object) -> None:
        _, names = self._open.pop(key, (None, ()))
        self._places.give_back(names)


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
    """End every stream when the server stops; it would otherwise wait for them."""
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
    """Return whether the session still exists. Looking does not count as using it."""
    if viewer is None:
        return True
    return await request.app[SERVICES].sign_in.sessions.current(viewer) is not None


def _message(news: Update) -> bytes:
    body = {
        "topics": sorted(news.topics),
        "notices": [asdict(notice) for notice in news.notices],
        "everything": news.everything,
        "open": news.open,
    }
    return f"id: {news.mark}\ndata: {json.dumps(body)}\n\n".encode()


routes = [web.get("/api/live", live, allow_head=False)]
