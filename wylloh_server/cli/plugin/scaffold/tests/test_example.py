"""Tests of the plugin. The fixture `plugin_app` comes with wylloh-server."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import pytest

from wylloh_server.sdk import DeviceId, ErrorReply, Film, Page, PlaybackStarted, Role, Wallet
from wylloh_server.sdk.testing import PluginApp

Running = Callable[..., AbstractAsyncContextManager[PluginApp]]
SOMEBODY = Wallet("0x" + "11" * 20)


@pytest.fixture
def running(plugin_app: Running) -> Running:
    """Run the plugin: `async with running(shown=3) as app`."""
    return lambda **settings: plugin_app("wylloh_example", settings=settings)


async def page_of(app: PluginApp) -> Page:
    page = await app.get()
    assert isinstance(page, Page)
    return page


async def watch(app: PluginApp, *films: Film) -> None:
    await app.emit(*(PlaybackStarted(film.id, SOMEBODY, DeviceId("tv")) for film in films))


async def test_it_runs(running: Running) -> None:
    async with running() as app:
        assert (app.record.status, app.record.reason) == ("running", "")
        assert [item.path for item in await app.nav_items()] == ["/plugins/example/"]


async def test_the_page_shows_what_is_watched_most(running: Running) -> None:
    async with running() as app:
        assert "Nothing has been watched yet." in await app.render(await page_of(app))
        first, second = app.films[:2]
        await watch(app, first, second, second)
        page = await page_of(app)
        assert page.values["plays"] == [(second, 2), (first, 1)]
        assert f"<h1>{second.title} is watched most.</h1>" in await app.render(page)


async def test_a_setting_says_how_many_are_shown(running: Running) -> None:
    async with running(shown=1) as app:
        await watch(app, *app.films)
        assert len((await page_of(app)).values["plays"]) == 1


async def test_counts_survive_a_restart_and_go_with_their_film(running: Running) -> None:
    async with running() as app:
        await watch(app, app.films[0], app.films[1])
    async with running() as app:
        await app.leave(app.films[0])
        assert [film for film, _ in (await page_of(app)).values["plays"]] == [app.films[1]]


async def test_whoever_is_not_signed_in_sees_nothing(running: Running) -> None:
    async with running() as app:
        refused = await app.get(by=None)
        assert isinstance(refused, ErrorReply)
        assert refused.status == 401
        assert await app.nav_items(by=None) == ()
        assert isinstance(await app.get(by=Role.VIEWER), Page)
