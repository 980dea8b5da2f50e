"""A film's page, and the player."""

from __future__ import annotations

import re
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from wylloh_server.domain.access import DeviceKind, Role
from wylloh_server.domain.film import Film, FilmState, TokenOrigin
from wylloh_server.domain.package_version import GOOD_PACKAGE_AWAITED
from wylloh_server.domain.types import FilmId
from wylloh_server.services.library.group_service import HeldStack
from wylloh_server.web.app_keys import LIVE, SERVICES, SETTINGS
from wylloh_server.web.film_cards import FilmTile, arriving, film_tile, time_left
from wylloh_server.web.pages.chain_notice import chain_notice
from wylloh_server.web.pages.group_view import groups_view
from wylloh_server.web.pages.package_view import asks_to_fetch, package_view
from wylloh_server.web.pages.rights_view import missing_tokens, offline_line, rights_view
from wylloh_server.web.phone_link import phone_link
from wylloh_server.web.session import require_viewer
from wylloh_server.web.templating import render
from wylloh_server.web.vote_denial import vote_denial

if TYPE_CHECKING:
    from aiohttp import web

    from wylloh_server.domain.access import Session, Viewer

_MOST_OTHERS = 12
_SECONDS = re.compile(r"\d{1,6}(\.\d{1,3})?")


_NO_RIGHTS = {"rights": None, "refusal": None, "notice": "", "offline": "", "groups": None}
"""What the page gets about the rights of a film from a folder."""


async def film(request: web.Request) -> web.Response:
    """Show a film: what it is, where the viewer's stack stands, and the button that plays it."""
    viewer = require_viewer(request)
    chosen = await request.app[SERVICES].library.film(FilmId(request.match_info["film"]))
    position = await request.app[SERVICES].library.position(viewer, chosen.id)
    about = await _about_rights(request, viewer, chosen)
    refused = about["refusal"] is not None
    has_trailer = await request.app[SERVICES].trailers.offers(chosen)
    locked = await vote_denial(request, viewer, chosen) if has_trailer or not refused else ""
    denial = "" if refused else locked
    if not refused and not denial and chosen.state is FilmState.READY:
        request.app[SERVICES].playback.prefetch(chosen)
    return await render(
        request,
        "film.html",
        film=chosen,
        backdrop=request.app[SERVICES].posters.urls(viewer, chosen).backdrop,
        broken=chosen.state is FilmState.FAILED,
        awaited=GOOD_PACKAGE_AWAITED,
        credits=_credits(chosen),
        left=time_left(position),
        can_make_ready=chosen.state is FilmState.READY and viewer.role.includes(Role.ADMIN),
        arriving="" if refused or chosen.state is FilmState.FAILED else arriving(chosen),
        denial=denial,
        trailer=has_trailer and not locked,
        playable=not refused and chosen.state is FilmState.READY,
        tvs=await _tvs(request, viewer),
        package=await package_view(request, viewer, chosen),
        asks=await asks_to_fetch(request, viewer, chosen),
        others=await _others(request, viewer, chosen),
        on_phone=phone_link(request, request.path) if refused else None,
        **about,
    )


async def watch(request: web.Request) -> web.Response:
    """Show the player. It asks for a lease itself, and says why when there is none."""
    viewer = require_viewer(request)
    chosen = await request.app[SERVICES].library.film(FilmId(request.match_info["film"]))
    request.app[LIVE].opened(viewer.device, request.path)
    return await render(
        request,
        "watch.html",
        film=chosen,
        poster=request.app[SERVICES].posters.urls(viewer, chosen).poster,
        start=await _start(request, viewer, chosen),
        next=await _next_film(request, viewer, chosen),
        on_phone=phone_link(request, f"/films/{chosen.id}"),
        preferences=asdict(await request.app[SERVICES].preferences.of_wallet(viewer.wallet)),
    )


async def _about_rights(request: web.Request, viewer: Viewer, film: Film) -> dict[str, Any]:
    if not isinstance(film.origin, TokenOrigin):
        return _NO_RIGHTS
    envelope = await request.app[SERVICES].envelopes.valid(film, viewer.wallet)
    status = await request.app[SERVICES].stacks.status(viewer.wallet, film.origin.token)
    if status is None:
        offline = offline_line(envelope) if envelope else ""
        return _NO_RIGHTS | {"notice": await chain_notice(request), "offline": offline}
    refusal = missing_tokens(status.stack, film.origin, request.app[SETTINGS].chain.store_url)
    held = HeldStack(viewer.wallet, film.id, status.stack.holding)
    groups = groups_view(await request.app[SERVICES].groups.split(held))
    return _NO_RIGHTS | {"rights": rights_view(status, envelope), "refusal": refusal, "groups": groups}


async def _tvs(request: web.Request, viewer: Viewer) -> tuple[Session, ...]:
    """Return the TVs that the viewer has let in, for any device but a TV."""
    if viewer.kind is DeviceKind.TV:
        return ()
    sessions = await request.app[SERVICES].pairing.devices(viewer)
    return tuple(session for session in sessions if session.kind is DeviceKind.TV)


async def _start(request: web.Request, viewer: Viewer, film: Film) -> str:
    """Return where to begin, in seconds: where the address says, else where the viewer left off."""
    wished = request.query.get("from", "")
    if _SECONDS.fullmatch(wished):
        return wished
    position = await request.app[SERVICES].library.position(viewer, film.id)
    return f"{position.at:.1f}" if position and time_left(position) else "0"


def _credits(film: Film) -> str:
    return " · ".join(f"{credit.role}: {credit.name}" for credit in film.description.credits)


async def _next_film(request: web.Request, viewer: Viewer, film: Film) -> FilmTile | None:
    """Return what to watch after a film; None if there is nothing else that the viewer may watch."""
    services = request.app[SERVICES]
    for item in await services.library.next_films(viewer, film, _MOST_OTHERS):
        if not await vote_denial(request, viewer, item.film):
            return film_tile(item, services.posters.urls(viewer, item.film))
    return None


async def _others(request: web.Request, viewer: Viewer, film: Film) -> tuple[FilmTile, ...]:
    """Return further films of the same publisher, or of the folders, but none that cannot be played."""
    services = request.app[SERVICES]
    items = await services.library.more_like(viewer, film, _MOST_OTHERS)
    return tuple(film_tile(item, services.posters.urls(viewer, item.film)) for item in items)
