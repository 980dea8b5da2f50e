from __future__ import annotations

import asyncio
from contextlib import ExitStack

import aiohttp
import pytest

from tests.web.conftest import Browser
from wylloh_server.config import IpfsSettings
from wylloh_server.web.error_responses import BadRequest
from wylloh_server.web.gateway_limits import GATEWAY_LIMITS, GatewayLimits
from wylloh_server.web.rate_limits import Payer

CID = "bafkreifzjut3te7nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e"
OTHER = "bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy"


@pytest.fixture(autouse=True)
def blocks(server_under_test):
    server_under_test.packages.blocks = {CID: b"0123456789"}


@pytest.mark.parametrize(
    ("query", "accept"),
    [("?format=raw", "*/*"), ("", "application/vnd.ipld.raw"), ("?format=raw", "text/html")],
)
async def test_a_published_block_is_served_raw(browser, query, accept):
    response = await browser.get(f"/ipfs/{CID}{query}", headers={"Accept": accept})

    assert (response.status, await response.read()) == (200, b"0123456789")
    assert response.headers["Content-Type"] == "application/vnd.ipld.raw"
    assert response.headers["Etag"] == f'"{CID}.raw"'
    assert "immutable" in response.headers["Cache-Control"]
    assert "Access-Control-Allow-Origin" not in response.headers


@pytest.mark.parametrize("scope", ["block", "entity", "all"])
async def test_a_car_says_its_version_and_has_the_scope_asked_for(browser, scope):
    response = await browser.get(f"/ipfs/{CID}?format=car&dag-scope={scope}")

    assert "version=1" in response.headers["Content-Type"]
    assert await response.read() == scope.encode() + b"0123456789"


async def test_the_whole_dag_is_given_when_no_scope_is_asked(browser):
    response = await browser.get(f"/ipfs/{CID}", headers={"Accept": "application/vnd.ipld.car; version=1"})

    assert (await response.read()).startswith(b"all")


@pytest.mark.parametrize("form", ["raw", "car"])
async def test_head_has_the_headers_and_no_body(browser, form):
    response = await browser.client.head(f"/ipfs/{CID}?format={form}")

    assert response.status == 200 and await response.read() == b""
    assert response.headers["Etag"].startswith(f'"{CID}')


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"/ipfs/{OTHER}?format=raw", 404),
        (f"/ipfs/{OTHER}?format=car", 404),
        (f"/ipfs/{CID}", 406),
        (f"/ipfs/{CID}?format=tar", 406),
        (f"/ipfs/{CID}?format=car&dag-scope=some", 400),
        (f"/ipfs/{CID}/film.mp4?format=raw", 400),
        ("/ipfs/..%2fetc?format=raw", 400),
        ("/ipfs/none?format=raw", 400),
    ],
)
async def test_nothing_else_is_served(browser, path, status):
    response = await browser.get(path)

    assert response.status == status and (await response.json())["error"]


async def test_who_has_the_block_is_told_so(browser):
    headers = {"If-None-Match": f'"{CID}.raw"'}

    assert (await browser.get(f"/ipfs/{CID}?format=raw", headers=headers)).status == 304


async def test_clients_can_find_out_that_this_is_a_trustless_gateway(browser):
    response = await browser.get("/ipfs/bafkqaaa?format=raw")

    assert (response.status, await response.read()) == (200, b"")


@pytest.mark.parametrize(
    ("asked", "status", "body"),
    [
        ("bytes=2-4", 206, b"234"),
        ("bytes=7-", 206, b"789"),
        ("bytes=-3", 206, b"789"),
        ("bytes=5-99", 206, b"56789"),
        ("bytes=99-", 416, None),
        ("lines=1-2", 200, b"0123456789"),
    ],
)
async def test_a_part_of_a_block_can_be_asked_for(browser, asked, status, body):
    response = await browser.get(f"/ipfs/{CID}?format=raw", headers={"Range": asked})

    assert response.status == status
    if body is not None:
        assert await response.read() == body
    if status == 206:
        assert response.headers["Content-Range"].endswith("/10")


