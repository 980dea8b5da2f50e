"""Functions, events and errors of the project's contracts, read from their compiled artifacts.

A name and a contract are all that the rest of this adapter writes down: signatures, selectors, topics and
types follow from the ABI. https://docs.soliditylang.org/en/latest/abi-spec.html
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any

from eth_abi.abi import decode, encode
from eth_abi.exceptions import ABITypeError, DecodingError, EncodingError, ParseError
from eth_abi.grammar import TupleType, parse

from wylloh_server.adapters.chain import abi_codec
from wylloh_server.adapters.chain.rpc_errors import NodeFailed
from wylloh_server.domain.errors import InvalidValue
from wylloh_server.resources import abi_type, contract_artifact

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

_SELECTOR_BYTES = 4
CONTRACTS = ("FilmRegistry", "FilmStore", "RoyaltySplitter", "RoyaltySplitterFactory", "DemoDollar")
"""The last one is here for its errors: those of OpenZeppelin's ERC-20, which most coins share."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One input or output.

    Attributes:
        type: canonical ABI type; a struct is its members in brackets.
        decoded: the type to decode it as. Strings become bytes, which have the same encoding, because no
            contract checks that they are UTF-8.
        indexed: whether it is one of an event's topics.
        members: of a struct, or of each struct in an array.
    """

    name: str
    type: str
    decoded: str
    indexed: bool = False
    members: tuple[Parameter, ...] = ()

    @property
    def element(self) -> Parameter:
        """What an array of this type is made of."""
        return replace(
            self, name="", type=self.type.rpartition("[")[0], decoded=self.decoded.rpartition("[")[0]
        )

    @property
    def is_word(self) -> bool:
        """Whether it is one static word: a number, an address, a truth value or 32 bytes."""
        number = self.type.startswith("uint") and "[" not in self.type
        return number or self.type in ("address", "bool", "bytes32")


@dataclass(frozen=True, slots=True)
class AbiEntry:
    """A function, an event or an error."""

    name: str
    inputs: tuple[Parameter, ...]
    outputs: tuple[Parameter, ...] = ()

    @property
    def signature(self) -> str:
        """The canonical signature, such as `mint(address,uint256,uint256)`."""
        return f"{self.name}({','.join(parameter.type for parameter in self.inputs)})"

    def calldata(self, *arguments: Any) -> bytes:
        """Encode a call of this function.

        Raises:
            InvalidValue: an argument does not fit its type.
        """
        return calldata(self.signature, arguments)

    def decode_answer(self, answer: bytes) -> tuple[Any, ...]:
        """Decode what this function returned; strings come as bytes.

        Raises:
            NodeFailed: it is something else.
        """
        try:
            return decode([parameter.decoded for parameter in self.outputs], answer)
        except (DecodingError, OverflowError):
            raise NodeFailed(f"its answer to {self.name} cannot be read; is that contract there?") from None


def abi_function(contract: str, name: str) -> AbiEntry:
    """Return a contract's function; one that is not overloaded."""
    return _entries(contract, "function")[name]


def abi_functions(contract: str) -> tuple[AbiEntry, ...]:
    """Return every function of a contract, overloaded ones too."""
    return tuple(_listed(contract_artifact(contract), "function"))


def parameters_of(signature: str) -> tuple[Parameter, ...]:
    """Return the parameters in a canonical signature, which has no names for them.

    Raises:
        InvalidValue: it is no signature.
    """
    try:
        return tuple(_unnamed(kind) for kind in _types(signature))
    except (ParseError, ABITypeError, ValueError, TypeError) as error:
        raise InvalidValue(f"{signature!r} is no function: {error}", fix="Correct it.") from None


def _unnamed(kind: str) -> Parameter:
    parsed = parse(kind)
    members = parsed.components if isinstance(parsed, TupleType) else ()
    return Parameter(
        "",
        kind,
        kind.replace("string", "bytes"),
        members=tuple(_unnamed(one.to_type_str()) for one in members),
    )


def abi_event(contract: str, name: str) -> AbiEntry:
    """Return a contract's event."""
    return _entries(contract, "event")[name]


def abi_errors(contract: str) -> Mapping[str, AbiEntry]:
    """Return a contract's custom errors by name."""
    return _entries(contract, "error")


def constructor_arguments(artifact: Path, arguments: Sequence[Any]) -> bytes:
    """Encode the arguments with which a compiled contract is created.

    Raises:
        InvalidValue: one does not fit its type.
    """
    parameters = next((entry.signature for entry in _read(artifact, "constructor").values()), "()")
    # They follow the creation code without a selector.
    return calldata(f"constructor{parameters}", arguments)[_SELECTOR_BYTES:]


def calldata(function: str, arguments: Sequence[Any]) -> bytes:
    """Encode a call of any function by its canonical signature.

    Raises:
        InvalidValue: the signature cannot be read, or an argument does not fit its type.
    """
    try:
        return abi_codec.selector(function) + encode(_types(function), tuple(arguments))
    except (EncodingError, ParseError, ABITypeError, ValueError, TypeError) as error:
        raise InvalidValue(f"a value does not fit {function}: {error}", fix="Correct it.") from None


def _types(function: str) -> list[str]:
    """Split a signature's parameter types; tuples may hold others."""
    bracket = function.index("(")
    if function[bracket:] == "()":
        return []
    parsed = parse(function[bracket:])
    if not isinstance(parsed, TupleType):
        raise TypeError(f"{function} is no signature")
    return [part.to_type_str() for part in parsed.components]


@cache
def _entries(contract: str, kind: str) -> Mapping[str, AbiEntry]:
    return _read(contract_artifact(contract), kind)


def _read(artifact: Path, kind: str) -> dict[str, AbiEntry]:
    return {entry.name: entry for entry in _listed(artifact, kind)}


def _listed(artifact: Path, kind: str) -> Iterator[AbiEntry]:
    for entry in json.loads(artifact.read_text(encoding="utf-8"))["abi"]:
        if entry["type"] == kind:
            inputs, outputs = _parameters(entry.get("inputs", ())), _parameters(entry.get("outputs", ()))
            yield AbiEntry(entry.get("name", ""), inputs, outputs)


def _parameters(values: Sequence[Mapping[str, Any]]) -> tuple[Parameter, ...]:
    return tuple(
        Parameter(
            value["name"],
            abi_type(value),
            abi_type(value).replace("string", "bytes"),
            value.get("indexed", False),
            _parameters(value.get("components", ())),
        )
        for value in values
    )
