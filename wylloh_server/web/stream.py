"""Everything a player fetches, below `/play/{token}/`: playlists, segments, keys, subtitles, posters.

The token in the path is asked about on every request; see `Playback.lease`. Answers come from memory.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from aiohttp import hdrs, web

from wylloh_server.domain.errors import NotFound
from wylloh_server.domain.types import PlayToken
from wylloh_server.web.keys import LIBRARY, PLAYBACK, POSTERS
from wylloh_server.web.session import address_of, presented_session

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from wylloh_server.domain.playback import Lease

_PLAYLIST = "application/vnd.apple.mpegurl"
_PRIVATE = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_POSTER = {**_PRIVATE, "Cache-Control": "private, max-age=3600"}

_LOOK_SECONDS = 0.5
_PIECE_BYTES = 512 << 10
_HUNG_UP = 499
"""What nginx logs for a client that went away before its answer; nobody receives it."""


async def master(request: web.Request) -> web.Response:
    """Answer with the master playlist."""
    text = await request.app[PLAYBACK].master(_lease(request))
    return web.Response(text=text, content_type=_PLAYLIST, headers=_PRIVATE)


async def playlist(request: web.Request) -> web.Response:
    """Answer with a track's playlist."""
    text = await request.app[PLAYBACK].playlist(_lease(request), request.match_info["track"])
    return web.Response(text=text, content_type=_PLAYLIST, headers=_PRIVATE)


async def segment(request: web.Request) -> web.StreamResponse:
    """Answer with a file of a track, once it has been made."""
    track, name = request.match_info["track"], request.match_info["name"]
    data = await _while_waited_for(request, request.app[PLAYBACK].segment(_lease(request), track, name))
    if data is None:
        return web.Response(status=_HUNG_UP)
    return await _poured(request, data, "audio/mp4" if track.startswith("a") else "video/mp4")


async def key(request: web.Request) -> web.Response:
    """Answer with the key of one period of a track."""
    period = int(request.match_info["period"])
    data = await request.app[PLAYBACK].key(_lease(request), request.match_info["track"], period)
    return web.Response(body=data, content_type="application/octet-stream", headers=_PRIVATE)


async def subtitles(request: web.Request) -> web.Response:
    """Answer with subtitles."""
    text = await request.app[PLAYBACK].subtitles(_lease(request), request.match_info["track"])
    return web.Response(text=text, content_type="text/vtt", headers=_PRIVATE)


async def poster(request: web.Request) -> web.Response:
    """Answer with a film's poster. Its token is one for posters, and no lease."""
    posters = request.app[POSTERS]
    film_id = await posters.film_of(request.match_info["token"], presented_session(request))
    data = await posters.jpeg(await request.app[LIBRARY].film(film_id))
    if data is None:
        raise NotFound("This film has no poster.")
    return web.Response(body=data, content_type="image/jpeg", headers=_POSTER)


async def _while_waited_for(request: web.Request, making: Coroutine[None, None, bytes]) -> bytes | None:
    """Give what is being made, or None when the player hangs up before it is there.

    A player that changes quality drops what it waited for. To wait on in its name would set the encoding it
    no longer wants against the one it wants now. (aiohttp can cancel handlers whose client is gone, but then
    it cancels all of them, even in the middle of a change.)
    """
    task = asyncio.ensure_future(making)
    try:
        while not task.done():
            if request.transport is None or request.transport.is_closing():
                return None
            await asyncio.wait([task], timeout=_LOOK_SECONDS)
        return await task
    finally:
        task.cancel()


async def _poured(request: web.Request, data: bytes, kind: str) -> web.StreamResponse:
    """Answer with many bytes, piece by piece.

    In one piece, the transport would copy all that the client does not take at once, for every client anew.
    """
    response = web.StreamResponse(headers=_PRIVATE)
    response.content_type, response.content_length = kind, len(data)
    await response.prepare(request)
    if request.method != hdrs.METH_HEAD:
        view = memoryview(data)
        for start in range(0, len(view), _PIECE_BYTES):
            await response.write(view[start : start + _PIECE_BYTES])
    return response


def _lease(request: web.Request) -> Lease:
    token = PlayToken(request.match_info["token"])
    return request.app[PLAYBACK].lease(token, presented_session(request), address_of(request))


routes = [
    web.get("/play/{token}/master.m3u8", master),
    web.get("/play/{token}/poster.jpg", poster),
    web.get("/play/{token}/{track}/playlist.m3u8", playlist),
    web.get("/play/{token}/{track}/subtitles.vtt", subtitles),
    web.get(r"/play/{token}/{track}/{period:\d{1,6}}.key", key),
    web.get(r"/play/{token}/{track}/{name:init\.mp4|\d{1,7}\.m4s}", segment),
]
