"""An HTTP client, so that services do not depend on an HTTP library."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from wylloh_server.domain.types import Seconds

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from contextlib import AbstractAsyncContextManager


@dataclass(frozen=True, slots=True)
class HttpReply:
    """An answer whose body has not been read yet.

    Attributes:
        status: the status code.
        headers: found whatever their case.
        chunks: the body in pieces of at most 256 KiB. Raises OSError if the connection breaks, or if the body
            is shorter than announced.
    """

    status: int
    headers: Mapping[str, str]
    chunks: AsyncIterator[bytes]


class HttpClient(Protocol):
    """Makes requests. Never follows a redirect; every failed exchange raises OSError or TimeoutError."""

    def get(
        self, url: str, *, headers: Mapping[str, str] | None = None, connect: Seconds = Seconds(5)
    ) -> AbstractAsyncContextManager[HttpReply]:
        """Ask for `url`. Deadlines on the first byte and between chunks are the caller's."""

    async def post_json(self, url: str, body: Any, *, timeout: Seconds = Seconds(10)) -> tuple[int, Any]:  # noqa: ASYNC109 - a whole exchange, bounded in one place
        """Send JSON and read at most 1 MiB of JSON back: status code and value (None if not JSON)."""
