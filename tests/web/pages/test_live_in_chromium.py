"""Open pages stay true by themselves, and never in anybody's way."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from textwrap import dedent

import pytest
from playwright.async_api import expect

from tests.components.browser import chromium
from tests.web.conftest import OWNER
from tests.web.pages.conftest import stocked
from tests.web.pages.samples import BEGUN, ELSEWHERE
from wylloh_server.domain.topics import film_topic
from wylloh_server.domain.types import BlockNumber
from wylloh_server.web import keys

# A page of a plugin with everything that must survive a drawing.
PLUGIN = """
from pathlib import Path
from wylloh_server.sdk import *

WYLLOH_SDK = SDK_VERSION
COUNT = {"value": 0, "asked": 0}

async def page(context, request):
    COUNT["asked"] += 1
    return Page("page.html", dict(COUNT, gone=COUNT["value"] > 100))

@hookimpl
def routes():
    return [Route("GET", "page", page, role=None)]

@hookimpl
def template_dirs():
    return [Path(__file__).parent / "templates"]
"""
PAGE = """
{% extends "base.html" %}
{% block content %}
<div class="page plain">
  <h1>Page</h1>
  <section id="box" data-live="plugin:testlive" data-live-say="It is {{ value }}.">
    <p id="count">{{ value }}</p>
    <ul>
      {% if value > 1 %}<li><a href="/new" id="new">New</a></li>{% endif %}
      <li data-key="a"><input type="checkbox" aria-label="tick" id="tick"></li>
      {% for number in range(40) %}<li><a class="one" href="/{{ number }}">{{ number }}</a></li>{% endfor %}
    </ul>
    <details><summary>More</summary>Text</details>
    <label for="field">Field</label><input id="field" value="{{ value }}">
  </section>
  <p id="outside"><label for="other">Other</label><input id="other"></p>
  <p id="still">{{ value }}</p>
  {% if not gone %}<p id="going" data-live="plugin:testlive">Here</p>{% endif %}
</div>
{% endblock %}
"""


@pytest.fixture
async def house(open_house, tmp_path):
    package = tmp_path / "plugins" / "testlive" / "wylloh_testlive"
    (package / "templates").mkdir(parents=True)
    (package / "__init__.py").write_text(dedent(PLUGIN))
    (package / "templates/page.html").write_text(PAGE)
    return await stocked(open_house, plugin_folder=tmp_path / "plugins")


@pytest.fixture
def count(house):
    import wylloh_testlive

    return wylloh_testlive.COUNT


@pytest.fixture
async def tabs(house, owner):
    """Open tabs of the owner's browser: `await tabs(path)`. A fault in a script fails the test."""
    faults = []
    async with chromium() as browser:

        @asynccontextmanager
        async def browser_of(cookies=None):
            context = await browser.new_context(
                base_url=house.origin, viewport={"width": 1280, "height": 800}
            )
            given = [
                {"name": name, "value": value, "url": house.origin} for name, value in (cookies or {}).items()
            ]
            await context.add_cookies(given)
            context.on("weberror", lambda fault: faults.append(fault.error))
            yield context

        async with browser_of(owner.real_cookies) as context:

            async def open_(path, without=""):
                page = await context.new_page()
                if without:
                    await page.add_init_script(f"delete window.{without}")
                await page.goto(path)
                return page

            yield open_
    assert faults == []


async def listening(house, pages=1):
    """Wait until so many streams are open."""
    async with asyncio.timeout(20):
        while len(house.app[keys.LIVE]._listeners) != pages:
            await asyncio.sleep(0.02)


async def changed(house, count, value=None):
    count["value"] = count["value"] + 1 if value is None else value
    house.app[keys.LIVE].changed("plugin:testlive")


