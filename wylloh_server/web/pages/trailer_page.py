"""The player with a film's trailer."""

from __future__ import annotations

from dataclasses import asdict
from urllib.parse import urlsplit

from aiohttp import hdrs, web

from wylloh_server.domain.errors import NotFound
from wylloh_server.domain.player_preferences import PlayerPreferences
from wylloh_server.domain.types import FilmId
from wylloh_server.web.app_keys import SERVICES
from wylloh_server.web.guest_trailers import require_link
from wylloh_server.web.phone_link import phone_link
from wylloh_server.web.session import safe_next, viewer_of
from wylloh_server.web.templating import render
from wylloh_server.web.vote_denial import refuse_denied


async def watch_trailer(request: web.Request) -> web.Response:
    """Show the player with a film's trailer, to everybody who sees the film or was given a link to it."""
    film_id = FilmId(request.match_info["film"])
    viewer = viewer_of(request)
    if viewer is None:
        await require_link(request, film_id)
    services = request.app[SERVICES]
    film = await services.library.film(film_id)
    if not await services.trailers.offers(film):
        raise NotFound("This film has no trailer here.", fix="Go back to the film.")
    if viewer is not None:
        await refuse_denied(request, viewer, film)
    kept = await services.preferences.of_wallet(viewer.wallet) if viewer else PlayerPreferences()
    return await render(
        request,
        "watch.html",
        film=film,
        poster=services.posters.urls(viewer, film).poster,
        start="0",
        next=None,
        preferences=asdict(kept),
        trailer=True,
        preview="" if film.token else f"/api/films/{film.id}/trailer",
        file=services.posters.trailer_url(viewer, film) if film.token else "",
        on_phone=phone_link(request, f"/films/{film.id}"),
        back=f"/films/{film.id}" if viewer else _where_from(request),
    )


def _where_from(request: web.Request) -> str:
    """Return the page of this server with the link that was followed; the library for any other."""
    came = urlsplit(request.headers.get(hdrs.REFERER, ""))
    if came.netloc != request.host:
        return "/"
    return safe_next(f"{came.path}?{came.query}" if came.query else came.path)
