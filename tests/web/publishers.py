"""What publishers work with, put into a web floor under test: real drafts, real uploads, real approvals."""

from dataclasses import replace

from tests.fakes import FakeInspector
from wylloh_server.adapters.files.upload_files import EncryptedUploads
from wylloh_server.domain.title import TitleState
from wylloh_server.sdk.testing.sample_chain import CONTRACTS
from wylloh_server.services.chain.payee_check import PayeeCheck
from wylloh_server.services.publishing.approvals import Approvals
from wylloh_server.services.publishing.approved_files import ApprovedFiles
from wylloh_server.services.publishing.publisher_removal import PublisherRemoval
from wylloh_server.services.publishing.title_service import TitleService


NO_FILM = "This file is not a film. Choose another."
"""What is found in a file called diary."""


def publishing_services(live, storage, folder, clock):
    """Return the services of titles and approvals, and what removes both."""

    async def reopen(title):
        """Make a draft of a title; nothing was built of it, for there is no chain here."""
        draft = replace(title, state=TitleState.DRAFT, staged=False, root=None)
        await storage.titles.save(draft)
        return draft

    uploads = EncryptedUploads(folder / "uploads", bytes(32))
    titles = TitleService(
        titles=storage.titles,
        accounts=storage.accounts,
        uploads=uploads,
        inspect=FakeInspector(diary=NO_FILM).fault,
        payees=PayeeCheck(CONTRACTS, storage.coins),
        clock=clock,
    )
    approvals = Approvals(
        requests=storage.requests,
        titles=storage.titles,
        title_service=titles,
        approved_files=ApprovedFiles(requests=storage.requests, uploads=uploads),
        accounts=storage.accounts,
        reopen=reopen,
        live=live,
        clock=clock,
    )
    removal = PublisherRemoval(
        requests=storage.requests, titles=storage.titles, uploads=uploads, live=live, clock=clock
    )
    return titles, approvals, removal
