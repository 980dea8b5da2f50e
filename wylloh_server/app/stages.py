"""The stages of the start, in the order in which `server` calls them.

What a stage enters into the stack stops, in reverse order, when the stack closes.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from wylloh_server.adapters.system_clock import system_clock
from wylloh_server.app.background import build_batch, build_groups, register_film_work
from wylloh_server.app.chain_sync import build_indexer, build_onchain, follows_chain
from wylloh_server.app.page_updates import notify_open_pages
from wylloh_server.app.plugin_processes import place_tables
from wylloh_server.app.plugin_status import write_plugin_status
from wylloh_server.app.publishing import build_publishing_services
from wylloh_server.app.services import (
    build_accounts,
    build_background_services,
    build_fetch_consents,
    build_film_storage,
    build_folder_scans,
    build_health,
    build_indexes,
    build_library,
    build_licensing,
    build_package_switch,
    build_playback,
    build_plugin_library,
    build_posters,
    build_sources,
    build_trailers,
)
from wylloh_server.app.transaction_services import build_transactions
from wylloh_server.domain.events import FilmReady
from wylloh_server.domain.server_identity import ServerIdentity
from wylloh_server.domain.types import Seconds, Timestamp
from wylloh_server.plugins.context import PluginServices
from wylloh_server.services.accounts.development_accounts import DevelopmentAccounts
from wylloh_server.services.library.index_task import INDEX, start_indexing
from wylloh_server.services.library.missing_films import FilmRemoval
from wylloh_server.services.operations.plugin_schedule import PluginSchedule
from wylloh_server.services.operations.scheduler import after_writes, run_on_event, run_periodically
from wylloh_server.services.operations.task_service import TaskKind
from wylloh_server.web.application import make_runner
from wylloh_server.web.connection_limit import (
    BoundedConnections,
    most_connections,
    raise_descriptor_limit,
)

if TYPE_CHECKING:
    import socket
    from collections.abc import Awaitable, Callable
    from contextlib import AsyncExitStack

    from aiohttp import web

    from wylloh_server.app.core import Core
    from wylloh_server.app.publishing import PublishingServices
    from wylloh_server.app.services import AccountServices, BackgroundServices
    from wylloh_server.app.transaction_services import TransactionServices
    from wylloh_server.services.library.batch_actions import BatchActionService
    from wylloh_server.services.library.film_contents import MediaIndexes
    from wylloh_server.services.library.film_library import Library
    from wylloh_server.services.library.film_sources import FilmSources
    from wylloh_server.services.library.folder_scans import FolderScans
    from wylloh_server.services.library.group_service import GroupService
    from wylloh_server.services.library.posters import Posters
    from wylloh_server.services.library.trailers import Trailers
    from wylloh_server.services.licensing.decisions import Licensing
    from wylloh_server.services.licensing.package_switch import PackageSwitch
    from wylloh_server.services.operations.health import Health
    from wylloh_server.services.operations.unlisted_proxies import UnlistedProxies
    from wylloh_server.services.playback.film_storage import FilmStorage
    from wylloh_server.services.playback.playback_service import PlaybackService
    from wylloh_server.services.retrieval.fetch_consents import FetchConsents

    _Work = Callable[[], Awaitable[None]]

_STRANGERS_DAYS = 30
"""How long stays what a stranger left: a refused request for a key, an account nobody is signed in with."""
_DAY, _HOUR, _MINUTE, _SOON = Seconds(86_400), Seconds(3_600), Seconds(60), Seconds(10)
_UNPROMPTED, _TURNS = Seconds(30), 15
"""How long, and how many turns, what depends on the database passes while nothing is written."""


@dataclass(frozen=True, slots=True)
class LibraryServices:
    """Listing films and opening them."""

    library: Library
    removal: FilmRemoval
    sources: FilmSources
    indexes: MediaIndexes
    posters: Posters
    trailers: Trailers
    groups: GroupService
    batch: BatchActionService
    health: Health
    package_switch: PackageSwitch
    consents: FetchConsents
    folder_scans: FolderScans


@dataclass(frozen=True, slots=True)
class PlaybackServices:
    """Deciding who may watch, playing, and what films take on the disk."""

    licensing: Licensing
    service: PlaybackService
    film_storage: FilmStorage


async def start_accounts(
    core: Core, show_claim: Callable[[str], None], stack: AsyncExitStack
) -> AccountServices:
    """Start sign-in and pairing; show the claim code while nobody owns the server."""
    accounts = build_accounts(
        core.settings, core.adapters, bus=core.bus, live=core.live, show_claim=show_claim
    )
    development = DevelopmentAccounts(accounts.sign_in.sessions)
    await development.forget()
    stack.push_async_callback(development.forget)
    await accounts.claim.begin()
    return accounts


async def start_library(core: Core, proxies: UnlistedProxies, stack: AsyncExitStack) -> LibraryServices:
    """Start the library, and what looks into its films."""
    sources = build_sources(core.adapters, core.rights)
    indexes = build_indexes(core.adapters, sources)
    stack.push_async_callback(indexes.close)
    trailers = build_trailers(core.adapters, core.rights)
    scans = build_folder_scans(core.settings, core.adapters, trailers=trailers, bus=core.bus, live=core.live)
    return LibraryServices(
        library=build_library(core.adapters),
        removal=FilmRemoval(films=core.adapters.database.storage.films, bus=core.bus),
        sources=sources,
        indexes=indexes,
        posters=await build_posters(core.adapters, core.rights, sources),
        trailers=trailers,
        groups=build_groups(core.adapters, core.live),
        batch=build_batch(core.adapters, core.plugins, core.tasks),
        health=build_health(core.settings, core.adapters, core.rights, proxies),
        package_switch=build_package_switch(core.settings, core.adapters, core.rights, core.bus),
        consents=build_fetch_consents(core.settings, core.adapters),
        folder_scans=scans,
    )


async def start_playback(
    core: Core, accounts: AccountServices, films: LibraryServices, stack: AsyncExitStack
) -> PlaybackServices:
    """Start licence decisions, playback and its lease checks."""
    licensing = build_licensing(core.adapters, core.rights, core.dispatch, core.bus)
    playback = build_playback(
        core.settings,
        core.adapters,
        licensing,
        films.sources,
        indexes=films.indexes,
        tasks=core.film_tasks,
        bus=core.bus,
        sessions=accounts.sign_in.sessions,
    )
    await stack.enter_async_context(playback.running())
    storage = build_film_storage(core.settings, core.adapters, core.rights, playback.leases)
    return PlaybackServices(licensing, playback, storage)


async def start_transactions(core: Core, stack: AsyncExitStack) -> TransactionServices:
    """Start the transactions of wallets, and follow those that were sent."""
    transactions = build_transactions(core.settings, core.adapters, core.bus, core.live, core.dispatch)
    await stack.enter_async_context(transactions.tracker.running())
    return transactions


async def start_publishing(core: Core, transactions: TransactionServices) -> PublishingServices:
    """Start titles, approvals and registration."""
    return build_publishing_services(
        core.settings,
        core.adapters,
        core.rights,
        tasks=core.tasks,
        live=core.live,
        propose=transactions.service.propose,
    )


async def start_plugins(
    core: Core, films: LibraryServices, transactions: TransactionServices, stack: AsyncExitStack
) -> None:
    """Start the plugins; events reach them and open pages from now on."""
    core.bus.listeners.append(core.plugins.publish)
    await notify_open_pages(core.live, core.adapters, core.bus, stack)
    database, live = core.adapters.database.plugins, core.live
    services = PluginServices(
        place_tables=partial(place_tables, core.settings, core.adapters),
        migrate=database.migrate,
        tables=database.tables,
        library=build_plugin_library(core.adapters, films.library, films.sources),
        publish=core.bus.publish,
        chain=build_onchain(core.settings, core.adapters),
        propose=transactions.service.propose,
        start_task=core.tasks.start,
        changed=live.changed,
        notify=live.notify,
        server=ServerIdentity(core.settings.server.name, core.settings.server.public_url),
    )
    voters = core.adapters.database.storage.voting_plugins
    core.plugins.recall(await voters.all())
    await stack.enter_async_context(core.plugins.running(services))
    await stack.enter_async_context(write_plugin_status(core.settings, core.plugins, voters))


async def start_web(app: web.Application, bound: socket.socket, stack: AsyncExitStack) -> None:
    """Answer requests on a socket that listens already."""
    runner = make_runner(app)
    stack.push_async_callback(runner.cleanup)
    await runner.setup()
    assert runner.server is not None  # noqa: S101 - for the type checker: it has been set up
    raise_descriptor_limit()
    protocols = BoundedConnections(runner.server, most_connections())
    listening = await asyncio.get_running_loop().create_server(protocols, sock=bound, backlog=256)
    stack.callback(listening.close)


async def start_tasks(
    core: Core, films: LibraryServices, playback: PlaybackServices, stack: AsyncExitStack
) -> BackgroundServices:
    """Start the durable tasks, with those an earlier run left."""
    background = build_background_services(
        core.settings,
        core.adapters,
        core.rights,
        tasks=core.film_tasks,
        bus=core.bus,
    )
    register_film_work(
        core.settings,
        core.film_tasks,
        core.adapters,
        playback.service,
        downloader=background.downloader,
        switch=films.package_switch,
    )
    core.tasks.register(INDEX, TaskKind(films.indexes.index_all, at_once=1))
    await stack.enter_async_context(core.tasks.running())
    begin = partial(start_indexing, films.indexes, core.tasks)
    await stack.enter_async_context(run_on_event(core.bus, FilmReady, "indexing films", begin))
    schedule = PluginSchedule(core.plugins, core.tasks, core.adapters.database.storage.cursors, system_clock)
    await stack.enter_async_context(run_periodically("plugins' schedules", schedule.start_due, _MINUTE))
    return background


async def start_chain(core: Core, stack: AsyncExitStack) -> None:
    """Follow the chain, if one is configured."""
    if follows_chain(core.settings):
        indexer = build_indexer(core.settings, core.adapters, core.bus)
        every = Seconds(core.settings.chain.poll_seconds)
        await stack.enter_async_context(run_periodically("following the chain", indexer.catch_up, every))


async def start_periodic_work(
    core: Core,
    films: LibraryServices,
    background: BackgroundServices,
    *,
    accounts: AccountServices,
    publishing: PublishingServices,
    stack: AsyncExitStack,
) -> None:
    """Look for films on chain and in folders, fetch them, renew their envelopes and tidy up, periodically."""

    async def delete_old_receipts() -> None:
        oldest = Timestamp(system_clock() - core.settings.playback.receipt_days * _DAY)
        receipts = core.adapters.database.storage.receipts
        await receipts.remove_before(oldest)
        await receipts.remove_refused_before(Timestamp(system_clock() - _STRANGERS_DAYS * _DAY))

    async def delete_unused_accounts() -> None:
        now = system_clock()
        unused = Timestamp(now - _STRANGERS_DAYS * _DAY)
        await core.adapters.database.storage.accounts.remove_unused(unused, now)

    async def delete_unfinished_uploads() -> None:
        await publishing.titles.remove_unfinished(core.settings.publishing.upload_days)

    jobs: dict[str, tuple[_Work, Seconds]] = {
        "deleting old receipts": (delete_old_receipts, _DAY),
        "deleting expired revocations": (core.rights.custodian.forget_expired, _DAY),
        "deleting notes of wrong keys": (background.key_fault_retention.delete_over, _DAY),
        "deleting unfinished uploads": (delete_unfinished_uploads, _HOUR),
        "deleting unused accounts": (delete_unused_accounts, _DAY),
        "deleting old sessions": (accounts.sign_in.sessions.remove_expired, _DAY),
        "giving up segments for room": (core.adapters.segments.give_way, _SOON),
    }
    # Also without folders: the films of those that were configured before are away.
    await stack.enter_async_context(films.folder_scans.running())
    if core.settings.chain.rpc:
        await stack.enter_async_context(background.film_sync.running())
        jobs["deleting expired keys"] = (background.key_retention.delete_expired, _DAY)
        jobs |= _chain_jobs(core, films, background, publishing)
    for name, (work, seconds) in jobs.items():
        await stack.enter_async_context(run_periodically(name, work, seconds))


def _chain_jobs(
    core: Core, films: LibraryServices, background: BackgroundServices, publishing: PublishingServices
) -> dict[str, tuple[_Work, Seconds]]:
    """Return what follows from films and holders on chain, and how often to look for it."""
    every = Seconds(core.settings.chain.poll_seconds)
    at_least = Seconds(min(_UNPROMPTED, _TURNS * every))
    writes = core.adapters.database.storage.films.writes
    jobs = {
        "fetching metadata": background.metadata_fetch.make,
        "starting downloads": background.download_scheduler.start,
        "renewing envelopes": background.renewal.renew,
        "switching packages": films.package_switch.run,
        "following registrations": publishing.registration.check_chain,
    }
    return {name: (after_writes(work, writes, at_least), every) for name, work in jobs.items()}
