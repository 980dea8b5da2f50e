"""The admin page in a real browser: a stopped plugin is explained, started again, or switched off."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from tests.components.browser import chromium
from tests.components.pictures import take
from tests.web.conftest import OWNER
from wylloh_server.web.development import develop

PHONE, DESKTOP, TV = (390, 844), (1280, 800), (1920, 1080)
CODE = """
from wylloh_server.sdk import *

WYLLOH_SDK = "1.0"
__version__ = "1.2"
"""


@pytest.fixture
async def server_under_test(open_server_under_test, tmp_path):
    """A server with a plugin that runs and two that were stopped."""
    for name in ("testgood", "testlock", "testloud"):
        package = tmp_path / "plugins" / f"wylloh_{name}"
        package.mkdir(parents=True)
        (package / "__init__.py").write_text(CODE)
    server_under_test = await open_server_under_test(plugin_folder=tmp_path / "plugins")
    server_under_test.plugins.plugin("testlock").stop(
        "It hangs: access_vote took too long and did not end when it was cancelled."
    )
    server_under_test.plugins.plugin("testloud").stop("It emitted more than 50,000 events within a minute.")
    return server_under_test


@pytest.mark.parametrize("size", [PHONE, DESKTOP, TV])
async def test_a_stopped_plugin_is_explained_and_can_be_started_or_switched_off(
    server_under_test, open_browser, size
):
    owner = open_browser(server_under_test)
    assert (await owner.sign_in(OWNER)).status == 200
    async with chromium() as browser:
        viewport = dict(zip(("width", "height"), size, strict=True))
        context = await browser.new_context(viewport=viewport, base_url=server_under_test.origin)
        cookies = owner.real_cookies.items()
        await context.add_cookies(
            [{"name": name, "value": value, "url": server_under_test.origin} for name, value in cookies]
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
        assert await row.get_by_role("button").all_inner_texts() == ["Switch off"]

        loud, good = (page.locator("#plugins-list li").filter(has_text=name) for name in ("loud", "good"))
        for one, name in ((loud, "testloud"), (good, "testgood")):
            off = one.get_by_role("button", name=f"Switch off: {name}")
            await off.click()
            assert await off.inner_text() == "Press again to switch it off"
            await off.click()
            await one.filter(has_text="Switched off until the server starts again.").wait_for()
        await good.get_by_role("button", name="Switch on: testgood").click()
        await page.get_by_text("testgood runs until the server starts again.").wait_for()
        await good.filter(has_text="Running.").wait_for()
    statuses = {record.name: record.status for record in server_under_test.plugins.records()}
    assert statuses == {"testgood": "running", "testlock": "running", "testloud": "disabled"}


PAGE = """
from pathlib import Path
from wylloh_server.sdk import *

WYLLOH_SDK = "1.0"

async def page(context, request):
    return Page("page.html")

@hookimpl
def routes():
    return [PluginRoute("GET", "", page, role=None)]

@hookimpl
def template_dirs():
    return [Path(__file__).parent]
"""
TEMPLATE = '{% extends "base.html" %}{% block content %}<p id="word">before</p>{% endblock %}'


async def test_an_open_page_reloads_itself_when_its_template_changes(open_server_under_test, tmp_path):
    package = tmp_path / "plugins" / "wylloh_testpage"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(PAGE)
    (package / "page.html").write_text(TEMPLATE)
    server_under_test = await open_server_under_test(plugin_folder=tmp_path / "plugins", add=develop)
    async with chromium() as browser:
        page = await browser.new_page(base_url=server_under_test.origin)
        await page.goto("/plugins/testpage/")
        assert await page.locator("#word").inner_text() == "before"
        (package / "page.html").write_text(TEMPLATE.replace("before", "after"))
        await page.locator("#word").filter(has_text="after").wait_for()


SETTINGS = """
from wylloh_server.sdk import *

WYLLOH_SDK = "1.0"

@hookimpl
def settings():
    return [Setting("loud", bool, True, "Whether."), Setting("size", int, 3, "How large.", least=1, most=9),
            Setting("token", str, "", "The token.", secret=True)]
"""


async def test_the_owner_sets_a_plugin_by_its_form(open_server_under_test, open_browser, tmp_path):
    package = tmp_path / "plugins" / "wylloh_testform"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(SETTINGS)
    (tmp_path / "wylloh.toml").write_text("")
    server_under_test = await open_server_under_test(plugin_folder=tmp_path / "plugins")
    owner = open_browser(server_under_test)
    assert (await owner.sign_in(OWNER)).status == 200
    async with chromium() as browser:
        context = await browser.new_context(
            viewport={"width": PHONE[0], "height": PHONE[1]}, base_url=server_under_test.origin
        )
        cookies = owner.real_cookies.items()
        await context.add_cookies(
            [{"name": name, "value": value, "url": server_under_test.origin} for name, value in cookies]
        )
        page = await context.new_page()
        await page.goto("/admin")
        await page.locator("#plugins-list").get_by_role("link", name="Settings").click()
        await page.get_by_label("Loud").uncheck()
        await page.get_by_label("Size").fill("5")
        await page.get_by_label("Token").fill("hush")
        await take(SimpleNamespace(page=page), "plugin-settings")
        assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        await page.get_by_role("button", name="Save").click()
        await page.locator("#status").filter(has_text="Saved. The plugin runs with them.").wait_for()
        assert await page.get_by_label("Token").input_value() == "", "it is not left on the screen"
    now = dict(server_under_test.plugins.plugin("testform").settings)
    assert now == {"loud": False, "size": 5, "token": "hush"}
