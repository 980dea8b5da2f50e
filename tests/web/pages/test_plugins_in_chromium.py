"""The admin page in a real browser: a stopped plugin is explained, started again, or switched off."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from tests.components.browser import chromium
from tests.components.pictures import take
from tests.web.conftest import OWNER
from wylloh_server.web.development import develop

PHONE, DESK, TV = (390, 844), (1280, 800), (1920, 1080)
CODE = """
from wylloh_server.sdk import *

WYLLOH_SDK = "1.0"
__version__ = "1.2"
"""


@pytest.fixture
async def house(open_house, tmp_path):
    """A server with a plugin that runs and two that were stopped."""
    for name in ("testgood", "testlock", "testloud"):
        package = tmp_path / "plugins" / f"wylloh_{name}"
        package.mkdir(parents=True)
        (package / "__init__.py").write_text(CODE)
    house = await open_house(plugin_folder=tmp_path / "plugins")
    house.plugins.plugin("testlock").halt(
        "It hangs: access_vote took too long and did not end when it was called off."
    )
    house.plugins.plugin("testloud").halt("It emitted more than 50,000 events within a minute.")
    return house


@pytest.mark.parametrize("size", [PHONE, DESK, TV])
async def test_a_stopped_plugin_is_explained_and_can_be_started_or_switched_off(house, open_browser, size):
    owner = open_browser(house)
    assert (await owner.sign_in(OWNER)).status == 200
    async with chromium() as browser:
        viewport = dict(zip(("width", "height"), size, strict=True))
        context = await browser.new_context(viewport=viewport, base_url=house.origin)
        cookies = owner.real_cookies.items()
        await context.add_cookies(
            [{"name": name, "value": value, "url": house.origin} for name, value in cookies]
        )
        page = await context.new_page()
        await page.goto("/admin")
        await take(SimpleNamespace(page=page), "admin-stopped")
        assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")

        row = page.locator("#plugins-list li").filter(has_text="testlock")
        assert "It was stopped. It hangs: access_vote took too long" in await row.inner_text()
        button = row.get_by_role("button", name="Start again")
        await button.focus()
        await page.keyboard.press("Enter")
        await row.filter(has_text="Running.").wait_for()
        assert await row.get_by_role("button").count() == 0

        loud = page.locator("#plugins-list li").filter(has_text="testloud")
        await loud.get_by_role("button", name="Switch off").click()
        await loud.filter(has_text="Switched off until the server starts again.").wait_for()
    statuses = {record.name: record.status for record in house.plugins.records()}
    assert statuses == {"testgood": "running", "testlock": "running", "testloud": "disabled"}


PAGE = """
from pathlib import Path
from wylloh_server.sdk import *

WYLLOH_SDK = "1.0"

async def page(context, request):
    return Page("page.html")

@hookimpl
def routes():
    return [Route("GET", "", page, role=None)]

@hookimpl
def template_dirs():
    return [Path(__file__).parent]
"""
TEMPLATE = '{% extends "base.html" %}{% block content %}<p id="word">before</p>{% endblock %}'


async def test_an_open_page_reloads_itself_when_its_template_changes(open_house, tmp_path):
    package = tmp_path / "plugins" / "wylloh_testpage"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(PAGE)
    (package / "page.html").write_text(TEMPLATE)
    house = await open_house(plugin_folder=tmp_path / "plugins", add=develop)
    async with chromium() as browser:
        page = await browser.new_page(base_url=house.origin)
        await page.goto("/plugins/testpage/")
        assert await page.locator("#word").inner_text() == "before"
        (package / "page.html").write_text(TEMPLATE.replace("before", "after"))
        await page.locator("#word").filter(has_text="after").wait_for()
