"""Asking to play a film, and remembering how far it was watched."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from wylloh_server.domain.errors import PlaybackRefused
from wylloh_server.domain.types import FilmId, Seconds
from wylloh_server.web.bodies import number, object_of
from wylloh_server.web.keys import LIBRARY, PLAYBACK, POSITIONS, SETTINGS
from wylloh_server.web.limits import PLAY_BUDGET, limited
from wylloh_server.web.session import address_of, require_viewer

if TYPE_CHECKING:
    from wylloh_server.domain.access import Receipt, Viewer


@limited(PLAY_BUDGET)
async def play(request: web.Request) -> web.Response:
    """→ `{url, title, lease_seconds, position, token}`, or 403 with the receipt and `where` tokens are."""
    viewer = require_viewer(request)
    film = await request.app[LIBRARY].film(FilmId(request.match_info["film"]))
    position = await _position(request, viewer, film.id)
    try:
        lease = await request.app[PLAYBACK].start(viewer, film.id, address_of(request), position)
    except PlaybackRefused as refused:
        return web.json_response(_refusal(request, refused), status=403)
    return web.json_response(
        {
            "url": f"/play/{lease.token}/master.m3u8",
            "title": film.title,
            "lease_seconds": request.app[SETTINGS].playback.lease_seconds,
            "position": position,
            "token": lease.token,
        }
    )


async def remember_position(request: web.Request) -> web.Response:
    """`{at, of}` (seconds) → `{}`."""
    viewer = require_viewer(request)
    body = await object_of(request)
    film = FilmId(request.match_info["film"])
    at, of = Seconds(number(body, "at")), Seconds(number(body, "of"))
    await request.app[LIBRARY].remember_position(viewer, film, Seconds(min(at, of)), of)
    return web.json_response({})


async def _position(request: web.Request, viewer: Viewer, film: FilmId) -> Seconds:
    positions = await request.app[POSITIONS].of_wallet(viewer.wallet)
    return next((position.at for position in positions if position.film == film), Seconds(0))


def _refusal(request: web.Request, refused: PlaybackRefused) -> dict[str, object]:
    receipt = refused.receipt
    store = request.app[SETTINGS].chain.store_url
    where = (store or receipt.contract or None) if receipt.missing else None
    # The store's address is for a button, not for reading.
    fix = refused.fix if where is None else "The store has its tokens." if store else f"Its token is {where}."
    return {"error": receipt.sentence, "fix": fix, "receipt": _receipt(receipt), "where": where}


def _receipt(receipt: Receipt) -> dict[str, object]:
    return {
        "film": receipt.film,
        "right": receipt.right,
        "reason": receipt.reason,
        "missing": receipt.missing,
        "balance": receipt.balance,
        "block": receipt.block,
        "contract": receipt.contract,
        "at": receipt.at,
    }


routes = [
    web.post("/api/films/{film}/play", play),
    web.post("/api/films/{film}/position", remember_position),
]
