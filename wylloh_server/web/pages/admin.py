"""How the server is: health, plugins, accounts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wylloh_server.domain.access import Role
from wylloh_server.hooks.records import PluginRecord, PluginStatus
from wylloh_server.web.keys import ACCOUNTS, HEALTH, PLUGINS
from wylloh_server.web.session import require_role
from wylloh_server.web.templating import render

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aiohttp import web

    from wylloh_server.services.health import Check

_NEEDS_SOMEBODY = (PluginStatus.FAILED, PluginStatus.STOPPED)
_NUMBERS = ("Nothing", "One thing", "Two things", "Three things", "Four things", "Five things")


@dataclass(frozen=True, slots=True)
class PluginLine:
    """One line of the list of plugins; one that failed, or was stopped, can be started again."""

    name: str
    version: str
    failed: bool
    mark: str
    sentence: str


async def admin(request: web.Request) -> web.Response:
    """Show what runs, what does not, and what to do about it. For owner and admins."""
    viewer = require_role(request, Role.ADMIN)
    checks = await request.app[HEALTH].checks()
    plugins = tuple(plugin_line(record) for record in request.app[PLUGINS].records())
    playable = await request.app[HEALTH].playable()
    return await render(
        request,
        "admin.html",
        checks=checks,
        headline=headline(checks, plugins),
        playable=f"{playable} film{'' if playable == 1 else 's'} can be played now",
        plugins=plugins,
        accounts=await request.app[ACCOUNTS].all(),
        may_admit=viewer.role is Role.OWNER,
    )


def headline(checks: Sequence[Check], plugins: Sequence[PluginLine] = ()) -> str:
    """Say in one sentence whether somebody is needed."""
    failing = sum(not check.ok for check in checks) + sum(plugin.failed for plugin in plugins)
    if not failing:
        return "Everything works."
    number = _NUMBERS[failing] if failing < len(_NUMBERS) else f"{failing} things"
    return f"{number} need{'s' if failing == 1 else ''} you."


def plugin_line(record: PluginRecord) -> PluginLine:
    """Say how a plugin is doing."""
    failed = record.status in _NEEDS_SOMEBODY
    return PluginLine(record.name, record.version, failed, _mark(record), _sentence(record))


def _mark(record: PluginRecord) -> str:
    if record.status in _NEEDS_SOMEBODY:
        return "!"
    return {PluginStatus.RUNNING: "✓", PluginStatus.DISABLED: "\N{EN DASH}"}.get(record.status, "…")


def _sentence(record: PluginRecord) -> str:
    words = [record.reason or f"{record.status.capitalize()}."]
    if record.status is PluginStatus.STOPPED:
        words.insert(0, "It was stopped.")
    if record.errors:
        words.append(f"Errors so far: {record.errors}. The last one: {record.last_error}")
    if record.dropped:
        words.append(f"Events it was too slow to hear: {record.dropped}.")
    return " ".join(words)
