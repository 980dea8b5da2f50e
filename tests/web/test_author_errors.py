"""With `--dev` the owner sees errors of plugins and themes where they happened, and nobody else does."""

from __future__ import annotations

import pytest

from tests.web.conftest import COLLECTOR, OWNER, PLAIN
from wylloh_server.web.app_keys import DEVELOPING

CODE = """
from pathlib import Path
from wylloh_server.sdk import *

WYLLOH_SDK = "1.0"

@hookimpl
def template_dirs():
    return [Path(__file__).parent]

@hookimpl
async def page_fragments(slot):
    if slot == "a.row":
        raise KeyError("row")
    return [Fragment("slot.html")] if slot == "film.details" else []

@hookimpl
async def film_cards(films):
    if any(film.title == "cards" for film in films):
        raise KeyError("cards")
    return [CardFragment(film.id, "card.html") for film in films]

async def page(context, request):
    return Page("page.html", {"shown": "yes"})

@hookimpl
def routes():
    return [PluginRoute("GET", "page", page, role=None)]
"""
BROKEN = "first line\n{{ nothing.at.all }}"
THEME = 'name = "mine"\ntitle = "Mine"\n'


@pytest.fixture
def open_for_authors(open_server_under_test, open_browser, tmp_path):
    """Open a server with a plugin and a theme: `open_for_authors({"card.html": …}, {"templates/…": …})`."""

    async def open_(templates, theme=(), *, code=CODE, developing=True):
        package, folder = tmp_path / "plugins" / "wylloh_testauthor", tmp_path / "themes" / "mine"
        fine = dict.fromkeys(("page.html", "card.html", "slot.html"), "fine")
        files = {package / name: text for name, text in (fine | {"__init__.py": code} | templates).items()}
        files |= {folder / name: text for name, text in ({"theme.toml": THEME} | dict(theme)).items()}
        for file, text in files.items():
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        server = await open_server_under_test(
            plugin_folder=tmp_path / "plugins",
            theme={"name": "mine", "path": [tmp_path / "themes"]},
            add=lambda app: app.update({DEVELOPING: True}) if developing else None,
        )
        owner, viewer = open_browser(server), open_browser(server)
        await owner.sign_in(OWNER)
        await viewer.sign_in(COLLECTOR)
        return server, owner, viewer

    return open_


async def text_of(browser, path):
    return await (await browser.get(path, headers={"Accept": "text/html"})).text()


PLACES = [
    ("/plugins/testauthor/page", "page.html", "(wylloh_testauthor/page.html:2)"),
    ("/", "card.html", "(wylloh_testauthor/card.html:2)"),
    (f"/films/{PLAIN.id}", "slot.html", "(wylloh_testauthor/slot.html:2)"),
]


@pytest.mark.parametrize(("path", "template", "place"), PLACES)
async def test_a_broken_template_of_a_plugin_is_named_where_it_would_stand(
    open_for_authors, path, template, place
):
    _, owner, viewer = await open_for_authors({template: BROKEN})
    seen = await text_of(owner, path)
    assert f"UndefinedError: &#39;nothing&#39; is undefined {place}" in seen
    assert place not in await text_of(viewer, path)


async def test_a_hook_that_fails_is_named_where_its_answer_would_stand(open_for_authors):
    code = CODE.replace("a.row", "home.rows").replace('"cards"', f'"{PLAIN.description.title}"')
    _, owner, viewer = await open_for_authors({}, code=code)
    seen = await text_of(owner, "/")
    for hook, line in (("page_fragments: KeyError: &#39;row&#39;", 14), ("film_cards: KeyError: ", 20)):
        assert hook in seen
        assert f"(wylloh_testauthor/__init__.py:{line})" in seen
    assert "The plugin testauthor made a mistake and could not answer." in seen
    assert "testauthor" not in await text_of(viewer, "/")


async def test_without_dev_the_owner_sees_none_of_it(open_for_authors):
    _, owner, _ = await open_for_authors(dict.fromkeys(("card.html", "page.html"), BROKEN), developing=False)
    assert "testauthor" not in await text_of(owner, "/")
    assert "UndefinedError" not in await text_of(owner, "/plugins/testauthor/page")


@pytest.mark.parametrize(
    ("path", "broken", "line"),
    [("/devices", "devices.html", 2), ("/devices", "base.html", 2), ("/devices", "error.html", 0)],
)
async def test_a_broken_core_template_of_a_theme_stands_on_the_page(open_for_authors, path, broken, line):
    _, owner, viewer = await open_for_authors({}, {f"templates/{broken}": BROKEN})
    place = f"(mine/templates/{broken}:{line})"
    assert (place in await text_of(owner, path)) is bool(line)
    if line:
        response = await owner.get(path)
        assert response.status == 500 and "Traceback" in await response.text()
    assert place not in await text_of(viewer, path)


@pytest.mark.parametrize(("path", "template", "place"), PLACES)
async def test_a_theme_that_breaks_a_template_of_a_plugin_is_named_and_the_plugin_is_not_charged(
    open_for_authors, capsys, path, template, place
):
    server, owner, viewer = await open_for_authors({}, {f"templates/testauthor/{template}": BROKEN})
    there = place.replace("wylloh_testauthor/", "mine/templates/testauthor/")
    seen = await text_of(owner, path)
    assert there in seen and "A template of the theme mine is broken." in seen
    assert place not in seen
    assert there in capsys.readouterr().out
    assert there not in await text_of(viewer, path)
    (record,) = server.plugins.records()
    assert (record.errors, record.closed) == (0, ())


async def test_what_a_plugin_breaks_below_a_theme_s_template_is_charged_to_the_plugin(open_for_authors):
    over = '{% extends "!testauthor/page.html" %}{% block main %}{{ super() }}{% endblock %}'
    under = "{% block main %}\n{{ nothing.at.all }}{% endblock %}"
    server, owner, _ = await open_for_authors({"page.html": under}, {"templates/testauthor/page.html": over})
    assert "(wylloh_testauthor/page.html:2)" in await text_of(owner, "/plugins/testauthor/page")
    assert server.plugins.records()[0].errors == 1
