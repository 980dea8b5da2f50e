from __future__ import annotations

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from tests.web.conftest import OWNER
from wylloh_server.config import Settings
from wylloh_server.web import session
from wylloh_server.web.keys import SETTINGS
from wylloh_server.web.session import safe_next


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        ("/films/abc?x=1", "/films/abc?x=1"),
        ("", "/"),
        ("films", "/"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("https://evil.example", "/"),
        ("/a\r\nSet-Cookie: b", "/"),
        ("/\t/evil.example", "/"),
    ],
)
def test_signing_in_never_leads_away(asked, given):
    assert safe_next(asked) == given


async def test_a_browser_keeps_its_visit_until_it_signs_in(browser):
    await browser.get("/sign-in")
    first = browser.cookies["wylloh_visit"]
    await browser.get("/sign-in")

    assert browser.cookies["wylloh_visit"] == first
    await browser.sign_in(OWNER)
    assert browser.cookies.get("wylloh_visit") != first


async def test_a_made_up_visit_is_replaced(browsers):
    known, other = browsers(), browsers()
    await known.get("/sign-in")
    name = known.named("wylloh_visit")
    response = await other.get("/sign-in", headers={"Cookie": f"{name}=mine"})

    assert f"{name}=" in response.headers["Set-Cookie"]
    assert "=mine" not in response.headers["Set-Cookie"]


async def test_media_and_files_touch_no_cookie(browser):
    for path in ("/static/tokens.css", "/ipfs/bafkqaaa?format=raw", "/livez"):
        assert "Set-Cookie" not in (await browser.get(path)).headers


async def test_an_idle_session_is_over(house, owner):
    house.clock.now += 30 * 86_400

    assert (await owner.get("/devices")).status == 303


async def test_two_servers_on_one_host_keep_cookies_of_their_own(tmp_path):
    folders = [Settings().server.data, tmp_path / "one", tmp_path / "two"]
    names = [session._named(_asked(data), session.SESSION_COOKIE) for data in folders]
    assert names[0] == "wylloh_session"
    assert len(set(names)) == len(folders)
    assert session._named(_asked(folders[1], port=9000), session.SESSION_COOKIE) == names[1], "a new port"


def _asked(data, port=8484):
    app = web.Application()
    app[SETTINGS] = Settings(server={"data": data, "port": port})
    return make_mocked_request("GET", "/", app=app)
