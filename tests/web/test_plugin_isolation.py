"""Plugins draw the same pages in a process of their own as in a thread of the server."""

from __future__ import annotations

import re

import pytest


from tests.web.conftest import GATED, OWNER

BUNDLED = ("tagging", "store", "royalties", "analytics")
PAGES = (
    "/",
    f"/films/{GATED.id}",
    "/plugins/tagging/",
    "/plugins/store/",
    "/plugins/store/history",
    "/plugins/royalties/",
    "/plugins/analytics/",
)

_CHANGING = (
    r"127\.0\.0\.1:\d+|T?\d\d:\d\d(:\d\d)?Z?|content=\"[0-9a-f]{8}-\d+\"|data-who=\"\w+\"|/\S*wylloh\.toml"
)
"""Ports, times, the live news, folders of the test."""


@pytest.fixture(scope="module")
def drawn():
    """What each isolation draws, by page."""
    return {}


@pytest.mark.parametrize("isolation", ["thread", "process"])
async def test_pages_are_the_same_in_both(open_server_under_test, open_browser, drawn, isolation):
    server = await open_server_under_test(
        bundled=BUNDLED, plugins={"isolation": dict.fromkeys(BUNDLED, isolation)}
    )
    owner = open_browser(server)
    await owner.sign_in(OWNER)
    for record in server.plugins.records():
        assert (record.status, record.isolation, record.reason) == ("running", isolation, "")
    for path in PAGES:
        answer = await owner.get(path)
        assert answer.status == 200, path
        drawn[isolation, path] = _settled(await answer.text())
    for record in server.plugins.records():
        assert record.errors == 0, record.last_error
    told = await (await owner.get("/admin")).text()
    assert told.count("in a process of its own") == (len(BUNDLED) if isolation == "process" else 0)
    if isolation == "process":
        assert {path: drawn["thread", path] for path in PAGES} == {
            path: drawn["process", path] for path in PAGES
        }


def _settled(page):
    """A page without what is another each time."""
    return re.sub(_CHANGING, "", page)
