"""Every page at every size: nothing breaks, nothing is fetched from elsewhere, everything has a name."""

from __future__ import annotations

import re
from contextlib import suppress

import pytest
from playwright.async_api import TimeoutError, expect

from tests.components.pictures import take, take_for_readme
from tests.components.axe import violations
from tests.components.browser_user import DESKTOP, OUT_OF_PLACE, PATIENCE_MS, PHONE, TV
from wylloh_server.plugins import PluginRegistry

FILM = "Light"
SIZES = [pytest.param(PHONE, id="phone"), pytest.param(DESKTOP, id="desk"), pytest.param(TV, id="tv")]
"""Sizes at which a page is loaded anew, because scripts look at the size when it is loaded."""
OPEN_TO_ALL = {"welcome": "/", "sign-in": "/sign-in", "tv": "/tv"}
FOR_THE_OWNER = {
    "library": "/",
    "search": "/search",
    "about": "/about",
    "receipts": "/receipts",
    "pair": "/pair",
    "devices": "/devices",
    "admin": "/admin",
    "storage": "/admin/storage",
    "log": "/admin/log",
    "tasks": "/tasks",
    "transactions": "/transactions",
    "titles": "/titles",
    "approvals": "/approvals",
}
FOR_A_VIEWER = {"publish": "/titles"}
FILES = (".csv", ".json", ".pdf", ".png")
"""Addresses that give a file and no page."""
RESIZED_MS = 20_000
NAMED_ROLES = {"button", "link", "textbox", "combobox", "slider", "checkbox", "menuitemradio", "img", "Video"}


async def test_the_pages_that_are_open_to_all(demo, new_user):
    browser_user = await new_user(demo)
    for name, path in OPEN_TO_ALL.items():
        await browser_user.page.goto(path)
        if name == "tv":
            await expect(browser_user.page.locator("#qr svg")).to_be_visible()
        if name == "sign-in":
            await expect(browser_user.page.locator("#wallets button").first).to_be_visible()
        await in_order_at_every_size(browser_user, name)


async def test_the_owners_pages(demo, new_user, signed_in):
    owner = await new_user(demo, DESKTOP, signed_in)
    for name, path in FOR_THE_OWNER.items():
        reply = await owner.page.goto(path)
        assert reply.status == 200, path
        await in_order_at_every_size(owner, name)
    await owner.open_film(FILM)
    await in_order_at_every_size(owner, "film")
    await take_for_readme(owner)


def plugin_pages() -> dict[str, str]:
    """Every page of every bundled plugin, with `{film}` where it is about one."""
    registry = PluginRegistry()
    registry.load()
    pages = [mounted for mounted in registry.routes() if mounted.route.method == "GET"]
    paths = [mounted.url for mounted in pages if not mounted.url.endswith(FILES)]
    about_films = [path for path in paths if set(re.findall(r"{(\w+)", path)) <= {"film"}]
    return {path.removeprefix("/plugins/").strip("/").replace("/", "-"): path for path in about_films}


async def test_the_pages_of_somebody_who_may_only_watch(demo, new_user, empty_handed):
    viewer = await new_user(demo, DESKTOP, empty_handed)
    for name, path in FOR_A_VIEWER.items():
        await viewer.page.goto(path)
        await in_order_at_every_size(viewer, name)


@pytest.mark.parametrize("wallet", ["demo", "publisher"])
async def test_every_page_of_every_plugin(demo, new_user, sessions, wallet):
    person = await new_user(demo, DESKTOP, await sessions(wallet))
    await person.open_film(FILM)
    film, seen = person.film_id, 0
    for name, path in plugin_pages().items():
        address = path.replace("{film}", film)
        reply = await person.context.request.get(address)
        if reply.status in {400, 403, 404} or "text/html" not in reply.headers["content-type"]:
            continue  # not for this wallet, about something that is not named, or a file
        assert reply.status == 200, path
        await person.page.goto(address)
        seen += 1
        await in_order_at_every_size(person, f"{wallet}-{name.replace('{film}', 'film')}")
    assert seen > 12


@pytest.mark.parametrize("size", SIZES)
async def test_the_player(demo, new_user, signed_in, size):
    holder = await new_user(demo, size, signed_in)
    await holder.play(FILM)
    if size != PHONE:
        await holder.choose("subtitles", "English")
        await expect(holder.page.locator("#subtitles p")).to_be_visible(timeout=PATIENCE_MS)
    await holder.menu("quality")
    await holder.page.evaluate("() => document.getElementById('film').pause()")
    await in_order(holder)
    await take(holder, "player", whole=False)


@pytest.mark.parametrize("size", SIZES)
async def test_the_refusal(demo, new_user, empty_handed, size):
    guest = await new_user(demo, size, empty_handed)
    guest.expected.append(r"status of 403 .*/api/films/\w+/play")
    await guest.open_film(FILM)
    await in_order(guest)
    await take(guest, "refusal")
    await guest.page.goto(f"/watch/{guest.film_id}")
    await expect(guest.page.get_by_role("alertdialog")).to_be_visible()
    assert await nameless(guest.page) == []
    await take(guest, "refusal-player", whole=False)


async def test_a_page_that_is_not_there(demo, new_user):
    browser_user = await new_user(demo)
    browser_user.expected.append("status of 404")
    reply = await browser_user.page.goto("/no/such/page")
    assert reply.status == 404
    await in_order(browser_user)
    await take(browser_user, "not-found")


async def in_order_at_every_size(browser_user, name: str) -> None:
    """Check the page that is open at the three sizes, and take a picture of each; it ends as a desktop's."""
    for size in (PHONE, TV, DESKTOP):
        await browser_user.page.set_viewport_size(size)
        await in_order(browser_user)
        await take(browser_user, name)


async def in_order(browser_user) -> None:
    """One headline, a title, a language, everything in its place, and a name on everything one can use."""
    page = browser_user.page
    await expect(page.get_by_role("heading", level=1)).to_have_count(1)
    assert await page.title()
    assert await page.locator("html").get_attribute("lang") == "en"
    fits = "() => document.documentElement.scrollWidth <= document.documentElement.clientWidth"
    with suppress(TimeoutError):  # a chart follows another size of the window a moment later
        await page.wait_for_function(fits, timeout=RESIZED_MS)
    assert await page.evaluate(fits), f"{page.url} scrolls sideways"
    assert await page.evaluate(OUT_OF_PLACE) == [], page.url
    assert await nameless(page) == [], page.url
    assert await violations(page) == [], page.url
    assert browser_user.problems == []


async def nameless(page) -> list[str]:
    """What assistive technology would find without a name."""
    session = await page.context.new_cdp_session(page)
    nodes = (await session.send("Accessibility.getFullAXTree"))["nodes"]
    await session.detach()
    return [
        node["role"]["value"]
        for node in nodes
        if not node.get("ignored")
        and node.get("role", {}).get("value") in NAMED_ROLES
        and not node.get("name", {}).get("value", "").strip()
    ]
