"""What goes with a publisher whose account is removed: drafts, uploads, questions to the owner."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from wylloh_server.domain.title import Answer, TitleState
from wylloh_server.domain.topics import APPROVALS, TITLES

if TYPE_CHECKING:
    from wylloh_server.domain.ports.clock import Clock
    from wylloh_server.domain.ports.uploads import Uploads
    from wylloh_server.domain.title import Title
    from wylloh_server.domain.types import Wallet
    from wylloh_server.services.operations.live_updates import LiveUpdates
    from wylloh_server.storage.owner_requests import OwnerRequestRepository
    from wylloh_server.storage.titles import TitleRepository


@dataclass(kw_only=True, eq=False)
class PublisherRemoval:
    """Deletes what a wallet was about to publish."""

    requests: OwnerRequestRepository
    titles: TitleRepository
    uploads: Uploads
    live: LiveUpdates
    clock: Clock

    async def forget(self, wallet: Wallet) -> None:
        """Withdraw what a removed account asked, and delete what it had not got approved yet."""
        for request in await self.requests.waiting():
            if request.wallet == wallet:
                await self.requests.answer(replace(request, answered=self.clock()), Answer.WITHDRAWN)
        for title in await self.titles.all(wallet):
            if title.state in (TitleState.DRAFT, TitleState.PENDING):
                await delete_title(self.titles, self.uploads, title)
        self.live.changed(APPROVALS, TITLES)


async def delete_title(titles: TitleRepository, uploads: Uploads, title: Title) -> None:
    """Delete a title with its files."""
    await titles.remove(title.id)
    for upload in await uploads.of_title(title.id):
        await uploads.remove(upload.id)
