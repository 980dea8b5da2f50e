"""Tags as files: written, read, refused, and brought from one server to another."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wylloh_server.domain.film import Description, Film, FilmState, FolderOrigin
from wylloh_server.sdk import Download, FilmId, InvalidValue, Redirect, Role, UploadedFile, Verdict
from wylloh_server.sdk.testing.plugin_harness import running_plugin
from wylloh_server.sdk.testing.samples import sample_films
from wylloh_tagging import export
from wylloh_tagging.tag_import import do_import, plan_import
from wylloh_tagging.tag_events import TagsImported
from wylloh_tagging.export import Content, Entry, SavedText
from wylloh_tagging.tags import tag_of

OWNER = Role.OWNER
TAG = (
    st.text(alphabet="abc/=+-@' ,\"é🍿", min_size=1, max_size=12)
    .filter(lambda text: _is_tag(text))
    .map(tag_of)
)
TEXT = st.text(alphabet="abc =+-@',;\"é🍿", max_size=12).map(str.strip)
FILM = st.builds(
    Entry,
    st.just("id"),
    TEXT,
    TEXT,
    st.sampled_from(["", "1947"]),
    st.lists(TAG, min_size=1, unique=True).map(tuple),
)


def _is_tag(text):
    try:
        tag_of(text)
    except InvalidValue:
        return False
    return True


@given(
    st.lists(FILM, max_size=4),
    st.lists(TAG, max_size=3, unique=True).map(tuple),
    st.dictionaries(TAG, st.sampled_from(["coal", "pearl"])),
)
def test_json_comes_back_as_it_went(films, tags, greys):
    content = Content(tuple(films), tags, greys, tags, (SavedText("Dark", "noir NOT short", True),))
    assert export.read(export.to_json(content).decode()) == (content, ())


@given(st.lists(FILM, max_size=4, unique_by=lambda film: (film.token, film.title, film.year)))
def test_csv_comes_back_as_it_went(films):
    assert export.read(export.to_csv(films).decode()) == (Content(tuple(films)), ())


def test_a_spreadsheet_computes_nothing():
    entry = Entry("f", "", "=HYPERLINK(1)", "", (tag_of("@sum"), tag_of("plain")))
    rows = list(csv.reader(io.StringIO(export.to_csv([entry]).decode("utf-8-sig"))))
    assert [(row[2], row[4]) for row in rows[1:]] == [
        ("'=HYPERLINK(1)", "'@sum"),
        ("'=HYPERLINK(1)", "plain"),
    ]


@pytest.mark.parametrize(
    ("text", "films"),
    [
        ("tag;title;year\nNoir;Laura;1944\n", [("Laura", "1944", ("noir",))]),
        ("\ufeffTitle,Tag,Notes\r\nLaura,noir,good\r\nLaura,1940s\r\n", [("Laura", "", ("noir", "1940s"))]),
        ('title,tag\n"Good, the Bad",western\n', [("Good, the Bad", "", ("western",))]),
    ],
)
def test_tables_of_other_programs_are_read(text, films):
    content, faults = export.read(text)
    assert faults == ()
    assert [(film.title, film.year, film.tags) for film in content.films] == films


@pytest.mark.parametrize(
    ("text", "where", "words"),
    [
        ("", "line 1", "It must name the columns"),
        ("a,b\n1,2\n", "line 1", "It must name the columns"),
        ("title,tag\n,noir\n", "line 2", "It does not say which film."),
        ("title,tag\nLaura,\n", "line 2", "A tag cannot be empty."),
        ("title,tag\nLaura,a//b\n", "line 2", "both sides of each slash"),
        ('title,tag\nLaura,"no\nir"\n', "line 3", "control characters"),
        ("title,tag\nLaura," + "x" * 200_000 + "\n", "line", "It cannot be read"),
        ("{", "the file", "It is not JSON"),
        ("[" * 100_000, "line 1", "It must name the columns"),
        ('{"a":' * 100_000, "the file", "It is not JSON"),
        ("{}", "the file", "Its format is not wylloh-tags-v1."),
        ('{"format":"wylloh-tags-v1","films":7}', "films", "It must be a list."),
        ('{"format":"wylloh-tags-v1","films":[7]}', "film 1", "It must be an object"),
        ('{"format":"wylloh-tags-v1","films":[{"film":"f","tags":[7]}]}', "film 1", "“7” is no text."),
        ('{"format":"wylloh-tags-v1","films":[{"tags":["a"]}]}', "film 1", "which film"),
        ('{"format":"wylloh-tags-v1","greys":[]}', "greys", "It must be an object"),
        ('{"format":"wylloh-tags-v1","greys":{"a":"pink"}}', "grey of a", "no grey"),
        ('{"format":"wylloh-tags-v1","locked":["a//b"]}', "lock 1", "both sides"),
        ('{"format":"wylloh-tags-v1","collections":[{"name":"a","filter":"AND"}]}', "collection 1", "no tag"),
        ('{"format":"wylloh-tags-v1","collections":["a"]}', "collection 1", "It must be an object"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_place(text, where, words):
    _, faults = export.read(text)
    assert faults[0].where.startswith(where)
    assert words in faults[0].sentence


@given(st.text(max_size=60) | st.text(alphabet='{}[]",:tag film\n0', max_size=60))
def test_nonsense_is_no_accident(text):
    export.read(text)


async def plan(app, text, by=OWNER, **form):
    file = UploadedFile("tags", text if isinstance(text, bytes) else text.encode())
    return await app.post("import", form, files={"file": file}, by=by)


async def everything(app):
    return json.loads((await app.get("export.json", by=OWNER)).body)


async def furnish(app, add):
    """Use all that can be exported."""
    noir, western, *_ = app.films
    for film, tag in (
        (noir, "genre/noir"),
        (noir, "adults-only"),
        (western, "genre/western"),
        (western, "=1+1"),
    ):
        await add(app, film, tag)
    await app.post("categories", {"name": "place"}, by=OWNER)
    await app.post("grey", {"tag": "genre", "grey": "slate"}, by=OWNER)
    await app.post("lock", {"tag": "adults-only"}, by=OWNER)
    await app.post("filter", {"name": "Dark", "q": "noir", "shared": "yes", "home": "yes"}, by=OWNER)
    await app.post("filter", {"name": "Mine alone", "q": "noir"}, by=OWNER)


async def confirm(app, text, **form):
    """Confirm an import, and give how its task ended."""
    assert await app.post("import/confirmed", {"text": text} | form, by=OWNER) == Redirect("/tasks")
    return (await app.tasks())[0]


async def test_everything_goes_to_another_server_and_comes_back_the_same(plugin_app, tagging, add, tmp_path):
    async with tagging() as app:
        await furnish(app, add)
        reply = await app.get("export.json", by=OWNER)
        assert isinstance(reply, Download) and reply.filename == "tags.json"
        before = await everything(app)
    (tmp_path / "other").mkdir()
    async with running_plugin(
        "wylloh_tagging", data=tmp_path / "other", settings={"automatic": False}
    ) as other:
        task = await confirm(other, reply.body.decode())
        assert (task.state, task.message) == (
            "done",
            "2 films got 4 new tags. 1 tag was locked for viewers and TVs: adults-only. 1 category was added. "
            "The grey of 1 tag was set. 1 collection was added.",
        )
        assert await everything(other) == before
        assert (await other.access_vote(other.films[0])).verdict is Verdict.DENY
        assert [type(event) for event in other.events if isinstance(event, TagsImported)] == [TagsImported]
        assert (
            await confirm(other, reply.body.decode())
        ).message == "Everything in this file is here already."
        assert "Mine alone" not in reply.body.decode()


async def test_csv_takes_the_tags_of_films_along(tagging, add, tags_of):
    async with tagging() as app:
        await furnish(app, add)
        text = (await app.get("export.csv", by=OWNER)).body.decode("utf-8-sig")
        noir, western, *_ = app.films
        for tag in await tags_of(app, western):
            await app.post(f"film/{western.id}/tags/remove", {"tag": tag}, by=OWNER)
        await confirm(app, text)
        assert await tags_of(app, western) == ["=1+1", "genre/western"]
        assert await tags_of(app, noir) == ["adults-only", "genre/noir"]


async def test_the_plan_says_what_would_happen_and_does_nothing(tagging, add, tags_of):
    async with tagging() as app:
        await add(app, app.films[0], "old")
        text = (
            "film,title,year,tag\n"
            + f"{app.films[0].id},,,new\n,Metropolis,1927,silent\n,Gone with it,1939,epic\n"
        )
        page = await plan(app, text)
        html = await app.render(page, by=OWNER)
        assert "2 films will get 2 new tags." in html
        assert "1 film of the file is not here and will be left out: Gone with it (1939)." in html
        assert "Gone with it,1939,epic" in html
        replacing = await plan(app, text, replace="yes")
        assert "1 film will lose 1 tag that the file does not give." in await app.render(replacing, by=OWNER)
        assert await tags_of(app, app.films[0]) == ["old"]
        await confirm(app, text)
        assert await tags_of(app, app.films[0]) == ["new", "old"]
        assert (await confirm(app, text, replace="yes")).message == (
            "1 film lost 1 tag that the file does not give. "
            "1 film of the file is not here and was left out: Gone with it (1939)."
        )
        assert await tags_of(app, app.films[0]) == ["new"]
        assert await tags_of(app, app.films[1]) == ["silent"]


async def test_films_are_found_by_id_token_or_title_and_year(tagging, tags_of):
    twins = [
        Film(FilmId(f"twin{n}"), Description("Nosferatu", year=year), FolderOrigin(f"/{n}"), FilmState.READY)
        for n, year in enumerate((1922, 1979, 1979))
    ]
    bunny = sample_films()[3]
    async with tagging([*twins, bunny]) as app:
        rows = [
            ("elsewhere", "", "Nosferatu", "1922", "by title and year"),
            ("elsewhere", "", "NOSFERATU", "1979", "two have these"),
            ("elsewhere", "", "Nosferatu", "2024", "no such year"),
            ("elsewhere", "", "Nosferatu", "", "three have this"),
            ("elsewhere", str(bunny.token), "Renamed", "1", "by token"),
            ("twin1", "", "Renamed", "1", "by id"),
            ("elsewhere", "", "big buck  bunny", "", "by title"),
        ]
        text = "film,token,title,year,tag\n" + "\n".join(",".join(row) for row in rows)
        task = await confirm(app, text)
        assert "3 films of the file are not here" in task.message
        assert await tags_of(app, twins[0]) == ["by title and year"]
        assert await tags_of(app, twins[1]) == ["by id"]
        assert await tags_of(app, twins[2]) == []
        assert await tags_of(app, bunny) == ["by title", "by token"]


async def test_ten_thousand_bad_lines_give_a_summary_and_nothing_half_done(tagging, add):
    async with tagging() as app:
        await add(app, app.films[0], "old")
        before = await everything(app)
        good = f"{app.films[0].id},new\n"
        text = "film,tag\n" + good + "".join(f"{app.films[0].id},bad//{n}\n" for n in range(10_000))
        page = await plan(app, text)
        assert page.status == 400
        html = await app.render(page, by=OWNER)
        assert "10,000 places in this file cannot be read, so nothing was imported." in html
        assert "<b>line 3</b> A tag needs a word on both sides of each slash." in html
        assert "And 9,980 more." in html
        assert ">Import<" not in html
        task = await confirm(app, text)
        assert (task.state, task.message.startswith("10,000 places in this file cannot be read")) == (
            "failed",
            True,
        )
        assert "line 3" in task.message
        assert await everything(app) == before
        assert app.record.errors == 0


async def test_a_film_never_gets_more_tags_than_it_may_have(tagging, add_many, tags_of):
    async with tagging() as app:
        film = app.films[0]
        await add_many(app, film, [f"tag {number}" for number in range(30)])
        lines = "".join(f"{film.id},more {n}\n" for n in range(21))
        page = await plan(app, "film,tag\n" + lines)
        assert page.status == 400
        assert "It would have 51 tags; a film has at most 50." in await app.render(page, by=OWNER)
        assert (await plan(app, "film,tag\n" + lines, replace="yes")).status == 200
        assert len(await tags_of(app, film)) == 30


async def test_collections_of_the_same_name_are_both_kept(tagging):
    async with tagging() as app:
        await app.post("filter", {"name": "Dark", "q": "noir", "shared": "yes"}, by=OWNER)
        value = {
            "format": export.FORMAT,
            "collections": [
                {"name": "Dark", "filter": "noir"},
                {"name": "dark", "filter": "horror", "home": True},
                {"name": "x" * 60, "filter": "horror"},
                {"name": "X" * 60, "filter": "western"},
            ],
        }
        await confirm(app, json.dumps(value))
        assert [(one["name"], one["filter"]) for one in (await everything(app))["collections"]] == [
            ("Dark", "noir"),
            ("dark (2)", "horror"),
            ("x" * 60, "horror"),
            ("X" * 56 + " (2)", "western"),
        ]
        await confirm(app, json.dumps(value))
        assert len((await everything(app))["collections"]) == 4
        value["collections"] = [{"name": f"c{n}", "filter": "noir"} for n in range(49)]
        assert (await plan(app, json.dumps(value))).status == 400
        value["collections"] = [{"name": "x" * 61, "filter": "noir"}]
        assert (await plan(app, json.dumps(value))).status == 400


async def test_a_grey_that_is_set_here_stays_unless_the_file_replaces(tagging):
    async with tagging() as app:
        await app.post("grey", {"tag": "genre", "grey": "coal"}, by=OWNER)
        text = json.dumps({"format": export.FORMAT, "greys": {"genre": "pearl", "mood": "slate"}})
        await confirm(app, text)
        assert (await everything(app))["greys"] == {"genre": "coal", "mood": "slate"}
        await confirm(app, text, replace="yes")
        assert (await everything(app))["greys"] == {"genre": "pearl", "mood": "slate"}


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"", "This file is empty."),
        (b"\xef\xbb\xbf \n", "This file is empty."),
        (b"\xff\xfe\x00", "This file is not UTF-8."),
        (b"title,tag\n" + b"x" * 900_000, "A file has at most 900,000 characters."),
    ],
)
async def test_a_file_that_cannot_be_read_is_asked_for_again(tagging, body, sentence):
    async with tagging() as app:
        page = await plan(app, body)
        assert page.status == 400
        assert sentence in await app.render(page, by=OWNER)


async def test_what_was_ticked_beside_a_refused_file_stays_ticked(tagging):
    async with tagging() as app:
        for form, ticked in (({}, False), ({"replace": "yes"}, True)):
            html = await app.render(await app.post("import", form, by=OWNER), by=OWNER)
            assert ('value="yes" checked>' in html) == ticked


async def test_no_file_at_all(tagging):
    async with tagging() as app:
        page = await app.post("import", {}, by=OWNER)
        assert "No file was chosen." in await app.render(page, by=OWNER)
        assert "Import tags." in await app.render(await app.get("import", by=OWNER), by=OWNER)


async def test_viewers_import_nothing(tagging):
    async with tagging() as app:
        assert (await app.get("import")).status == 403
        assert (await plan(app, "film,tag\n", by=Role.VIEWER)).status == 403
        assert (await app.post("import/confirmed", {"text": "film,tag\n"})).status == 403
        assert await app.tasks() == ()


async def test_an_import_is_all_or_nothing(tagging, tags_of, monkeypatch):
    async with tagging() as app:
        film = app.films[0]
        text = json.dumps(
            {"format": export.FORMAT, "films": [{"film": film.id, "tags": ["new"]}], "locked": ["x"]}
        )
        assert (await plan_import(app.context, text, replace=False)).changes
        broken = replace(
            await plan_import(app.context, text, replace=False), locks=(tag_of("x"), tag_of("x"))
        )

        async def planned(*_, **__):
            return replace(broken, categories=(tag_of("genre"),))  # a category that is there already

        monkeypatch.setattr("wylloh_tagging.tag_import.plan_import", planned)
        with pytest.raises(Exception, match="UNIQUE"):
            await do_import(app.context, text, replace=False, may_lock=True)
        assert await tags_of(app, film) == []