async def test_a_car_that_breaks_off_cannot_be_taken_for_a_whole_one(server_under_test, browser):
    server_under_test.packages.breaks_after = 1
    response = await browser.get(f"/ipfs/{CID}?format=car")

    with pytest.raises(aiohttp.ClientPayloadError):
        await response.read()


async def test_a_page_of_another_site_learns_nothing_unless_the_settings_name_it(open_server_under_test):
    friend, stranger = "https://player.example", "https://other.example"
    server = await open_server_under_test(ipfs={"browser_origins": (friend,)})
    server.packages.blocks = {CID: b"0123456789"}
    client = Browser(server).client
    for method in ("OPTIONS", "GET"):
        for origin, allowed in ((friend, friend), (stranger, None)):
            path, headers = f"/ipfs/{CID}?format=raw", {"Origin": origin}
            async with client.request(method, path, headers=headers) as response:
                assert response.headers.get("Access-Control-Allow-Origin") == allowed
                expected = "cross-origin" if allowed else "same-origin"
                assert response.headers["Cross-Origin-Resource-Policy"] == expected
                assert "Origin" in response.headers["Vary"]
    await client.session.close()


async def test_nobody_is_served_where_the_settings_say_so(open_server_under_test):
    server = await open_server_under_test(ipfs={"serve": "nobody"})
    server.packages.blocks = {CID: b"0123456789"}
    client = Browser(server).client
    for path in (f"/ipfs/{CID}?format=raw", f"/ipfs/{CID}?format=car", f"/ipfs/{OTHER}?format=raw"):
        async with client.get(path) as response:
            assert (response.status, (await response.json())["fix"]) == (403, "Ask another gateway.")
    await client.session.close()


PROXY = {"trusted_proxies": ("127.0.0.1",)}


def asked_from(browser, address, form="raw"):
    """Ask as somebody at an address would, through a reverse proxy that is trusted."""
    return browser.client.get(f"/ipfs/{CID}?format={form}", headers={"X-Forwarded-For": address})


async def test_the_local_network_is_told_from_the_rest(open_server_under_test, open_browser):
    server = await open_server_under_test(ipfs={"serve": "lan"}, server=PROXY)
    server.packages.blocks = {CID: b"0123456789"}
    browser = open_browser(server)
    for address in ("192.168.1.7", "10.0.0.1", "fd00::2", "::ffff:192.168.1.7", "fe80::1"):
        assert (await asked_from(browser, address)).status == 200, address
    for address in ("1.1.1.1", "2606:4700::1", "::ffff:1.1.1.1"):
        assert (await asked_from(browser, address)).status == 403, address


async def test_packages_that_stream_are_bounded_for_a_home_and_in_all(open_server_under_test, open_browser):
    """Those that are asked for while others are under way: the route itself keeps the bound."""
    server = await open_server_under_test(ipfs={"serve_streams": 12}, server=PROXY)
    server.packages.blocks = {CID: b"0123456789"}
    server.packages.goes_on = asyncio.Event()
    browser = open_browser(server)
    home = [f"2001:db8:1:1::{host}" for host in range(4)]
    streams = [await asked_from(browser, address, "car") for address in home]
    fifth = await asked_from(browser, "2001:db8:1:1::9", "car")
    assert (fifth.status, fifth.headers["Retry-After"]) == (429, "15")
    assert (await asked_from(browser, "2001:db8:1:1::9")).status == 200, "a block takes no package's place"
    streams += [await asked_from(browser, f"192.0.2.{host}", "car") for host in range(5)]
    assert (await asked_from(browser, "192.0.2.9", "car")).status == 503
    streams += [await asked_from(browser, "192.168.1.9", "car")]
    server.packages.goes_on.set()
    for stream in streams:
        assert await stream.read() == b"all0123456789"
    assert (await asked_from(browser, "2001:db8:1:1::9", "car")).status == 200, "places are given back"


