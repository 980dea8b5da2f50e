"""The servers that may keep the keys of a wallet's films: shown, let, and taken back by signature."""

from __future__ import annotations

import pytest

from tests.fakes import FakeChain
from tests.web.conftest import COLLECTOR, OWNER, TOKEN
from wylloh_server.domain.device_binding import revocation_from_json
from wylloh_server.storage.holder_servers import HolderServer

ELSEWHERE = HolderServer(TOKEN, OWNER, "ab" * 32, "https://elsewhere.example", 1_759_000_000.0)


async def servers(browser):
    return (await (await browser.get("/api/bindings")).json())["servers"]


async def bound(browser):
    message = (await (await browser.post("/api/binding/request")).json())["message"]
    response = await browser.post("/api/binding", {"signature": FakeChain.sign(OWNER, message)})
    assert response.status == 200


async def revoked(browser, device_key):
    asked = await browser.post("/api/binding/revocation/request", {"device_key": device_key})
    message = (await asked.json())["message"]
    return await browser.post("/api/binding/revocation", {"signature": FakeChain.sign(OWNER, message)})


async def test_the_page_shows_the_servers_that_may_keep_the_wallets_keys(server_under_test, owner, collector):
    await bound(owner)
    await server_under_test.storage.holder_servers.admit(ELSEWHERE, 3, 0.0)

    here, there = await servers(owner)
    page = await (await owner.get("/devices")).text()

    assert (here["here"], here["uri"], here["expires"]) == (
        True,
        "http://home.example",
        int(server_under_test.clock()) + 90 * 86_400,
    )
    assert (there["here"], there["uri"], there["device_key"]) == (False, ELSEWHERE.uri, "ab" * 32)
    assert all(text in page for text in (ELSEWHERE.uri, "This server · until", "Revoke every server"))
    assert await servers(collector) == [], "those of one's own wallet only"
    assert ELSEWHERE.uri not in await (await collector.get("/devices")).text()


async def test_a_signed_revocation_counts_here_at_once_and_goes_to_the_custodians(server_under_test, owner):
    await bound(owner)
    await server_under_test.storage.holder_servers.admit(ELSEWHERE, 3, 0.0)

    response = await revoked(owner, ELSEWHERE.device_key)

    assert response.status == 200
    task = (await response.json())["task"]
    arguments = await server_under_test.storage.tasks.arguments(task)
    assert revocation_from_json(arguments["revocation"]).device_key == ELSEWHERE.device_key
    assert [server["here"] for server in await servers(owner)] == [True]
    assert (await revoked(owner, "")).status == 200
    assert await servers(owner) == []


async def test_a_revocation_that_was_not_signed_changes_nothing(server_under_test, owner):
    await bound(owner)
    await owner.post("/api/binding/revocation/request", {"device_key": ""})

    response = await owner.post("/api/binding/revocation", {"signature": "0x00"})

    assert response.status == 401
    assert len(await servers(owner)) == 1


async def test_this_server_stops_without_a_signature(owner):
    await bound(owner)
    assert (await owner.post("/api/binding/remove")).status == 200
    assert await servers(owner) == []


@pytest.mark.parametrize("device_key", ["ab", "AB" * 32, "\n" + "ab" * 32, 7])
async def test_what_is_no_servers_key_is_refused(owner, device_key):
    response = await owner.post("/api/binding/revocation/request", {"device_key": device_key})
    assert response.status == 400


async def test_a_wallet_that_is_removed_is_bound_no_more(server_under_test, owner, collector):
    message = (await (await collector.post("/api/binding/request")).json())["message"]
    await collector.post("/api/binding", {"signature": FakeChain.sign(COLLECTOR, message)})
    assert await server_under_test.storage.bindings.get(COLLECTOR)
    await owner.post("/api/admin/accounts/remove", {"wallet": COLLECTOR})
    assert await server_under_test.storage.bindings.get(COLLECTOR) is None
