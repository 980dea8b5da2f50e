"""Ask plugins about their batch actions: which there are, what to fill in, what they would do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wylloh_server.domain.access import check_role
from wylloh_server.domain.errors import NotFound, PluginError
from wylloh_server.domain.plugin_batch import BatchField, BatchPlan
from wylloh_server.domain.plugin_record import PluginStatus
from wylloh_server.plugins.dispatch import (
    FOR_PEOPLE,
    SEE_ADMIN_PAGE,
    recording,
)
from wylloh_server.plugins.loading import checked_items

if TYPE_CHECKING:
    from wylloh_server.domain.access import Viewer
    from wylloh_server.domain.plugin_batch import BatchRequest
    from wylloh_server.plugins.context import PluginContext
    from wylloh_server.plugins.declarations import BatchAction
    from wylloh_server.plugins.plugin_registry import PluginRegistry
    from wylloh_server.plugins.state import Plugin


class PluginBatchActions:
    """The batch actions of a registry's plugins. Keeps no state."""

    def __init__(self, registry: PluginRegistry) -> None:
        self._registry = registry

    def offered(self, viewer: Viewer) -> tuple[tuple[str, BatchAction], ...]:
        """Return the actions a viewer may use, each with its plugin's name."""
        return tuple(
            (plugin.name, action)
            for plugin in self._registry.running_plugins()
            for action in plugin.declared.batch_actions
            if viewer.role.includes(action.role)
        )

    def find(self, plugin: str, name: str, viewer: Viewer) -> BatchAction:
        """Return an action the viewer may use.

        Raises:
            NotFound: there is no such action.
            AccessRefused: the viewer's role is too low.
            PluginError: the plugin is not running.
        """
        return self._find(plugin, name, viewer)[1]

    async def fields(self, plugin: str, name: str, viewer: Viewer) -> tuple[BatchField, ...]:
        """Return the fields to fill in before an action.

        Raises:
            NotFound, AccessRefused: as for `find`.
            PluginError: the plugin failed, or took too long.
        """
        found, action, context = self._find(plugin, name, viewer)
        if action.fields is None:
            return ()
        where = f"the fields of {name}"
        with recording(found, where, FOR_PEOPLE):
            given = await found.call(where, action.fields(context, viewer), self._registry.limits.answer)
            return checked_items(given, BatchField, "fields")

    async def plan(self, plugin: str, name: str, request: BatchRequest) -> BatchPlan:
        """Return what an action would do.

        Raises:
            NotFound, AccessRefused: as for `find`; or the plugin refuses.
            InvalidValue, ChainError: it cannot be done, and why.
            PluginError: the plugin failed, or took too long.
        """
        found, action, context = self._find(plugin, name, request.viewer)
        where = f"the plan of {name}"
        with recording(found, where, FOR_PEOPLE):
            plan = await found.call(where, action.plan(context, request), self._registry.limits.answer)
            if not isinstance(plan, BatchPlan):
                raise PluginError("plan must return a BatchPlan")
        return plan

    def _find(self, name: str, action: str, viewer: Viewer) -> tuple[Plugin, BatchAction, PluginContext]:
        plugin = self._registry.plugin(name)
        declared = plugin.declared.batch_actions if plugin else ()
        found = next((item for item in declared if item.name == action), None)
        if plugin is None or found is None or plugin.context is None:
            raise NotFound("There is no such action here.", fix="Reload the page.")
        if plugin.status is not PluginStatus.RUNNING:
            raise PluginError(f"The plugin {name} is not running.", fix=SEE_ADMIN_PAGE)
        check_role(viewer, found.role)
        return plugin, found, plugin.context
