"""One event log as a node sends it, and the shapes its words have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError

from wylloh_server.adapters.chain import _wire
from wylloh_server.adapters.chain._faults import NodeFailed
from wylloh_server.domain.types import BlockNumber, Wallet

if TYPE_CHECKING:
    from collections.abc import Sequence

_LONGEST = 1 << 17
"""Bytes of data that are still decoded. ABI offsets let a small text stand for a large one many times."""


class Garbage(Exception):
    """A log that is not what its first topic says. It is passed over: anybody can write a contract."""


@dataclass(frozen=True, slots=True)
class Log:
    """Where a log stands, who wrote it, and its words. Hashes are 0x-hex, addresses lower case."""

    address: Wallet
    topics: tuple[bytes, ...]
    data: bytes
    block: BlockNumber
    block_hash: str
    transaction: str
    index: int

    @property
    def name(self) -> str:
        """The event's topic, as `_wire.topic` gives it; empty for an anonymous one."""
        return "0x" + self.topics[0].hex() if self.topics else ""

    def number(self, topic: int) -> int:
        """Read an indexed number."""
        return int.from_bytes(self._topic(topic), "big")

    def address_at(self, topic: int) -> Wallet:
        """Read an indexed address."""
        return Wallet("0x" + self._topic(topic)[-20:].hex())

    def words(self, count: int) -> list[int]:
        """Read data that is so many static words."""
        if len(self.data) != count * _wire.WORD:
            raise Garbage(f"it has {len(self.data)} bytes of data, not {count} words")
        return [int.from_bytes(self.data[at : at + 32], "big") for at in range(0, len(self.data), _wire.WORD)]

    def decoded(self, types: Sequence[str]) -> tuple[Any, ...]:
        """Read ABI-encoded data."""
        if len(self.data) > _LONGEST:
            raise Garbage(f"it has {len(self.data)} bytes of data")
        try:
            return decode(types, self.data)
        except (DecodingError, OverflowError, UnicodeDecodeError):
            raise Garbage("its data cannot be decoded") from None

    def _topic(self, index: int) -> bytes:
        if len(self.topics) <= index:
            raise Garbage(f"it has {len(self.topics)} topics")
        return self.topics[index]


def log_of(value: dict[str, Any]) -> Log:
    """Read a log of `eth_getLogs`.

    Raises:
        NodeFailed: the node left out or mixed up where it stands.
    """
    try:
        return Log(
            address=Wallet(value["address"].lower()),
            topics=tuple(_wire.data(topic) for topic in value["topics"]),
            data=_wire.data(value["data"]),
            block=BlockNumber(_wire.quantity(value["blockNumber"])),
            block_hash=value["blockHash"].lower(),
            transaction=value["transactionHash"].lower(),
            index=_wire.quantity(value["logIndex"]),
        )
    except (KeyError, TypeError, AttributeError):
        raise NodeFailed("it sent an event without its place") from None


def address_of(word: int) -> Wallet:
    """Give the address in a word."""
    if word >> 160:
        raise Garbage("where an address was due is none")
    return Wallet(f"0x{word:040x}")
