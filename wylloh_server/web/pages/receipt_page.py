"""Decision receipts: who was allowed to watch what, or not, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wylloh_server.domain.access import Role
from wylloh_server.domain.rights import right_name
from wylloh_server.web.app_keys import SERVICES
from wylloh_server.web.request_json import page_number
from wylloh_server.web.session import require_viewer
from wylloh_server.web.templating import render

if TYPE_CHECKING:
    from aiohttp import web

    from wylloh_server.domain.access import Receipt

_A_PAGE = 50


async def receipts(request: web.Request) -> web.Response:
    """Show a viewer's receipts, newest first; to owner and admins everybody's."""
    viewer = require_viewer(request)
    wallet = None if viewer.role.includes(Role.ADMIN) else viewer.wallet
    number = page_number(request)
    entries = await request.app[SERVICES].receipts.page(_A_PAGE, (number - 1) * _A_PAGE, wallet=wallet)
    total = await request.app[SERVICES].receipts.count(wallet)
    cards = await request.app[SERVICES].library.cards(None, [entry.receipt.film for entry in entries])
    return await render(
        request,
        "receipts.html",
        rows=[(entry, entry.receipt, basis(entry.receipt)) for entry in entries],
        films={card.film.id: card.film for card in cards},
        everybody=wallet is None,
        page=number,
        more=total > number * _A_PAGE,
    )


def basis(receipt: Receipt) -> str:
    """Return what a decision was read from: right, balance and block, as far as they are known."""
    parts = [right_name(receipt.right)]
    parts += [] if receipt.balance is None else [f"balance {receipt.balance:,}"]
    parts += [] if receipt.block is None else [f"block {receipt.block:,}"]
    return " · ".join(parts)
