"""The pages of tags, and the forms that put tags on films."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wylloh_server.sdk import InvalidValue, Json, NotFound, Page, PluginRoute, Redirect, quote_input
from wylloh_tagging.parental_lock import locked_here, locked_tags
from wylloh_tagging.permissions import check_may_edit, film_of, may_edit, may_lock
from wylloh_tagging.queries import TagStore
from wylloh_tagging.suggestions import Suggestions
from wylloh_tagging.tag_style import GREYS, greys_of, tag_groups
from wylloh_tagging.tags import LONGEST, ancestors, find, reaches, tag_of, tree

if TYPE_CHECKING:
    from wylloh_server.sdk import Film, PluginContext, PluginRequest, Reply


async def all_tags(context: PluginContext, request: PluginRequest) -> Reply:
    """Show the tags by category, as trees."""
    editing = may_edit(context, request.viewer)
    values = {
        "tag_groups": await tag_groups(context),
        "greys": await greys_of(context),
        "may_edit": editing,
        "waiting": len(await Suggestions(context).waiting()) if editing else 0,
        "longest": LONGEST,
    }
    return Page("tags.html", values)


async def one_tag(context: PluginContext, request: PluginRequest) -> Reply:
    """Show the films with a tag or one below it."""
    tag = tag_of(request.params["tag"])
    index = await TagStore(context).index()
    node = find(tree(index.films), tag)
    if node is None:
        raise NotFound(f"No film here is tagged {quote_input(tag)}.", fix="Choose another tag under Tags.")
    films = index.films[tag]
    locked = await locked_tags(context)
    values = {
        "node": node,
        "above": ancestors(tag),
        "cards": [card for card in await context.library.films(request.viewer) if card.film.id in films],
        "greys": await greys_of(context),
        "choices": GREYS,
        "known": [one for one in index.films if one != tag],
        "may_edit": may_edit(context, request.viewer),
        "may_lock": may_lock(request.viewer),
        "locked": any(reaches(one, tag) for one in locked),
        "unlockable": tag in await locked_here(context),
        "longest": LONGEST,
    }
    return Page("tag.html", values)


async def film_tags(context: PluginContext, request: PluginRequest) -> Reply:
    """Return a film's tags as JSON."""
    return await _tags_as_json(context, await film_of(context, request))


async def add_tag(context: PluginContext, request: PluginRequest) -> Reply:
    """Tag a film, from a form or from JSON `{"tag": …}`."""
    check_may_edit(context, request)
    film = await film_of(context, request)
    try:
        await TagStore(context).add(film.id, tag_of(request.value("tag")), may_lock=may_lock(request.viewer))
    except InvalidValue as error:
        if request.json is not None:
            raise
        return _once_more(film, request, error)
    return await _changed(context, request, film)


async def remove_tag(context: PluginContext, request: PluginRequest) -> Reply:
    """Take a tag off a film, from a form or from JSON `{"tag": …}`."""
    check_may_edit(context, request)
    film = await film_of(context, request)
    await TagStore(context).remove(film.id, tag_of(request.value("tag")), may_lock=may_lock(request.viewer))
    return await _changed(context, request, film)


ROUTES = (
    PluginRoute("GET", "", all_tags, tv=True),
    PluginRoute("GET", "tag/{tag:.+}", one_tag, tv=True),
    PluginRoute("GET", "film/{film}/tags", film_tags),
    PluginRoute("POST", "film/{film}/tags", add_tag),
    PluginRoute("POST", "film/{film}/tags/remove", remove_tag),
)


async def _changed(context: PluginContext, request: PluginRequest, film: Film) -> Reply:
    return Redirect(f"/films/{film.id}") if request.json is None else await _tags_as_json(context, film)


def _once_more(film: Film, request: PluginRequest, error: InvalidValue) -> Page:
    """Show the form again with what was typed, and what is wrong with it."""
    typed = request.form.get("tag", "")
    values = {"film": film, "typed": typed if isinstance(typed, str) else "", "error": error}
    return Page("once_more.html", values | {"longest": LONGEST}, status=400)


async def _tags_as_json(context: PluginContext, film: Film) -> Json:
    return Json({"tags": list(await TagStore(context).of(film.id))})
