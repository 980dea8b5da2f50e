"""The plugins of the settings, with a server and without one."""

from __future__ import annotations

from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

from wylloh_server.adapters.files.settings_file import (
    check_plugin_settings,
    write_disabled,
    write_plugin_settings,
)
from wylloh_server.app.adapters import data_folder, open_adapters
from wylloh_server.app.background import build_tasks
from wylloh_server.app.chain_sync import build_onchain
from wylloh_server.app.instance_lock import instance_lock
from wylloh_server.app.plugin_processes import place_tables, process_spawner
from wylloh_server.app.plugin_status import noted_voters
from wylloh_server.app.services import build_library, build_plugin_library, build_rights, build_sources
from wylloh_server.app.transaction_services import build_transactions
from wylloh_server.domain.plugin_limits import Limits
from wylloh_server.domain.server_identity import ServerIdentity
from wylloh_server.plugins.context import PluginServices
from wylloh_server.plugins.plugin_registry import PluginRegistry
from wylloh_server.services.operations.event_bus import EventBus
from wylloh_server.services.operations.live_updates import LiveUpdates
from wylloh_server.services.operations.plugin_configuration import PluginConfiguration

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection

    from wylloh_server.config import Settings
    from wylloh_server.plugins.loading import Candidate


def plugin_registry(
    settings: Settings, only: Collection[Candidate] | None = None, patience: float | None = None
) -> PluginRegistry:
    """Load the installed plugins and those in the folders of the settings, or only the given ones.

    `patience` is that of `PluginRegistry.load`.
    """
    registry = PluginRegistry(
        path=settings.plugins.path,
        disabled=() if only else settings.plugins.disabled,
        settings=settings.plugins.settings,
        limits=Limits(answer=settings.plugins.timeout_seconds, page=5 * settings.plugins.timeout_seconds),
        candidates=only,
        voters=noted_voters(settings),
        spawner=partial(process_spawner, settings),
    )
    registry.load(patience)
    return registry


def plugin_configuration(settings: Settings, registry: PluginRegistry) -> PluginConfiguration:
    """Build what switches plugins and changes their settings, in the settings file."""
    return PluginConfiguration(
        registry=registry,
        check=partial(check_plugin_settings, settings.file),
        save=partial(write_plugin_settings, settings.file),
        save_off=partial(write_disabled, settings.file),
    )


@asynccontextmanager
async def plugins_at_work(settings: Settings, registry: PluginRegistry) -> AsyncIterator[None]:
    """Start loaded plugins without a server, with the same parts of it, until the context ends.

    Background tasks they start are kept until the server runs.

    Raises:
        SettingsError: a server is working with the data folder.
        WyllohError: the data folder, its database or its key store cannot be used.
    """
    data = data_folder(settings)
    with instance_lock(data):
        async with open_adapters(settings) as adapters:
            bus, live = EventBus(), LiveUpdates()
            rights = build_rights(settings, adapters, bus)
            bus.listeners.append(registry.publish)
            services = PluginServices(
                place_tables=partial(place_tables, settings, adapters),
                migrate=adapters.database.plugins.migrate,
                tables=adapters.database.plugins.tables,
                library=build_plugin_library(
                    adapters, build_library(adapters), build_sources(adapters, rights)
                ),
                publish=bus.publish,
                chain=build_onchain(settings, adapters),
                propose=build_transactions(settings, adapters, bus, live).service.propose,
                start_task=build_tasks(settings, adapters, registry, bus, live).start,
                changed=live.changed,
                notify=live.notify,
                server=ServerIdentity(settings.server.name, settings.server.public_url),
            )
            async with registry.running(services):
                yield
