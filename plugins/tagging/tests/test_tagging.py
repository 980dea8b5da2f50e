from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from wylloh_server.domain.film import Description, Film, FilmState, FolderOrigin
from wylloh_server.sdk import (
    FilmAdded,
    FilmAway,
    FilmDescribed,
    FilmId,
    Json,
    Page,
    Redirect,
    ErrorReply,
    Role,
    Slot,
    Verdict,
)
from wylloh_tagging.tag_events import FilmTagged, FilmUntagged

EDITORS = [Role.OWNER, Role.ADMIN, Role.PUBLISHER]


async def test_it_runs_as_the_server_installs_it(tagging):
    async with tagging() as app:
        assert (app.record.status, app.record.reason, app.record.errors) == ("running", "", 0)


@pytest.mark.parametrize("role", EDITORS)
async def test_add_and_remove_by_form(tagging, role, add, tags_of):
    async with tagging() as app:
        film = app.films[0]
        assert await add(app, film, " Genre/Noir ", by=role) == Redirect(f"/films/{film.id}")
        assert await tags_of(app, film) == ["genre/noir"]
        removed = await app.post(f"film/{film.id}/tags/remove", {"tag": "genre/noir"}, by=role)
        assert removed == Redirect(f"/films/{film.id}")
        assert await tags_of(app, film) == []


async def test_add_and_remove_by_json(tagging):
    async with tagging() as app:
        path = f"film/{app.films[0].id}/tags"
        await app.post(path, json={"tag": "b"}, by=Role.OWNER)
        assert await app.post(path, json={"tag": "a"}, by=Role.OWNER) == Json({"tags": ["a", "b"]})
        assert await app.post(f"{path}/remove", json={"tag": "b"}, by=Role.OWNER) == Json({"tags": ["a"]})


async def test_a_viewer_looks_but_does_not_change(tagging, add, tags_of):
    async with tagging() as app:
        film = app.films[0]
        reply = await add(app, film, "noir", by=Role.VIEWER)
        assert (reply.status, reply.fix) == (403, "Ask the owner of this server.")
        assert await tags_of(app, film) == []


async def test_a_setting_lets_viewers_change_tags(tagging, add):
    async with tagging(viewers_may_edit=True) as app:
        assert isinstance(await add(app, app.films[0], "noir", by=Role.VIEWER), Redirect)


async def test_whoever_is_not_signed_in_sees_nothing(tagging, add):
    async with tagging() as app:
        film = app.films[0]
        assert (await app.get("", by=None)).status == 401
        assert (await add(app, film, "noir", by=None)).status == 401
        assert await app.nav_items(by=None) == ()
        assert await app.fragments(Slot.FILM_TAGS, film, by=None) == ()


BAD_INPUT = [
    ("", "A tag cannot be empty."),
    ("x" * 200, "A tag has at most 80 characters, this one has 200."),
    ("../../etc", "A level of a tag cannot be only dots."),
    ("a\x07", "A tag cannot hold control characters or backslashes."),
    (["a", "b"], "tag must be one text."),
]


@pytest.mark.parametrize(("tag", "sentence"), BAD_INPUT)
async def test_bad_input_in_a_form_shows_the_form_again(tagging, tag, sentence, tags_of):
    async with tagging() as app:
        film = app.films[0]
        reply = await app.post(f"film/{film.id}/tags", {"tag": tag}, by=Role.OWNER)
        assert reply.status == 400
        html = await app.render(reply, by=Role.OWNER)
        assert f"<h1>{sentence}</h1>" in html
        assert f'value="{tag if isinstance(tag, str) else ""}"' in html
        assert f'href="/films/{film.id}"' in html
        assert await tags_of(app, film) == []
        assert app.record.errors == 0


@pytest.mark.parametrize(
    ("json", "sentence"),
    [
        *[({"tag": tag}, sentence) for tag, sentence in BAD_INPUT],
        ({"tag": 7}, "tag must be one text."),
        (["tag"], "A tag cannot be empty."),
        ({"tag": "\ud800"}, "A tag cannot hold control characters or backslashes."),
    ],
)
async def test_bad_input_in_json_is_refused_in_a_sentence(tagging, json, sentence, tags_of):
    async with tagging() as app:
        film = app.films[0]
        reply = await app.post(f"film/{film.id}/tags", json=json, by=Role.OWNER)
        assert (reply.status, reply.sentence) == (400, sentence)
        assert reply.fix
        assert await tags_of(app, film) == []
        assert app.record.errors == 0


