"""Calls for wallets: encoded, tried with `eth_call`, and found on the chain by hash or by number.

JSON-RPC: https://ethereum.github.io/execution-apis/
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Any

from wylloh_server.adapters.chain import abi_codec
from wylloh_server.adapters.chain.block_headers import FINALITY_DEPTH, read_head
from wylloh_server.adapters.chain.call_decoder import decode_call
from wylloh_server.adapters.chain.contract_abi import calldata
from wylloh_server.adapters.chain.contract_reader import is_contract
from wylloh_server.adapters.chain.revert_reasons import parse_revert
from wylloh_server.adapters.chain.rpc_errors import CallReverted, NodeFailed, RequestRefused
from wylloh_server.domain.chain_events import ZERO_ADDRESS
from wylloh_server.domain.errors import InvalidValue
from wylloh_server.domain.ports.wallet_calls import CallRefusal, PreparedCall, SeenCall, WalletStanding
from wylloh_server.domain.transaction import SignaturePart
from wylloh_server.domain.types import BlockNumber, parse_wallet

if TYPE_CHECKING:
    from wylloh_server.adapters.chain.rpc_node import Ask
    from wylloh_server.adapters.chain.rpc_pool import RpcPool
    from wylloh_server.domain.decoded_call import DecodedCall
    from wylloh_server.domain.transaction import ContractCall
    from wylloh_server.domain.types import Wallet

_SIGNATURE = re.compile(r"0x([0-9a-fA-F]{64})([0-9a-fA-F]{64})([0-9a-fA-F]{2})")
_UNSIGNED = "0x" + "00" * 65
_FIRST_V = 27


class PoolWalletCalls:
    """Implements the port `WalletCalls` over an `RpcPool`."""

    def __init__(self, pool: RpcPool) -> None:
        self._pool = pool

    def prepared(self, sender: Wallet, call: ContractCall, signature: str = "") -> PreparedCall:
        """Compose a call; without a signature its parts are zero.

        Raises:
            InvalidValue: function or arguments make no call, or the signature is none.
        """
        parts = signature_parts(signature or _UNSIGNED)
        arguments = tuple(_filled(argument, parts) for argument in call.arguments)
        data = "0x" + calldata(call.function, arguments).hex()
        return PreparedCall(sender, parse_wallet(call.to or ""), data, call.value)

    def decoded(self, call: PreparedCall, artifact: str, signature: str) -> DecodedCall:
        """Read from a call's data what it does. Raises InvalidValue, see `decode_call`."""
        return decode_call(call, artifact, signature)

    async def refusal(self, call: PreparedCall, at: BlockNumber | None = None) -> CallRefusal | None:
        """Try a call without sending it; None when it would work. Raises ChainError."""
        block = "latest" if at is None else hex(at)
        return await self._pool.ask(partial(_refusal, call=call, block=block))

    async def standing(self, wallet: Wallet) -> WalletStanding:
        """Return where a wallet stands. Raises ChainError."""
        return await self._pool.ask(partial(_standing, wallet=wallet))

    async def seen(self, transaction: str) -> SeenCall | None:
        """Find a transaction by its hash. Raises ChainError."""
        return await self._pool.ask(partial(_seen, transaction=transaction))

    async def numbered(self, wallet: Wallet, nonce: int, after: BlockNumber) -> SeenCall | None:
        """Find the transaction of a number that a wallet made. Raises ChainError."""
        return await self._pool.ask(partial(_numbered, wallet=wallet, nonce=nonce, after=after))

    async def final(self) -> BlockNumber:
        """Return the number up to which no block can be taken back. Raises ChainError."""
        return (await self._pool.ask(read_head)).final


def signature_parts(signature: str) -> dict[SignaturePart, int | bytes]:
    """Take a 65-byte signature apart; v is 27 or 28 also where the wallet wrote 0 or 1 (EIP-155 aside).

    Raises:
        InvalidValue: it is no such signature.
    """
    found = _SIGNATURE.fullmatch(signature)
    if found is None:
        raise InvalidValue("That is no signature of an account.", fix="Sign again with your wallet.")
    v = int(found[3], 16)
    return {
        SignaturePart.V: v if v >= _FIRST_V else v + _FIRST_V,
        SignaturePart.R: bytes.fromhex(found[1]),
        SignaturePart.S: bytes.fromhex(found[2]),
    }


