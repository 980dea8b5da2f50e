"""What only a real browser can show: keys, wallets, pairing, and the player's sentences."""

from __future__ import annotations

import asyncio
import io
import json
import re
from dataclasses import replace
from fractions import Fraction

import av
import numpy as np
import pytest
from playwright.async_api import expect

from tests.components.axe import violations
from tests.components.browser import chromium
from tests.fakes import FakeChain
from tests.web.conftest import COLLECTOR
from tests.web.pages.samples import (
    ARRIVING,
    BEGUN,
    ELSEWHERE,
    FAILED,
    LADDER,
    OWNER,
    STACKED,
    gated,
)
from wylloh_server.domain.access import DeviceKind, Reason, Receipt
from wylloh_server.domain.chain_events import LadderChanged
from wylloh_server.domain.film import Credit
from wylloh_server.domain.playback import LeaseEnd
from wylloh_server.domain.types import Seconds, Timestamp
from wylloh_server.services.accounts.device_pairing import DevicePairing
from wylloh_server.sdk.testing.sample_chain import SOMEWHERE
from wylloh_server.services.library.group_service import HeldStack
from wylloh_server.web import app_keys
from wylloh_server.web.api import tv_api

TV = {"width": 1920, "height": 1080}
PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 800}

# A wallet as EIP-6963 knows it, whose signatures the test makes.
WALLET = """
window.addEventListener("eip6963:requestProvider", () => {
  const request = async ({ method, params }) => {
    if (method === "eth_requestAccounts") return ["%s"];
    const bytes = params[0].slice(2).match(/../g).map((pair) => parseInt(pair, 16));
    return window.signInPython(new TextDecoder().decode(new Uint8Array(bytes)));
  };
  const info = { uuid: "1", name: "Test Wallet", icon: "javascript:alert(1)", rdns: "test" };
  window.dispatchEvent(new CustomEvent("eip6963:announceProvider", { detail: { info, provider: { request } } }));
});
"""


@pytest.fixture
async def open_page(server_under_test):
    """Open a page of the server: `await open_page(viewport, cookies)`. A fault in a script fails the test."""
    faults = []
    async with chromium() as browser:

        async def open_(viewport, cookies=None):
            context = await browser.new_context(viewport=viewport, base_url=server_under_test.origin)
            given = [
                {"name": name, "value": value, "url": server_under_test.origin}
                for name, value in (cookies or {}).items()
            ]
            await context.add_cookies(given)
            page = await context.new_page()
            page.on("pageerror", lambda fault: faults.append(fault))
            return page

        yield open_
    assert faults == []


async def focused(page) -> str:
    """What has the focus: its address, or its name."""
    return await page.evaluate(
        "(e => e.getAttribute('href') ?? e.getAttribute('aria-label') ?? e.textContent.trim())(document.activeElement)"
    )


async def pressed(page, *names) -> list[str]:
    """Press keys, and say where the focus was after each."""
    seen = []
    for name in names:
        await page.keyboard.press(name)
        seen.append(await focused(page))
    return seen


async def until(page, expression) -> None:
    """Wait for something on a page. Its policy forbids playwright's own way, which is `eval`."""
    async with asyncio.timeout(60):
        while not await page.evaluate(expression):
            await asyncio.sleep(0.05)


async def test_a_remote_s_arrows_reach_everything_on_a_tv(open_page, tv_cookies):
    page = await open_page(TV, tv_cookies)
    await page.goto("/")
    assert await focused(page) == "Resume"
    begun, meadow = f"/films/{BEGUN.id}", f"/films/{STACKED.id}"
    assert await pressed(page, "ArrowRight", "ArrowDown") == [begun, begun]
    down = await pressed(page, "ArrowDown", "ArrowRight", "ArrowRight")
    assert len(set(down)) == 3 and meadow not in down[:1]
    assert f"/films/{ELSEWHERE.id}" in await pressed(page, *["ArrowDown"] * 3)
    up = await pressed(page, *["ArrowUp"] * 6)
    assert "/devices" in up or "/" in up, "the bar cannot be reached"
    assert len(await pressed(page, *["ArrowDown"] * 6)) == 6


