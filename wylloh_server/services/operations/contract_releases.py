"""Whether the configured contracts promise what this release shows people, or are of an earlier one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wylloh_server.domain.contract_answers import (
    HOLDERS_LADDER_INTERFACE,
    SALE_TERMS_TYPEHASH,
    read_if_known,
)
from wylloh_server.domain.errors import ChainError
from wylloh_server.services.operations.health import CheckFailed

if TYPE_CHECKING:
    from wylloh_server.domain.chain_events import Contracts
    from wylloh_server.domain.ports.chain import ContractReader
    from wylloh_server.domain.types import Wallet

_YES = (1).to_bytes(32)
"""True, as an ABI word."""


async def check_contracts(reader: ContractReader, contracts: Contracts) -> str:
    """Ask registry and store which release they are of.

    An earlier registry is followed all the same: what a film's ladders ever gave is kept here.
    """
    if contracts.registry is None and contracts.store is None:
        return "None is configured."
    try:
        ladders_are_safe = await _promises(
            reader, contracts.registry, _YES, "supportsInterface(bytes4)", HOLDERS_LADDER_INTERFACE
        )
        terms_are_bound = await _promises(reader, contracts.store, SALE_TERMS_TYPEHASH, "TERMS_TYPEHASH()")
    except ChainError:
        return "Not known while the chain cannot be asked."
    if not terms_are_bound:
        raise CheckFailed(
            "The store's contract is of another release: nothing is bought or put on sale in it here.",
            fix="Take back what lies in it, then make a new one with `wylloh registry deploy-store` and set "
            "chain.store.",
        )
    if not ladders_are_safe:
        return "The registry is of an earlier release. Holders keep here what its ladders gave them before."
    return "Those configured are of this release."


async def _promises(
    reader: ContractReader, contract: Wallet | None, answer: bytes, function: str, *arguments: bytes
) -> bool:
    """Return whether a contract gives this answer to a question; none configured is no fault."""
    if contract is None:
        return True
    return await read_if_known(reader.read, contract, function, arguments, ("bytes32",)) == (answer,)
