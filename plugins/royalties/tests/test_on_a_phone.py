"""Long titles and roles on a narrow screen: nothing scrolls sideways."""

from __future__ import annotations

from urllib.parse import urlsplit

from royalty_samples import (
    ANN,
    PUBLISHER,
    answer,
    at,
    created,
    credited,
    film,
    happened,
    made,
    offer,
    paid,
    sold,
)

from tests.components.browser import chromium
from tests.components.browser_user import PHONE
from wylloh_royalties import static_dirs
from wylloh_server.resources import bundled_themes
from wylloh_server.sdk import Role, Share

HERE = "http://royalties.test/"
LONG = "W" * 60
PAGES = ("", at(), at(page="statement"), at(page="recipients"), "films", "new")
LINES = """(cells) => cells.map((cell) => {
  const range = document.createRange();
  range.selectNodeContents(cell);
  return new Set([...range.getClientRects()].map(({ top }) => top)).size;
})"""
APART = """[...document.querySelectorAll(".exact")]
  .filter(({ parentElement }) => /flex|grid/.test(getComputedStyle(parentElement).display))
  .map(({ parentElement }) => parentElement.outerHTML)"""
FITS = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"


async def looks(route):
    """Answer as the server would, but for the typeface, which changes nothing here."""
    path = urlsplit(route.request.url).path.removeprefix("/static/")
    folder = static_dirs()[0] if path.startswith("plugins/") else bundled_themes()["default"] / "static"
    file = folder / path.removeprefix("plugins/royalties/")
    if file.is_file():
        await route.fulfill(path=file)
    else:
        await route.abort()


async def test_long_titles_and_roles_break_into_lines(royalties):
    async with royalties(films=(film(1, LONG),)) as app, chromium() as browser:
        answer(app, pending=7)
        shares = (Share(PUBLISHER, 6_500, LONG), Share(ANN, 3_500, LONG))
        await happened(app, *made(shares=shares), created(1), offer(1), sold(1, 10_000_000))
        await happened(app, *credited((PUBLISHER, 10**12), (ANN, 5)), paid(PUBLISHER, 10**11))
        page, drawn = await browser.new_page(viewport=PHONE), []
        await page.route("**/static/**", looks)
        await page.route(HERE, lambda route: route.fulfill(body=drawn[-1], content_type="text/html"))
        for path in PAGES:
            drawn += [await app.render(await app.get(path, by=Role.PUBLISHER), by=Role.PUBLISHER)]
            await page.goto(HERE)
            assert await page.evaluate("getComputedStyle(document.body).margin") == "0px", "it has its looks"
            assert path == "new" or LONG in await page.content()
            assert await page.evaluate(FITS), path


async def test_an_amount_and_its_coin_stand_together(royalties):
    """A rounded amount is an element: in a flex box or grid it would part from its coin."""
    async with royalties() as app, chromium() as browser:
        answer(app, pending=1_234_567)
        shares = (Share(PUBLISHER, 6_500, "director"), Share(ANN, 3_500, "writer"))
        await happened(app, *made(shares=shares), created(1), offer(1), sold(1, 3_402_750))
        await happened(app, *credited((PUBLISHER, 215_082_750), (ANN, 5_017)), paid(PUBLISHER, 1_017_251))
        page, drawn = await browser.new_page(viewport=PHONE), []
        await page.route("**/static/**", looks)
        await page.route(HERE, lambda route: route.fulfill(body=drawn[-1], content_type="text/html"))
        for path in ("", at(), at(page="statement")):
            drawn += [await app.render(await app.get(path, by=Role.PUBLISHER), by=Role.PUBLISHER)]
            await page.goto(HERE)
            assert await page.locator(".exact").count()
            assert await page.evaluate(APART) == [], path


async def test_on_paper_no_word_is_broken_and_every_amount_is_exact(royalties):
    async with royalties() as app, chromium() as browser:
        answer(app)
        await happened(app, *made(shares=(Share(PUBLISHER, 10_000, "director"),)), created(1), offer(1))
        await happened(app, *credited((PUBLISHER, 123_456_789_012_345)), paid(PUBLISHER, 1_234_567))
        page = await browser.new_page(viewport={"width": 690, "height": 1000})  # A4 within its margins
        await page.emulate_media(media="print")
        await page.route("**/static/**", looks)
        html = await app.render(await app.get(at(page="statement"), by=Role.PUBLISHER), by=Role.PUBLISHER)
        await page.route(HERE, lambda route: route.fulfill(body=html, content_type="text/html"))
        await page.goto(HERE)
        words = page.locator(".lines-of tbody th")
        assert await words.all_inner_texts() == ["Credit", "Payout"]
        assert await words.evaluate_all(LINES) == [1, 1]
        exact = "getComputedStyle(document.querySelector('.sum .exact'), '::after').content"
        assert await page.evaluate(exact) == '" (123,456,789.012345)"'
        assert await page.evaluate(FITS)
