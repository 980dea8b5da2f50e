"""Links to trailers for who is not signed in, wherever a page shows them films."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wylloh_server.domain.errors import AccessRefused
from wylloh_server.web.app_keys import SERVICES
from wylloh_server.web.session import SignInNeeded, viewer_of

if TYPE_CHECKING:
    from aiohttp import web

    from wylloh_server.domain.film import Film
    from wylloh_server.domain.types import FilmId


async def guest_trailer(request: web.Request, film: Film) -> str:
    """Return the link to a film's trailer for who is not signed in; empty for others, and without a trailer.

    Where guests see a film at all, as in a store that is open to them, its trailer is for them too.
    """
    if viewer_of(request) is not None or film.token is None:
        return ""
    services = request.app[SERVICES]
    if not await services.trailers.offers(film):
        return ""
    return f"/watch/{film.id}/trailer?token={services.posters.token(None, film)}"


async def require_link(request: web.Request, film: FilmId) -> None:
    """Check that a guest has the link to a film's trailer.

    Raises:
        SignInNeeded: they have not.
    """
    try:
        if await request.app[SERVICES].posters.film_of(request.query.get("token", ""), None) == film:
            return
    except AccessRefused:
        pass
    raise SignInNeeded("You are not signed in.", fix="Sign in with your wallet.")
