"""Suggestions: on a film's page, and a page with those of many films."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wylloh_server.sdk import FilmId, Json, Page, PluginRoute, Redirect
from wylloh_tagging.permissions import back_to, check_may_edit, film_of, may_lock
from wylloh_tagging.suggestions import Suggestions
from wylloh_tagging.tags import tag_of

if TYPE_CHECKING:
    from wylloh_server.sdk import Film, PluginContext, PluginRequest, Reply
    from wylloh_tagging.suggestion_sources import Finding

SHOWN = 8
"""Suggestions of one film that are offered at once; the next come when these are answered."""
_FILMS = 12
"""Films on one page."""


async def suggestions(context: PluginContext, request: PluginRequest) -> Reply:
    """Show films with suggestions that wait for an answer."""
    check_may_edit(context, request)
    store = Suggestions(context)
    waiting, studied = await store.waiting(), await store.all_studied()
    cards = await context.library.films(None)
    chosen = [card.film for card in cards if card.film.id in waiting][:_FILMS]
    values = {
        "films": await _open(context, chosen),
        "waiting": len(waiting),
        "fresh": sum(card.film.id not in studied for card in cards),
        "all": len(cards),
    }
    return Page("suggestions.html", values)


async def find_suggestions(context: PluginContext, request: PluginRequest) -> Reply:
    """Start to look through the library, or into one film."""
    check_may_edit(context, request)
    film_id = FilmId(request.value("film"))
    title = "Look for tags in the whole library"
    arguments: dict[str, object] = {"again": bool(request.value("again"))}
    if film_id:
        title = f"Look for tags of {(await context.library.film(film_id)).title}"
        arguments = {"films": [film_id]}
    task = await context.tasks.start("suggest", title, arguments, request.viewer)
    if request.json is not None:
        return Json({"task": task})
    return Redirect(f"/films/{film_id}" if film_id else "/tasks")


async def of_film(context: PluginContext, request: PluginRequest) -> Reply:
    """Return a film's suggestions as JSON."""
    check_may_edit(context, request)
    film = await film_of(context, request)
    found = await Suggestions(context).of(film)
    return Json({"suggestions": [{"tag": one.tag, "source": str(one.source)} for one in found]})


async def accept(context: PluginContext, request: PluginRequest) -> Reply:
    """Put a suggested tag on a film."""
    check_may_edit(context, request)
    film = await film_of(context, request)
    await Suggestions(context).accept(film, tag_of(request.value("tag")), may_lock=may_lock(request.viewer))
    return await _answered(context, request, film)


async def refuse(context: PluginContext, request: PluginRequest) -> Reply:
    """Refuse a suggestion for good."""
    check_may_edit(context, request)
    film = await film_of(context, request)
    await Suggestions(context).refuse(film, tag_of(request.value("tag")))
    return await _answered(context, request, film)


ROUTES = (
    PluginRoute("GET", "suggestions", suggestions),
    PluginRoute("POST", "suggestions", find_suggestions),
    PluginRoute("GET", "film/{film}/suggestions", of_film),
    PluginRoute("POST", "film/{film}/suggestions/accept", accept),
    PluginRoute("POST", "film/{film}/suggestions/refuse", refuse),
)


async def _answered(context: PluginContext, request: PluginRequest, film: Film) -> Reply:
    if request.json is not None:
        return await of_film(context, request)
    return back_to(request, f"/films/{film.id}")


async def _open(context: PluginContext, films: list[Film]) -> list[tuple[Film, tuple[Finding, ...]]]:
    store = Suggestions(context)
    return [(film, found[:SHOWN]) for film in films if (found := await store.of(film))]
