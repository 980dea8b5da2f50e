"""Selecting films with the mouse, with keys and with a remote, up to the task that does it."""

from __future__ import annotations

import asyncio

import pytest
from playwright.async_api import expect

from tests.web.conftest import OWNER
from tests.web.pages.conftest import stocked
from tests.web.pages.batch_plugin import write
from tests.web.pages.samples import ARRIVING, BEGUN, ELSEWHERE, FAILED, OWN, STACKED, WAITING
from tests.web.pages.test_in_chromium import (  # noqa: F401 - fixtures
    DESKTOP,
    PHONE,
    TV,
    focused,
    open_page,
    pressed,
    until,
)

GRID = [ARRIVING, BEGUN, STACKED, WAITING]  # the first shelf, in its order
EVERY = {film.id for film in (*GRID, OWN, ELSEWHERE, FAILED)}


@pytest.fixture
async def server_under_test(open_server_under_test, tmp_path):
    return await stocked(open_server_under_test, plugin_folder=write(tmp_path))


@pytest.fixture
async def desktop(open_page, owner):  # noqa: F811
    page = await open_page(DESKTOP, owner.real_cookies)
    await page.goto("/")
    return page


def box(page, film):
    return page.get_by_role("checkbox", name=f"Select {film.title}").first


async def count(page) -> str:
    return " ".join((await page.locator("#picked p").inner_text()).split())


async def selected(page) -> set[str]:
    return set(
        await page.evaluate("[...document.querySelectorAll('.pick:checked')].map(({ value }) => value)")
    )


async def begin(page):
    await page.get_by_role("button", name="Select", exact=True).click()


async def test_until_somebody_selects_cards_lead_to_films(desktop):
    assert not await box(desktop, BEGUN).is_visible()
    assert not await desktop.locator("#picked").is_visible()
    await desktop.locator(".grid .card").first.click()
    await desktop.wait_for_url(f"**/films/{ARRIVING.id}")


async def test_with_the_mouse_from_the_first_click_to_the_result(desktop, server_under_test):
    await begin(desktop)
    assert await count(desktop) == "0 films selected"
    assert await desktop.get_by_role("button", name="Mark").is_disabled()
    await box(desktop, BEGUN).click()
    await box(desktop, STACKED).click()
    assert await count(desktop) == "2 films selected"
    assert "/films/" not in desktop.url
    await desktop.get_by_role("button", name="Mark").click()
    dialog = desktop.get_by_role("dialog", name="Mark")
    await dialog.get_by_label("The mark").fill("noir")
    await dialog.get_by_label("loudly").check()
    await dialog.get_by_role("button", name="Go on").click()
    await dialog.get_by_text("2 films get the mark noir.").wait_for()
    assert await server_under_test.work.tasks.all(OWNER_) == ()
    await dialog.get_by_role("button", name="Confirm").click()
    await desktop.get_by_text("Mark: noir, loudly · 2 films: 2 films are marked noir.").wait_for()
    await desktop.get_by_text("Begun: Mark · noir · loudly · 2 films.").wait_for(state="hidden")
    assert not await desktop.locator("#picked").is_visible()
    (task,) = await server_under_test.work.tasks.all(OWNER_)
    assert (task.state, task.message) == ("done", "2 films are marked noir.")
    await box(desktop, BEGUN).wait_for(state="hidden")
    await desktop.locator(".grid .card").first.click()
    await desktop.wait_for_url("**/films/**")


async def test_all_some_none_and_the_rest(desktop):
    await begin(desktop)
    await desktop.get_by_role("button", name="All", exact=True).click()
    assert await selected(desktop) == EVERY
    await desktop.get_by_role("button", name="None", exact=True).click()
    assert await selected(desktop) == set()
    section = desktop.locator("section", has=desktop.locator("#yours"))
    await section.get_by_role("button", name="Select all of these").click()
    assert await selected(desktop) == {film.id for film in GRID}
    await desktop.get_by_role("button", name="Invert").click()
    assert await selected(desktop) == EVERY - {film.id for film in GRID}
    await section.get_by_role("button", name="Select all of these").click()
    await section.get_by_role("button", name="Select none of these").click()
    assert await count(desktop) == "3 films selected"


