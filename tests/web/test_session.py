from __future__ import annotations

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from tests.web.conftest import COLLECTOR, OWNER
from wylloh_server.config import Settings
from wylloh_server.web import session
from wylloh_server.web.app_keys import SETTINGS
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


async def test_an_idle_session_is_over(server_under_test, owner):
    server_under_test.clock.now += 30 * 86_400

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


async def test_the_cookie_of_a_screen_in_use_is_renewed_by_each_page(server_under_test, owner):
    """It lasted 90 days from signing in, however often the screen was used."""
    response = await owner.get("/")
    (cookie,) = [one for one in response.headers.getall("Set-Cookie") if one.startswith("wylloh_session")]
    assert owner.cookies["wylloh_session"] in cookie
    assert f"Max-Age={30 * 86_400}" in cookie


async def test_a_tv_keeps_its_cookie_for_as_long_as_its_session_can_last(server_under_test, open_browser):
    """It was dropped after 90 days, while the owner let TVs stay for a year."""
    phone, tv = open_browser(server_under_test), open_browser(server_under_test)
    await phone.sign_in(COLLECTOR)
    code = (await (await tv.post("/api/tv/code")).json())["code"]
    await phone.post("/api/tv/approve", {"code": code, "name": "TV"})
    for response in (await tv.get("/api/tv/state"), await tv.get("/")):
        (cookie,) = [one for one in response.headers.getall("Set-Cookie") if one.startswith("wylloh_session")]
        assert f"Max-Age={365 * 86_400}" in cookie


async def test_signing_out_is_not_undone_by_a_renewal(server_under_test, owner):
    await owner.post("/api/sign-out", {})
    assert "wylloh_session" not in owner.cookies
    response = await owner.get("/")
    assert not [one for one in response.headers.getall("Set-Cookie", []) if one.startswith("wylloh_session")]
