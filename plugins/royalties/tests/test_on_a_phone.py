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
from tests.components.visitor import PHONE
from wylloh_royalties import static_dirs
from wylloh_server.resources import theme_dir
from wylloh_server.sdk import Role, Share

HERE = "http://royalties.test/"
LONG = "W" * 60
PAGES = ("", at(), at(page="statement"), at(page="recipients"), "films", "new")
FITS = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"


async def looks(route):
    """Answer as the server would, but for the typeface, which changes nothing here."""
    path = urlsplit(route.request.url).path.removeprefix("/static/")
    folder = static_dirs()[0] if path.startswith("plugins/") else theme_dir("default") / "static"
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
