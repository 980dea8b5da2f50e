"""The page that filters films by tags, and smart collections."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wylloh_server.sdk import InvalidValue, Page, PluginRoute, Redirect, quote_input
from wylloh_tagging.expression import LONGEST_FILTER, parse, terms, written
from wylloh_tagging.filter_builder import Builder, rows_of
from wylloh_tagging.filters import LONGEST_NAME, Filters
from wylloh_tagging.permissions import HERE, may_collect, may_edit, signed_in
from wylloh_tagging.queries import TagStore
from wylloh_tagging.tag_style import flat, greys_of, tag_groups

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from wylloh_server.sdk import FilmId, LibraryItem, PluginContext, PluginRequest, Reply
    from wylloh_tagging.expression import Expression
    from wylloh_tagging.filter_builder import Press
    from wylloh_tagging.filters import SavedFilter
    from wylloh_tagging.tags import Tag

_PAGE = f"{HERE}/filter"
_MOST_CHOICES = 80
"""Tags of one category offered as something to press; every other one can be written."""
_NONE: frozenset[FilmId] = frozenset()
_SMALL_OPERATOR = re.compile(r"(?<![^\s()])(?:and|or|not)(?![^\s()])", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Choice:
    """A tag to press, and how many of the films found without it have it."""

    tag: Tag
    films: int
    press: Press


async def filter_page(context: PluginContext, request: PluginRequest) -> Reply:
    """Show the films a filter finds, the builder around it, and the form that saves it."""
    typed = request.query.get("q", "")
    if not typed.strip():
        return await _filter_page(context, request, None)
    try:
        expression = parse(typed)
    except InvalidValue as error:
        return await _filter_page(context, request, None, error=error, typed=typed)
    return await _filter_page(context, request, expression)


async def _filter_page(
    context: PluginContext,
    request: PluginRequest,
    expression: Expression | None,
    *,
    error: InvalidValue | None = None,
    typed: str = "",
) -> Page:
    edited, cards = await _edited(context, request), await context.library.films(request.viewer)
    rows = None if error else rows_of(expression)
    builder = Builder(
        _PAGE,
        rows or (),
        request.query.get("at", ""),
        request.query.get("on", ""),
        {"edit": edited.id} if edited else None,
    )
    values = {
        "text": written(expression) if expression else typed,
        "error": error,
        "found": expression is not None,
        "cards": await _fitting(context, cards, expression) if expression else (),
        "unknown": await _unknown(context, expression) if expression else (),
        "in_capitals": _in_capitals(typed or request.query.get("q", "")),
        "builder": None if rows is None else builder,
        "choices": await _choices(context, cards, builder),
        "edited": edited,
        "longest": LONGEST_FILTER,
        "longest_name": LONGEST_NAME,
        "may_collect": may_collect(request.viewer),
        "may_share": may_edit(context, request.viewer),
        "greys": await greys_of(context),
        "meaning": await _meaning(context),
    }
    return Page("filter.html", values, status=400 if error else 200)


async def found_by(
    context: PluginContext, request: PluginRequest, expression: Expression
) -> Sequence[LibraryItem]:
    """Return the films a filter finds, by title, as the viewer's library shows them."""
    return await _fitting(context, await context.library.films(request.viewer), expression)


async def _fitting(
    context: PluginContext, cards: Sequence[LibraryItem], expression: Expression | None
) -> Sequence[LibraryItem]:
    """Return those of some films that a filter finds; all of them without one."""
    if expression is None:
        return cards
    everything = frozenset(card.film.id for card in cards)
    found = (await TagStore(context).index()).matching(expression, everything)
    return [card for card in cards if card.film.id in found]


async def save(context: PluginContext, request: PluginRequest) -> Reply:
    """Save a filter as a smart collection, or change one."""
    saved = await _filters(context, request).save(
        request.value("name"),
        request.value("q"),
        shared=bool(request.value("shared")),
        home=bool(request.value("home")),
        filter_id=request.value("id"),
    )
    return Redirect(f"{HERE}/collections/{saved}")


