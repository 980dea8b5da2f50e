"""An address under which other programs on the network tag films, such as a home automation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wylloh_server.sdk import FilmId, InvalidValue, Json, PluginRoute
from wylloh_tagging.queries import TagStore
from wylloh_tagging.tags import tag_of

if TYPE_CHECKING:
    from wylloh_server.sdk import PluginContext, PluginRequest, Reply

TOKEN = "webhook_token"  # noqa: S105 - the name of the setting


async def tag_film(context: PluginContext, request: PluginRequest) -> Reply:
    """Tag a film, from JSON `{"film": id, "tag": …}`; with `"remove": true` take the tag off.

    A program changes no lock: only an admin who is signed in does.
    """
    if not isinstance(request.json, dict):
        raise InvalidValue("This address takes JSON.", fix='Send {"film": "…", "tag": "…"}.')
    film = await context.library.film(FilmId(request.value("film")))
    store, tag = TagStore(context), tag_of(request.value("tag"))
    change = store.remove if request.json.get("remove") is True else store.add
    await change(film.id, tag, may_lock=False)
    return Json({"tags": list(await store.of(film.id))})


ROUTES = (PluginRoute("POST", "webhook", tag_film, role=None, token=TOKEN),)
