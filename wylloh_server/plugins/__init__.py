"""Plugin machinery: `PluginRegistry` loads, starts and stops plugins; `Dispatch` calls them."""

from __future__ import annotations

from wylloh_server.domain.plugin_limits import Limits
from wylloh_server.domain.plugin_record import PluginRecord, PluginStatus
from wylloh_server.plugins.context import PluginContext, PluginServices
from wylloh_server.plugins.dispatch import Dispatch
from wylloh_server.plugins.plugin_registry import PluginRegistry
from wylloh_server.plugins.spec import HOOKS

__all__ = [
    "HOOKS",
    "Dispatch",
    "Limits",
    "PluginContext",
    "PluginRecord",
    "PluginRegistry",
    "PluginServices",
    "PluginStatus",
]
