"""What a request to one of the store's pages is about: who, which film, which number."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from wylloh_server.sdk import FilmId, InvalidValue, NotFound, Redirect

if TYPE_CHECKING:
    from wylloh_server.sdk import Film, PluginContext, PluginRequest, PluginTransactions, Proposal, Viewer

_NUMBER = re.compile(r"[0-9]{1,78}")
_MOST_PAGES = 1_000_000


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


async def to_wallet(transactions: PluginTransactions, viewer: Viewer, proposal: Proposal) -> Redirect:
    """Go on to the page on which the viewer's wallet is asked.

    Raises:
        InvalidValue: the contracts would refuse it; the sentence says why.
        ChainError: the chain cannot be asked.
    """
    return Redirect(f"/transactions/{await transactions.propose(viewer, proposal)}")
