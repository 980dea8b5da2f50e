"""Signs and sends a transaction with a local key, or prepares it for a browser wallet.

Only the CLI may import this: the running server holds no key that can move tokens.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from wylloh_server.adapters.chain import _wire
from wylloh_server.adapters.chain._faults import CallReverted, NodeFailed, RequestRefused
from wylloh_server.domain.errors import ChainError, ChainUnavailable
from wylloh_server.domain.types import BlockNumber, Seconds, Wallet, wallet_of
from wylloh_server.resources import contract_artifact

if TYPE_CHECKING:
    from eth_account.signers.local import LocalAccount

    from wylloh_server.adapters.chain._node import Ask
    from wylloh_server.adapters.chain.registry_calls import Transaction
    from wylloh_server.adapters.chain.rpc import RpcPool

_POLL = 0.25
_MODEST_TIP = 1_000_000_000
"""Wei per gas, where a node has no opinion of its own."""

_FIXES = {
    "AccessControlUnauthorizedAccount": "Ask the registry's admin to grant this account the publisher role.",
    "NotThePublisher": "Sign with the account that registered the film.",
    "TokenIdNotYours": "Choose a token id that begins with the signing account's address.",
    "FilmExists": "Choose another token id, or change the film that exists.",
    "SupplyExceeded": "Mint fewer tokens.",
    "OwnableUnauthorizedAccount": "Sign with the account that owns the store.",
    "FeeTooHigh": "Set a fee of at most 1,000 basis points.",
    "BadPayee": "Name a receiver that can use the money: not the store, not the zero address.",
    "BadCoin": "Name the address of an ERC-20 coin on this chain.",
}

_CONTRACTS = {"the registry": "FilmRegistry", "the store": "FilmStore"}


@dataclass(frozen=True, slots=True)
class Mined:
    """A transaction that succeeded. `contract` is the address it created, if it did."""

    hash: str
    block: BlockNumber
    contract: Wallet | None


async def prepare(pool: RpcPool, transaction: Transaction, sender: Wallet) -> dict[str, str]:
    """Give the parameters of `eth_sendTransaction` for a browser wallet, all 0x-hex.

    The wallet itself chooses nonce and fees.

    Raises:
        ChainUnavailable, WrongChain, NoContract: the chain cannot be asked.
        ChainError: the contract would refuse it; the message says why.
    """
    return await pool.run(partial(_prepared, transaction=transaction, sender=sender, chain_id=pool.chain_id))


async def send(
    pool: RpcPool, transaction: Transaction, account: LocalAccount, *, patience: Seconds = Seconds(300)
) -> Mined:
    """Sign a transaction, send it, and wait for its receipt.

    Raises:
        ChainUnavailable: the chain cannot be asked, the account cannot pay, or the transaction is still
            waiting after `patience`; in the last case the message carries its hash.
        WrongChain, NoContract: the chain cannot be asked.
        ChainError: the contract refused it; the message says why.
    """
    signed = account.sign_transaction(await pool.run(partial(_complete, pool, transaction, account)))
    tx_hash = "0x" + bytes(signed.hash).hex()
    try:
        await pool.request("eth_sendRawTransaction", ["0x" + bytes(signed.raw_transaction).hex()])
    except RequestRefused as error:
        # A node that took it and then failed may have passed it on before the next one was tried.
        if "known" not in str(error).lower():
            raise
    return await _mined(pool, tx_hash, patience)


async def _prepared(ask: Ask, transaction: Transaction, sender: Wallet, chain_id: int) -> dict[str, str]:
    parameters = {"from": sender, "data": transaction.data, "value": "0x0"}
    if transaction.to is not None:
        parameters["to"] = transaction.to
    try:
        gas = _wire.quantity(await ask("eth_estimateGas", [parameters]))
    except CallReverted as error:
        raise _explained(error) from None
    return {**parameters, "gas": hex(gas * 6 // 5), "chainId": hex(chain_id)}


async def _complete(
    pool: RpcPool, transaction: Transaction, account: LocalAccount, ask: Ask
) -> dict[str, Any]:
    sender = wallet_of(account.address)
    prepared = await _prepared(ask, transaction, sender, pool.chain_id)
    nonce = _wire.quantity(await ask("eth_getTransactionCount", [sender, "pending"]))
    to = {"to": bytes.fromhex(transaction.to[2:])} if transaction.to else {}
    return {
        "data": prepared["data"],
        "value": 0,
        "gas": int(prepared["gas"], 16),
        "chainId": int(pool.chain_id),
        "nonce": nonce,
        **to,
        **await _fees(ask),
    }


async def _fees(ask: Ask) -> dict[str, int]:
    """Offer twice the base fee and a tip (EIP-1559), or the node's price on a chain without base fee."""
    newest = await ask("eth_getBlockByNumber", ["latest", False])
    if not isinstance(newest, dict):
        raise NodeFailed("it has no newest block")
    if newest.get("baseFeePerGas") is None:
        return {"gasPrice": _wire.quantity(await ask("eth_gasPrice", []))}
    try:
        tip = _wire.quantity(await ask("eth_maxPriorityFeePerGas", []))
    except RequestRefused:
        tip = _MODEST_TIP
    return {
        "maxFeePerGas": 2 * _wire.quantity(newest["baseFeePerGas"]) + tip,
        "maxPriorityFeePerGas": tip,
    }


async def _mined(pool: RpcPool, tx_hash: str, patience: Seconds) -> Mined:
    try:
        async with asyncio.timeout(patience):
            while (receipt := await pool.request("eth_getTransactionReceipt", [tx_hash])) is None:  # noqa: ASYNC110 - HTTP can only be polled
                await asyncio.sleep(_POLL)
    except TimeoutError:
        message = f"transaction {tx_hash} was sent and is still waiting to be mined"
        raise ChainUnavailable(message, fix="Look it up before you send another.") from None
    if _wire.quantity(receipt["status"]) != 1:
        raise ChainError(f"the contract refused transaction {tx_hash}", fix="Send it again to see why.")
    created = receipt.get("contractAddress")
    block = BlockNumber(_wire.quantity(receipt["blockNumber"]))
    return Mined(tx_hash, block, wallet_of(created) if created else None)


def _explained(error: CallReverted) -> ChainError:
    for who, contract in _CONTRACTS.items():
        if name := _errors_of(contract).get(error.data[:4]):
            fix = _FIXES.get(name, "Correct the value and try again.")
            return ChainError(f"{who} refused: {name}", fix=fix)
    return error


def _errors_of(contract: str) -> dict[bytes, str]:
    """Give the custom errors of a contract: selector to name."""
    abi = json.loads(contract_artifact(contract).read_text(encoding="utf-8"))["abi"]
    errors = (entry for entry in abi if entry["type"] == "error")
    return {
        _wire.selector(f"{error['name']}({','.join(field['type'] for field in error['inputs'])})"): error[
            "name"
        ]
        for error in errors
    }
