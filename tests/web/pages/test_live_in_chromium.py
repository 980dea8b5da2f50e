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
from wylloh_server.web import app_keys

# A page of a plugin with everything that must survive a drawing.
PLUGIN = """
from pathlib import Path
from wylloh_server.sdk import *

WYLLOH_SDK = SDK_VERSION
COUNT = {"value": 0, "asked": 0}

async def page(context, request):
    COUNT["asked"] += 1
    return Page("page.html", dict(COUNT, gone=COUNT["value"] > 100))

async def keep(context, request):
    if request.form["word"] != "good":
        raise InvalidValue("Write good.")
    context.live.notify(request.viewer.wallet, "Kept.")
    return Redirect("/plugins/testlive/page")

@hookimpl
def routes():
    return [PluginRoute("GET", "page", page, role=None), PluginRoute("POST", "keep", keep)]

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
  {% for film in ("one", "two") %}
  <form method="post" action="/plugins/testlive/keep" id="{{ film }}">
    <input type="hidden" name="film" value="{{ film }}"><input type="password" name="secret" aria-label="secret">
    <textarea name="word" aria-label="word"></textarea><select name="kind" aria-label="kind"><option>a<option>b</select>
    <input type="checkbox" name="tick" value="1" aria-label="ticked"><button>Keep</button>
  </form>
  {% endfor %}
  {% if not gone %}<p id="going" data-live="plugin:testlive">Here</p>{% endif %}
</div>
{% endblock %}
"""


@pytest.fixture
async def server_under_test(open_server_under_test, tmp_path):
    package = tmp_path / "plugins" / "testlive" / "wylloh_testlive"
    (package / "templates").mkdir(parents=True)
    (package / "__init__.py").write_text(dedent(PLUGIN))
    (package / "templates/page.html").write_text(PAGE)
    return await stocked(open_server_under_test, plugin_folder=tmp_path / "plugins")


@pytest.fixture
def count(server_under_test):
    import wylloh_testlive

    return wylloh_testlive.COUNT


