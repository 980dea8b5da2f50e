"""What is watched is counted per film and day; about people nothing is kept, unless the household wants it."""

from __future__ import annotations

import sqlite3
import time
from fractions import Fraction

from plugins.analytics.tests.scenarios import PEOPLE, story_films
from plugins.analytics.tests.assertions import analytics
from sqlalchemy import select, update

from wylloh_analytics import tables
from wylloh_analytics.play_counts import _count
from wylloh_server.domain.access import Role
from wylloh_server.domain.events import AccountRemoved, PlaybackEnded, PlaybackStarted
from wylloh_server.domain.playback import LeaseEnd
from wylloh_server.domain.types import DeviceId
from wylloh_server.sdk import Page, Redirect
from wylloh_server.sdk.testing.samples import sample_viewer

FILMS = story_films()
FILM, OTHER = FILMS[0], FILMS[4]
SOMEBODY, DEVICE = PEOPLE[0], DeviceId("the-tv-in-the-kitchen")


def begun(film=FILM, wallet=SOMEBODY):
    return PlaybackStarted(film.id, wallet, DEVICE)


def ended(watched, film=FILM, wallet=SOMEBODY):
    return PlaybackEnded(film.id, wallet, DEVICE, LeaseEnd.STOPPED, watched)


async def plays(app):
    found = await app.context.tables.fetch(select(tables.plays))
    return {film: tuple(counts) for film, _, *counts in found.rows}


async def test_plays_and_how_far_they_came(tmp_path):
    async with analytics(tmp_path, films=FILMS) as told:
        app = told.app
        await app.emit(
            begun(), ended(0.9), begun(), ended(0.25), begun(), ended(None), begun(OTHER), ended(0.899, OTHER)
        )
        assert await plays(app) == {FILM.id: (3, 2, 1, 1150), OTHER.id: (1, 1, 0, 899)}
        chart = (await app.get("chart/plays", by=Role.OWNER)).values["charts"][0]["chart"]
        assert (
            chart.sentence
            == "Begun 4 times. 33\xa0% were watched to the end, and 68\xa0% of the film on average."
        )


async def test_one_day_is_one_bar_because_hours_are_not_kept(tmp_path):
    async with analytics(tmp_path, films=FILMS) as told:
        await told.app.emit(begun(), begun())
        page = await told.app.get("chart/plays", query={"period": "day"}, by=Role.OWNER)
        chart = page.values["charts"][0]["chart"]
        assert (chart.shape, len(chart.rows), chart.rows[0].cells[0]) == ("bars", 1, 2)
        assert "hours are not kept" in await told.app.render(page, by=Role.OWNER)


