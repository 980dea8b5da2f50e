"""Why a contract refused a call: the custom errors of the project's contracts, and Solidity's own two."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError

from wylloh_server.adapters.chain import _wire
from wylloh_server.resources import contract_artifact

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_CONTRACTS = ("FilmRegistry", "FilmStore", "RoyaltySplitter", "RoyaltySplitterFactory", "DemoDollar")
"""The last one knows the errors of OpenZeppelin's ERC-20, which most coins share."""

_SOLIDITY = {"Error": ("string",), "Panic": ("uint256",)}
"""What `require` with words and a failed check raise.
https://docs.soliditylang.org/en/latest/control-structures.html#panic-via-assert-and-error-via-require"""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A contract's error: its name, and its arguments as Python values (addresses lower case)."""

    name: str
    arguments: tuple[Any, ...] = ()

    def __str__(self) -> str:
        """Give what it says, or `NotOnSale(7)`."""
        if self.name == "Error":
            return str(self.arguments[0])
        return f"{self.name}({', '.join(map(_written, self.arguments))})"


def refusal_of(data: bytes) -> Refusal | None:
    """Read the ABI-encoded error of a call that was refused; None if it is none we know."""
    known = _errors().get(data[:4])
    if known is None:
        return None
    name, types = known
    try:
        return Refusal(name, decode(types, data[4:]))
    except (DecodingError, OverflowError, UnicodeDecodeError):
        return None


@cache
def _errors() -> Mapping[bytes, tuple[str, Sequence[str]]]:
    found = dict(_SOLIDITY)
    for contract in _CONTRACTS:
        abi = json.loads(contract_artifact(contract).read_text(encoding="utf-8"))["abi"]
        errors = (entry for entry in abi if entry["type"] == "error")
        found |= {error["name"]: tuple(field["type"] for field in error["inputs"]) for error in errors}
    return {_wire.selector(f"{name}({','.join(types)})"): (name, types) for name, types in found.items()}


def _written(value: Any) -> str:
    return "0x" + value.hex() if isinstance(value, bytes) else str(value)
