"""The plugins of the settings, with a server and without one."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from wylloh_server.adapters.jobs import DbosJobs
from wylloh_server.app.alone import alone
from wylloh_server.app.following import build_onchain
from wylloh_server.app.inside import build_library, build_reading_room, build_rights, build_sources
from wylloh_server.app.outside import data_folder, open_outside
from wylloh_server.app.transactions import build_transactions
from wylloh_server.app.work import build_tasks
from wylloh_server.hooks.context import PluginServices
from wylloh_server.hooks.limits import Limits
from wylloh_server.hooks.registry import PluginRegistry
from wylloh_server.services.bus import Bus
from wylloh_server.services.live import Live

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection

    from wylloh_server.config import Settings
    from wylloh_server.hooks.discovery import Candidate


def plugin_registry(settings: Settings, only: Collection[Candidate] | None = None) -> PluginRegistry:
    """Load the plugins that are installed and those in the settings' folders, or only the given ones."""
    registry = PluginRegistry(
        path=settings.plugins.path,
        disabled=() if only else settings.plugins.disabled,
        settings=settings.plugins.settings,
        limits=Limits(answer=settings.plugins.timeout_seconds),
        candidates=only,
    )
    registry.load()
    return registry


@asynccontextmanager
async def plugins_at_work(settings: Settings, registry: PluginRegistry) -> AsyncIterator[None]:
    """Start loaded plugins without a server, on everything they know from one, until the context ends.

    Background tasks they start are kept until the server runs.

    Raises:
        SettingsError: a server is working with the data folder.
        WyllohError: the data folder, its database or its key store cannot be used.
    """
    data = data_folder(settings)
    with alone(data):
        async with open_outside(settings) as outside:
            bus, live = Bus(), Live()
            rights = build_rights(settings, outside, bus)
            bus.subscribe(registry.publish)
            services = PluginServices(
                database=outside.database.plugins,
                library=build_reading_room(outside, build_library(outside), build_sources(outside, rights)),
                publish=bus.publish,
                chain=build_onchain(settings, outside),
                transactions=build_transactions(outside, bus, live).desk,
                tasks=build_tasks(outside, registry, DbosJobs(data / "jobs.sqlite3"), bus, live),
                live=live,
            )
            async with registry.running(services):
                yield
