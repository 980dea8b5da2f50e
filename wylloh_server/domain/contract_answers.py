"""Answers by which a contract promises what people are shown, and contracts that know no such question."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wylloh_server.domain.errors import ChainError, ChainUnavailable, NoContract, WrongChain

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from wylloh_server.domain.types import Wallet

    Read = Callable[[Wallet, str, Sequence[Any], Sequence[str]], Awaitable[tuple[Any, ...]]]

HOLDERS_LADDER_INTERFACE = bytes.fromhex("1bfe483f")
"""ERC-165 id of `IHoldersLadder`: a registry that lets ladders change in the holders' favour only."""

SALE_TERMS_TYPEHASH = bytes.fromhex("a09c468df61351104f2be1a4aec6c33c24893471efa847e84545fb76782c91af")
"""What a store answers to `TERMS_TYPEHASH()` that binds its sales to the terms of this release (EIP-712)."""


async def read_if_known(
    read: Read, contract: Wallet, function: str, arguments: Sequence[Any], returns: Sequence[str]
) -> tuple[Any, ...] | None:
    """Call a view function that contracts of other releases lack; return None where it is not answered.

    Args:
        read: asks a contract, see `ContractReader.read`.
        contract: whom it asks.
        function: canonical signature.
        arguments: values for it.
        returns: ABI types of the answer.

    Raises:
        ChainUnavailable, WrongChain, NoContract: the chain cannot be asked, or there is no contract.
    """
    try:
        return await read(contract, function, arguments, returns)
    except (ChainUnavailable, WrongChain, NoContract):
        raise
    except ChainError:
        return None