@pytest.mark.parametrize("path", ["/", f"/films/{STACKED.id}", "/devices", "/about"])
async def test_paper_has_dark_words_on_white_and_nothing_to_press(open_page, owner, path):
    page = await open_page(DESKTOP, owner.real_cookies)
    await page.goto(path)
    await page.emulate_media(media="print")
    assert (
        await page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
        == "rgb(255, 255, 255)"
    )
    assert await page.locator(".bar:visible, .button:visible, main nav:visible").count() == 0
    assert [fault for fault in await violations(page) if fault.startswith("color-contrast")] == []
    words = await page.evaluate(WORDS_OF_THE_PAGE)
    assert words and max(max(color) for color in words) <= 0x77
    assert (await page.pdf())[:5] == b"%PDF-"


async def test_a_slash_searches_on_every_page_but_not_while_somebody_types(open_page, owner):
    page = await open_page(DESKTOP, owner.real_cookies)
    await page.goto("/devices")
    await page.keyboard.press("/")
    await page.wait_for_url("**/search")
    await page.keyboard.type("either/or")
    assert await page.locator("#q").input_value() == "either/or"
    await page.locator("#q").fill(STACKED.title[:4])
    await page.keyboard.press("Enter")
    await page.get_by_role("link", name=STACKED.title).wait_for()
    await page.evaluate("document.activeElement.blur()")
    await page.keyboard.press("/")
    assert await page.evaluate("document.activeElement.id") == "q"


async def test_what_has_the_focus_on_a_tv_is_in_sight(open_page, tv_cookies):
    page = await open_page(TV, tv_cookies)
    await page.emulate_media(reduced_motion="reduce")
    await page.goto("/")
    for key in ["ArrowDown"] * 4:
        await page.keyboard.press(key)
        box = await page.evaluate("document.activeElement.getBoundingClientRect().toJSON()")
        assert box["top"] >= 0 and box["bottom"] <= TV["height"]
        ring = await page.evaluate(
            "(e => getComputedStyle(e.querySelector('.pic') ?? e).outlineWidth)(document.activeElement)"
        )
        assert ring == "3px"


async def test_enter_opens_and_back_goes_back_on_a_tv(server_under_test, open_page, tv_cookies):
    page = await open_page(TV, tv_cookies)
    await page.goto("/")
    await page.keyboard.press("ArrowRight")
    await page.keyboard.press("Enter")
    await page.wait_for_url(f"**/films/{BEGUN.id}")
    assert await focused(page) == "Resume"
    await page.keyboard.press("Escape")
    await page.wait_for_url(server_under_test.origin + "/")


async def test_back_on_a_tv_leads_to_the_card_one_left_from(server_under_test, open_page, tv_cookies):
    page = await open_page(TV, tv_cookies)
    await page.emulate_media(reduced_motion="reduce")
    await page.goto("/")
    last = page.locator("main a.card").last
    for key in ["ArrowDown"] * 12:
        await page.keyboard.press(key)
        if await last.evaluate("card => card.closest('section').contains(document.activeElement)"):
            break
    left = await focused(page)
    assert left.startswith("/films/")
    await page.keyboard.press("Enter")
    await page.wait_for_url(f"**{left}")
    await page.keyboard.press("Escape")
    await page.wait_for_url(server_under_test.origin + "/")
    await expect(page.locator(f"main a.card[href='{left}']:focus")).to_have_count(1)
    box = await page.evaluate("document.activeElement.getBoundingClientRect().toJSON()")
    assert box["top"] >= 0 and box["bottom"] <= TV["height"]
    assert (await pressed(page, "ArrowUp"))[0].startswith("/films/")


