"""What the plugin puts on the core's pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wylloh_server.sdk import CardFragment, Fragment, Role, Slot, format_list
from wylloh_tagging import skip_chapters
from wylloh_tagging.cache import cache_of
from wylloh_tagging.expression import LONGEST_FILTER
from wylloh_tagging.filters import Filters
from wylloh_tagging.parental_lock import locked_films, locked_tags
from wylloh_tagging.permissions import may_edit
from wylloh_tagging.queries import TagStore
from wylloh_tagging.quiet_hours import hours_text, quiet_hours
from wylloh_tagging.suggestion_pages import SHOWN
from wylloh_tagging.suggestion_sources import SuggestionSource
from wylloh_tagging.suggestions import Suggestions
from wylloh_tagging.tag_style import greys_of
from wylloh_tagging.tags import LONGEST, tree

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wylloh_server.sdk import Film, LibraryItem, PluginContext, Viewer
    from wylloh_tagging.filters import SavedFilter

MOST_IN_A_ROW = 20
"""Films of a collection on the library page; its own page has all."""
MOST_ROWS = 12
"""Collections on the library page."""


async def fragments(
    context: PluginContext, slot: str, film: Film | None, viewer: Viewer
) -> Sequence[Fragment]:
    """Return the fragments for a slot."""
    found: Sequence[Fragment] = ()
    if slot == Slot.HEAD:
        found = (Fragment("head.html"),)
    elif slot == Slot.LIBRARY_FILTERS:
        found = (await _filters(context, viewer),)
    elif slot == Slot.HOME_ROWS:
        found = await _rows(context, viewer)
    elif slot == Slot.ADMIN:
        found = (await _locks(context),)
    elif film is not None:
        found = await _of_film(context, slot, film, viewer)
    return found


async def _of_film(context: PluginContext, slot: str, film: Film, viewer: Viewer) -> Sequence[Fragment]:
    if slot == Slot.FILM_TAGS:
        tags = await _tags(context, film, viewer)
        return (tags, await _suggestions(context, film)) if may_edit(context, viewer) else (tags,)
    return skip_chapters.fragment(context, film) if slot == Slot.PLAYER else ()


async def film_cards(context: PluginContext, films: Sequence[Film], viewer: Viewer) -> Sequence[CardFragment]:
    """Mark the films that are locked for viewers, so that nobody has to press Play to find out."""
    locks = await locked_tags(context)
    locked = locked_films(await TagStore(context).index(), locks) if locks else frozenset()
    values = {"for_others": viewer.role is not Role.VIEWER}
    return [CardFragment(film.id, "card_lock.html", values) for film in films if film.id in locked]


async def _locks(context: PluginContext) -> Fragment:
    index = await TagStore(context).index()
    locked = [(tag, len(index.films.get(tag, ()))) for tag in await locked_tags(context)]
    hours = quiet_hours(context)
    return Fragment("admin.html", {"locked": locked, "quiet": hours_text(hours) if hours else ""})


async def _filters(context: PluginContext, viewer: Viewer) -> Fragment:
    values = {
        "nodes": tree((await TagStore(context).index()).films),
        "greys": await greys_of(context),
        "collections": await _seen(context, viewer),
        "longest": LONGEST_FILTER,
    }
    return Fragment("filters.html", values)


async def _rows(context: PluginContext, viewer: Viewer) -> Sequence[Fragment]:
    shown = [one for one in await _seen(context, viewer) if one.home]
    if not shown:
        return ()
    titles = await cache_of(context).titles(context.library)
    everything, index = frozenset(titles), await TagStore(context).index()
    rows: list[tuple[SavedFilter, int, Sequence[LibraryItem]]] = []
    for one in shown:
        found = index.matching(one.expression, everything)
        first = [film for film in titles if film in found][:MOST_IN_A_ROW]
        if first and len(rows) < MOST_ROWS:
            rows.append((one, len(found), await context.library.cards(viewer, first)))
    # Without any row, too: its place is where rows appear as soon as films fit.
    return (Fragment("home_rows.html", {"rows": rows}),)


async def _tags(context: PluginContext, film: Film, viewer: Viewer) -> Fragment:
    editing = may_edit(context, viewer)
    values = {
        "film": film,
        "tags": await TagStore(context).of(film.id),
        "may_edit": editing,
        "known": tuple((await TagStore(context).index()).films) if editing else (),
        "greys": await greys_of(context),
        "longest": LONGEST,
    }
    return Fragment("film_tags.html", values)


async def _suggestions(context: PluginContext, film: Film) -> Fragment:
    store = Suggestions(context)
    found = (await store.of(film))[:SHOWN]
    shown = {one.source for one in found}
    sources = format_list([source for source in SuggestionSource if source in shown])
    values = {"film": film, "found": found, "sources": sources, "studied": await store.studied(film.id)}
    return Fragment("film_suggestions.html", values)


async def _seen(context: PluginContext, viewer: Viewer) -> tuple[SavedFilter, ...]:
    return await Filters(context, viewer.wallet, may_share=False).all()
