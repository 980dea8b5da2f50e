"""What a page says at its top when the chain is in trouble."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wylloh_server.web.keys import HEALTH

if TYPE_CHECKING:
    from aiohttp import web


@dataclass(frozen=True, slots=True)
class Notice:
    """One sentence of what happened, one of what follows from it."""

    sentence: str
    fix: str


async def chain_notice(request: web.Request) -> Notice | None:
    """Say what ails the chain. Called only when it gave no answer: health checks take their time."""
    checks = await request.app[HEALTH].checks()
    ailing = next((check for check in checks if not check.ok and "chain" in check.name.lower()), None)
    if ailing is None:
        return None
    return Notice(ailing.sentence, "Films you hold keep playing; what is new shows when the chain is back.")