async def test_a_part_of_a_page_is_drawn_anew_and_the_rest_is_left_alone(house, count, tabs):
    page = await tabs("/plugins/testlive/page")
    await listening(house)
    await page.evaluate("document.getElementById('count').mine = 1")
    await changed(house, count)
    await expect(page.locator("#count")).to_have_text("1")
    assert await page.locator("#still").inner_text() == "0"
    assert await page.evaluate("document.getElementById('count').mine") == 1
    assert await page.locator("#live-said").inner_text() == "It is 1."
    house.app[keys.LIVE].changed("plugin:other")
    asked = count["asked"]
    await changed(house, count, 101)
    await expect(page.locator("#count")).to_have_text("101")
    await expect(page.locator("#going")).to_have_count(0)
    assert count["asked"] == asked + 1


async def test_focus_scrolling_ticks_and_what_is_open_survive(house, count, tabs):
    page = await tabs("/plugins/testlive/page")
    await listening(house)
    await page.locator("#tick").check()
    await page.get_by_text("More").click()
    await page.locator("#other").fill("half a sen")
    await page.locator("a.one").nth(30).focus()
    await page.mouse.wheel(0, 300)
    scrolled = await page.evaluate("window.scrollY")
    await changed(house, count, 2)
    await expect(page.locator("#new")).to_have_count(1)
    assert await page.locator("#tick").is_checked()
    assert await page.locator("details").get_attribute("open") is not None
    assert await page.locator("#other").input_value() == "half a sen"
    assert await page.evaluate("document.activeElement.textContent") == "30"
    assert abs(await page.evaluate("window.scrollY") - scrolled) < 100


async def test_nothing_moves_while_somebody_types_in_it(house, count, tabs):
    page = await tabs("/plugins/testlive/page")
    await listening(house)
    await page.locator("#field").press_sequentially("abc")
    asked = count["asked"]
    await changed(house, count, 7)
    await expect(page.locator("#going")).to_have_count(1)
    await asyncio.sleep(0.6)  # several times as long as a page waits for more news
    assert await page.locator("#count").inner_text() == "0"
    assert count["asked"] <= asked + 1, "it asked for the page again and again"
    await page.keyboard.press("Tab")
    await expect(page.locator("#count")).to_have_text("7")
    assert await page.locator("#field").input_value() == "abc0"


async def test_a_sentence_is_shown_and_leads_somewhere(house, tabs):
    page = await tabs("/devices")
    await listening(house)
    house.app[keys.LIVE].notify(OWNER, "12 tokens of <b>Light</b> arrived.", f"/films/{ELSEWHERE.id}")
    toast = page.locator("#notices .toast")
    await expect(toast).to_have_text("12 tokens of <b>Light</b> arrived.×")
    assert await page.locator("#notices").get_attribute("role") == "status"
    house.app[keys.LIVE].notify(OWNER, "No link.")
    await toast.nth(1).get_by_role("button", name="Dismiss").click()
    await expect(toast).to_have_count(1)
    await toast.get_by_role("link").click()
    await page.wait_for_url(f"**/films/{ELSEWHERE.id}")


async def test_what_a_task_ends_with_takes_the_place_of_what_was_said_when_it_began(house, tabs):
    page = await tabs("/devices")
    await listening(house)
    begin = "async (task) => (await import('/static/live/notices.js')).begun({ sentence: 'Begun.', link: '/tasks', task })"
    live, toast = house.app[keys.LIVE], page.locator("#notices .toast")
    await page.evaluate(begin, "one")
    live.notify(OWNER, "Something else.")
    await expect(toast).to_have_text(["Begun.×", "Something else.×"])
    live.notify(OWNER, "One is done.", "/tasks", "one")
    await expect(toast).to_have_text(["Something else.×", "One is done.×"])
    await page.evaluate(begin, "one")
    await page.evaluate(begin, "two")
    await expect(toast).to_have_text(["Something else.×", "One is done.×", "Begun.×"])


