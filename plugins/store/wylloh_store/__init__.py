"""The store: a catalogue of films for sale, buying and selling tokens, and who holds what."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from wylloh_server.sdk import NavItem, Setting, hookimpl
from wylloh_store.coins import configured_coins
from wylloh_store.fragments import fragments
from wylloh_store.keeper import keeper_of, keeping
from wylloh_store.renewing import renewed
from wylloh_store.routes import ROUTES
from wylloh_store.tables import MIGRATIONS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from wylloh_server.sdk import (
        Event,
        Film,
        Fragment,
        Migration,
        PluginContext,
        Proposal,
        Route,
        Viewer,
    )

WYLLOH_SDK = "1.0"

_HERE = Path(__file__).resolve().parent
_AFTER_THE_LIBRARY = 20


@hookimpl
def settings() -> Sequence[Setting]:
    """Declare what the owner can decide."""
    return (Setting("coins", tuple, (), "Addresses of the coins that prices can be named in, such as USDC."),)


@hookimpl
def migrations() -> Sequence[Migration]:
    """Declare the tables."""
    return MIGRATIONS


@hookimpl
def routes() -> Sequence[Route]:
    """Declare the pages and forms."""
    return ROUTES


@hookimpl
def template_dirs() -> Sequence[Path]:
    """Declare the templates."""
    return (_HERE / "templates",)


@hookimpl
def static_dirs() -> Sequence[Path]:
    """Declare the stylesheet and scripts."""
    return (_HERE / "static",)


@hookimpl
async def lifespan(context: PluginContext) -> AsyncIterator[None]:
    """Open the shop, and keep it true to library and chain until the server stops."""
    configured_coins(context)  # an address with a typing error must show at start
    async with keeping(context):
        yield


@hookimpl
async def nav_items(context: PluginContext, viewer: Viewer | None) -> Sequence[NavItem]:
    """Lead to the store, where there is a chain."""
    has_chain = context.chain.contracts.registry is not None
    return (NavItem("Store", order=_AFTER_THE_LIBRARY),) if viewer and has_chain else ()


@hookimpl
async def page_fragments(
    context: PluginContext, slot: str, film: Film | None, viewer: Viewer | None
) -> Sequence[Fragment]:
    """Put buttons that buy, and a section about price and sale, on a film's page."""
    return await fragments(context, slot, film, viewer) if viewer else ()


@hookimpl
async def renew_proposal(
    context: PluginContext, viewer: Viewer, recipe: Mapping[str, str]
) -> Proposal | None:
    """Prepare what waits for its wallet anew, as prices, stock and permissions are now."""
    return await renewed(context, viewer, recipe)


@hookimpl
async def on_event(context: PluginContext, event: Event) -> None:
    """Hear what came, went and happened."""
    keeper_of(context).hear(event)
