"""One RPC URL: asked with a deadline, believed only after chain, contract and newest block were checked."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from eth_abi.exceptions import DecodingError

from wylloh_server.adapters.chain import abi_codec
from wylloh_server.adapters.chain.block_headers import read_newest
from wylloh_server.adapters.chain.rpc_errors import CallReverted, NodeFailed, RequestRefused
from wylloh_server.domain.errors import ChainError, ChainUnavailable, NoContract, WrongChain
from wylloh_server.domain.types import Seconds

if TYPE_CHECKING:
    from wylloh_server.adapters.chain.json_rpc import JsonRpcProvider
    from wylloh_server.domain.ports.chain import BlockHeader
    from wylloh_server.domain.ports.clock import Clock
    from wylloh_server.domain.types import ChainId, Wallet

_log = logging.getLogger(__name__)

Ask = Callable[[str, list[Any]], Awaitable[Any]]
"""Sends one JSON-RPC request (method, parameters) to one node and gives the `result`.

Raises NodeFailed, RequestRefused or CallReverted.
"""

Question = tuple[str, list[Any]]
"""Method and parameters of one JSON-RPC request."""

T = TypeVar("T")

_BATCH = 50
"""Questions in one request; providers that count them allow that many."""

_SIDE_BY_SIDE = 8
"""Requests at once to a node that answers only one question in each."""

_CHECKS_PER_AGE = 4
"""How often the age of the newest block is looked at within the age that it may have."""

_MOST_DOUBLINGS = 3
"""How often the rest of a node that fails again and again is doubled."""

_REMEMBERED_SECONDS = 3600

_UNREADABLE = (
    LookupError,
    ValueError,
    TypeError,
    AttributeError,
    ArithmeticError,
    RecursionError,
    DecodingError,
)
"""What reading an answer can raise that nobody thought of: the node's fault, not the caller's."""


@dataclass(frozen=True, slots=True)
class BlockAgeLimit:
    """How far the time of a node's newest block may be from ours."""

    seconds: Seconds
    clock: Clock

    def fault(self, newest: BlockHeader) -> str:
        """Return what is wrong with a newest block of that time; empty when it is fresh."""
        age = self.clock() - newest.at
        if abs(age) <= self.seconds:
            return ""
        where = "old" if age > 0 else "ahead of this server's clock"
        return f"its newest block, {newest.number:,}, is {abs(age):,.0f} s {where}"


@dataclass(frozen=True, slots=True)
class NodeLimits:
    """When a node is not believed.

    Attributes:
        deadline: longest wait for one JSON-RPC answer, and for all checks of a node together.
        cool_down: how long a node that failed is left alone, longer when it fails again and again.
        age: of the newest block; None for a chain that makes blocks only when there is something to put into
            them.
    """

    deadline: Seconds = Seconds(5)
    cool_down: Seconds = Seconds(5)
    age: BlockAgeLimit | None = None


