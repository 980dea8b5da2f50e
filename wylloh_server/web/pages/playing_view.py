"""What is played on this server now, as the admin page shows it."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wylloh_server.domain.access import DeviceKind
from wylloh_server.domain.film import UploadOrigin
from wylloh_server.domain.types import Timestamp
from wylloh_server.web.app_keys import SERVICES

if TYPE_CHECKING:
    from aiohttp import web

    from wylloh_server.domain.playback import Position
    from wylloh_server.domain.types import Wallet
    from wylloh_server.services.playback.leases import ActiveLease

_SILENT_SECONDS = 60
"""A player, paused or not, asks about its lease every few seconds."""


@dataclass(frozen=True, slots=True)
class PlayingRow:
    """One film that somebody watches.

    Attributes:
        lease: the name of its lease.
        link: the page of the film, or of the title that is not published yet.
        device: what the device is called; empty if its session has just ended.
        position: how far it is; None if the player has not told since it began.
        quality: which rendition was fetched last; empty before the first.
        heard: when the player was last heard of, if that is a while ago: a TV was switched off, say.
    """

    lease: str
    title: str
    link: str
    wallet: Wallet
    device: str
    tv: bool
    since: Timestamp
    position: Position | None
    quality: str
    heard: Timestamp | None


async def now_playing(request: web.Request) -> list[PlayingRow]:
    """Return what is played now, what began last first."""
    held = sorted(
        request.app[SERVICES].playback.leases.all(), key=lambda one: one.lease.started, reverse=True
    )
    return list(await asyncio.gather(*(_row(request, one) for one in held)))


async def _row(request: web.Request, held: ActiveLease) -> PlayingRow:
    services, lease, film = request.app[SERVICES], held.lease, held.plan.film
    session = await services.sessions.get(lease.viewer.session)
    position = await services.positions.get(lease.viewer.wallet, film.id)
    silence = services.playback.leases.silence(held)
    upload = film.origin.title if isinstance(film.origin, UploadOrigin) else None
    return PlayingRow(
        lease=held.name,
        title=film.title,
        link=f"/titles/{upload}" if upload else f"/films/{film.id}",
        wallet=lease.viewer.wallet,
        device=session.name if session else "",
        tv=lease.viewer.kind is DeviceKind.TV,
        since=lease.started,
        position=position if position and position.updated >= lease.started else None,
        quality=held.quality,
        heard=Timestamp(time.time() - silence) if silence > _SILENT_SECONDS else None,
    )