async def test_plays_are_compared_with_the_period_before(tmp_path):
    async with analytics(tmp_path, films=FILMS) as told:
        today = int(time.time() // 86400)
        tables_of = told.app.context.tables
        await _count(tables_of, FILM.id, today - 8, {"begun": 5, "told": 4, "finished": 3, "permille": 3600})
        await _count(tables_of, FILM.id, today - 1, {"begun": 2, "told": 1, "finished": 1, "permille": 1000})
        page = await told.app.get("chart/plays", query={"period": "week"}, by=Role.OWNER)
        chart = page.values["charts"][0]["chart"]
        day = {column.label: cell for column, cell in zip(chart.columns, chart.rows[-2].cells, strict=True)}
        assert day == {
            "Begun": 2, "Watched to the end": 1, "Watched on average": 1,
            "Begun before": 5, "Watched to the end before": 3, "Watched on average before": Fraction(9, 10),
        }  # fmt: skip


def everything_in(folder):
    """Every value in every table of the plugin, as text."""
    with sqlite3.connect(folder / "wylloh.sqlite3") as database:
        names = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        own = [name for name in names if name.startswith("plugin_analytics_")]
        assert len(own) > 9
        return "\n".join(str(row) for name in own for row in database.execute(f"SELECT * FROM {name}"))  # noqa: S608


async def test_neither_wallet_nor_device_is_stored(tmp_path):
    async with analytics(tmp_path, films=FILMS) as told:
        await told.app.emit(begun(), ended(0.5))
        kept = everything_in(tmp_path)
        assert FILM.id in kept
        assert SOMEBODY not in kept
        assert str(bytes.fromhex(SOMEBODY[2:])) not in kept
        assert DEVICE not in kept
        reply = await told.app.get("history", by=Role.OWNER)
        assert (reply.status, reply.sentence) == (404, "Nobody's history is kept here.")
        assert (await told.app.post("history/forget-all", by=Role.OWNER)).status == 404


HISTORY = {"household_history": True}


def wallet_of(role):
    return sample_viewer(role).wallet


async def lines(app, by, **query):
    page = await app.get("history", query=query, by=by)
    assert isinstance(page, Page)
    return page.values["lines"], await app.render(page, by=by)


async def test_a_household_may_keep_its_own_history_which_nobody_else_sees(tmp_path):
    async with analytics(tmp_path, films=FILMS, settings=HISTORY) as told:
        app = told.app
        await app.emit(ended(0.42, FILM, wallet_of(Role.VIEWER)), ended(None, OTHER, wallet_of(Role.VIEWER)))
        await app.emit(ended(1.0, OTHER, wallet_of(Role.OWNER)))
        own, html = await lines(app, Role.VIEWER)
        assert [(line["title"], line["message"]) for line in own] == [
            (OTHER.title, ""),
            (FILM.title, "42\xa0% watched"),
        ]
        assert "Only you see this list" in html
        others, _ = await lines(app, Role.OWNER)
        assert [line["title"] for line in others] == [OTHER.title]
        assert DEVICE not in everything_in(tmp_path)


async def test_a_removed_account_takes_its_history_along(tmp_path):
    """Also the line of the film that played until then: the server ends it first."""
    async with analytics(tmp_path, films=FILMS, settings=HISTORY) as told:
        gone, stays = wallet_of(Role.VIEWER), wallet_of(Role.OWNER)
        await told.app.emit(ended(1.0, OTHER, stays), ended(0.5, FILM, gone), AccountRemoved(gone))
        assert (await lines(told.app, Role.VIEWER))[0] == []
        assert len((await lines(told.app, Role.OWNER))[0]) == 1


async def test_everybody_deletes_only_what_is_theirs(tmp_path):
    async with analytics(tmp_path, films=FILMS, settings=HISTORY) as told:
        app = told.app
        await app.emit(
            *(ended(0.5, FILM, wallet_of(role)) for role in (Role.VIEWER, Role.OWNER, Role.VIEWER))
        )
        (first, second), _ = await lines(app, Role.VIEWER)
        ((theirs,), _) = await lines(app, Role.OWNER)
        assert await app.post("history/forget", {"id": str(theirs["id"])}, by=Role.VIEWER) == Redirect(
            "/plugins/analytics/history"
        )
        assert len((await lines(app, Role.OWNER))[0]) == 1, "somebody else's line stays"
        await app.post("history/forget", {"id": str(first["id"])}, by=Role.VIEWER)
        assert [line["id"] for line in (await lines(app, Role.VIEWER))[0]] == [second["id"]]
        await app.post("history/forget-all", by=Role.VIEWER)
        own, html = await lines(app, Role.VIEWER)
        assert own == []
        assert "Nothing yet." in html
        assert len((await lines(app, Role.OWNER))[0]) == 1


async def test_a_line_that_is_none(tmp_path):
    async with analytics(tmp_path, films=FILMS, settings=HISTORY) as told:
        for number in ("", "x", "-1", "1" * 30, "1 OR 1=1"):
            reply = await told.app.post("history/forget", {"id": number}, by=Role.VIEWER)
            assert reply.status == 400
            assert (await told.app.get("history", query={"page": number or "0"})).status == 400
        assert told.app.record.errors == 0


async def test_a_long_history_has_pages_and_films_that_left_keep_their_line(tmp_path):
    async with analytics(tmp_path, films=FILMS, settings=HISTORY) as told:
        app = told.app
        await app.emit(*(ended(0.5, FILM, wallet_of(Role.VIEWER)) for _ in range(51)))
        await app.leave(FILM)
        newest, html = await lines(app, Role.VIEWER)
        oldest, _ = await lines(app, Role.VIEWER, page="2")
        assert (len(newest), len(oldest)) == (50, 1)
        assert "51 lines. Only you see this list" in html
        assert "Page 1 of 2" in html
        assert "A film that is no longer here" in html


async def test_turning_the_history_off_deletes_it(tmp_path):
    async with analytics(tmp_path, films=FILMS, settings=HISTORY) as told:
        await told.app.emit(ended(0.5, FILM, wallet_of(Role.VIEWER)))
        assert [(item.label, item.path) for item in await told.app.nav_items(by=Role.VIEWER)] == [
            ("History", "/plugins/analytics/history")
        ]
    async with analytics(tmp_path, films=FILMS) as told:
        assert await told.rows(tables.history) == ()
        assert wallet_of(Role.VIEWER) not in everything_in(tmp_path)


async def test_old_lines_of_the_history_are_deleted_once_a_day(tmp_path):
    settings = {"household_history": True, "history_days": 30}
    async with analytics(tmp_path, films=FILMS, settings=settings) as told:
        app = told.app
        await app.emit(begun(), ended(0.9), begun(OTHER), ended(0.9, OTHER))
        old = tables.history.c.film == FILM.id
        await app.context.tables.change(
            [update(tables.history).where(old).values(ended=time.time() - 31 * 86_400)]
        )
        task = await app.task("forget", by=None)
        assert (task.state, task.message) == ("done", "What was watched more than 30 days ago is deleted.")
        found = await app.context.tables.fetch(select(tables.history.c.film))
        assert [film for (film,) in found.rows] == [OTHER.id]


async def test_the_history_is_kept_unless_the_settings_say_for_how_long(tmp_path):
    async with analytics(tmp_path, films=FILMS, settings={"household_history": True}) as told:
        await told.app.emit(begun(), ended(0.9))
        assert (await told.app.task("forget", by=None)).message == "The settings keep everything."
        assert len((await told.app.context.tables.fetch(select(tables.history.c.film))).rows) == 1