class Asked(dict):
    """As much of a request as is counted by."""

    transport = object()

    def __init__(self, address):
        self.remote = address


def taken(stack, place, addresses):
    """Return how many places those addresses get, and the statuses of the refusals."""
    refused = []
    for address in addresses:
        try:
            stack.enter_context(place(Asked(address)))
        except BadRequest as error:
            refused.append(error.status)
    return len(addresses) - len(refused), set(refused)


@pytest.mark.parametrize(
    ("what", "home", "site", "strangers", "everybody"),
    [("package", 4, 4, 12, 16), ("block", 16, 24, 192, 256)],
)
def test_one_customer_leaves_places_to_others_and_strangers_leave_some_to_the_local_network(
    what, home, site, strangers, everybody
):
    """A /48 has 65,536 homes; and blocks are counted as packages are."""
    place = getattr(GatewayLimits(IpfsSettings()), what)
    with ExitStack() as stack:
        assert taken(stack, place, ["2001:db8:1:1::1"] * 50) == (home, {429})
        customer = [f"2001:db8:1:{number:x}::1" for number in range(2, 400)]
        assert taken(stack, place, customer) == (site - home, {429})
        assert taken(stack, place, ["203.0.113.9"]) == (1, set()), "somebody else is served"
        world = [f"2001:db8:{number:x}::1" for number in range(2, 400)]
        assert taken(stack, place, world) == (strangers - site - 1, {503})
        lan = [f"192.168.1.{number}" for number in range(1, 255)]
        assert taken(stack, place, lan) == (everybody - strangers, {503})
    with ExitStack() as stack:
        assert taken(stack, place, ["2001:db8:1:2::1"]) == (1, set()), "all of them were given back"


@pytest.mark.parametrize("streams", [1, 2, 3, 4, 6])
def test_where_few_packages_stream_at_once_strangers_still_get_one(streams):
    with ExitStack() as stack:
        place = GatewayLimits(IpfsSettings(serve_streams=streams)).package
        got, _ = taken(stack, place, ["203.0.113.9"] * 20)
        assert 1 <= got <= max(1, streams // 2)
        assert taken(stack, place, ["192.168.1.4"])[0] == min(1, streams - got)


async def test_who_asks_for_more_than_is_sent_in_a_few_seconds_comes_again_and_who_hangs_up_costs_nothing(
    open_server_under_test, open_browser
):
    """At one byte a second: the first block of ten bytes leaves the server at once, and nine seconds to pay."""
    server = await open_server_under_test(ipfs={"serve_mb_per_second": 1e-6}, server=PROXY)
    server.packages.blocks = {CID: b"0123456789"}
    browser, limits = open_browser(server), server.server.app[GATEWAY_LIMITS]
    first = await asked_from(browser, "2001:db8:1::1")
    assert await first.read() == b"0123456789"
    waiting = asyncio.create_task(asked_from(browser, "2001:db8:1::1"))
    while not limits._queue.debt(Payer("2001:db8:1::1")):
        await asyncio.sleep(0.01)
    for form in ("raw", "car"):
        refused = await asked_from(browser, "2001:db8:1::2", form)
        assert refused.status == 503
        assert 10 <= int(refused.headers["Retry-After"]) <= 19
    assert await (await asked_from(browser, "192.168.1.4")).read() == b"0123456789", "nobody waits at home"
    head = f"/ipfs/{CID}?format=raw"
    headers = {"X-Forwarded-For": "203.0.113.9"}
    assert (await browser.client.head(head, headers=headers)).status == 200, "nothing is sent"
    waiting.cancel()
    while limits._queue.debt(Payer("2001:db8:1::1")) or limits._blocks._counts:
        await asyncio.sleep(0.01)
