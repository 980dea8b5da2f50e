"""What can go wrong between this server and one RPC, before the pool has tried the others."""

from __future__ import annotations

from wylloh_server.domain.errors import ChainError, ChainUnavailable


class NodeFailed(Exception):
    """One node did not answer, or not sensibly. The pool asks the next and lets this one rest.

    Its text continues the sentence "the node was left because …" and never contains the URL, which may
    carry an API key.
    """


class RequestRefused(ChainUnavailable):
    """A healthy node would not answer this question: too wide a range, a rate limit, a block it lacks."""


class ContractSilent(RequestRefused):
    """A healthy node gave no answer of a contract: it takes too long there, or is not asked now."""


class CallReverted(ChainError):
    """The contract refused the call. This is an answer: other nodes would say the same.

    Attributes:
        data: the ABI-encoded error; empty when the node did not pass it on.
    """

    def __init__(self, message: str, data: bytes) -> None:
        super().__init__(message, fix="Ask for something this contract allows.")
        self.data = data
