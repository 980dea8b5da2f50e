"""Calls for wallets: encoded, tried with `eth_call`, and found on the chain by hash or by number.

JSON-RPC: https://ethereum.github.io/execution-apis/
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Any

from wylloh_server.adapters.chain import _wire
from wylloh_server.adapters.chain._faults import CallReverted, NodeFailed, RequestRefused
from wylloh_server.adapters.chain.reader import calldata
from wylloh_server.adapters.chain.refusals import refusal_of
from wylloh_server.domain.errors import InvalidValue
from wylloh_server.domain.onchain import NOBODY
from wylloh_server.domain.ports.wallet_calls import CallRefusal, PreparedCall, SeenCall, WalletStanding
from wylloh_server.domain.transaction import SignaturePart
from wylloh_server.domain.types import BlockNumber, wallet_of

if TYPE_CHECKING:
    from wylloh_server.adapters.chain._node import Ask
    from wylloh_server.adapters.chain.rpc import RpcPool
    from wylloh_server.domain.transaction import ContractCall
    from wylloh_server.domain.types import Wallet

_REORG_ROOM = 64
"""Blocks to look back further than where a search begins: a reorg may have moved a call down."""

_FINAL_AFTER = 64
"""Blocks after which one counts as final on a node that does not say (two epochs of Ethereum)."""

_DELEGATION = bytes.fromhex("ef0100")

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
        return PreparedCall(sender, wallet_of(call.to or ""), data, call.value)

    async def refusal(self, call: PreparedCall, at: BlockNumber | None = None) -> CallRefusal | None:
        """Try a call without sending it; None when it would work. Raises ChainError."""
        place = "latest" if at is None else hex(at)
        return await self._pool.run(partial(_refusal, call=call, place=place))

    async def standing(self, wallet: Wallet) -> WalletStanding:
        """Say where a wallet stands. Raises ChainError."""
        return await self._pool.run(partial(_standing, wallet=wallet))

    async def seen(self, transaction: str) -> SeenCall | None:
        """Find a transaction by its hash. Raises ChainError."""
        return await self._pool.run(partial(_seen, transaction=transaction))

    async def numbered(self, wallet: Wallet, nonce: int, after: BlockNumber) -> SeenCall | None:
        """Find the transaction of a number that a wallet made. Raises ChainError."""
        return await self._pool.run(partial(_numbered, wallet=wallet, nonce=nonce, after=after))

    async def final(self) -> BlockNumber:
        """Give the number up to which no block can be taken back. Raises ChainError."""
        return await self._pool.run(_final)


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


async def _refusal(ask: Ask, call: PreparedCall, place: str) -> CallRefusal | None:
    if _is_contract(_wire.data(await ask("eth_getCode", [call.sender, place]))):
        return CallRefusal("ContractWallet")
    if not _wire.data(await ask("eth_getCode", [call.to, place])):
        return CallRefusal("NoContract")
    query = {"from": call.sender, "to": call.to, "data": call.data, "value": hex(call.value)}
    try:
        await ask("eth_call", [query, place])
    except CallReverted as error:
        return _told(error)
    except RequestRefused as error:
        if "insufficient funds" in str(error).lower():
            return CallRefusal("InsufficientFunds")
        raise
    return None


def _is_contract(code: bytes) -> bool:
    """Tell a contract from an account, also one that lends itself a contract's code (EIP-7702)."""
    return bool(code) and not code.startswith(_DELEGATION)


def _told(error: CallReverted) -> CallRefusal:
    known = refusal_of(error.data)
    if known is None:
        return CallRefusal()
    return CallRefusal(words=str(known)) if known.name == "Error" else CallRefusal(name=known.name)


async def _standing(ask: Ask, wallet: Wallet) -> WalletStanding:
    block = BlockNumber(_wire.quantity(await ask("eth_blockNumber", [])))
    return WalletStanding(block, await _count(ask, wallet, block))


async def _count(ask: Ask, wallet: Wallet, block: int) -> int:
    return _wire.quantity(await ask("eth_getTransactionCount", [wallet, hex(block)]))


async def _seen(ask: Ask, transaction: str) -> SeenCall | None:
    found = await ask("eth_getTransactionByHash", [transaction])
    if found is None:
        return None
    receipt = await ask("eth_getTransactionReceipt", [transaction])
    return _call_of(found, receipt)


async def _numbered(ask: Ask, wallet: Wallet, nonce: int, after: BlockNumber) -> SeenCall | None:
    """Search by halves for the block in which the wallet's count went beyond the number."""
    low, high = max(0, after - _REORG_ROOM), _wire.quantity(await ask("eth_blockNumber", []))
    if low >= high or await _count(ask, wallet, high) <= nonce:
        return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if await _count(ask, wallet, middle) > nonce else (middle, high)
    block = await ask("eth_getBlockByNumber", [hex(high), True])
    found = next((one for one in _listed(block) if _made(one) == (wallet, nonce)), None)
    return None if found is None else await _seen(ask, str(found["hash"]))


def _listed(block: Any) -> list[dict[str, Any]]:
    if not isinstance(block, dict) or not isinstance(block.get("transactions"), list):
        raise NodeFailed("it sent no block where one was due")
    return [one for one in block["transactions"] if isinstance(one, dict)]


def _made(transaction: dict[str, Any]) -> tuple[str, int]:
    return str(transaction.get("from")).lower(), _wire.quantity(transaction.get("nonce"))


def _call_of(found: Any, receipt: Any) -> SeenCall:
    if not isinstance(found, dict) or not (receipt is None or isinstance(receipt, dict)):
        raise NodeFailed("it sent no transaction where one was due")
    try:
        sender, to = wallet_of(str(found.get("from"))), wallet_of(str(found.get("to") or NOBODY))
    except InvalidValue:
        raise NodeFailed("it sent a transaction without addresses") from None
    data = "0x" + _wire.data(found.get("input", found.get("data"))).hex()
    call = PreparedCall(sender, to, data, _wire.quantity(found.get("value")))
    seen = SeenCall(str(found.get("hash")).lower(), call, _wire.quantity(found.get("nonce")))
    if receipt is None or receipt.get("blockNumber") is None:
        return seen
    block = BlockNumber(_wire.quantity(receipt["blockNumber"]))
    return SeenCall(seen.hash, call, seen.nonce, block, _wire.quantity(receipt.get("status")) == 1)


async def _final(ask: Ask) -> BlockNumber:
    try:
        block = await ask("eth_getBlockByNumber", ["finalized", False])
    except RequestRefused:
        block = None
    if isinstance(block, dict):
        return BlockNumber(_wire.quantity(block.get("number")))
    newest = _wire.quantity(await ask("eth_blockNumber", []))
    return BlockNumber(max(0, newest - _FINAL_AFTER))