def _filled(argument: Any, parts: dict[SignaturePart, int | bytes]) -> Any:
    if isinstance(argument, SignaturePart):
        return parts[argument]
    if isinstance(argument, tuple | list):
        return tuple(_filled(inner, parts) for inner in argument)
    return argument


async def _refusal(ask: Ask, call: PreparedCall, block: str) -> CallRefusal | None:
    if is_contract(abi_codec.data(await ask("eth_getCode", [call.sender, block]))):
        return CallRefusal("ContractWallet")
    if not abi_codec.data(await ask("eth_getCode", [call.to, block])):
        return CallRefusal("NoContract")
    query = {"from": call.sender, "to": call.to, "data": call.data, "value": hex(call.value)}
    try:
        abi_codec.data(await ask("eth_call", [query, block]))
    except CallReverted as error:
        return _refusal_of_revert(error)
    except RequestRefused as error:
        if "insufficient funds" in str(error).lower():
            return CallRefusal("InsufficientFunds")
        raise
    return None


def _refusal_of_revert(error: CallReverted) -> CallRefusal:
    known = parse_revert(error.data)
    if known is None:
        return CallRefusal()
    return CallRefusal(words=str(known)) if known.name == "Error" else CallRefusal(name=known.name)


async def _standing(ask: Ask, wallet: Wallet) -> WalletStanding:
    block = BlockNumber(abi_codec.block_quantity(await ask("eth_blockNumber", [])))
    return WalletStanding(block, await _count(ask, wallet, block))


async def _count(ask: Ask, wallet: Wallet, block: int) -> int:
    return abi_codec.quantity(await ask("eth_getTransactionCount", [wallet, hex(block)]))


async def _seen(ask: Ask, transaction: str) -> SeenCall | None:
    found = await ask("eth_getTransactionByHash", [transaction])
    if found is None:
        return None
    receipt = await ask("eth_getTransactionReceipt", [transaction])
    abi_codec.check_hash(found, "hash", transaction)
    if receipt is not None:
        abi_codec.check_hash(receipt, "transactionHash", transaction)
    return _parse_call(found, receipt)


async def _numbered(ask: Ask, wallet: Wallet, nonce: int, after: BlockNumber) -> SeenCall | None:
    """Search by halves for the block in which the wallet's count went beyond the number.

    It begins lower than where the caller saw nothing: a reorg may have moved the call down.
    """
    low, high = max(0, after - FINALITY_DEPTH), abi_codec.block_quantity(await ask("eth_blockNumber", []))
    if low >= high or await _count(ask, wallet, high) <= nonce:
        return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if await _count(ask, wallet, middle) > nonce else (middle, high)
    block = await ask("eth_getBlockByNumber", [hex(high), True])
    found = next((one for one in _listed(block) if _made(one) == (wallet, nonce)), None)
    return None if found is None else await _seen(ask, abi_codec.digest(found.get("hash")))


def _listed(block: Any) -> list[dict[str, Any]]:
    if not isinstance(block, dict) or not isinstance(block.get("transactions"), list):
        raise NodeFailed("it sent no block where one was due")
    return [one for one in block["transactions"] if isinstance(one, dict)]


def _made(transaction: dict[str, Any]) -> tuple[str, int]:
    return str(transaction.get("from")).lower(), abi_codec.quantity(transaction.get("nonce"))


def _parse_call(found: dict[str, Any], receipt: dict[str, Any] | None) -> SeenCall:
    sender = abi_codec.address(found.get("from"))
    to = abi_codec.address(found.get("to") or ZERO_ADDRESS)
    data = "0x" + abi_codec.data(found.get("input", found.get("data"))).hex()
    call = PreparedCall(sender, to, data, abi_codec.quantity(found.get("value")))
    seen = SeenCall(abi_codec.digest(found.get("hash")), call, abi_codec.quantity(found.get("nonce")))
    if receipt is None or receipt.get("blockNumber") is None:
        return seen
    block = BlockNumber(abi_codec.block_quantity(receipt["blockNumber"]))
    return SeenCall(seen.hash, call, seen.nonce, block, abi_codec.quantity(receipt.get("status")) == 1)
