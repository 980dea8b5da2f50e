"""Why a contract refused a call: the custom errors of the project's contracts, and Solidity's own two."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError

from wylloh_server.adapters.chain import abi_codec
from wylloh_server.adapters.chain.contract_abi import CONTRACTS, abi_errors

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_SOLIDITY = {"Error": ("string",), "Panic": ("uint256",)}
"""What `require` with words and a failed check raise.
https://docs.soliditylang.org/en/latest/control-structures.html#panic-via-assert-and-error-via-require"""


@dataclass(frozen=True, slots=True)
class RevertReason:
    """A contract's error: its name, and its arguments as Python values (addresses lower case)."""

    name: str
    arguments: tuple[Any, ...] = ()

    def __str__(self) -> str:
        """Return what it says, or `NotOnSale(7)`."""
        if self.name == "Error":
            return str(self.arguments[0])
        return f"{self.name}({', '.join(map(_written, self.arguments))})"


def parse_revert(data: bytes) -> RevertReason | None:
    """Read the ABI-encoded error of a call that was refused; None if it is none we know."""
    known = _errors().get(data[:4])
    if known is None:
        return None
    name, types = known
    try:
        return RevertReason(name, decode(types, data[4:]))
    except (DecodingError, OverflowError, UnicodeDecodeError):
        return None


@cache
def _errors() -> Mapping[bytes, tuple[str, Sequence[str]]]:
    errors = [entry for contract in CONTRACTS for entry in abi_errors(contract).values()]
    found: dict[str, tuple[str, ...]] = dict(_SOLIDITY)
    found |= {entry.name: tuple(one.type for one in entry.inputs) for entry in errors}
    return {abi_codec.selector(f"{name}({','.join(types)})"): (name, types) for name, types in found.items()}


def _written(value: Any) -> str:
    return "0x" + value.hex() if isinstance(value, bytes) else str(value)
