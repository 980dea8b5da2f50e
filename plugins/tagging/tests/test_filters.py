"""Filtering by AND, OR and NOT, and filters kept as collections."""

from __future__ import annotations

import re
from html import unescape
from urllib.parse import parse_qsl, urlsplit

import pytest

from wylloh_server.domain.film import Description, Film, FilmState, FolderOrigin
from wylloh_server.sdk import AccountRemoved, FilmId, Redirect, Role, Slot
from wylloh_server.sdk.testing.samples import sample_viewer

OWNER, VIEWER, PUBLISHER = Role.OWNER, Role.VIEWER, Role.PUBLISHER


@pytest.fixture
async def stocked(tagging, add):
    """Four tagged films: noir 1940s short, noir 1950s, western, one without tags."""
    async with tagging() as app:
        noir, late, western, _ = app.films
        for film, tags in (
            (noir, ("genre/noir", "decade/1940s", "length/short")),
            (late, ("genre/noir/french", "decade/1950s")),
            (western, ("genre/western",)),
        ):
            for tag in tags:
                await add(app, film, tag)
        yield app


async def found(app, text):
    page = await app.get("filter", query={"q": text})
    assert page.status == 200
    return [card.film.title for card in page.values["cards"]]


async def keep(app, name, text, by=OWNER, **more):
    reply = await app.post("filter", {"name": name, "q": text} | more, by=by)
    return reply.to.rpartition("/")[2] if isinstance(reply, Redirect) else reply


async def listed(app, by=OWNER):
    page = await app.get("collections", by=by)
    return [(heading, [one.name for one in every]) for heading, every, _ in page.values["groups"]]


async def rows(app, by=VIEWER):
    fragments = await app.fragments(Slot.HOME_ROWS, by=by)
    return [(one.name, count, len(cards)) for each in fragments for one, count, cards in each.values["rows"]]


async def test_a_filter_in_words_finds_films(stocked):
    assert await found(stocked, "noir AND (1940s OR 1950s) NOT short") == ["Metropolis"]
    assert await found(stocked, "noir") == ["Metropolis", "Nosferatu"]
    assert await found(stocked, "NOT genre") == ["Big Buck Bunny"]


async def test_the_page_shows_films_rows_and_tags_to_press(stocked):
    html = await stocked.render(await stocked.get("filter", query={"q": "noir NOT short"}))
    assert '<h2 id="found">1 film</h2>' in html
    assert f'href="/films/{stocked.films[1].id}"' in html
    assert f'href="/films/{stocked.films[0].id}"' not in html
    assert 'value="noir NOT short"' in html
    assert "q=noir+NOT+short+NOT+western" not in html
    assert "q=noir+AND+genre%2Fwestern+NOT+short" not in html
    assert "q=noir+NOT+short+AND+genre%2Fnoir%2Ffrench&amp;at=and&amp;on=tag%3Agenre%2Fnoir%2Ffrench" in html
    assert '<span class="visually-hidden">Remove </span>short' in html
    assert "Show films that are also tagged" in html


@pytest.mark.parametrize(
    ("query", "counts"),
    [
        ({}, {"genre": 3, "genre/noir": 2, "genre/noir/french": 1, "genre/western": 1, "length/short": 1}),
        ({"q": "noir"}, {"genre": 2, "genre/noir": 2, "genre/noir/french": 1, "length/short": 1}),
        ({"q": "noir", "at": "not"}, {"genre": 2, "genre/noir": 2, "genre/noir/french": 1, "length/short": 1}),
        # Another tag into the row of noir: how many of the rest have it, as the store's facets count.
        ({"q": "noir NOT short", "at": "0"}, {"genre": 2, "genre/noir": 1, "genre/noir/french": 1, "genre/western": 1}),
        # What was pressed last keeps the focus, though none has it any more.
        ({"q": "NOT noir", "on": "tag:genre/noir"}, {"genre": 1, "genre/western": 1, "genre/noir": 0}),
        ({"q": "western AND french"}, {}),
    ],
)  # fmt: skip
async def test_tags_are_counted_among_the_films_found(stocked, query, counts):
    page = await stocked.get("filter", query=query)
    shown = {one.tag: one.films for _, every in page.values["choices"] for one in every}
    assert {tag: films for tag, films in shown.items() if not tag.startswith("decade")} == (
        counts | ({"length": 1} if "length/short" in counts else {})
    )
    html = await stocked.render(page)
    assert "<small>1 film</small>" in html or not counts
    assert "<small>1 films</small>" not in html
    assert ("None of these films has another tag." in html) is (not counts)


