"""One event log as a node sends it, and how the parameters of its event are laid out in it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError

from wylloh_server.adapters.chain import abi_codec
from wylloh_server.adapters.chain.contract_abi import abi_event
from wylloh_server.adapters.chain.rpc_errors import NodeFailed
from wylloh_server.domain.types import BlockNumber, Wallet

RAW = "data"
"""The key of `LogLayout.fields` for the undecoded data; no event here has a parameter of that name."""

_LONGEST = 1 << 17
"""Bytes of data that are still decoded. ABI offsets let a small text stand for a large one many times."""


class MalformedLog(Exception):
    """A log that is not what its first topic says. It is passed over: anybody can write a contract."""


@dataclass(frozen=True, slots=True)
class EventLog:
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
        """The event's topic, as `abi_codec.topic` returns it; empty for an anonymous one."""
        return "0x" + self.topics[0].hex() if self.topics else ""

    def topic(self, index: int) -> bytes:
        """Return one of the topics. Raises MalformedLog if there are fewer."""
        if len(self.topics) <= index:
            raise MalformedLog(f"it has {len(self.topics)} topics")
        return self.topics[index]


def parse_log(value: dict[str, Any]) -> EventLog:
    """Read a log of `eth_getLogs`.

    Raises:
        NodeFailed: the node left out or mixed up where it stands.
    """
    topics = value.get("topics")
    if not isinstance(topics, list):
        raise NodeFailed("it sent an event without topics")
    return EventLog(
        address=abi_codec.address(value.get("address")),
        topics=tuple(abi_codec.data(topic) for topic in topics),
        data=abi_codec.data(value.get("data")),
        block=BlockNumber(abi_codec.block_quantity(value.get("blockNumber"))),
        block_hash=abi_codec.digest(value.get("blockHash")),
        transaction=abi_codec.digest(value.get("transactionHash")),
        index=abi_codec.block_quantity(value.get("logIndex")),
    )


@dataclass(frozen=True, slots=True)
class LogLayout:
    """Where the parameters of one event stand in its logs.

    Attributes:
        topic: the first topic, which names the event; 0x-hex.
        indexed: name and type of each parameter that is a topic.
        others: name and type of each that is in the data, ABI-encoded in this order.
        static: whether the data is one word for each of those.
    """

    topic: str
    indexed: tuple[tuple[str, str], ...]
    others: tuple[tuple[str, str], ...]
    static: bool

    @classmethod
    @cache
    def of(cls, contract: str, event: str) -> LogLayout:
        """Return the layout of a contract's event."""
        entry = abi_event(contract, event)
        indexed, others = (
            tuple((one.name, one.decoded) for one in entry.inputs if one.indexed is topic)
            for topic in (True, False)
        )
        static = all(one.is_word for one in entry.inputs if not one.indexed)
        return cls(abi_codec.topic(entry.signature), indexed, others, static)

    def fields(self, log: EventLog) -> dict[str, Any]:
        """Return what a log holds by the parameters' names, and its undecoded data under `RAW`.

        Raises:
            MalformedLog: it does not have this layout.
        """
        values: dict[str, Any] = {RAW: log.data}
        for at, (name, kind) in enumerate(self.indexed, 1):
            # Not checked for being within its type: a contract cannot write a topic that is not.
            values[name] = _from_topic(kind, log.topic(at))
        if self.static:
            values.update(_static_values(self.others, log.data))
        else:
            values.update(zip((name for name, _ in self.others), self._decoded(log.data), strict=True))
        return values

    def _decoded(self, data: bytes) -> tuple[Any, ...]:
        if len(data) > _LONGEST:
            raise MalformedLog(f"it has {len(data)} bytes of data")
        try:
            return decode([kind for _, kind in self.others], data)
        except (DecodingError, OverflowError):
            raise MalformedLog("its data cannot be decoded") from None


def _from_topic(kind: str, topic: bytes) -> Any:
    if kind == "address":
        return Wallet("0x" + topic[-20:].hex())
    return int.from_bytes(topic, "big")


def _static_values(parameters: tuple[tuple[str, str], ...], data: bytes) -> dict[str, Any]:
    """Read data that is one word for each parameter; quicker than the ABI decoder for the commonest logs."""
    if len(data) != len(parameters) * abi_codec.WORD:
        raise MalformedLog(f"it has {len(data)} bytes of data, not {len(parameters)} words")
    return {
        name: _from_word(kind, data[at : at + abi_codec.WORD])
        for (name, kind), at in zip(parameters, range(0, len(data), abi_codec.WORD), strict=True)
    }


def _from_word(kind: str, word: bytes) -> Any:
    if kind == "bytes32":
        return word
    value = int.from_bytes(word, "big")
    if kind == "address":
        if value >> 160:
            raise MalformedLog("where an address was due is none")
        return Wallet(f"0x{value:040x}")
    return bool(value) if kind == "bool" else value
