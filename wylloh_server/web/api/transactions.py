"""What the page of a transaction asks, and tells of what the wallet did. Only the wallet's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiohttp import web

from wylloh_server.domain.access import DeviceKind
from wylloh_server.domain.errors import AccessRefused
from wylloh_server.domain.transaction import TransactionId
from wylloh_server.web.bodies import object_of, text
from wylloh_server.web.keys import TRANSACTIONS
from wylloh_server.web.limits import TRANSACTION_BUDGET, limited
from wylloh_server.web.session import require_viewer

if TYPE_CHECKING:
    from wylloh_server.domain.ports.wallet_calls import PreparedCall
    from wylloh_server.domain.transaction import Transaction
    from wylloh_server.domain.types import Wallet

_LARGEST_NUMBER = 2**53 - 1
_NO_STORE = {"Cache-Control": "no-store"}


async def state(request: web.Request) -> web.Response:
    """→ `{state, step, steps, hashes, block, reason, back}`."""
    viewer = require_viewer(request)
    return _answer(await request.app[TRANSACTIONS].get(viewer.wallet, _id(request)))


@limited(TRANSACTION_BUDGET)
async def ask(request: web.Request) -> web.Response:
    """`{claim}` → `{call: {from, to, data, value}}` or `{sign: typed data}`: what the wallet shall do next.

    `claim` is a secret that the page makes up; until it is given back nobody else is told the same step.
    """
    wallet = _own_wallet(request)
    claim = text(await object_of(request), "claim")
    await request.app[TRANSACTIONS].freshen(require_viewer(request), _id(request))
    asked = await request.app[TRANSACTIONS].ask(wallet, _id(request), claim)
    if asked.call is not None:
        return web.json_response({"call": _parameters(asked.call)}, headers=_NO_STORE)
    data = asked.signature.typed_data if asked.signature else {}
    return web.json_response({"sign": _safe(data)}, headers=_NO_STORE)


async def give_back(request: web.Request) -> web.Response:
    """`{claim}` → `{}`: the wallet said no."""
    wallet = _own_wallet(request)
    claim = text(await object_of(request), "claim")
    await request.app[TRANSACTIONS].give_back(wallet, _id(request), claim)
    return web.json_response({})


async def signed(request: web.Request) -> web.Response:
    """`{signature}` → as `state`."""
    wallet = _own_wallet(request)
    signature = text(await object_of(request), "signature")
    return _answer(await request.app[TRANSACTIONS].signed(wallet, _id(request), signature))


async def sent(request: web.Request) -> web.Response:
    """`{hash}` → as `state`: the wallet sent the call."""
    wallet = _own_wallet(request)
    sent_hash = text(await object_of(request), "hash").lower()
    return _answer(await request.app[TRANSACTIONS].sent(wallet, _id(request), sent_hash))


def _own_wallet(request: web.Request) -> Wallet:
    """Give the wallet of who asks. A TV has none at hand.

    Raises:
        SignInNeeded, AccessRefused: nobody is signed in; a TV asks.
    """
    viewer = require_viewer(request)
    if viewer.kind is DeviceKind.TV:
        raise AccessRefused("A TV cannot ask your wallet.", fix="Open this page on your phone.")
    return viewer.wallet


def _id(request: web.Request) -> TransactionId:
    return TransactionId(request.match_info["transaction"])


def _answer(transaction: Transaction) -> web.Response:
    body = {
        "state": transaction.state,
        "step": transaction.step,
        "steps": len(transaction.proposal.steps),
        "hashes": list(transaction.hashes),
        "block": transaction.block,
        "reason": transaction.reason,
        "back": transaction.proposal.back,
    }
    return web.json_response(body, headers=_NO_STORE)


def _parameters(call: PreparedCall) -> dict[str, str]:
    """Give the parameters of `eth_sendTransaction`; the wallet itself chooses nonce and fees."""
    return {"from": call.sender, "to": call.to, "data": call.data, "value": hex(call.value)}


def _safe(value: Any) -> Any:
    """Write numbers that JavaScript cannot hold as decimal text, which EIP-712 signers read as well."""
    if isinstance(value, dict):
        return {name: _safe(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_safe(inner) for inner in value]
    big = isinstance(value, int) and not isinstance(value, bool) and abs(value) > _LARGEST_NUMBER
    return str(value) if big else value


routes = [
    web.get("/api/transactions/{transaction}", state),
    web.post("/api/transactions/{transaction}/ask", ask),
    web.post("/api/transactions/{transaction}/give-back", give_back),
    web.post("/api/transactions/{transaction}/signed", signed),
    web.post("/api/transactions/{transaction}/sent", sent),
]
