"""Which answers another site's page may read, walked over every route."""

from __future__ import annotations

import re

ELSEWHERE = "https://elsewhere.example"


async def test_other_sites_read_nothing_unless_the_owner_names_them(browser):
    """Blocks of published packages may be read by sites that the settings name; nothing else says so ever."""
    allowed = set()
    for route in browser.server_under_test.app.router.routes():
        path = route.resource.canonical
        address = re.sub(r"\{[^}]*\}", "x", path)
        asking = {"Origin": ELSEWHERE, "Access-Control-Request-Method": "GET"}
        for method in {route.method, "OPTIONS"} - {"*"}:
            async with browser.client.request(method, address, headers=asking) as response:
                if any(name.lower().startswith("access-control-") for name in response.headers):
                    allowed.add(path)
    assert allowed == set()
