"""Suggestions: found, answered with one press, and ordered by what was answered."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from wylloh_server.domain.film import Description, Film, FilmState, FolderOrigin
from wylloh_server.sdk import FilmId, SubtitleText, Json, Redirect, Role, Slot
from wylloh_tagging.suggestions import Suggestions
from wylloh_tagging.tag_events import FilmTagged

OWNER = Role.OWNER


def film(number, synopsis):
    about = Description(f"Film {number}", synopsis=synopsis, height=720)
    return Film(FilmId(f"film{number}"), about, FolderOrigin(f"/{number}.mkv"), FilmState.READY)


STORMS = [film(n, "A lighthouse in a storm.") for n in range(4)]


async def suggested(app, film):
    reply = await app.get(f"film/{film.id}/suggestions", by=OWNER)
    return [one["tag"] for one in reply.value["suggestions"]]


async def answer(app, film, what, tag, by=OWNER):
    return await app.post(f"film/{film.id}/suggestions/{what}", {"tag": tag}, by=by)


async def test_title_synopsis_and_file_are_read_at_a_glance(tagging):
    async with tagging(STORMS) as app:
        assert {"lighthouse", "storm", "format/720p"} <= set(await suggested(app, STORMS[0]))


async def test_the_heading_names_where_the_suggestions_come_from(tagging):
    about = replace(STORMS[0].description, synopsis="", height=720, genres=("Drama",))
    told = replace(STORMS[0], description=about)
    async with tagging([told, STORMS[1]]) as app:
        for film, words in (
            (told, "From its publisher, file and title"),
            (STORMS[1], "From its file, title and synopsis"),
        ):
            fragments = await app.fragments(Slot.FILM_TAGS, film, by=OWNER)
            assert f"<small>{words}</small>" in await app.render(fragments[1], by=OWNER)


async def test_one_press_accepts(tagging, tags_of):
    async with tagging(STORMS) as app:
        assert await answer(app, STORMS[0], "accept", "storm") == Redirect("/films/film0")
        assert await tags_of(app, STORMS[0]) == ["storm"]
        assert "storm" not in await suggested(app, STORMS[0])
        assert app.events == [FilmTagged(FilmId("film0"), "storm")]
        await answer(app, STORMS[0], "accept", "storm")
        assert len(app.events) == 1


async def test_one_press_refuses_for_good(tagging, tags_of):
    async with tagging(STORMS) as app:
        assert await answer(app, STORMS[0], "refuse", "storm") == Redirect("/films/film0")
        assert "storm" not in await suggested(app, STORMS[0])
        await app.task("suggest", {"again": True})
        assert "storm" not in await suggested(app, STORMS[0])
        assert await tags_of(app, STORMS[0]) == []
    async with tagging(STORMS) as app:
        assert "storm" not in await suggested(app, STORMS[0])


async def test_what_was_accepted_elsewhere_comes_sooner(tagging):
    async with tagging(STORMS) as app:
        before = await suggested(app, STORMS[3])
        last = before[-1]
        for one in STORMS[:2]:
            await answer(app, one, "accept", last)
        assert (await suggested(app, STORMS[3])).index(last) < before.index(last)


async def test_what_was_refused_elsewhere_comes_later_and_at_last_not_at_all(tagging):
    async with tagging(STORMS) as app:
        before = await suggested(app, STORMS[3])
        first = before[0]
        await answer(app, STORMS[0], "refuse", first)
        assert (await suggested(app, STORMS[3])).index(first) > 0
        many = [replace(STORMS[0], id=FilmId(f"more{n}")) for n in range(12)]
        for one in many:
            await app.arrive(one)
            await answer(app, one, "refuse", first)
        assert first not in await suggested(app, STORMS[3])


async def test_a_source_loses_trust_when_what_it_says_is_refused(tagging):
    async with tagging(STORMS) as app:
        before = await suggested(app, STORMS[3])
        assert before.index("storm") < before.index("format/720p") or before.index("format/720p") == 0
        for one in STORMS[:3]:
            await answer(app, one, "refuse", "storm")
            await answer(app, one, "refuse", "lighthouse")
        after = await suggested(app, STORMS[3])
        assert after[0] == "format/720p"
        answers = await Suggestions(app.context).answers()
        assert (answers["source:synopsis"].refused, answers["tag:storm"].refused) == (6, 3)


async def test_looking_through_the_library_reads_subtitles(tagging):
    async with tagging(STORMS) as app:
        talk = "\n".join(["The smugglers are here.", "More smugglers!"] * 4)
        app.words[STORMS[0].id] = SubtitleText("en", talk)
        assert "smugglers" not in await suggested(app, STORMS[0])
        task = await app.task("suggest", by=OWNER)
        assert (task.state, task.message) == (
            "done",
            "Looked into 4 films and found suggestions for 4 of them.",
        )
        assert task.link == "/plugins/tagging/suggestions"
        assert "smugglers" in await suggested(app, STORMS[0])
        again = await app.task("suggest", by=OWNER)
        assert again.message == "Looked into 0 films and found suggestions for none of them."
        assert (await app.task("suggest", {"again": True}, by=OWNER)).message.startswith(
            "Looked into 4 films"
        )


async def test_the_button_starts_looking(tagging):
    async with tagging(STORMS) as app:
        assert await app.post("suggestions", {}, by=OWNER) == Redirect("/tasks")
        (task,) = await app.tasks()
        assert task.title == "Look for tags in the whole library"
        assert await app.post("suggestions", {"film": "film1"}, by=OWNER) == Redirect("/films/film1")
        tasks = await app.tasks()
        assert tasks[0].title == "Look for tags of Film 1"
        assert (await app.post("suggestions", {"film": "nothing"}, by=OWNER)).status == 404


async def test_a_film_that_left_meanwhile_is_passed_over(tagging):
    async with tagging(STORMS) as app:
        task = await app.task("suggest", {"films": ["gone", "film1"]}, by=OWNER)
        assert task.message == "Looked into 1 film and found suggestions for 1 of them."


async def test_the_film_page_offers_suggestions_to_editors(tagging):
    async with tagging(STORMS) as app:
        (_, fragment) = await app.fragments(Slot.FILM_TAGS, STORMS[0], by=OWNER)
        html = await app.render(fragment, by=OWNER)
        assert 'action="/plugins/tagging/film/film0/suggestions/accept"' in html
        assert 'aria-label="Never suggest storm for Film 0"' in html
        assert "Read its subtitles too" in html
        assert len(await app.fragments(Slot.FILM_TAGS, STORMS[0])) == 1
        await app.task("suggest", {"films": ["film0"]})
        (_, fragment) = await app.fragments(Slot.FILM_TAGS, STORMS[0], by=OWNER)
        assert "Read its subtitles too" not in await app.render(fragment, by=OWNER)


async def test_the_page_of_suggestions_shows_films_that_wait(tagging):
    async with tagging(STORMS) as app:
        html = await app.render(await app.get("suggestions", by=OWNER), by=OWNER)
        assert "4 of 4 films have not been looked into yet." in html
        assert "No suggestion waits for an answer." in html
        await app.task("suggest")
        html = await app.render(await app.get("suggestions", by=OWNER), by=OWNER)
        assert "Every film has been looked into." in html
        assert 'href="/films/film3"' in html
        form = {"tag": "storm", "back": "suggestions"}
        reply = await app.post("film/film3/suggestions/refuse", form, by=OWNER)
        assert reply == Redirect("/plugins/tagging/suggestions")
        tags = await app.render(await app.get("", by=OWNER), by=OWNER)
        assert "Suggestions for 4 films" in tags


@pytest.mark.parametrize("what", ["accept", "refuse"])
async def test_a_viewer_answers_nothing(tagging, tags_of, what):
    async with tagging(STORMS) as app:
        assert (await answer(app, STORMS[0], what, "storm", by=Role.VIEWER)).status == 403
        assert (await app.get("suggestions")).status == 403
        assert (await app.post("suggestions", {})).status == 403
        assert (await app.get("film/film0/suggestions")).status == 403
        assert await tags_of(app, STORMS[0]) == []


async def test_answers_as_json(tagging):
    async with tagging(STORMS) as app:
        reply = await app.post("film/film0/suggestions/accept", json={"tag": "storm"}, by=OWNER)
        assert isinstance(reply, Json)
        assert "storm" not in [one["tag"] for one in reply.value["suggestions"]]


@pytest.mark.parametrize("tag", ["", "a//b", ["a", "b"]])
async def test_an_answer_about_no_tag_is_refused(tagging, tag):
    async with tagging(STORMS) as app:
        assert (await answer(app, STORMS[0], "accept", tag)).status == 400
        assert (await answer(app, STORMS[0], "refuse", tag)).status == 400
        assert (await answer(app, replace(STORMS[0], id=FilmId("x")), "accept", "a")).status == 404


async def test_answers_at_once_are_all_counted(tagging):
    async with tagging(STORMS) as app:
        await asyncio.gather(*(answer(app, one, "accept", "storm") for one in STORMS))
        answers = await Suggestions(app.context).answers()
        assert (answers["tag:storm"].accepted, answers["source:synopsis"].accepted) == (4, 4)


async def test_a_film_with_fifty_tags_accepts_no_more(tagging, add_many):
    async with tagging(STORMS) as app:
        await add_many(app, STORMS[0], [f"tag {number}" for number in range(50)])
        assert (await answer(app, STORMS[0], "accept", "storm")).sentence == "A film has at most 50 tags."
        assert "storm" in await suggested(app, STORMS[0])


async def test_the_language_of_the_household_is_a_setting(tagging):
    german = film(0, "Ein Leuchtturm und eine Insel. Der Leuchtturm steht im Sturm.")
    async with tagging([german], language="de") as app:
        assert "leuchtturm" in await suggested(app, german)
        assert not {"ein", "und", "der", "eine"} & set(await suggested(app, german))
    async with tagging([german], language="en") as app:
        assert {"und", "der", "eine"} & set(await suggested(app, german))


async def test_a_removed_film_takes_its_suggestions_along(tagging):
    async with tagging(STORMS) as app:
        await app.task("suggest")
        await answer(app, STORMS[0], "refuse", "storm")
        await app.leave(STORMS[0])
        assert STORMS[0].id not in await Suggestions(app.context).waiting()
        await app.arrive(STORMS[0])
        assert "storm" in await suggested(app, STORMS[0])
