"""Pages that are drawn once for as long as nothing they show changes.

What plugins add to a page follows from the database, from what they tell open pages, or from their own
memory. The first two are noticed at once; for the last, a page is drawn again after a short while.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from aiohttp import web
from cachetools import TTLCache

from wylloh_server.web.app_keys import DEVELOPING, PLUGINS, SERVICES
from wylloh_server.web.live_cursor import request_cursor
from wylloh_server.web.templating import html_response

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from wylloh_server.domain.access import Viewer

_PAGES = 256
_SECONDS = 2.0
"""How old a page may be that nothing is known to have changed for."""

_Key = tuple["Viewer", str]


class PageCache:
    """Pages by viewer and address, each with the state it was drawn from."""

    def __init__(self) -> None:
        self._pages: TTLCache[_Key, tuple[object, object, str]] = TTLCache(_PAGES, _SECONDS)
        self._turns: WeakValueDictionary[_Key, asyncio.Lock] = WeakValueDictionary()

    def clear(self) -> None:
        """Forget every page, and those that are being drawn."""
        self._pages.clear()
        self._turns.clear()

    async def get(self, key: _Key, state: object, shown: object, draw: Callable[[], Awaitable[str]]) -> str:
        """Return a page; drawn once for all who wait, unless it was drawn from the same state."""
        text = self._find(key, state, shown)
        if text is not None:
            return text
        async with self._turns.setdefault(key, asyncio.Lock()):
            text = self._find(key, state, shown)
            if text is None:
                text = await draw()
                self._pages[key] = (state, shown, text)
            return text

    def _find(self, key: _Key, state: object, shown: object) -> str | None:
        kept = self._pages.get(key)
        return kept[2] if kept is not None and kept[0] == state and kept[1] is shown else None


PAGE_CACHE: web.AppKey[PageCache] = web.AppKey("page_cache")


async def respond_cached(
    request: web.Request, viewer: Viewer, shown: object, draw: Callable[[], Awaitable[str]]
) -> web.Response:
    """Answer with a viewer's page, drawn unless it was drawn before and nothing has changed.

    Args:
        request: the request for the page; its address is what the page is kept under.
        viewer: who sees the page.
        shown: what the page shows: the same object until the database is written to.
        draw: draws the page.
    """
    if request.app.get(DEVELOPING, False):
        return html_response(await draw())
    state = _state_of(request, viewer)
    text = await request.app[PAGE_CACHE].get((viewer, request.path_qs), state, shown, draw)
    return html_response(text)


def _state_of(request: web.Request, viewer: Viewer) -> tuple[object, ...]:
    """Return what else a page depends on, as it was when the request came."""
    plugins = tuple((record.name, record.status) for record in request.app[PLUGINS].records())
    return request_cursor(request), request.app[SERVICES].tasks.busy(viewer), plugins
