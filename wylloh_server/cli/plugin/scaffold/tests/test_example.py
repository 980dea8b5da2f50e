"""Tests of the plugin. The fixture `plugin_app` comes with wylloh-server."""

from __future__ import annotations

import pytest

from wylloh_server.sdk import PlaybackStarted, Role, Wallet

SOMEBODY = Wallet("0x" + "11" * 20)


@pytest.fixture
def running(plugin_app):
    """Run the plugin: `async with running(shown=3) as app`."""
    return lambda **settings: plugin_app("wylloh_example", settings=settings)


async def watch(app, *films):
    await app.tell(*(PlaybackStarted(film.id, SOMEBODY, "tv") for film in films))


async def test_it_runs(running):
    async with running() as app:
        assert (app.record.status, app.record.reason) == ("running", "")
        assert [item.path for item in await app.nav_items()] == ["/plugins/example/"]


async def test_the_page_shows_what_is_watched_most(running):
    async with running() as app:
        assert "Nothing has been watched yet." in await app.render(await app.get())
        first, second = app.films[:2]
        await watch(app, first, second, second)
        page = await app.get()
        assert page.values["plays"] == [(second, 2), (first, 1)]
        assert f"<h1>{second.title} is watched most.</h1>" in await app.render(page)


async def test_a_setting_says_how_many_are_shown(running):
    async with running(shown=1) as app:
        await watch(app, *app.films)
        assert len((await app.get()).values["plays"]) == 1


async def test_counts_survive_a_restart_and_go_with_their_film(running):
    async with running() as app:
        await watch(app, app.films[0], app.films[1])
    async with running() as app:
        await app.leave(app.films[0])
        assert [film for film, _ in (await app.get()).values["plays"]] == [app.films[1]]


async def test_whoever_is_not_signed_in_sees_nothing(running):
    async with running() as app:
        assert (await app.get(by=None)).status == 401
        assert await app.nav_items(by=None) == ()
        assert (await app.get(by=Role.VIEWER)).status == 200