async def test_the_ladder_moves_without_a_reload_when_tokens_come(house, tabs):
    page, library = await tabs(f"/films/{ELSEWHERE.id}"), await tabs("/")
    await listening(house)
    await page.evaluate("window.same = true")
    await expect(page.get_by_text("You hold no token of this film.")).to_be_visible()
    others = library.get_by_role("region", name="Not yours yet")
    await expect(others.locator("a.card", has_text=ELSEWHERE.title)).to_have_count(1)
    house.chain.held[OWNER, ELSEWHERE.token] = 100
    house.chain.block = BlockNumber(101)
    house.app[keys.LIVE].changed(film_topic(ELSEWHERE.id), "wallet", wallet=OWNER)
    await expect(page.get_by_text("You hold 100", exact=True)).to_be_visible()
    await expect(page.locator(".scale .held")).to_have_count(2)
    await expect(page.get_by_text("You hold no token of this film.")).to_have_count(0)
    assert "go" in await page.get_by_role("button", name="Play", exact=True).get_attribute("class")
    assert await page.evaluate("window.same")
    yours = library.get_by_role("region", name="Yours for good")
    await expect(yours.locator("a.card", has_text=ELSEWHERE.title)).to_have_count(1)
    await expect(yours.locator("a.card", has_text=ELSEWHERE.title).locator(".badge")).to_contain_text("×100")


async def test_six_tabs_share_one_stream_and_leave_the_connections_to_the_film(house, count, tabs):
    pages = [await tabs("/plugins/testlive/page") for _ in range(6)]
    await listening(house, 1)
    await changed(house, count)
    for page in pages:
        await expect(page.locator("#count")).to_have_text("1")
    answers = await pages[0].evaluate(
        "Promise.all([1, 2, 3, 4, 5].map(() => fetch('/livez').then((r) => r.status)))"
    )
    assert answers == [200] * 5
    player = await tabs(f"/watch/{BEGUN.id}")
    async with asyncio.timeout(10):
        while not house.playback.leases:
            await asyncio.sleep(0.05)
    await player.close()
    await pages[0].close()
    await changed(house, count)
    await expect(pages[5].locator("#count")).to_have_text("2")


async def test_a_tab_that_joins_later_hears_what_happened_since_it_was_drawn(house, count, tabs):
    first = await tabs("/plugins/testlive/page")
    await listening(house)
    second = await tabs("/devices")
    held = asyncio.Event()

    async def late(route):
        await held.wait()
        await route.continue_()

    await second.route("**/live.js*", late)
    await second.goto("/plugins/testlive/page", wait_until="commit")
    await expect(second.locator("#count")).to_have_text("0")
    await changed(house, count)
    await expect(first.locator("#count")).to_have_text("1")
    held.set()
    await expect(second.locator("#count")).to_have_text("1")


async def test_without_shared_workers_a_page_listens_while_it_is_in_sight(house, count, tabs):
    page = await tabs("/plugins/testlive/page", without="SharedWorker")
    await listening(house)
    await changed(house, count)
    await expect(page.locator("#count")).to_have_text("1")
    await in_sight(page, False)
    async with asyncio.timeout(10):
        while len(house.app[keys.LIVE]._listeners) and not await closed(house):
            await asyncio.sleep(0.05)
    await changed(house, count)
    await in_sight(page, True)
    await expect(page.locator("#count")).to_have_text("2")


async def closed(house):
    """Say whether the streams that are open are left by their browsers; the server notices when it writes."""
    from wylloh_server.web.api.live import STREAMS

    return all(request.transport is None for request, _ in house.app[STREAMS]._open)


async def in_sight(page, seen):
    await page.evaluate(
        """(hidden) => {
          Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
          document.dispatchEvent(new Event("visibilitychange"));
        }""",
        not seen,
    )


async def test_a_player_opens_no_stream(house, tabs):
    await tabs(f"/watch/{ELSEWHERE.id}")
    await asyncio.sleep(0.3)
    assert not house.app[keys.LIVE]._listeners


async def test_who_has_been_signed_out_meanwhile_is_not_shown_the_sign_in_page_in_pieces(house, count, tabs):
    page = await tabs("/devices")
    await page.evaluate("document.getElementById('devices').dataset.live = 'library'")
    await listening(house)
    for session in await house.storage.sessions.of_wallet(OWNER):
        await house.storage.sessions.remove(session.device)
    async with page.expect_response("**/sign-in*"):
        house.app[keys.LIVE].changed("library")
    await expect(page.locator("#devices li")).to_have_count(1)
