"""Tags on films: hierarchical, shared by everybody on the server, used to filter the library."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from wylloh_server.sdk import FilmAdded, FilmReady, FilmRemoved, NavItem, Setting, hookimpl
from wylloh_tagging import (
    _exchange_pages,
    _filter_pages,
    _fragments,
    _lock,
    _look_pages,
    _pages,
    _suggestion_pages,
    _work,
)
from wylloh_tagging._automatic import catch_up, tag_newcomer
from wylloh_tagging._kept import kept_of
from wylloh_tagging._store import TagStore
from wylloh_tagging._tables import MIGRATIONS
from wylloh_tagging.events import FilmTagged, FilmUntagged, TagMoved, TagsImported
from wylloh_tagging.keywords import warm_up

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from wylloh_server.sdk import (
        AccessRequest,
        BackgroundTask,
        BatchAction,
        Event,
        Film,
        Fragment,
        Migration,
        PluginContext,
        Route,
        Viewer,
        Vote,
    )

WYLLOH_SDK = "1.0"

_HERE = Path(__file__).resolve().parent


@hookimpl
def settings() -> Sequence[Setting]:
    """Declare what the owner can decide."""
    return (
        Setting("automatic", bool, True, "Tag each film with the decade it was made in, once."),
        Setting("viewers_may_edit", bool, False, "Let the role viewer add and remove tags too."),
        Setting("locked_for_viewers", tuple, (), "Tags whose films the role viewer may not watch."),
        Setting("language", str, "en", "Language of titles and synopses, and of subtitles if there is one."),
    )


@hookimpl
def migrations() -> Sequence[Migration]:
    """Declare the tables."""
    return MIGRATIONS


@hookimpl
def event_types() -> Sequence[type[Event]]:
    """Declare the events."""
    return (FilmTagged, FilmUntagged, TagMoved, TagsImported)


@hookimpl
def routes() -> Sequence[Route]:
    """Declare the pages and forms."""
    pages = (_pages, _look_pages, _filter_pages, _suggestion_pages, _exchange_pages)
    return [route for page in pages for route in page.ROUTES]


@hookimpl
def template_dirs() -> Sequence[Path]:
    """Declare the templates."""
    return (_HERE / "templates",)


@hookimpl
def static_dirs() -> Sequence[Path]:
    """Declare the stylesheet and the scripts."""
    return (_HERE / "static",)


@hookimpl
def background_tasks() -> Sequence[BackgroundTask]:
    """Declare what takes longer than a page."""
    return _work.BACKGROUND_TASKS


@hookimpl
def batch_actions() -> Sequence[BatchAction]:
    """Offer to tag many films at once."""
    return _work.BATCH_ACTIONS


@hookimpl
async def lifespan(context: PluginContext) -> AsyncIterator[None]:
    """Catch up with what happened while the plugin was not running."""
    _lock.locked_by_settings(context)  # a lock with a typing error must show at start, not stay open unseen
    await catch_up(context)
    warming = asyncio.create_task(asyncio.to_thread(warm_up, context.settings["language"]))
    yield
    warming.cancel()  # a server that stops at once need not wait for it


@hookimpl
async def nav_items(viewer: Viewer | None) -> Sequence[NavItem]:
    """Lead to the tree of tags."""
    return (NavItem("Tags"),) if viewer else ()


@hookimpl
async def page_fragments(
    context: PluginContext, slot: str, film: Film | None, viewer: Viewer | None
) -> Sequence[Fragment]:
    """Show tags and suggestions on a film's page, filters and collections on the library page."""
    return await _fragments.fragments(context, slot, film, viewer) if viewer else ()


@hookimpl
async def on_event(context: PluginContext, event: Event) -> None:
    """Tag films that come, forget films that go."""
    if isinstance(event, FilmAdded | FilmReady | FilmRemoved):
        kept_of(context.tables).forget_titles()
    if isinstance(event, FilmAdded | FilmReady) and context.settings["automatic"]:
        await tag_newcomer(context, event.film)
    if isinstance(event, FilmRemoved):
        await TagStore(context).forget([event.film])


@hookimpl
async def access_vote(context: PluginContext, request: AccessRequest) -> Vote | None:
    """Keep locked films from viewers."""
    return await _lock.vote(context, request)
