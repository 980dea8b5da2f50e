"""Which films are watched most: counts how often each is started, never by whom."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from wylloh_example._pages import ROUTES
from wylloh_example._plays import MIGRATIONS, Plays
from wylloh_server.sdk import FilmRemoved, NavItem, PlaybackStarted, Setting, hookimpl

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wylloh_server.sdk import Event, Migration, PluginContext, PluginRoute, Viewer

WYLLOH_SDK = "1.0"
__version__ = "0.1.0"

_HERE = Path(__file__).resolve().parent


@hookimpl
def settings() -> Sequence[Setting]:
    """Declare what the owner of the server can decide."""
    return (Setting("shown", int, 10, "How many films the page shows."),)


@hookimpl
def migrations() -> Sequence[Migration]:
    """Declare the table."""
    return MIGRATIONS


@hookimpl
def routes() -> Sequence[PluginRoute]:
    """Declare the page."""
    return ROUTES


@hookimpl
def template_dirs() -> Sequence[Path]:
    """Declare the templates."""
    return (_HERE / "templates",)


@hookimpl
async def nav_items(viewer: Viewer | None) -> Sequence[NavItem]:
    """Lead to the page."""
    return (NavItem("Example"),) if viewer else ()


@hookimpl
async def on_event(context: PluginContext, event: Event) -> None:
    """Count films that are started, forget films that go."""
    if isinstance(event, PlaybackStarted):
        await Plays(context.tables).count(event.film)
    if isinstance(event, FilmRemoved):
        await Plays(context.tables).forget(event.film)
