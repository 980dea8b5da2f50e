"""What publishers work with, put into a web floor under test: real drafts, real uploads, real approvals."""

from dataclasses import replace

from tests.fakes import FakeInspector
from wylloh_server.adapters.uploads import EncryptedUploads
from wylloh_server.services.approvals import Approvals
from wylloh_server.services.titles import TitleDesk
from wylloh_server.web import keys


NO_FILM = "This file is not a film. Choose another."
"""What is found in a file called diary."""


async def _unmade(title):
    """Nothing was made of any title: there is no chain here."""
    return replace(title, staged=False, root=None)


def add_publishers(app, storage, folder, clock):
    """Give an application its titles and approvals."""
    uploads = EncryptedUploads(folder / "uploads", bytes(32))
    app[keys.TITLES] = TitleDesk(
        titles=storage.titles, uploads=uploads, inspect=FakeInspector(diary=NO_FILM).fault, clock=clock
    )
    app[keys.APPROVALS] = Approvals(
        requests=storage.requests,
        titles=storage.titles,
        desk=app[keys.TITLES],
        accounts=storage.accounts,
        unmake=_unmade,
        live=app[keys.LIVE],
        clock=clock,
    )
