"""What publishers bring: their titles, their uploads, and what they ask the owner."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from wylloh_server.domain.ports.content import RandomAccess
    from wylloh_server.domain.title import (
        Answer,
        Request,
        RequestId,
        RequestKind,
        Title,
        TitleId,
        TitleState,
        Upload,
        UploadId,
    )
    from wylloh_server.domain.types import TokenReference, Wallet


class PlainFilm(Protocol):
    """A film in the clear, as it is handed to publishing; where its bytes lie is its own business."""

    @property
    def size(self) -> int:
        """How many bytes it has."""

    async def open(self) -> RandomAccess:
        """Open it for random access. Raises OSError or SealBroken."""

    def stream(self) -> BinaryIO:
        """Open it for reading from front to back. Blocks: use it in a thread."""


class Uploads(Protocol):
    """Files that arrive in pieces and may stop in between. Kept encrypted: a film is never in the clear."""

    async def begin(self, upload: Upload) -> None:
        """Take a new upload. Raises StoreFull when there is no room for all of it."""

    async def get(self, upload: UploadId) -> Upload | None:
        """Find an upload, with how much of it is here."""

    async def of_title(self, title: TitleId) -> tuple[Upload, ...]:
        """Give a title's uploads, oldest first."""

    async def append(self, upload: Upload, pieces: AsyncIterator[bytes]) -> int:
        """Store what comes, from `upload.received` on; give how much of the file is here then.

        What was stored stays when `pieces` ends early or raises, so the rest can be sent later.

        Raises:
            InvalidValue: another request is sending it, the file moved on since, or it is longer than said.
            StoreFull: the disk is full.
        """

    def film(self, upload: Upload) -> PlainFilm:
        """Give a whole upload for reading."""

    async def content(self, upload: Upload) -> bytes:
        """Read a small upload whole. Raises OSError or SealBroken."""

    async def judge(self, upload: UploadId, fault: str) -> None:
        """Keep what a look into a whole upload found: why it cannot be used, or nothing."""

    async def remove(self, upload: UploadId) -> None:
        """Delete an upload."""


class Titles(Protocol):
    """Publishers' titles."""

    async def save(self, title: Title) -> None:
        """Add a title or replace what was known of it."""

    async def save_if(self, title: Title, state: TitleState) -> bool:
        """Replace a title only while it is in this state; False if it is not (any more)."""

    async def get(self, title: TitleId) -> Title | None:
        """Find a title."""

    async def by_token(self, token: TokenReference) -> Title | None:
        """Find a title by the token that was chosen for it."""

    async def all(self, publisher: Wallet | None = None) -> tuple[Title, ...]:
        """Give every title, or one publisher's, last changed first."""

    async def remove(self, title: TitleId) -> None:
        """Forget a title."""


class Requests(Protocol):
    """Questions to the owner and their answers; nothing is ever deleted."""

    async def ask(self, request: Request) -> bool:
        """Add a request; False if one of the same kind and subject waits already."""

    async def waiting(self) -> tuple[Request, ...]:
        """Give the requests that wait, oldest first."""

    async def get(self, request: RequestId) -> Request | None:
        """Find a request."""

    async def of_subject(self, kind: RequestKind, subject: str) -> tuple[Request, ...]:
        """Give every request about something, newest first."""

    async def answered(self, limit: int) -> tuple[Request, ...]:
        """Give the last requests that do not wait any more, newest answer first."""

    async def answer(self, request: Request, answer: Answer) -> bool:
        """Store an answered request; False if it had been answered already, and then nothing changes."""
