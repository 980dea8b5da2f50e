"""Themes: found by name, laid over the default one file by file, readable by their contrast."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from wylloh_server.config import ThemeSettings
from wylloh_server.domain.errors import SettingsError
from wylloh_server.resources import bundled_themes
from wylloh_server.web.templating import template_environment
from wylloh_server.web.theme import find_theme

THEMES = sorted(bundled_themes())
PAGE, RAISED, FIELD = "--black", "--ink-1", "--ink-2"
READ = [
    *((text, ground) for text in ("--white", "--grey-1", "--grey-2") for ground in (PAGE, RAISED, FIELD)),
    ("--on-white", "--white"),
    ("--on-white", "--white-pressed"),
    ("--on-white-soft", "--white"),
]
"""Text, and what it stands on."""
SCOPE = re.compile(r"([^{}]+)\{([^{}]*)\}")


@pytest.fixture
def own(tmp_path):
    """Write a theme of one's own: `own("cinema", described, **{"templates/about.html": "…"})`."""

    def write(name, described=None, files=()):
        folder = tmp_path / name
        folder.mkdir()
        text = f'name = "{name}"\ntitle = "Mine"\n' if described is None else described
        (folder / "theme.toml").write_text(text)
        for file, content in dict(files).items():
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            (folder / file).write_text(content)
        return ThemeSettings(name=name, path=(tmp_path,))

    return write


@pytest.mark.parametrize("name", THEMES)
def test_a_bundled_theme_is_found_and_says_what_it_is(name):
    theme = find_theme(ThemeSettings(name=name))
    assert theme.description.name == name
    assert theme.description.title and theme.description.description


def test_a_theme_that_is_not_there_names_those_that_are():
    with pytest.raises(SettingsError, match="no theme named 'sepia'") as caught:
        find_theme(ThemeSettings(name="sepia"))
    assert "default, light" in caught.value.fix


def test_a_theme_s_folder_without_a_description_is_named(tmp_path):
    (tmp_path / "mine" / "templates").mkdir(parents=True)
    with pytest.raises(SettingsError, match=f"The folder {tmp_path / 'mine'} holds no theme.toml"):
        find_theme(ThemeSettings(name="mine", path=(tmp_path,)))


@pytest.mark.parametrize(
    ("described", "reason"),
    [
        ("name =", "cannot be read"),
        ('name = "mine"', "title: Field required"),
        ('name = "mine"\ntitle = "Mine"\nscheme = "sepia"', "scheme: Input should be 'dark' or 'light'"),
        ('name = "mine"\ntitle = "Mine"\ncolor = "red"', "color: String should match"),
        ('name = "mine"\ntitle = "Mine"\nauthor = "me"', "author: Extra inputs"),
        ('name = "other"\ntitle = "Mine"', "names the theme 'other'"),
    ],
)
def test_a_theme_that_is_wrong_says_why(own, described, reason):
    settings = own("mine", described)
    with pytest.raises(SettingsError, match=re.escape(reason)) as caught:
        find_theme(settings)
    assert caught.value.fix


async def test_a_theme_of_ones_own_takes_the_place_of_templates_and_of_those_of_plugins(own, tmp_path):
    plugin = tmp_path / "plugin"
    plugin.mkdir()
    (plugin / "list.html").write_text("{% block list %}of the plugin{% endblock %}")
    (plugin / "kept.html").write_text("kept")
    settings = own(
        "mine",
        files={
            "templates/store/list.html": '{% extends "!store/list.html" %}{% block list %}{{ super() }}, mine{% endblock %}',
            "templates/film_package.html": "mine alone",
        },
    )
    environment = template_environment(lambda: {"store": (plugin,)}, theme=find_theme(settings))

    async def drawn(name):
        return await environment.get_template(name).render_async()

    assert await drawn("store/list.html") == "of the plugin, mine"
    assert await drawn("store/kept.html") == "kept"
    assert await drawn("film_package.html") == "mine alone"
    assert environment.get_template("base.html").filename == str(
        bundled_themes()["default"] / "templates/base.html"
    )


async def test_pages_are_drawn_in_the_theme_of_the_settings(open_server_under_test, open_browser):
    server_under_test = await open_server_under_test(theme={"name": "light"})
    page = await (await open_browser(server_under_test).get("/")).text()
    assert '<meta name="color-scheme" content="light">' in page
    assert '<meta name="theme-color" content="#f7f7f8">' in page
    assert 'class="stage' not in page, "its own template"
    assert "Your films, at home." in page, "with the words of the default one"
    assert (
        page.index("/static/tokens.css")
        < page.index("/static/pictures.css")
        < page.index("/static/theme.css")
    )
    styles = await open_browser(server_under_test).get("/static/theme.css")
    assert "color-scheme: light" in await styles.text()


@pytest.mark.parametrize("name", THEMES)
@pytest.mark.parametrize(("text", "ground"), READ)
def test_text_can_be_read(name, text, ground):
    """4.5:1 by WCAG 2.2, success criterion 1.4.3."""
    for scope, tokens in scopes(name).items():
        assert contrast(tokens[text], tokens[ground]) >= 4.5, scope


def test_what_lies_on_a_picture_looks_by_daylight_as_it_does_in_the_dark():
    (on_pictures,) = (tokens for scope, tokens in scopes("light").items() if ".stage, " in scope)
    assert on_pictures == scopes("default")[":root"]


def scopes(name) -> dict[str, dict[str, str]]:
    """The colours of a theme by the elements they hold for, by selector."""
    found: dict[str, dict[str, str]] = {}
    files = [bundled_themes()["default"] / "static/tokens.css", bundled_themes()[name] / "static/theme.css"]
    for file in filter(Path.is_file, files):
        for selector, rules in SCOPE.findall(re.sub(r"/\*.*?\*/", "", file.read_text(), flags=re.DOTALL)):
            colours = dict(re.findall(r"(--[\w-]+):\s*(#[0-9a-f]{3,6})\b", rules))
            if colours:
                scope = selector.strip()
                found[scope] = found.get(":root", {}) | found.get(scope, {}) | colours
    return found


def contrast(one, other) -> float:
    """The contrast ratio of two colours."""
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour) -> float:
    """The relative luminance of `#rgb` or `#rrggbb`."""
    digits = colour[1:] if len(colour) == 7 else "".join(digit * 2 for digit in colour[1:])
    parts = (int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4))
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