async def test_what_has_the_focus_first_on_a_tv_is_whole_in_sight(open_page, tv_cookies):
    page = await open_page(TV, tv_cookies)
    for film in (BEGUN, ELSEWHERE, FAILED):
        await page.goto(f"/films/{film.id}")
        box = await page.evaluate("document.activeElement.getBoundingClientRect().toJSON()")
        assert box["top"] >= 0 and box["bottom"] <= TV["height"], film.title
    await page.goto(f"/films/{BEGUN.id}")
    stops = [await page.evaluate("document.activeElement.id")]
    for _ in range(3):
        await page.keyboard.press("ArrowDown")
        stops.append(await page.evaluate("document.activeElement.id"))
    assert "rights-card" in stops, "what the tokens unlock cannot be looked at"


async def test_a_film_is_sent_to_the_tv_that_is_on(
    server_under_test, open_page, owner, tv_cookies, monkeypatch
):
    monkeypatch.setattr(tv_api, "TV_SECONDS", Seconds(60))
    phone, tv = await open_page(PHONE, owner.real_cookies), await open_page(TV, tv_cookies)
    await phone.goto(f"/films/{STACKED.id}")
    send = phone.get_by_role("button", name="Send to TV")
    await send.click()
    await phone.get_by_text("Sofa does not answer. Switch it on").wait_for()
    for open_now in ("/", f"/watch/{BEGUN.id}"):
        await tv.goto(open_now)
        async with asyncio.timeout(60):
            while not server_under_test.app[app_keys.LIVE].listens(await device_of(server_under_test)):
                await asyncio.sleep(0.05)
        await send.click()
        await phone.get_by_text("It plays on Sofa.").wait_for()
        await tv.wait_for_url(f"**/watch/{STACKED.id}")


async def device_of(server_under_test) -> str:
    sessions = await server_under_test.storage.sessions.of_wallet(OWNER)
    return next(session.device for session in sessions if session.kind is DeviceKind.TV)


async def test_the_number_of_a_token_is_not_read_until_somebody_asks_for_it(
    server_under_test, open_page, owner
):
    film = gated(int("7" * 77), "A long number")
    await server_under_test.storage.films.save(film)
    await server_under_test.on_chain(LadderChanged(SOMEWHERE, film.token, LADDER))
    page = await open_page(DESKTOP, owner.real_cookies)
    await page.goto(f"/films/{film.id}")
    assert "7" * 20 not in await page.locator("body").inner_text()
    await page.locator(".token-reference summary").click()
    assert str(film.token) in await page.locator(".token-reference").inner_text()


async def test_elsewhere_arrows_scroll_until_a_film_has_the_focus(open_page, owner):
    page = await open_page(DESKTOP, owner.real_cookies)
    await page.goto("/")
    await page.keyboard.press("ArrowDown")
    assert await page.evaluate("document.activeElement === document.body")
    await page.locator(".grid .card").first.focus()
    assert await pressed(page, "ArrowRight") == [
        await page.locator(".grid .card").nth(1).get_attribute("href")
    ]


@pytest.mark.parametrize("viewport", [PHONE, DESKTOP], ids=["phone", "desk"])
async def test_no_page_scrolls_sideways(open_page, owner, viewport):
    page = await open_page(viewport, owner.real_cookies)
    for path in ("/", f"/films/{BEGUN.id}", f"/films/{ELSEWHERE.id}", "/devices", "/admin", "/pair", "/tv"):
        await page.goto(path)
        assert await page.evaluate("document.documentElement.scrollWidth") <= viewport["width"], path


