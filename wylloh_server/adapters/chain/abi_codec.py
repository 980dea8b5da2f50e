"""Values as they travel in JSON-RPC, and the names of functions and events.

Encodings: https://ethereum.github.io/execution-apis/
"""

from __future__ import annotations

import re
from typing import Any

from eth_utils.crypto import keccak

from wylloh_server.adapters.chain.rpc_errors import NodeFailed
from wylloh_server.domain.errors import InvalidValue
from wylloh_server.domain.types import Wallet, parse_wallet

WORD = 32
_QUANTITY = re.compile(r"0x[0-9a-fA-F]{1,64}", re.ASCII)
_DATA = re.compile(r"0x(?:[0-9a-fA-F]{2})*", re.ASCII)
_BLOCK_BITS = 53
"""Numbers and times of blocks beyond this are exact neither in a database nor in JSON."""


def selector(signature: str) -> bytes:
    """Return the four bytes that name a function or an error, from e.g. `filmOf(uint256)`."""
    return keccak(text=signature)[:4]


def topic(signature: str) -> str:
    """Return the first topic of an event's logs, as 0x-hex."""
    return "0x" + keccak(text=signature).hex()


def quantity(value: Any) -> int:
    """Read a JSON-RPC quantity such as `0x1b4`, of at most 256 bits.

    Raises:
        NodeFailed: the node sent something else.
    """
    if not isinstance(value, str) or not _QUANTITY.fullmatch(value):
        raise NodeFailed("it sent no number where one was due")
    return int(value, 16)


def block_quantity(value: Any) -> int:
    """Read the number or time of a block, or the index of something in it.

    Raises:
        NodeFailed: the node sent something else, or a number that no chain has come to.
    """
    number = quantity(value)
    if number >> _BLOCK_BITS:
        raise NodeFailed("it sent the number of a block that no chain has come to")
    return number


def data(value: Any) -> bytes:
    """Read JSON-RPC bytes such as `0x` or `0xdeadbeef`.

    Raises:
        NodeFailed: the node sent something else.
    """
    if not isinstance(value, str) or not _DATA.fullmatch(value):
        raise NodeFailed("it sent no bytes where some were due")
    return bytes.fromhex(value[2:])


def digest(value: Any) -> str:
    """Read the hash of a block or a transaction: 0x and 64 hex digits, lower case.

    Raises:
        NodeFailed: the node sent something else.
    """
    if len(data(value)) != WORD:
        raise NodeFailed("it sent no hash where one was due")
    return str(value).lower()


def check_hash(answer: Any, key: str, asked: str) -> None:
    """Compare the hash in what a node tells of a transaction with the one that was asked for.

    Raises:
        NodeFailed: it is about another transaction, or about none.
    """
    if not isinstance(answer, dict):
        raise NodeFailed("it sent no transaction where one was due")
    if digest(answer.get(key)) != asked.lower():
        raise NodeFailed("it sent another transaction than the one asked for")


def address(value: Any) -> Wallet:
    """Read an address: 0x and 40 hex digits, lower case.

    Raises:
        NodeFailed: the node sent something else.
    """
    try:
        return parse_wallet(value)
    except (InvalidValue, TypeError, AttributeError):
        raise NodeFailed("it sent no address where one was due") from None


def logs(value: Any) -> list[dict[str, Any]]:
    """Read a JSON-RPC list of event logs.

    Raises:
        NodeFailed: the node sent something else.
    """
    if not isinstance(value, list) or not all(isinstance(log, dict) for log in value):
        raise NodeFailed("it sent no list of events where one was due")
    return value