async def collections(context: PluginContext, request: PluginRequest) -> Reply:
    """Show the smart collections this viewer sees."""
    every = await _filters(context, request).all()
    sharing = may_edit(context, request.viewer)
    groups = [
        ("Everybody here", [one for one in every if one.shared], sharing),
        ("Only you", [one for one in every if not one.shared], may_collect(request.viewer)),
    ]
    return Page("collections.html", {"groups": groups, "longest_name": LONGEST_NAME})


async def collection(context: PluginContext, request: PluginRequest) -> Reply:
    """Show the films of one smart collection."""
    saved = await _filters(context, request).get(request.params["id"])
    cards = await found_by(context, request, saved.expression)
    mine = may_edit(context, request.viewer) if saved.shared else may_collect(request.viewer)
    return Page("collection.html", {"saved": saved, "cards": cards, "may_change": mine})


async def change(context: PluginContext, request: PluginRequest) -> Reply:
    """Rename, move, show, hide or delete a smart collection."""
    filters, chosen = _filters(context, request), request.params["id"]
    match request.value("do"):
        case "rename":
            await filters.rename(chosen, request.value("name"))
        case "up":
            await filters.move(chosen, -1)
        case "down":
            await filters.move(chosen, 1)
        case "show":
            await filters.show(chosen, home=True)
        case "hide":
            await filters.show(chosen, home=False)
        case "delete":
            await filters.delete(chosen)
        case other:
            raise InvalidValue(f"{quote_input(other)} cannot be done.", fix="Go back to Collections.")
    return Redirect(f"{HERE}/collections")


ROUTES = (
    PluginRoute("GET", "filter", filter_page, tv=True),
    PluginRoute("POST", "filter", save),
    PluginRoute("GET", "collections", collections, tv=True),
    PluginRoute("GET", "collections/{id}", collection, tv=True),
    PluginRoute("POST", "collections/{id}", change),
)


def _filters(context: PluginContext, request: PluginRequest) -> Filters:
    viewer = signed_in(request)
    return Filters(context, viewer.wallet, may_share=may_edit(context, viewer))


async def _edited(context: PluginContext, request: PluginRequest) -> SavedFilter | None:
    wanted = request.query.get("edit", "")
    return await _filters(context, request).get(wanted) if wanted else None


async def _meaning(context: PluginContext) -> Callable[[Tag], Tag]:
    """Return a function from a word of a filter to the first tag it means, in whose grey it is shown."""
    index = await TagStore(context).index()
    return lambda word: next(iter(index.meant(word)), word)


async def _unknown(context: PluginContext, expression: Expression) -> list[Tag]:
    index = await TagStore(context).index()
    return [tag for tag in terms(expression) if not index.meant(tag)]


async def _choices(
    context: PluginContext, cards: Sequence[LibraryItem], builder: Builder
) -> list[tuple[str, list[_Choice]]]:
    """Return the tags to press by category: in each those that most of the films have, by name.

    Tags that none of the films has are left out, but for the one pressed last: it keeps the focus.
    """
    films = frozenset(card.film.id for card in await _fitting(context, cards, builder.counting))
    index = await TagStore(context).index()
    found = []
    for group in await tag_groups(context):
        nodes = [*([group.node] if group.node else []), *flat(group.children)]
        every = [
            _Choice(
                node.tag,
                len(index.films.get(node.tag, _NONE) & films),
                builder.tag(node.tag, group.short(node.tag)),
            )
            for node in nodes
        ]
        some = [one for one in every if one.films or one.press.focus]
        most = sorted(some, key=lambda one: (not one.press.focus, -one.films, one.tag))[:_MOST_CHOICES]
        if most:
            found.append((group.name, sorted(most, key=lambda one: one.tag)))
    return found


def _in_capitals(text: str) -> str:
    """Return a filter with its small and, or and not in capitals, if that is another one; else nothing."""
    corrected = _readable(_SMALL_OPERATOR.sub(lambda word: word[0].upper(), text))
    return "" if corrected == _readable(text) else corrected


def _readable(text: str) -> str:
    try:
        return written(parse(text))
    except InvalidValue:
        return ""