async def test_no_name_however_long_makes_a_phone_scroll_sideways(open_page, owner, server_under_test):
    for film in (BEGUN, ELSEWHERE):
        about = replace(
            film.description, title="W" * 80, genres=("W" * 60,), credits=(Credit("W" * 40, "W" * 60),)
        )
        await server_under_test.storage.films.save(replace(film, description=about))
    await server_under_test.app[app_keys.SERVICES].groups.add(HeldStack(OWNER, BEGUN.id, 88), "W" * 60, 80)
    page = await open_page(PHONE, owner.real_cookies)
    for path in ("/", f"/films/{BEGUN.id}", f"/films/{ELSEWHERE.id}"):
        await page.goto(path)
        wide = await page.evaluate(
            """() => [...document.querySelectorAll('body *')].filter((one) => !one.closest('.row')
            && one.getBoundingClientRect().right > 391).map((one) => `${one.tagName}.${one.className}`)"""
        )
        assert await page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], (path, wide)
        for button in await page.locator("main .button:visible").all():
            box = await button.bounding_box()
            assert box["x"] >= 0 and box["x"] + box["width"] <= PHONE["width"], path


async def test_the_navigation_unfolds_on_a_phone(open_page, owner):
    page = await open_page(PHONE, owner.real_cookies)
    await page.goto("/")
    devices = page.get_by_role("link", name="Devices", exact=True)
    assert not await devices.is_visible()
    await page.get_by_role("button", name="Menu").click()
    await devices.click()
    await page.wait_for_url("**/devices")


async def test_a_wallet_of_the_browser_signs_in_and_lets_the_server_keep_its_keys_or_not(
    server_under_test, open_page
):
    page = await open_page(DESKTOP)
    await page.expose_function("signInPython", lambda text: FakeChain.sign(OWNER, text))
    await page.add_init_script(WALLET % OWNER)
    await page.goto("/sign-in?next=/devices")
    await page.get_by_role("button", name="Test Wallet").click()
    await page.wait_for_url("**/devices")
    await page.get_by_text("This device").wait_for()
    await page.get_by_text("Chromium on Linux").wait_for()
    await page.get_by_text("This server · until").wait_for()
    await page.get_by_role("button", name="Revoke every server").click()
    await page.get_by_role("button", name="Press again to revoke").click()
    await page.get_by_text("The custodians are being told").wait_for()
    await page.reload()
    await page.get_by_text("No server may fetch keys with this wallet").wait_for()
    server_under_test.clock.now += 60
    await page.get_by_role("button", name="Let this server keep my keys").click()
    await page.get_by_role("button", name="Renew for 90 days").wait_for()
    await page.get_by_role("button", name="Sign out", exact=True).click()
    await page.get_by_role("heading", name="Your films, at home.").wait_for()


async def test_a_picture_that_is_no_picture_is_not_shown(open_page):
    page = await open_page(DESKTOP)
    await page.add_init_script(WALLET % OWNER)
    await page.goto("/sign-in")
    await page.get_by_role("button", name="Test Wallet").wait_for()
    assert await page.locator("#wallets img").count() == 0


async def test_a_refused_signature_is_explained(open_page):
    page = await open_page(DESKTOP)
    await page.expose_function("signInPython", lambda text: "0xbad")
    await page.add_init_script(WALLET % OWNER)
    await page.goto("/sign-in")
    await page.get_by_role("button", name="Test Wallet").click()
    await page.get_by_text("The signature does not belong to this wallet.").wait_for()
    assert await page.get_by_role("button", name="Test Wallet").is_enabled()


async def test_a_browser_without_wallet_is_told_what_to_do(open_page):
    page = await open_page(DESKTOP)
    await page.goto("/sign-in")
    await page.get_by_text("There is no wallet in this browser.").wait_for()


