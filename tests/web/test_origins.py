from __future__ import annotations

import pytest

from tests.web.conftest import OWNER
from wylloh_server.web.origins import cannot_be_rebound

CHALLENGE = "/api/sign-in/challenge"


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": None},
        {"Origin": "null"},
        {"Origin": "https://evil.example"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
async def test_another_site_cannot_change_anything(owner, headers):
    response = await owner.post("/api/sign-out", headers=headers)

    assert response.status == 403
    assert (await owner.get("/devices")).status == 200


async def test_a_rebound_name_is_not_one_of_ours(house, browser):
    port = house.server.port
    headers = {"Host": f"evil.example:{port}", "Origin": f"http://evil.example:{port}"}

    assert (await browser.post(CHALLENGE, {"wallet": OWNER}, headers)).status == 403


@pytest.mark.parametrize("origin", ["https://films.example", "http://wylloh.lan:8484"])
async def test_configured_addresses_are_ours(open_house, open_browser, origin):
    server = {"public_url": "https://films.example", "other_urls": ("http://wylloh.lan:8484",)}
    house = await open_house(server=server)

    response = await open_browser(house).post(CHALLENGE, {"wallet": OWNER}, {"Origin": origin})

    assert response.status == 200


async def test_reading_is_not_asked_where_it_comes_from(browser):
    assert (await browser.get("/livez", headers={"Origin": "https://evil.example"})).status == 200


@pytest.mark.parametrize(
    ("host", "safe"),
    [
        ("192.168.1.20:8484", True),
        ("[fd00::5]:8484", True),
        ("localhost:1", True),
        ("wylloh.local", True),
        ("evil.example", False),
        ("evil.example:8484", False),
        ("localhost.evil.example", False),
        ("127.0.0.1.evil.example", False),
        ("[::1", False),
        ("", False),
    ],
)
def test_which_names_nobody_else_decides_about(host, safe):
    assert cannot_be_rebound(host) is safe
