"""One RPC URL: asked with a deadline, believed only after its chain id and the contract were checked."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from web3 import AsyncHTTPProvider

from wylloh_server.adapters.chain import _wire
from wylloh_server.adapters.chain._faults import CallReverted, NodeFailed, RequestRefused
from wylloh_server.domain.errors import ChainError, ChainUnavailable, NoContract, WrongChain
from wylloh_server.domain.types import BlockNumber

if TYPE_CHECKING:
    from web3.types import RPCEndpoint

    from wylloh_server.domain.types import ChainId, Seconds, Wallet

Ask = Callable[[str, list[Any]], Awaitable[Any]]
"""Sends one JSON-RPC request (method, parameters) to one node and gives the `result`.

Raises NodeFailed, RequestRefused or CallReverted.
"""

Question = tuple[str, list[Any]]
"""Method and parameters of one JSON-RPC request."""

T = TypeVar("T")

_REVERT_CODE = 3
_BATCH = 50
"""Questions in one request; providers that count them allow that many."""

_SIDE_BY_SIDE = 8
"""Requests at once to a node that answers only one question in each."""


class Asking:
    """Asks one node. It is an `Ask`, and can ask many questions in few requests."""

    def __init__(self, node: Node) -> None:
        self._node = node

    async def __call__(self, method: str, parameters: list[Any]) -> Any:
        """Send one request. Raises like every `Ask`."""
        return await self._node.ask(method, parameters)

    async def many(self, questions: Sequence[Question]) -> list[Any]:
        """Give the results in the questions' order. Raises like `Ask`, for the first that fails."""
        results: list[Any] = []
        for start in range(0, len(questions), _BATCH):
            results += await self._node.ask_together(questions[start : start + _BATCH])
        return results


class Node:
    """One RPC and what is known of its health."""

    def __init__(
        self, url: str, chain_id: ChainId, contract: Wallet | None, deadline: Seconds, cool_down: Seconds
    ) -> None:
        """Remember the URL; nothing is sent before the first question."""
        self.name = _without_secrets(url)
        self._chain_id = chain_id
        self._contract = contract
        self._deadline = deadline
        self._cool_down = cool_down
        self._provider = AsyncHTTPProvider(url, exception_retry_configuration=None)
        # A hostile contract wallet could otherwise make web3 fetch URLs of its choosing (EIP-3668).
        self._provider.global_ccip_read_enabled = False
        self._checking = asyncio.Lock()
        self._checked = False
        self._batches = True
        self._fault: ChainError | None = None
        self._rests_until = 0.0

    async def run(self, operation: Callable[[Asking], Awaitable[T]]) -> T:
        """Let an operation ask this node, which is checked first if it is new or came back.

        Raises:
            ChainUnavailable, WrongChain, NoContract: the node cannot be used now; while it rests, no request
                is sent.
            RequestRefused, CallReverted: the node is well and said no.
        """
        try:
            await self._check()
            return await operation(Asking(self))
        except NodeFailed as fault:
            raise self._leave(ChainUnavailable(f"{self.name}: {fault}", fix=_FIX_DOWN)) from None
        except NoContract as fault:
            if self._rests:  # asking a node that rests must not prolong its rest
                raise
            raise self._leave(fault) from None

    async def height(self) -> BlockNumber:
        """Give the newest block. Raises like `run`."""
        return await self.run(_height)

    async def close(self) -> None:
        """Close the connections."""
        await self._provider.disconnect()

    async def _check(self) -> None:
        async with self._checking:
            if self._fault is not None and self._rests:
                raise type(self._fault)(str(self._fault), fix=self._fault.fix)
            if self._checked:
                return
            await self._check_chain()
            await self._check_contract()
            self._checked, self._fault = True, None

    async def _check_chain(self) -> None:
        served = _wire.quantity(await self.ask("eth_chainId", []))
        if served != self._chain_id:
            message = f"{self.name}: it serves chain {served}, not {self._chain_id}"
            raise self._leave(WrongChain(message, fix=f"Configure an RPC of chain {self._chain_id}."))

    async def _check_contract(self) -> None:
        if self._contract and not _wire.data(await self.ask("eth_getCode", [self._contract, "latest"])):
            raise NoContract(
                f"{self.name}: there is no contract at {self._contract}",
                fix="Check the configured contract address, and that it is on this chain.",
            )

    @property
    def _rests(self) -> bool:
        return time.monotonic() < self._rests_until

    def _leave(self, fault: ChainError) -> ChainError:
        self._checked = False
        self._batches = True
        self._fault = fault
        self._rests_until = time.monotonic() + self._cool_down
        return fault

    async def ask(self, method: str, parameters: list[Any]) -> Any:
        """Send one request, unchecked."""
        return _result(await self._sent(self._provider.make_request, _endpoint(method), parameters))

    async def ask_together(self, questions: Sequence[Question]) -> list[Any]:
        """Send questions in one request, or one by one to a node that does not understand that."""
        if self._batches and len(questions) > 1:
            asked = [(_endpoint(method), parameters) for method, parameters in questions]
            try:
                replies = await self._sent(self._provider.make_batch_request, asked)
            except NodeFailed:
                replies = None
            if isinstance(replies, list) and len(replies) == len(questions):
                return [_result(reply) for reply in replies]
            self._batches = False
        return await self._ask_each(questions)

    async def _ask_each(self, questions: Sequence[Question]) -> list[Any]:
        results: list[Any] = []
        for start in range(0, len(questions), _SIDE_BY_SIDE):
            some = questions[start : start + _SIDE_BY_SIDE]
            results += await asyncio.gather(*(self.ask(*question) for question in some))
        return results

    async def _sent(self, send: Callable[..., Awaitable[Any]], *arguments: Any) -> Any:
        try:
            async with asyncio.timeout(self._deadline):
                return await send(*arguments)
        except TimeoutError:
            raise NodeFailed(f"it did not answer within {self._deadline:g} seconds") from None
        except Exception as error:  # noqa: BLE001 - every failure of a foreign server is the same to us
            # `from None`, because the text of an HTTP error quotes the URL with its API key.
            raise NodeFailed(_explain(error)) from None


async def _height(ask: Ask) -> BlockNumber:
    return BlockNumber(_wire.quantity(await ask("eth_blockNumber", [])))


_FIX_DOWN = "Wait, or configure another RPC as well."


def _endpoint(method: str) -> RPCEndpoint:
    return method  # type: ignore[return-value]  # a NewType of str that only type checkers see


def _result(reply: Any) -> Any:
    if not isinstance(reply, dict) or ("result" not in reply and "error" not in reply):
        raise NodeFailed("it does not speak JSON-RPC")
    error = reply.get("error")
    if error is None:
        return reply["result"]
    if not isinstance(error, dict):
        raise NodeFailed("it does not speak JSON-RPC")
    message = str(error.get("message", ""))[:300]
    if error.get("code") == _REVERT_CODE or "revert" in message.lower():
        raise CallReverted(message, _revert_data(error.get("data")))
    raise RequestRefused(f"the RPC refused: {message}", fix="Try again, or configure another RPC as well.")


def _revert_data(value: Any) -> bytes:
    try:
        return _wire.data(value)
    except NodeFailed:
        return b""


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
