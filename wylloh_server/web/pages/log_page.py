"""The last lines of the server's log, to read and to download."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from wylloh_server.domain.access import Role
from wylloh_server.services.operations.recent_log import LEVELS, MOST_LINES
from wylloh_server.web.app_keys import RECENT_LOG
from wylloh_server.web.session import require_role
from wylloh_server.web.templating import render

if TYPE_CHECKING:
    from wylloh_server.services.operations.recent_log import LogLine

_CHOICES = (("debug", "Everything"), ("warning", "Warnings and errors"), ("error", "Errors"))


async def log(request: web.Request) -> web.Response:
    """Show the last lines, the newest first, filtered by `?level=` and `?q=`. For owner and admins."""
    level, words, lines = _asked(request)
    return await render(
        request,
        "log.html",
        lines=lines,
        level=level,
        words=words,
        choices=_CHOICES,
        most=MOST_LINES,
        query=request.query_string,
    )


async def log_text(request: web.Request) -> web.Response:
    """Answer with the same lines as a text file, the oldest first. For owner and admins."""
    _, _, lines = _asked(request)
    text = "".join(f"{line.text}\n" for line in reversed(lines))
    headers = {"Content-Disposition": 'attachment; filename="wylloh-log.txt"', "Cache-Control": "no-store"}
    return web.Response(text=text, content_type="text/plain", charset="utf-8", headers=headers)


def _asked(request: web.Request) -> tuple[str, str, tuple[LogLine, ...]]:
    require_role(request, Role.ADMIN)
    level, words = request.query.get("level", ""), request.query.get("q", "").strip()
    level = level if level in LEVELS else LEVELS[0]
    return level, words, request.app[RECENT_LOG].lines(level, words)
