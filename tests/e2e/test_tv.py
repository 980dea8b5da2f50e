"""A TV without a keyboard is let in by a phone, driven with arrow keys, and taken back."""

from __future__ import annotations

import io
import re

import av
from playwright.async_api import expect

from tests.components.pictures import take
from tests.components.browser_user import PATIENCE_MS, PHONE, TV

FILM = "Light"
CODE = re.compile(r"^[A-Z0-9]{3} [A-Z0-9]{3}$")


async def test_a_phone_lets_a_tv_in_and_takes_it_back(demo, new_user):
    tv, phone = await new_user(demo, TV), await new_user(demo, PHONE)
    await phone.sign_in("demo")
    code = await code_on(tv)
    await approve(phone, code, "Living room")
    await expect(tv.page).to_have_url(re.compile(r":\d+/$"), timeout=PATIENCE_MS)
    await expect(tv.page.locator("html")).to_have_attribute("data-distance", "tv")
    await expect(tv.page.get_by_role("button", name=re.compile("wallet"))).to_have_count(0)
    await take(tv, "tv-library", whole=False)
    await press_until(tv, "ArrowDown", "a.card")
    await press_until(tv, "ArrowRight", f"a.card:has(b:text-is('{FILM}'))")
    await tv.page.keyboard.press("Enter")
    await expect(tv.page.get_by_role("heading", level=1)).to_have_text(FILM)
    await expect(tv.page.locator("button.button-primary")).to_be_focused()
    await tv.page.keyboard.press("Enter")
    await tv.plays_beyond(1)
    await tv.page.keyboard.press("ArrowRight")
    await tv.plays_beyond(10)
    await a_remote_steers(tv)

    tv.expected += ["status of 403", "status of 401"]
    await phone.page.goto("/devices")
    await phone.page.get_by_role("button", name="Revoke Living room").click()
    await phone.page.get_by_role("button", name="Press again to revoke").click()
    await expect(phone.page.locator("#status")).to_contain_text("Revoked")
    await expect(tv.page.get_by_role("alertdialog")).to_be_visible(timeout=PATIENCE_MS)
    assert await tv.film("paused")
    await tv.page.keyboard.press("Enter")
    await expect(tv.page).to_have_url(re.compile("/tv$"))
    await expect(tv.page.locator("#code")).to_have_text(CODE)
    await tv.page.goto("/sign-in")
    await expect(tv.page).to_have_url(re.compile("/tv$"))
    assert (await tv.post("/api/films/anything/play"))[0] == 401


async def test_a_code_is_for_one_tv_and_a_wrong_one_for_none(demo, new_user, signed_in):
    tv, phone = await new_user(demo, TV), await new_user(demo, PHONE, signed_in)
    phone.expected += ["status of 403", "status of 400"]
    code = await code_on(tv)
    await approve(phone, "AAA AAA", "Nothing", "No TV shows that code")
    assert (await tv.context.request.get("/api/tv/state")).ok
    await expect(tv.page.locator("#state")).to_contain_text("Waiting for approval")
    await approve(phone, code, "Kitchen")
    await expect(tv.page).to_have_url(re.compile(r":\d+/$"), timeout=PATIENCE_MS)
    await approve(phone, code, "Another", "No TV shows that code")


async def test_the_qr_code_leads_a_phone_to_the_pairing_page(demo, new_user, signed_in):
    tv, phone = await new_user(demo, TV), await new_user(demo, PHONE, signed_in)
    async with tv.page.expect_response("**/api/tv/code") as offered:
        code = await code_on(tv)
    offer = await (await offered.value).json()
    assert offer["pair_url"].endswith(f"/pair?code={code.replace(' ', '')}")
    picture = await tv.page.locator("#qr svg").screenshot()
    with av.open(io.BytesIO(picture)) as decoded:
        grey = bytes(next(decoded.decode(video=0)).reformat(format="gray").planes[0])
    dark = sum(value < 60 for value in grey) / len(grey)
    assert 0.2 < dark < 0.7
    await phone.page.goto(
        offer["pair_url"].replace(re.match(r"https?://[^/]+", offer["pair_url"])[0], demo.url)
    )
    await expect(phone.page.get_by_role("group", name="Which number does the TV show?")).to_be_visible()
    await expect(phone.page.get_by_role("button", name=offer["number"], exact=True)).to_be_visible()


