"""Questions to any contract, by the signature of a function."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError

from wylloh_server.adapters.chain import abi_codec
from wylloh_server.adapters.chain.contract_abi import calldata
from wylloh_server.adapters.chain.revert_reasons import parse_revert
from wylloh_server.adapters.chain.rpc_errors import CallReverted
from wylloh_server.domain.errors import ChainError, NoContract

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wylloh_server.adapters.chain.rpc_node import Ask
    from wylloh_server.adapters.chain.rpc_pool import RpcPool
    from wylloh_server.domain.types import Wallet

_GAS = 10_000_000
"""Enough for any view; an endless loop or a flood of return data in a strange contract ends there."""

_DELEGATION = bytes.fromhex("ef0100")
"""How the code of a wallet begins that lets a contract act for it (EIP-7702)."""


class PoolContractReader:
    """Implements the port `ContractReader` over an `RpcPool`."""

    def __init__(self, pool: RpcPool) -> None:
        self._pool = pool

    async def read(
        self, contract: Wallet, function: str, arguments: Sequence[Any], returns: Sequence[str]
    ) -> tuple[Any, ...]:
        """Call a view at the newest block.

        Args:
            contract: its address.
            function: canonical Solidity signature, such as `quote(uint256,uint256)`; tuples in brackets.
            arguments: Python values for it: int, bool, str, 0x-addresses, bytes, tuples.
            returns: types of what it gives, such as `("address", "(uint256,string)[]")`.

        Raises:
            InvalidValue: an argument does not fit its type.
            NoContract: there is no code at the address.
            ChainUnavailable, WrongChain: the chain cannot be asked.
            ChainError: the contract refused, and why; or it gives something else than `returns`.
        """
        data = "0x" + calldata(function, arguments).hex()
        query = {"to": contract, "data": data, "gas": hex(_GAS)}
        try:
            answer = await self._pool.ask(partial(_call, query=query))
        except CallReverted as error:
            raise _explained(error) from None
        if not answer and returns:
            raise NoContract(f"there is no contract at {contract} that answers", fix="Check the address.")
        return _decoded(contract, function, returns, answer)

    async def has_code(self, address: Wallet) -> bool:
        """Return whether there is a contract at an address. A wallet that delegates (EIP-7702) is none."""
        return is_contract(await self._pool.ask(partial(_code, address=address)))

    async def native_balance(self, wallet: Wallet) -> int:
        """Return what a wallet has of the chain's own coin, in its base unit."""
        return await self._pool.ask(partial(_balance, wallet=wallet))


def is_contract(code: bytes) -> bool:
    """Return whether code is a contract's, and not of an account that uses a contract's (EIP-7702)."""
    return bool(code) and not code.startswith(_DELEGATION)


async def _call(ask: Ask, query: dict[str, str]) -> bytes:
    return abi_codec.data(await ask("eth_call", [query, "latest"]))


async def _code(ask: Ask, address: Wallet) -> bytes:
    return abi_codec.data(await ask("eth_getCode", [address, "latest"]))


async def _balance(ask: Ask, wallet: Wallet) -> int:
    return abi_codec.quantity(await ask("eth_getBalance", [wallet, "latest"]))


def _decoded(contract: Wallet, function: str, returns: Sequence[str], answer: bytes) -> tuple[Any, ...]:
    try:
        return decode(returns, answer) if returns else ()
    except (DecodingError, OverflowError, UnicodeDecodeError):
        raise ChainError(
            f"what {contract} answers to {function} cannot be read", fix="Check that it is that contract."
        ) from None


def _explained(error: CallReverted) -> ChainError:
    refusal = parse_revert(error.data)
    if refusal is None:
        return error
    return ChainError(f"the contract refused: {refusal}", fix="Ask for something this contract allows.")
