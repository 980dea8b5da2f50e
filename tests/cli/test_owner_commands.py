"""`wylloh owner`: the way back in for an owner whose wallet is lost, beside a server that runs or not."""

from __future__ import annotations

from dataclasses import replace

from tests.components.server import server_settings, wylloh
from tests.fakes import FakeClock
from tests.web.publishers import publishing_services
from wylloh_server.config import load_settings
from wylloh_server.domain.access import DeviceKind, Role, Session, Viewer
from wylloh_server.domain.film import Description
from wylloh_server.domain.license import DeviceBinding
from wylloh_server.domain.title import Upload, UploadId, UploadKind
from wylloh_server.domain.types import DeviceId, SessionId, parse_wallet
from wylloh_server.services.operations.live_updates import LiveUpdates
from wylloh_server.storage import open_database

LOST, NEW = (parse_wallet("0x" + digit * 40) for digit in "ab")


async def test_another_wallet_becomes_the_owner(tmp_path):
    file = server_settings(tmp_path)

    def run(*words):
        return wylloh("owner", *words, "--config", file)

    nobody = run("show")
    assert (nobody.returncode, nobody.stdout) == (1, "")
    assert "claim code" in nobody.stderr
    settings = load_settings(file)
    settings.server.data.mkdir(parents=True, exist_ok=True)
    async with open_database(settings.database_url) as database:
        storage = database.storage
        await storage.accounts.claim(LOST)
        await storage.sessions.add(Session("hash", "phone", LOST, DeviceKind.BROWSER, "Phone", 1.0, 1.0))

        assert run("show").stdout == f"{LOST}\n"
        again = run("transfer", LOST)
        assert (again.returncode, "already" in again.stderr) == (1, True)
        mistyped = run("transfer", "0x5aaeb6053F3E94C9b9A09f33669435E7Ef1BeAed")
        assert (mistyped.returncode, "is mistyped" in mistyped.stderr) == (1, True)
        done = run("transfer", NEW)
        assert (done.returncode, done.stdout) == (0, f"{NEW} owns this server. {LOST} is an admin now.\n")

        assert await storage.accounts.role(NEW) is Role.OWNER, "a server that runs sees it at once"
        assert await storage.accounts.role(LOST) is Role.ADMIN
        assert await storage.sessions.of_wallet(LOST) == ()

        new = Viewer(SessionId("n"), DeviceId("n"), NEW, Role.OWNER)
        titles, approvals, _ = publishing_services(LiveUpdates(), storage, settings.server.data, FakeClock())
        draft = await titles.draft(new, Description("Drafted"))
        film = Upload(UploadId(""), draft.id, UploadKind.FEATURE, "film.mp4", 9)
        await titles.begin_upload(new, film)
        await approvals.apply(replace(new, role=Role.VIEWER), "I make films.")
        await storage.bindings.save(
            DeviceBinding(NEW, "00" * 32, 1, "https://a.example", "nonce", 1, 2, "0x")
        )
        assert run("transfer", LOST, "--remove-former").returncode == 0
        assert await storage.accounts.role(NEW) is None
        assert await storage.accounts.owner() == LOST
        assert await storage.titles.all() == ()
        assert list((settings.server.data / "uploads").iterdir()) == []
        assert await storage.requests.waiting() == ()
        assert await storage.bindings.all() == ()
    assert run("transfer", "0x12").returncode == 1
