"""What only a real browser can show: pages at three sizes, a remote's arrows, answers without a new page."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import pytest

from tests.components.browser import chromium
from tests.components.pictures import take
from tests.web.conftest import (  # noqa: F401 - fixtures
    browser,
    browsers,
    open_browser,
    open_server_under_test,
    owner,
    settings_of,
)
from tests.web.pages.conftest import stocked
from tests.web.pages.samples import BEGUN, OWN, STACKED
from wylloh_server.domain.access import DeviceKind
from wylloh_server.web import app_keys
from wylloh_tagging.export import FORMAT

PHONE, DESKTOP, TV = (
    {"width": 390, "height": 844},
    {"width": 1280, "height": 800},
    {"width": 1920, "height": 1080},
)
TAGS = {
    BEGUN: ("genre/animation", "decade/2000s", "length/short", "mood/sunny morning"),
    STACKED: ("genre/animation", "genre/drama/rural", "decade/1950s"),
    OWN: ("genre/documentary", "decade/1940s", "family"),
}
HERE = "/plugins/tagging"


class BrowserUser:
    def __init__(self, page):
        self.page = page


@pytest.fixture
async def server_under_test(open_server_under_test):  # noqa: F811
    """An owned server with tagged films and collections."""
    server_under_test = await stocked(open_server_under_test, bundled=("tagging",))
    await server_under_test.storage.films.save(
        replace(
            OWN, description=replace(OWN.description, synopsis="A lighthouse, a storm and a lonely keeper.")
        )
    )

    async def nothing(*_):
        return None

    # These films have no files, and so nothing is said in them.
    server_under_test.app[app_keys.SERVICES].library.words = server_under_test.app[
        app_keys.SERVICES
    ].library.probe = nothing
    return server_under_test


@pytest.fixture
async def furnished(server_under_test, owner):  # noqa: F811
    file = {
        "format": FORMAT,
        "films": [{"film": film.id, "tags": tags} for film, tags in TAGS.items()],
        "greys": {
            "genre": "slate",
            "genre/drama": "coal",
            "decade": "stone",
            "mood": "silver",
            "family": "pearl",
        },
        "collections": [
            {"name": "Rainy Sundays", "filter": "animation OR documentary", "home": True},
            {"name": "Long ago", "filter": "1940s OR 1950s", "home": True},
        ],
    }
    await owner.post(f"{HERE}/import/confirmed", data={"text": json.dumps(file)})
    await server_under_test.work.jobs.settled()
    return server_under_test


@pytest.fixture
async def open_page(furnished, owner):  # noqa: F811
    """Open a page as the owner. A fault in a script fails the test."""
    faults = []
    async with chromium() as program:

        async def open_(size, path, cookies=None):
            context = await program.new_context(viewport=size, base_url=furnished.origin)
            given = cookies or owner.real_cookies
            await context.add_cookies(
                [{"name": name, "value": value, "url": furnished.origin} for name, value in given.items()]
            )
            page = await context.new_page()
            page.on("pageerror", lambda fault: faults.append(fault))
            page.on(
                "console",
                lambda said: faults.append(said.text) if "Content Security Policy" in said.text else None,
            )
            await page.goto(path)
            return page

        yield open_
    assert faults == []


@pytest.fixture
async def tv_cookies(owner, browsers):  # noqa: F811
    tv = browsers()
    code = (await (await tv.post("/api/tv/code", {})).json())["code"]
    await owner.post("/api/tv/approve", {"code": code, "name": "Sofa"})
    assert (await (await tv.get("/api/tv/state")).json())["state"] == "approved"
    return tv.real_cookies


async def said(page):
    """What has the focus, in the words a screen reader says."""
    return " ".join((await page.evaluate("document.activeElement.textContent")).split())


async def until(page, expression):
    async with asyncio.timeout(60):
        while not await page.evaluate(expression):
            await asyncio.sleep(0.05)


PAGES = {
    "library": "/",
    "film": f"/films/{OWN.id}",
    "tags": f"{HERE}/",
    "tag": f"{HERE}/tag/genre",
    "rename": f"{HERE}/rename?tag=genre/drama&to=genre/animation",
    "filter": f"{HERE}/filter?q=animation+AND+(1950s+OR+2000s)+NOT+short&at=1",
    "filter-wrong": f"{HERE}/filter?q=animation+AND",
    "collections": f"{HERE}/collections",
    "suggestions": f"{HERE}/suggestions",
    "import": f"{HERE}/import",
}


async def test_every_page_fits_and_is_pictured(open_page, tv_cookies):
    for size in (PHONE, DESKTOP, TV):
        page = await open_page(size, "/", tv_cookies if size is TV else None)
        if size is TV:
            assert await page.evaluate("document.documentElement.dataset.distance") == DeviceKind.TV
        for name, path in PAGES.items():
            if size is TV and name in {"rename", "suggestions", "import"}:
                continue  # what a TV does not do: it never has more than a viewer's role
            await page.goto(path)
            await page.evaluate(
                "document.querySelectorAll('main details').forEach((one) => { one.open = true; })"
            )
            assert await page.evaluate("document.documentElement.scrollWidth") <= size["width"], name
            assert await page.locator("main .button.button-primary:visible").count() <= 1, name
            await take(BrowserUser(page), f"tagging-{name}")


async def test_no_name_however_long_makes_a_phone_scroll_sideways(open_page, owner, furnished):  # noqa: F811
    long = "w" * 80
    for tag in (long, f"genre/{long[:74]}", f"{'x' * 39}/{'y' * 40}"):
        await owner.post(f"{HERE}/film/{OWN.id}/tags", {"tag": tag})
    await owner.post(f"{HERE}/categories", data={"name": "z" * 80})
    await furnished.storage.films.save(
        replace(BEGUN, description=replace(BEGUN.description, synopsis=f"About {long}."))
    )
    form = {"name": "N" * 60, "q": f"family AND ({long} OR {'x' * 39})", "shared": "y", "home": "y"}
    kept = await owner.post(f"{HERE}/filter", data=form)
    pages = {
        "library": "/",
        "film": f"/films/{OWN.id}",
        "suggested": f"/films/{BEGUN.id}",
        "tags": f"{HERE}/",
        "tag": f"{HERE}/tag/{long}",
        "rename": f"{HERE}/rename?tag={long}&to={'v' * 80}",
        "filter": f"{HERE}/filter?q={long}+OR+{'u' * 80}",
        "collections": f"{HERE}/collections",
        "collection": kept.headers["Location"],
        "suggestions": f"{HERE}/suggestions",
    }
    page = await open_page(PHONE, "/")
    for name, path in pages.items():
        await page.goto(path)
        await page.evaluate(
            "document.querySelectorAll('main details').forEach((one) => { one.open = true; })"
        )
        wide = await page.evaluate(
            """() => [...document.querySelectorAll('main *')].filter((one) => !one.closest('.row')
            && one.getBoundingClientRect().right > 391).map((one) => one.tagName + '.' + one.className)"""
        )
        assert await page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], (name, wide)
        assert wide == [], name


async def test_a_remote_builds_a_filter(open_page, tv_cookies, owner):  # noqa: F811
    await owner.post(f"{HERE}/filter", data={"name": "Drawn", "q": "animation"})
    page = await open_page(TV, f"{HERE}/filter", tv_cookies)
    assert await said(page) == "genre 3 films"

    async def press(key):
        if key == "Enter":
            async with page.expect_navigation():
                await page.keyboard.press(key)
        else:
            await page.keyboard.press(key)
        return await said(page)

    assert await press("ArrowRight") == "animation 2 films"
    assert await press("Enter") == "animation 2 films"
    await page.get_by_role("heading", name="2 films").wait_for()
    for _ in range(6):
        if (await press("ArrowUp")) == "and not":
            break
        if await said(page) == "and":
            assert await press("ArrowRight") == "and not"
            break
    assert await press("Enter") == "and not"
    assert await page.locator("#asking").inner_text() == "Leave out films tagged"
    seen = []
    for _ in range(8):
        seen.append(await press("ArrowDown"))
        if seen[-1].startswith(("decade", "1940s", "1950s", "2000s")):
            break
    while not (await said(page)).startswith("1950s"):
        assert await press("ArrowRight") not in {"", seen[-1]}
    await press("Enter")
    assert await page.locator("#q").input_value() == "genre/animation NOT decade/1950s"
    await page.get_by_role("heading", name="1 film", exact=True).wait_for()
    for path in ("filter?q=animation", "collections", ""):
        await page.goto(f"{HERE}/{path}")
        assert await page.locator("main form[method=post]").count() == 0, "a TV changes nothing"
    await page.goto(f"{HERE}/collections")
    await page.get_by_role("link", name="Drawn").wait_for()


async def test_a_screen_reader_hears_the_builder(open_page):
    page = await open_page(DESKTOP, f"{HERE}/filter?q=animation+AND+(1950s+OR+2000s)+NOT+short")
    builder = page.get_by_role("region", name="Build the filter")
    assert await builder.get_by_role("link", name="Remove 1950s").count() == 1
    decades = builder.get_by_role("region", name="decade").get_by_role("link")
    assert await decades.all_text_contents() == ["decade 1 film", "1950s 1 film"], "of the one film found"
    tag = builder.get_by_role("link", name="drama/rural 1 film", exact=True)
    assert await tag.get_attribute("aria-describedby") == "asking"
    await page.goto(f"{HERE}/filter?q=animation+AND")
    alert = page.get_by_role("alert")
    assert "There is no tag after “AND”." in await alert.inner_text()
    field = page.get_by_label("In words")
    assert await field.get_attribute("aria-describedby") == "wrong"
    assert await field.evaluate("element => element === document.activeElement")


async def test_rows_of_collections_are_in_a_remote_s_way(open_page, tv_cookies):
    page = await open_page(TV, "/", tv_cookies)
    row = page.get_by_role("region", name="Long ago")
    assert await row.locator(".card").count() == 2
    for _ in range(12):
        await page.keyboard.press("ArrowDown")
        if await row.evaluate("row => row.contains(document.activeElement)"):
            break
    assert await row.evaluate("row => row.contains(document.activeElement)")
    await page.keyboard.press("ArrowRight")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/films/*")


async def test_suggestions_are_answered_without_leaving_the_page(open_page):
    page = await open_page(DESKTOP, f"/films/{OWN.id}")
    suggested = page.locator("#suggested-tags")
    first = suggested.locator("button.yes").first
    tag = await first.evaluate("button => button.form.elements.tag.value")
    second = await suggested.locator("button.yes").nth(1).evaluate("button => button.form.elements.tag.value")
    await page.evaluate("window.stayed = true")
    await first.focus()
    await page.keyboard.press("Enter")
    await page.locator("#film-tags").get_by_role("link", name=tag, exact=True).wait_for()
    assert await page.evaluate("window.stayed")
    assert await page.evaluate("document.activeElement.form.elements.tag.value") == second
    await suggested.get_by_role("button", name=f"Never suggest {second} for {OWN.title}").click()
    await until(
        page,
        f"![...document.querySelectorAll('#suggested-tags [name=tag]')].some((one) => one.value === {second!r})",
    )
    assert await page.locator("#film-tags").get_by_role("link", name=second, exact=True).count() == 0


async def test_adding_tags_keeps_the_focus(open_page):
    page = await open_page(PHONE, f"/films/{OWN.id}")
    tags = page.locator("#film-tags")
    await page.evaluate("window.stayed = true")
    await tags.get_by_text("Add tags").click()
    field = page.get_by_label("A word, or a path")
    for tag in ("storm at sea", "keeper"):
        await field.press_sequentially(tag)
        await page.keyboard.press("Enter")
        await tags.get_by_role("link", name=tag, exact=True).wait_for()
        assert await field.evaluate("field => field === document.activeElement")
        assert await field.input_value() == ""
    await field.fill("fog")
    add = tags.get_by_role("button", name="Add", exact=True)
    await add.click()
    await tags.get_by_role("link", name="fog", exact=True).wait_for()
    assert await add.evaluate("button => button === document.activeElement")
    assert await page.evaluate("window.stayed")


@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desk"])
async def test_suggestions_of_the_whole_library_are_answered_one_after_the_other(open_page, furnished, size):
    page = await open_page(size, f"{HERE}/suggestions")
    await page.get_by_role("button", name="Look into 7 films").click()
    await page.wait_for_url("**/tasks")
    await furnished.work.jobs.settled()
    await page.goto(f"{HERE}/suggestions")
    section = page.get_by_role("region", name=OWN.title)
    buttons = section.locator("button.yes")
    there = await buttons.count()
    assert there > 2
    await take(BrowserUser(page), "tagging-suggestions-found")
    await buttons.first.click()
    await until(
        page, f"document.querySelectorAll('[aria-labelledby=film-{OWN.id}] .yes').length === {there - 1}"
    )
    await section.locator("button.no").first.click()
    await until(
        page, f"document.querySelectorAll('[aria-labelledby=film-{OWN.id}] .yes').length === {there - 2}"
    )
    assert await page.evaluate("document.activeElement.className") == "no"
    assert await page.evaluate("document.documentElement.scrollWidth") <= size["width"]


async def test_a_file_is_brought_in(open_page, furnished, tmp_path):
    file = tmp_path / "tags.csv"
    file.write_text(f'film,tag\n{OWN.id},"brought, along"\n', encoding="utf-8-sig")
    page = await open_page(PHONE, f"{HERE}/import")
    await page.get_by_label("File", exact=True).set_input_files(file)
    await page.get_by_role("button", name="See what will happen").click()
    await page.get_by_text("1 film will get 1 new tag.").wait_for()
    await page.get_by_role("button", name="Import").click()
    await page.wait_for_url("**/tasks")
    await furnished.work.jobs.settled()
    await page.goto(f"/films/{OWN.id}")
    await page.locator("#film-tags").get_by_role("link", name="brought, along").wait_for()


async def test_a_tag_that_changes_elsewhere_changes_on_an_open_page(open_page, owner):  # noqa: F811
    page = await open_page(DESKTOP, f"/films/{OWN.id}")
    await owner.post(f"{HERE}/film/{OWN.id}/tags", {"tag": "from afar"})
    await page.locator("#film-tags").get_by_role("link", name="from afar").wait_for()


async def test_many_films_are_tagged_from_the_library(open_page, furnished):
    page = await open_page(PHONE, "/")
    await page.get_by_role("button", name="Select", exact=True).click()
    for film in (OWN, STACKED):
        await page.get_by_role("checkbox", name=f"Select {film.title}").last.check()
    await page.get_by_role("button", name="Add a tag").click()
    dialog = page.get_by_role("dialog", name="Add a tag")
    await dialog.get_by_label("Tag, a word").fill("Family")
    await dialog.get_by_role("button", name="Go on").click()
    await dialog.get_by_text("1 film gets the tag family; 1 has it already.").wait_for()
    await take(BrowserUser(page), "tagging-batch", whole=False)
    await dialog.get_by_role("button", name="Confirm").click()
    await furnished.work.jobs.settled()
    await page.goto(f"/films/{STACKED.id}")
    await page.locator("#film-tags").get_by_role("link", name="family").wait_for()
