"""Groups of a stack on the film's page."""

from __future__ import annotations

import pytest

from tests.web.conftest import OWNER
from tests.web.pages.markup import Page
from tests.web.pages.samples import BEGUN, ELSEWHERE, STACKED
from tests.web.pages.test_in_chromium import (  # noqa: F401 - fixtures
    DESKTOP,
    PHONE,
    open_page,
    until,
)
from wylloh_server.domain.group_split import Group, split_stack
from wylloh_server.services.library.group_service import HeldStack
from wylloh_server.web import app_keys
from wylloh_server.web.pages.group_view import groups_view

PATH = f"/films/{STACKED.id}"


async def page(browser, path=PATH):
    response = await browser.get(path)
    assert response.status == 200
    found = Page(await response.text())
    assert found.faults == []
    return found


async def add(server_under_test, name, count):
    server_under_test.clock.now += 1
    return await server_under_test.app[app_keys.SERVICES].groups.add(
        HeldStack(OWNER, STACKED.id, 250), name, count
    )


def lines(holding, *groups):
    return groups_view(
        split_stack(holding, [Group(str(at), name, count, at) for at, (name, count) in enumerate(groups)])
    )


def test_each_group_shows_its_number_and_what_it_could_have():
    shown = lines(6000, ("Berlin", 100), ("Rome", 5000), ("Gift", 1))
    assert [(share.group.name, share.count, share.count + shown.rest) for share in shown.shares] == [
        ("Berlin", 100, 999),
        ("Rome", 5000, 5899),
        ("Gift", 1, 900),
    ]
    assert shown.rest == 899


@pytest.mark.parametrize("holding", [0, 1])
def test_one_token_is_nothing_to_split(holding):
    assert lines(holding) is None
    assert lines(2).shares == ()


def test_each_loss_is_one_sentence():
    shown = lines(101, ("Berlin", 100), ("Paris", 2), ("Rome", 40), ("Gift", 1))
    assert shown.losses == (
        "Paris lost 1 token: it has left your wallet.",
        "Rome lost all its 40 tokens: they have left your wallet.",
        "Gift lost its only token: it has left your wallet.",
    )
    assert shown.rest == 0
    assert shown.shares[2].count == 0


async def test_the_page_shows_groups_and_what_they_lost(server_under_test, owner):
    found = await page(owner)
    assert "None yet" in found.text and "Split off a group" in found.text
    await add(server_under_test, "Kino <b>Berlin</b>", 150)
    await add(server_under_test, "Paris", 100)
    found = await page(owner)
    for words in ("Your groups 2", "Kino <b>Berlin</b> ×150", "Paris ×100"):
        assert words in found.text
    assert found.text.count("4,750 more tokens unlock streaming") == 1, "rights go by the whole stack"
    section = found.text.partition("Your groups")[2].partition("Also by the makers")[0]
    assert "goes by all you hold" in section and " more " not in section, "what is missing is said once"
    assert "Split off a group" not in found.text, "there is nothing left to split off"
    await server_under_test.hold(OWNER, STACKED.token, 170)
    found = await page(owner)
    assert "Paris lost 80 tokens: they have left your wallet." in found.text
    assert "Paris ×20" in found.text


async def test_who_has_one_token_or_none_sees_nothing_of_groups(owner, server_under_test):
    await server_under_test.hold(OWNER, BEGUN.token, 1)
    for film in (BEGUN, ELSEWHERE):
        assert "Your groups" not in (await page(owner, f"/films/{film.id}")).text


async def test_while_nobody_can_count_them_there_are_no_groups(server_under_test, owner):
    await add(server_under_test, "Berlin", 100)
    await server_under_test.storage.chain_index.set_source("contracts that were never read")
    assert "Your groups" not in (await page(owner)).text


@pytest.mark.parametrize("viewport", [PHONE, DESKTOP], ids=["phone", "desk"])
async def test_split_rename_and_merge_without_a_reload(open_page, owner, server_under_test, viewport):  # noqa: F811
    tab = await open_page(viewport, owner.real_cookies)
    await tab.goto(PATH)
    await tab.evaluate("window.same = true")
    await tab.get_by_text("Split off a group").click()
    await tab.get_by_label("Name").fill("Kino Berlin")
    await tab.get_by_label("Tokens, up to 250").fill("300")
    await tab.get_by_role("button", name="Split off", exact=True).click()
    await tab.get_by_text("Only 250 tokens can be put there.").wait_for()
    await tab.get_by_label("Tokens, up to 250").fill("150")
    await tab.get_by_role("button", name="Split off", exact=True).click()
    await tab.get_by_text("×150").wait_for()
    assert await tab.evaluate("document.activeElement.textContent") == "Split off a group"
    await tab.get_by_label("Change Kino Berlin").click()
    group = tab.locator(".groups li", has_text="Kino Berlin")
    await group.get_by_label("Name").fill("Kino Paris")
    await group.get_by_role("button", name="Save").click()
    await tab.locator(".groups li b", has_text="Kino Paris").wait_for()
    await tab.get_by_label("Change Kino Paris").click()
    await tab.get_by_role("button", name="Merge Kino Paris").click()
    await tab.get_by_text("None yet").wait_for()
    assert await tab.evaluate("window.same")
    assert await tab.evaluate("document.documentElement.scrollWidth") <= viewport["width"]


async def test_a_loss_is_told_until_it_is_settled(open_page, owner, server_under_test):  # noqa: F811
    await add(server_under_test, "Berlin", 200)
    tab = await open_page(DESKTOP, owner.real_cookies)
    await tab.goto(PATH)
    await server_under_test.hold(OWNER, STACKED.token, 120)
    server_under_test.app[app_keys.LIVE].changed("wallet", wallet=OWNER)
    await tab.get_by_text("Berlin lost 80 tokens: they have left your wallet.").wait_for()
    await tab.get_by_role("button", name="All right").click()
    await until(tab, "!document.querySelector('.groups .notice')")
    assert await tab.get_by_text("×120").count() == 1


async def test_a_tv_shows_no_groups(open_page, tv_cookies, server_under_test):  # noqa: F811
    await add(server_under_test, "Berlin", 100)
    tab = await open_page({"width": 1920, "height": 1080}, tv_cookies)
    await tab.goto(PATH)
    assert await tab.locator("#rights").count() == 1
    assert await tab.locator(".groups").count() == 0
