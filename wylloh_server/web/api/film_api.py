"""Asking to play a film, remembering how far it was watched, and removing one whose file is away."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from aiohttp import web

from wylloh_server.domain.access import Role
from wylloh_server.domain.client_profile import CLIENT_PROFILES, UNKNOWN_CLIENT, client_profile_from
from wylloh_server.domain.errors import InvalidValue, PlaybackRefused
from wylloh_server.domain.types import FilmId, Seconds
from wylloh_server.web.app_keys import SERVICES, SETTINGS
from wylloh_server.web.rate_limits import PLAY_BUDGET, limited
from wylloh_server.web.request_json import number, read_object
from wylloh_server.web.session import address_of, require_role, require_signature, require_viewer
from wylloh_server.web.vote_denial import refuse_denied

if TYPE_CHECKING:
    from wylloh_server.domain.access import Viewer
    from wylloh_server.domain.client_profile import ClientProfile
    from wylloh_server.domain.playback import Lease
    from wylloh_server.services.playback.chosen_tracks import PlayedTrack, PlayedTracks

_TOLD = ("film", "right", "reason", "missing", "balance", "block", "contract", "at")
"""What of a receipt the player is told."""


@limited(PLAY_BUDGET)
async def play(request: web.Request) -> web.Response:
    """`{client}`, or nothing → `{url, title, lease_seconds, position, token, chapters, playing}`.

    `client` is what the player plays, see `domain.client_profile`, or the name of a kind of player.
    `chapters` are `{start, title}`; `playing` is what is done with each track, and why:
    `{client, video: {label, action, sentence}, audio: [{label, action, sentence}, …]}`.
    Or 403 with the receipt and `where` tokens are: the film's page where there is a store, else the contract.
    """
    viewer = require_viewer(request)
    film = await request.app[SERVICES].library.film(FilmId(request.match_info["film"]))
    client = await read_client(request)
    position = await _position(request, viewer, film.id)
    try:
        lease = await request.app[SERVICES].playback.start(
            viewer, film.id, address_of(request), position, client
        )
    except PlaybackRefused as refused:
        return web.json_response(_refusal(request, refused), status=403)
    return web.json_response(lease_answer(request, lease, film.title, position))


@limited(PLAY_BUDGET)
async def play_trailer(request: web.Request) -> web.Response:
    """→ what `play` answers: the trailer beside a film of a folder. No position of it is kept."""
    viewer = require_viewer(request)
    film = await request.app[SERVICES].library.film(FilmId(request.match_info["film"]))
    await refuse_denied(request, viewer, film)
    trailer, client = await request.app[SERVICES].trailers.beside(film), await read_client(request)
    lease = await request.app[SERVICES].playback.start_film(
        viewer, trailer, address_of(request), client=client
    )
    return web.json_response(lease_answer(request, lease, trailer.title, Seconds(0)))


async def read_client(request: web.Request) -> ClientProfile:
    """Return what the player that asks plays; the least that all do, if it does not say.

    Raises:
        InvalidValue: what it says cannot be read.
    """
    client = (await read_object(request)).get("client") if request.body_exists else None
    if client is None:
        return UNKNOWN_CLIENT
    if isinstance(client, str) and client in CLIENT_PROFILES:
        return CLIENT_PROFILES[client]
    if not isinstance(client, dict):
        known = ", ".join(CLIENT_PROFILES)
        raise InvalidValue(
            "The field client is no profile of a player.", fix=f"Send one, or one of: {known}."
        )
    return client_profile_from(client)


def lease_answer(request: web.Request, lease: Lease, title: str, position: Seconds) -> dict[str, object]:
    """Return what the player is told of a lease."""
    playback = request.app[SERVICES].playback
    return {
        "url": f"/play/{lease.token}/master.m3u8",
        "title": title,
        "lease_seconds": request.app[SETTINGS].playback.lease_seconds,
        "position": position,
        "token": lease.token,
        "chapters": [asdict(chapter) for chapter in playback.chapters(lease)],
        "playing": _playing(playback.played_tracks(lease)),
    }


def _playing(tracks: PlayedTracks) -> dict[str, object]:
    return {
        "client": tracks.client,
        "video": _played(tracks.video),
        "audio": [_played(track) for track in tracks.audio],
    }


def _played(track: PlayedTrack) -> dict[str, str]:
    return {
        "label": track.label,
        "action": track.decision.action,
        "sentence": track.decision.sentence,
    }


async def make_ready(request: web.Request) -> web.Response:
    """→ `{}`: make a film ready for every player, in the background. For admins."""
    require_role(request, Role.ADMIN)
    await request.app[SERVICES].playback.make_ready(FilmId(request.match_info["film"]))
    return web.json_response({})


async def remember_position(request: web.Request) -> web.Response:
    """`{at, of}` (seconds) → `{}`."""
    viewer = require_viewer(request)
    body = await read_object(request)
    film = FilmId(request.match_info["film"])
    at, of = Seconds(number(body, "at")), Seconds(number(body, "of"))
    await request.app[SERVICES].library.remember_position(viewer, film, Seconds(min(at, of)), of)
    return web.json_response({})


async def remove(request: web.Request) -> web.Response:
    """→ `{}`: remove a film whose file is away, for good. Only the owner may, with a fresh signature."""
    await require_signature(request, Role.OWNER)
    await request.app[SERVICES].film_removal.remove(FilmId(request.match_info["film"]))
    return web.json_response({})


async def _position(request: web.Request, viewer: Viewer, film: FilmId) -> Seconds:
    positions = await request.app[SERVICES].positions.of_wallet(viewer.wallet)
    return next((position.at for position in positions if position.film == film), Seconds(0))


def _refusal(request: web.Request, refused: PlaybackRefused) -> dict[str, object]:
    receipt = refused.receipt
    store = request.app[SETTINGS].chain.store_url
    ladder = f"/films/{receipt.film}#rights-card" if store else receipt.contract
    where = (ladder or None) if receipt.missing else None
    # The address is for a button, not for reading.
    fix = refused.fix if where is None else "The store has its tokens." if store else f"Its token is {where}."
    told = {name: getattr(receipt, name) for name in _TOLD}
    return {"error": receipt.sentence, "fix": fix, "receipt": told, "where": where}


routes = [
    web.post("/api/films/{film}/play", play),
    web.post("/api/films/{film}/trailer", play_trailer),
    web.post("/api/films/{film}/ready", make_ready),
    web.post("/api/films/{film}/position", remember_position),
    web.post("/api/films/{film}/remove", remove),
]
