"""A publisher's pages in a real browser: what is saved, what is asked by a wallet, what is looked into."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.async_api import Error, expect

import wylloh_server
from tests.components.browser import chromium
from tests.components.browser_user import OUT_OF_PLACE
from tests.components.wallet import SCRIPT as TEST_WALLET
from tests.web.conftest import COLLECTOR, OWNER
from tests.web.publishers import NO_FILM
from wylloh_server.domain.access import Role
from wylloh_server.domain.film import Description
from wylloh_server.domain.title import Title, TitleId, TitleState
from wylloh_server.domain.topics import TITLES
from wylloh_server.web.app_keys import LIVE

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


async def chosen(page, kind, path):
    """Choose a file in the row of its kind."""
    await page.locator(f"#file-{kind} input[type=file]").set_input_files(path)


@pytest.fixture
async def slow_line(draft):
    """The second piece of a film is on its way until this is set."""
    pieces, quick = [], asyncio.Event()

    async def pass_on(route):
        if route.request.method == "PATCH" and int(route.request.headers["upload-offset"]) > 0:
            pieces.append(route.request)
            await quick.wait()
        with suppress(Error):  # the page has called it off
            await route.continue_()

    await draft.route("**/api/uploads/*", pass_on)
    yield quick
    quick.set()
    await draft.unroute_all(behavior="wait")


@pytest.fixture
def film(tmp_path):
    """A film of two pieces; of the first 88 % are here."""
    (tmp_path / "walk.mkv").write_bytes(bytes(9 << 20))
    return tmp_path / "walk.mkv"


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
    await chosen(draft, "feature", tmp_path / "walk.mkv")
    await expect(draft.locator("#file-feature")).to_contain_text("walk.mkv · 7.8 kB")
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


DRAWN_LATE = """
document.addEventListener("DOMContentLoaded", () => {
  const button = () => document.querySelector("[data-act=encrypt]");
  const loaded = button() !== null;
  new MutationObserver(() => button() && !loaded && window.__drawnLate()).observe(document, { subtree: true, childList: true });
});
"""


async def test_a_step_of_another_state_is_first_seen_on_the_new_page(people, server_under_test):
    """A button drawn on a page that is just going away takes a press, and nothing comes of it."""
    titles, late = server_under_test.storage.titles, []
    title = Title(TitleId("0123456789abcdef"), COLLECTOR, Description("A Walk"), 1.0, 1.0)
    await titles.save(replace(title, state=TitleState.PENDING))
    page = await people(COLLECTOR, "/titles")
    await page.expose_function("__drawnLate", lambda: late.append(True))
    await page.add_init_script(DRAWN_LATE)
    await page.goto(f"/titles/{title.id}")
    await expect(page.locator("#next h2")).to_have_text("Waiting for the owner")
    await titles.save(replace(title, state=TitleState.ACTIVE))
    server_under_test.app[LIVE].changed(TITLES)
    await expect(page.get_by_role("button", name="Encrypt", exact=True)).to_be_visible()
    assert not late


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
    place, before = draft.locator("#file-feature"), "MP4, MKV"
    for name in ("diary.1", "diary.2", "walk"):
        (tmp_path / f"{name}.mkv").write_bytes(b"Dear diary. " * 600)
        await chosen(draft, "feature", tmp_path / f"{name}.mkv")
        await expect(place).to_contain_text(f"{name}.mkv · 7.2 kB")
        await expect(place).not_to_contain_text(before)
        await expect(place.get_by_text(NO_FILM)).to_have_count(int(name != "walk"))
        await expect(place.get_by_text("Replace")).to_have_class(
            f"button small here{' button-primary' if name != 'walk' else ''}"
        )
        todo = draft.locator("#next li").filter(has_text="Replace")
        await expect(todo).to_have_text([f"Replace {name}.mkv. {NO_FILM}"] if name != "walk" else [])
        before = f"{name}.mkv"


async def test_uploads_run_beside_each_other_and_what_is_typed_survives_them(
    draft, slow_line, film, tmp_path
):
    (tmp_path / "poster.jpg").write_bytes(b"\xff\xd8\xff a poster")
    (tmp_path / "wide.jpg").write_bytes(b"\xff\xd8\xff a backdrop")
    row, year, asked = draft.locator("#file-feature"), draft.get_by_label("Year"), []
    draft.on("framenavigated", lambda frame: asked.append(frame.url))
    draft.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.dismiss())[1])
    await chosen(draft, "feature", film)
    await expect(row).to_contain_text("walk.mkv · 88 %")
    await chosen(draft, "poster", tmp_path / "poster.jpg")
    await chosen(draft, "backdrop", tmp_path / "wide.jpg")
    await expect(draft.locator("#file-poster")).to_contain_text("poster.jpg · 12 bytes")
    await expect(draft.locator("#file-backdrop")).to_contain_text("wide.jpg · 14 bytes")
    await remove_file(draft, "poster")
    await expect(draft.locator("#file-poster")).to_contain_text("A JPEG, PNG or WebP picture")
    await expect(row).to_contain_text("walk.mkv · 88 %")
    await expect(draft.locator("#sending")).to_contain_text("Keep this page open until walk.mkv is here.")
    await year.click()
    await draft.keyboard.type("2024")
    await draft.close(run_before_unload=True)
    await expect(row.get_by_role("button", name="Pause")).to_be_visible()
    assert asked == ["beforeunload"]
    slow_line.set()
    await expect(row).to_contain_text("walk.mkv · 9.44 MB", timeout=30_000)
    await expect(row.locator("small.sending")).to_be_hidden()
    await expect(draft.locator("#sending")).to_be_empty()
    await expect(year).to_be_focused()
    await expect(year).to_have_value("2024")
    assert asked == ["beforeunload"], "something was loaded again"


async def remove_file(page, kind):
    """Remove the newest file of a row."""
    button = page.locator(f"#file-{kind} [data-act=remove-file]")
    await button.click()
    await button.click()


async def test_an_interrupted_replacement_is_shown_goes_on_and_can_be_removed(
    draft, slow_line, film, tmp_path
):
    (tmp_path / "plain.mkv").write_bytes(b"A film indeed" * 600)
    row, begun = draft.locator("#file-feature"), []
    await chosen(draft, "feature", tmp_path / "plain.mkv")
    await expect(row).to_contain_text("plain.mkv · 7.8 kB")
    draft.on("request", lambda request: request.url.endswith("/api/uploads") and begun.append(request.url))
    await chosen(draft, "feature", film)
    await expect(row).to_contain_text("walk.mkv · 88 %")
    await draft.reload()
    half = "walk.mkv · 8.39 MB of 9.44 MB are here. Choose the same file again to go on."
    await expect(row).to_contain_text(half)
    await expect(row).to_contain_text("plain.mkv · 7.8 kB stays until this one is here and can be used.")
    await expect(draft.locator("#next")).to_contain_text("Let walk.mkv arrive whole, or remove it.")
    await chosen(draft, "feature", film)
    await expect(row).to_contain_text("walk.mkv · 88 %")
    await row.get_by_role("button", name="Pause").click()
    await expect(row).to_contain_text(half)
    await remove_file(draft, "feature")
    await expect(row.locator("small.here")).to_have_text("plain.mkv · 7.8 kB")
    await expect(draft.locator("#next")).not_to_contain_text("walk.mkv")
    slow_line.set()
    await chosen(draft, "feature", film)
    await expect(row.locator("small.here")).to_have_text("walk.mkv · 9.44 MB", timeout=30_000)
    await expect(row).not_to_contain_text("plain.mkv")
    assert len(begun) == 2


async def test_why_a_file_is_not_taken_stands_in_its_row(draft, tmp_path):
    for name in ("empty.mkv", "words.vtt", "diary.vtt", "diary.2.vtt"):
        (tmp_path / name).write_bytes(b"" if name == "empty.mkv" else b"WEBVTT\n")
    row = draft.locator("#file-feature")
    await chosen(draft, "feature", tmp_path / "empty.mkv")
    await expect(row.get_by_role("alert")).to_have_text("empty.mkv is empty. Choose another file.")
    await expect(row.get_by_role("button", name="Pause")).to_be_hidden()
    await expect(row.get_by_text("looked into")).to_have_count(0)
    added = draft.locator("#new-subtitles")
    await added.locator("input[type=file]").set_input_files(tmp_path / "words.vtt")
    await expect(added.get_by_role("alert")).to_contain_text("Write it in the field Language, as en")
    for name in ("words.vtt", "diary.vtt", "diary.2.vtt"):
        await added.get_by_label("Language").fill("de")
        await added.locator("input[type=file]").set_input_files(tmp_path / name)
        await expect(draft.locator("#file-subtitles-de")).to_contain_text(f"{name} · 7 bytes")
    await expect(added.get_by_label("Language")).to_have_value("")
    await expect(added.get_by_role("alert")).to_be_hidden()
    await expect(draft.locator("#uploads .upload")).to_have_count(5)
    await expect(draft.get_by_text("words.vtt · 7 bytes stays until")).to_be_visible()


async def test_two_open_pages_of_a_title_keep_what_each_has_changed(draft, people):
    other = await people(COLLECTOR, draft.url)
    said = other.locator("#saved")
    await draft.get_by_label("Synopsis").fill("Somebody walks.")
    await draft.get_by_role("button", name="Save").click()
    await expect(draft.locator("#saved")).to_have_text("Saved.")
    await other.get_by_label("Age rating").fill("6+")
    await other.get_by_role("button", name="Save").click()
    await expect(said).to_have_text("Saved. More was changed elsewhere; reload the page to see it.")
    await other.get_by_label("Synopsis").fill("Nobody walks.")
    await other.get_by_role("button", name="Save").click()
    await expect(said).to_have_text(
        "The synopsis was changed elsewhere meanwhile. Copy what you typed, then reload the page."
    )
    await other.reload()
    await expect(other.get_by_label("Synopsis")).to_have_value("Somebody walks.")
    await expect(other.get_by_label("Age rating")).to_have_value("6+")


async def test_what_was_said_of_a_step_goes_when_it_is_done(people, server_under_test):
    titles = server_under_test.storage.titles
    title = Title(TitleId("0123456789abcdef"), COLLECTOR, Description("A Walk"), 1.0, 1.0)
    staged = replace(title, state=TitleState.ACTIVE, staged=True)
    await titles.save(staged)
    page = await people(COLLECTOR, "/titles")
    await page.add_init_script(TEST_WALLET.replace("__NAME__", "test"))

    async def wallet(method, params):
        return {"result": [COLLECTOR] if "ccount" in method else "0x12"}

    await page.expose_function("__walletAsked", wallet)
    await page.route("**/signing", lambda route: route.fulfill(json={}))

    async def sign(route):
        await titles.save(replace(staged, root="bafyroot"))
        await route.fulfill(json={"task": "pack"})

    await page.route("**/sign", sign)
    await page.goto(f"/titles/{title.id}")
    await page.get_by_role("button", name="Sign with your wallet").click()
    await expect(page.get_by_role("heading", name="Put it on chain")).to_be_visible(timeout=30_000)
    await expect(page.locator("#status")).to_be_empty()


@pytest.mark.parametrize("size", SIZES[:2], ids=["phone", "desktop"])
async def test_a_row_fits_while_its_file_is_sent(draft, slow_line, film, size):
    await draft.set_viewport_size(size)
    await chosen(draft, "feature", film)
    await expect(draft.locator("#file-feature")).to_contain_text("walk.mkv · 88 %")
    assert await draft.evaluate("document.documentElement.scrollWidth") <= size["width"]
    assert await draft.evaluate(OUT_OF_PLACE) == []


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
