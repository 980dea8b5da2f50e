"""Background tasks, batch actions, groups of stacks, and the server's own long work, put together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import make_url

from wylloh_server.adapters.jobs.dbos_engine import DbosEngine
from wylloh_server.adapters.system_clock import system_clock
from wylloh_server.app.adapters import data_folder
from wylloh_server.domain.types import Seconds
from wylloh_server.services.library.batch_actions import BatchActionService
from wylloh_server.services.library.group_service import GroupService
from wylloh_server.services.library.plugin_batch_actions import PluginBatchActions
from wylloh_server.services.operations.film_tasks import (
    PULL,
    PULLS_AT_ONCE,
    TRANSCODE,
    FilmTasks,
    FilmWork,
    download_share,
)
from wylloh_server.services.operations.plugin_task_runner import PluginTaskRunner
from wylloh_server.services.operations.task_service import TaskService

if TYPE_CHECKING:
    from wylloh_server.app.adapters import Adapters
    from wylloh_server.config import Settings
    from wylloh_server.domain.types import FilmId
    from wylloh_server.plugins.plugin_registry import PluginRegistry
    from wylloh_server.services.licensing.package_switch import PackageSwitch
    from wylloh_server.services.operations.event_bus import EventBus
    from wylloh_server.services.operations.live_updates import LiveUpdates
    from wylloh_server.services.playback.playback_service import PlaybackService
    from wylloh_server.services.retrieval.ingest import Downloader

_NAME_LENGTH = 16
"""Hexadecimal digits of a server's device key that name it among others."""


def build_tasks(
    settings: Settings, adapters: Adapters, plugins: PluginRegistry, bus: EventBus, live: LiveUpdates
) -> TaskService:
    """Build what keeps and runs background tasks."""
    return TaskService(
        tasks=adapters.database.storage.tasks,
        jobs=job_engine(settings, adapters.secrets.server.device_public),
        plugins=PluginTaskRunner(plugins, adapters.database.storage.accounts.role),
        bus=bus,
        live=live,
        clock=system_clock,
    )


def job_engine(settings: Settings, device_key: str) -> DbosEngine:
    """Return the engine of durable jobs: in the same PostgreSQL as the rest, or beside the SQLite file.

    Not in the same SQLite file: SQLite has one writer at a time, and the engine's threads and ours wait for
    it by sleeping. Beside bulk inserts 40 jobs took 43 s in one file and 6 s in two, and the inserts ran at
    two thirds of their speed. Servers with one PostgreSQL are told apart by the key in their data folder.
    """
    url = make_url(settings.database_url)
    if url.get_backend_name() == "sqlite":
        return DbosEngine(data_folder(settings) / "jobs.sqlite3")
    return DbosEngine(settings.database_url, device_key[:_NAME_LENGTH])


def build_batch(adapters: Adapters, plugins: PluginRegistry, tasks: TaskService) -> BatchActionService:
    """Build what does one thing to many films."""
    offers, films = PluginBatchActions(plugins), adapters.database.storage.films
    return BatchActionService(offers=offers, films=films, tasks=tasks)


def build_groups(adapters: Adapters, live: LiveUpdates) -> GroupService:
    """Build what splits stacks into named groups."""
    return GroupService(groups=adapters.database.storage.groups, live=live, clock=system_clock)


def register_film_work(
    settings: Settings,
    films: FilmTasks,
    adapters: Adapters,
    playback: PlaybackService,
    *,
    downloader: Downloader,
    switch: PackageSwitch,
) -> None:
    """Name what fetches films and what makes them ready for players."""
    pause, storage = Seconds(settings.chain.poll_seconds), adapters.database.storage
    share = download_share(storage.films, storage.versions)

    async def fetch_film(film_id: FilmId) -> None:
        await downloader.pull(film_id)
        await switch.take_over(film_id)

    fetch = FilmWork(fetch_film, "It is here, and checked.", share, fetches=True)
    make = FilmWork(playback.fill, "Every player can play it at once.", playback.made)
    films.register(PULL, fetch, at_once=PULLS_AT_ONCE, first_pause=pause)
    films.register(TRANSCODE, make, at_once=1, first_pause=pause)