async def test_shift_selects_all_between(desktop):
    await begin(desktop)
    await box(desktop, ARRIVING).click()
    await box(desktop, WAITING).click(modifiers=["Shift"])
    assert await selected(desktop) == {film.id for film in GRID}
    await box(desktop, BEGUN).click(modifiers=["Shift"])
    assert await selected(desktop) == {ARRIVING.id}


async def test_with_keys_alone(desktop, server_under_test):
    await desktop.get_by_role("button", name="Select", exact=True).focus()
    await desktop.keyboard.press("Enter")
    assert await pressed(desktop, "ArrowRight", "ArrowRight") == [
        f"Select {BEGUN.title}",
        f"Select {STACKED.title}",
    ]
    await desktop.keyboard.press("Space")
    await desktop.keyboard.press("ArrowLeft")
    await desktop.keyboard.press("Enter")
    assert await selected(desktop) == {BEGUN.id, STACKED.id}
    assert await pressed(desktop, "Escape", "Tab") == ["Mark", "Count"]
    await desktop.keyboard.press("Enter")
    await desktop.get_by_text(f"2 films are counted: {STACKED.title}, {BEGUN.title}.").wait_for()
    assert await focused(desktop) == "Confirm"
    await desktop.keyboard.press("Escape")
    assert await focused(desktop) == "Count"
    assert await count(desktop) == "2 films selected"
    await desktop.keyboard.press("Escape")
    assert not await desktop.locator("#picked").is_visible()
    assert await focused(desktop) == "Select"
    assert await server_under_test.work.tasks.all(OWNER_) == ()


async def test_a_tv_only_watches_and_is_not_offered_to_select(open_page, tv_cookies):  # noqa: F811
    page = await open_page(TV, tv_cookies)
    await page.goto("/")
    await page.locator(".card").first.wait_for()
    assert await page.locator("#select, #selecting").count() == 0


async def test_what_was_selected_survives_another_page_of_films(desktop):
    await begin(desktop)
    await box(desktop, OWN).click()
    await box(desktop, STACKED).click()
    await desktop.goto("/plugins/testdeeds/")
    assert await count(desktop) == "2 films selected 1 not shown here"
    assert await selected(desktop) == {STACKED.id}
    await box(desktop, BEGUN).click()
    await desktop.get_by_role("button", name="Count").click()
    await desktop.get_by_text(f"3 films are counted: {OWN.title}, {STACKED.title}, {BEGUN.title}.").wait_for()
    await desktop.get_by_role("button", name="Cancel").click()
    await desktop.goto("/")
    assert await selected(desktop) == {OWN.id, STACKED.id, BEGUN.id}
    await desktop.get_by_role("button", name="Done").click()
    await desktop.reload()
    assert not await desktop.locator("#picked").is_visible()
    await begin(desktop)
    assert await count(desktop) == "0 films selected"


async def test_a_grid_drawn_anew_keeps_what_is_selected(desktop, server_under_test):
    from wylloh_server.web import app_keys

    await begin(desktop)
    await box(desktop, STACKED).click()
    await box(desktop, BEGUN).focus()
    await server_under_test.storage.films.remove(ARRIVING.id)
    server_under_test.app[app_keys.LIVE].changed("library")
    await box(desktop, ARRIVING).wait_for(state="detached")
    assert await selected(desktop) == {STACKED.id}
    assert await focused(desktop) == f"Select {BEGUN.title}"
    assert await desktop.locator(".grid .card").first.evaluate("card => card.inert")
    assert await desktop.locator("#picked").is_visible()


