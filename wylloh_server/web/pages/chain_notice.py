"""What a page tells at its top when the chain is in trouble."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wylloh_server.services.operations.health import CHAIN
from wylloh_server.web.app_keys import SERVICES

if TYPE_CHECKING:
    from aiohttp import web


async def chain_notice(request: web.Request) -> str:
    """Return what ails the chain; empty when nothing does.

    Called only when it gave no answer: health checks take their time.
    """
    check = await request.app[SERVICES].health.check(CHAIN)
    return "" if check is None or check.ok else check.sentence
