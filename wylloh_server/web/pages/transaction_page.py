"""The page on which a wallet confirms a transaction, and the list of a wallet's transactions."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import TYPE_CHECKING

from aiohttp import web

from wylloh_server.domain.transaction import TransactionId, TransactionState
from wylloh_server.domain.types import ChainId
from wylloh_server.services.chain.chain_queries import native_symbol
from wylloh_server.services.transactions.refresh import RefreshResult
from wylloh_server.web.app_keys import SERVICES, SETTINGS
from wylloh_server.web.pages.bought_film import bought_film
from wylloh_server.web.pages.transaction_view import transaction_view
from wylloh_server.web.request_json import page_number
from wylloh_server.web.session import require_viewer
from wylloh_server.web.templating import render

if TYPE_CHECKING:
    from wylloh_server.domain.access import Viewer
    from wylloh_server.domain.transaction import Transaction

_A_PAGE = 25
_COIN_DECIMALS = 18


async def transaction(request: web.Request) -> web.Response:
    """Show what a wallet is asked to confirm, and what has become of it."""
    viewer = require_viewer(request)
    wanted = TransactionId(request.match_info["transaction"])
    looked = await request.app[SERVICES].transactions.refresh(viewer, wanted)
    found = looked.transaction
    read = await request.app[SERVICES].summaries.describe(found.wallet, found.proposal)
    return await render(
        request,
        "transaction.html",
        shown=transaction_view(found, request.app[SETTINGS].chain.explorer, looked.problem, read),
        terms=await request.app[SERVICES].transactions.review.terms(found.wallet, found.proposal),
        film=await bought_film(request, viewer, found),
        wallet=viewer.wallet,
        chain=_chain(request),
    )


async def discard(request: web.Request) -> web.Response:
    """Forget a transaction that waits for the viewer's wallet."""
    viewer = require_viewer(request)
    await request.app[SERVICES].transactions.discard(
        viewer.wallet, TransactionId(request.match_info["transaction"])
    )
    return web.Response(status=HTTPStatus.SEE_OTHER, headers={"Location": "/transactions"})


async def transactions(request: web.Request) -> web.Response:
    """Show a wallet's transactions, newest first."""
    viewer = require_viewer(request)
    page = page_number(request)
    service = request.app[SERVICES].transactions
    found = await service.log.repository.of_wallet(
        viewer.wallet, limit=_A_PAGE + 1, offset=(page - 1) * _A_PAGE
    )
    looked = await asyncio.gather(*(_looked(request, viewer, one) for one in found[:_A_PAGE]))
    return await render(
        request,
        "transactions.html",
        lines=[transaction_view(one.transaction, problem=one.problem) for one in looked],
        page=page,
        more=len(found) > _A_PAGE,
    )


async def _looked(request: web.Request, viewer: Viewer, found: Transaction) -> RefreshResult:
    """Return a transaction of the list as it is now; only one that waits may have changed."""
    if found.state is not TransactionState.PREPARED:
        return RefreshResult(found)
    return await request.app[SERVICES].transactions.refresh(viewer, found.id)


def _chain(request: web.Request) -> dict[str, object]:
    """Return the chain as a wallet needs it (EIP-3085); with an RPC only if the settings name one for it."""
    chain = request.app[SETTINGS].chain
    symbol = native_symbol(ChainId(chain.id))
    return {
        "chainId": hex(chain.id),
        "chainName": chain.name or f"Chain {chain.id}",
        "rpcUrls": [chain.wallet_rpc] if chain.wallet_rpc else [],
        "nativeCurrency": {"name": symbol, "symbol": symbol, "decimals": _COIN_DECIMALS},
    }