class RpcNode:
    """One RPC and what is known of its health. It is an `Ask`, and can ask many questions in few requests.

    Attributes:
        name: its address without what may be secret in it.
        contract: address that must have code; None before a contract is deployed.
        doubtful: it failed or kept somebody waiting, and has not answered since; others are asked first.
    """

    def __init__(self, url: str, chain_id: ChainId, contract: Wallet | None, limits: NodeLimits) -> None:
        """Remember the URL; nothing is sent before the first question."""
        self.name = _without_secrets(url)
        self.doubtful = False
        self._url = url
        self._provider: JsonRpcProvider | None = None
        self._chain_id = chain_id
        self.contract = contract
        self._limits = limits
        self._checking = asyncio.Lock()
        self._checked = False
        self._fresh_until = 0.0
        self._batches = True
        self._fault: ChainError | None = None
        self._rests_until = 0.0
        self._failures = 0
        self._contradiction: tuple[str, float] | None = None

    async def run(self, operation: Callable[[RpcNode], Awaitable[T]], *, fresh: bool = True) -> T:
        """Run an operation on this node, which is checked first if it is new, came back or may be stale.

        Args:
            operation: asks it.
            fresh: False where the operation itself looks at the age of the newest block.

        Raises:
            ChainUnavailable, WrongChain, NoContract: the node cannot be used now; while it rests, no request
                is sent.
            RequestRefused, CallReverted: the node is well and said no.
        """
        await self._open()  # before the check, whose deadline is the node's
        try:
            await self._check(fresh=fresh)
            result = await operation(self)
        except NodeFailed as fault:
            raise self._leave(ChainUnavailable(f"{self.name}: {fault}", fix=_FIX_DOWN)) from None
        except NoContract as fault:
            if self._rests:  # asking a node that rests must not prolong its rest
                raise
            raise self._leave(fault) from None
        except _UNREADABLE as error:
            _log.warning("%s: its answer cannot be read", self.name, exc_info=error)
            raise self._leave(
                ChainUnavailable(f"{self.name}: its answer cannot be read", fix=_FIX_DOWN)
            ) from None
        self.doubtful, self._failures = False, 0
        return result

    async def close(self) -> None:
        """Close its connections."""
        if self._provider is not None:
            await self._provider.disconnect()

    async def head(self) -> BlockHeader:
        """Return the newest block, whose age is checked. Raises like `run`."""
        return await self.run(RpcNode._read_fresh, fresh=False)

    @property
    def contradiction(self) -> str:
        """What it said lately that other nodes agree is otherwise; empty when there is no such thing."""
        said, until = self._contradiction or ("", 0.0)
        return said if time.monotonic() < until else ""

    def record_contradiction(self, what: str) -> None:
        """Remember for an hour that other nodes agree on something else, and say so in the log."""
        if not self.contradiction:
            _log.error("%s: %s", self.name, what)
        self._contradiction = what, time.monotonic() + _REMEMBERED_SECONDS

    async def _open(self) -> JsonRpcProvider:
        """Return what sends the requests. web3 is imported for the first, in a thread: it takes long."""
        if self._provider is None:
            module = await asyncio.to_thread(import_module, "wylloh_server.adapters.chain.json_rpc")
            self._provider = self._provider or module.JsonRpcProvider(self._url)
        return self._provider

    async def _check(self, *, fresh: bool) -> None:
        async with self._checking:
            if self._fault is not None and self._rests:
                raise type(self._fault)(str(self._fault), fix=self._fault.fix)
            try:
                async with asyncio.timeout(self._limits.deadline):
                    await self._check_all(fresh=fresh)
            except TimeoutError:
                raise self._silent() from None

    async def _check_all(self, *, fresh: bool) -> None:
        if not self._checked:
            await self._check_chain()
            await self._check_contract()
        if fresh and self._limits.age is not None and time.monotonic() >= self._fresh_until:
            await self._read_fresh()
        self._checked, self._fault = True, None

    async def _check_chain(self) -> None:
        served = abi_codec.quantity(await self("eth_chainId", []))
        if served != self._chain_id:
            message = f"{self.name}: it serves chain {served}, not {self._chain_id}"
            raise self._leave(WrongChain(message, fix=f"Configure an RPC of chain {self._chain_id}."))

    async def _check_contract(self) -> None:
        if self.contract and not abi_codec.data(await self("eth_getCode", [self.contract, "latest"])):
            raise NoContract(
                f"{self.name}: there is no contract at {self.contract}",
                fix="Check the configured contract address, and that it is on this chain.",
            )

    async def _read_fresh(self) -> BlockHeader:
        """Read the newest block. Raise NodeFailed if its time is too far from ours."""
        newest, limit = await read_newest(self), self._limits.age
        if limit is not None:
            if fault := limit.fault(newest):
                raise NodeFailed(fault)
            self._fresh_until = time.monotonic() + limit.seconds / _CHECKS_PER_AGE
        return newest

    @property
    def _rests(self) -> bool:
        return time.monotonic() < self._rests_until

    def _leave(self, fault: ChainError) -> ChainError:
        self._checked = False
        self._fresh_until = 0.0
        self._batches = True
        self._fault = fault
        longer = 1 << min(self._failures, _MOST_DOUBLINGS)
        self._rests_until = time.monotonic() + self._limits.cool_down * longer
        self._failures += 1
        self.doubtful = True
        return fault

    async def __call__(self, method: str, parameters: list[Any]) -> Any:
        """Send one request, unchecked. Raises like every `Ask`."""
        return await self._answer((await self._open()).ask(method, parameters))

    async def many(self, questions: Sequence[Question]) -> list[Any]:
        """Return the results in the questions' order. Raises like `Ask`, for the first that fails."""
        results: list[Any] = []
        for start in range(0, len(questions), _BATCH):
            results += await self._together(questions[start : start + _BATCH])
        return results

    async def _together(self, questions: Sequence[Question]) -> list[Any]:
        """Send questions in one request, or one by one to a node that does not understand that."""
        if self._batches and len(questions) > 1:
            try:
                results = await self._answer((await self._open()).ask_together(questions))
            except NodeFailed:
                results = None
            if results is not None:
                return list(results)
            self._batches = False
        return await self._ask_each(questions)

    async def _ask_each(self, questions: Sequence[Question]) -> list[Any]:
        results: list[Any] = []
        for start in range(0, len(questions), _SIDE_BY_SIDE):
            some = questions[start : start + _SIDE_BY_SIDE]
            results += await asyncio.gather(*(self(*question) for question in some))
        return results

    async def _answer(self, answer: Awaitable[Any]) -> Any:
        try:
            async with asyncio.timeout(self._limits.deadline):
                return await answer
        except (NodeFailed, RequestRefused, CallReverted):
            raise
        except TimeoutError:
            raise self._silent() from None
        except Exception as error:  # noqa: BLE001 - every failure of a foreign server is the same to us
            # `from None`, because the text of an HTTP error quotes the URL with its API key.
            raise NodeFailed(_explain(error)) from None

    def _silent(self) -> NodeFailed:
        return NodeFailed(f"it did not answer within {self._limits.deadline:g} seconds")


_FIX_DOWN = "Wait, or configure another RPC as well."


def _explain(error: Exception) -> str:
    status = getattr(error, "status", None)
    if isinstance(status, int) and status:
        return f"it answered with HTTP status {status}"
    return "it cannot be reached" if isinstance(error, OSError) else "its answer cannot be read"


def _without_secrets(url: str) -> str:
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    hidden = "/…" if parts.path.strip("/") or parts.query else ""
    return f"{parts.scheme}://{host}{hidden}"
