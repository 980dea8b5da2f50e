from __future__ import annotations

import pytest
from aiohttp import web

from tests.web.conftest import OWNER
from wylloh_server.domain.errors import SettingsError
from wylloh_server.services.operations.health import CheckFailed
from wylloh_server.web.app_keys import UNLISTED_PROXIES
from wylloh_server.web.proxies import believe_proxies

TOLD = {
    "X-Forwarded-For": "6.6.6.6, 198.51.100.7",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "films.example",
}


def seen(app):
    async def handler(request):
        return web.json_response([request.remote, request.scheme, request.host])

    app.router.add_get("/seen", handler)


async def test_a_trusted_proxy_is_believed_but_not_what_the_client_made_up(
    open_server_under_test, open_browser
):
    server = {"trusted_proxies": ("127.0.0.0/8",), "public_url": "https://films.example"}
    server_under_test = await open_server_under_test(server=server, add=seen)

    response = await open_browser(server_under_test).get("/seen", headers=TOLD)

    assert await response.json() == ["198.51.100.7", "https", "films.example"]


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "Via", "X-Real-IP"])
async def test_a_proxy_that_is_not_named_is_a_failed_check_for_a_day(
    open_server_under_test, open_browser, header
):
    """Behind it everybody seems to be at home: tvs="local" and ipfs.serve="lan" would be void."""
    server = await open_server_under_test(server={"trusted_proxies": ("10.0.0.1",)}, add=seen)
    moment, proxies = [0.0], server.app[UNLISTED_PROXIES]
    proxies._clock = lambda: moment[0]
    await open_browser(server).get("/seen")
    assert await proxies.check() == "Addresses of visitors are their own."
    await open_browser(server).get("/seen", headers={header: "198.51.100.7"})
    with pytest.raises(CheckFailed, match=r"^127.0.0.1 passes on .* server.trusted_proxies does not name it"):
        await proxies.check()
    moment[0] += 86_401
    assert await proxies.check()
    proxies.note("203.0.113.7")
    assert await proxies.check(), "who makes up headers far away is no proxy of this server"


async def test_a_proxy_that_is_named_is_no_fault(open_server_under_test, open_browser):
    server = await open_server_under_test(server={"trusted_proxies": ("127.0.0.0/8",)}, add=seen)
    await open_browser(server).get("/seen", headers=TOLD)
    assert await server.app[UNLISTED_PROXIES].check()


async def test_one_signs_in_through_a_trusted_proxy(open_server_under_test, open_browser):
    server_under_test = await open_server_under_test(
        server={"trusted_proxies": ("127.0.0.1",), "public_url": "https://films.example"}
    )
    browser = open_browser(server_under_test)
    headers = TOLD | {"Origin": "https://films.example"}

    response = await browser.post("/api/sign-in/challenge", {"wallet": OWNER}, headers)

    assert (response.status, set(await response.json())) == (200, {"message"})


async def test_nobody_else_is_believed(open_server_under_test, open_browser):
    server_under_test = await open_server_under_test(server={"trusted_proxies": ("10.0.0.1",)}, add=seen)

    remote, scheme, host = await (await open_browser(server_under_test).get("/seen", headers=TOLD)).json()

    assert (remote, scheme) == ("127.0.0.1", "http") and host.startswith("127.0.0.1:")


async def test_who_comes_directly_through_a_trusted_address_stays_who_they_are(
    open_server_under_test, open_browser
):
    server_under_test = await open_server_under_test(server={"trusted_proxies": ("127.0.0.1",)}, add=seen)

    remote, scheme, _ = await (
        await open_browser(server_under_test).get("/seen", headers={"X-Forwarded-Proto": "gopher"})
    ).json()

    assert (remote, scheme) == ("127.0.0.1", "http")


def test_what_is_no_address_is_named():
    with pytest.raises(SettingsError, match=r"trusted_proxies.*'nginx'"):
        believe_proxies(["nginx"])
