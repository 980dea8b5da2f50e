"""Times in the viewer's own zone and the page's language, with UTC on demand; forms that take own time and send UTC."""

from __future__ import annotations

from contextlib import asynccontextmanager
from textwrap import dedent

import pytest
from playwright.async_api import expect

from tests.components.axe import violations
from tests.components.browser import chromium
from tests.web.pages.conftest import stocked
from wylloh_server.web import app_keys

# A page of a plugin that shows a moment in every way, and a form for one.
PLUGIN = """
from pathlib import Path
from wylloh_server.sdk import *

WYLLOH_SDK = SDK_VERSION
SHOWN = {"at": 1_796_320_800, "sent": []}

async def page(context, request):
    return Page("page.html", dict(SHOWN))

async def keep(context, request):
    SHOWN["sent"].append(request.form["begins"])
    if len(SHOWN["sent"]) == 1:
        raise InvalidValue("The sale cannot begin on 3 December 2026, 18:00 UTC.")
    return Redirect("/plugins/testtimes/page")

@hookimpl
def routes():
    return [PluginRoute("GET", "page", page), PluginRoute("POST", "keep", keep)]

@hookimpl
def template_dirs():
    return [Path(__file__).parent / "templates"]
"""
PAGE = """
{% extends "base.html" %}
{% import "macros.html" as ui with context %}
{% block content %}
<div class="page plain">
  <h1>Times</h1>
  <div id="live" data-live="plugin:testtimes">
    <p id="minute">{{ at | moment }}</p>
    <p id="day">{{ at | date }}</p>
    <p id="distance">{{ at | ago(at + 600) }}</p>
    <p id="sentence">{{ "The sale begins on 3 December 2026, 18:00 UTC: 4.99 a token." | times }}</p>
  </div>
  <form class="form" method="post" action="/plugins/testtimes/keep">
    {{ ui.moment_field("begins", "It begins", "2026-12-03T18:00", "Empty: now.") }}
    <button class="button">Go on</button>
  </form>
</div>
{% endblock %}
"""
PATH = "/plugins/testtimes/page"
WRITTEN = {
    "minute": "3 December 2026, 18:00 UTC",
    "day": "3 December 2026",
    "distance": "10 min ago",
    "sentence": "The sale begins on 3 December 2026, 18:00 UTC: 4.99 a token.",
}
IN_TOKYO = {
    "minute": "4 December 2026, 03:00",
    "day": "4 December 2026",
    "distance": "10 min ago",
    "sentence": "The sale begins on 4 December 2026, 03:00: 4.99 a token.",
}
UTC = WRITTEN | dict.fromkeys(("minute", "day", "distance"), "3 December 2026, 18:00 UTC")


@pytest.fixture
async def server_under_test(open_server_under_test, tmp_path, request):
    package = tmp_path / "plugins" / "testtimes" / "wylloh_testtimes"
    (package / "templates").mkdir(parents=True)
    (package / "__init__.py").write_text(dedent(PLUGIN))
    (package / "templates/page.html").write_text(PAGE)
    theme = {"name": getattr(request, "param", "default")}
    return await stocked(open_server_under_test, plugin_folder=tmp_path / "plugins", theme=theme)


@pytest.fixture
async def open_there(server_under_test, owner):
    """Open the page as the owner does elsewhere: `await open_there(zone, language, **context)`."""
    faults = []
    async with chromium() as browser:

        @asynccontextmanager
        async def open_(zone, language="de-DE", **context):
            context = await browser.new_context(
                base_url=server_under_test.origin, timezone_id=zone, locale=language, **context
            )
            given = owner.real_cookies.items()
            await context.add_cookies(
                [{"name": name, "value": value, "url": server_under_test.origin} for name, value in given]
            )
            context.on("weberror", lambda fault: faults.append(fault.error))
            page = await context.new_page()
            page.on(
                "console", lambda line: faults.append(line.text) if "Content Security" in line.text else 0
            )
            await page.goto(PATH)
            yield page
            await context.close()

        yield open_
    assert faults == []


