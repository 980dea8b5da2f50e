"""The store: a catalogue of films for sale, buying and selling tokens, and who holds what."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from wylloh_server.sdk import AccountRemoved, NavItem, Setting, hookimpl
from wylloh_store.address_book import forget_names
from wylloh_store.coin_choices import configured_coins
from wylloh_store.pages import ROUTES
from wylloh_store.proposal_recipes import renewed
from wylloh_store.purchase_fragments import fragments, fragments_for_guests
from wylloh_store.requests import may_look
from wylloh_store.sync import sync_of, synchronized
from wylloh_store.tables import MIGRATIONS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from wylloh_server.sdk import (
        Event,
        Film,
        Fragment,
        Migration,
        PluginContext,
        PluginRoute,
        Proposal,
        Viewer,
    )
    from wylloh_store.sync import StoreSync

WYLLOH_SDK = "1.0"

_HERE = Path(__file__).resolve().parent
_AFTER_THE_LIBRARY = 20


@hookimpl
def settings() -> Sequence[Setting]:
    """Declare what the owner can decide."""
    return (
        Setting("coins", tuple, (), "Addresses of the coins that prices can be named in, such as USDC."),
        Setting("public", bool, False, "Whether people who are not signed in may look at what is on sale."),
    )


@hookimpl
def migrations() -> Sequence[Migration]:
    """Declare the tables."""
    return MIGRATIONS


@hookimpl
def routes() -> Sequence[PluginRoute]:
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
async def lifespan(context: PluginContext) -> AsyncIterator[StoreSync]:
    """Open the index, and keep it true to library and chain until the server stops."""
    configured_coins(context)  # a mistyped address must show at start
    async with synchronized(context) as sync:
        yield sync


@hookimpl
async def nav_items(context: PluginContext, viewer: Viewer | None) -> Sequence[NavItem]:
    """Show the entry of the store, where there is a chain."""
    has_chain = context.chain.contracts.registry is not None
    return (NavItem("Store", order=_AFTER_THE_LIBRARY),) if has_chain and may_look(context, viewer) else ()


@hookimpl
async def page_fragments(
    context: PluginContext, slot: str, film: Film | None, viewer: Viewer | None
) -> Sequence[Fragment]:
    """Put buttons that buy, and a section about price and sale, on a film's page."""
    if viewer is None:
        return await fragments_for_guests(context, slot) if may_look(context, viewer) else ()
    return await fragments(context, slot, film, viewer)


@hookimpl
async def renew_proposal(
    context: PluginContext, viewer: Viewer, recipe: Mapping[str, str]
) -> Proposal | None:
    """Prepare again what waits for its wallet, as prices, stock and permissions are now."""
    return await renewed(context, viewer, recipe)


@hookimpl
async def on_event(context: PluginContext, event: Event) -> None:
    """Follow chain and library; forget what somebody noted whose account is removed."""
    sync_of(context).handle_event(event)
    if isinstance(event, AccountRemoved):
        await forget_names(context, event.wallet)
