"""Renaming and merging tags: everything moves along, and nothing is lost."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wylloh_server.domain.film import Description, Film, FilmState, FolderOrigin
from wylloh_server.sdk import FilmId, Redirect, Role, Verdict
from wylloh_tagging.rename_merge import Move, plan_move
from wylloh_tagging.queries import TagStore
from wylloh_tagging.tag_events import TagMoved
from wylloh_tagging.tags import tag_of

OWNER = Role.OWNER


async def rename(app, tag, to, by=OWNER):
    """Look at what will happen and confirm it; gives the sentences and the answer."""
    plan = await app.get("rename", query={"tag": tag, "to": to}, by=by)
    sentences = plan.values["plan"].sentences
    form = {"tag": tag, "to": to, "confirmed": plan.values["confirmed"]}
    return sentences, await app.post("rename", form, by=by)


async def test_renaming_takes_the_tags_below_along(tagging, add, tags_of):
    async with tagging() as app:
        a, b, c, _ = app.films
        await add(app, a, "genre/noir")
        await add(app, b, "genre/noir/french")
        await add(app, c, "genre/noire")
        sentences, reply = await rename(app, "genre/noir", "Style/Film Noir")
        assert sentences == (
            "2 films will be tagged style/film noir instead of genre/noir.",
            "1 tag below moves along: genre/noir/french.",
        )
        assert reply == Redirect("/plugins/tagging/tag/style/film%20noir")
        assert await tags_of(app, a) == ["style/film noir"]
        assert await tags_of(app, b) == ["style/film noir/french"]
        assert await tags_of(app, c) == ["genre/noire"]
        assert app.events[-1] == TagMoved("genre/noir", "style/film noir", tuple(sorted((a.id, b.id))))
        assert "plugin:tagging" in app.live.topics


async def test_a_name_that_is_taken_makes_two_tags_one(tagging, add, tags_of):
    async with tagging() as app:
        a, b, c, _ = app.films
        for film, tag in ((a, "noir"), (a, "genre/noir"), (b, "noir/french"), (c, "genre/noir")):
            await add(app, film, tag)
        page = await app.get("rename", query={"tag": "noir", "to": "genre/noir"}, by=OWNER)
        html = await app.render(page, by=OWNER)
        assert "<h1>Merge them?</h1>" in html
        sentence = "noir will be merged into genre/noir: 2 films will be tagged genre/noir instead, of which 1 has both now."
        assert sentence in html
        await rename(app, "noir", "genre/noir")
        assert await tags_of(app, a) == ["genre/noir"]
        assert await tags_of(app, b) == ["genre/noir/french"]
        assert (await app.get("tag/genre/noir")).values["node"].films == 3
        assert (await app.get("tag/noir")).status == 404


@pytest.mark.parametrize(
    ("tag", "to", "sentence"),
    [
        ("genre/noir", "genre/noir", "It is called genre/noir already."),
        ("genre/noir", "genre/noir/x", "A tag cannot move below itself."),
        ("genre/noir", "", "A tag cannot be empty."),
        ("genre/noir", "a/b/c/d/e", "genre/noir/french would become a/b/c/d/e/french."),
        ("genre/noir", "x" * 78, "would become " + "x" * 78 + "/french."),
    ],
)
async def test_names_that_cannot_be_are_refused_and_asked_for_again(tagging, add, tags_of, tag, to, sentence):
    async with tagging() as app:
        await add(app, app.films[0], "genre/noir/french")
        page = await app.get("rename", query={"tag": tag, "to": to}, by=OWNER)
        assert page.status == 400
        html = await app.render(page, by=OWNER)
        assert sentence in html
        assert f'value="{to}"' in html
        refused = await app.post("rename", {"tag": tag, "to": to}, by=OWNER)
        assert refused.status == 400
        assert await tags_of(app, app.films[0]) == ["genre/noir/french"]


async def test_a_tag_nobody_has_cannot_be_renamed(tagging):
    async with tagging() as app:
        assert (await app.get("rename", query={"tag": "noir", "to": "x"}, by=OWNER)).status == 404


async def test_only_editors_rename(tagging, add, tags_of):
    async with tagging() as app:
        await add(app, app.films[0], "noir")
        assert (await app.get("rename", query={"tag": "noir", "to": "x"})).status == 403
        assert (await app.post("rename", {"tag": "noir", "to": "x"})).status == 403
        assert await tags_of(app, app.films[0]) == ["noir"]


async def test_what_changed_since_it_was_shown_is_shown_again(tagging, add, tags_of):
    async with tagging() as app:
        a, b, *_ = app.films
        await add(app, a, "noir")
        plan = await app.get("rename", query={"tag": "noir", "to": "dark"}, by=OWNER)
        await add(app, b, "noir")
        form = {"tag": "noir", "to": "dark", "confirmed": plan.values["confirmed"]}
        again = await app.post("rename", form, by=OWNER)
        assert again.status == 409
        assert "2 films will be tagged dark" in await app.render(again, by=OWNER)
        assert await tags_of(app, a) == ["noir"]


async def test_collections_follow(tagging, add):
    async with tagging() as app:
        a, b, c, _ = app.films
        for film, tag in ((a, "genre/noir"), (b, "mood/noir"), (c, "decade/1940s")):
            await add(app, film, tag)
        for name, text in (
            ("By its path", "genre/noir AND 1940s"),
            ("By a word", "noir"),
            ("Another", "NOT 1940s"),
        ):
            await app.post("filter", {"name": name, "q": text, "shared": "yes"}, by=OWNER)

        async def texts():
            page = await app.get("collections", by=OWNER)
            return {one.name: one.text for _, every, _ in page.values["groups"] for one in every}

        sentences, _ = await rename(app, "genre/noir", "style/dark")
        assert "2 collections follow: By its path, By a word." in sentences
        assert await texts() == {
            "By its path": "style/dark AND 1940s",
            "By a word": "style/dark OR mood/noir",
            "Another": "NOT 1940s",
        }
        found = await app.get("filter", query={"q": "style/dark OR mood/noir"})
        assert {card.film.id for card in found.values["cards"]} == {a.id, b.id}


async def test_a_collection_that_means_the_same_stays_as_it_was_written(tagging, add):
    async with tagging() as app:
        await add(app, app.films[0], "genre/noir")
        await app.post("filter", {"name": "Noir", "q": "noir", "shared": "yes"}, by=OWNER)
        sentences, _ = await rename(app, "genre/noir", "style/noir")
        assert not any("collection" in sentence for sentence in sentences)


async def test_the_parental_lock_moves_along(tagging, add):
    async with tagging(locked_for_viewers=["adults-only"]) as app:
        a, b, c, _ = app.films
        await add(app, a, "adults-only")
        await add(app, b, "adults-only/gore")
        await add(app, c, "gore")
        sentences, _ = await rename(app, "adults-only/gore", "gore")
        assert "The parental lock moves along. 1 more film will be locked for viewers and TVs." in sentences
        await rename(app, "adults-only", "18+")
        for film in (a, b, c):
            assert (await app.access_vote(film)).verdict is Verdict.DENY
    async with tagging(locked_for_viewers=["adults-only"]) as app:
        for film in (a, b, c):
            assert (await app.access_vote(film)).verdict is Verdict.DENY


async def test_a_grey_and_a_category_move_along(tagging, add):
    async with tagging() as app:
        await add(app, app.films[0], "mood/dark")
        await app.post("grey", {"tag": "mood", "grey": "slate"}, by=OWNER)
        await app.post("grey", {"tag": "mood/dark", "grey": "coal"}, by=OWNER)
        await rename(app, "mood", "temper")
        page = await app.get("")
        assert [group.name for group in page.values["tag_groups"]] == ["genre", "temper", "decade"]
        greys = page.values["greys"]
        assert (greys.of(tag_of("temper/light")), greys.of(tag_of("temper/dark"))) == ("slate", "coal")
        assert greys.of(tag_of("mood/dark")) == "plain"
        await app.post("grey", {"tag": "genre", "grey": "pearl"}, by=OWNER)
        await rename(app, "temper", "genre")
        greys = (await app.get("")).values["greys"]
        assert (greys.of(tag_of("genre")), greys.of(tag_of("genre/dark"))) == ("pearl", "coal")
        assert [group.name for group in (await app.get("")).values["tag_groups"]] == ["genre", "decade"]


async def test_an_empty_category_can_be_renamed(tagging):
    async with tagging() as app:
        sentences, reply = await rename(app, "mood", "temper")
        assert sentences == ("The category mood will be called temper.",)
        assert reply == Redirect("/plugins/tagging/")


async def test_a_tag_can_move_up(tagging, add, tags_of):
    async with tagging() as app:
        a, b, *_ = app.films
        await add(app, a, "genre/noir")
        await add(app, a, "genre/noir/noir")
        await add(app, b, "genre")
        await rename(app, "genre/noir", "genre")
        assert await tags_of(app, a) == ["genre", "genre/noir"]
        assert await tags_of(app, b) == ["genre"]


async def test_a_move_of_many_films_is_a_task(tagging, tags_of, monkeypatch):
    monkeypatch.setattr("wylloh_tagging.tag_style_pages._AT_ONCE", 2)
    async with tagging() as app:
        store = TagStore(app.context)
        await store.exchange((), [(film.id, tag_of("genre/noir")) for film in app.films], may_lock=True)
        _, reply = await rename(app, "genre", "kind")
        assert reply == Redirect("/tasks")
        (task,) = await app.tasks()
        assert (task.message, task.link) == (
            "4 films tagged genre before are tagged kind now.",
            "/plugins/tagging/tag/kind",
        )
        assert await tags_of(app, app.films[0]) == ["kind/noir"]
        again = await app.task("move", {"tag": "genre", "to": "kind"})
        assert (again.state, again.message) == ("done", "genre is called kind.")


def test_a_move_renames_a_tag_and_what_is_below():
    move = Move(tag_of("a/b"), tag_of("x"))
    assert [move.of(tag_of(tag)) for tag in ("a/b", "a/b/c", "a/bc", "a")] == ["x", "x/c", "a/bc", "a"]


FILMS = [
    Film(FilmId(f"film{n}"), Description(f"Film {n}"), FolderOrigin(f"/{n}.mkv"), FilmState.READY)
    for n in range(3)
]
TAGS = st.sampled_from(["a", "b", "a/b", "a/a", "a/a/a", "b/a", "c"]).map(tag_of)


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)
@given(pairs=st.sets(st.tuples(st.sampled_from(FILMS), TAGS), min_size=1), old=TAGS, new=TAGS)
async def test_nothing_is_ever_lost(tagging, pairs, old, new):
    async with tagging(FILMS) as app:
        store = TagStore(app.context)
        await store.forget([film.id for film in FILMS])
        await store.exchange((), [(film.id, tag) for film, tag in pairs], may_lock=True)
        plan = await app.get("rename", query={"tag": old, "to": new}, by=OWNER)
        if plan.status != 200:
            expected = {(film.id, tag) for film, tag in pairs}
        else:
            move = (await plan_move(app.context, old, new)).move
            expected = {(film.id, move.of(tag)) for film, tag in pairs}
            await rename(app, old, new)
        assert set(await store.pairs()) == expected
        assert app.record.errors == 0
