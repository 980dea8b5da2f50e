"""Signs and sends a transaction with a local key, or prepares it for a browser wallet.

Only the CLI may import this: the running server holds no key that can move tokens.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from wylloh_server.adapters.chain import abi_codec
from wylloh_server.adapters.chain.contract_abi import abi_errors
from wylloh_server.adapters.chain.revert_reasons import parse_revert
from wylloh_server.adapters.chain.rpc_errors import CallReverted, NodeFailed, RequestRefused
from wylloh_server.domain.errors import ChainError, ChainUnavailable
from wylloh_server.domain.types import BlockNumber, Seconds, Wallet, parse_wallet

if TYPE_CHECKING:
    from eth_account.signers.local import LocalAccount

    from wylloh_server.adapters.chain.registry_calls import UnsignedTransaction
    from wylloh_server.adapters.chain.rpc_node import Ask
    from wylloh_server.adapters.chain.rpc_pool import RpcPool

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


async def prepare(pool: RpcPool, transaction: UnsignedTransaction, sender: Wallet) -> dict[str, str]:
    """Return the parameters of `eth_sendTransaction` for a browser wallet, all 0x-hex.

    The wallet itself chooses nonce and fees.

    Raises:
        ChainUnavailable, WrongChain, NoContract: the chain cannot be asked.
        ChainError: the contract would refuse it; the message says why.
    """
    return await pool.run(partial(_prepared, transaction=transaction, sender=sender, chain_id=pool.chain_id))


async def send(
    pool: RpcPool,
    transaction: UnsignedTransaction,
    account: LocalAccount,
    *,
    patience: Seconds = Seconds(300),
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


async def _prepared(
    ask: Ask, transaction: UnsignedTransaction, sender: Wallet, chain_id: int
) -> dict[str, str]:
    parameters = {"from": sender, "data": transaction.data, "value": "0x0"}
    if transaction.to is not None:
        parameters["to"] = transaction.to
    try:
        gas = abi_codec.quantity(await ask("eth_estimateGas", [parameters]))
    except CallReverted as error:
        raise _explained(error) from None
    return {**parameters, "gas": hex(gas * 6 // 5), "chainId": hex(chain_id)}


async def _complete(
    pool: RpcPool, transaction: UnsignedTransaction, account: LocalAccount, ask: Ask
) -> dict[str, Any]:
    sender = parse_wallet(account.address)
    prepared = await _prepared(ask, transaction, sender, pool.chain_id)
    nonce = abi_codec.quantity(await ask("eth_getTransactionCount", [sender, "pending"]))
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
        return {"gasPrice": abi_codec.quantity(await ask("eth_gasPrice", []))}
    try:
        tip = abi_codec.quantity(await ask("eth_maxPriorityFeePerGas", []))
    except RequestRefused:
        tip = _MODEST_TIP
    return {
        "maxFeePerGas": 2 * abi_codec.quantity(newest["baseFeePerGas"]) + tip,
        "maxPriorityFeePerGas": tip,
    }


async def _mined(pool: RpcPool, tx_hash: str, patience: Seconds) -> Mined:
    try:
        async with asyncio.timeout(patience):
            while (mined := await pool.run(partial(_receipt, tx_hash=tx_hash))) is None:  # noqa: ASYNC110 - HTTP can only be polled
                await asyncio.sleep(_POLL)
    except TimeoutError:
        message = f"transaction {tx_hash} was sent and is still waiting to be mined"
        raise ChainUnavailable(message, fix="Look it up before you send another.") from None
    return mined


async def _receipt(ask: Ask, tx_hash: str) -> Mined | None:
    receipt = await ask("eth_getTransactionReceipt", [tx_hash])
    if receipt is None:
        return None
    abi_codec.check_hash(receipt, "transactionHash", tx_hash)
    if abi_codec.quantity(receipt["status"]) != 1:
        raise ChainError(f"the contract refused transaction {tx_hash}", fix="Send it again to see why.")
    created = receipt.get("contractAddress")
    block = BlockNumber(abi_codec.block_quantity(receipt["blockNumber"]))
    return Mined(tx_hash, block, abi_codec.address(created) if created else None)


def _explained(error: CallReverted) -> ChainError:
    reason = parse_revert(error.data)
    for who, contract in _CONTRACTS.items():
        if reason is not None and reason.name in abi_errors(contract):
            fix = _FIXES.get(reason.name, "Correct the value and try again.")
            return ChainError(f"{who} refused: {reason.name}", fix=fix)
    return error
