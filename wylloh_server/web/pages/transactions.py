"""The page on which a wallet confirms a transaction, and the list of a wallet's transactions."""

from __future__ import annotations

import re
from http import HTTPStatus
from urllib.parse import urlsplit

import segno
from aiohttp import web

from wylloh_server.domain.access import DeviceKind
from wylloh_server.domain.transaction import TransactionId
from wylloh_server.domain.types import ChainId
from wylloh_server.services.onchain import native_symbol
from wylloh_server.web.keys import SETTINGS, TRANSACTIONS
from wylloh_server.web.pages._transactions import line_of, view_of
from wylloh_server.web.session import require_viewer
from wylloh_server.web.templating import render

_A_PAGE = 25
_MOST_PAGES = 1000
_COIN_DECIMALS = 18


async def transaction(request: web.Request) -> web.Response:
    """Show what a wallet is asked to confirm, and what has become of it."""
    viewer = require_viewer(request)
    wanted = TransactionId(request.match_info["transaction"])
    looked = await request.app[TRANSACTIONS].look(viewer, wanted)
    on_tv = viewer.kind is DeviceKind.TV
    return await render(
        request,
        "transaction.html",
        shown=view_of(looked.transaction, request.app[SETTINGS].chain.explorer, looked.problem),
        wallet=viewer.wallet,
        chain=_chain(request),
        phone=_phone(request) if on_tv else None,
    )


async def discard(request: web.Request) -> web.Response:
    """Forget a transaction that waits for the viewer's wallet."""
    viewer = require_viewer(request)
    await request.app[TRANSACTIONS].discard(viewer.wallet, TransactionId(request.match_info["transaction"]))
    return web.Response(status=HTTPStatus.SEE_OTHER, headers={"Location": "/transactions"})


async def transactions(request: web.Request) -> web.Response:
    """Show a wallet's transactions, newest first."""
    viewer = require_viewer(request)
    page = _page(request)
    found = await request.app[TRANSACTIONS].of_wallet(
        viewer.wallet, limit=_A_PAGE + 1, offset=(page - 1) * _A_PAGE
    )
    return await render(
        request,
        "transactions.html",
        lines=[line_of(one) for one in found[:_A_PAGE]],
        page=page,
        more=len(found) > _A_PAGE,
    )


def _page(request: web.Request) -> int:
    wished = request.query.get("page", "1")
    number = int(wished) if re.fullmatch(r"[0-9]{1,6}", wished) else 1
    return min(max(1, number), _MOST_PAGES)


def _chain(request: web.Request) -> dict[str, object]:
    """Give what a wallet has to know of the chain (EIP-3085); an RPC only if the settings name one for it."""
    chain = request.app[SETTINGS].chain
    symbol = native_symbol(ChainId(chain.id))
    return {
        "chainId": hex(chain.id),
        "chainName": chain.name or f"Chain {chain.id}",
        "rpcUrls": [chain.wallet_rpc] if chain.wallet_rpc else [],
        "nativeCurrency": {"name": symbol, "symbol": symbol, "decimals": _COIN_DECIMALS},
    }


def _phone(request: web.Request) -> dict[str, str]:
    """Give the page's address as a picture a phone's camera reads (SVG), and a short one to type."""
    base = request.app[SETTINGS].server.public_url or f"{request.scheme}://{request.host}"
    picture = segno.make(base + request.path, error="m", micro=False)
    return {
        "address": f"{urlsplit(base).netloc}/transactions",
        "qr": picture.svg_inline(border=2, omitsize=True, light="#fff"),
    }
