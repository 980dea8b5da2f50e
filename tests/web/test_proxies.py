from __future__ import annotations

import pytest
from aiohttp import web

from tests.web.conftest import OWNER
from wylloh_server.domain.errors import SettingsError
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


async def test_a_trusted_proxy_is_believed_but_not_what_the_client_made_up(open_house, open_browser):
    house = await open_house(server={"trusted_proxies": ("127.0.0.0/8",)}, add=seen)

    response = await open_browser(house).get("/seen", headers=TOLD)

    assert await response.json() == ["198.51.100.7", "https", "films.example"]


async def test_one_signs_in_through_a_trusted_proxy(open_house, open_browser):
    house = await open_house(
        server={"trusted_proxies": ("127.0.0.1",), "public_url": "https://films.example"}
    )
    browser = open_browser(house)
    headers = TOLD | {"Origin": "https://films.example"}

    response = await browser.post("/api/sign-in/challenge", {"wallet": OWNER}, headers)

    assert (response.status, set(await response.json())) == (200, {"message"})


async def test_nobody_else_is_believed(open_house, open_browser):
    house = await open_house(server={"trusted_proxies": ("10.0.0.1",)}, add=seen)

    remote, scheme, host = await (await open_browser(house).get("/seen", headers=TOLD)).json()

    assert (remote, scheme) == ("127.0.0.1", "http") and host.startswith("127.0.0.1:")


async def test_who_comes_directly_through_a_trusted_address_stays_who_they_are(open_house, open_browser):
    house = await open_house(server={"trusted_proxies": ("127.0.0.1",)}, add=seen)

    remote, scheme, _ = await (
        await open_browser(house).get("/seen", headers={"X-Forwarded-Proto": "gopher"})
    ).json()

    assert (remote, scheme) == ("127.0.0.1", "http")


def test_what_is_no_address_is_named():
    with pytest.raises(SettingsError, match=r"trusted_proxies.*'nginx'"):
        believe_proxies(["nginx"])
