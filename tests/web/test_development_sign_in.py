"""Sign-in without a wallet is for who started the server on this very machine, and for nobody else."""

from __future__ import annotations

import pytest

from wylloh_server.config import ServerSettings
from wylloh_server.domain.access import Role
from wylloh_server.services.accounts.development_accounts import DevelopmentAccounts, development_wallet
from wylloh_server.web import app_keys, development_sign_in
from wylloh_server.web.development_sign_in import PATH, add_development_sign_in, can_sign_in

KEY = "k" * 32


@pytest.fixture
async def browser(open_server_under_test, open_browser):
    def add(app):
        add_development_sign_in(app, KEY)

    return open_browser(await open_server_under_test(add=add))


async def roles(browser):
    response = await browser.get("/api/admin/plugins")
    return response.status


async def test_the_link_signs_in_with_any_role(browser):
    page = await (await browser.get(f"{PATH}?key={KEY}")).text()
    for role in Role:
        assert f'value="{role}"' in page
    assert await roles(browser) == 401
    signed_in = await browser.post(PATH, data={"key": KEY, "role": "owner"})
    assert (signed_in.status, signed_in.headers["Location"]) == (303, "/")
    assert await roles(browser) == 200
    await browser.post(PATH, data={"key": KEY, "role": "viewer"})
    assert await roles(browser) == 403
    assert (await browser.post(PATH, data={"key": KEY, "role": "god"})).status == 400


ATTACKS = {
    "without the key": ({}, ""),
    "with another key": ({}, "x" * 32),
    "with the beginning of the key": ({}, KEY[:-1]),
    "by a name of the attacker's (DNS rebinding)": ({"Host": "evil.example"}, KEY),
    "by a name that begins like ours": ({"Host": "localhost.evil.example"}, KEY),
    "by a name that ends like ours": ({"Host": "evil.localhost"}, KEY),
    "by the address of the network": ({"Host": "192.168.1.5"}, KEY),
    "by no address at all": ({"Host": "[::1"}, KEY),
    "through a proxy": ({"X-Forwarded-For": "127.0.0.1"}, KEY),
    "through a proxy that names the host": ({"X-Forwarded-Host": "localhost"}, KEY),
    "through a tunnel": ({"Forwarded": "for=10.0.0.1"}, KEY),
    "through a cache": ({"Via": "1.1 cache"}, KEY),
}


@pytest.mark.parametrize("how", ATTACKS)
async def test_nobody_else_signs_in(browser, how):
    headers, key = ATTACKS[how]
    origin = {"Origin": f"http://{headers['Host']}"} if "Host" in headers else {}
    for reply in (
        await browser.get(f"{PATH}?key={key}", headers=headers),
        await browser.post(PATH, data={"key": key, "role": "owner"}, headers=headers | origin),
    ):
        assert reply.status in (400, 403, 404, 421), how
        assert KEY not in await reply.text()
    assert await roles(browser) == 401


async def test_another_site_signs_nobody_in(browser):
    for headers in (
        {"Origin": "http://evil.example"},
        {"Origin": "http://localhost:3000"},
        {"Origin": "null"},
    ):
        reply = await browser.post(PATH, data={"key": KEY, "role": "owner"}, headers=headers)
        assert reply.status == 403
    assert await roles(browser) == 401


async def test_a_request_from_the_network_is_refused(browser, monkeypatch):
    monkeypatch.setattr(development_sign_in, "is_loopback", lambda host: host == "localhost")
    assert (await browser.get(f"{PATH}?key={KEY}")).status == 404


@pytest.mark.parametrize(
    ("peer", "here"),
    [
        ("127.0.0.1", True),
        ("127.8.9.1", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("::ffff:10.0.0.1", False),
        ("10.0.0.1", False),
        ("0.0.0.0", False),
        ("localhost", True),
        ("localhost.evil", False),
        ("2130706433", False),
        ("", False),
    ],
)
def test_what_a_loopback_address_is(peer, here):
    assert development_sign_in.is_loopback(peer) is here


@pytest.mark.parametrize(
    ("settings", "offered"),
    [
        ({"host": "127.0.0.1"}, True),
        ({"host": "::1", "public_url": "http://localhost:8080"}, True),
        ({"host": "0.0.0.0"}, False),
        ({"host": "192.168.1.5"}, False),
        ({"host": "0.0.0.0", "public_url": "http://127.0.0.1:8080"}, False),
        ({"host": "127.0.0.1", "public_url": "https://films.example"}, False),
        ({"host": "127.0.0.1", "trusted_proxies": ["127.0.0.1"]}, False),
    ],
)
def test_a_server_that_others_can_reach_offers_it_to_nobody(settings, offered):
    assert can_sign_in(ServerSettings(**settings)) is offered


async def test_it_is_not_there_without_dev(open_server_under_test, open_browser):
    browser = open_browser(await open_server_under_test())
    assert (await browser.get(f"{PATH}?key=")).status == 404
    assert (await browser.post(PATH, data={"key": "", "role": "owner"})).status == 404


async def test_its_sessions_end_with_the_server_and_leave_no_account(browser):
    server = browser.server_under_test
    before = await server.storage.accounts.all()
    await browser.post(PATH, data={"key": KEY, "role": "owner"})
    sessions = server.app[app_keys.SERVICES].sign_in.sessions
    assert await server.storage.accounts.all() == before
    assert len({development_wallet(role) for role in Role}) == len(Role)
    owner = await server.storage.accounts.role(development_wallet(Role.OWNER))
    assert owner is Role.OWNER, "whoever looks a role up, as plugins' tasks do, learns of it"
    sessions.accounts.granted.clear()  # as in another process that finds the session in the database
    assert await roles(browser) == 401, "nobody is a viewer without an account"
    await DevelopmentAccounts(sessions).forget()
    assert await roles(browser) == 401
