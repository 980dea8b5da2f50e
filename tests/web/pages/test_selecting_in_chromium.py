"""Selecting films with the mouse, with keys and with a remote, up to the task that does it."""

from __future__ import annotations

import asyncio

import pytest
from playwright.async_api import expect

from tests.web.conftest import OWNER
from tests.web.pages.conftest import stocked
from tests.web.pages.deeds import write
from tests.web.pages.samples import ARRIVING, BEGUN, ELSEWHERE, FAILED, OWN, STACKED, WAITING
from tests.web.pages.test_in_chromium import (  # noqa: F401 - fixtures
    DESK,
    PHONE,
    TV,
    focused,
    open_page,
    pressed,
    tv_cookies,
    until,
)

GRID = [ARRIVING, BEGUN, STACKED, WAITING]  # the first shelf, in its order
EVERY = {film.id for film in (*GRID, OWN, ELSEWHERE, FAILED)}


@pytest.fixture
async def house(open_house, tmp_path):
    return await stocked(open_house, plugin_folder=write(tmp_path))


@pytest.fixture
async def desk(open_page, owner):  # noqa: F811
    page = await open_page(DESK, owner.real_cookies)
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


async def test_until_somebody_selects_cards_lead_to_films(desk):
    assert not await box(desk, BEGUN).is_visible()
    assert not await desk.locator("#picked").is_visible()
    await desk.locator(".grid .card").first.click()
    await desk.wait_for_url(f"**/films/{ARRIVING.id}")


async def test_with_the_mouse_from_the_first_click_to_the_result(desk, house):
    await begin(desk)
    assert await count(desk) == "0 films selected"
    assert await desk.get_by_role("button", name="Mark").is_disabled()
    await box(desk, BEGUN).click()
    await box(desk, STACKED).click()
    assert await count(desk) == "2 films selected"
    assert "/films/" not in desk.url
    await desk.get_by_role("button", name="Mark").click()
    dialog = desk.get_by_role("dialog", name="Mark")
    await dialog.get_by_label("The mark").fill("noir")
    await dialog.get_by_label("loudly").check()
    await dialog.get_by_role("button", name="Go on").click()
    await dialog.get_by_text("2 films get the mark noir.").wait_for()
    assert await house.work.tasks.all(OWNER_) == ()
    await dialog.get_by_role("button", name="Confirm").click()
    await desk.get_by_text("Mark: noir, loudly · 2 films: 2 films are marked noir.").wait_for()
    await desk.get_by_text("Begun: Mark · noir · loudly · 2 films.").wait_for(state="hidden")
    assert not await desk.locator("#picked").is_visible()
    (task,) = await house.work.tasks.all(OWNER_)
    assert (task.state, task.says) == ("done", "2 films are marked noir.")
    await box(desk, BEGUN).wait_for(state="hidden")
    await desk.locator(".grid .card").first.click()
    await desk.wait_for_url("**/films/**")


async def test_all_some_none_and_the_rest(desk):
    await begin(desk)
    await desk.get_by_role("button", name="All", exact=True).click()
    assert await selected(desk) == EVERY
    await desk.get_by_role("button", name="None", exact=True).click()
    assert await selected(desk) == set()
    section = desk.locator("section", has=desk.locator("#yours"))
    await section.get_by_role("button", name="Select all of these").click()
    assert await selected(desk) == {film.id for film in GRID}
    await desk.get_by_role("button", name="Invert").click()
    assert await selected(desk) == EVERY - {film.id for film in GRID}
    await section.get_by_role("button", name="Select all of these").click()
    await section.get_by_role("button", name="Select none of these").click()
    assert await count(desk) == "3 films selected"


async def test_shift_selects_all_between(desk):
    await begin(desk)
    await box(desk, ARRIVING).click()
    await box(desk, WAITING).click(modifiers=["Shift"])
    assert await selected(desk) == {film.id for film in GRID}
    await box(desk, BEGUN).click(modifiers=["Shift"])
    assert await selected(desk) == {ARRIVING.id}


