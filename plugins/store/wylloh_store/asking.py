"""What a request to one of the store's pages is about: who, which film, which number."""

from __future__ import annotations

import asyncio
import re
from contextlib import asynccontextmanager
from functools import wraps
from typing import TYPE_CHECKING

from wylloh_server.sdk import ChainError, FilmId, InvalidValue, NotFound, Redirect

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Collection, Coroutine, Sequence
    from typing import Any

    from wylloh_server.sdk import (
        Film,
        FilmCard,
        PluginContext,
        PluginRequest,
        PluginTransactions,
        Proposal,
        Reply,
        Stack,
        Viewer,
    )

    Handler = Callable[[PluginContext, PluginRequest], Coroutine[Any, Any, Reply]]

_NUMBER = re.compile(r"[0-9]{1,78}")
_MOST_PAGES = 1_000_000
_PATIENCE, _MOMENT = 1.6, 0.8
"""Seconds for a whole answer, and for what it can do without: a slow node is no fault of ours."""


def viewer_of(request: PluginRequest) -> Viewer:
    """Give who asks; the store's routes let in nobody who is not signed in."""
    if request.viewer is None:
        raise InvalidValue("Please sign in first.", fix="Sign in with your wallet.")
    return request.viewer


async def film_of(context: PluginContext, request: PluginRequest) -> Film:
    """Find the film in the address.

    Raises:
        NotFound: there is none, or it comes from a folder and has no tokens.
    """
    film = await context.library.film(FilmId(request.params["film"]))
    if film.token is None:
        raise NotFound(f"{film.title} lies in a folder here and has no tokens.", fix="Just watch it.")
    return film


def number_of(request: PluginRequest, name: str) -> int:
    """Read a whole number from a form; 0 when it is not there.

    Raises:
        InvalidValue: it is something else.
    """
    text = request.value(name).strip()
    if text and not _NUMBER.fullmatch(text):
        raise InvalidValue(f"{name} must be a whole number.", fix="Go back and try again.")
    return int(text or 0)


def page_of(request: PluginRequest) -> int:
    """Read the number of a page from the address, counted from 1."""
    text = request.query.get("page", "")
    return max(1, min(int(text), _MOST_PAGES)) if _NUMBER.fullmatch(text) else 1


def patient(handler: Handler) -> Handler:
    """Let a handler wait for the chain only so long; then whoever asked is told that the chain is slow."""

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
        async with asyncio.timeout(_PATIENCE):
            yield
    except TimeoutError:
        raise ChainError("The chain is too slow to answer now.", fix="Try again in a minute.") from None


async def cards_of(
    context: PluginContext, viewer: Viewer | None, films: Collection[FilmId]
) -> Sequence[FilmCard]:
    """Give some films with what the viewer holds; without it while the chain is slow to say."""
    try:
        async with asyncio.timeout(_MOMENT):
            return await context.library.cards(viewer, films)
    except TimeoutError:
        return await context.library.cards(None, films)


async def stack_of(context: PluginContext, viewer: Viewer, film: Film) -> Stack | None:
    """Give what the viewer holds of a film; None while nobody can say."""
    cards = await cards_of(context, viewer, [film.id])
    return cards[0].stack if cards else None


async def to_wallet(transactions: PluginTransactions, viewer: Viewer, proposal: Proposal) -> Redirect:
    """Go on to the page on which the viewer's wallet is asked.

    Raises:
        InvalidValue: the contracts would refuse it; the sentence says why.
        ChainError: the chain cannot be asked.
    """
    return Redirect(f"/transactions/{await transactions.propose(viewer, proposal)}")
