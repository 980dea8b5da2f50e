"""A publisher's pages in a real browser: what is saved, what is asked by a wallet, what is looked into."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from playwright.async_api import expect

import wylloh_server
from tests.components.browser import chromium
from tests.components.browser_user import OUT_OF_PLACE
from tests.web.conftest import COLLECTOR, OWNER
from tests.web.publishers import NO_FILM
from wylloh_server.domain.access import Role
from wylloh_server.domain.film import Description
from wylloh_server.domain.title import Title, TitleId, TitleState

SIZES = [{"width": 390, "height": 844}, {"width": 1280, "height": 800}, {"width": 1920, "height": 1080}]
DEMO = Path(__file__).resolve().parents[3] / "demo/plugins"
PERMIT = {
    "primaryType": "Permit",
    "domain": {"name": "Demo Dollar"},
    "message": {"spender": "0x" + "12" * 20, "value": "4990000"},
}
MANIFEST = {"primaryType": "Manifest", "domain": {"name": "Wylloh film manifest"}, "message": {}}


@pytest.fixture
async def server_under_test(open_server_under_test):
    """A server with the demo's wallets."""
    return await open_server_under_test(plugin_folder=DEMO)


@pytest.fixture
async def people(server_under_test, open_browser):
    """Open a page of the publisher's or the owner's: `await people(wallet, path, size)`."""
    await server_under_test.storage.accounts.save(COLLECTOR, Role.PUBLISHER)
    faults = []
    async with chromium() as browser:

        async def open_(wallet, path, size=SIZES[1]):
            person = open_browser(server_under_test)
            assert (await person.sign_in(wallet)).status == 200
            context = await browser.new_context(base_url=server_under_test.origin, viewport=size)
            cookies = person.real_cookies.items()
            await context.add_cookies(
                [{"name": name, "value": value, "url": server_under_test.origin} for name, value in cookies]
            )
            page = await context.new_page()
            page.on("pageerror", lambda fault: faults.append(fault))
            await page.goto(path)
            return page

        yield open_
    assert faults == []


@pytest.fixture
async def draft(people):
    """The page of a new title, opened by its publisher."""
    page = await people(COLLECTOR, "/titles")
    await page.get_by_label("A new title").fill("A Walk")
    await page.get_by_role("button", name="Begin").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("A Walk")
    return page


@pytest.fixture
def posts(draft):
    """What the page sends of its form."""
    sent = []
    draft.on("request", lambda request: request.method == "POST" and sent.append(request.post_data_json))
    return sent


async def test_a_wallets_question_on_the_page_is_answered(draft):
    asked = "async () => { const { agreed } = await import('/static/plugins/demo/dialog.js'); window.answer = agreed('Demo wallet', '0x12', 'Sign?', 'This.').then(() => 'yes'); }"
    await draft.evaluate(asked)
    await draft.get_by_role("dialog").get_by_role("button", name="Confirm").click()
    await expect(draft.get_by_role("dialog")).to_have_count(0)
    assert await draft.evaluate("window.answer") == "yes"


async def test_a_demo_wallet_says_what_is_signed(draft):
    asked = "async (data) => (await import('/static/plugins/demo/typed-data.js')).questionOf(data)"
    question, about = await draft.evaluate(asked, PERMIT)
    assert (question, "Demo Dollar" in about, "0x1212…1212" in about) == (
        "Sign a permission to spend?",
        True,
        True,
    )
    question, about = await draft.evaluate(asked, MANIFEST)
    assert "package" in question and "moves nothing" in about
    other = {"primaryType": "Order", "domain": {"name": "Elsewhere"}, "message": {}}
    assert await draft.evaluate(asked, other) == [
        "Sign “Order”?",
        "It is for Elsewhere. The page says what it does.",
    ]


async def test_one_press_saves_once_and_says_how_it_went_beside_the_button(draft, posts):
    said, save = draft.locator("#saved"), draft.get_by_role("button", name="Save")
    await draft.get_by_label("Most tokens there will ever be").fill("500")
    await save.click()
    await expect(said).to_have_text("Saved.")
    assert [sent["supply"] for sent in posts] == ["500"]
    for label, value, sentence in (
        ("Royalty of a resale, percent", "101", "is no percentage. Write 0 to 25"),
        ("Royalty of a resale, percent", "-1", "is no percentage."),
        ("Year", "99999", "is not a year."),
        ("Most tokens there will ever be", "0", "cannot be the number of tokens."),
    ):
        field = draft.get_by_label(label)
        before, count = await field.input_value(), len(posts)
        await field.fill(value)
        await save.click()
        await expect(said).to_contain_text(sentence)
        await expect(said).to_be_in_viewport()
        assert len(posts) == count + 1
        await field.fill(before)
        await save.click()
        await expect(said).to_have_text("Saved.")


