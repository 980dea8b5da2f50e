"""Every page at every size: nothing breaks, nothing is fetched from elsewhere, everything has a name."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import expect

from tests.components.pictures import take, take_for_readme
from tests.components.visitor import DESK, OUT_OF_PLACE, PATIENCE_MS, PHONE, TV
from wylloh_server.hooks import PluginRegistry

FILM = "Light"
SIZES = [pytest.param(PHONE, id="phone"), pytest.param(DESK, id="desk"), pytest.param(TV, id="tv")]
OPEN_TO_ALL = {"welcome": "/", "sign-in": "/sign-in", "tv": "/tv"}
FOR_THE_OWNER = {
    "library": "/",
    "pair": "/pair",
    "devices": "/devices",
    "admin": "/admin",
    "tasks": "/tasks",
    "transactions": "/transactions",
    "titles": "/titles",
    "approvals": "/approvals",
}
FOR_A_VIEWER = {"publish": "/titles"}
FILES = (".csv", ".json", ".pdf", ".png")
"""Addresses that give a file and no page."""
NAMED_ROLES = {"button", "link", "textbox", "combobox", "slider", "checkbox", "menuitemradio", "img", "Video"}


@pytest.mark.parametrize("size", SIZES)
async def test_the_pages_that_are_open_to_all(demo, arrive, size):
    visitor = await arrive(demo, size)
    for name, path in OPEN_TO_ALL.items():
        await visitor.page.goto(path)
        if name == "tv":
            await expect(visitor.page.locator("#qr svg")).to_be_visible()
        if name == "sign-in":
            await expect(visitor.page.locator("#wallets button").first).to_be_visible()
        await in_order(visitor)
        await take(visitor, name)


@pytest.mark.parametrize("size", SIZES)
async def test_the_owners_pages(demo, arrive, signed_in, size):
    owner = await arrive(demo, size, signed_in)
    for name, path in FOR_THE_OWNER.items():
        reply = await owner.page.goto(path)
        assert reply.status == 200, path
        await in_order(owner)
        await take(owner, name)
    await owner.open_film(FILM)
    await in_order(owner)
    await take(owner, "film")
    if size == DESK:
        await take_for_readme(owner)


def plugin_pages() -> dict[str, str]:
    """Every page of every bundled plugin, with `{film}` where it is about one."""
    registry = PluginRegistry()
    registry.load()
    pages = [mounted for mounted in registry.routes() if mounted.route.method == "GET"]
    paths = [mounted.url for mounted in pages if not mounted.url.endswith(FILES)]
    about_films = [path for path in paths if set(re.findall(r"{(\w+)", path)) <= {"film"}]
    return {path.removeprefix("/plugins/").strip("/").replace("/", "-"): path for path in about_films}


@pytest.mark.parametrize("size", SIZES)
async def test_the_pages_of_somebody_who_may_only_watch(demo, arrive, empty_handed, size):
    viewer = await arrive(demo, size, empty_handed)
    for name, path in FOR_A_VIEWER.items():
        await viewer.page.goto(path)
        await in_order(viewer)
        await take(viewer, name)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("wallet", ["demo", "publisher"])
async def test_every_page_of_every_plugin(demo, arrive, sessions, size, wallet):
    person = await arrive(demo, size, await sessions(wallet))
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
        await in_order(person)
        await take(person, f"{wallet}-{name.replace('{film}', 'film')}")
    assert seen > 12


@pytest.mark.parametrize("size", SIZES)
async def test_the_player(demo, arrive, signed_in, size):
    holder = await arrive(demo, size, signed_in)
    await holder.play(FILM)
    if size != PHONE:
        await holder.choose("subtitles", "English")
        await expect(holder.page.locator("#subtitles p")).to_be_visible(timeout=PATIENCE_MS)
    await holder.menu("quality")
    await holder.page.evaluate("() => document.getElementById('film').pause()")
    await in_order(holder)
    await take(holder, "player", whole=False)


@pytest.mark.parametrize("size", SIZES)
async def test_the_refusal(demo, arrive, empty_handed, size):
    guest = await arrive(demo, size, empty_handed)
    guest.expected.append(r"status of 403 .*/api/films/\w+/play")
    await guest.open_film(FILM)
    await in_order(guest)
    await take(guest, "refusal")
    await guest.page.get_by_role("button", name="Play", exact=True).click()
    await expect(guest.page.get_by_role("alertdialog")).to_be_visible()
    assert await nameless(guest.page) == []
    await take(guest, "refusal-player", whole=False)


async def test_a_page_that_is_not_there(demo, arrive):
    visitor = await arrive(demo)
    visitor.expected.append("status of 404")
    reply = await visitor.page.goto("/no/such/page")
    assert reply.status == 404
    await in_order(visitor)
    await take(visitor, "not-found")


async def in_order(visitor) -> None:
    """One headline, a title, a language, everything in its place, and a name on everything one can use."""
    page = visitor.page
    await expect(page.get_by_role("heading", level=1)).to_have_count(1)
    assert await page.title()
    assert await page.locator("html").get_attribute("lang") == "en"
    beyond = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert await page.evaluate(beyond) <= 0, f"{page.url} scrolls sideways"
    assert await page.evaluate(OUT_OF_PLACE) == [], page.url
    assert await nameless(page) == [], page.url
    assert visitor.problems == []


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
