"""Admin and the pages beside it in a real browser: what they do, and that they hold at every size."""

from __future__ import annotations

import asyncio
import json
import logging
from types import SimpleNamespace

import pytest

from tests.components.axe import violations
from tests.components.browser import chromium
from tests.components.browser_user import OUT_OF_PLACE
from tests.components.pictures import take
from tests.web.conftest import COLLECTOR, OWNER
from tests.web.pages.conftest import stocked
from tests.web.pages.samples import BEGUN, OWN, STACKED
from wylloh_server.domain.events import PlaybackStarted
from wylloh_server.domain.types import DeviceId
from wylloh_server.services.operations.live_updates import publish_film_updates
from wylloh_server.web.app_keys import LIVE, RECENT_LOG, SERVICES

WIDTHS = (320, 390, 1280, 1920)
NAME = "Wilhelmina Featherstonehaugh of the Hills"[:40]


@pytest.fixture
async def server_under_test(open_server_under_test, tmp_path):
    """A server with much to look after."""
    folder = tmp_path / "films" / "a folder with a rather long name that has to go somewhere"
    folder.mkdir(parents=True)
    (folder / "Disc.iso").write_bytes(b"a")
    folders = [str(folder), str(tmp_path / "unmounted")]
    server = await stocked(open_server_under_test, bundled=("tagging",), library={"folders": folders})
    server.packages.whole.add(STACKED.origin.root)
    for film in (OWN, STACKED):
        await server.segments.put(f"{film.id}-abc", "v", "0.m4s", bytes(5_000_000))
    for number, level in enumerate(("info", "warning", "error")):
        line = {
            "event": f"request {number}",
            "level": level,
            "path": f"/films/{'x' * 90}",
            "timestamp": "2026",
        }
        if level == "error":
            line |= {"exception": "Traceback (most recent call last):\n" + "  File " + "y" * 300}
        server.app[RECENT_LOG].handle(logging.makeLogRecord({"msg": json.dumps(line)}))
    await server.storage.accounts.rename(COLLECTOR, NAME)
    publish_film_updates(server.app[LIVE], server.bus)
    async with server.app[SERVICES].folder_scans.running():
        yield server


@pytest.fixture
async def page(server_under_test, owner):
    async with chromium() as browser:
        context = await browser.new_context(base_url=server_under_test.origin)
        cookies = owner.real_cookies.items()
        await context.add_cookies(
            [{"name": name, "value": value, "url": server_under_test.origin} for name, value in cookies]
        )
        yield await context.new_page()


async def test_51_the_pages_of_admin_hold_at_every_size(server_under_test, page, owner, collector):
    await collector.post(f"/api/films/{OWN.id}/play", {})
    await collector.post(f"/api/films/{OWN.id}/position", {"at": 720, "of": 3600})
    await owner.post(f"/api/films/{BEGUN.id}/package/remove")
    for name, path in (
        ("admin", "/admin"),
        ("storage", "/admin/storage"),
        ("log", "/admin/log"),
        ("devices", "/devices"),
    ):
        await page.goto(path)
        for width in WIDTHS:
            await page.set_viewport_size({"width": width, "height": 900})
            where = f"{path} at {width}"
            fits = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
            assert await page.evaluate(fits), where
            assert await page.evaluate(OUT_OF_PLACE) == [], where
            assert await violations(page) == [], where
            await take(SimpleNamespace(page=page), f"{name}-full")


async def test_51_what_plays_appears_by_itself_and_is_ended_with_two_presses(
    server_under_test, page, collector
):
    await page.goto("/admin")
    await page.get_by_role("heading", name="Now playing").wait_for()
    token = (await (await collector.post(f"/api/films/{OWN.id}/play", {})).json())["token"]
    server_under_test.bus.publish(PlaybackStarted(OWN.id, COLLECTOR, DeviceId("d")))
    row = page.locator("#playing-list li")
    assert NAME in await row.inner_text()
    end = row.get_by_role("button")
    await end.click()
    assert await end.inner_text() == "Press again to end"
    server_under_test.app[LIVE].changed("playing")  # a redraw leaves the question where it is
    await asyncio.sleep(0)
    assert token in server_under_test.playback.leases.in_force
    await end.click()
    await page.get_by_text("Ended. The player says so").wait_for()
    assert server_under_test.playback.leases.in_force == {}


async def test_51_an_account_is_renamed_and_the_folders_are_scanned(server_under_test, page, tmp_path):
    await page.goto("/admin")
    await page.get_by_role("button", name=f"Rename: {NAME}").click()
    field = page.get_by_role("dialog").get_by_label("Name")
    assert await field.input_value() == NAME
    await field.fill("x\u202ey")
    await page.keyboard.press("Enter")
    await page.get_by_role("alert").get_by_text("cannot be seen").wait_for()
    await field.fill("Ada")
    await page.keyboard.press("Enter")
    await page.get_by_role("button", name="Rename: Ada").wait_for()
    assert await server_under_test.storage.accounts.names() == {COLLECTOR: "Ada"}
    (
        tmp_path / "films" / "a folder with a rather long name that has to go somewhere" / "New.iso"
    ).write_bytes(b"b")
    await page.get_by_role("button", name="Scan now").click()
    await page.get_by_text("2 films · 2 cannot be played").wait_for()
    await page.goto("/devices")
    await page.get_by_label("Name", exact=True).fill("The owner")
    await page.get_by_role("button", name="Save").click()
    await page.get_by_text("You are The owner here.").wait_for()
    await page.locator("#who").get_by_text("The owner").wait_for()
    assert (await server_under_test.storage.accounts.names())[OWNER] == "The owner"


async def test_51_room_is_made_on_the_page_of_storage(server_under_test, page):
    await page.goto("/admin/storage")
    remove = page.get_by_role("button", name=f"Remove prepared: {OWN.title}")
    await remove.click()
    await remove.click()
    await page.get_by_text("5 MB are free again.").wait_for()
    await remove.wait_for(state="detached")
    assert list(await server_under_test.segments.sizes()) == [f"{STACKED.id}-abc"]
