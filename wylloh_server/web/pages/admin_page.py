"""How the server is: what plays, health, plugins, accounts."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING

from wylloh_server.domain.access import Role
from wylloh_server.domain.account_name import LONGEST_ACCOUNT_NAME
from wylloh_server.domain.film import FilmState
from wylloh_server.domain.plugin_record import PluginStatus
from wylloh_server.web.app_keys import DISPATCH, PLUGINS, SERVICES, SETTINGS
from wylloh_server.web.pages.playing_view import now_playing
from wylloh_server.web.session import require_role
from wylloh_server.web.template_filters import things
from wylloh_server.web.templating import render

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aiohttp import web

    from wylloh_server.domain.access import Session
    from wylloh_server.domain.plugin_record import PluginRecord
    from wylloh_server.services.operations.health import Check

_MARKS = {
    PluginStatus.RUNNING: "✓",
    PluginStatus.DISABLED: "\N{EN DASH}",
    PluginStatus.FAILED: "!",
    PluginStatus.STOPPED: "!",
}


async def admin(request: web.Request) -> web.Response:
    """Show what runs, what does not, and what to do about it. For owner and admins."""
    viewer, folders = require_role(request, Role.ADMIN), request.app[SERVICES].folder_scans
    playing = await now_playing(request)
    checks = await request.app[SERVICES].health.checks()
    plugins = request.app[PLUGINS].records()
    notices = await request.app[DISPATCH].admin_notices()
    playable = await request.app[SERVICES].health.playable()
    return await render(
        request,
        "admin.html",
        playing=playing,
        checks=checks,
        headline=headline(checks, plugins),
        playable=f"{playable} film{'' if playable == 1 else 's'} can be played now",
        plugins=[(record, plugin_mark(record), plugin_message(record, notices)) for record in plugins],
        asked=await request.app[SERVICES].consents.asked(),
        refused=refused_twins(plugins),
        configurable=request.app[PLUGINS].settings(),
        folders=folders.folder_films.reports,
        settings_file=request.app[SETTINGS].file,
        scanned=folders.last,
        scanning=folders.is_due,
        away=(await request.app[SERVICES].health.films.count_by_state()).get(FilmState.AWAY, 0),
        accounts=await request.app[SERVICES].accounts.all(),
        longest_name=LONGEST_ACCOUNT_NAME,
        may_admit=viewer.role is Role.OWNER,
        sessions=await _sessions(request) if viewer.role is Role.OWNER else (),
    )


def refused_twins(records: Sequence[PluginRecord]) -> frozenset[str]:
    """Return the modules of plugins that were refused because another has their name.

    What is done to a plugin by its name is done to that other one.
    """
    first = {record.name: record.module for record in reversed(records)}
    return frozenset(record.module for record in records if record.module != first[record.name])


async def _sessions(request: web.Request) -> tuple[Session, ...]:
    """Return everybody's sessions, the last used first."""
    listed = await request.app[SERVICES].sessions.all()
    return tuple(sorted(listed, key=attrgetter("last_seen"), reverse=True))


def headline(checks: Sequence[Check], plugins: Sequence[PluginRecord] = ()) -> str:
    """Return one sentence about whether anything needs attention."""
    failing = sum(not check.ok for check in checks) + sum(plugin_mark(record) == "!" for record in plugins)
    if not failing:
        return "Everything works."
    return f"{things(failing)} need{'s' if failing == 1 else ''} you."


def plugin_mark(record: PluginRecord) -> str:
    """Return the sign before a plugin's name: `!` for one that needs somebody to start it again."""
    if record.closed or record.not_taken:
        return "!"
    return _MARKS.get(record.status, "…")


def plugin_message(record: PluginRecord, notices: Sequence[tuple[str, str]] = ()) -> str:
    """Return how a plugin is doing, and what it has to say itself (see `Dispatch.admin_notices`)."""
    words = [record.reason or f"{record.status.capitalize()}."]
    if record.status is PluginStatus.STOPPED:
        words.insert(0, "It was stopped.")
    words += record.troubles()
    words += [sentence for name, sentence in notices if name == record.name]
    return " ".join(words)
