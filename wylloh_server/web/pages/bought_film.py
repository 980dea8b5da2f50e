"""The film that a transaction is about: its picture, and whether it can be played by now."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wylloh_server.domain.errors import NotFound
from wylloh_server.domain.film import FilmState
from wylloh_server.domain.rights import PERSONAL
from wylloh_server.domain.transaction import TransactionState
from wylloh_server.domain.types import FilmId
from wylloh_server.web.app_keys import SERVICES

if TYPE_CHECKING:
    from aiohttp import web

    from wylloh_server.domain.access import Viewer
    from wylloh_server.domain.film import Film
    from wylloh_server.domain.transaction import Transaction

_FILM_PAGE = re.compile(r"/films/([a-z0-9]+)")


@dataclass(frozen=True, slots=True)
class BoughtFilm:
    """The film, the path of a picture (empty without one), and whether the viewer can play it."""

    film: Film
    picture: str
    plays: bool


async def bought_film(request: web.Request, viewer: Viewer, transaction: Transaction) -> BoughtFilm | None:
    """Return the film to whose page a transaction leads back; None where it leads elsewhere."""
    found = _FILM_PAGE.fullmatch(transaction.proposal.back)
    if found is None:
        return None
    with suppress(NotFound):
        film = await request.app[SERVICES].library.film(FilmId(found[1]))
        urls = request.app[SERVICES].posters.urls(viewer, film)
        done = transaction.state is TransactionState.CONFIRMED and transaction.current is None
        return BoughtFilm(film, urls.backdrop or urls.poster, done and await _plays(request, viewer, film))
    return None


async def _plays(request: web.Request, viewer: Viewer, film: Film) -> bool:
    if film.state is not FilmState.READY or film.token is None:
        return film.state is FilmState.READY
    status = await request.app[SERVICES].stacks.status(viewer.wallet, film.token)
    return status is not None and status.stack.grants(PERSONAL) is not None
