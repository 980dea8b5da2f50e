"""What plugins put on the cards of films: asked once for a page, and no card depends on it."""

from __future__ import annotations

import pytest

from tests.web.conftest import PLAIN

CODE = """
from pathlib import Path
from wylloh_server.sdk import *

WYLLOH_SDK = "1.0"
asked = []

@hookimpl
async def film_cards(films, viewer):
    asked.append([film.title for film in films])
    return [CardFragment(film.id, "card.html", {"words": f"<seen> {film.title}"}) for film in films]

@hookimpl
def template_dirs():
    return [Path(__file__).parent]
"""


@pytest.fixture
def open_with_cards(open_server_under_test, open_browser, tmp_path):
    async def open_(template):
        package = tmp_path / "plugins" / "wylloh_testcards"
        package.mkdir(parents=True)
        (package / "__init__.py").write_text(CODE)
        (package / "card.html").write_text(template)
        server = await open_server_under_test(plugin_folder=tmp_path / "plugins")
        browser = open_browser(server)
        await browser.sign_in()
        return server, browser

    return open_


@pytest.mark.parametrize("page", ["/", "/?shelf=folder&page=1", "/search?q=morning"])
async def test_a_plugin_is_asked_once_for_all_cards_of_a_page(open_with_cards, page):
    server, browser = await open_with_cards("<i>{{ words }}</i>")
    text = await (await browser.get(page)).text()
    assert f"<i>&lt;seen&gt; {PLAIN.title}</i>" in text
    (asked,) = server.plugins.plugin("testcards").code.asked
    assert PLAIN.title in asked
    assert len(set(asked)) == len(asked), "a film that has two cards is asked for once"


async def test_cards_are_drawn_without_what_a_plugin_cannot_draw(open_with_cards):
    server, browser = await open_with_cards("{{ 1 / 0 }}")
    text = await (await browser.get("/")).text()
    assert f'href="/films/{PLAIN.id}"' in text
    assert server.plugins.plugin("testcards").errors == 1


@pytest.mark.parametrize("pressed", ["<a href='/x'>x</a>", "<BUTTON>x</BUTTON>", "<form></form>", "<input>"])
async def test_what_can_be_pressed_stands_on_no_card_and_is_charged_to_the_plugin(open_with_cards, pressed):
    server, browser = await open_with_cards(f"<i>pressed</i>{pressed}")
    text = await (await browser.get("/")).text()
    assert f'href="/films/{PLAIN.id}"' in text and "<i>pressed</i>" not in text
    plugin = server.plugins.plugin("testcards")
    assert plugin.errors == 1 and "the card is a link already" in plugin.last_error


async def test_somebody_who_is_not_signed_in_has_no_cards_asked_for(open_with_cards, open_browser):
    server, _ = await open_with_cards("{{ words }}")
    assert (await open_browser(server).get("/")).status == 200
    assert server.plugins.plugin("testcards").code.asked == []
