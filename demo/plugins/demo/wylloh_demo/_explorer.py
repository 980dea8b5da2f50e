"""A block explorer for the demo's chain, as small as can be: what the links by block lead to."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from wylloh_demo._node import NodeError, ask
from wylloh_server.sdk import InvalidValue, NotFound, Page

if TYPE_CHECKING:
    from wylloh_server.sdk import PluginContext, PluginRequest, Reply

_MOST = 200
"""Transactions of a block that are listed."""
_ETHER = 10**18


@dataclass(frozen=True, slots=True)
class Sent:
    """A transaction in a block: addresses and hash as 0x-hex, `to` empty where it made a contract."""

    hash: str
    sender: str
    to: str


async def block_page(context: PluginContext, request: PluginRequest) -> Reply:
    """Show a block and what was sent in it."""
    number = request.params["block"]
    if not number.isdecimal() or len(number) > len(str(2**63)):
        raise InvalidValue("That is no number of a block.", fix="Follow a link from a page of this server.")
    block = await _found(context, "eth_getBlockByNumber", [hex(int(number)), True], f"no block {number}")
    sent = [Sent(one["hash"], one["from"], one["to"] or "") for one in block["transactions"]]
    about = {"number": int(number), "hash": block["hash"], "parent": block["parentHash"]}
    return Page(
        "block.html",
        {"block": about, "at": _time(block), "sent": sent[:_MOST], "more": len(sent[_MOST:])},
    )


async def transaction_page(context: PluginContext, request: PluginRequest) -> Reply:
    """Show a transaction and what became of it."""
    wanted = [request.params["hash"]]
    sent = await _found(context, "eth_getTransactionByHash", wanted, "no such transaction")
    receipt = await _found(context, "eth_getTransactionReceipt", wanted, "no such transaction yet")
    block = await _found(context, "eth_getBlockByNumber", [receipt["blockNumber"], False], "no such block")
    values = {
        "sent": Sent(sent["hash"], sent["from"], sent["to"] or ""),
        "block": int(receipt["blockNumber"], 16),
        "at": _time(block),
        "done": int(receipt["status"], 16) == 1,
        "events": len(receipt["logs"]),
        "gas": int(receipt["gasUsed"], 16),
        "value": int(sent["value"], 16) / _ETHER,
    }
    return Page("sent.html", values)


async def address_page(context: PluginContext, request: PluginRequest) -> Reply:
    """Show whether an address is a contract, and what it has of the chain's own coin."""
    address = request.params["address"]
    code = await _found(context, "eth_getCode", [address, "latest"], "no such address")
    balance = await _found(context, "eth_getBalance", [address, "latest"], "no such address")
    values = {"address": address, "contract": len(code) > len("0x"), "balance": int(balance, 16) / _ETHER}
    return Page("address.html", values)


async def _found(context: PluginContext, method: str, wanted: list[object], otherwise: str) -> Any:
    """Ask the node.

    Raises:
        NotFound: it knows nothing of that kind, or does not understand what was asked for.
    """
    try:
        answer = await asyncio.to_thread(ask, context.settings["node"], method, wanted)
    except NodeError as error:
        raise NotFound(f"The demo chain said: {error}", fix="Go back.") from None
    if answer is None:
        raise NotFound(f"The demo chain has {otherwise}.", fix="Go back.")
    return answer


def _time(block: dict[str, Any]) -> int:
    return int(block["timestamp"], 16)
