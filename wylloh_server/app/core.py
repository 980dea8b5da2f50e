"""What every part of one server uses: adapters, keys, the event bus, live updates, plugins and tasks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wylloh_server.adapters.system_clock import system_clock
from wylloh_server.app.adapters import data_folder, open_adapters
from wylloh_server.app.background import build_tasks
from wylloh_server.app.instance_lock import instance_lock
from wylloh_server.app.services import build_rights
from wylloh_server.services.licensing.revocation_delivery import RevocationDelivery
from wylloh_server.services.operations.event_bus import EventBus
from wylloh_server.services.operations.film_tasks import FilmTasks

if TYPE_CHECKING:
    from contextlib import AsyncExitStack

    from wylloh_server.app.adapters import Adapters
    from wylloh_server.app.services import RightsServices
    from wylloh_server.config import Settings
    from wylloh_server.plugins.dispatch import Dispatch
    from wylloh_server.plugins.plugin_registry import PluginRegistry
    from wylloh_server.services.operations.live_updates import LiveUpdates
    from wylloh_server.services.operations.task_service import TaskService


@dataclass(frozen=True, slots=True)
class Core:
    """The composition root's own view of a server; no service sees it."""

    settings: Settings
    adapters: Adapters
    rights: RightsServices
    revocation_delivery: RevocationDelivery
    bus: EventBus
    live: LiveUpdates
    plugins: PluginRegistry
    dispatch: Dispatch
    tasks: TaskService
    film_tasks: FilmTasks


async def start_core(
    settings: Settings, plugins: PluginRegistry, dispatch: Dispatch, live: LiveUpdates, stack: AsyncExitStack
) -> Core:
    """Lock the data folder and open every adapter, until the stack closes.

    Raises:
        SettingsError: another server uses the data folder, or a setting cannot be used.
        WyllohError: the data folder, its database or its key store cannot be used.
    """
    stack.enter_context(instance_lock(data_folder(settings)))
    adapters = await stack.enter_async_context(open_adapters(settings))
    storage, bus = adapters.database.storage, EventBus()
    tasks, rights = build_tasks(settings, adapters, plugins, bus, live), build_rights(settings, adapters, bus)
    return Core(
        settings=settings,
        adapters=adapters,
        rights=rights,
        revocation_delivery=RevocationDelivery(
            films=storage.films,
            envelopes=storage.envelopes,
            manifests=rights.manifests,
            http=adapters.http,
            tasks=tasks,
            clock=system_clock,
        ),
        bus=bus,
        live=live,
        plugins=plugins,
        dispatch=dispatch,
        tasks=tasks,
        film_tasks=FilmTasks(tasks=tasks, films=storage.films, versions=storage.versions, live=live),
    )
