"""Makes proposals from recipes, again while they wait: prices, stock, holdings and permissions change."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from wylloh_server.sdk import FilmId, redirect_to_wallet, require_viewer
from wylloh_store.buying import propose_purchase
from wylloh_store.inventory import propose_stock, propose_stock_withdrawal
from wylloh_store.requests import in_time
from wylloh_store.resale import propose_listing, propose_listing_withdrawal

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping
    from typing import Any

    from wylloh_server.sdk import Film, PluginContext, PluginRequest, Proposal, Redirect, Viewer

    Maker = Callable[[PluginContext, Viewer, Film, Mapping[str, str]], Coroutine[Any, Any, Proposal]]

BUY, SELL, TAKE_BACK, STOCK, WITHDRAW = "buy", "sell", "take-back", "stock", "withdraw"
"""What the kinds of proposals are called in a recipe."""

_MAKERS: Mapping[str, Maker] = MappingProxyType(
    {
        BUY: propose_purchase,
        SELL: propose_listing,
        TAKE_BACK: propose_listing_withdrawal,
        STOCK: propose_stock,
        WITHDRAW: propose_stock_withdrawal,
    }
)


async def propose(
    context: PluginContext, request: PluginRequest, film: Film, kind: str, **values: object
) -> Redirect:
    """Make a proposal for whoever asks, and redirect to the page on which the wallet is asked.

    Raises:
        InvalidValue, AccessRefused: it cannot be done; the sentence says why.
        ChainError: the chain cannot be asked.
    """
    viewer = require_viewer(request)
    recipe = {"do": kind, "film": film.id} | {name: str(value) for name, value in values.items()}
    return await redirect_to_wallet(context, viewer, await _made(context, viewer, film, recipe))


async def renewed(context: PluginContext, viewer: Viewer, recipe: Mapping[str, str]) -> Proposal | None:
    """Make a proposal again from its recipe; None when another version of the store has written that.

    Raises:
        InvalidValue, NotFound, AccessRefused: it cannot be done any more; the sentence says why.
        ChainError: the chain cannot be asked, or not in time.
    """
    if recipe.get("do") not in _MAKERS:
        return None
    async with in_time():
        return await _made(context, viewer, await context.library.film(FilmId(recipe["film"])), recipe)


async def _made(context: PluginContext, viewer: Viewer, film: Film, recipe: Mapping[str, str]) -> Proposal:
    return replace(await _MAKERS[recipe["do"]](context, viewer, film, recipe), recipe=recipe)
