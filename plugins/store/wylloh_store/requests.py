"""What a request to one of the store's pages is about, and how long it waits for the chain."""

from __future__ import annotations

import asyncio
import re
from contextlib import asynccontextmanager
from functools import wraps
from typing import TYPE_CHECKING

from wylloh_server.sdk import ChainError, FilmId, InvalidValue, NotFound

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Collection, Coroutine, Sequence
    from typing import Any

    from wylloh_server.sdk import Film, LibraryItem, PluginContext, PluginRequest, Reply, Stack, Viewer

    Handler = Callable[[PluginContext, PluginRequest], Coroutine[Any, Any, Reply]]

_NUMBER = re.compile(r"[0-9]{1,78}")
_ANSWER_SECONDS, _HOLDINGS_SECONDS = 5.0, 2.0
"""For a whole answer, and for what it can do without: a slow node is no fault of ours."""


async def film_of(context: PluginContext, request: PluginRequest) -> Film:
    """Return the film in the address.

    Raises:
        NotFound: there is none, or it comes from a folder and has no tokens.
    """
    film = await context.library.film(FilmId(request.params["film"]))
    if film.token is None:
        raise NotFound(f"{film.title} lies in a folder here and has no tokens.", fix="Just watch it.")
    return film


def may_look(context: PluginContext, viewer: Viewer | None) -> bool:
    """Return whether somebody may look at what is on sale: who is signed in, and everybody by the setting."""
    return viewer is not None or bool(context.settings["public"])


def number_of(request: PluginRequest, name: str) -> int:
    """Read a whole number from a form; 0 when it is not there.

    Raises:
        InvalidValue: it is something else.
    """
    text = request.value(name).strip()
    if text and not _NUMBER.fullmatch(text):
        raise InvalidValue(f"{name} must be a whole number.", fix="Go back and try again.")
    return int(text or 0)


def time_limited(handler: Handler) -> Handler:
    """Limit how long a handler waits for the chain; after that it answers that the chain is slow."""

    @wraps(handler)
    async def answer(context: PluginContext, request: PluginRequest) -> Reply:
        async with in_time():
            return await handler(context, request)

    return answer


@asynccontextmanager
async def in_time() -> AsyncIterator[None]:
    """Wait for the chain only so long.

    Raises:
        ChainError: it is slow.
    """
    try:
        async with asyncio.timeout(_ANSWER_SECONDS):
            yield
    except TimeoutError:
        raise ChainError("The chain is too slow to answer now.", fix="Try again in a minute.") from None


async def cards_of(
    context: PluginContext, viewer: Viewer | None, films: Collection[FilmId]
) -> Sequence[LibraryItem]:
    """Return some films with what the viewer holds; without it while the chain is slow."""
    try:
        async with asyncio.timeout(_HOLDINGS_SECONDS):
            return await context.library.cards(viewer, films)
    except TimeoutError:
        return await context.library.cards(None, films)


async def stack_of(context: PluginContext, viewer: Viewer, film: Film) -> Stack | None:
    """Return what the viewer holds of a film; None while that cannot be read."""
    cards = await cards_of(context, viewer, [film.id])
    return cards[0].stack if cards else None
