"""The page of what the store may take from a wallet, where each permission can be taken back."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wylloh_server.sdk import InvalidValue, Page, Proposal, redirect_to_wallet, require_viewer, short_address
from wylloh_store.coin_choices import coins_to_choose, known_coin
from wylloh_store.store_contract import StoreContract, coin_contract

if TYPE_CHECKING:
    from wylloh_server.sdk import Coin, ContractCall, PluginContext, PluginRequest, Reply, Viewer

_PATH = "/plugins/store/permissions"
_TOKENS = "tokens"


@dataclass(frozen=True, slots=True)
class Permission:
    """What the store may take: `of` is `tokens`, or a coin's address."""

    of: str
    name: str
    sentence: str


async def permissions(context: PluginContext, request: PluginRequest) -> Reply:
    """Show what the store may take from the viewer's wallet."""
    viewer, contract = require_viewer(request), StoreContract(context)
    coins = await coins_to_choose(context)
    may_take, *allowances = await asyncio.gather(
        contract.may_take_tokens(viewer.wallet),
        *(contract.allowance(viewer.wallet, coin.address) for coin in coins),
    )
    given = [_of_tokens()] if may_take else []
    given += [_of_coin(coin, allowed) for coin, allowed in zip(coins, allowances, strict=True) if allowed]
    store = short_address(contract.store.address)
    return Page("permissions.html", {"given": given, "store": store, "wallet": viewer.wallet})


async def take_permission_back(context: PluginContext, request: PluginRequest) -> Reply:
    """Propose to take a permission back."""
    viewer, of = require_viewer(request), request.value("of")
    contract = StoreContract(context)
    if of == _TOKENS:
        call = _without_tokens(contract)
        return await _proposed(context, viewer, call, "Put tokens up again, and the store asks again.")
    coin = await known_coin(context, of)
    if not await contract.allowance(viewer.wallet, coin.address):
        raise InvalidValue(f"The store may take no {coin.symbol} of yours.", fix="Reload the page.")
    summary = f"Let the store take no {coin.symbol} any more."
    call = coin_contract(coin.address).call("approve", contract.store.address, 0, summary=summary)
    return await _proposed(context, viewer, call, "The next purchase asks for exactly its price.")


def _without_tokens(contract: StoreContract) -> ContractCall:
    summary = "Let the store move none of your film tokens any more."
    return contract.registry.call("setApprovalForAll", contract.store.address, False, summary=summary)


async def _proposed(context: PluginContext, viewer: Viewer, call: ContractCall, after: str) -> Reply:
    kept = "What you have put up already lies in the store and stays for sale until you take it back."
    proposal = Proposal(
        title="Take a permission back",
        explanation=(call.summary, after, kept),
        steps=(call,),
        done="The permission is taken back.",
        back=_PATH,
    )
    return await redirect_to_wallet(context, viewer, proposal)


def _of_tokens() -> Permission:
    sentence = (
        "Move film tokens of yours, of every film: the standard knows only all or none. The store's contract "
        "moves those alone that you put up for sale."
    )
    return Permission(_TOKENS, "Film tokens", sentence)


def _of_coin(coin: Coin, allowed: int) -> Permission:
    return Permission(coin.address, coin.symbol, f"Take up to {coin.written(allowed)} when you buy.")
