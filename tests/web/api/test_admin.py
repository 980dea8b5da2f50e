from __future__ import annotations

import pytest

from tests.web.conftest import COLLECTOR, OWNER, STRANGER
from wylloh_server.domain.access import Role


async def test_the_owner_admits_a_wallet_with_a_role(house, owner, browser):
    assert (await browser.sign_in(STRANGER)).status == 401

    assert (await owner.post("/api/admin/accounts", {"wallet": STRANGER, "role": "publisher"})).status == 200
    assert (await (await browser.sign_in(STRANGER)).json())["role"] == "publisher"


async def test_a_changed_role_counts_at_once(house, owner, collector):
    assert (await collector.get("/api/admin/plugins")).status == 403

    await owner.post("/api/admin/accounts", {"wallet": COLLECTOR, "role": "admin"})

    assert (await collector.get("/api/admin/plugins")).status == 200


@pytest.mark.parametrize(
    ("wallet", "role", "status"),
    [(OWNER, "viewer", 403), (STRANGER, "owner", 400), (STRANGER, "king", 400), ("0x", "viewer", 400)],
)
async def test_there_is_always_exactly_one_owner(house, owner, wallet, role, status):
    assert (await owner.post("/api/admin/accounts", {"wallet": wallet, "role": role})).status == status
    owners = [who for who, what in await house.storage.accounts.all() if what is Role.OWNER]
    assert owners == [OWNER]


async def test_only_the_owner_gives_roles(house, owner, collector):
    await owner.post("/api/admin/accounts", {"wallet": COLLECTOR, "role": "admin"})

    response = await collector.post("/api/admin/accounts", {"wallet": STRANGER, "role": "viewer"})

    assert response.status == 403
    assert await house.storage.accounts.role(STRANGER) is None


async def test_accounts_are_listed_for_those_who_look_after_the_server(owner, collector, browser):
    listed = (await (await owner.get("/api/admin/accounts")).json())["accounts"]

    assert {"wallet": OWNER, "role": "owner"} in listed
    assert (await collector.get("/api/admin/accounts")).status == 403
    assert (await browser.get("/api/admin/accounts")).status == 401


async def test_a_removed_wallet_is_signed_out_and_not_let_in_again(owner, collector, house):
    response = await owner.post("/api/admin/accounts/remove", {"wallet": COLLECTOR})
    assert response.status == 200
    assert (await collector.post("/api/films/x/play", {})).status == 401
    listed = (await (await owner.get("/api/admin/accounts")).json())["accounts"]
    assert COLLECTOR not in {account["wallet"] for account in listed}


async def test_only_the_owner_removes_and_nobody_removes_the_owner(owner, collector, house):
    assert (await collector.post("/api/admin/accounts/remove", {"wallet": STRANGER})).status == 403
    listed = (await (await owner.get("/api/admin/accounts")).json())["accounts"]
    own = next(account["wallet"] for account in listed if account["role"] == "owner")
    assert (await owner.post("/api/admin/accounts/remove", {"wallet": own})).status == 403
    assert (await owner.get("/api/admin/accounts")).status == 200


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
async def stopped(open_house, tmp_path):
    """A server whose plugin has been stopped, and the file to mend it in."""
    file = tmp_path / "plugins" / "wylloh_testfaulty" / "__init__.py"
    file.parent.mkdir(parents=True)
    file.write_text(BAD)
    house = await open_house(plugin_folder=tmp_path / "plugins")
    house.plugins.plugin("testfaulty").halt("It failed again and again.")
    return house, file


async def test_the_owner_starts_a_stopped_plugin_again(stopped, open_browser):
    house, file = stopped
    owner, collector = open_browser(house), open_browser(house)
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
    for name, status in (("testfaulty", 400), ("nobody", 404)):
        assert (await owner.post("/api/admin/plugins/start", {"plugin": name})).status == status


async def test_the_owner_switches_a_stopped_plugin_off(stopped, open_browser):
    house, _ = stopped
    owner, collector = open_browser(house), open_browser(house)
    await owner.sign_in(OWNER)
    await collector.sign_in(COLLECTOR)
    assert (await collector.post("/api/admin/plugins/off", {"plugin": "testfaulty"})).status == 403

    answer = await owner.post("/api/admin/plugins/off", {"plugin": "testfaulty"})

    assert (await answer.json())["status"] == "disabled"
    assert "Switched off until the server starts again." in await (await owner.get("/admin")).text()
    assert (await owner.post("/api/admin/plugins/off", {"plugin": "testfaulty"})).status == 400
