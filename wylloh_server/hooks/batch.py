"""Asks running plugins about their batch actions: which there are, what they need, what they would do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from wylloh_server.domain.errors import AccessRefused, ChainError, InvalidValue, NotFound, PluginError
from wylloh_server.hooks.declarations import BatchField, BatchPlan
from wylloh_server.hooks.records import PluginStatus

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from wylloh_server.domain.access import Viewer
    from wylloh_server.hooks.context import PluginContext
    from wylloh_server.hooks.declarations import BatchAction, BatchRequest
    from wylloh_server.hooks.records import Plugin
    from wylloh_server.hooks.registry import PluginRegistry

_Answer = TypeVar("_Answer")
_FOR_PEOPLE = (InvalidValue, AccessRefused, NotFound, ChainError)
_LOOK = "Whoever runs this server finds the reason on the admin page."


class BatchAsker:
    """Asks a registry's plugins. It keeps no state: make one anywhere."""

    def __init__(self, registry: PluginRegistry) -> None:
        self._registry = registry

    def actions(self, viewer: Viewer) -> tuple[tuple[str, BatchAction], ...]:
        """Give what this viewer may do, each with its plugin's name."""
        return tuple(
            (plugin.name, action)
            for plugin in self._registry.at_work()
            for action in plugin.declared.batch_actions
            if viewer.role.includes(action.role)
        )

    async def fields(self, plugin: str, name: str, viewer: Viewer) -> tuple[BatchField, ...]:
        """Ask what has to be filled in.

        Raises:
            NotFound: there is no such action.
            AccessRefused: the viewer's role is too small.
            PluginError: the plugin failed, or took too long.
        """
        found, action, context = self._find(plugin, name, viewer)
        if action.fields is None:
            return ()
        given = await self._ask(found, f"the fields of {name}", action.fields(context, viewer))
        if not isinstance(given, Sequence) or not all(isinstance(item, BatchField) for item in given):
            raise self._wrong(found, name, "fields must give a list of BatchField")
        return tuple(given)

    async def plan(self, plugin: str, name: str, request: BatchRequest) -> BatchPlan:
        """Ask what would happen.

        Raises:
            NotFound: there is no such action.
            AccessRefused: the viewer's role is too small, or the plugin says no.
            InvalidValue, ChainError: the plugin says why it cannot be planned.
            PluginError: the plugin failed, or took too long.
        """
        found, action, context = self._find(plugin, name, request.viewer)
        plan = await self._ask(found, f"the plan of {name}", action.plan(context, request))
        if not isinstance(plan, BatchPlan):
            raise self._wrong(found, name, "plan must give a BatchPlan")
        return plan

    def action(self, plugin: str, name: str, viewer: Viewer) -> BatchAction:
        """Find an action the viewer may use.

        Raises:
            NotFound: there is no such action.
            AccessRefused: the viewer's role is too small.
        """
        return self._find(plugin, name, viewer)[1]

    def _find(self, name: str, action: str, viewer: Viewer) -> tuple[Plugin, BatchAction, PluginContext]:
        plugin = self._registry.plugin(name)
        declared = plugin.declared.batch_actions if plugin else ()
        found = next((item for item in declared if item.name == action), None)
        if plugin is None or found is None or plugin.context is None:
            raise NotFound("There is no such action here.", fix="Reload the page.")
        if plugin.status is not PluginStatus.RUNNING:
            raise PluginError(f"The plugin {name} is not running.", fix=_LOOK)
        if not viewer.role.includes(found.role):
            raise AccessRefused(
                f"This is for the role {found.role} or above.", fix="Ask the owner of this server."
            )
        return plugin, found, plugin.context

    async def _ask(self, plugin: Plugin, where: str, work: Coroutine[Any, Any, _Answer]) -> _Answer:
        try:
            return await plugin.ask(where, work, self._registry.limits.answer)
        except _FOR_PEOPLE:
            raise
        except TimeoutError as error:
            plugin.blame(where, error)
            raise PluginError(f"The plugin {plugin.name} took too long to answer.", fix=_LOOK) from error
        except Exception as error:
            plugin.blame(where, error)
            raise PluginError(
                f"The plugin {plugin.name} made a mistake and could not answer.", fix=_LOOK
            ) from error

    def _wrong(self, plugin: Plugin, name: str, rule: str) -> PluginError:
        plugin.blame(f"the batch action {name}", PluginError(rule))
        return PluginError(f"The plugin {plugin.name} made a mistake and could not answer.", fix=_LOOK)
