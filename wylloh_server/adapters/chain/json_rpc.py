"""JSON-RPC over HTTP with web3, for nodes that are not trusted: ids are compared and answers bounded.

https://www.jsonrpc.org/specification
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eth_typing import URI
from web3 import AsyncHTTPProvider

from wylloh_server.adapters.chain import abi_codec
from wylloh_server.adapters.chain.rpc_errors import CallReverted, NodeFailed, RequestRefused

if TYPE_CHECKING:
    from collections.abc import Sequence

    from web3.types import RPCEndpoint, RPCRequest

_LARGEST = 64 * 1024 * 1024
"""Bytes of one answer: more than the logs of any range of blocks that is asked for."""

_REVERT_CODE = 3
_SHORT = 300


class JsonRpcProvider(AsyncHTTPProvider):
    """A web3 provider that believes an answer only if it carries the id of its question."""

    def __init__(self, url: str) -> None:
        """Remember the URL; nothing is opened before the first question."""
        # The caller tries other nodes; here nothing is retried.
        super().__init__(url, exception_retry_configuration=None)
        # A hostile contract wallet could otherwise make web3 fetch URLs of its choosing (EIP-3668).
        self.global_ccip_read_enabled = False
        self._url = URI(url)

    async def ask(self, method: str, parameters: list[Any]) -> Any:
        """Send one question and return its result.

        Raises:
            NodeFailed, RequestRefused, CallReverted: what it answered instead.
            OSError, ValueError, aiohttp.ClientError: it did not answer, or nothing that can be read.
        """
        question = self.form_request(_endpoint(method), parameters)
        return parse_reply(await self._exchange(self.encode_rpc_dict(question)), question["id"])

    async def ask_together(self, questions: Sequence[tuple[str, list[Any]]]) -> list[Any] | None:
        """Send questions in one request; None if the node does not understand that. Raises like `ask`."""
        asked = [self.form_request(_endpoint(method), parameters) for method, parameters in questions]
        replies = await self._exchange(self.encode_batch_request_dicts(asked))
        return _sorted_results(asked, replies) if isinstance(replies, list) else None

    async def _exchange(self, body: bytes) -> Any:
        sessions = self._request_session_manager
        response = await sessions.async_get_response_from_post_request(
            self._url, data=body, allow_redirects=False, **self.get_request_kwargs()
        )
        response.raise_for_status()
        answer = bytearray()
        async for chunk in response.content.iter_any():
            answer += chunk
            if len(answer) > _LARGEST:
                response.close()
                raise NodeFailed("its answer is too large")
        return self.decode_rpc_response(bytes(answer))


def _endpoint(method: str) -> RPCEndpoint:
    return method  # type: ignore[return-value]  # a NewType of str that only type checkers see


def _sorted_results(asked: Sequence[RPCRequest], replies: list[Any]) -> list[Any] | None:
    by_id = {reply.get("id"): reply for reply in replies if isinstance(reply, dict) and _is_id(reply)}
    if len(by_id) != len(replies) or by_id.keys() != {question["id"] for question in asked}:
        return None
    return [parse_reply(by_id[question["id"]], question["id"]) for question in asked]


def _is_id(reply: dict[str, Any]) -> bool:
    # 1, 1.0 and true are one key of a dictionary.
    return type(reply.get("id")) is int


def parse_reply(reply: Any, asked: object) -> Any:
    """Return the result in a reply to the question with the id `asked`.

    Raises:
        NodeFailed: it is no JSON-RPC, or the reply to another question.
        RequestRefused, CallReverted: the error that it tells.
    """
    if not isinstance(reply, dict) or ("result" not in reply and "error" not in reply):
        raise NodeFailed("it does not speak JSON-RPC")
    error = reply.get("error")
    # Who could not even read the question answers with the id null, and can only have refused it.
    unread = error is not None and reply.get("id") is None
    if not unread and not (_is_id(reply) and reply["id"] == asked):
        raise NodeFailed("it answered another question than the one asked")
    if error is None:
        return reply.get("result")
    raise _parse_error(error, unread=unread)


def _parse_error(error: Any, *, unread: bool) -> Exception:
    if not isinstance(error, dict):
        return NodeFailed("it does not speak JSON-RPC")
    message = str(error.get("message", ""))[:_SHORT]
    if not unread and (error.get("code") == _REVERT_CODE or "revert" in message.lower()):
        return CallReverted(message, _revert_data(error.get("data")))
    return RequestRefused(f"the RPC refused: {message}", fix="Try again, or configure another RPC as well.")


def _revert_data(value: Any) -> bytes:
    try:
        return abi_codec.data(value)
    except NodeFailed:
        return b""