async def test_what_is_not_kept_is_not_ready_and_the_next_step_says_why(draft, tmp_path):
    (tmp_path / "walk.mkv").write_bytes(b"A film indeed" * 600)
    async with draft.expect_navigation():
        await draft.locator("[data-kind=feature] input[type=file]").set_input_files(tmp_path / "walk.mkv")
    step, royalty = draft.locator("#next"), draft.get_by_label("Royalty of a resale, percent")
    await draft.get_by_label("Most tokens there will ever be").fill("500")
    await expect(step).to_contain_text("Not saved yet")
    await draft.keyboard.press("Tab")
    await expect(step.get_by_role("heading")).to_have_text("Ready to submit")
    await royalty.fill("abc")
    await expect(step.get_by_role("heading")).to_have_text("Not saved yet")
    await draft.keyboard.press("Tab")
    await expect(step).to_contain_text("is no percentage. Write 0 to 25")
    await expect(step.get_by_role("button", name="Submit")).to_be_disabled()
    await royalty.fill("5")
    await draft.keyboard.press("Tab")
    await expect(step.get_by_role("heading")).to_have_text("Ready to submit")
    await expect(step.get_by_role("button", name="Submit")).to_be_enabled()


async def test_a_step_that_missed_the_news_catches_up_by_itself(people, server_under_test):
    titles = server_under_test.storage.titles
    title = Title(TitleId("0123456789abcdef"), COLLECTOR, Description("A Walk"), 1.0, 1.0)
    await titles.save(replace(title, state=TitleState.ACTIVE))
    page = await people(COLLECTOR, f"/titles/{title.id}")
    heading = page.locator("#next h2")
    await expect(heading).to_have_text("Encrypt it")
    await titles.save(replace(title, state=TitleState.ACTIVE, staged=True))  # and nobody is told
    await expect(heading).to_have_text("Sign it", timeout=30_000)


async def test_who_leaves_a_field_has_saved_it_and_the_next_step_knows(draft, posts):
    await expect(draft.locator("#next")).to_contain_text("Say how many tokens there will be.")
    await draft.get_by_label("Most tokens there will ever be").fill("500")
    await draft.keyboard.press("Tab")
    await expect(draft.locator("#saved")).to_have_text("Saved.")
    await expect(draft.locator("#next")).not_to_contain_text("Say how many tokens")
    await draft.keyboard.press("Tab")
    await draft.keyboard.press("Tab")
    await draft.wait_for_timeout(200)
    assert len(posts) == 1


async def test_a_file_that_is_no_film_is_said_and_replaced(draft, tmp_path):
    (tmp_path / "diary.mkv").write_bytes(b"Dear diary. " * 600)
    (tmp_path / "walk.mkv").write_bytes(b"A film indeed" * 600)
    place = draft.locator("[data-kind=feature]")
    for name in ("diary", "diary", "walk"):
        async with draft.expect_navigation():
            await place.locator("input[type=file]").set_input_files(tmp_path / f"{name}.mkv")
        await expect(place).to_contain_text(f"{name}.mkv · ")
        await expect(place.get_by_text(NO_FILM)).to_have_count(int(name == "diary"))
        await expect(place.get_by_text("Replace")).to_have_class(
            f"button small{' button-primary' if name == 'diary' else ''}"
        )
    await expect(draft.locator("#next")).not_to_contain_text("Replace")


async def test_a_title_fits_on_a_phone(draft):
    await draft.set_viewport_size(SIZES[0])
    assert await draft.evaluate("document.documentElement.scrollWidth") <= SIZES[0]["width"]
    assert await draft.evaluate(OUT_OF_PLACE) == []
    await draft.evaluate("document.getElementById('title').style.display = 'contents'")
    faults = await draft.evaluate(OUT_OF_PLACE)
    assert "under the bar" in faults[0] and "no gutter" in faults[1]


@pytest.mark.parametrize("size", SIZES, ids=["phone", "desktop", "tv"])
async def test_publishing_and_approving_stand_under_the_bar(server_under_test, people, size):
    await server_under_test.storage.accounts.save(COLLECTOR, Role.VIEWER)
    for wallet, path in ((COLLECTOR, "/titles"), (OWNER, "/approvals")):
        page = await people(wallet, path, size)
        bar = await page.locator("header.bar").bounding_box()
        headline = await page.locator("h1").bounding_box()
        assert headline["y"] >= bar["y"] + bar["height"] and headline["x"] >= 15, path