async def test_with_keys_alone(desk, house):
    await desk.get_by_role("button", name="Select", exact=True).focus()
    await desk.keyboard.press("Enter")
    assert await pressed(desk, "ArrowRight", "ArrowRight") == [
        f"Select {BEGUN.title}",
        f"Select {STACKED.title}",
    ]
    await desk.keyboard.press("Space")
    await desk.keyboard.press("ArrowLeft")
    await desk.keyboard.press("Enter")
    assert await selected(desk) == {BEGUN.id, STACKED.id}
    assert await pressed(desk, "Escape", "Tab") == ["Mark", "Count"]
    await desk.keyboard.press("Enter")
    await desk.get_by_text(f"2 films are counted: {STACKED.title}, {BEGUN.title}.").wait_for()
    assert await focused(desk) == "Confirm"
    await desk.keyboard.press("Escape")
    assert await focused(desk) == "Count"
    assert await count(desk) == "2 films selected"
    await desk.keyboard.press("Escape")
    assert not await desk.locator("#picked").is_visible()
    assert await focused(desk) == "Select"
    assert await house.work.tasks.all(OWNER_) == ()


async def test_with_a_remote(open_page, tv_cookies, house):  # noqa: F811
    page = await open_page(TV, tv_cookies)
    await page.goto("/")
    await page.locator("#select").focus()
    await page.keyboard.press("Enter")
    assert await focused(page) == f"Select {ARRIVING.title}"
    await page.keyboard.press("Enter")
    assert await pressed(page, "ArrowRight") == [f"Select {BEGUN.title}"]
    await page.keyboard.press("Enter")
    assert await selected(page) == {ARRIVING.id, BEGUN.id}
    assert await pressed(page, "Backspace", "ArrowRight") == ["Mark", "Count"]
    assert await pressed(page, "ArrowLeft") == ["Mark"]
    await page.keyboard.press("Enter")
    await page.locator("#deed-fields input").first.wait_for()
    await page.keyboard.type("noir")
    await pressed(page, "ArrowDown", "ArrowLeft", "ArrowRight")
    assert await page.locator("#deed").get_by_label("softly").is_checked()
    await page.keyboard.press("Enter")
    assert await page.locator("#deed").get_by_label("loudly").is_checked()
    assert (await pressed(page, "ArrowDown", "ArrowLeft"))[-1] == "Go on"
    await page.keyboard.press("Enter")
    await page.get_by_text("2 films get the mark noir.").wait_for()
    assert await focused(page) == "Confirm"
    await page.keyboard.press("Enter")
    await page.get_by_text("Begun: Mark · noir · loudly · 2 films.").wait_for()
    await house.work.jobs.settled()
    (task,) = await house.work.tasks.all(OWNER_)
    assert task.state == "done"
    assert await focused(page) == "Select"


async def test_what_was_selected_survives_another_page_of_films(desk):
    await begin(desk)
    await box(desk, OWN).click()
    await box(desk, STACKED).click()
    await desk.goto("/plugins/testdeeds/")
    assert await count(desk) == "2 films selected 1 not shown here"
    assert await selected(desk) == {STACKED.id}
    await box(desk, BEGUN).click()
    await desk.get_by_role("button", name="Count").click()
    await desk.get_by_text(f"3 films are counted: {OWN.title}, {STACKED.title}, {BEGUN.title}.").wait_for()
    await desk.get_by_role("button", name="Cancel").click()
    await desk.goto("/")
    assert await selected(desk) == {OWN.id, STACKED.id, BEGUN.id}
    await desk.get_by_role("button", name="Done").click()
    await desk.reload()
    assert not await desk.locator("#picked").is_visible()
    await begin(desk)
    assert await count(desk) == "0 films selected"


