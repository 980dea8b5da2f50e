"""The server as an aiohttp application."""

from __future__ import annotations

from contextlib import AsyncExitStack, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wylloh_server import __version__
from wylloh_server.adapters.jobs import DbosJobs
from wylloh_server.adapters.lan import ZeroconfAnnouncer
from wylloh_server.app.alone import alone
from wylloh_server.app.bringing import build_bringing, start_noting
from wylloh_server.app.following import build_indexer, build_onchain, register_following, start_following
from wylloh_server.app.inside import (
    build_chores,
    build_health,
    build_library,
    build_licensing,
    build_people,
    build_playback,
    build_posters,
    build_reading_room,
    build_rights,
    build_sources,
)
from wylloh_server.app.news import tell_open_pages
from wylloh_server.app.outside import data_folder, open_outside
from wylloh_server.app.plugin_notes import noting
from wylloh_server.app.plugins import plugin_registry
from wylloh_server.app.transactions import build_transactions
from wylloh_server.app.work import build_batch, build_groups, build_housework, build_tasks
from wylloh_server.domain.types import Seconds
from wylloh_server.hooks.context import PluginServices
from wylloh_server.hooks.dispatch import Dispatch
from wylloh_server.services.bus import Bus
from wylloh_server.services.caretaker import repeating
from wylloh_server.services.task_board import TaskBoard
from wylloh_server.web import keys
from wylloh_server.web.assembly import new_application, set_up_pages
from wylloh_server.web.development import develop
from wylloh_server.web.routes import add_routes

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager

    from aiohttp import web

    from wylloh_server.app.bringing import Bringing
    from wylloh_server.app.inside import Rights
    from wylloh_server.app.outside import Outside
    from wylloh_server.config import Settings
    from wylloh_server.services.library import Library
    from wylloh_server.services.live import Live
    from wylloh_server.services.playback import Playback
    from wylloh_server.services.sources import FilmSources
    from wylloh_server.services.tasks import TaskDesk
    from wylloh_server.services.transactions import TransactionDesk

_SCAN_SECONDS = Seconds(30)


def create_app(
    settings: Settings, show_claim: Callable[[str], None], *, development: bool = False
) -> web.Application:
    """Make the server; everything it needs opens when it starts, and closes in reverse when it stops.

    Args:
        settings: everything that can be decided.
        show_claim: is told the code that makes its reader the owner, while there is none.
        development: show changed templates and styles at once.
    """
    app = new_application(settings)
    app[keys.PLUGINS] = plugin_registry(settings)
    set_up_pages(app)
    add_routes(app)

    async def live(app: web.Application) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            await _open(app, settings, show_claim, stack)
            yield

    app.cleanup_ctx.append(live)
    if development:
        develop(app)
    return app


def announcing(settings: Settings) -> AbstractAsyncContextManager[None]:
    """Announce the server on the LAN until the context ends, if the settings say so."""
    server = settings.server
    if not settings.lan.announce or server.host.startswith("127."):
        return nullcontext()
    properties = {"name": server.name, "version": __version__, "path": "/"}
    return ZeroconfAnnouncer().announced(server.name, server.port, properties)


@dataclass(frozen=True, slots=True)
class _Core:
    """What every part of one server leans on."""

    settings: Settings
    outside: Outside
    rights: Rights
    bus: Bus
    jobs: DbosJobs
    live: Live


@dataclass(frozen=True, slots=True)
class _Films:
    """What shows, opens and plays films."""

    library: Library
    sources: FilmSources
    playback: Playback


async def _open(
    app: web.Application, settings: Settings, show_claim: Callable[[str], None], stack: AsyncExitStack
) -> None:
    """Open the parts in the order in which they lean on each other."""
    core = await _lay_ground(app, settings, stack)
    films = await _show_films(app, core)
    await _let_people_in(app, core, show_claim)
    core.bus.subscribe(app[keys.PLUGINS].publish)
    await tell_open_pages(core.live, core.outside, core.bus, stack)
    tasks = build_tasks(core.outside, app[keys.PLUGINS], core.jobs, core.bus, core.live)
    transactions = build_transactions(core.outside, core.bus, core.live, Dispatch(app[keys.PLUGINS]))
    app[keys.TRANSACTIONS] = transactions.desk
    app[keys.GROUPS] = build_groups(core.outside, core.live)
    app[keys.BATCH] = build_batch(core.outside, app[keys.PLUGINS], tasks)
    services = _for_plugins(core, films, transactions.desk, tasks)
    await stack.enter_async_context(app[keys.PLUGINS].running(services))
    await stack.enter_async_context(noting(settings, app[keys.PLUGINS]))
    await stack.enter_async_context(transactions.follower.running())
    bringing = await _welcome_publishers(app, core, tasks)
    await _work(app, core, films.playback, tasks, stack=stack)
    await start_noting(settings, bringing, stack)


