"""What only a real browser shows: pages at three sizes, without scripts, by remote, and changing while they are open."""

from __future__ import annotations

import asyncio
import re
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import expect
from store_on_chain import ALICE, store_server

from tests.components.browser import chromium
from tests.components.registry import ACCOUNTS
from tests.components.browser_user import DESKTOP, PATIENCE_MS, PHONE, TV


@pytest.fixture
async def browser():
    async with chromium() as running:
        yield running


@asynccontextmanager
async def window(browser, person, viewport, **options):
    """A window of somebody signed in; a fault in a script or a refused style fails the test."""
    url, faults = person.browser.url, []
    context = await browser.new_context(viewport=viewport, base_url=url, **options)
    context.set_default_timeout(PATIENCE_MS)
    await context.add_cookies(
        [{"name": one.key, "value": one.value, "url": url} for one in person.browser.cookies]
    )
    page = await context.new_page()
    page.on("pageerror", lambda fault: faults.append(str(fault)))
    page.on("console", lambda said: faults.append(said.text) if "Content Security" in said.text else None)
    yield page
    await context.close()
    assert faults == []


async def test_every_page_fits_a_phone_a_desk_and_a_tv(browser, tmp_path, chain, market):
    market.buy(20, 10**30, by=ALICE.address)
    market.list(market.film, 5, market.coin, 4_500_000, by=ALICE.address)
    async with store_server(tmp_path, chain[0], market, shown="4.50 dUSD") as (film, owner, alice, _):
        base = f"/plugins/store/film/{film.id}"
        for account in (ACCOUNTS[0], ALICE):  # the longest name there may be, in one piece
            await alice.proposes("names", address=account.address, name="W" * 60)
            await owner.proposes("names", address=account.address, name="W" * 60)
        paths = ["", "?q=zzz", "history", "selling", "permissions", "names"]
        of_alice = [f"/plugins/store/{path}" for path in paths]
        of_alice += [f"{base}/buy", f"{base}/sell", f"{base}/holders", f"/films/{film.id}"]
        pages = [(alice, path) for path in of_alice] + [
            (owner, f"{base}/prices"),
            (owner, "/plugins/store/prices"),
        ]
        wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        for person in (alice, owner):
            async with window(browser, person, DESKTOP) as page:
                for path in [path for who, path in pages if who is person]:
                    assert (await page.goto(path)).status == 200, path
                    for viewport in (PHONE, TV, DESKTOP):
                        await page.set_viewport_size(viewport)
                        assert await page.evaluate(wide) <= 0, (path, viewport)
                        assert await page.locator("h1").count() == 1, path
                        assert await page.locator("main .button.button-primary:visible").count() <= 1, path


async def test_the_button_follows_the_number_and_selling_says_what_arrives(browser, tmp_path, chain, market):
    market.buy(20, 10**30, by=ALICE.address)
    async with store_server(tmp_path, chain[0], market) as (film, _, alice, _):
        base = f"/plugins/store/film/{film.id}"
        async with window(browser, alice, PHONE) as page:
            await page.goto(f"{base}/buy")
            buy, number = page.locator("#quote form button"), page.get_by_label("How many")
            await expect(buy).to_have_text("Buy 1 for 5.00 dUSD")
            held = asyncio.Event()
            await page.route(f"**{base}/buy?**", lambda route: _after(held, route))
            await number.fill("12")
            await expect(buy).to_be_disabled()
            held.set()
            await expect(buy).to_have_text(re.compile(r"^Buy 12 for "))
            await expect(buy).to_be_enabled()
            await expect(number).to_be_focused()
            await number.fill("x")
            await expect(buy).to_have_count(0)
            await page.goto(f"{base}/sell")
            await page.get_by_label("How many tokens").fill("2")
            await page.get_by_label("Price of one").fill("10")
            await expect(page.locator("#outcome")).to_contain_text("You will receive")


async def _after(held, route):
    await held.wait()
    await route.continue_()


async def test_searching_and_choosing_need_no_script_and_the_back_button_undoes_them(
    browser, tmp_path, chain, market
):
    async with store_server(tmp_path, chain[0], market) as (film, _, alice, _):
        async with window(browser, alice, DESKTOP, java_script_enabled=False) as page:
            await page.goto("/plugins/store/")
            await page.get_by_role("searchbox").fill("wnter")
            await page.get_by_role("button", name="Search", exact=True).click()
            await expect(page.get_by_role("status").first).to_have_text("1 film for “wnter”")
            await page.get_by_role("link", name="Drama").first.click()
            assert page.url.endswith("/plugins/store/?q=wnter&genre=drama")
            await page.get_by_role("link", name="take away").filter(has_text="Drama").click()
            assert page.url.endswith("/plugins/store/?q=wnter")
            await page.go_back()
            await expect(page.locator("[aria-current=true]").first).to_contain_text("Drama")
            await page.get_by_role("link", name=film.title).click()
            await page.get_by_role("button", name="Buy 1").click()
            await page.wait_for_url("**/transactions/*")
            await expect(page.get_by_role("heading", level=1)).to_have_text(f"Buy 1 token of {film.title}")


async def test_an_open_page_shows_what_happens_on_chain(browser, tmp_path, chain, market):
    async with store_server(tmp_path, chain[0], market) as (film, _, alice, _):
        async with window(browser, alice, PHONE) as page:
            await page.goto(f"/films/{film.id}")
            await expect(page.locator("#forsale header")).to_contain_text("400 tokens left")
            await page.evaluate("window.still = true")
            market.buy(30, 10**30, by=ALICE.address)
            await expect(page.locator("#forsale header")).to_contain_text("370 tokens left")
            await expect(page.get_by_role("link", name="Sell yours")).to_be_visible()
            assert await page.evaluate("window.still") is True


async def test_a_remote_reaches_filters_and_films(browser, tmp_path, chain, market):
    async with store_server(tmp_path, chain[0], market) as (film, _, alice, _):
        async with window(browser, alice, TV) as page:
            as_on_tv = "document.addEventListener('readystatechange', () => document.documentElement.dataset.distance = 'tv')"
            await page.add_init_script(as_on_tv)
            await page.goto("/plugins/store/")
            await expect(page.locator(".card")).to_be_focused()
            await page.keyboard.press("ArrowUp")
            await expect(page.locator(".filters > summary")).to_be_focused()
            await page.keyboard.press("Enter")
            await expect(page.get_by_role("link", name="On sale")).to_be_visible()
            await page.keyboard.press("ArrowDown")
            await page.keyboard.press("Enter")
            await page.wait_for_url("**/?availability=sale")
            await expect(page.locator(".card")).to_be_focused()
            await page.keyboard.press("Enter")
            await page.wait_for_url(f"**/films/{film.id}")