async def test_a_grid_drawn_anew_keeps_what_is_selected(desk, house):
    from wylloh_server.web import keys

    await begin(desk)
    await box(desk, STACKED).click()
    await box(desk, BEGUN).focus()
    await house.storage.films.remove(ARRIVING.id)
    house.app[keys.LIVE].changed("library")
    await box(desk, ARRIVING).wait_for(state="detached")
    assert await selected(desk) == {STACKED.id}
    assert await focused(desk) == f"Select {BEGUN.title}"
    assert await desk.locator(".grid .card").first.evaluate("card => card.inert")
    assert await desk.locator("#picked").is_visible()


async def test_what_cannot_be_done_is_said_and_can_be_tried_otherwise(desk, house):
    await begin(desk)
    await box(desk, STACKED).click()
    await desk.get_by_role("button", name="Mark").click()
    dialog, word = desk.get_by_role("dialog"), desk.get_by_label("The mark")
    await word.fill("bad")
    await word.press("Enter")
    await dialog.get_by_text("The plugin testdeeds made a mistake and could not answer.").wait_for()
    await word.fill("nothing")
    await dialog.get_by_role("button", name="Go on").click()
    await dialog.get_by_text("All of them are marked already. Select others.").wait_for()
    assert not await desk.locator("#deed-go").is_visible()
    await word.fill("noir")
    await dialog.get_by_role("button", name="Go on").click()
    await dialog.get_by_text("1 films get the mark noir.").wait_for()
    await word.fill("drama")
    assert not await dialog.get_by_text("1 films get the mark").is_visible()
    await dialog.get_by_role("button", name="Go on").click()
    await dialog.get_by_text("1 films get the mark drama.").wait_for()
    await house.storage.films.remove(STACKED.id)
    await dialog.get_by_role("button", name="Confirm").click()
    await dialog.get_by_text("1 of the selected films is not here any more.").wait_for()
    assert await house.work.tasks.all(OWNER_) == ()


@pytest.mark.parametrize("viewport", [PHONE, DESK, TV], ids=["phone", "desk", "tv"])
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


async def test_a_task_is_followed_and_cancelled_on_its_page(desk, house):
    await desk.goto("/tasks")
    await desk.get_by_role("heading", name="Nothing is running.").wait_for()
    task = await house.work.tasks.start("testdeeds.hang", "Read everything", {}, OWNER)
    await desk.get_by_role("heading", name="One thing is running.").wait_for()
    await desk.get_by_text("120 of 300 · Reading film 121").wait_for()
    bar = desk.get_by_role("progressbar", name="Read everything")
    assert await bar.get_attribute("value") == "40"
    await desk.get_by_role("link", name="1 task running in the background").wait_for()
    await desk.get_by_role("button", name="Cancel Read everything").click()
    await desk.get_by_text("Cancelled after 120 of 300. What was done stays.").wait_for()
    assert (await house.work.tasks.get(OWNER_, task)).state == "cancelled"
    await until(desk, "document.getElementById('busy').textContent.trim() === ''")
    await desk.get_by_role("button", name="Clear what has ended").click()
    await until(desk, "document.querySelectorAll('.tasks li').length === 0")


async def test_somebody_elsewhere_in_the_house_hears_that_a_task_is_done(open_page, owner, house):  # noqa: F811
    page = await open_page(DESK, owner.real_cookies)
    await page.goto("/devices")
    await asyncio.sleep(0.2)  # the page has to be listening, or it hears of nothing
    await house.work.tasks.start("testdeeds.fail", "Lock the shelf", {}, OWNER)
    link = page.get_by_role("link", name="Lock the shelf: The shelf is locked. Unlock it.")
    await link.click()
    await page.wait_for_url("**/tasks")


def _owner():
    from tests.services.house import viewer_with
    from wylloh_server.domain.access import Role

    return viewer_with(OWNER, Role.OWNER)


OWNER_ = _owner()


async def test_where_there_is_no_film_there_is_nothing_to_select(desk):
    select = desk.get_by_role("button", name="Select", exact=True)
    await expect(select).to_be_visible()
    await desk.evaluate("document.querySelectorAll('.pick').forEach((box) => box.remove())")
    await expect(select).to_be_hidden()
