"""Values as they travel in JSON-RPC and ABI words: the few shapes this adapter needs, packed by hand.

The contract layer of web3 blocks the event loop for 100 ms and more on a balance query of 500 ids; the
functions here need under 10. JSON-RPC encodings: https://ethereum.github.io/execution-apis/ ; ABI words:
https://docs.soliditylang.org/en/latest/abi-spec.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eth_utils.crypto import keccak

from wylloh_server.adapters.chain._faults import NodeFailed

if TYPE_CHECKING:
    from collections.abc import Sequence

WORD = 32


def selector(signature: str) -> bytes:
    """Give the four bytes that name a function or an error, from e.g. `filmOf(uint256)`."""
    return keccak(text=signature)[:4]


def topic(signature: str) -> str:
    """Give the first topic of an event's logs, as 0x-hex."""
    return "0x" + keccak(text=signature).hex()


def word(value: int) -> bytes:
    """Encode an unsigned integer as one ABI word."""
    return value.to_bytes(WORD, "big")


def quantity(value: Any) -> int:
    """Read a JSON-RPC quantity such as `0x1b4`.

    Raises:
        NodeFailed: the node sent something else.
    """
    try:
        return int(value, 16)
    except (TypeError, ValueError):
        raise NodeFailed("it sent no number where one was due") from None


def data(value: Any) -> bytes:
    """Read JSON-RPC bytes such as `0x` or `0xdeadbeef`.

    Raises:
        NodeFailed: the node sent something else.
    """
    try:
        return bytes.fromhex(value.removeprefix("0x"))
    except (AttributeError, ValueError):
        raise NodeFailed("it sent no bytes where some were due") from None


def logs(value: Any) -> list[dict[str, Any]]:
    """Read a JSON-RPC list of event logs.

    Raises:
        NodeFailed: the node sent something else.
    """
    if not isinstance(value, list) or not all(isinstance(log, dict) for log in value):
        raise NodeFailed("it sent no list of events where one was due")
    return value


def balance_query(wallet: str, token_ids: Sequence[int]) -> str:
    """Encode a call of ERC-1155 `balanceOfBatch` for one wallet and many ids, as 0x-hex."""
    count = word(len(token_ids))
    owners = word(int(wallet, 16)) * len(token_ids)
    ids = b"".join(map(word, token_ids))
    heads = word(2 * WORD) + word((3 + len(token_ids)) * WORD)
    return (
        "0x" + (selector("balanceOfBatch(address[],uint256[])") + heads + count + owners + count + ids).hex()
    )


def balances(answer: bytes, count: int) -> list[int]:
    """Decode the `uint256[]` that `balanceOfBatch` returns.

    Raises:
        NodeFailed: the answer is not a list of `count` numbers.
    """
    if len(answer) != (2 + count) * WORD or int.from_bytes(answer[WORD : 2 * WORD], "big") != count:
        raise NodeFailed("its list of balances has the wrong length")
    return [int.from_bytes(answer[at : at + WORD], "big") for at in range(2 * WORD, len(answer), WORD)]
