"""Tags on films: hierarchical, shared by everybody on the server, used to filter the library."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from wylloh_server.sdk import (
    AccountRemoved,
    FilmAdded,
    FilmDescribed,
    FilmReady,
    FilmRemoved,
    NavItem,
    Setting,
    hookimpl,
)
from wylloh_tagging import (
    filter_pages,
    import_export_pages,
    pages,
    parental_lock,
    quiet_hours,
    skip_chapters,
    suggestion_pages,
    tag_fragments,
    tag_style_pages,
    tag_tasks,
    webhook,
)
from wylloh_tagging.automatic_tags import catch_up, tag_film
from wylloh_tagging.cache import TagCache, cache_of
from wylloh_tagging.filters import Filters
from wylloh_tagging.queries import TagStore
from wylloh_tagging.tables import MIGRATIONS
from wylloh_tagging.tag_events import FilmTagged, FilmUntagged, TagMoved, TagsImported

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from wylloh_server.sdk import (
        AccessRequest,
        BackgroundTask,
        BatchAction,
        CardFragment,
        Event,
        Film,
        Fragment,
        Migration,
        PluginContext,
        PluginRoute,
        Viewer,
        Vote,
    )

WYLLOH_SDK = "1.0"

_HERE = Path(__file__).resolve().parent


@hookimpl
def settings() -> Sequence[Setting]:
    """Declare what the owner can decide."""
    return (
        Setting("automatic", bool, True, "Tag each film with the decade it was made in."),
        Setting("viewers_may_edit", bool, False, "Let the role viewer add and remove tags too."),
        Setting("locked_for_viewers", tuple, (), "Tags whose films the role viewer may not watch."),
        Setting(
            "quiet_hours",
            str,
            "",
            "Hours on this server's clock without starts by viewers: 21:00-06:30.",
        ),
        Setting("quiet_on_tvs", bool, True, "Whether quiet hours hold on TVs too."),
        Setting(
            "skip_chapters",
            str,
            skip_chapters.ASK,
            "Whether chapters named intro, recap or credits are skipped: ask shows a button.",
            choices=(skip_chapters.NEVER, skip_chapters.ASK, skip_chapters.ALWAYS),
        ),
        Setting(webhook.TOKEN, str, "", "Lets programs that know it tag films; empty: none.", secret=True),
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
def routes() -> Sequence[PluginRoute]:
    """Declare the pages and forms."""
    modules = (
        pages,
        tag_style_pages,
        filter_pages,
        suggestion_pages,
        import_export_pages,
        skip_chapters,
        webhook,
    )
    return [route for module in modules for route in module.ROUTES]


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
    return tag_tasks.BACKGROUND_TASKS


@hookimpl
def batch_actions() -> Sequence[BatchAction]:
    """Offer to tag many films at once."""
    return tag_tasks.BATCH_ACTIONS


@hookimpl
async def lifespan(context: PluginContext) -> AsyncIterator[TagCache]:
    """Catch up with what happened while the plugin was not running."""
    parental_lock.locked_by_settings(context)  # fail at start on a misspelt lock
    quiet_hours.quiet_hours(context)
    await catch_up(context)
    yield TagCache()


@hookimpl
async def nav_items(viewer: Viewer | None) -> Sequence[NavItem]:
    """Lead to the tree of tags."""
    return (NavItem("Tags"),) if viewer else ()


@hookimpl
async def page_fragments(
    context: PluginContext, slot: str, film: Film | None, viewer: Viewer | None
) -> Sequence[Fragment]:
    """Show tags, suggestions, filters and collections, the locks on the admin page; skip in the player."""
    return await tag_fragments.fragments(context, slot, film, viewer) if viewer else ()


@hookimpl
async def film_cards(context: PluginContext, films: Sequence[Film], viewer: Viewer) -> Sequence[CardFragment]:
    """Mark locked films."""
    return await tag_fragments.film_cards(context, films, viewer)


@hookimpl
async def admin_notices(context: PluginContext) -> Sequence[str]:
    """Name the locks of the settings file that keep no film from anybody: mostly they are misspelt."""
    films = (await TagStore(context).index()).films
    return [
        f"No film has the tag {tag}, which locked_for_viewers names: nothing is locked by it. Is it misspelt?"
        for tag in parental_lock.locked_by_settings(context)
        if not films.get(tag)
    ]


@hookimpl
async def on_event(context: PluginContext, event: Event) -> None:
    """Tag films that come or change, forget removed films and accounts; a film only away keeps its tags."""
    if isinstance(event, FilmAdded | FilmDescribed | FilmReady | FilmRemoved):
        cache_of(context).forget_titles()
    if isinstance(event, FilmAdded | FilmDescribed | FilmReady) and context.settings["automatic"]:
        await tag_film(context, event.film)
    if isinstance(event, FilmRemoved):
        await TagStore(context).forget([event.film])
    if isinstance(event, AccountRemoved):
        await Filters(context, event.wallet, may_share=False).forget_own()


@hookimpl
async def access_vote(context: PluginContext, request: AccessRequest) -> Vote | None:
    """Keep locked films from viewers, and all films in quiet hours."""
    locked = await parental_lock.vote(context, request, TagStore(context))
    return locked or quiet_hours.vote(context, request)
