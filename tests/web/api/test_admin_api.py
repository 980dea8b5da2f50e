from __future__ import annotations

import asyncio
import re

import pytest

from tests.fakes import FakeChain
from tests.web.conftest import COLLECTOR, OWNER, PLAIN, STRANGER
from wylloh_server.domain.access import Role
from wylloh_server.domain.types import short_address
from wylloh_server.web import app_keys


async def test_the_owner_admits_a_wallet_with_a_role(server_under_test, owner, browser):
    assert (await browser.sign_in(STRANGER)).status == 401

    assert (await owner.post("/api/admin/accounts", {"wallet": STRANGER, "role": "publisher"})).status == 200
    assert (await (await browser.sign_in(STRANGER)).json())["role"] == "publisher"


async def test_a_changed_role_counts_at_once(server_under_test, owner, collector):
    assert (await collector.get("/api/admin/plugins")).status == 403

    await owner.post("/api/admin/accounts", {"wallet": COLLECTOR, "role": "admin"})

    assert (await collector.get("/api/admin/plugins")).status == 200


@pytest.mark.parametrize(
    ("wallet", "role", "status"),
    [
        (OWNER, "viewer", 403),
        (STRANGER, "owner", 400),
        (STRANGER, "king", 400),
        ("0x", "viewer", 400),
        ("0x5aaeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "viewer", 400),
        ("0x" + "0" * 40, "viewer", 400),
    ],
)
async def test_there_is_always_exactly_one_owner(server_under_test, owner, wallet, role, status):
    assert (await owner.post("/api/admin/accounts", {"wallet": wallet, "role": role})).status == status
    owners = [one.wallet for one in await server_under_test.storage.accounts.all() if one.role is Role.OWNER]
    assert owners == [OWNER]


async def test_only_the_owner_gives_roles(server_under_test, owner, collector):
    await owner.post("/api/admin/accounts", {"wallet": COLLECTOR, "role": "admin"})

    response = await collector.post("/api/admin/accounts", {"wallet": STRANGER, "role": "viewer"})

    assert response.status == 403
    assert await server_under_test.storage.accounts.role(STRANGER) is None


async def test_accounts_are_listed_for_those_who_look_after_the_server(owner, collector, browser):
    listed = (await (await owner.get("/api/admin/accounts")).json())["accounts"]

    assert {"wallet": OWNER, "role": "owner", "name": ""} in listed
    assert (await collector.get("/api/admin/accounts")).status == 403
    assert (await browser.get("/api/admin/accounts")).status == 401


async def test_a_removed_wallet_is_signed_out_and_not_let_in_again(owner, collector, server_under_test):
    response = await owner.post("/api/admin/accounts/remove", {"wallet": COLLECTOR})
    assert response.status == 200
    assert (await collector.post("/api/films/x/play", {})).status == 401
    listed = (await (await owner.get("/api/admin/accounts")).json())["accounts"]
    assert COLLECTOR not in {account["wallet"] for account in listed}


async def test_only_the_owner_removes_and_nobody_removes_the_owner(owner, collector, server_under_test):
    assert (await collector.post("/api/admin/accounts/remove", {"wallet": STRANGER})).status == 403
    listed = (await (await owner.get("/api/admin/accounts")).json())["accounts"]
    own = next(account["wallet"] for account in listed if account["role"] == "owner")
    assert (await owner.post("/api/admin/accounts/remove", {"wallet": own})).status == 403
    assert (await owner.get("/api/admin/accounts")).status == 200


async def test_51_accounts_have_names_that_those_who_look_after_the_server_see(
    server_under_test, owner, collector, browsers
):
    answer = await owner.post("/api/admin/accounts/name", {"wallet": COLLECTOR, "name": "  Ada   L. "})
    assert (answer.status, await answer.json()) == (200, {"name": "Ada L."})
    await owner.post("/api/admin/accounts", {"wallet": STRANGER, "role": "admin", "name": "Bert"})
    admin = browsers()
    await admin.sign_in(STRANGER)
    await collector.post(f"/api/films/{PLAIN.id}/play", {})

    page = await (await admin.get("/admin")).text()

    for place in ('id="playing-list"', 'id="accounts-list"'):
        assert "Ada L." in page[page.index(place) :].split("</ul>")[0]
    sessions = await (await owner.get("/admin")).text()
    assert "Ada L." in sessions[sessions.index('id="sessions-list"') :].split("</ul>")[0]
    assert (await admin.post("/api/admin/accounts/name", {"wallet": COLLECTOR, "name": "X"})).status == 403
    for path in ("/devices", "/receipts"):
        text = await (await collector.get(path)).text()
        assert "Ada L." in text and "Bert" not in text, "one's own name and nobody else's"


@pytest.mark.parametrize("name", ["x" * 41, "A\u202eB", "A\x00B", "\ufeffBert"])
async def test_51_a_name_is_short_and_can_be_seen(server_under_test, owner, collector, name):
    for person, path, whose in (
        (owner, "/api/admin/accounts/name", {"wallet": COLLECTOR}),
        (collector, "/api/account/name", {}),
        (owner, "/api/admin/accounts", {"wallet": STRANGER, "role": "viewer"}),
    ):
        answer = await person.post(path, {"name": name, **whose})
        assert answer.status == 400 and (await answer.json())["fix"]
    assert await server_under_test.storage.accounts.names() == {}
    assert await server_under_test.storage.accounts.role(STRANGER) is None


async def test_51_one_names_oneself_but_never_like_somebody_else(
    server_under_test, owner, collector, browser
):
    assert (await owner.post("/api/account/name", {"name": "The boss"})).status == 200
    assert (await collector.post("/api/account/name", {"name": "the BOSS"})).status == 400
    assert (await browser.post("/api/account/name", {"name": "Nobody"})).status == 401
    assert await server_under_test.storage.accounts.names() == {OWNER: "The boss"}
    assert (await owner.post("/api/account/name", {"name": " "})).status == 200
    assert await server_under_test.storage.accounts.names() == {}


# Fresh signatures -------------------------------------------------------------------------------------------

WEIGHTY = [
    ("/api/admin/accounts", {"wallet": STRANGER, "role": "admin"}),
    ("/api/admin/accounts/remove", {"wallet": COLLECTOR}),
    ("/api/admin/owner", {"wallet": COLLECTOR}),
    ("/api/admin/plugins/start", {"plugin": "nobody"}),
    ("/api/admin/plugins/off", {"plugin": "nobody"}),
    ("/api/admin/films/remove-away", {}),
    ("/api/films/nothing/remove", {}),
    ("/api/films/nothing/package/remove", {}),
]
LIGHT = {
    "/about/terms",
    "/api/admin/sessions/end",
    "/api/admin/accounts/name",
    "/api/admin/accounts/sign-out",
    "/api/approvals/{request}",
}
"""What only the owner may do, and may do quickly: it takes away what a thief may have, or asks by itself."""


async def test_whatever_only_the_owner_may_do_needs_a_fresh_signature(server_under_test, owner, open_browser):
    """Walked over every route, so that a new one is found: what it says to an admin tells whose it is."""
    await server_under_test.storage.accounts.save(COLLECTOR, Role.ADMIN)
    admin = open_browser(server_under_test)
    await admin.sign_in(COLLECTOR)
    server_under_test.clock.now += 301
    paths = [
        route.resource.canonical for route in server_under_test.app.router.routes() if route.method == "POST"
    ]
    needed = set()
    for path in paths:
        if path.startswith(("/api/sign-", "/api/devices/sign-out", "/api/uploads", "/api/play/")):
            continue  # for everybody, and the session of this test is needed on
        address = re.sub(r"\{(\w+)[^}]*\}", "x", path)
        told = await admin.post(address, {})
        assert told.status != 401, path
        if told.status == 403 and "This needs the role owner" in await told.text():
            answer = await owner.post(address, {})
            assert path in LIGHT or (await answer.json()).get("code") == "signature-needed", path
            needed.add(path)
    assert needed >= {"/api/admin/films/remove-away", "/api/films/{film}/remove", "/api/admin/owner"}


@pytest.mark.parametrize(("path", "body"), WEIGHTY)
async def test_what_weighs_much_needs_a_fresh_signature(server_under_test, owner, path, body):
    server_under_test.clock.now += 301

    refused = await owner.post(path, body)

    assert (refused.status, (await refused.json())["code"]) == (403, "signature-needed")
    asked = await (await owner.post("/api/confirmation")).json()
    assert asked["wallet"] == OWNER
    signature = FakeChain.sign(OWNER, asked["message"])
    assert (await owner.post("/api/confirmation/answer", {"signature": signature})).status == 200
    assert (await owner.post(path, body)).status in {200, 404}


async def test_a_signature_of_somebody_else_confirms_nothing(server_under_test, owner):
    server_under_test.clock.now += 301
    asked = await (await owner.post("/api/confirmation")).json()
    signature = FakeChain.sign(COLLECTOR, asked["message"])

    assert (await owner.post("/api/confirmation/answer", {"signature": signature})).status == 401
    assert (await owner.post(*WEIGHTY[0])).status == 403


async def test_letting_a_publisher_in_needs_a_fresh_signature_too(server_under_test, owner, collector):
    await collector.post("/api/publishers/apply", {"message": "I make films."})
    (request,) = await server_under_test.storage.requests.waiting()
    server_under_test.clock.now += 301

    yes = await owner.post(f"/api/approvals/{request.id}", {"approve": True, "note": ""})
    no = await owner.post(f"/api/approvals/{request.id}", {"approve": False, "note": "Not now."})

    assert (yes.status, no.status) == (403, 200)


async def test_the_server_is_handed_over(server_under_test, owner, collector):
    assert (await owner.post("/api/admin/owner", {"wallet": STRANGER})).status == 400

    assert (await owner.post("/api/admin/owner", {"wallet": COLLECTOR})).status == 200

    roles = {one.wallet: one.role for one in await server_under_test.storage.accounts.all()}
    assert roles == {OWNER: Role.ADMIN, COLLECTOR: Role.OWNER}
    assert (await owner.post("/api/admin/owner", {"wallet": OWNER})).status == 403
    assert (await collector.get("/api/admin/sessions")).status == 200


# Everybody's sessions ----------------------------------------------------------------------------------------


async def test_the_owner_sees_and_ends_everybodys_sessions(server_under_test, owner, collector):
    listed = (await (await owner.get("/api/admin/sessions")).json())["sessions"]

    assert {(one["wallet"], one["this"]) for one in listed} == {(OWNER, True), (COLLECTOR, False)}
    assert {one["address"] for one in listed} == {"127.0.0.1"}
    device = next(one["device"] for one in listed if one["wallet"] == COLLECTOR)
    assert f'data-device="{device}"' in await (await owner.get("/admin")).text()
    assert (await owner.post("/api/admin/sessions/end", {"device": device})).status == 200
    assert (await collector.get("/devices")).status == 303


async def test_the_owner_signs_a_wallet_out_everywhere(owner, collector, browsers):
    other = browsers()
    await other.sign_in(COLLECTOR)

    assert (await owner.post("/api/admin/accounts/sign-out", {"wallet": COLLECTOR})).status == 200

    assert [(await one.get("/devices")).status for one in (collector, other)] == [303, 303]
    assert (await other.sign_in(COLLECTOR)).status == 200


async def test_nobody_else_sees_or_ends_them(server_under_test, owner, collector):
    await owner.post("/api/admin/accounts", {"wallet": COLLECTOR, "role": "admin"})

    statuses = [
        (await collector.get("/api/admin/sessions")).status,
        (await collector.post("/api/admin/sessions/end", {"device": "x"})).status,
        (await collector.post("/api/admin/accounts/sign-out", {"wallet": OWNER})).status,
    ]

    assert statuses == [403, 403, 403]
    assert "Signed in now" not in await (await collector.get("/admin")).text()


# Now playing -------------------------------------------------------------------------------------------------


async def test_51_admins_see_what_plays_and_end_it(server_under_test, owner, collector):
    """Who, what, on which device and how far; and the player is told why it ended."""
    token = (await (await collector.post(f"/api/films/{PLAIN.id}/play", {})).json())["token"]
    await collector.post(f"/api/films/{PLAIN.id}/position", {"at": 720, "of": 3600})
    (held,) = server_under_test.playback.leases.all()
    assert (await collector.post("/api/admin/playing/end", {"lease": held.name})).status == 403

    page = await (await owner.get("/admin")).text()

    row = page[page.index('id="playing-list"') :].split("</ul>")[0]
    for words in ("Morning", short_address(COLLECTOR), "Browser", "12 min of 1 h 00 min", held.name):
        assert words in row
    assert token not in page, "a lease's token lets play"
    assert "not heard of since" not in row
    server_under_test.playback.leases.silent = 200.0
    assert re.search(r"not heard of since <time [^>]*>\d", await (await owner.get("/admin")).text())
    assert 'data-live="playing"' in page
    assert (await owner.post("/api/admin/playing/end", {"lease": held.name})).status == 200
    over = await (await collector.get(f"/api/play/{token}")).json()
    assert (over["alive"], over["why"]) == (False, "ended-by-admin") and "looks after" in over["sentence"]
    assert (await owner.post("/api/admin/playing/end", {"lease": held.name})).status == 404
    assert 'id="playing-list"' not in await (await owner.get("/admin")).text()


# Folders ------------------------------------------------------------------------------------------------------


async def test_51_admins_see_the_folders_and_have_them_scanned(
    open_server_under_test, open_browser, tmp_path
):
    folder = tmp_path / "films"
    folder.mkdir()
    (folder / "A.iso").write_bytes(b"a")
    server = await open_server_under_test(library={"folders": [str(folder), str(tmp_path / "gone")]})
    owner, collector = open_browser(server), open_browser(server)
    await owner.sign_in(OWNER)
    await collector.sign_in(COLLECTOR)
    scans = server.app[app_keys.SERVICES].folder_scans
    assert (await collector.post("/api/admin/folders/scan")).status == 403
    assert not scans.is_due
    for _ in range(2):
        assert (await owner.post("/api/admin/folders/scan")).status == 200
    async with scans.running():
        while scans.is_due:
            await asyncio.sleep(0.01)
    page = await (await owner.get("/admin")).text()
    section = page[page.index('id="film-folders"') :].split("</section>")[0]
    for words in (str(folder), "1 film · 1 cannot be played", "It cannot be read: No such file", "Scan now"):
        assert words in section


BAD = """
from wylloh_server.sdk import *

WYLLOH_SDK = "1.0"
BROKEN = True

@hookimpl
async def nav_items():
    if BROKEN:
        raise RuntimeError("boom")
    return [NavItem("Mended")]
"""


@pytest.fixture
async def stopped(open_server_under_test, tmp_path):
    """A server whose plugin has been stopped, and the file to mend it in."""
    file = tmp_path / "plugins" / "wylloh_testfaulty" / "__init__.py"
    file.parent.mkdir(parents=True)
    file.write_text(BAD)
    server_under_test = await open_server_under_test(plugin_folder=tmp_path / "plugins")
    server_under_test.plugins.plugin("testfaulty").stop("It failed again and again.")
    return server_under_test, file


async def test_the_owner_starts_a_stopped_plugin_again(stopped, open_browser):
    server_under_test, file = stopped
    owner, collector = open_browser(server_under_test), open_browser(server_under_test)
    await owner.sign_in(OWNER)
    await collector.sign_in(COLLECTOR)
    page = await (await owner.get("/admin")).text()
    assert "It was stopped. It failed again and again." in page
    assert 'data-start="testfaulty"' in page
    assert (await collector.post("/api/admin/plugins/start", {"plugin": "testfaulty"})).status == 403

    file.write_text(BAD.replace("BROKEN = True", "BROKEN = False"))
    answer = await owner.post("/api/admin/plugins/start", {"plugin": "testfaulty"})

    assert (answer.status, (await answer.json())["status"]) == (200, "running")
    page = await (await owner.get("/admin")).text()
    assert ">Mended</a>" in page
    assert "data-start" not in page
    for name, status in (("testfaulty", 200), ("nobody", 404)):  # one that runs is loaded again
        assert (await owner.post("/api/admin/plugins/start", {"plugin": name})).status == status


async def test_the_owner_switches_a_stopped_plugin_off(stopped, open_browser):
    server_under_test, _ = stopped
    owner, collector = open_browser(server_under_test), open_browser(server_under_test)
    await owner.sign_in(OWNER)
    await collector.sign_in(COLLECTOR)
    assert (await collector.post("/api/admin/plugins/off", {"plugin": "testfaulty"})).status == 403

    answer = await owner.post("/api/admin/plugins/off", {"plugin": "testfaulty"})

    assert (await answer.json())["status"] == "disabled"
    assert "Switched off until the server starts again." in await (await owner.get("/admin")).text()
    assert (await owner.post("/api/admin/plugins/off", {"plugin": "testfaulty"})).status == 400
