"""Royalties: splitters that divide income, who shares in them, and statements that anybody can recompute."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from wylloh_royalties.issuer import ISSUER, check_issuer
from wylloh_royalties.pages import ROUTES
from wylloh_royalties.splitter_sync import sync_of, synchronized
from wylloh_royalties.tables import MIGRATIONS
from wylloh_server.sdk import (
    EventQuery,
    FilmCreated,
    NavItem,
    RecipientsChanged,
    Role,
    SplitterCreated,
    hookimpl,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from wylloh_royalties.splitter_sync import SplitterSync
    from wylloh_server.sdk import Event, Migration, PluginContext, PluginRoute, Setting, Viewer

WYLLOH_SDK = "1.0"

_HERE = Path(__file__).resolve().parent
_AFTER_THE_STORE = 25


@hookimpl
def migrations() -> Sequence[Migration]:
    """Declare the tables."""
    return MIGRATIONS


@hookimpl
def settings() -> Sequence[Setting]:
    """Declare the settings."""
    return (ISSUER,)


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
    """Declare the stylesheet and the script."""
    return (_HERE / "static",)


@hookimpl
async def lifespan(context: PluginContext) -> AsyncIterator[SplitterSync]:
    """Follow who is paid until the server stops."""
    check_issuer(context)
    async with synchronized(context) as sync:
        yield sync


@hookimpl
async def nav_items(context: PluginContext, viewer: Viewer | None) -> Sequence[NavItem]:
    """Show the entry to those who have something to divide, or a share in it."""
    if viewer is None or context.chain.contracts.splitters is None:
        return ()
    concerns = (FilmCreated, SplitterCreated, RecipientsChanged)
    concerned = viewer.role.includes(Role.PUBLISHER) or await context.chain.count(
        EventQuery(kinds=concerns, wallet=viewer.wallet)
    )
    return (NavItem("Royalties", order=_AFTER_THE_STORE),) if concerned else ()


@hookimpl
async def on_event(context: PluginContext, event: Event) -> None:
    """Follow chain and library."""
    await sync_of(context).handle_event(event)
