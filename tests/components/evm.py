"""A quick, synchronous way to speak to contracts on a development chain, by the ABI of their artifacts.

Property tests make thousands of calls; web3's contract layer takes several milliseconds for each, this one
less than one. A transaction always gets into a block, also one that fails, and then raises `Reverted` with the
contract's own reason.
"""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from eth_abi.abi import decode, encode
from eth_utils.crypto import keccak

from wylloh_server.domain.errors import NotFound
from wylloh_server.resources import contract_artifact

UINT256_MAX = 2**256 - 1
ZERO = "0x" + "00" * 20

_OTHERS = (
    Path(__file__).resolve().parents[2] / "contracts/test/artifacts",
    Path(__file__).resolve().parent / "earlier_contracts",
)
"""Contracts that mean harm, and those of earlier releases as they were deployed (`EarlierFilmStore`)."""
_GAS = hex(12_000_000)
_BUILT_IN = {
    keccak(text="Error(string)")[:4]: ("Error", ["string"]),
    keccak(text="Panic(uint256)")[:4]: ("Panic", ["uint256"]),
}


class Reverted(Exception):
    """A contract refused. Two are equal when name and arguments are."""

    def __init__(self, name: str, *arguments: Any) -> None:
        super().__init__(name, *arguments)
        self.name, self.arguments = name, arguments


@dataclass(frozen=True, slots=True)
class Event:
    """A log, decoded by the ABI of any contract that the chain object knows."""

    address: str
    name: str
    values: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Receipt:
    """A transaction that succeeded."""

    block: int
    gas: int
    events: list[Event]

    def of(self, contract: Contract) -> list[tuple[str, dict[str, Any]]]:
        """Name and values of what one contract announced, in order."""
        return [(event.name, event.values) for event in self.events if event.address == contract.address]


@dataclass(frozen=True, slots=True)
class Question:
    """A call that changes nothing, for asking many at once."""

    to: str
    data: str
    outputs: list[str]


class Evm:
    """A connection to a development chain. Addresses are lower case throughout."""

    def __init__(self, url: str) -> None:
        self._connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=60)
        self._functions: dict[str, dict[str, Any]] = {}
        self._errors: dict[bytes, tuple[str, list[str]]] = dict(_BUILT_IN)
        self._events: dict[str, dict[str, Any]] = {}
        self.accounts: list[str] = [account.lower() for account in self.rpc("eth_accounts")]

    def close(self) -> None:
        self._connection.close()

    def rpc(self, method: str, *parameters: Any) -> Any:
        """Ask the node. Raises Reverted when a contract refused, RuntimeError for anything else."""
        return self._result(self._post({"id": 1, "jsonrpc": "2.0", "method": method, "params": parameters}))

    def ask(self, *questions: Question) -> list[Any]:
        """Answer many questions in one request, all at the same block."""
        body = [
            {
                "id": number,
                "jsonrpc": "2.0",
                "method": "eth_call",
                "params": [{"to": question.to, "data": question.data}, "latest"],
            }
            for number, question in enumerate(questions)
        ]
        answers = sorted(self._post(body), key=lambda answer: answer["id"])
        return [
            _unwrapped(decode(question.outputs, bytes.fromhex(self._result(answer)[2:])))
            for question, answer in zip(questions, answers, strict=True)
        ]

    def deploy(self, artifact: str, *arguments: Any, by: str = "") -> Contract:
        """Create a contract of the project, one of those in contracts/test, or of an earlier release."""
        made = _artifact(artifact)
        contract = self.at(artifact, ZERO)
        constructor = next((entry for entry in made["abi"] if entry["type"] == "constructor"), {"inputs": []})
        data = (
            made["bytecode"] + encode(_types(constructor["inputs"]), [_plain(one) for one in arguments]).hex()
        )
        receipt = self._mine({"from": by or self.accounts[0], "data": data})
        contract.address = receipt["contractAddress"].lower()
        return contract

    def at(self, artifact: str, address: str) -> Contract:
        """A contract that is there already."""
        abi = _artifact(artifact)["abi"]
        for entry in abi:
            if entry["type"] == "error":
                self._errors[keccak(text=_signature(entry))[:4]] = (entry["name"], _types(entry["inputs"]))
            if entry["type"] == "event":
                self._events["0x" + keccak(text=_signature(entry)).hex()] = entry
        functions = {entry["name"]: entry for entry in abi if entry["type"] == "function"}
        return Contract(self, address.lower(), functions)

    def send(self, to: str, data: str = "0x", *, by: str = "", value: int = 0) -> Receipt:
        """Send a transaction and wait until it is in a block. Raises Reverted when it failed there."""
        receipt = self._mine({"from": by or self.accounts[0], "to": to, "data": data, "value": hex(value)})
        events = [self._event(log) for log in receipt["logs"] if log["topics"][0] in self._events]
        return Receipt(int(receipt["blockNumber"], 16), int(receipt["gasUsed"], 16), events)

    def balance(self, account: str) -> int:
        """Of the chain's own coin."""
        return int(self.rpc("eth_getBalance", account, "latest"), 16)

    def now(self) -> int:
        """The newest block's time."""
        return int(self.rpc("eth_getBlockByNumber", "latest", False)["timestamp"], 16)

    def at_time(self, timestamp: int) -> None:
        """Let a block begin at that time, which must not be past."""
        self.rpc("evm_setNextBlockTimestamp", hex(timestamp))
        self.rpc("evm_mine")

    def snapshot(self) -> str:
        return self.rpc("evm_snapshot")

    def revert(self, snapshot: str) -> None:
        assert self.rpc("evm_revert", snapshot) is True

    def reason(self, data: bytes) -> Reverted:
        """What a contract's revert data say."""
        known = self._errors.get(data[:4])
        if known is None:
            return Reverted("0x" + data.hex())
        name, types = known
        return Reverted(name, *decode(types, data[4:]))

    def _mine(self, transaction: dict[str, Any]) -> dict[str, Any]:
        receipt = self.rpc("eth_sendTransactionSync", {"gas": _GAS, **transaction})
        if receipt["status"] != "0x1":
            before = hex(int(receipt["blockNumber"], 16) - 1)
            self.rpc("eth_call", {"gas": _GAS, **transaction}, before)
            raise RuntimeError("a transaction failed that a call says does not")
        return receipt

    def _result(self, answer: dict[str, Any]) -> Any:
        if "error" not in answer:
            return answer["result"]
        data = answer["error"].get("data")
        if isinstance(data, str) and data.startswith("0x"):
            raise self.reason(bytes.fromhex(data[2:]))
        raise RuntimeError(answer["error"])

    def _post(self, body: Any) -> Any:
        self._connection.request("POST", "/", json.dumps(body), {"Content-Type": "application/json"})
        return json.loads(self._connection.getresponse().read())

    def _event(self, log: dict[str, Any]) -> Event:
        entry = self._events[log["topics"][0]]
        topics = [field for field in entry["inputs"] if field["indexed"]]
        plain = [field for field in entry["inputs"] if not field["indexed"]]
        values = {
            field["name"]: decode([_type(field)], bytes.fromhex(topic[2:]))[0]
            for field, topic in zip(topics, log["topics"][1:], strict=True)
        }
        rest = decode(_types(plain), bytes.fromhex(log["data"][2:]))
        values |= {field["name"]: value for field, value in zip(plain, rest, strict=True)}
        return Event(log["address"].lower(), entry["name"], values)


