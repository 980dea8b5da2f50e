"""Chapters that can be skipped in the player, such as an intro or the credits, known by their titles."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from wylloh_server.sdk import FilmId, Fragment, Json, PluginRoute

if TYPE_CHECKING:
    from wylloh_server.sdk import Film, PluginContext, PluginRequest, Probe, Reply

NEVER, ASK, ALWAYS = "never", "ask", "always"
_WORDS = {
    "intro": "Skip intro",
    "opening": "Skip intro",
    "recap": "Skip recap",
    "credits": "Skip credits",
    "ending": "Skip credits",
}


def segments_of(probe: Probe | None) -> list[dict[str, object]]:
    """Return the chapters that can be skipped: where each begins and ends in seconds, and what is offered."""
    if probe is None or not probe.chapters:
        return []
    starts = [*(chapter.start for chapter in probe.chapters), probe.duration]
    found = []
    for chapter, (start, end) in zip(probe.chapters, pairwise(starts), strict=True):
        words = chapter.title.lower().split()
        label = next((label for word, label in _WORDS.items() if word in words), "")
        if label and end > start:
            found.append({"start": start, "end": end, "label": label})
    return found


async def segments(context: PluginContext, request: PluginRequest) -> Reply:
    """Answer with the parts of a film that can be skipped, for the player."""
    film = await context.library.film(FilmId(request.params["film"]))
    automatic = context.settings["skip_chapters"] == ALWAYS
    found = segments_of(await context.library.probe(film.id))
    return Json({"segments": [{**one, "automatic": automatic} for one in found]})


def fragment(context: PluginContext, film: Film) -> tuple[Fragment, ...]:
    """Return the player's script, unless the settings say that nothing is skipped."""
    wanted = context.settings["skip_chapters"] != NEVER
    return (Fragment("player.html", {"film_id": film.id}),) if wanted else ()


ROUTES = (PluginRoute("GET", "film/{film}/segments", segments, tv=True),)
