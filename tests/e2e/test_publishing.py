"""From an upload to tokens on chain in one flow: a publisher, the owner, a dropped connection, a wallet."""

import re

import pytest
import pytest_asyncio
from playwright.async_api import expect

from tests.components.films import make_film
from tests.components.browser_user import PATIENCE_MS
from tests.e2e.shoppers import Shopper
from demo.demo_chain import accounts


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    """Large enough for several pieces."""
    return make_film(tmp_path_factory.mktemp("upload") / "walk.mkv", 40, size="1280x720")


@pytest_asyncio.fixture(loop_scope="session")
async def publisher(browser, demo):
    """The demo's publisher, whom registry and server know."""
    person = await Shopper.opened(browser, demo, accounts().publisher)
    person.browser_user.expected = [r"Failed to load resource|net::ERR_FAILED"]
    yield person
    await person.browser_user.leave()
    assert person.browser_user.problems == []


@pytest_asyncio.fixture(loop_scope="session")
async def somebody(browser, demo):
    """Somebody with a wallet who would like to publish."""
    person = await Shopper.opened(browser, demo)
    yield person
    await person.browser_user.leave()
    assert person.browser_user.problems == []


async def answer(owner, name, verb, note=""):
    """Let the owner answer the request that says `name`."""
    await owner.page.goto("/approvals")
    line = owner.page.locator("[data-request]", has_text=name)
    if note:
        await line.get_by_label(re.compile("Reason")).fill(note)
    await line.get_by_role("button", name=verb).click()
    await expect(owner.page.locator("[data-request]", has_text=name)).to_have_count(0)


async def test_who_would_like_to_publish_asks_and_the_owner_answers(somebody, new_user, demo):
    page = somebody.page
    owner = await new_user(demo)
    await owner.sign_in("demo")  # to let a publisher in needs a signature that is fresh
    await page.goto("/titles")
    await page.get_by_label("Who you are").fill("I draw with formulas.")
    await page.get_by_role("button", name="Ask the owner").click()
    await expect(page.get_by_role("heading", name="You have asked")).to_be_visible()
    await answer(owner, "I draw with formulas.", "Approve")
    await page.goto("/titles")
    await expect(page.get_by_label("A new title")).to_be_visible()


async def test_a_publisher_brings_a_film_from_the_upload_to_the_chain(publisher, new_user, demo, film):
    page = publisher.page
    owner = await new_user(demo)
    await owner.sign_in("demo")

    await page.goto("/titles")
    await page.get_by_label("A new title").fill("A Walk")
    await page.get_by_role("button", name="Begin").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("A Walk")
    await send_with_a_break(page, film)
    await page.get_by_label("Synopsis").fill("A short walk, for a test.")
    await page.get_by_label("Most tokens there will ever be").fill("500")
    await page.get_by_label("Royalty of a resale, percent").fill("5")
    await page.get_by_role("button", name="Save").click()
    await expect(page.locator("#saved")).to_have_text("Saved.")
    await page.reload()
    await page.get_by_role("button", name="Submit").click()
    await expect(page.get_by_role("heading", name="Waiting for the owner")).to_be_visible()

    await owner.page.goto("/")
    await expect(owner.page.locator("#reminders")).to_contain_text("A Walk waits for your approval.")
    await owner.page.get_by_role("link", name="Approvals 1 new").click()
    await owner.page.get_by_role("link", name="Watch A Walk").click()
    await owner.plays_beyond(0.5)
    await owner.page.go_back()
    await answer(owner, "A Walk", "Send back", "Say who made it.")
    await expect(page.locator(".notice:visible")).to_contain_text("Say who made it.", timeout=PATIENCE_MS)
    await expect(page.get_by_label("Credits, one a line")).to_be_enabled(timeout=PATIENCE_MS)
    await page.get_by_label("Credits, one a line").fill("Direction: A Machine")
    await page.get_by_role("button", name="Save").click()
    await expect(page.locator("#saved")).to_have_text("Saved.")
    await page.get_by_role("button", name="Submit").click()
    await expect(page.get_by_role("heading", name="Waiting for the owner")).to_be_visible()
    await answer(owner, "A Walk", "Approve")

    await page.get_by_role("button", name="Encrypt", exact=True).click(timeout=PATIENCE_MS)
    await page.get_by_role("button", name="Sign with your wallet").click(timeout=PATIENCE_MS)
    await page.get_by_label("Tokens to make now").fill("50")
    await page.get_by_role("button", name="Put on chain").click()
    await expect(page.locator(".page")).to_contain_text("A Walk gets a token of its own, at most 500 times.")
    await publisher.confirm()
    await page.get_by_role("link", name=re.compile("Go on|Back")).first.click()
    await expect(page.get_by_role("heading", name="On chain")).to_be_visible(timeout=PATIENCE_MS)
    await page.get_by_role("link", name="Open the film").click()
    await expect(page.locator("#standing")).to_contain_text("You hold 50", timeout=PATIENCE_MS)
    await publisher.browser_user.play("A Walk")
    assert not list(demo.home.glob("holder/uploads/*"))


async def send_with_a_break(page, film):
    """Choose the film; the connection drops after the first piece, and choosing it again goes on."""
    pieces = []

    async def drop(route):
        pieces.append(route.request)
        if len(pieces) in {2, 3}:
            await route.abort()
        else:
            await route.continue_()

    await page.route("**/api/uploads/*", drop)
    place = page.locator("[data-kind=feature]")
    await place.locator("input[type=file]").set_input_files(film)
    await expect(place).to_contain_text(re.compile(r"walk\.mkv · [\d.]+ MB"), timeout=PATIENCE_MS)
    await expect(place).not_to_contain_text("are here")
    await page.unroute("**/api/uploads/*")
    assert len(pieces) >= 3


async def test_a_title_page_says_what_every_state_means_to_a_mouse_and_to_a_key(publisher):
    page = publisher.page
    await page.goto("/titles")
    state = page.locator(".state").first
    meaning = state.get_by_role("tooltip")
    await expect(meaning).to_be_hidden()
    await state.hover()
    await expect(meaning).to_be_visible()
    await page.mouse.move(0, 700)
    await expect(meaning).to_be_hidden()
    await state.focus()
    await expect(meaning).to_be_visible()