async def test_a_phone_lets_a_tv_in(server_under_test, open_page, owner):
    tv, phone = await open_page(TV), await open_page(PHONE, owner.real_cookies)
    await tv.goto("/tv")
    await until(tv, "document.getElementById('code').textContent.length === 7")
    shown = await tv.locator("#code").inner_text()
    assert await tv.locator("#qr svg").is_visible()
    await phone.goto(f"/pair?code={shown.replace(' ', '')}")
    await phone.get_by_text("in the same network as this device").wait_for()
    await phone.get_by_label("What to call it").fill("Sofa")
    number = await tv.locator("#number").inner_text()
    frame = await phone.locator("#look").evaluate("look => getComputedStyle(look).borderTopWidth")
    assert frame == "0px"
    await phone.get_by_role("group", name="Which number does the TV show?").get_by_text(number).click()
    await phone.get_by_text("Look at the TV").wait_for()
    await tv.wait_for_url(server_under_test.origin + "/")
    assert await tv.evaluate("document.documentElement.dataset.distance") == DeviceKind.TV
    await phone.goto("/devices")
    await phone.get_by_role("button", name="Revoke Sofa").click()
    await phone.get_by_role("button", name="Press again to revoke").click()
    await phone.get_by_text("Revoked.").wait_for()
    await tv.reload()
    await tv.wait_for_url("**/tv")
    await until(tv, "document.getElementById('code').textContent.length === 7")


async def test_one_press_revokes_nothing(server_under_test, open_page, owner, browsers):
    await browsers().sign_in(OWNER)
    page = await open_page(DESKTOP, owner.real_cookies)
    await page.goto("/devices")
    row = page.locator("#devices li", has=page.get_by_role("button"))
    assert (await row.locator("b").inner_text(), await row.locator("small").inner_text()) == (
        "Browser",
        "Browser · 127.0.0.1 · last seen 9 October 2025",
    )
    revoke = row.get_by_role("button")
    await revoke.dblclick()
    assert await revoke.inner_text() == "Press again to revoke"
    await page.keyboard.press("Tab")
    assert await revoke.inner_text() == "Revoke"
    await revoke.click()
    assert len(await server_under_test.storage.sessions.of_wallet(OWNER)) == 2
    await page.keyboard.press("Enter")
    await page.get_by_text("Revoked.").wait_for()
    assert len(await server_under_test.storage.sessions.of_wallet(OWNER)) == 1


async def test_one_press_removes_nobody(server_under_test, open_page, owner):
    page = await open_page(DESKTOP, owner.real_cookies)
    await page.goto("/admin")
    remove = page.locator(f"[data-wallet='{COLLECTOR}']")
    await remove.click()
    assert await remove.inner_text() == "Press again to remove"
    assert await server_under_test.storage.accounts.role(COLLECTOR) is not None
    await remove.click()
    await page.get_by_text("Removed.").wait_for()
    assert await server_under_test.storage.accounts.role(COLLECTOR) is None


async def test_a_tv_s_list_of_devices_holds_only_itself(open_page, tv_cookies):
    page = await open_page(TV, tv_cookies)
    await page.goto("/devices")
    assert await page.locator("#devices li b").all_inner_texts() == ["Sofa"]
    assert await focused(page) == "/"


@pytest.mark.parametrize(
    ("screen", "link", "leads_to"),
    [
        (TV, "Pair again", "/tv"),
        (DESKTOP, "Sign in again", f"/sign-in?next=%2Fwatch%2F{BEGUN.id}"),
    ],
    ids=["tv", "browser"],
)
async def test_who_is_signed_out_while_a_film_plays_is_led_to_be_let_in_again(
    server_under_test, open_page, tv_cookies, owner, screen, link, leads_to
):
    page = await open_page(screen, tv_cookies if screen == TV else owner.real_cookies)
    await page.goto(f"/watch/{BEGUN.id}")
    async with asyncio.timeout(60):
        while not server_under_test.playback.leases.in_force:
            await asyncio.sleep(0.05)
    for token in list(server_under_test.playback.leases.in_force):
        server_under_test.playback.end_lease(token, LeaseEnd.SIGNED_OUT)
    await page.get_by_text("This device was signed out.").wait_for()
    again = page.get_by_role("link", name=link)
    assert await again.evaluate("e => e === document.activeElement")
    assert await again.get_attribute("href") == leads_to
    assert not await page.get_by_role("link", name="Back to the film").is_visible()