async def pressed(app, html, label):
    """Follow the link whose words begin so; gives the filter and the page it leads to."""
    links = re.findall(r'<a [^>]*href="([^"]+)"[^>]*>(.*?)</a>', html, re.S)
    words = {" ".join(re.sub(r"<[^>]+>", "", text).split()): href for href, text in links}
    address = unescape(next(words[text] for text in words if text.startswith(label)))
    page = await app.get("filter", query=dict(parse_qsl(urlsplit(address).query)))
    return page.values["text"], await app.render(page)


async def test_pressing_through_builds_a_filter(stocked):
    html = await stocked.render(await stocked.get("filter"))
    text, html = await pressed(stocked, html, "noir 2")
    assert text == "genre/noir"
    text, html = await pressed(stocked, html, "1940s")
    assert text == "genre/noir AND decade/1940s"
    assert re.search(r'aria-describedby="asking" autofocus>1940s', html)
    _, html = await pressed(stocked, html, "or …")
    text, html = await pressed(stocked, html, "1950s")
    assert text == "genre/noir AND (decade/1940s OR decade/1950s)"
    _, html = await pressed(stocked, html, "and not")
    text, html = await pressed(stocked, html, "length/short")
    assert text == "genre/noir AND (decade/1940s OR decade/1950s) NOT length/short"
    text, html = await pressed(stocked, html, "Remove decade/1940s")
    assert text == "genre/noir AND decade/1950s NOT length/short"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("noir AND", "There is no tag after “AND”."),
        ("(noir", "A bracket is opened and not closed."),
        ("noir (western)", "Between “noir” and “(” something is missing."),
    ],
)
async def test_a_filter_that_cannot_be_read_is_shown_with_what_is_wrong(stocked, text, sentence):
    page = await stocked.get("filter", query={"q": text})
    assert page.status == 400
    html = await stocked.render(page)
    assert sentence in html
    assert 'aria-invalid="true"' in html
    assert f'value="{text}"' in html
    assert stocked.record.errors == 0


async def test_a_tag_nobody_has_is_named_and_small_operators_explained(stocked):
    html = await stocked.render(await stocked.get("filter", query={"q": "noir and western"}))
    assert "No film here is tagged “noir and western”." in html
    assert "AND, OR and NOT are written in capitals: " in html
    assert 'href="/plugins/tagging/filter?q=noir%20AND%20western">noir AND western</a>' in html


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("noir or drama", "noir OR drama"),
        ("not Drama", "NOT drama"),
        ("(noir Or drama) And x", "(noir OR drama) AND x"),
        ("drama", None),
        ("ordinary", None),
        ("drama or", None),
        ('"noir or drama"', None),
    ],
)
async def test_small_operators_are_explained_with_the_filter_that_may_be_meant(stocked, typed, meant):
    html = await stocked.render(await stocked.get("filter", query={"q": typed}))
    assert ("written in capitals" in html, f">{meant}</a>" in html) == (meant is not None,) * 2


async def test_a_knotted_filter_works_without_the_builder(stocked):
    html = await stocked.render(await stocked.get("filter", query={"q": "western OR (noir AND short)"}))
    assert "too complex for the builder" in html
    assert '<h2 id="found">2 films</h2>' in html


async def test_markup_in_a_filter_stays_text(stocked):
    html = await stocked.render(await stocked.get("filter", query={"q": '<b>"x'}))
    assert "<b>&#34;" not in html
    assert "&lt;b&gt;" in html


async def test_a_collection_is_kept_for_everybody_or_for_oneself(stocked):
    await keep(stocked, "Dark nights", "noir", shared="yes", home="yes")
    mine = await keep(stocked, "Mine", "western", by=VIEWER)
    assert await listed(stocked) == [("Everybody here", ["Dark nights"]), ("Only you", [])]
    assert await listed(stocked, VIEWER) == [("Everybody here", ["Dark nights"]), ("Only you", ["Mine"])]
    page = await stocked.get(f"collections/{mine}", by=VIEWER)
    assert [card.film.title for card in page.values["cards"]] == ["Holiday on the Coast"]
    assert "Change this collection" in await stocked.render(page, by=VIEWER)
    assert (await stocked.get(f"collections/{mine}", by=OWNER)).status == 404