async def _lay_ground(app: web.Application, settings: Settings, stack: AsyncExitStack) -> _Core:
    data = data_folder(settings)
    stack.enter_context(alone(data))
    bus = Bus()
    outside = await stack.enter_async_context(open_outside(settings))
    rights = build_rights(settings, outside, bus)
    return _Core(settings, outside, rights, bus, DbosJobs(data / "jobs.sqlite3"), app[keys.LIVE])


async def _show_films(app: web.Application, core: _Core) -> _Films:
    settings, outside, rights, bus = core.settings, core.outside, core.rights, core.bus
    licensing = build_licensing(outside, rights, Dispatch(app[keys.PLUGINS]), bus)
    sources, library = build_sources(outside, rights), build_library(outside)
    playback = build_playback(settings, outside, licensing, sources, jobs=core.jobs, bus=bus)
    app[keys.LIBRARY], app[keys.LICENSING], app[keys.PLAYBACK] = library, licensing, playback
    app[keys.ENVELOPES], app[keys.CUSTODY] = rights.envelopes, rights.custody
    app[keys.POSTERS] = await build_posters(outside, rights, sources)
    app[keys.PACKAGES], app[keys.POSITIONS] = outside.packages, outside.database.storage.positions
    app[keys.HEALTH] = build_health(settings, outside, rights)
    return _Films(library, sources, playback)


async def _let_people_in(app: web.Application, core: _Core, show_claim: Callable[[str], None]) -> None:
    people = build_people(core.settings, core.outside, core.bus, show_claim)
    app[keys.SIGN_IN], app[keys.PAIRING] = people.sign_in, people.pairing
    app[keys.ACCOUNTS] = core.outside.database.storage.accounts
    await people.claim.begin()


def _for_plugins(
    core: _Core, films: _Films, transactions: TransactionDesk, tasks: TaskDesk
) -> PluginServices:
    return PluginServices(
        database=core.outside.database.plugins,
        library=build_reading_room(core.outside, films.library, films.sources),
        publish=core.bus.publish,
        chain=build_onchain(core.settings, core.outside),
        transactions=transactions,
        tasks=tasks,
        live=core.live,
    )


async def _welcome_publishers(app: web.Application, core: _Core, tasks: TaskDesk) -> Bringing:
    propose = app[keys.TRANSACTIONS].propose
    bringing = await build_bringing(
        core.settings, core.outside, core.rights, tasks=tasks, live=core.live, propose=propose
    )
    app[keys.TITLES], app[keys.APPROVALS] = bringing.titles, bringing.approvals
    app[keys.TOKENISING] = bringing.tokenising
    return bringing


async def _work(
    app: web.Application, core: _Core, playback: Playback, tasks: TaskDesk, *, stack: AsyncExitStack
) -> None:
    """Begin what the server does by itself."""
    settings, outside, jobs, bus = core.settings, core.outside, core.jobs, core.bus
    chores = build_chores(settings, outside, core.rights, jobs, bus)
    register_following(settings, build_indexer(settings, outside, bus), jobs)
    housework = build_housework(outside, playback, chores.puller, jobs=jobs, bus=bus, live=core.live)
    app[keys.TASKS] = TaskBoard(tasks, housework)
    await stack.enter_async_context(playback.running())
    await stack.enter_async_context(jobs.running())
    await start_following(settings, jobs, stack)
    await stack.enter_async_context(tasks.running())
    if settings.chain.rpc:
        every = Seconds(settings.chain.poll_seconds)
        for name, work in (
            ("looking for films", chores.discovery.look),
            ("getting to know films", chores.introductions.make),
            ("starting pulls", chores.starter.start),
            ("renewing licences", chores.renewal.renew),
        ):
            await stack.enter_async_context(repeating(name, work, every))
    if settings.library.folders:
        await stack.enter_async_context(
            repeating("scanning folders", chores.folder_films.scan, _SCAN_SECONDS)
        )
