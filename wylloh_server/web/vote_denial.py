"""Why plugins keep a film from a viewer, for pages that would otherwise offer to play it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wylloh_server.domain.access import AccessRequest
from wylloh_server.domain.errors import AccessRefused
from wylloh_server.domain.rights import PERSONAL
from wylloh_server.web.app_keys import DISPATCH

if TYPE_CHECKING:
    from aiohttp import web

    from wylloh_server.domain.access import Viewer
    from wylloh_server.domain.film import Film


async def vote_denial(request: web.Request, viewer: Viewer, film: Film) -> str:
    """Return the sentence of the plugin that would deny watching now; empty if none would.

    Nothing is recorded: the decision is taken when somebody presses Play.
    """
    outcome = await request.app[DISPATCH].count_votes(AccessRequest(viewer, film, PERSONAL))
    return outcome.vote.denial


async def refuse_denied(request: web.Request, viewer: Viewer, film: Film) -> None:
    """Refuse the trailer of a film that a plugin keeps from the viewer, such as a parental lock.

    Raises:
        AccessRefused: with the plugin's sentence.
    """
    if denial := await vote_denial(request, viewer, film):
        raise AccessRefused(denial, fix="Go back to the film.")
