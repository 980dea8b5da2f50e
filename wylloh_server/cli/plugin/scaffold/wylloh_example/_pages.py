"""The plugin's addresses, below /plugins/example/."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wylloh_example._plays import Plays
from wylloh_server.sdk import Page, PluginRoute

if TYPE_CHECKING:
    from wylloh_server.sdk import PluginContext, PluginRequest, Reply


async def most_watched(context: PluginContext, request: PluginRequest) -> Reply:
    """Show the films watched most."""
    films = {card.film.id: card.film for card in await context.library.films(request.viewer)}
    counted = await Plays(context.tables).all()
    plays = [(films[film], times) for film, times in counted.items() if film in films]
    return Page("most_watched.html", {"plays": plays[: context.settings["shown"]]})


ROUTES = (PluginRoute("GET", "", most_watched),)
