"""By DNS rebinding any site's page is of one origin with a server at home: foreign names are not answered."""

from __future__ import annotations

import asyncio

import pytest

from tests.web.conftest import OWNER
from wylloh_server.web.allowed_hosts import is_safe_host

PAGE = {"Accept": "text/html"}
OWN = {"public_url": "https://films.example", "other_urls": ("http://Wylloh.lan:8484",)}
BLOCK = "/ipfs/bafkqaaa?format=raw"


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/about",
        "/sign-in",
        "/tv",
        "/livez",
        "/healthz",
        "/static/tokens.css",
        "/play/x/master.m3u8",
        BLOCK,
    ],
)
async def test_a_rebound_name_reads_nothing(browser, path):
    answer = await browser.get(path, headers={"Host": "evil.example:8484"})
    assert answer.status == 421


async def test_a_rebound_name_writes_nothing(browser):
    headers = {"Host": "evil.example:8484", "Origin": "http://evil.example:8484"}
    assert (await browser.post("/api/sign-in/challenge", {"wallet": OWNER}, headers)).status == 421


async def test_the_error_names_the_setting_and_what_to_write(browser):
    headers = {"Host": "films.lan:8484"}
    told = await (await browser.get("/api/nothing", headers=headers)).json()
    assert told["error"] == "This server was not told that it is films.lan."
    assert "add http://films.lan:8484 to server.other_urls" in told["fix"]
    page = await browser.get("/", headers=headers | PAGE)
    assert page.status == 421 and "server.other_urls" in await page.text()
    answer = await browser.get("/", headers={"Host": "[::1"})
    assert answer.status in {400, 421}


@pytest.mark.parametrize(
    "host",
    ["films.example", "FILMS.example:443", "films.example.", "wylloh.lan:8484", "wylloh.lan", "192.168.1.20:8484", "nas:8484",
     "wylloh.local:8484"],
)  # fmt: skip
async def test_names_of_the_server_and_of_the_network_are_answered(
    open_server_under_test, open_browser, host
):
    browser = open_browser(await open_server_under_test(server=OWN))
    assert (await browser.get("/about", headers={"Host": host})).status == 200
    assert (await browser.get("/about", headers={"Host": f"{host.split(':')[0]}.evil.example"})).status == 421


async def test_one_signs_in_under_a_name_without_a_dot(browser):
    headers = {"Host": "nas:8484", "Origin": "http://nas:8484"}
    assert (await browser.post("/api/sign-in/challenge", {"wallet": OWNER}, headers)).status == 200


async def test_the_host_that_a_trusted_proxy_forwards_counts(open_server_under_test, open_browser):
    browser = open_browser(await open_server_under_test(server=OWN | {"trusted_proxies": ("127.0.0.1",)}))

    async def status(host, forwarded):
        answer = await browser.get("/about", headers={"Host": host, "X-Forwarded-Host": forwarded})
        return answer.status

    assert await status("upstream.example", "films.example") == 200
    assert await status("films.example", "evil.example") == 421
    assert await status("upstream.example", "evil.example, films.example") == 200
    assert await status("upstream.example", "films.example, evil.example") == 421, "the first is the client's"


async def test_the_host_that_anybody_else_forwards_does_not_count(open_server_under_test, open_browser):
    browser = open_browser(await open_server_under_test(server=OWN))
    for host, forwarded, status in (
        ("evil.example", "films.example", 421),
        ("films.example", "evil.example", 200),
    ):
        answer = await browser.get("/about", headers={"Host": host, "X-Forwarded-Host": forwarded})
        assert answer.status == status


async def test_another_server_asks_for_keys_under_a_name_of_former_times(browser):
    answer = await browser.post("/api/custody/envelope", {}, {"Host": "former.example", "Origin": None})
    assert answer.status == 400, "what it asks is looked at"


async def test_a_health_check_without_a_host_is_answered(server_under_test):
    reader, writer = await asyncio.open_connection("127.0.0.1", server_under_test.server.port)
    writer.write(b"GET /livez HTTP/1.0\r\n\r\n")
    assert b" 200 " in await asyncio.wait_for(reader.readline(), 30)
    writer.close()


@pytest.mark.parametrize(
    ("host", "safe"),
    [
        ("192.168.1.20:8484", True),
        ("[fd00::5]:8484", True),
        ("localhost:1", True),
        ("LOCALHOST.:1", True),
        ("wylloh.local", True),
        ("nas", True),
        ("nas:8484", True),
        ("films.home.arpa", True),
        ("films.internal:8484", True),
        ("films.lan", False),
        ("evil.example", False),
        ("evil.example:8484", False),
        ("localhost.evil.example", False),
        ("127.0.0.1.evil.example", False),
        ("[::1", False),
        (":8484", False),
        ("", False),
    ],
)
def test_which_names_nobody_else_decides_about(host, safe):
    assert is_safe_host(host) is safe
