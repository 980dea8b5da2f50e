"""Royalties: splitters that divide income, who shares in them, and statements that anybody can recompute."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from wylloh_royalties.keeper import keeper_of, keeping
from wylloh_royalties.routes import ROUTES
from wylloh_royalties.tables import MIGRATIONS
from wylloh_server.sdk import FilmCreated, NavItem, RecipientsChanged, Role, SplitterCreated, hookimpl

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from wylloh_server.sdk import Event, Migration, PluginContext, Route, Viewer

WYLLOH_SDK = "1.0"

_HERE = Path(__file__).resolve().parent
_AFTER_THE_STORE = 25


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
    """Declare the stylesheet and the script."""
    return (_HERE / "static",)


@hookimpl
async def lifespan(context: PluginContext) -> AsyncIterator[None]:
    """Follow who is paid until the server stops."""
    async with keeping(context):
        yield


@hookimpl
async def nav_items(context: PluginContext, viewer: Viewer | None) -> Sequence[NavItem]:
    """Lead those here who have something to divide, or a share in it."""
    if viewer is None or context.chain.contracts.splitters is None:
        return ()
    concerns = (FilmCreated, SplitterCreated, RecipientsChanged)
    concerned = viewer.role.includes(Role.PUBLISHER) or await context.chain.count(
        kinds=concerns, wallet=viewer.wallet
    )
    return (NavItem("Royalties", order=_AFTER_THE_STORE),) if concerned else ()


@hookimpl
async def on_event(context: PluginContext, event: Event) -> None:
    """Hear what happened on the chain and in the library."""
    await keeper_of(context).hear(event)