async def a_remote_steers(tv) -> None:
    """Enter brings the controls, then pauses; arrows scroll nothing; Back leaves in two steps, and it goes on there."""
    page = tv.page
    player, toggle = page.locator("#player"), page.locator("#toggle")
    await expect(player).to_have_attribute("data-controls", "closed", timeout=PATIENCE_MS)
    await expect(page.locator("#controls")).to_be_hidden()
    await page.keyboard.press("Enter")
    await expect(player).to_have_attribute("data-controls", "open")
    await expect(toggle).to_be_focused()
    assert not await tv.film("paused")
    await page.keyboard.press("Enter")
    await page.wait_for_function("document.getElementById('film').paused")
    for key in ("ArrowUp", "ArrowUp", "ArrowDown", "ArrowDown"):
        await page.keyboard.press(key)
        assert await page.evaluate("document.getElementById('player').scrollTop + window.scrollY") == 0
    await expect(toggle).to_be_focused()
    await page.keyboard.press("Enter")
    await tv.plays_beyond(11)
    await page.keyboard.press("Escape")
    await expect(player).to_have_attribute("data-controls", "closed")
    assert "/watch/" in page.url
    positions = await positions_told(tv, lambda: page.keyboard.press("Backspace"))
    assert positions and max(positions) >= 11
    await page.keyboard.press("Escape")
    await expect(page).to_have_url(re.compile(r":\d+/$"))
    await page.go_forward()
    await expect(page.locator("button.button-primary")).to_be_focused()
    await page.keyboard.press("Enter")
    await tv.plays_beyond(11)


async def positions_told(tv, leave) -> list[float]:
    """Leave the player for the film's page; gives the positions it told before it asked for that page."""
    page, told = tv.page, []

    def heard(request) -> None:
        if request.url.endswith("/position"):
            told.append(request.post_data_json["at"])

    page.on("request", heard)
    async with page.expect_request(lambda request: request.is_navigation_request()):
        await leave()
    page.remove_listener("request", heard)
    await expect(page).to_have_url(re.compile("/films/"))
    await expect(page.get_by_role("link", name="Start over")).to_be_visible()
    return told


async def code_on(tv) -> str:
    """Open the pairing page on a TV; gives the code it shows, large and whole on the screen."""
    await tv.page.goto("/tv")
    digits = tv.page.locator("#code")
    await expect(digits).to_have_text(CODE)
    place = await digits.bounding_box()
    assert place["height"] > 100 and place["x"] > 0 and place["x"] + place["width"] < 1920
    await expect(tv.page.get_by_role("img", name="QR code")).to_be_visible()
    return await digits.inner_text()


async def approve(phone, code: str, name: str, answer: str = "Done.") -> None:
    await phone.page.goto("/pair")
    await phone.page.get_by_label("Code on the TV").fill(code)
    await phone.page.get_by_role("button", name="Go on").click()
    if answer == "Done.":
        await expect(phone.page.get_by_text("in the same network as this device")).to_be_visible()
        await phone.page.get_by_label("What to call it").fill(name)
        await phone.page.get_by_role("button", name="Let it play my films").click()
    await expect(phone.page.locator("#status")).to_contain_text(answer)


async def press_until(browser_user, key: str, selector: str) -> None:
    """Press an arrow key until something that matches has the focus."""
    focused = browser_user.page.locator(f"{selector}:focus")
    for _ in range(12):
        if await focused.count():
            return
        await browser_user.page.keyboard.press(key)
    raise AssertionError(f"{key} does not lead to {selector}")
