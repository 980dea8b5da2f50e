"""What the page of a transaction asks, and tells of what the wallet did. Only the wallet's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiohttp import web

from wylloh_server.domain.transaction import TransactionId
from wylloh_server.web.app_keys import SERVICES, SETTINGS
from wylloh_server.web.rate_limits import TRANSACTION_BUDGET, limited
from wylloh_server.web.request_json import read_object, text
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
    return _answer(await request.app[SERVICES].transactions.get(viewer.wallet, _id(request)))


@limited(TRANSACTION_BUDGET)
async def ask(request: web.Request) -> web.Response:
    """`{claim, terms}` → `{step, call: {from, to, …}}` or `{step, sign: typed data}`: what is next.

    `claim` is a secret that the page makes up; until it is given back nobody else is told the same step.
    `terms` stands in the page: what was read there.
    """
    wallet, asked_with = _own_wallet(request), await read_object(request)
    claim, terms = text(asked_with, "claim"), text(asked_with, "terms")
    await request.app[SERVICES].transactions.freshen(require_viewer(request), _id(request))
    asked = await request.app[SERVICES].transactions.ask(wallet, _id(request), claim, terms)
    step = asked.transaction.step
    if asked.call is not None:
        chain = hex(request.app[SETTINGS].chain.id)
        call = {**_parameters(asked.call), "chainId": chain}
        return web.json_response({"step": step, "call": call}, headers=_NO_STORE)
    data = asked.signature.typed_data if asked.signature else {}
    return web.json_response({"step": step, "sign": _safe(data)}, headers=_NO_STORE)


async def give_back(request: web.Request) -> web.Response:
    """`{claim}` → `{}`: the wallet said no."""
    wallet = _own_wallet(request)
    claim = text(await read_object(request), "claim")
    await request.app[SERVICES].transactions.give_back(wallet, _id(request), claim)
    return web.json_response({})


async def signed(request: web.Request) -> web.Response:
    """`{signature}` → as `state`."""
    wallet = _own_wallet(request)
    signature = text(await read_object(request), "signature")
    return _answer(await request.app[SERVICES].transactions.signed(wallet, _id(request), signature))


async def sent(request: web.Request) -> web.Response:
    """`{hash}` → as `state`: the wallet sent the call."""
    wallet = _own_wallet(request)
    sent_hash = text(await read_object(request), "hash").lower()
    return _answer(await request.app[SERVICES].transactions.sent(wallet, _id(request), sent_hash))


def _own_wallet(request: web.Request) -> Wallet:
    """Return the wallet of who asks.

    Raises:
        SignInNeeded: nobody is signed in.
    """
    return require_viewer(request).wallet


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
    """Return the parameters of `eth_sendTransaction`; the wallet itself chooses nonce and fees."""
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
