"""What only a real browser can show: keys, wallets, pairing, and the player's sentences."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import pytest

from tests.components.browser import chromium
from tests.fakes import FakeSignatures
from tests.web.conftest import COLLECTOR
from tests.web.pages.samples import ARRIVING, BEGUN, ELSEWHERE, OWNER, STACKED
from wylloh_server.domain.access import DeviceKind, Reason, Receipt
from wylloh_server.domain.film import Credit
from wylloh_server.domain.playback import LeaseEnd
from wylloh_server.domain.types import Timestamp
from wylloh_server.services.devices import Pairing
from wylloh_server.services.groups import HeldStack
from wylloh_server.web import keys

TV = {"width": 1920, "height": 1080}
PHONE = {"width": 390, "height": 844}
DESK = {"width": 1280, "height": 800}

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
async def open_page(house):
    """Open a page of the house: `await open_page(viewport, cookies)`. A fault in a script fails the test."""
    faults = []
    async with chromium() as browser:

        async def open_(viewport, cookies=None):
            context = await browser.new_context(viewport=viewport, base_url=house.origin)
            given = [
                {"name": name, "value": value, "url": house.origin} for name, value in (cookies or {}).items()
            ]
            await context.add_cookies(given)
            page = await context.new_page()
            page.on("pageerror", lambda fault: faults.append(fault))
            return page

        yield open_
    assert faults == []


@pytest.fixture
async def tv_cookies(owner, browsers):
    """The cookies of a TV that the owner has let in."""
    tv = browsers()
    code = (await (await tv.post("/api/tv/code", {})).json())["code"]
    await owner.post("/api/tv/approve", {"code": code, "name": "Sofa"})
    assert (await (await tv.get("/api/tv/state")).json())["state"] == "approved"
    return tv.real_cookies


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
    async with asyncio.timeout(20):
        while not await page.evaluate(expression):
            await asyncio.sleep(0.05)


async def test_a_remote_s_arrows_reach_everything_on_a_tv(open_page, tv_cookies):
    page = await open_page(TV, tv_cookies)
    await page.goto("/")
    assert await focused(page) == "Play"
    begun, meadow = f"/films/{BEGUN.id}", f"/films/{STACKED.id}"
    assert await pressed(page, "ArrowRight", "ArrowDown") == [begun, begun]
    down = await pressed(page, "ArrowDown", "ArrowRight", "ArrowRight")
    assert len(set(down)) == 3 and meadow not in down[:1]
    assert f"/films/{ELSEWHERE.id}" in await pressed(page, *["ArrowDown"] * 3)
    up = await pressed(page, *["ArrowUp"] * 6)
    assert "/devices" in up or "/" in up, "the bar cannot be reached"
    assert len(await pressed(page, *["ArrowDown"] * 6)) == 6


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


async def test_enter_opens_and_back_goes_back_on_a_tv(house, open_page, tv_cookies):
    page = await open_page(TV, tv_cookies)
    await page.goto("/")
    await page.keyboard.press("ArrowRight")
    await page.keyboard.press("Enter")
    await page.wait_for_url(f"**/films/{BEGUN.id}")
    assert await focused(page) == "Play"
    await page.keyboard.press("Escape")
    await page.wait_for_url(house.origin + "/")


async def test_elsewhere_arrows_scroll_until_a_film_has_the_focus(open_page, owner):
    page = await open_page(DESK, owner.real_cookies)
    await page.goto("/")
    await page.keyboard.press("ArrowDown")
    assert await page.evaluate("document.activeElement === document.body")
    await page.locator(".grid .card").first.focus()
    assert await pressed(page, "ArrowRight") == [
        await page.locator(".grid .card").nth(1).get_attribute("href")
    ]


@pytest.mark.parametrize("viewport", [PHONE, DESK], ids=["phone", "desk"])
async def test_no_page_scrolls_sideways(open_page, owner, viewport):
    page = await open_page(viewport, owner.real_cookies)
    for path in ("/", f"/films/{BEGUN.id}", f"/films/{ELSEWHERE.id}", "/devices", "/admin", "/pair", "/tv"):
        await page.goto(path)
        assert await page.evaluate("document.documentElement.scrollWidth") <= viewport["width"], path


async def test_no_name_however_long_makes_a_phone_scroll_sideways(open_page, owner, house):
    for film in (BEGUN, ELSEWHERE):
        about = replace(
            film.description, title="W" * 80, genres=("W" * 60,), credits=(Credit("W" * 40, "W" * 60),)
        )
        await house.storage.films.save(replace(film, description=about))
    await house.app[keys.GROUPS].add(HeldStack(OWNER, BEGUN.id, 88), "W" * 60, 80)
    page = await open_page(PHONE, owner.real_cookies)
    for path in ("/", f"/films/{BEGUN.id}", f"/films/{ELSEWHERE.id}"):
        await page.goto(path)
        wide = await page.evaluate(
            """() => [...document.querySelectorAll('body *')].filter((one) => !one.closest('.row')
            && one.getBoundingClientRect().right > 391).map((one) => `${one.tagName}.${one.className}`)"""
        )
        assert await page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], (path, wide)
        play = await page.get_by_role("button", name="Play").first.bounding_box()
        assert play["x"] >= 0 and play["x"] + play["width"] <= PHONE["width"]


async def test_the_ways_through_the_house_unfold_on_a_phone(open_page, owner):
    page = await open_page(PHONE, owner.real_cookies)
    await page.goto("/")
    devices = page.get_by_role("link", name="Devices", exact=True)
    assert not await devices.is_visible()
    await page.get_by_role("button", name="Menu").click()
    await devices.click()
    await page.wait_for_url("**/devices")


async def test_a_wallet_of_the_browser_signs_in(open_page):
    page = await open_page(DESK)
    await page.expose_function("signInPython", lambda text: FakeSignatures.sign(OWNER, text))
    await page.add_init_script(WALLET % OWNER)
    await page.goto("/sign-in?next=/devices")
    await page.get_by_role("button", name="Test Wallet").click()
    await page.wait_for_url("**/devices")
    await page.get_by_text("This device").wait_for()
    await page.get_by_text("Chromium on Linux").wait_for()
    await page.get_by_role("button", name="Sign out").click()
    await page.get_by_role("heading", name="Your films, at home.").wait_for()


async def test_a_picture_that_is_no_picture_is_not_shown(open_page):
    page = await open_page(DESK)
    await page.add_init_script(WALLET % OWNER)
    await page.goto("/sign-in")
    await page.get_by_role("button", name="Test Wallet").wait_for()
    assert await page.locator("#wallets img").count() == 0


async def test_a_refused_signature_is_explained(open_page):
    page = await open_page(DESK)
    await page.expose_function("signInPython", lambda text: "0xbad")
    await page.add_init_script(WALLET % OWNER)
    await page.goto("/sign-in")
    await page.get_by_role("button", name="Test Wallet").click()
    await page.get_by_text("The signature does not belong to this wallet.").wait_for()
    assert await page.get_by_role("button", name="Test Wallet").is_enabled()


async def test_a_browser_without_wallet_is_told_what_to_do(open_page):
    page = await open_page(DESK)
    await page.goto("/sign-in")
    await page.get_by_text("There is no wallet in this browser.").wait_for()


async def test_a_phone_lets_a_tv_in(house, open_page, owner):
    tv, phone = await open_page(TV), await open_page(PHONE, owner.real_cookies)
    await tv.goto("/tv")
    await until(tv, "document.getElementById('code').textContent.length === 7")
    shown = await tv.locator("#code").inner_text()
    assert await tv.locator("#qr svg").is_visible()
    await phone.goto(f"/pair?code={shown.replace(' ', '')}")
    await phone.get_by_label("What to call it").fill("Sofa")
    await phone.get_by_role("button", name="Let it play my films").click()
    await phone.get_by_text("Look at the TV").wait_for()
    await tv.wait_for_url(house.origin + "/")
    assert await tv.evaluate("document.documentElement.dataset.distance") == DeviceKind.TV
    await phone.goto("/devices")
    await phone.get_by_role("button", name="Revoke Sofa").click()
    await phone.get_by_role("button", name="Press again to revoke").click()
    await phone.get_by_text("Revoked.").wait_for()
    await tv.reload()
    await tv.wait_for_url("**/tv")
    await until(tv, "document.getElementById('code').textContent.length === 7")


async def test_one_press_revokes_nothing(house, open_page, owner, browsers):
    await browsers().sign_in(OWNER)
    page = await open_page(DESK, owner.real_cookies)
    await page.goto("/devices")
    row = page.locator("#devices li", has=page.get_by_role("button"))
    assert (await row.locator("b").inner_text(), await row.locator("small").inner_text()) == (
        "Browser",
        "Browser · last seen 9 October 2025",
    )
    revoke = row.get_by_role("button")
    await revoke.dblclick()
    assert await revoke.inner_text() == "Press again to revoke"
    await page.keyboard.press("Tab")
    assert await revoke.inner_text() == "Revoke"
    await revoke.click()
    assert len(await house.storage.sessions.of_wallet(OWNER)) == 2
    await page.keyboard.press("Enter")
    await page.get_by_text("Revoked.").wait_for()
    assert len(await house.storage.sessions.of_wallet(OWNER)) == 1


async def test_one_press_removes_nobody(house, open_page, owner):
    page = await open_page(DESK, owner.real_cookies)
    await page.goto("/admin")
    remove = page.locator(f"[data-wallet='{COLLECTOR}']")
    await remove.click()
    assert await remove.inner_text() == "Press again to remove"
    assert await house.storage.accounts.role(COLLECTOR) is not None
    await remove.click()
    await page.get_by_text("Removed.").wait_for()
    assert await house.storage.accounts.role(COLLECTOR) is None


async def test_a_tv_s_list_of_devices_holds_only_itself(open_page, tv_cookies):
    page = await open_page(TV, tv_cookies)
    await page.goto("/devices")
    assert await page.locator("#devices li b").all_inner_texts() == ["Sofa"]
    assert await focused(page) == "Sign out"
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/tv")


async def test_a_tv_that_was_taken_back_is_paired_again(house, open_page, tv_cookies, owner):
    page = await open_page(TV, tv_cookies)
    await page.goto(f"/watch/{BEGUN.id}")
    async with asyncio.timeout(10):
        while not house.playback.leases:
            await asyncio.sleep(0.05)
    for token in list(house.playback.leases):
        house.playback.end(token, LeaseEnd.SIGNED_OUT)
    await page.get_by_text("This device was signed out.").wait_for()
    assert await page.get_by_role("link", name="Pair again").evaluate("e => e === document.activeElement")
    assert not await page.get_by_role("link", name="Back to the film").is_visible()


async def test_a_browser_that_signed_out_is_not_taken_for_a_tv(open_page, owner):
    page = await open_page(DESK, owner.real_cookies)
    await page.goto("/tv")
    await page.goto("/devices")
    await page.get_by_role("button", name="Sign out").click()
    await page.get_by_role("heading", name="Your films, at home.").wait_for()
    await page.goto("/sign-in")
    await page.get_by_text("There is no wallet in this browser.").wait_for()


async def test_an_expired_code_is_replaced_on_the_tv(house, open_page):
    assert isinstance(house.app[keys.PAIRING], Pairing)
    tv = await open_page(TV)
    await tv.goto("/tv")
    await until(tv, "document.getElementById('code').textContent.length === 7")
    first = await tv.locator("#code").inner_text()
    house.clock.now += 601
    await until(tv, f"document.getElementById('code').textContent !== {json.dumps(first)}")


async def test_a_refusal_fills_the_player_with_the_receipt_s_sentence(house, open_page, owner):
    sentence = "You hold no token of this film; 1 token lets you watch it."
    house.playback.refused = Receipt(
        ELSEWHERE.id, OWNER, "personal", False, Reason.TOO_FEW_TOKENS, sentence, Timestamp(0), missing=1
    )
    page = await open_page(DESK, owner.real_cookies)
    await page.goto(f"/films/{ELSEWHERE.id}")
    await page.get_by_role("button", name="Play", exact=True).click()
    await page.get_by_text(sentence).wait_for()
    await page.locator("#deck").wait_for(state="hidden")
    await page.get_by_role("link", name="Back to the film").click()
    await page.wait_for_url(f"**/films/{ELSEWHERE.id}")


async def test_when_the_tokens_are_gone_the_player_says_so(house, open_page, owner):
    page = await open_page(DESK, owner.real_cookies)
    await page.goto(f"/watch/{BEGUN.id}")
    await until(page, "document.getElementById('player').dataset.state !== undefined")
    async with asyncio.timeout(10):
        while not house.playback.leases:
            await asyncio.sleep(0.05)
    for token in list(house.playback.leases):
        house.playback.end(token, LeaseEnd.RIGHTS_GONE)
    await page.get_by_text("You no longer hold the tokens that let you watch this film.").wait_for()
    assert await page.locator("#film").get_attribute("src") is None


async def test_a_film_page_that_waits_becomes_whole_by_itself(house, open_page, owner):
    from dataclasses import replace

    from wylloh_server.domain.film import FilmState

    page = await open_page(DESK, owner.real_cookies)
    await page.goto(f"/films/{ARRIVING.id}")
    play = page.get_by_role("button", name="Play", exact=True)
    assert await play.is_disabled()
    await house.storage.films.save(replace(ARRIVING, state=FilmState.READY, progress=1.0))
    async with asyncio.timeout(20):
        while not await play.is_enabled():
            await asyncio.sleep(0.1)


async def test_a_poster_that_is_missing_is_set_in_type(open_page, owner):
    page = await open_page(DESK, owner.real_cookies)
    await page.goto("/")
    picture = page.locator(".grid .card img").first
    await picture.scroll_into_view_if_needed()
    await until(page, "document.querySelector('.grid .card img').complete")
    title = await page.locator(".grid .card > b").first.inner_text()
    written = await picture.evaluate("image => getComputedStyle(image, '::before').content")
    assert written == json.dumps(title)


async def test_a_film_that_stops_arriving_can_be_tried_again(house, open_page, owner):
    asked, start = [], house.playback.start

    async def counted(*arguments):
        asked.append(arguments)
        return await start(*arguments)

    house.playback.start = counted
    page = await open_page(DESK, owner.real_cookies)
    await page.goto(f"/watch/{BEGUN.id}")
    await page.get_by_text("The film stopped arriving.").wait_for()
    await page.get_by_role("button", name="Try again").click()
    async with asyncio.timeout(10):
        while len(asked) < 2:
            await asyncio.sleep(0.05)
    assert await page.evaluate("document.getElementById('player').dataset.start") == "1200.0"
