"""The files that a title was submitted with: those that the owner looks at, and no others, are published."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wylloh_server.domain.errors import AccessRefused, NotFound
from wylloh_server.domain.title import Answer, OwnerRequestKind, SubmittedFile, TitleId

if TYPE_CHECKING:
    from wylloh_server.domain.ports.uploads import Uploads
    from wylloh_server.domain.title import OwnerRequest, Upload
    from wylloh_server.storage.owner_requests import OwnerRequestRepository


@dataclass(kw_only=True, eq=False)
class ApprovedFiles:
    """Records the files of a submitted title, and compares them when it is approved and published."""

    requests: OwnerRequestRepository
    uploads: Uploads

    async def present(self, title: TitleId) -> tuple[SubmittedFile, ...]:
        """Return a title's whole files, with the digests of what is stored."""
        return tuple([await self._submitted(file) for file in await self._whole(title)])

    async def check(self, request: OwnerRequest) -> tuple[SubmittedFile, ...]:
        """Return the files of the title that a request is about, if they are those it was submitted with.

        Raises:
            AccessRefused: they are not.
        """
        present = await self.present(TitleId(request.subject))
        if request.files is not None and set(present) != set(request.files):
            raise AccessRefused(
                "The files of this title are not those that were submitted.",
                fix="Send it back, so that its publisher submits it again.",
            )
        return present

    async def of(self, title: TitleId) -> list[Upload]:
        """Return the files with which a title was approved, oldest first.

        Raises:
            NotFound: it was not approved, or one of them is gone.
            AccessRefused: one of them is not what was approved.
        """
        requests = await self.requests.of_subject(OwnerRequestKind.TITLE, title)
        approved = next((request for request in requests if request.answer is Answer.APPROVED), None)
        if approved is None:
            raise NotFound("Nobody approved this title.", fix="Take it back, and submit it again.")
        await self.check(approved)
        return await self._whole(title)

    async def _whole(self, title: TitleId) -> list[Upload]:
        return [file for file in await self.uploads.of_title(title) if file.whole]

    async def _submitted(self, file: Upload) -> SubmittedFile:
        return SubmittedFile(file.id, await self.uploads.digest(file))
