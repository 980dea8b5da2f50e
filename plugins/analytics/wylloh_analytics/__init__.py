"""Charts of what happened on chain and on this server, for who makes and shows films. Nobody is tracked."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from wylloh_analytics.pages import ROUTES
from wylloh_analytics.play_counts import WatchHistory, note
from wylloh_analytics.request_scope import reads_chain
from wylloh_analytics.service import CountingService, service_of
from wylloh_analytics.tables import MIGRATIONS
from wylloh_server.sdk import (
    BackgroundTask,
    ChainAdvanced,
    Command,
    Fragment,
    NavItem,
    Role,
    Setting,
    Slot,
    TaskResult,
    format_count,
    hookimpl,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from wylloh_server.sdk import Event, Film, Migration, PluginContext, PluginRoute, TaskProgress, Viewer

WYLLOH_SDK = "1.0"

_HERE = Path(__file__).resolve().parent
_AFTER_THE_STORE = 60
_A_DAY = 86_400


@hookimpl
def settings() -> Sequence[Setting]:
    """Declare what the owner can decide."""
    return (
        Setting(
            "household_history",
            bool,
            False,
            "Keep for everybody a list of what they watched, which only they see and can delete.",
        ),
        Setting(
            "history_days", int, 0, "Delete lines of these lists after so many days; 0 keeps them.", least=0
        ),
    )


@hookimpl
def migrations() -> Sequence[Migration]:
    """Declare the tables."""
    return MIGRATIONS


@hookimpl
def routes() -> Sequence[PluginRoute]:
    """Declare the pages and downloads."""
    return ROUTES


@hookimpl
def template_dirs() -> Sequence[Path]:
    """Declare the templates."""
    return (_HERE / "templates",)


@hookimpl
def static_dirs() -> Sequence[Path]:
    """Declare the stylesheet and the scripts."""
    return (_HERE / "static",)


@hookimpl
def cli_commands() -> Sequence[Command]:
    """Declare the command that rebuilds the sums."""
    return (Command("rebuild", "Forget all sums and count the chain's facts anew.", _rebuild),)


@hookimpl
def background_tasks() -> Sequence[BackgroundTask]:
    """Declare the task that deletes old lines of everybody's history, once a day."""
    title = "Delete what was watched long ago"
    return (BackgroundTask("forget", _forget_old_history, every=_A_DAY, title=title),)


@hookimpl
async def lifespan(context: PluginContext) -> AsyncIterator[CountingService]:
    """Count what happened while the plugin was not running."""
    if not context.settings["household_history"]:
        await WatchHistory(context.tables).forget_everybody()
    service = CountingService(context)
    async with service.running():
        yield service


@hookimpl
async def on_event(context: PluginContext, event: Event) -> None:
    """Count what is new on the chain, and what is watched here."""
    if isinstance(event, ChainAdvanced):
        await service_of(context).hear()
    else:
        await note(context, event)


@hookimpl
async def nav_items(context: PluginContext, viewer: Viewer | None) -> Sequence[NavItem]:
    """Link publishers and admins to the charts, and everybody to their own history if it is kept.

    Where no chain is read, there are only plays, which are for who runs the server.
    """
    if viewer is None:
        return ()
    if viewer.role.includes(Role.PUBLISHER if reads_chain(context) else Role.ADMIN):
        return (NavItem("Analytics", order=_AFTER_THE_STORE),)
    history = context.settings["household_history"]
    return (NavItem("History", "history", _AFTER_THE_STORE),) if history else ()


@hookimpl
async def page_fragments(
    context: PluginContext, slot: str, film: Film | None, viewer: Viewer | None
) -> Sequence[Fragment]:
    """Link from a film's page to its charts, for viewers who may see one of them."""
    if slot != Slot.FILM_DETAILS or film is None or viewer is None:
        return ()
    on_chain = film.token is not None and reads_chain(context)
    if not on_chain and not viewer.role.includes(Role.ADMIN):
        return ()
    return (Fragment("link.html"),)


async def _forget_old_history(context: PluginContext, _: TaskProgress) -> TaskResult:
    days = context.settings["history_days"]
    if not days:
        return TaskResult("The settings keep everything.")
    await WatchHistory(context.tables).forget_older(days, time.time())
    return TaskResult(f"What was watched more than {format_count(days, 'day')} ago is deleted.")


async def _rebuild(context: PluginContext, _: Sequence[str]) -> str:
    return f"Counted {format_count(await service_of(context).rebuild(), 'fact')} anew."
