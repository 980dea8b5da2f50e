"""What publishers bring, put together: their titles, their uploads, the owner's yes, the way to the chain."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wylloh_server.adapters.clock import system_clock
from wylloh_server.adapters.crypto import made_once
from wylloh_server.adapters.uploads import EncryptedUploads
from wylloh_server.app.inside import build_publishing
from wylloh_server.app.outside import contracts_of
from wylloh_server.domain.types import ChainId, Seconds
from wylloh_server.services.approvals import Approvals
from wylloh_server.services.caretaker import repeating
from wylloh_server.services.inspection import Inspection
from wylloh_server.services.titles import TitleDesk
from wylloh_server.services.tokenising import Place, Tokenising

if TYPE_CHECKING:
    from contextlib import AsyncExitStack

    from wylloh_server.app.inside import Rights
    from wylloh_server.app.outside import Outside
    from wylloh_server.config import Settings
    from wylloh_server.services.live import Live
    from wylloh_server.services.tasks import TaskDesk
    from wylloh_server.services.tokenising import Propose


@dataclass(frozen=True, slots=True)
class Bringing:
    """Drafts, approvals, and what takes approved titles on chain."""

    titles: TitleDesk
    approvals: Approvals
    tokenising: Tokenising


async def build_bringing(
    settings: Settings, outside: Outside, rights: Rights, *, tasks: TaskDesk, live: Live, propose: Propose
) -> Bringing:
    """Build what publishers work with."""
    storage = outside.database.storage
    secret = await made_once(outside.secrets.keys, "server/uploads", lambda: os.urandom(32))
    uploads = EncryptedUploads(settings.server.data / "uploads", secret)
    media = outside.media
    inspection = Inspection(uploads=uploads, door=media.door, prober=media.prober, encoder=media.encoder)
    desk = TitleDesk(titles=storage.titles, uploads=uploads, inspect=inspection.fault, clock=system_clock)
    tokenising = Tokenising(
        desk=desk,
        titles=storage.titles,
        uploads=uploads,
        films=storage.films,
        publishing=build_publishing(settings, outside, rights),
        signatures=outside.signatures,
        tasks=tasks,
        propose=propose,
        live=live,
        clock=system_clock,
        place=_place(settings),
    )
    approvals = Approvals(
        requests=storage.requests,
        titles=storage.titles,
        desk=desk,
        accounts=storage.accounts,
        unmake=tokenising.unmake,
        live=live,
        clock=system_clock,
    )
    return Bringing(desk, approvals, tokenising)


async def start_noting(settings: Settings, bringing: Bringing, stack: AsyncExitStack) -> None:
    """Begin to note which titles the chain knows by now."""
    if settings.chain.rpc:
        every = Seconds(settings.chain.poll_seconds)
        await stack.enter_async_context(repeating("noting titles", bringing.tokenising.look, every))


def _place(settings: Settings) -> Place:
    registry = contracts_of(settings).registry
    return Place(ChainId(settings.chain.id), registry, settings.server.public_url)
