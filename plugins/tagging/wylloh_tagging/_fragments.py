"""What the plugin puts on the core's pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wylloh_server.sdk import Fragment, Slot
from wylloh_tagging._access import may_edit
from wylloh_tagging._filters import Filters
from wylloh_tagging._kept import kept_of
from wylloh_tagging._looked_up import greys_of
from wylloh_tagging._store import TagStore
from wylloh_tagging._suggestion_pages import SHOWN
from wylloh_tagging._suggestions import Suggestions
from wylloh_tagging.expression import LONGEST_FILTER
from wylloh_tagging.tags import LONGEST, tree

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wylloh_server.sdk import Film, FilmCard, PluginContext, Viewer
    from wylloh_tagging._filters import SavedFilter

MOST_IN_A_ROW = 20
"""Films of a collection on the library page; its own page has all."""
MOST_ROWS = 12
"""Collections on the library page."""


async def fragments(
    context: PluginContext, slot: str, film: Film | None, viewer: Viewer
) -> Sequence[Fragment]:
    """Give the fragments for a slot."""
    if slot == Slot.LIBRARY_FILTERS:
        return (await _filters(context, viewer),)
    if slot == Slot.HOME_ROWS:
        return await _rows(context, viewer)
    if film is None:
        return ()
    if slot == Slot.FILM_TAGS:
        return (await _tags(context, film, viewer),)
    if slot == Slot.FILM_DETAILS and may_edit(context, viewer):
        return (await _suggestions(context, film),)
    return ()


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
    titles = await kept_of(context.tables).titles(context.library)
    everything, index = frozenset(titles), await TagStore(context).index()
    rows: list[tuple[SavedFilter, int, Sequence[FilmCard]]] = []
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
    desk = Suggestions(context)
    found = await desk.of(film)
    values = {"film": film, "found": found[:SHOWN], "studied": await desk.studied(film.id)}
    return Fragment("film_suggestions.html", values)


async def _seen(context: PluginContext, viewer: Viewer) -> tuple[SavedFilter, ...]:
    return await Filters(context, viewer.wallet, may_share=False).all()
