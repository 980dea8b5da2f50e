"""The library page is drawn once for as long as nothing it shows changes."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from tests.web.conftest import OWNER, PLAIN
from wylloh_server.domain.playback import Position
from wylloh_server.domain.types import Seconds, Timestamp
from wylloh_server.web import app_keys
from wylloh_server.web.pages import library_page


@pytest.fixture
def draws(monkeypatch):
    """Count how often the page is drawn."""
    drawn = []
    render = library_page.rendered

    async def counting(*arguments):
        drawn.append(arguments[1])
        return await render(*arguments)

    monkeypatch.setattr(library_page, "rendered", counting)
    return drawn


async def page_of(browser):
    response = await browser.get("/")
    assert response.status == 200
    return await response.text()


async def test_it_is_drawn_once_for_many_requests(owner, draws):
    first = await page_of(owner)
    pages = await asyncio.gather(*(page_of(owner) for _ in range(8)))
    assert set(pages) == {first}
    assert len(draws) <= 2  # a second on a machine so slow that two seconds have passed


async def test_what_is_written_is_shown_by_the_next_answer(server_under_test, owner, draws):
    assert "Evening" not in await page_of(owner)
    await server_under_test.storage.films.save(
        replace(PLAIN, description=replace(PLAIN.description, title="Evening"))
    )
    assert "Evening" in await page_of(owner)
    assert "Continue watching" not in await page_of(owner)
    await server_under_test.storage.positions.save(
        OWNER, Position(PLAIN.id, Seconds(100), Seconds(596), Timestamp(server_under_test.clock.now))
    )
    assert "Continue watching" in await page_of(owner)


async def test_what_open_pages_are_told_draws_it_again(server_under_test, owner, draws):
    await page_of(owner)
    before = len(draws)
    server_under_test.app[app_keys.LIVE].changed("plugin:tagging")
    await page_of(owner)
    assert len(draws) == before + 1


async def test_nobody_gets_somebody_else_s_page(owner, collector):
    assert await page_of(owner) != await page_of(collector)
