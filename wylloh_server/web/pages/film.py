"""A film's page, and the player."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wylloh_server.domain.errors import ChainError, NotFound
from wylloh_server.domain.film import Film, FilmState, TokenOrigin
from wylloh_server.domain.types import FilmId
from wylloh_server.services.groups import HeldStack
from wylloh_server.web.cards import Card, arriving, card_of, left_of, pictured
from wylloh_server.web.keys import (
    ENVELOPES,
    GROUPS,
    LIBRARY,
    LICENSING,
    PLAYBACK,
    POSITIONS,
    POSTERS,
    SETTINGS,
)
from wylloh_server.web.pages._groups import groups_of
from wylloh_server.web.pages._notice import chain_notice
from wylloh_server.web.pages._rights import missing_of, offline_line, rights_of
from wylloh_server.web.pages._shelves import broken
from wylloh_server.web.session import require_viewer
from wylloh_server.web.templating import render

if TYPE_CHECKING:
    from aiohttp import web

    from wylloh_server.domain.access import Viewer
    from wylloh_server.services.library import Shelved
    from wylloh_server.services.licensing import Standing
    from wylloh_server.web.pages._groups import GroupsView
    from wylloh_server.web.pages._notice import Notice
    from wylloh_server.web.pages._rights import Missing, Rights

_MOST_OTHERS = 12
_SECONDS = re.compile(r"\d{1,6}(\.\d{1,3})?")


@dataclass(frozen=True, slots=True)
class _AboutRights:
    """What the page says about rights; all of it is empty for a film from a folder."""

    rights: Rights | None = None
    refusal: Missing | None = None
    notice: Notice | None = None
    offline: str = ""
    groups: GroupsView | None = None


async def film(request: web.Request) -> web.Response:
    """Show a film: what it is, where the viewer's stack stands, and the button that plays it."""
    viewer = require_viewer(request)
    chosen = await request.app[LIBRARY].film(FilmId(request.match_info["film"]))
    shelf = await request.app[LIBRARY].shelf(viewer)
    position = next((item.position for item in shelf if item.film.id == chosen.id), None)
    about = await _about_rights(request, viewer, chosen)
    if about.refusal is None and chosen.state is FilmState.READY:
        request.app[PLAYBACK].expect(chosen)
    return await render(
        request,
        "film.html",
        film=chosen,
        poster=request.app[POSTERS].url(viewer, chosen) if pictured(chosen) else "",
        broken=chosen.state is FilmState.FAILED,
        credits=_credits(chosen),
        left=left_of(position),
        arriving="" if about.refusal or chosen.state is FilmState.FAILED else arriving(chosen),
        # Somebody with too few tokens may press Play: the answer says what is missing, and may have changed.
        playable=about.refusal is not None or chosen.state is FilmState.READY,
        others=_others(request, viewer, chosen, shelf),
        rights=about.rights,
        refusal=about.refusal,
        offline=about.offline,
        groups=about.groups,
        notice=about.notice,
    )


async def watch(request: web.Request) -> web.Response:
    """Show the player. It asks for a lease itself, and says why when there is none."""
    viewer = require_viewer(request)
    chosen = await request.app[LIBRARY].film(FilmId(request.match_info["film"]))
    return await render(request, "watch.html", film=chosen, start=await _start(request, viewer, chosen))


async def _about_rights(request: web.Request, viewer: Viewer, film: Film) -> _AboutRights:
    if not isinstance(film.origin, TokenOrigin):
        return _AboutRights()
    envelope = await request.app[ENVELOPES].valid(film, viewer.wallet)
    standing = await _standing(request, viewer, film)
    if standing is None:
        offline = offline_line(envelope) if envelope else ""
        return _AboutRights(notice=await chain_notice(request), offline=offline)
    refusal = missing_of(standing.stack, film.origin, request.app[SETTINGS].chain.store_url)
    held = HeldStack(viewer.wallet, film.id, standing.stack.holding)
    groups = groups_of(await request.app[GROUPS].split(held))
    return _AboutRights(rights=rights_of(standing, envelope), refusal=refusal, groups=groups)


async def _start(request: web.Request, viewer: Viewer, film: Film) -> str:
    """Give where to begin, in seconds: where the address says, else where the viewer left off."""
    wished = request.query.get("from", "")
    if _SECONDS.fullmatch(wished):
        return wished
    positions = await request.app[POSITIONS].of_wallet(viewer.wallet)
    position = next((position for position in positions if position.film == film.id), None)
    return f"{position.at:.1f}" if position and left_of(position) else "0"


async def _standing(request: web.Request, viewer: Viewer, film: Film) -> Standing | None:
    try:
        return await request.app[LICENSING].standing(viewer.wallet, film)
    except (ChainError, NotFound):  # after a reorganisation the registry may not know the film (yet)
        return None


def _credits(film: Film) -> str:
    return " · ".join(f"{credit.role}: {credit.name}" for credit in film.description.credits)


def _others(request: web.Request, viewer: Viewer, film: Film, shelf: tuple[Shelved, ...]) -> tuple[Card, ...]:
    """Give further films of the same publisher, or of the folders, but none that cannot be played."""
    posters = request.app[POSTERS]
    sound = [item for item in shelf if item.film.id != film.id and not broken(item)]
    like = [item for item in sound if _maker(item.film) == _maker(film)]
    return tuple(card_of(item, posters.url(viewer, item.film)) for item in like[:_MOST_OTHERS])


def _maker(film: Film) -> str:
    return film.origin.publisher if isinstance(film.origin, TokenOrigin) else ""
