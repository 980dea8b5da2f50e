from __future__ import annotations

import pytest

from tests.web.conftest import OWNER

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


@pytest.mark.parametrize("origin", ["https://films.example", "http://wylloh.lan:8484"])
async def test_configured_addresses_are_ours(open_server_under_test, open_browser, origin):
    server = {"public_url": "https://films.example", "other_urls": ("http://wylloh.lan:8484",)}
    server_under_test = await open_server_under_test(server=server)

    response = await open_browser(server_under_test).post(CHALLENGE, {"wallet": OWNER}, {"Origin": origin})

    assert response.status == 200


async def test_reading_is_not_asked_where_it_comes_from(browser):
    assert (await browser.get("/livez", headers={"Origin": "https://evil.example"})).status == 200
