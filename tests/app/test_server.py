"""The smallest server: no chain, no plugins, no folders. First run, claim, logs, stopping, starting again."""

from __future__ import annotations

import signal

import pytest
from eth_account import Account

from tests.components.server import Server, guest, server_settings

OWNER, STRANGER = Account.create(), Account.create()


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """One server for the tests of this file, which tell one story in order."""
    server = Server(server_settings(tmp_path_factory.mktemp("smallest"), plugins={"disabled": ["tagging"]}))
    yield server
    server.kill()


@pytest.fixture
async def somebody(house):
    async with guest(house.url) as one:
        yield one


async def test_it_starts_with_nothing_at_all(house):
    await house.start("--log-level", "DEBUG")
    async with guest(house.url) as somebody:
        assert await somebody.json("/livez") == (200, {"status": "up"})
        assert "Nobody owns this server yet" in await somebody.page("/")


async def test_it_says_that_there_is_nothing_to_play_yet(somebody):
    status, body = await somebody.json("/healthz")
    assert status == 503
    assert body["playable"] == 0
    named = {check["name"]: check for check in body["checks"]}
    assert set(named) == {"ffmpeg", "Chain", "History", "Gateways", "Clock", "Disk", "Folders", "Films"}
    assert named["Chain"]["ok"]


async def test_nobody_claims_it_without_the_code(house, somebody):
    assert house.out().count(house.claim_code) == 2  # on a line of its own, and in the address
    for code in ("", house.claim_code[:-1]):
        status, answer = await somebody.sign_in(STRANGER, code)
        assert status == 401
        assert "terminal" in answer["fix"]
    assert "Nobody owns this server yet" in await somebody.page("/")


async def test_who_has_the_code_becomes_the_owner(house, somebody):
    status, answer = await somebody.sign_in(OWNER, house.claim_code)
    assert (status, answer["role"]) == (200, "owner")
    assert (await somebody.get("/admin"))[0] == 200
    house.cookie = next(
        cookie.value for cookie in somebody.cookies if cookie.key.startswith("wylloh_session")
    )


async def test_the_code_is_good_once(house, somebody):
    status, answer = await somebody.sign_in(STRANGER, house.claim_code)
    assert status == 401
    assert "does not know the wallet" in answer["error"]


async def test_its_log_is_json_and_tells_no_secret(house, somebody):
    await somebody.get("/play/" + "t" * 32 + "/master.m3u8")
    await somebody.get("/tv/approve?code=ABCDEF&claim=" + house.claim_code)
    entries = house.log()
    assert {"event", "level", "timestamp", "logger"} <= set(entries[0])
    assert any(entry.get("path") == "/play/…/master.m3u8" for entry in entries)
    said = house.err()
    assert house.cookie not in said
    assert house.claim_code not in said
    assert "t" * 32 not in said


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
async def test_it_stops_when_told_and_starts_again(house, how):
    assert await house.stop(how) == 0
    assert house.out().endswith("Stopping.\n")
    assert [entry for entry in house.log() if entry["level"] in {"warning", "error", "critical"}] == []
    await house.start("--log-level", "DEBUG")
    assert house.claim_code == ""
    async with guest(house.url) as owner:
        status, answer = await owner.sign_in(OWNER)
        assert (status, answer["role"]) == (200, "owner")


async def test_it_starts_again_after_a_power_cut(house):
    house.kill()
    await house.start()
    async with guest(house.url) as owner:
        assert (await owner.sign_in(OWNER))[0] == 200
