"""The plugin's own addresses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wylloh_server.sdk import AccessRefused, FilmId, InvalidValue, Json, NotFound, Page, Redirect, Role, Route
from wylloh_tagging._store import TagStore
from wylloh_tagging.tags import LONGEST, ancestors, find, tag_of, tree

if TYPE_CHECKING:
    from wylloh_server.sdk import Film, PluginContext, PluginRequest, Reply, Viewer


def may_edit(context: PluginContext, viewer: Viewer | None) -> bool:
    """Say whether somebody may change tags, which everybody here shares."""
    needed = Role.VIEWER if context.settings["viewers_may_edit"] else Role.PUBLISHER
    return viewer is not None and viewer.role.includes(needed)


async def all_tags(context: PluginContext, _: PluginRequest) -> Reply:
    """Show the tree of tags."""
    return Page("tags.html", {"nodes": tree((await TagStore(context).index()).films)})


async def one_tag(context: PluginContext, request: PluginRequest) -> Reply:
    """Show the films with a tag or one below it."""
    tag = tag_of(request.params["tag"])
    store = TagStore(context)
    node = find(tree((await store.index()).films), tag)
    if node is None:
        raise NotFound(f"No film here is tagged {tag}.", fix="Choose another tag under Tags.")
    films = (await store.index()).films[tag]
    cards = [card for card in await context.library.films(request.viewer) if card.film.id in films]
    return Page("tag.html", {"node": node, "above": ancestors(tag), "cards": cards})


async def film_tags(context: PluginContext, request: PluginRequest) -> Reply:
    """Give a film's tags as JSON."""
    return await _tags_as_json(context, await _film(context, request))


async def add_tag(context: PluginContext, request: PluginRequest) -> Reply:
    """Tag a film, from a form or from JSON `{"tag": …}`."""
    _check_may_edit(context, request)
    film = await _film(context, request)
    try:
        await TagStore(context).add(film.id, tag_of(request.value("tag")))
    except InvalidValue as error:
        if request.json is not None:
            raise
        return _once_more(film, request, error)
    return await _changed(context, request, film)


async def remove_tag(context: PluginContext, request: PluginRequest) -> Reply:
    """Take a tag off a film, from a form or from JSON `{"tag": …}`."""
    _check_may_edit(context, request)
    film = await _film(context, request)
    await TagStore(context).remove(film.id, tag_of(request.value("tag")))
    return await _changed(context, request, film)


ROUTES = (
    Route("GET", "", all_tags),
    Route("GET", "tag/{tag:.+}", one_tag),
    Route("GET", "film/{film}/tags", film_tags),
    Route("POST", "film/{film}/tags", add_tag),
    Route("POST", "film/{film}/tags/remove", remove_tag),
)


async def _film(context: PluginContext, request: PluginRequest) -> Film:
    return await context.library.film(FilmId(request.params["film"]))


def _check_may_edit(context: PluginContext, request: PluginRequest) -> None:
    if not may_edit(context, request.viewer):
        raise AccessRefused(
            "You may look at tags here but not change them.", fix="Ask the owner of this server."
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