async def test_emoji_and_marks_survive_the_way_to_a_page_and_back(tagging, add):
    async with tagging() as app:
        film = app.films[0]
        await add(app, film, "mood/🍿 & <b>")
        page = await app.get("tag/mood/🍿 & <b>")
        html = await app.render(page)
        assert "🍿 &amp; &lt;b&gt;" in html
        assert "<b>🍿" not in html
        chips = await app.render((await app.fragments(Slot.FILM_TAGS, film))[0])
        assert "/plugins/tagging/tag/mood/%F0%9F%8D%BF%20%26%20%3Cb%3E" in chips


async def test_a_film_that_is_not_there(tagging):
    async with tagging() as app:
        assert (await app.get("film/nowhere/tags")).status == 404
        assert (await app.post("film/nowhere/tags", {"tag": "a"}, by=Role.OWNER)).status == 404


async def test_a_film_has_room_for_fifty_tags(tagging, add, add_many):
    async with tagging() as app:
        film = app.films[0]
        await add_many(app, film, [f"tag {number}" for number in range(50)])
        refused = await app.post(f"film/{film.id}/tags", json={"tag": "tag 50"}, by=Role.OWNER)
        assert refused == ErrorReply(400, "A film has at most 50 tags.", "Remove one first.")
        assert isinstance(await add(app, film, "tag 49"), Redirect)


async def test_the_tree_page_shows_counts(tagging, add):
    async with tagging() as app:
        assert "No film here has a tag yet" in await app.render(await app.get())
        await add(app, app.films[0], "genre/noir")
        await add(app, app.films[1], "genre/drama")
        page = await app.get()
        assert isinstance(page, Page)
        genre = page.values["tag_groups"][0].node
        assert (genre.tag, genre.films, [child.label for child in genre.children]) == (
            "genre",
            2,
            ["drama", "noir"],
        )
        html = await app.render(page)
        assert 'href="/plugins/tagging/tag/genre/noir"' in html
        assert "No film here has a tag yet" not in html


async def test_a_tag_page_shows_films_of_the_tag_and_below(tagging, add):
    async with tagging() as app:
        noir, western, other, _ = app.films
        await add(app, noir, "genre/noir")
        await add(app, western, "genre/western/spaghetti")
        await add(app, other, "genre x")
        page = await app.get("tag/genre")
        assert {card.film.id for card in page.values["cards"]} == {noir.id, western.id}
        html = await app.render(page)
        assert f'href="/films/{noir.id}"' in html
        assert f'href="/films/{other.id}"' not in html
        deep = await app.render(await app.get("tag/genre/western/spaghetti"))
        assert 'href="/plugins/tagging/tag/genre/western"' in deep
        assert f'href="/films/{noir.id}"' not in deep


async def test_a_percent_or_underscore_in_a_tag_is_no_wildcard(tagging, add):
    async with tagging() as app:
        await add(app, app.films[0], "a_c/x")
        await add(app, app.films[1], "abc/x")
        assert [card.film.id for card in (await app.get("tag/a_c")).values["cards"]] == [app.films[0].id]


async def test_a_tag_nobody_uses_is_not_found(tagging):
    async with tagging() as app:
        assert (await app.get("tag/genre/noir")).sentence == "No film here is tagged “genre/noir”."


async def test_the_film_page_gets_chips_and_a_form_for_editors_only(tagging, add):
    async with tagging() as app:
        film = app.films[0]
        await add(app, film, "genre/noir")
        (fragment, _) = await app.fragments(Slot.FILM_TAGS, film, by=Role.OWNER)
        edit = await app.render(fragment)
        assert f'action="/plugins/tagging/film/{film.id}/tags"' in edit
        assert 'name="tag" value="genre/noir"' in edit
        (fragment,) = await app.fragments(Slot.FILM_TAGS, film, by=Role.VIEWER)
        look = await app.render(fragment)
        assert "genre/noir" in look
        assert "<form" not in look


async def test_the_library_gets_a_row_of_topmost_tags(tagging, add):
    async with tagging() as app:
        await add(app, app.films[0], "genre/noir")
        (fragment,) = await app.fragments(Slot.LIBRARY_FILTERS)
        html = await app.render(fragment)
        assert 'href="/plugins/tagging/tag/genre"' in html
        assert "noir" not in html


