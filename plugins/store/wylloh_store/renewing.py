"""Prepares what waits for its wallet anew: prices, stock, holdings and permissions change meanwhile."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from wylloh_server.sdk import FilmId
from wylloh_store.asking import in_time
from wylloh_store.buying import BUY, renewed_purchase
from wylloh_store.selling import SELL, TAKE_BACK, renewed_sale, renewed_withdrawal
from wylloh_store.stocking import STOCK, WITHDRAW, renewed_stock, renewed_withdrawal_of_stock

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping
    from typing import Any

    from wylloh_server.sdk import Film, PluginContext, Proposal, Viewer

    Maker = Callable[[PluginContext, Viewer, Film, Mapping[str, str]], Coroutine[Any, Any, Proposal]]

_MAKERS: Mapping[str, Maker] = MappingProxyType(
    {
        BUY: renewed_purchase,
        SELL: renewed_sale,
        TAKE_BACK: renewed_withdrawal,
        STOCK: renewed_stock,
        WITHDRAW: renewed_withdrawal_of_stock,
    }
)


async def renewed(context: PluginContext, viewer: Viewer, recipe: Mapping[str, str]) -> Proposal | None:
    """Make a proposal anew from its recipe; None when another version of the store has written that.

    Raises:
        InvalidValue, NotFound, AccessRefused: it cannot be done any more; the sentence says why.
        ChainError: the chain cannot be asked, or not in time.
    """
    make = _MAKERS.get(recipe.get("do", ""))
    if make is None:
        return None
    async with in_time():
        film = await context.library.film(FilmId(recipe["film"]))
        return await make(context, viewer, film, recipe)
