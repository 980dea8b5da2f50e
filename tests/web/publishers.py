"""What publishers work with, put into a web floor under test: real drafts, real uploads, real approvals."""

from wylloh_server.adapters.uploads import EncryptedUploads
from wylloh_server.services.approvals import Approvals
from wylloh_server.services.titles import TitleDesk
from wylloh_server.web import keys


def add_publishers(app, storage, folder, clock):
    """Give an application its titles and approvals."""
    uploads = EncryptedUploads(folder / "uploads", bytes(32))
    app[keys.TITLES] = TitleDesk(titles=storage.titles, uploads=uploads, clock=clock)
    app[keys.APPROVALS] = Approvals(
        requests=storage.requests,
        titles=storage.titles,
        desk=app[keys.TITLES],
        accounts=storage.accounts,
        live=app[keys.LIVE],
        clock=clock,
    )