async def test_a_browser_that_signed_out_is_not_taken_for_a_tv(open_page, owner):
    page = await open_page(DESKTOP, owner.real_cookies)
    await page.goto("/tv")
    await page.goto("/devices")
    await page.get_by_role("button", name="Sign out", exact=True).click()
    await page.get_by_role("heading", name="Your films, at home.").wait_for()
    await page.goto("/sign-in")
    await page.get_by_text("There is no wallet in this browser.").wait_for()


async def test_an_expired_code_is_replaced_on_the_tv(server_under_test, open_page):
    assert isinstance(server_under_test.app[app_keys.SERVICES].pairing, DevicePairing)
    tv = await open_page(TV)
    await tv.goto("/tv")
    await until(tv, "document.getElementById('code').textContent.length === 7")
    first = await tv.locator("#code").inner_text()
    server_under_test.clock.now += 601
    await until(tv, f"document.getElementById('code').textContent !== {json.dumps(first)}")


async def test_a_refusal_fills_the_player_with_the_receipt_s_sentence(server_under_test, open_page, owner):
    sentence = "You hold no token of this film; 1 token lets you watch it."
    server_under_test.playback.refused = Receipt(
        ELSEWHERE.id, OWNER, "personal", False, Reason.TOO_FEW_TOKENS, sentence, Timestamp(0), missing=1
    )
    page = await open_page(DESKTOP, owner.real_cookies)
    await page.goto(f"/watch/{ELSEWHERE.id}")
    await page.get_by_text(sentence).wait_for()
    await page.locator("#controls").wait_for(state="hidden")
    await page.get_by_role("link", name="Back to the film").click()
    await page.wait_for_url(f"**/films/{ELSEWHERE.id}")


async def test_when_the_tokens_are_gone_the_player_says_so(server_under_test, open_page, owner):
    page = await open_page(DESKTOP, owner.real_cookies)
    await page.goto(f"/watch/{BEGUN.id}")
    await until(page, "document.getElementById('player').dataset.state !== undefined")
    async with asyncio.timeout(60):
        while not server_under_test.playback.leases.in_force:
            await asyncio.sleep(0.05)
    for token in list(server_under_test.playback.leases.in_force):
        server_under_test.playback.end_lease(token, LeaseEnd.RIGHTS_GONE)
    await page.get_by_text("You no longer hold the tokens that let you watch this film.").wait_for()
    assert await page.locator("#film").get_attribute("src") is None


async def test_a_film_page_that_waits_becomes_whole_by_itself(server_under_test, open_page, owner):
    from dataclasses import replace

    from wylloh_server.domain.film import FilmState

    page = await open_page(DESKTOP, owner.real_cookies)
    await page.goto(f"/films/{ARRIVING.id}")
    play = page.get_by_role("button", name="Play", exact=True)
    assert await play.is_disabled()
    await server_under_test.storage.films.save(replace(ARRIVING, state=FilmState.READY, progress=1.0))
    async with asyncio.timeout(60):
        while not await play.is_enabled():
            await asyncio.sleep(0.1)


async def test_a_poster_that_is_missing_is_set_in_type(open_page, owner):
    page = await open_page(DESKTOP, owner.real_cookies)
    await page.goto("/")
    picture = page.locator(".grid .card img").first
    await picture.scroll_into_view_if_needed()
    await until(page, "document.querySelector('.grid .card img').complete")
    title = await page.locator(".grid .card > b").first.inner_text()
    written = await picture.evaluate("image => getComputedStyle(image, '::before').content")
    assert written == json.dumps(title)


WORDS_OF_THE_PAGE = """() => [...document.querySelectorAll("main *")]
  .filter((one) => one.checkVisibility() && !one.closest(".pic, .visually-hidden")
    && [...one.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim()))
  .map((one) => getComputedStyle(one).color.match(/[\\d.]+/g).slice(0, 3).map(Number))"""