async def test_a_removed_account_takes_its_own_collections_along(stocked):
    await keep(stocked, "Dark nights", "noir", shared="yes")
    await keep(stocked, "Mine", "comedy", by=PUBLISHER)
    await keep(stocked, "Also mine", "comedy")
    await stocked.emit(AccountRemoved(sample_viewer(Role.PUBLISHER).wallet))
    assert await listed(stocked, PUBLISHER) == [("Everybody here", ["Dark nights"]), ("Only you", [])]
    assert await listed(stocked) == [("Everybody here", ["Dark nights"]), ("Only you", ["Also mine"])]


async def test_a_viewer_does_not_change_what_is_everybody_s(stocked):
    shared = await keep(stocked, "Dark nights", "noir", shared="yes")
    assert (await keep(stocked, "No", "noir", by=VIEWER, shared="yes")).status == 403
    for do in ("rename", "up", "down", "show", "hide", "delete"):
        form = {"do": do, "name": "Taken over"}
        assert (await stocked.post(f"collections/{shared}", form, by=VIEWER)).status == 403
    assert (await keep(stocked, "No", "noir", by=VIEWER, id=shared, shared="yes")).status == 403
    assert (await keep(stocked, "No", "noir", by=VIEWER, id=shared)).status == 403
    page = await stocked.get(f"collections/{shared}", by=VIEWER)
    assert "Change this collection" not in await stocked.render(page, by=VIEWER)
    assert await listed(stocked) == [("Everybody here", ["Dark nights"]), ("Only you", [])]


async def test_renaming_ordering_and_deleting(stocked):
    a, b, c = [await keep(stocked, name, "noir", shared="yes") for name in "abc"]

    async def do(which, do, **more):
        assert await stocked.post(f"collections/{which}", {"do": do} | more, by=OWNER) == Redirect(
            "/plugins/tagging/collections"
        )
        return (await listed(stocked))[0][1]

    assert await do(c, "up") == ["a", "c", "b"]
    assert await do(a, "down") == ["c", "a", "b"]
    assert await do(c, "up") == ["c", "a", "b"]
    assert await do(b, "down") == ["c", "a", "b"]
    assert await do(a, "rename", name="  First   of all ") == ["c", "First of all", "b"]
    assert await do(c, "delete") == ["First of all", "b"]
    assert (await stocked.post(f"collections/{c}", {"do": "delete"}, by=OWNER)).status == 404
    assert (await stocked.post(f"collections/{a}", {"do": "burn"}, by=OWNER)).status == 400
    await keep(stocked, "d", "noir", shared="yes")
    assert (await listed(stocked))[0][1] == ["First of all", "b", "d"]


async def test_a_collection_can_be_changed(stocked):
    kept = await keep(stocked, "Dark", "noir", shared="yes", home="yes")
    page = await stocked.get("filter", query={"q": "noir", "edit": kept}, by=OWNER)
    html = await stocked.render(page, by=OWNER)
    assert "<h1>Dark</h1>" in html
    assert f'name="id" value="{kept}"' in html
    assert f"edit={kept}" in html
    assert await keep(stocked, "Light", "NOT noir", id=kept) == kept
    assert await listed(stocked) == [("Everybody here", []), ("Only you", ["Light"])]


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("", "noir", "A collection needs a name of at most 60 characters."),
        ("x" * 61, "noir", "A collection needs a name of at most 60 characters."),
        ("a\x07", "noir", "A collection needs a name of at most 60 characters."),
        ("Dark", "noir AND", "There is no tag after “AND”."),
        ("Dark", "", "A filter needs at least one tag."),
        (["a", "b"], "noir", "name must be one text."),
    ],
)
async def test_what_cannot_be_kept_is_refused_in_a_sentence(stocked, name, text, sentence):
    refused = await keep(stocked, name, text)
    assert (refused.status, refused.sentence) == (400, sentence)
    assert await listed(stocked) == [("Everybody here", []), ("Only you", [])]


async def test_no_two_collections_that_one_sees_have_the_same_name(stocked):
    dark = await keep(stocked, "Dark nights", "noir", shared="yes")
    mine = await keep(stocked, "Mine", "western")
    for again, more in (
        (" dark  NIGHTS ", {}),
        ("Dark nights", {"shared": "yes"}),
        ("Dark nights", {"id": mine}),
    ):
        refused = await keep(stocked, again, "western", **more)
        assert refused.status == 400
        assert refused.sentence.lower() == "there is a collection called dark nights already."
    taken = await stocked.post(f"collections/{mine}", {"do": "rename", "name": "DARK NIGHTS"}, by=OWNER)
    assert taken.status == 400
    assert await listed(stocked) == [("Everybody here", ["Dark nights"]), ("Only you", ["Mine"])]
    await stocked.post(f"collections/{dark}", {"do": "rename", "name": "Dark Nights"}, by=OWNER)
    assert await keep(stocked, "Dark Nights", "noir NOT short", shared="yes", id=dark) == dark
    assert await keep(stocked, "Mine", "noir", by=VIEWER), "what others keep for themselves is not in the way"


