"""A TV and a remote: where pages open, what arrows bring into sight, and what is left to the phone."""

from __future__ import annotations

from dataclasses import replace

import pytest
from playwright.async_api import expect

from tests.components.browser_user import OUT_OF_PLACE
from tests.components.pictures import take
from tests.web.conftest import OWNER
from tests.web.pages.conftest import stocked
from tests.web.pages.samples import ELSEWHERE, EVERY, OWN, STACKED
from tests.web.pages.test_in_chromium import TV, focused, open_page, pressed, until  # noqa: F401 - fixtures
from wylloh_server.domain.access import DeviceKind, Reason, Receipt
from wylloh_server.domain.film import FilmState
from wylloh_server.domain.types import Timestamp
from wylloh_server.web import app_keys

STORE = "/plugins/store/"
LOCK = """
from wylloh_server.sdk import *

WYLLOH_SDK = "1.0"

@hookimpl
async def access_vote(context, request):
    return Vote(Verdict.DENY, "Not before breakfast.") if request.film.title == %r else None
"""
PLACE = "({ at: scrollY, most: document.documentElement.scrollHeight - innerHeight })"


@pytest.fixture
async def server_under_test(open_server_under_test, tmp_path):
    """A server with a film in every state, one of them locked, and a store."""
    package = tmp_path / "plugins" / "wylloh_testlock"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(LOCK % OWN.title)
    chain = {"rpc": ("http://127.0.0.1:1",), "id": 31337, "store_url": STORE}
    opened = await stocked(
        open_server_under_test, chain=chain, bundled=("tagging",), plugin_folder=tmp_path / "plugins"
    )
    long = replace(OWN.description, synopsis="A walk through the morning. " * 12)
    await opened.storage.films.save(replace(OWN, description=long, state=FilmState.READY))
    return opened


class BrowserUser:
    def __init__(self, page):
        self.page = page


@pytest.fixture
async def tv(open_page, tv_cookies):  # noqa: F811
    page = await open_page(TV, tv_cookies)
    await page.emulate_media(reduced_motion="reduce")
    return page


async def settled(page, key) -> dict:
    """Press an arrow key; where the page stands then, and how far it can be scrolled."""
    await page.keyboard.press(key)
    return await page.evaluate(PLACE)


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/search",
        "/devices",
        "/about",
        "/plugins/tagging/",
        "/plugins/tagging/filter",
        "/plugins/tagging/collections",
        "/films/nowhere",
        *(f"/films/{film.id}" for film in EVERY),
    ],
)
async def test_every_page_opens_at_its_top_and_arrows_bring_all_of_it_into_sight(tv, path):
    await tv.goto(path)
    start = await tv.evaluate(PLACE)
    assert start["at"] == 0
    box = await tv.evaluate("document.activeElement.getBoundingClientRect().toJSON()")
    nothing = await tv.evaluate("document.activeElement === document.body")
    part = (min(box["bottom"], TV["height"]) - max(box["top"], 0)) / box["height"]
    assert nothing or part >= 0.5, await focused(tv)
    seen = 0
    for _ in range(60):
        if seen >= start["most"] - 1:
            break
        place = await settled(tv, "ArrowDown")
        assert place["at"] <= seen + TV["height"], "something was passed unseen"
        seen = max(seen, place["at"])
    assert seen >= start["most"] - 1, "the end of the page is out of reach"
    for _ in range(60):
        place = await settled(tv, "ArrowUp")
        assert place["at"] >= seen - TV["height"]
        seen = place["at"]
        if await tv.evaluate("document.activeElement.closest('header.bar') !== null"):
            break
    assert await tv.evaluate("document.activeElement.closest('header.bar') !== null"), (
        "the bar is out of reach"
    )


async def test_a_film_one_does_not_hold_says_on_a_tv_how_to_get_it_with_a_phone(tv, server_under_test):
    page = f"/films/{ELSEWHERE.id}"
    await tv.goto(page)
    address = server_under_test.origin.partition("://")[2] + page
    assert await tv.evaluate("document.activeElement.matches('.on-phone')")
    await expect(tv.locator(".on-phone:focus b")).to_have_text(address)
    await expect(tv.get_by_role("img", name="QR code")).to_be_in_viewport(ratio=1)
    await expect(tv.get_by_role("heading", level=1)).to_be_in_viewport(ratio=1)
    await tv.keyboard.press("Enter")
    assert tv.url.endswith(page)
    assert await tv.evaluate(OUT_OF_PLACE) == []
    assert "in the store" not in await tv.locator("#rights-card").inner_text()
    await take(BrowserUser(tv), "tv-film-to-get", whole=False)


