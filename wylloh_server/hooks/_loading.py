"""Turns a candidate into a plugin whose hooks and declarations are known."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from wylloh_server.domain.errors import PluginError
from wylloh_server.hooks._declared import declare
from wylloh_server.hooks._thread import within
from wylloh_server.hooks.discovery import check_name
from wylloh_server.hooks.spec import HOOKS
from wylloh_server.hooks.version import checked_version

if TYPE_CHECKING:
    from types import ModuleType

    from pluggy import HookImpl, PluginManager

    from wylloh_server.hooks.records import Plugin


_VOTES = r"^\s*(async\s+)?def\s+access_vote\b"


def load_plugin(manager: PluginManager, plugin: Plugin, other: Plugin | None, seconds: float) -> None:
    """Import a plugin, register it and collect what it declares. On failure nothing of it stays registered.

    Args:
        manager: knows the hooks.
        plugin: gets what is found.
        other: a plugin of the same name that was there before.
        seconds: how long its import may take, and then its declarations.

    Raises:
        PluginError: it breaks a rule, which the message names.
        TimeoutError: it took too long.
        BaseException: whatever the plugin raises.
    """
    candidate = plugin.candidate
    check_name(candidate.name)
    if other is not None:
        raise PluginError(f"A plugin of this name is loaded from {other.module} already.")
    # Until it has told its hooks: what cannot be imported must not open what it has locked.
    plugin.votes = candidate.mentions(_VOTES)
    plugin.code = within(seconds, candidate.load)
    plugin.version = plugin.version or str(getattr(plugin.code, "__version__", ""))
    plugin.sdk = checked_version(plugin.code)
    try:
        manager.register(plugin.code, plugin.name)
        plugin.hooks = _hooks_of(manager, plugin.code)
        plugin.votes = "access_vote" in plugin.hooks
        plugin.declared = within(seconds, declare, plugin.hooks)
    except BaseException:
        manager.unregister(name=plugin.name)
        raise


def _hooks_of(manager: PluginManager, code: ModuleType) -> dict[str, HookImpl]:
    found: dict[str, HookImpl] = {}
    for caller in manager.get_hookcallers(code) or ():
        if caller.spec is None:
            near = difflib.get_close_matches(caller.name, HOOKS, 1, 0.0)[0]
            raise PluginError(f"This server has no hook {caller.name}. Did you mean {near}?")
        found[caller.name] = next(item for item in caller.get_hookimpls() if item.plugin is code)
    return found