"""The colours of all words outside pictures."""
TEXTS_ON_THE_PICTURE = """() => {
  const texts = [...document.querySelectorAll(".stage .copy :is(h1, p, .meta > *)")].filter(
    (element) => !element.closest(".actions, button, a") && element.textContent.trim());
  const found = texts.map((element) => {
    const { x, y, width, height } = element.getBoundingClientRect();
    return { x, y, width, height, color: getComputedStyle(element).color, text: element.textContent.trim() };
  });
  for (const element of document.querySelectorAll(".stage .copy *")) element.style.color = "transparent";
  return found;
}"""


@pytest.mark.parametrize("viewport", [PHONE, DESKTOP, TV], ids=["phone", "desktop", "tv"])
@pytest.mark.parametrize("path", ["/", f"/films/{STACKED.id}"], ids=["library", "film"])
async def test_words_on_a_picture_can_be_read_on_the_brightest_one(
    server_under_test, open_page, owner, viewport, path
):
    """4.5:1 by WCAG 2, measured against the lightest pixel behind the words on a picture that is white."""
    about = replace(STACKED.description, synopsis="A rabbit has had enough. " * 6, year=2008, rating="6+")
    await server_under_test.storage.films.save(replace(STACKED, description=about))
    page = await open_page(viewport, owner.real_cookies)
    white = await asyncio.to_thread(jpeg_of, 255)
    await page.route("**/backdrop.jpg", lambda route: route.fulfill(body=white, content_type="image/jpeg"))
    await page.goto(path)
    await until(page, "document.querySelector('.stage .still img')?.naturalWidth > 0")
    texts = await page.evaluate(TEXTS_ON_THE_PICTURE)
    picture = pixels(await page.screenshot())
    assert picture.max() > 200 and len(texts) >= 2
    for text in texts:
        rows = slice(max(0, int(text["y"])), int(text["y"] + text["height"]) + 1)
        columns = slice(max(0, int(text["x"])), int(text["x"] + text["width"]) + 1)
        behind = luminance(picture[rows, columns]).max() if picture[rows, columns].size else 0
        color = [float(part) for part in re.findall(r"[\d.]+", text["color"])]
        assert (luminance(np.array(color[:3])) + 0.05) / (behind + 0.05) >= 4.5, text


def jpeg_of(grey: int) -> bytes:
    """A picture of one grey, 160×90."""
    frame = av.VideoFrame.from_ndarray(np.full((90, 160, 3), grey, np.uint8), format="rgb24")
    encoder = av.CodecContext.create("mjpeg", "w")
    encoder.width, encoder.height, encoder.pix_fmt, encoder.time_base = 160, 90, "yuvj420p", Fraction(1, 25)
    packets = [*encoder.encode(frame.reformat(format="yuvj420p")), *encoder.encode(None)]
    return b"".join(bytes(packet) for packet in packets)


def pixels(png: bytes) -> np.ndarray:
    with av.open(io.BytesIO(png)) as opened:
        return next(opened.decode(video=0)).to_ndarray(format="rgb24")


def luminance(color: np.ndarray) -> np.ndarray:
    """The relative luminance of WCAG 2, from 0 to 1."""
    linear = np.where(color <= 0.04045 * 255, color / 255 / 12.92, ((color / 255 + 0.055) / 1.055) ** 2.4)
    return linear @ np.array([0.2126, 0.7152, 0.0722])


async def test_a_film_that_stops_arriving_can_be_tried_again(server_under_test, open_page, owner):
    asked, start = [], server_under_test.playback.start

    async def counted(*arguments):
        asked.append(arguments)
        return await start(*arguments)

    server_under_test.playback.start = counted
    page = await open_page(DESKTOP, owner.real_cookies)
    await page.goto(f"/watch/{BEGUN.id}")
    await page.get_by_text("The film stopped arriving.").wait_for()
    await page.get_by_role("button", name="Try again").click()
    async with asyncio.timeout(60):
        while len(asked) < 2:
            await asyncio.sleep(0.05)
    assert await page.evaluate("document.getElementById('player').dataset.start") == "1200.0"