async def test_what_cannot_be_done_is_said_and_can_be_tried_otherwise(desktop, server_under_test):
    await begin(desktop)
    await box(desktop, STACKED).click()
    await desktop.get_by_role("button", name="Mark").click()
    dialog, word = desktop.get_by_role("dialog"), desktop.get_by_label("The mark")
    await word.fill("bad")
    await word.press("Enter")
    await dialog.get_by_text("The plugin testdeeds made a mistake and could not answer.").wait_for()
    await word.fill("nothing")
    await dialog.get_by_role("button", name="Go on").click()
    await dialog.get_by_text("All of them are marked already. Select others.").wait_for()
    assert not await desktop.locator("#batch-confirm").is_visible()
    await word.fill("noir")
    await dialog.get_by_role("button", name="Go on").click()
    await dialog.get_by_text("1 films get the mark noir.").wait_for()
    await word.fill("drama")
    assert not await dialog.get_by_text("1 films get the mark").is_visible()
    await dialog.get_by_role("button", name="Go on").click()
    await dialog.get_by_text("1 films get the mark drama.").wait_for()
    await server_under_test.storage.films.remove(STACKED.id)
    await dialog.get_by_role("button", name="Confirm").click()
    await dialog.get_by_text("1 of the selected films is not here any more.").wait_for()
    assert await server_under_test.work.tasks.all(OWNER_) == ()


@pytest.mark.parametrize("viewport", [PHONE, DESKTOP, TV], ids=["phone", "desk", "tv"])
async def test_the_bar_hides_nothing_that_cannot_be_scrolled_to(open_page, owner, viewport):  # noqa: F811
    page = await open_page(viewport, owner.real_cookies)
    await page.goto("/")
    await begin(page)
    assert await page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
    await page.evaluate("window.scrollTo(0, document.documentElement.scrollHeight)")
    last = await page.locator(".grid .card").last.bounding_box()
    bar = await page.locator("#picked").bounding_box()
    assert last["y"] + last["height"] <= bar["y"]
    assert bar["y"] + bar["height"] <= viewport["height"] + 1


async def test_a_task_is_followed_and_cancelled_on_its_page(desktop, server_under_test):
    await desktop.goto("/tasks")
    await desktop.get_by_role("heading", name="Nothing is running.").wait_for()
    task = await server_under_test.work.tasks.start("testdeeds.hang", "Read everything", {}, OWNER)
    await desktop.get_by_role("heading", name="One thing is running.").wait_for()
    await desktop.get_by_text("120 of 300 · Reading film 121").wait_for()
    bar = desktop.get_by_role("progressbar", name="Read everything")
    assert await bar.get_attribute("value") == "40"
    await desktop.get_by_role("link", name="1 task running in the background").wait_for()
    await desktop.get_by_role("button", name="Cancel Read everything").click()
    await desktop.get_by_text("Cancelled after 120 of 300. What was done stays.").wait_for()
    assert (await server_under_test.work.tasks.get(OWNER_, task)).state == "cancelled"
    await until(desktop, "document.getElementById('busy').textContent.trim() === ''")
    await desktop.get_by_role("button", name="Clear what has ended").click()
    await until(desktop, "document.querySelectorAll('.tasks li').length === 0")


async def test_somebody_at_another_device_sees_that_a_task_is_done(open_page, owner, server_under_test):  # noqa: F811
    page = await open_page(DESKTOP, owner.real_cookies)
    await page.goto("/devices")
    await asyncio.sleep(0.2)  # the page has to be listening, or it hears of nothing
    await server_under_test.work.tasks.start("testdeeds.fail", "Lock the shelf", {}, OWNER)
    link = page.get_by_role("link", name="Lock the shelf: The shelf is locked. Unlock it.")
    await link.click()
    await page.wait_for_url("**/tasks")


def _owner():
    from tests.services.server_environment import viewer_with
    from wylloh_server.domain.access import Role

    return viewer_with(OWNER, Role.OWNER)


OWNER_ = _owner()


async def test_where_there_is_no_film_there_is_nothing_to_select(desktop):
    select = desktop.get_by_role("button", name="Select", exact=True)
    await expect(select).to_be_visible()
    await desktop.evaluate("document.querySelectorAll('.pick').forEach((box) => box.remove())")
    await expect(select).to_be_hidden()