async def test_other_slots_stay_empty(tagging):
    async with tagging() as app:
        assert await app.fragments("library.actions") == ()
        assert await app.fragments(Slot.FILM_TAGS, None) == ()


async def test_the_navigation_leads_to_the_tags(tagging):
    async with tagging() as app:
        assert [(item.label, item.path) for item in await app.nav_items()] == [("Tags", "/plugins/tagging/")]


async def test_changes_are_told_once(tagging, add):
    async with tagging() as app:
        film = app.films[0]
        await add(app, film, "noir")
        await add(app, film, "noir")
        for _ in range(2):
            await app.post(f"film/{film.id}/tags/remove", {"tag": "noir"}, by=Role.OWNER)
        assert app.events == [FilmTagged(film.id, "noir"), FilmUntagged(film.id, "noir")]


async def test_two_who_add_the_same_tag_at_once_both_succeed(tagging, add, tags_of):
    async with tagging() as app:
        film = app.films[0]
        replies = await asyncio.gather(*(add(app, film, "noir") for _ in range(8)))
        assert {type(reply) for reply in replies} == {Redirect}
        assert await tags_of(app, film) == ["noir"]


async def test_films_present_at_start_get_their_decade(plugin_app, tags_of):
    async with plugin_app("wylloh_tagging") as app:
        assert [await tags_of(app, film) for film in app.films] == [
            ["decade/1920s"],
            ["decade/1920s"],
            [],
            ["decade/2000s"],
        ]


@pytest.fixture
def newcomer():
    return Film(
        FilmId("newcomer"), Description("Newcomer", year=1999), FolderOrigin("/newcomer.mkv"), FilmState.READY
    )


async def test_a_new_film_gets_its_decade(plugin_app, newcomer, tags_of):
    async with plugin_app("wylloh_tagging") as app:
        await app.arrive(newcomer)
        assert await tags_of(app, newcomer) == ["decade/1990s"]
        assert FilmTagged(newcomer.id, "decade/1990s") in app.events


async def test_a_new_film_gets_nothing_when_that_is_switched_off(tagging, newcomer, tags_of):
    async with tagging() as app:
        await app.arrive(newcomer)
        assert await tags_of(app, newcomer) == []


async def test_a_film_that_left_before_it_was_heard_of_does_no_harm(plugin_app, newcomer):
    async with plugin_app("wylloh_tagging") as app:
        await app.emit(FilmAdded(newcomer.id, newcomer.title))
        assert app.record.errors == 0


async def test_a_decade_somebody_removed_stays_removed(plugin_app, tags_of):
    async with plugin_app("wylloh_tagging") as app:
        film = app.films[3]
        await app.post(f"film/{film.id}/tags/remove", {"tag": "decade/2000s"}, by=Role.OWNER)
        await app.emit(FilmAdded(film.id, film.title))
        assert await tags_of(app, film) == []
    async with plugin_app("wylloh_tagging") as app:
        assert await tags_of(app, film) == []


async def renamed(app, film, year):
    changed = replace(film, description=replace(film.description, year=year))
    await app.arrive(changed)
    await app.emit(FilmDescribed(film.id, film.title))


async def test_an_automatic_tag_follows_its_source(plugin_app, tags_of):
    async with plugin_app("wylloh_tagging") as app:
        film = app.films[0]
        for year, tags in ((2019, ["decade/2010s"]), (None, []), (2020, ["decade/2020s"])):
            app.events.clear()
            await renamed(app, film, year)
            assert await tags_of(app, film) == tags
        assert FilmTagged(film.id, "decade/2020s") in app.events


async def test_a_film_without_a_year_is_tagged_once_it_has_one(plugin_app, tags_of):
    async with plugin_app("wylloh_tagging") as app:
        without = app.films[2]
        await renamed(app, without, 2020)
        assert await tags_of(app, without) == ["decade/2020s"]


async def test_an_automatic_tag_follows_what_changed_while_the_plugin_was_off(plugin_app, tags_of):
    async with plugin_app("wylloh_tagging") as app:
        film = app.films[3]
        await app.arrive(replace(film, description=replace(film.description, year=2020)))
    changed = replace(film, description=replace(film.description, year=1985))
    async with plugin_app("wylloh_tagging", films=[changed]) as app:
        assert await tags_of(app, film) == ["decade/1980s"]


