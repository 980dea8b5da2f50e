"""Charts of what happened on chain and on this server, for who makes and shows films. Nobody is tracked."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from wylloh_analytics._desk import desk_of, running
from wylloh_analytics._looking import reads_chain
from wylloh_analytics._pages import ROUTES
from wylloh_analytics._tables import MIGRATIONS
from wylloh_analytics._viewing import Diary, note
from wylloh_analytics.writing import of
from wylloh_server.sdk import (
    ChainAdvanced,
    Command,
    Fragment,
    NavItem,
    Role,
    Setting,
    Slot,
    hookimpl,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from wylloh_server.sdk import Event, Film, Migration, PluginContext, Route, Viewer

WYLLOH_SDK = "1.0"

_HERE = Path(__file__).resolve().parent
_AFTER_THE_STORE = 60


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
    )


@hookimpl
def migrations() -> Sequence[Migration]:
    """Declare the tables."""
    return MIGRATIONS


@hookimpl
def routes() -> Sequence[Route]:
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
    """Declare the command that counts everything anew."""
    return (Command("rebuild", "Forget all sums and count the chain's facts anew.", _rebuild),)


@hookimpl
async def lifespan(context: PluginContext) -> AsyncIterator[None]:
    """Count what happened while the plugin was not running."""
    if not context.settings["household_history"]:
        await Diary(context.tables).forget_everybody()  # what nobody is to keep is not left lying about
    async with running(context):
        yield


@hookimpl
async def on_event(context: PluginContext, event: Event) -> None:
    """Count what is new on the chain, and what is watched here."""
    if isinstance(event, ChainAdvanced):
        await desk_of(context).hear()
    else:
        await note(context, event)


@hookimpl
async def nav_items(context: PluginContext, viewer: Viewer | None) -> Sequence[NavItem]:
    """Lead to the charts those who make or show films, and everybody to their own history if it is kept.

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
    """Lead from a film's page to its charts whoever may see one of them."""
    if slot != Slot.FILM_ACTIONS or film is None or viewer is None:
        return ()
    on_chain = film.token is not None and reads_chain(context)
    if not on_chain and not viewer.role.includes(Role.ADMIN):
        return ()
    return (Fragment("link.html"),)


async def _rebuild(context: PluginContext, _: Sequence[str]) -> str:
    return f"Counted {of(await desk_of(context).rebuild(), 'fact')} anew."