async def test_a_locked_film_says_on_a_tv_why_at_first_sight(tv):
    await tv.goto(f"/films/{OWN.id}")
    why = tv.get_by_text("Not before breakfast.")
    await expect(why).to_be_in_viewport(ratio=1)
    await expect(tv.get_by_role("heading", level=1)).to_be_in_viewport(ratio=1)
    assert await tv.evaluate("document.activeElement.matches('.refusal')")
    await take(BrowserUser(tv), "tv-film-locked", whole=False)


async def test_a_refusal_in_the_player_offers_on_a_tv_a_code_for_the_phone_and_no_store(
    tv, server_under_test
):
    sentence = "You hold no token of this film; 1 token lets you watch it."
    server_under_test.playback.refused = Receipt(
        ELSEWHERE.id, OWNER, "personal", False, Reason.TOO_FEW_TOKENS, sentence, Timestamp(0), missing=1
    )
    await tv.goto(f"/watch/{ELSEWHERE.id}")
    await tv.get_by_text(sentence).wait_for()
    await expect(tv.get_by_role("link", name="Back to the film")).to_be_focused()
    assert await tv.get_by_text("Get tokens", exact=True).count() == 0
    await expect(tv.get_by_role("img", name="QR code")).to_be_in_viewport(ratio=1)
    await expect(tv.locator("#message")).to_contain_text(f"/films/{ELSEWHERE.id}")
    await take(BrowserUser(tv), "tv-player-refusal", whole=False)


async def test_two_presses_of_ok_on_the_chip_do_not_sign_a_tv_out(tv, server_under_test):
    await tv.goto("/")
    await tv.locator("header .who").focus()
    await tv.keyboard.press("Enter")
    await tv.wait_for_url("**/devices")
    assert await focused(tv) == "/"
    await take(BrowserUser(tv), "tv-devices", whole=False)
    sign_out = tv.locator("#sign-out")
    await sign_out.focus()
    await tv.keyboard.press("Enter")
    assert await sign_out.inner_text() == "Press again to sign out"
    kinds = [session.kind for session in await server_under_test.storage.sessions.of_wallet(OWNER)]
    assert DeviceKind.TV in kinds
    await tv.keyboard.press("Enter")
    await tv.wait_for_url("**/tv")


async def test_a_tv_searches_and_every_field_can_be_left(tv):
    await tv.goto("/")
    await tv.keyboard.press("/")
    await tv.wait_for_url("**/search")
    await tv.keyboard.type(STACKED.title)
    await tv.keyboard.press("Enter")
    await tv.wait_for_url("**/search?q=*")
    link = f"/films/{STACKED.id}"
    assert link in await pressed(tv, *["ArrowDown"] * 4)
    await take(BrowserUser(tv), "tv-search", whole=False)
    await tv.locator("#sort").focus()
    await tv.keyboard.press("ArrowRight")
    assert await focused(tv) == "Search"
    await pressed(tv, "ArrowLeft", "ArrowLeft")
    assert await tv.evaluate("document.activeElement.id") == "q"


@pytest.mark.parametrize("link", ["header .who", "header .to-search", "header nav a:not([aria-current])"])
async def test_back_leads_to_the_entry_of_the_bar_one_left_by(tv, server_under_test, link):
    await tv.goto("/")
    await tv.locator(link).first.focus()
    left = await focused(tv)
    await tv.keyboard.press("Enter")
    await tv.wait_for_url(f"**{left}")
    await tv.keyboard.press("Escape")
    await tv.wait_for_url(server_under_test.origin + "/")
    await expect(tv.locator(f"header a[href='{left}']:focus")).to_have_count(1)


async def test_how_to_get_a_film_makes_way_for_play_once_it_is_held(tv, server_under_test):
    await tv.goto(f"/films/{ELSEWHERE.id}")
    await until(tv, "document.querySelector('.on-phone') !== null")
    await server_under_test.hold(OWNER, ELSEWHERE.token, 1)
    server_under_test.app[app_keys.LIVE].changed("wallet", wallet=OWNER)
    await tv.get_by_role("button", name="Play", exact=True).wait_for()
    await expect(tv.locator(".on-phone")).to_have_count(0)
