"""Tagging many films at once."""

from __future__ import annotations

import pytest

from wylloh_server.sdk import AccessRefused, InvalidValue, Role
from wylloh_server.sdk.testing.samples import sample_viewer
from wylloh_tagging.tag_tasks import BATCH_ACTIONS
from wylloh_tagging.tag_events import FilmTagged, FilmUntagged

EDITOR = Role.PUBLISHER


async def test_many_films_get_a_tag(tagging, add, tags_of):
    async with tagging() as app:
        await add(app, app.films[0], "genre/noir")
        plan = await app.plan("tag", app.films, {"tag": " Genre/Noir "}, by=EDITOR)
        assert (plan.sentence, plan.fix) == ("3 films get the tag genre/noir; 1 has it already.", "")
        app.events.clear()
        task = await app.batch("tag", app.films, {"tag": "genre/noir"}, by=EDITOR)
        assert (task.state, task.message) == ("done", "3 films got the tag genre/noir.")
        assert task.link == "/plugins/tagging/tag/genre/noir"
        for film in app.films:
            assert await tags_of(app, film) == ["genre/noir"]
        told = {event.film for event in app.events if isinstance(event, FilmTagged)}
        assert told == {film.id for film in app.films[1:]}


async def test_many_films_lose_a_tag(tagging, add, tags_of):
    async with tagging() as app:
        for film in app.films[:2]:
            await add(app, film, "noir")
            await add(app, film, "noir/french")
        plan = await app.plan("untag", app.films, {"tag": "noir"}, by=EDITOR)
        assert plan.sentence == "2 films lose the tag noir; 2 do not have it."
        task = await app.batch("untag", app.films, {"tag": "noir"}, by=EDITOR)
        assert task.message == "2 films lost the tag noir."
        assert await tags_of(app, app.films[0]) == ["noir/french"]
        assert FilmUntagged(app.films[1].id, "noir") in app.events


async def test_when_there_is_nothing_to_do_the_plan_says_what_else_to_do(tagging, add):
    async with tagging() as app:
        await add(app, app.films[0], "noir")
        plan = await app.plan("tag", app.films[:1], {"tag": "noir"}, by=EDITOR)
        assert (plan.sentence, plan.fix) == ("1 film has it already.", "Choose other films or another tag.")
        plan = await app.plan("untag", app.films[1:], {"tag": "noir"}, by=EDITOR)
        assert (plan.sentence, bool(plan.fix)) == ("None of these films has the tag noir.", True)


async def test_a_film_that_is_full_is_left_out(tagging, add_many, tags_of):
    async with tagging() as app:
        await add_many(app, app.films[0], [f"tag {number}" for number in range(50)])
        plan = await app.plan("tag", app.films[:2], {"tag": "noir"}, by=EDITOR)
        assert plan.sentence == "1 film gets the tag noir; 1 has 50 tags and no room for another."
        assert (
            await app.batch("tag", app.films[:2], {"tag": "noir"}, by=EDITOR)
        ).message == "1 film got the tag noir."
        assert len(await tags_of(app, app.films[0])) == 50


@pytest.mark.parametrize("action", ["tag", "untag"])
async def test_bad_tags_and_viewers_are_refused(tagging, tags_of, action):
    async with tagging() as app:
        with pytest.raises(InvalidValue, match="both sides"):
            await app.plan(action, app.films, {"tag": "a//b"}, by=EDITOR)
        with pytest.raises(InvalidValue, match="empty"):
            await app.plan(action, app.films, {}, by=EDITOR)
        with pytest.raises(AccessRefused):
            await app.plan(action, app.films, {"tag": "noir"})
        assert app.record.errors == 0


async def test_removing_offers_the_tags_in_use(tagging, add):
    async with tagging() as app:
        await add(app, app.films[0], "genre/noir")
        asked = {
            action.name: await action.fields(app.context, sample_viewer(EDITOR)) for action in BATCH_ACTIONS
        }
        assert {name: [field.choices for field in fields] for name, fields in asked.items()} == {
            "tag": [()],
            "untag": [("genre/noir",)],
        }


async def test_doing_it_again_after_a_crash_does_no_harm(tagging, monkeypatch):
    monkeypatch.setattr("wylloh_tagging.tag_tasks._STEP", 3)
    async with tagging() as app:
        arguments = {"films": [*(film.id for film in app.films), "gone"], "values": {"tag": "noir"}}
        assert (await app.task("tag", arguments)).message == "4 films got the tag noir."
        assert (await app.task("tag", arguments)).message == "0 films got the tag noir."
        page = await app.get("tag/noir")
        assert page.values["node"].films == 4
