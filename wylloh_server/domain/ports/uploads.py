"""Files that publishers upload, and films handed to publishing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from wylloh_server.domain.ports.content import RandomAccess
    from wylloh_server.domain.title import (
        TitleId,
        Upload,
        UploadId,
    )
    from wylloh_server.domain.types import Timestamp


@dataclass(frozen=True, slots=True)
class PlaintextFilm:
    """A film unencrypted, as it is handed to publishing; where its bytes lie is its own business.

    Attributes:
        size: how many bytes it has.
        open: opens it for random access; raises OSError or SealBroken.
        stream: opens it for reading from front to back. Blocks: use it in a thread.
    """

    size: int
    open: Callable[[], Awaitable[RandomAccess]]
    stream: Callable[[], BinaryIO]


class Uploads(Protocol):
    """Files that arrive in pieces and may stop in between. Kept encrypted: a film is never unencrypted."""

    async def begin(self, upload: Upload) -> None:
        """Take a new upload, and keep room for all of it. Raises StoreFull when there is none."""

    async def get(self, upload: UploadId) -> Upload | None:
        """Find an upload, with how much of it is here."""

    async def of_title(self, title: TitleId) -> tuple[Upload, ...]:
        """Return a title's uploads, oldest first."""

    async def append(self, upload: Upload, pieces: AsyncIterator[bytes]) -> int:
        """Store what comes, from `upload.received` on; give how much of the file is here then.

        What was stored stays when `pieces` ends early or raises, so the rest can be sent later. Nothing is
        changed of a file that is whole.

        Raises:
            RetryLater: another request is sending it, or the file moved on since.
            InvalidValue: it is longer than said.
            StoreFull: the disk is full, but for what everything else needs.
        """

    def film(self, upload: Upload) -> PlaintextFilm:
        """Return a whole upload for reading."""

    async def content(self, upload: Upload) -> bytes:
        """Read a small upload whole. Raises OSError or SealBroken."""

    async def digest(self, upload: Upload) -> str:
        """Return what tells a whole upload's stored content from every other: hex. Raises OSError."""

    async def record_fault(self, upload: UploadId, fault: str) -> None:
        """Keep what a look into a whole upload found: why it cannot be used, or nothing."""

    async def remove(self, upload: UploadId) -> None:
        """Delete an upload."""

    async def remove_unfinished(self, before: Timestamp) -> None:
        """Delete every upload that is not whole and has got nothing since a moment."""