@dataclass(slots=True)
class Contract:
    """A contract whose functions are called as methods: `store.quote(token, 3)`, `store.buy(…, by=alice)`.

    One that only reads gives its answer; one that writes is sent as a transaction and gives a `Receipt`.
    """

    chain: Evm
    address: str
    functions: dict[str, dict[str, Any]] = field(repr=False)

    def __getattr__(self, name: str) -> Any:
        if name not in self.functions:
            raise AttributeError(name)
        reads = self.functions[name]["stateMutability"] in ("view", "pure")

        def run(*arguments: Any, by: str = "", value: int = 0) -> Any:
            if reads:
                return self.chain.ask(self.question(name, *arguments))[0]
            return self.chain.send(self.address, self.data(name, *arguments), by=by, value=value)

        return run

    def data(self, name: str, *arguments: Any) -> str:
        """Calldata, for a contract that shall make the call."""
        entry = self.functions[name]
        plain = [_plain(argument) for argument in arguments]
        return "0x" + (keccak(text=_signature(entry))[:4] + encode(_types(entry["inputs"]), plain)).hex()

    def question(self, name: str, *arguments: Any) -> Question:
        """The same call for `Evm.ask`."""
        return Question(self.address, self.data(name, *arguments), _types(self.functions[name]["outputs"]))


def _artifact(name: str) -> dict[str, Any]:
    try:
        path = Path(contract_artifact(name))
    except NotFound:
        (path,) = [path for folder in _OTHERS if (path := folder / f"{name}.json").exists()]
    return json.loads(path.read_text(encoding="utf-8"))


def _signature(entry: dict[str, Any]) -> str:
    return f"{entry['name']}({','.join(_types(entry['inputs']))})"


def _types(fields: list[dict[str, Any]]) -> list[str]:
    return [_type(field) for field in fields]


def _type(field: dict[str, Any]) -> str:
    if not field["type"].startswith("tuple"):
        return field["type"]
    return f"({','.join(_types(field['components']))}){field['type'].removeprefix('tuple')}"


def _plain(argument: Any) -> Any:
    if isinstance(argument, Contract):
        return argument.address
    if isinstance(argument, str) and argument.startswith("0x") and len(argument) != 42:
        return bytes.fromhex(argument[2:])
    return argument


def _unwrapped(values: tuple[Any, ...]) -> Any:
    return values[0] if len(values) == 1 else values