async def shown(page, wanted):
    for name, text in wanted.items():
        await expect(page.locator(f"#{name}")).to_have_text(text)


@pytest.mark.parametrize("server_under_test", ["default", "light"], indirect=True)
async def test_times_are_the_viewer_s_own_and_utc_on_demand(server_under_test, open_there):
    import wylloh_testtimes

    async with open_there("Asia/Tokyo") as page:
        await shown(page, IN_TOKYO)
        for name in WRITTEN:
            title = await page.locator(f"#{name} time").get_attribute("title")
            assert title == "3 December 2026, 18:00 UTC"
        await expect(page.locator("#zone-name")).to_have_text("Times here are in your own zone, Asia/Tokyo.")

        wylloh_testtimes.SHOWN["at"] += 86_400  # drawn anew by the live updates
        server_under_test.app[app_keys.LIVE].changed("plugin:testtimes")
        await shown(page, {"minute": "5 December 2026, 03:00", "sentence": IN_TOKYO["sentence"]})
        wylloh_testtimes.SHOWN["at"] -= 86_400
        server_under_test.app[app_keys.LIVE].changed("plugin:testtimes")
        await shown(page, IN_TOKYO)

        await page.emulate_media(media="print")
        await shown(page, UTC)
        await expect(page.locator("#zone-name")).to_have_text("Times here are in UTC.")
        await expect(page.locator("#zone-switch")).to_be_hidden()
        await page.emulate_media(media="screen")
        await shown(page, IN_TOKYO)

        await page.locator("#zone-switch").focus()
        await page.keyboard.press("Enter")
        await shown(page, UTC)
        await page.reload()
        await shown(page, UTC)
        await page.get_by_role("button", name="Show my own").click()
        await shown(page, IN_TOKYO)
        assert await violations(page) == []


async def test_without_scripts_times_read_as_utc_and_the_page_says_so(open_there):
    async with open_there("Asia/Tokyo", java_script_enabled=False) as page:
        await shown(page, WRITTEN)
        await expect(page.get_by_text("Times here are in UTC.")).to_be_visible()
        await expect(page.locator("label[for=begins]")).to_have_text("It begins (UTC)")
        await expect(page.locator("#begins")).to_have_value("2026-12-03T18:00")


async def test_who_lives_in_utc_is_told_so(open_there):
    async with open_there("UTC") as page:
        await shown(page, WRITTEN)
        await expect(page.locator("#zone-name")).to_have_text("Times here are in UTC.")
        await expect(page.locator("#zone-switch")).to_be_hidden()
        await page.goto("/about")
        await expect(page.locator("#zone-name")).to_be_hidden()


async def test_a_form_takes_own_time_says_its_zone_and_sends_utc(open_there):
    import wylloh_testtimes

    async with open_there("America/New_York", "en-US", viewport={"width": 390, "height": 844}) as page:
        field = page.locator("#begins")
        await expect(field).to_have_value("2026-12-03T13:00")
        await expect(page.locator("label[for=begins]")).to_have_text("It begins (America/New York)")
        await field.fill("2026-07-01T20:30")
        await expect(page.locator("#begins-utc")).to_have_text("This is 2026-07-02, 00:30 UTC.")
        assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        assert await violations(page) == []
        await page.get_by_role("button", name="Go on").click()
        await expect(page.locator("h1")).to_have_text("The sale cannot begin on 3 December 2026, 13:00.")
        await page.get_by_role("link", name="Back to the form").click()
        await expect(field).to_have_value("2026-07-01T20:30")  # as it was sent
        await field.fill("")
        await page.get_by_role("button", name="Go on").click()
        await page.wait_for_url(f"**{PATH}")
        assert wylloh_testtimes.SHOWN["sent"] == ["2026-07-02T00:30Z", ""]
