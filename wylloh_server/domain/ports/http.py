"""An HTTP client, so that only the web floor knows an HTTP library."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from wylloh_server.domain.types import Seconds

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from contextlib import AbstractAsyncContextManager


class HttpReply(Protocol):
    """An answer whose body has not been read yet."""

    @property
    def status(self) -> int:
        """The status code."""

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers, found whatever their case."""

    def chunks(self) -> AsyncIterator[bytes]:
        """Give the body in pieces of at most 256 KiB. A body shorter than announced raises OSError."""


class HttpClient(Protocol):
    """Makes requests. Never follows a redirect; every failure to talk is an OSError or a TimeoutError."""

    def get(
        self, url: str, *, headers: Mapping[str, str] | None = None, connect: Seconds = Seconds(5)
    ) -> AbstractAsyncContextManager[HttpReply]:
        """Ask for `url`. Deadlines on the first byte and between chunks are the caller's."""

    async def post_json(self, url: str, body: Any, *, timeout: Seconds = Seconds(10)) -> tuple[int, Any]:  # noqa: ASYNC109 - a whole exchange, bounded in one place
        """Send JSON and read at most 1 MiB of JSON back: status code and value (None if not JSON)."""
