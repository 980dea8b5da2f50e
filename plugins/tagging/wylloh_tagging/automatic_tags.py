"""Tags films with the decade they were made in, for as long as nobody chooses otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wylloh_server.sdk import NotFound
from wylloh_tagging.queries import TagStore
from wylloh_tagging.tags import Tag

if TYPE_CHECKING:
    from wylloh_server.sdk import Film, FilmId, PluginContext


async def tag_film(context: PluginContext, film_id: FilmId) -> None:
    """Tag a film that has just entered the library, or whose description has come or changed."""
    try:
        film = await context.library.film(film_id)
    except NotFound:
        return  # it left again before this event was heard
    if _is_complete(film):
        await TagStore(context).look_at({film.id: _decade_of(film)})


async def catch_up(context: PluginContext) -> None:
    """Tag films that came or changed while the plugin was not running, and forget those that left."""
    store = TagStore(context)
    films = {card.film.id: card.film for card in await context.library.films(None)}
    known = await store.looked_at() | {film for film, _ in await store.pairs()}
    await store.forget(known - films.keys())
    if context.settings["automatic"]:
        await store.look_at({film.id: _decade_of(film) for film in films.values() if _is_complete(film)})


def _is_complete(film: Film) -> bool:
    """Return whether the library knows all it will: a film found on chain gets its year with its package."""
    return film.description.year is not None or film.state == "ready"


def _decade_of(film: Film) -> Tag | None:
    """Return the tag of a film's decade: 2008 is in `decade/2000s`."""
    year = film.description.year
    return None if year is None else Tag(f"decade/{year // 10 * 10}s")