async def _confirm_by_form(app, film, add):
    await add(app, film, "decade/2000s")


async def _confirm_by_batch(app, film, add):
    await app.batch("tag", app.films, {"tag": "decade/2000s"}, by=Role.OWNER)


async def _set_again(app, film, add):
    await app.post(f"film/{film.id}/tags/remove", {"tag": "decade/2000s"}, by=Role.OWNER)
    await add(app, film, "decade/2000s")


async def _lock(app, film, add):
    await app.post("lock", {"tag": "decade/2000s"}, by=Role.OWNER)


@pytest.mark.parametrize("choose", [_confirm_by_form, _confirm_by_batch, _set_again, _lock])
async def test_a_tag_that_somebody_chose_stays(plugin_app, add, tags_of, choose):
    async with plugin_app("wylloh_tagging") as app:
        film = app.films[3]
        await choose(app, film, add)
        await renamed(app, film, 2019)
        assert "decade/2000s" in await tags_of(app, film)


async def test_a_tag_that_somebody_set_before_its_time_stays(plugin_app, add, tags_of):
    async with plugin_app("wylloh_tagging") as app:
        film = app.films[3]
        await add(app, film, "decade/2010s")
        await renamed(app, film, 2019)
        await renamed(app, film, 2020)
        assert await tags_of(app, film) == ["decade/2010s"]


async def test_tags_survive_a_restart(tagging, add, tags_of):
    async with tagging() as app:
        await add(app, app.films[0], "noir")
    async with tagging() as app:
        assert await tags_of(app, app.films[0]) == ["noir"]


async def test_a_film_that_is_away_keeps_its_tags(tagging, add, tags_of):
    """With them it keeps the lock that hangs on one of them."""
    async with tagging() as app:
        await add(app, app.films[0], "noir")
        await app.emit(FilmAway(app.films[0].id))
        assert await tags_of(app, app.films[0]) == ["noir"]


async def test_a_removed_film_takes_its_tags_along(tagging, add, tags_of):
    async with tagging() as app:
        gone, kept = app.films[:2]
        await add(app, gone, "noir")
        await add(app, kept, "noir")
        await app.leave(gone)
        page = await app.get("tag/noir")
        assert page.values["node"].films == 1
        assert await tags_of(app, kept) == ["noir"]


async def test_a_film_that_left_while_the_plugin_was_off_is_forgotten(tagging, plugin_app, add):
    async with tagging() as app:
        gone, kept = app.films[:2]
        await add(app, gone, "noir")
    async with plugin_app("wylloh_tagging", settings={"automatic": False}, films=[kept]) as app:
        assert (await app.get("tag/noir")).status == 404


async def test_locked_films_are_not_for_viewers(tagging, add):
    async with tagging(locked_for_viewers=["Adults-Only"]) as app:
        locked, free = app.films[:2]
        await add(app, locked, "adults-only/gore")
        vote = await app.access_vote(locked, by=Role.VIEWER)
        assert (vote.verdict, vote.sentence) == (
            Verdict.DENY,
            "Films tagged adults-only/gore are locked here. Ask the owner of this server.",
        )
        for role in EDITORS:
            assert (await app.access_vote(locked, by=role)).verdict is Verdict.ABSTAIN
        assert (await app.access_vote(free, by=Role.VIEWER)).verdict is Verdict.ABSTAIN


async def test_a_lock_that_locks_nothing_is_reported_to_the_owner(tagging, add):
    async with tagging(locked_for_viewers=["adults-only", "adult-only"]) as app:
        await add(app, app.films[0], "adults-only/gore")
        (notice,) = await app.admin_notices()
        assert "No film has the tag adult-only, which locked_for_viewers names" in notice


async def test_nothing_is_locked_unless_somebody_says_so(tagging, add):
    async with tagging() as app:
        await add(app, app.films[0], "adults-only")
        assert (await app.access_vote(app.films[0])).verdict is Verdict.ABSTAIN


async def test_a_lock_that_is_no_tag_shows_at_start(tagging):
    async with tagging(locked_for_viewers=["adults//only"]) as app:
        assert app.record.status == "failed"
        assert "A tag needs a word on both sides of each slash." in app.record.reason