@pytest.fixture
async def tabs(server_under_test, owner):
    """Open tabs of the owner's browser: `await tabs(path)`. A fault in a script fails the test."""
    faults = []
    async with chromium() as browser:

        @asynccontextmanager
        async def browser_of(cookies=None):
            context = await browser.new_context(
                base_url=server_under_test.origin, viewport={"width": 1280, "height": 800}
            )
            given = [
                {"name": name, "value": value, "url": server_under_test.origin}
                for name, value in (cookies or {}).items()
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


async def listening(server_under_test, pages=1):
    """Wait until so many streams are open."""
    async with asyncio.timeout(60):
        while len(server_under_test.app[app_keys.LIVE]._listeners) != pages:
            await asyncio.sleep(0.02)


async def changed(server_under_test, count, value=None):
    count["value"] = count["value"] + 1 if value is None else value
    server_under_test.app[app_keys.LIVE].changed("plugin:testlive")


async def test_a_part_of_a_page_is_drawn_anew_and_the_rest_is_left_alone(server_under_test, count, tabs):
    page = await tabs("/plugins/testlive/page")
    await listening(server_under_test)
    await page.evaluate("document.getElementById('count').mine = 1")
    await changed(server_under_test, count)
    await expect(page.locator("#count")).to_have_text("1")
    assert await page.locator("#still").inner_text() == "0"
    assert await page.evaluate("document.getElementById('count').mine") == 1
    assert await page.locator("#live-announcement").inner_text() == "It is 1."
    server_under_test.app[app_keys.LIVE].changed("plugin:other")
    asked = count["asked"]
    await changed(server_under_test, count, 101)
    await expect(page.locator("#count")).to_have_text("101")
    await expect(page.locator("#going")).to_have_count(0)
    assert count["asked"] == asked + 1


async def test_focus_scrolling_ticks_and_what_is_open_survive(server_under_test, count, tabs):
    page = await tabs("/plugins/testlive/page")
    await listening(server_under_test)
    await page.locator("#tick").check()
    await page.get_by_text("More").click()
    await page.locator("#other").fill("half a sen")
    await page.locator("a.one").nth(30).focus()
    await page.evaluate("window.scrollBy({ top: 300, behavior: 'instant' })")
    scrolled = await page.evaluate("window.scrollY")
    await changed(server_under_test, count, 2)
    await expect(page.locator("#new")).to_have_count(1)
    assert await page.locator("#tick").is_checked()
    assert await page.locator("details").get_attribute("open") is not None
    assert await page.locator("#other").input_value() == "half a sen"
    assert await page.evaluate("document.activeElement.textContent") == "30"
    assert abs(await page.evaluate("window.scrollY") - scrolled) < 100


async def test_nothing_moves_while_somebody_types_in_it(server_under_test, count, tabs):
    page = await tabs("/plugins/testlive/page")
    await listening(server_under_test)
    await page.locator("#field").press_sequentially("abc")
    asked = count["asked"]
    await changed(server_under_test, count, 7)
    await expect(page.locator("#going")).to_have_count(1)
    await asyncio.sleep(0.6)  # several times as long as a page waits for more news
    assert await page.locator("#count").inner_text() == "0"
    assert count["asked"] <= asked + 1, "it asked for the page again and again"
    await page.keyboard.press("Tab")
    await expect(page.locator("#count")).to_have_text("7")
    assert await page.locator("#field").input_value() == "abc0"


async def test_a_sentence_is_shown_and_leads_somewhere(server_under_test, tabs):
    page = await tabs("/devices")
    await listening(server_under_test)
    server_under_test.app[app_keys.LIVE].notify(
        OWNER, "12 tokens of <b>Light</b> arrived.", f"/films/{ELSEWHERE.id}"
    )
    toast = page.locator("#notices .toast")
    await expect(toast).to_have_text("12 tokens of <b>Light</b> arrived.×")
    assert await page.locator("#notices").get_attribute("role") == "status"
    server_under_test.app[app_keys.LIVE].notify(OWNER, "No link.")
    await toast.nth(1).get_by_role("button", name="Dismiss").click()
    await expect(toast).to_have_count(1)
    await toast.get_by_role("link").click()
    await page.wait_for_url(f"**/films/{ELSEWHERE.id}")


async def test_what_a_task_ends_with_takes_the_place_of_what_was_said_when_it_began(server_under_test, tabs):
    page = await tabs("/devices")
    await listening(server_under_test)
    begin = "async (task) => (await import('/static/live/toasts.js')).showStarted({ sentence: 'Begun.', link: '/tasks', task })"
    live, toast = server_under_test.app[app_keys.LIVE], page.locator("#notices .toast")
    await page.evaluate(begin, "one")
    live.notify(OWNER, "Something else.")
    await expect(toast).to_have_text(["Begun.×", "Something else.×"])
    live.notify(OWNER, "One is done.", "/tasks", "one")
    await expect(toast).to_have_text(["Something else.×", "One is done.×"])
    await page.evaluate(begin, "one")
    await page.evaluate(begin, "two")
    await expect(toast).to_have_text(["Something else.×", "One is done.×", "Begun.×"])


async def test_the_ladder_moves_without_a_reload_when_tokens_come(server_under_test, tabs):
    page, library = await tabs(f"/films/{ELSEWHERE.id}"), await tabs("/")
    await listening(server_under_test)
    await page.evaluate("window.same = true")
    await expect(page.get_by_text("You hold no token of this film.")).to_be_visible()
    others = library.get_by_role("region", name="Not yours yet")
    await expect(others.locator("a.card", has_text=ELSEWHERE.title)).to_have_count(1)
    await server_under_test.hold(OWNER, ELSEWHERE.token, 100)
    server_under_test.app[app_keys.LIVE].changed(film_topic(ELSEWHERE.id), "wallet", wallet=OWNER)
    await expect(page.get_by_text("You hold 100", exact=True)).to_be_visible()
    await expect(page.locator(".scale .held")).to_have_count(2)
    await expect(page.get_by_text("You hold no token of this film.")).to_have_count(0)
    assert "button-primary" in await page.get_by_role("button", name="Play", exact=True).get_attribute(
        "class"
    )
    assert await page.evaluate("window.same")
    yours = library.get_by_role("region", name="Yours for good")
    await expect(yours.locator("a.card", has_text=ELSEWHERE.title)).to_have_count(1)
    await expect(yours.locator("a.card", has_text=ELSEWHERE.title).locator(".badge")).to_contain_text("×100")


async def test_six_tabs_share_one_stream_and_leave_the_connections_to_the_film(
    server_under_test, count, tabs
):
    pages = [await tabs("/plugins/testlive/page") for _ in range(6)]
    await listening(server_under_test, 1)
    await changed(server_under_test, count)
    for page in pages:
        await expect(page.locator("#count")).to_have_text("1")
    answers = await pages[0].evaluate(
        "Promise.all([1, 2, 3, 4, 5].map(() => fetch('/livez').then((r) => r.status)))"
    )
    assert answers == [200] * 5
    player = await tabs(f"/watch/{BEGUN.id}")
    async with asyncio.timeout(60):
        while not server_under_test.playback.leases.in_force:
            await asyncio.sleep(0.05)
    await player.close()
    await pages[0].close()
    await changed(server_under_test, count)
    await expect(pages[5].locator("#count")).to_have_text("2")


async def test_a_tab_that_joins_later_hears_what_happened_since_it_was_drawn(server_under_test, count, tabs):
    first = await tabs("/plugins/testlive/page")
    await listening(server_under_test)
    second = await tabs("/devices")
    held = asyncio.Event()

    async def late(route):
        await held.wait()
        await route.continue_()

    await second.route("**/live.js*", late)
    await second.goto("/plugins/testlive/page", wait_until="commit")
    await expect(second.locator("#count")).to_have_text("0")
    await changed(server_under_test, count)
    await expect(first.locator("#count")).to_have_text("1")
    held.set()
    await expect(second.locator("#count")).to_have_text("1")


async def test_what_changes_while_the_page_is_fetched_is_drawn_too(server_under_test, count, tabs):
    page, other = await tabs("/plugins/testlive/page"), await tabs("/plugins/testlive/page")
    await listening(server_under_test)
    answered, held = asyncio.Event(), asyncio.Event()

    async def slow(route):
        reply = await route.fetch()
        answered.set()
        await held.wait()
        await route.fulfill(response=reply)

    await page.route("**/plugins/testlive/page", slow, times=1)
    await changed(server_under_test, count)
    await asyncio.wait_for(answered.wait(), 60)
    await changed(server_under_test, count)
    await expect(other.locator("#count")).to_have_text("2")
    held.set()
    await expect(page.locator("#count")).to_have_text("2")


async def test_without_shared_workers_a_page_listens_while_it_is_in_sight(server_under_test, count, tabs):
    page = await tabs("/plugins/testlive/page", without="SharedWorker")
    await listening(server_under_test)
    await changed(server_under_test, count)
    await expect(page.locator("#count")).to_have_text("1")
    await in_sight(page, False)
    async with asyncio.timeout(60):
        while len(server_under_test.app[app_keys.LIVE]._listeners) and not await closed(server_under_test):
            await asyncio.sleep(0.05)
    await changed(server_under_test, count)
    await in_sight(page, True)
    await expect(page.locator("#count")).to_have_text("2")


async def closed(server_under_test):
    """Say whether the streams that are open are left by their browsers; the server notices when it writes."""
    from wylloh_server.web.api.live_api import STREAMS

    return all(request.transport is None for request, _ in server_under_test.app[STREAMS]._open.values())


async def in_sight(page, seen):
    await page.evaluate(
        """(hidden) => {
          Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
          document.dispatchEvent(new Event("visibilitychange"));
        }""",
        not seen,
    )


@pytest.mark.parametrize("without", ["", "SharedWorker"])
async def test_what_is_told_while_a_form_is_worked_on_shows_on_the_page_that_it_leads_to(
    server_under_test, tabs, without
):
    page = await tabs("/plugins/testlive/page", without=without)
    await listening(server_under_test)
    await page.locator("#one").get_by_label("word").fill("good")
    await page.evaluate("document.body.dataset.former = ''")
    await page.locator("#one").get_by_role("button", name="Keep").click()
    await expect(page.locator("body[data-former]")).to_have_count(0)
    await expect(page.locator("#notices .toast")).to_have_text("Kept.×")
    await page.goto("/plugins/testlive/page")
    await listening(server_under_test)
    await expect(page.locator("#notices .toast")).to_have_count(0)


async def test_a_player_opens_no_stream(server_under_test, tabs):
    await tabs(f"/watch/{ELSEWHERE.id}")
    await asyncio.sleep(0.3)
    assert not server_under_test.app[app_keys.LIVE]._listeners


async def test_who_has_been_signed_out_meanwhile_is_not_shown_the_sign_in_page_in_pieces(
    server_under_test, count, tabs
):
    page = await tabs("/devices")
    await page.evaluate("document.getElementById('devices').dataset.live = 'library'")
    await listening(server_under_test)
    for session in await server_under_test.storage.sessions.of_wallet(OWNER):
        await server_under_test.storage.sessions.remove(session.device)
    async with page.expect_response("**/sign-in*"):
        server_under_test.app[app_keys.LIVE].changed("library")
    await expect(page.locator("#devices li")).to_have_count(1)


async def test_a_form_that_is_refused_comes_back_as_it_was_sent(tabs):
    page = await tabs("/plugins/testlive/page")
    form = page.locator("#two")
    await form.locator("textarea").fill("bad\n<b>")
    await form.locator("select").select_option("b")
    await form.locator("[type=checkbox]").check()
    await form.locator("[type=password]").fill("hush")
    await form.locator("button").click()
    await expect(page.locator("h1")).to_have_text("Write good.")
    await page.get_by_role("link", name="Back to the form").click()
    await expect(form.locator("textarea")).to_have_value("bad\n<b>")
    assert await form.locator("select").input_value() == "b"
    assert await form.locator("[type=checkbox]").is_checked()
    assert await form.locator("[type=password]").input_value() == ""
    assert await page.locator("#one textarea").input_value() == ""

    await form.locator("textarea").fill("good")
    await form.locator("button").click()
    await page.wait_for_url("**/plugins/testlive/page")
    await expect(form.locator("textarea")).to_have_value("")
