"""The smallest server: no chain, no plugins, no folders. First run, claim, logs, stopping, starting again."""

from __future__ import annotations

import signal

import pytest
from eth_account import Account

from tests.components.server import Server, guest, server_settings

OWNER, STRANGER = Account.create(), Account.create()


@pytest.fixture(scope="module")
def server_under_test(tmp_path_factory):
    """One server for the tests of this file, which tell one story in order."""
    server = Server(server_settings(tmp_path_factory.mktemp("smallest"), plugins={"disabled": ["tagging"]}))
    yield server
    server.kill()


@pytest.fixture
async def somebody(server_under_test):
    async with guest(server_under_test.url) as one:
        yield one


async def test_it_starts_with_nothing_at_all(server_under_test):
    await server_under_test.start("--log-level", "DEBUG")
    async with guest(server_under_test.url) as somebody:
        assert await somebody.json("/livez") == (200, {"status": "up"})
        assert "Nobody owns this server yet" in await somebody.page("/")


async def test_it_says_that_there_is_nothing_to_play_yet(somebody):
    status, body = await somebody.json("/healthz")
    assert status == 503
    assert body == {"status": "nothing to play yet"}


async def test_nobody_claims_it_without_the_code(server_under_test, somebody):
    assert (
        server_under_test.out().count(server_under_test.claim_code) == 2
    )  # on a line of its own, and in the address
    for code in ("", server_under_test.claim_code[:-1]):
        status, answer = await somebody.sign_in(STRANGER, code)
        assert status == 401
        assert "terminal" in answer["fix"]
    assert "Nobody owns this server yet" in await somebody.page("/")


async def test_who_has_the_code_becomes_the_owner(server_under_test, somebody):
    status, answer = await somebody.sign_in(OWNER, server_under_test.claim_code)
    assert (status, answer["role"]) == (200, "owner")
    assert (await somebody.get("/admin"))[0] == 200
    server_under_test.cookie = next(
        cookie.value for cookie in somebody.cookies if cookie.key.startswith("wylloh_session")
    )


async def test_the_code_is_good_once(server_under_test, somebody):
    status, answer = await somebody.sign_in(STRANGER, server_under_test.claim_code)
    assert status == 401
    assert "does not know the wallet" in answer["error"]


async def test_its_log_is_json_and_tells_no_secret(server_under_test, somebody):
    await somebody.get("/play/" + "t" * 32 + "/master.m3u8")
    await somebody.get("/tv/approve?code=ABCDEF&claim=" + server_under_test.claim_code)
    entries = server_under_test.log()
    assert {"event", "level", "timestamp", "logger"} <= set(entries[0])
    assert any(entry.get("path") == "/play/…/master.m3u8" for entry in entries)
    said = server_under_test.err()
    assert server_under_test.cookie not in said
    assert server_under_test.claim_code not in said
    assert "t" * 32 not in said


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
async def test_it_stops_when_told_and_starts_again(server_under_test, how):
    assert await server_under_test.stop(how) == 0
    assert server_under_test.out().endswith("Stopping.\n")
    assert [
        entry for entry in server_under_test.log() if entry["level"] in {"warning", "error", "critical"}
    ] == []
    await server_under_test.start("--log-level", "DEBUG")
    assert server_under_test.claim_code == ""
    async with guest(server_under_test.url) as owner:
        status, answer = await owner.sign_in(OWNER)
        assert (status, answer["role"]) == (200, "owner")


async def test_it_starts_again_after_a_power_cut(server_under_test):
    server_under_test.kill()
    await server_under_test.start()
    async with guest(server_under_test.url) as owner:
        assert (await owner.sign_in(OWNER))[0] == 200
