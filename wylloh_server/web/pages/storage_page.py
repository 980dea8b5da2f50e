"""What each film takes on the disk, and buttons that make room."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wylloh_server.domain.access import Role
from wylloh_server.domain.byte_size import format_byte_size
from wylloh_server.domain.film import FilmState
from wylloh_server.web.app_keys import SERVICES
from wylloh_server.web.request_json import page_number
from wylloh_server.web.session import require_role
from wylloh_server.web.templating import render

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from aiohttp import web

    from wylloh_server.services.playback.film_storage import FilmUsage

_A_PAGE = 50


async def storage(request: web.Request) -> web.Response:
    """Show the films that take room here, the largest first. For owner and admins."""
    viewer = require_role(request, Role.ADMIN)
    services, number = request.app[SERVICES], page_number(request)
    used = await services.film_storage.usage()
    total, free = await services.film_storage.space()
    stopped = await services.film_storage.films.in_state(FilmState.STOPPED)
    return await render(
        request,
        "storage.html",
        headline=f"{format_byte_size(free)} of {format_byte_size(total)} are free.",
        parts=parts_line(used),
        rows=[(one, usage_line(one)) for one in used[(number - 1) * _A_PAGE : number * _A_PAGE]],
        page=number,
        more=len(used) > number * _A_PAGE,
        stopped=stopped,
        may_remove=viewer.role is Role.OWNER,
    )


def parts_line(used: Sequence[FilmUsage]) -> str:
    """Return what films take altogether, by kind."""
    own, copies = (
        sum(one.package + one.others for one in used if one.published is own) for own in (True, False)
    )
    sums = (
        ("published here", own),
        ("copies from the network", copies),
        ("prepared for players", sum(one.prepared for one in used)),
        ("in your own folders", sum(one.file for one in used)),
    )
    return (
        ", ".join(f"{format_byte_size(size)} {kind}" for kind, size in sums if size) or "No film takes any."
    )


def usage_line(one: FilmUsage) -> str:
    """Return what one film takes, by kind."""
    return " · ".join(_parts(one))


def _parts(one: FilmUsage) -> Iterator[str]:
    if one.playing:
        yield "Playing now, so nothing of it is removed: end it under Now playing"
    for size, kind in (
        (one.package, "published here" if one.published else "copy from the network"),
        (one.others, "other versions"),
        (one.prepared, "prepared for players"),
        (one.file, "file in your folder, which stays there"),
    ):
        if size:
            yield f"{format_byte_size(size)} {kind}"
