"""All that players fetch, below `/play/{token}/`: playlists, segments, keys, subtitles, pictures, trailers.

The token in the path is asked about on every request; see `PlaybackService.lease`. Answers come from memory,
but for trailers.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from aiohttp import hdrs, web

from wylloh_server.domain.errors import NotFound
from wylloh_server.domain.film import FileRole
from wylloh_server.services.library.film_sources import opened
from wylloh_server.web.app_keys import SERVICES
from wylloh_server.web.byte_ranges import send_file
from wylloh_server.web.rate_limits import TRAILER_BUDGET, limited
from wylloh_server.web.session import presented_lease, presented_session

if TYPE_CHECKING:
    from collections.abc import Coroutine

_PLAYLIST = "application/vnd.apple.mpegurl"
_PRIVATE = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_PICTURE = {**_PRIVATE, "Cache-Control": "private, max-age=3600"}

_LOOK_SECONDS = 0.5
_PIECE_BYTES = 512 << 10
_HUNG_UP = 499
"""What nginx logs for a client that went away before its answer; nobody receives it."""


async def master(request: web.Request) -> web.Response:
    """Answer with the master playlist."""
    text = await request.app[SERVICES].playback.master(presented_lease(request))
    return web.Response(text=text, content_type=_PLAYLIST, headers=_PRIVATE)


async def playlist(request: web.Request) -> web.Response:
    """Answer with a track's playlist."""
    text = await request.app[SERVICES].playback.playlist(
        presented_lease(request), request.match_info["track"]
    )
    return web.Response(text=text, content_type=_PLAYLIST, headers=_PRIVATE)


async def segment(request: web.Request) -> web.StreamResponse:
    """Answer with a file of a track, once it has been made."""
    track, name = request.match_info["track"], request.match_info["name"]
    data = await _while_waited_for(
        request, request.app[SERVICES].playback.segment(presented_lease(request), track, name)
    )
    if data is None:
        return web.Response(status=_HUNG_UP)
    return await _poured(request, data, "audio/mp4" if track.startswith("a") else "video/mp4")


async def key(request: web.Request) -> web.Response:
    """Answer with the key of one period of a track."""
    period = int(request.match_info["period"])
    data = await request.app[SERVICES].playback.key(
        presented_lease(request), request.match_info["track"], period
    )
    return web.Response(body=data, content_type="application/octet-stream", headers=_PRIVATE)


async def subtitles(request: web.Request) -> web.Response:
    """Answer with subtitles."""
    text = await request.app[SERVICES].playback.subtitles(
        presented_lease(request), request.match_info["track"]
    )
    return web.Response(text=text, content_type="text/vtt", headers=_PRIVATE)


async def picture(request: web.Request) -> web.Response:
    """Answer with a film's poster or backdrop. Its token is one for pictures, and no lease."""
    posters = request.app[SERVICES].posters
    film_id = await posters.film_of(request.match_info["token"], presented_session(request))
    film = await request.app[SERVICES].library.film(film_id)
    data = await posters.jpeg(film, FileRole(request.match_info["role"]))
    if data is None:
        raise NotFound("This film has no picture.")
    return web.Response(body=data, content_type="image/jpeg", headers=_PICTURE)


@limited(TRAILER_BUDGET)
async def trailer(request: web.Request) -> web.StreamResponse:
    """Answer with the trailer in a film's package, or a part of it. Its token is that of the film's pictures.

    It needs no lease: whoever may see that there is such a film may see its trailer.
    """
    services = request.app[SERVICES]
    film_id = await services.posters.film_of(request.match_info["token"], presented_session(request))
    film = await services.library.film(film_id)
    async with opened(services.trailers.open(film)) as source:
        return await send_file(request, source, "video/mp4", _PICTURE)


async def _while_waited_for(request: web.Request, making: Coroutine[None, None, bytes]) -> bytes | None:
    """Return what is being made, or None when the player hangs up before it is there.

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


routes = [
    web.get("/play/{token}/master.m3u8", master),
    web.get("/play/{token}/{role:poster|backdrop}.jpg", picture),
    web.get("/play/{token}/trailer.mp4", trailer),
    web.get("/play/{token}/{track}/playlist.m3u8", playlist),
    web.get("/play/{token}/{track}/subtitles.vtt", subtitles),
    web.get(r"/play/{token}/{track}/{period:\d{1,6}}.key", key),
    web.get(r"/play/{token}/{track}/{name:init\.mp4|\d{1,7}\.m4s}", segment),
]
