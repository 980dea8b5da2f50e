"""Calldata read by the ABI of the project's contracts, by token standards, else by its signature."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError

from wylloh_server.adapters.chain import abi_codec
from wylloh_server.adapters.chain.contract_abi import CONTRACTS, Parameter, abi_functions, parameters_of
from wylloh_server.domain.decoded_call import STANDARD_SIGNATURES, DecodedArgument, DecodedCall
from wylloh_server.domain.errors import InvalidValue

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from wylloh_server.domain.ports.wallet_calls import PreparedCall

_SELECTOR_BYTES = 4


def decode_call(call: PreparedCall, artifact: str, signature: str) -> DecodedCall:
    """Read a call.

    Args:
        call: its data decide, not what it was composed from.
        artifact: the compiled contract that is at its address, whose functions alone are known then; empty
            for any other contract.
        signature: the function it was composed for. What token standards name is read by those.

    Raises:
        InvalidValue: the contract has no such function, or the arguments are not those of it.
    """
    data = abi_codec.data(call.data)
    known = _functions(artifact) if artifact else _standards()
    found = known.get(data[:_SELECTOR_BYTES])
    if found is None and artifact:
        raise InvalidValue(f"{artifact} has no function {signature}.", fix="Tell the plugin's author.")
    name, parameters = found or (signature, parameters_of(signature))
    try:
        values = decode([parameter.decoded for parameter in parameters], data[_SELECTOR_BYTES:])
    except (DecodingError, OverflowError):
        raise InvalidValue(f"The arguments are not those of {name}.", fix="Tell its author.") from None
    return DecodedCall(call.to, name, _arguments(parameters, values), call.value)


def _arguments(parameters: Sequence[Parameter], values: Sequence[Any]) -> tuple[DecodedArgument, ...]:
    return tuple(
        DecodedArgument(one.name, one.type, _value(one, value))
        for one, value in zip(parameters, values, strict=True)
    )


def _value(parameter: Parameter, value: Any) -> Any:
    if parameter.type.endswith("]"):
        element = parameter.element
        return tuple(DecodedArgument("", element.type, _value(element, inner)) for inner in value)
    if parameter.members:
        return _arguments(parameter.members, value)
    if parameter.type == "string":
        return bytes(value).decode("utf-8", "replace")
    return value


@cache
def _functions(artifact: str) -> Mapping[bytes, tuple[str, tuple[Parameter, ...]]]:
    entries = abi_functions(artifact)
    return {abi_codec.selector(entry.signature): (entry.signature, entry.inputs) for entry in entries}


@cache
def _standards() -> Mapping[bytes, tuple[str, tuple[Parameter, ...]]]:
    """Return what token standards name; with the parameters' names where a contract here follows them."""
    found = {abi_codec.selector(name): (name, parameters_of(name)) for name in sorted(STANDARD_SIGNATURES)}
    named = {known: entry for contract in CONTRACTS for known, entry in _functions(contract).items()}
    return found | {known: entry for known, entry in named.items() if known in found}
