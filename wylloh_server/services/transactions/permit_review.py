"""What an ERC-2612 permit lets somebody take, read from the very data that a wallet is asked to sign.

A wallet hashes of `domain` and `message` only the fields that `types` names, and shows the rest as well: a
permit whose types leave out the chain or the coin would hold where nobody looked. So the types must be those
of https://eips.ethereum.org/EIPS/eip-2612, and domain and message must have their fields and no others.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from wylloh_server.domain.decoded_call import Grant
from wylloh_server.domain.errors import InvalidValue
from wylloh_server.domain.json_values import matching, record, whole
from wylloh_server.domain.types import parse_wallet

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wylloh_server.domain.types import ChainId, Wallet

_PERMIT = ("owner address", "spender address", "value uint256", "nonce uint256", "deadline uint256")
_DOMAIN = ("name string", "version string", "chainId uint256", "verifyingContract address")
_DOMAINS = {_DOMAIN, tuple(field for field in _DOMAIN if field != "version string")}
"""Some coins have no version."""
_MOST = 2**256 - 1
_DIGITS = re.compile(r"[0-9]{1,78}")


def read_permit(typed_data: Mapping[str, Any], wallet: Wallet, chain_id: ChainId) -> Grant:
    """Return what somebody may take once a wallet has signed this on a chain.

    Raises:
        InvalidValue: it is no permit of that wallet on that chain, or says more or less than one.
    """
    types, domain = record(typed_data.get("types")), record(typed_data.get("domain"))
    message = record(typed_data.get("message"))
    fields = {name: _fields(type_) for name, type_ in types.items()}
    about = fields.pop("EIP712Domain", ())
    exact = (
        fields == {"Permit": _PERMIT}
        and typed_data.get("primaryType") == "Permit"
        and about in _DOMAINS
        and set(domain) == _names(about)
        and set(message) == _names(_PERMIT)
    )
    if not exact or not all(isinstance(domain.get(name, ""), str) for name in ("name", "version")):
        raise InvalidValue("It is no ERC-2612 permit.", fix="Sign exactly the fields of one.")
    owner, spender = _address(message["owner"]), _address(message["spender"])
    if _number(domain["chainId"]) != chain_id or owner != wallet:
        raise InvalidValue("It is a permit of another wallet or chain.", fix="Ask the wallet signed in.")
    for name in ("nonce", "deadline"):
        _number(message[name])
    amount = _number(message["value"])
    return Grant(_address(domain["verifyingContract"]), spender, amount, revokes=not amount)


def _fields(type_: Any) -> tuple[str, ...]:
    if not isinstance(type_, list):
        raise InvalidValue("A type of EIP-712 is a list of fields.", fix="Use name and type of each.")
    return tuple(f"{record(one).get('name')} {one.get('type')}" for one in type_)


def _names(fields: tuple[str, ...]) -> set[str]:
    return {field.partition(" ")[0] for field in fields}


def _number(value: Any) -> int:
    """Take a number as every wallet reads it: an integer, or its decimal digits."""
    if isinstance(value, str):
        value = int(matching(value, _DIGITS, "a number in decimal digits"))
    return whole(value, _MOST)


def _address(value: Any) -> Wallet:
    if not isinstance(value, str):
        raise InvalidValue("An address is a text.", fix="Use 0x and 40 hex digits.")
    return parse_wallet(value)