async def test_there_is_room_for_fifty(stocked):
    for number in range(50):
        await keep(stocked, f"c{number}", "noir")
    assert (await keep(stocked, "one more", "noir")).sentence == "There is room for 50 collections."
    assert await keep(stocked, "for all", "noir", shared="yes")


async def test_collections_are_rows_on_the_library_page(stocked):
    await keep(stocked, "Dark nights", "noir", shared="yes", home="yes")
    await keep(stocked, "Hidden", "western", shared="yes")
    await keep(stocked, "Mine", "western", by=VIEWER, home="yes")
    await keep(stocked, "Nothing", "comedy", shared="yes", home="yes")
    assert await rows(stocked) == [("Dark nights", 2, 2), ("Mine", 1, 1)], "an empty one takes no room"
    assert await rows(stocked, PUBLISHER) == [("Dark nights", 2, 2)]
    assert await rows(stocked, None) == []
    (fragment,) = await stocked.fragments(Slot.HOME_ROWS)
    html = await stocked.render(fragment)
    assert f'href="/films/{stocked.films[0].id}"' in html
    assert "Nothing" not in html
    assert 'class="row"' in html


async def test_without_collections_there_is_no_row(stocked, add):
    assert await stocked.fragments(Slot.HOME_ROWS) == ()
    await keep(stocked, "Comedies", "comedy", shared="yes", home="yes")
    (fragment,) = await stocked.fragments(Slot.HOME_ROWS)
    html = await stocked.render(fragment)
    assert "<section" not in html and 'id="smart-rows" data-live="plugin:tagging"' in html
    await add(stocked, stocked.films[0], "comedy")
    assert await rows(stocked) == [("Comedies", 1, 1)]


async def test_rows_follow_films_and_tags(stocked, add):
    await keep(stocked, "Dark", "noir NOT short", shared="yes", home="yes")
    await keep(stocked, "Rest", "NOT noir", shared="yes", home="yes")
    assert await rows(stocked) == [("Dark", 1, 1), ("Rest", 2, 2)]
    await add(stocked, stocked.films[2], "genre/noir")
    assert await rows(stocked) == [("Dark", 2, 2), ("Rest", 1, 1)]
    new = Film(FilmId("new"), Description("A new one"), FolderOrigin("/n.mkv"), FilmState.READY)
    await stocked.arrive(new)
    assert await rows(stocked) == [("Dark", 2, 2), ("Rest", 2, 2)]
    await stocked.leave(stocked.films[2])
    assert await rows(stocked) == [("Dark", 1, 1), ("Rest", 2, 2)]


async def test_a_row_has_some_films_and_leads_to_all(tagging, add):
    films = [
        Film(FilmId(f"f{n:02}"), Description(f"Film {n:02}"), FolderOrigin(f"/{n}.mkv"), FilmState.READY)
        for n in range(30)
    ]
    async with tagging(films) as app:
        await keep(app, "All", "NOT noir", shared="yes", home="yes")
        assert await rows(app) == [("All", 30, 20)]
        (fragment,) = await app.fragments(Slot.HOME_ROWS)
        html = await app.render(fragment)
        assert html.count("All 30") == 2  # beside the heading, and at the end of the row for remotes
        assert html.index("Film 00") < html.index("Film 19")


async def test_collections_survive_a_restart(tagging):
    async with tagging() as app:
        await keep(app, "Dark", "noir", shared="yes", home="yes")
    async with tagging() as app:
        assert await listed(app) == [("Everybody here", ["Dark"]), ("Only you", [])]


async def test_the_library_leads_to_collections_and_takes_a_filter(stocked):
    kept = await keep(stocked, "Dark nights", "noir", shared="yes")
    (fragment,) = await stocked.fragments(Slot.LIBRARY_FILTERS)
    html = await stocked.render(fragment)
    assert f'href="/plugins/tagging/collections/{kept}">Dark nights</a>' in html
    assert '<form action="/plugins/tagging/filter"' in html
