"""Every page in every state: right status, sound markup, and the sentences people act on."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.web.pages.conftest import stocked
from tests.web.pages.markup import Page
from tests.web.pages.samples import ARRIVING, BEGUN, ELSEWHERE, EVERY, FAILED, OWN, OWNER, STACKED, WAITING
from wylloh_server.domain.film import FilmState
from wylloh_server.domain.types import shortened
from wylloh_server.services.health import Check


async def page_of(browser, path, status=200) -> Page:
    reply = await browser.get(path)
    text = await reply.text()
    assert reply.status == status, text
    page = Page(text)
    assert page.faults == []
    return page


@pytest.mark.parametrize("film", EVERY, ids=lambda film: film.title)
async def test_a_film_s_page_and_its_player_are_sound(owner, film):
    page = await page_of(owner, f"/films/{film.id}")
    assert ("Play" in page.named("button")) is (film is not FAILED)
    player = await page_of(owner, f"/watch/{film.id}")
    assert {"Quality", "Audio", "Subtitles", "Play", "Full screen"} <= set(player.named("button"))


@pytest.mark.parametrize("path", ["/", "/devices", "/admin", "/pair?code=k7m-4qx"])
async def test_the_other_pages_are_sound(owner, path):
    page = await page_of(owner, path)
    assert shortened(OWNER) in page.text


async def test_the_library_has_its_sections(owner):
    page = await page_of(owner, "/")
    for words in (
        "Continue watching · 44 min left",
        "44 min left · Personal viewing 12 more for small-venue shows",
        "Yours for good 4 films · 2 ready offline",
        "From your own folders 1 film",
        "Cannot be played Open one to see why",
        "Not yours yet",
        "Arriving · 64 %",
        "×250",
        "Your own folder",
    ):
        assert words in page.text
    assert "On this server" not in page.text


async def test_a_title_cannot_bring_markup_along(owner):
    assert WAITING.title in (await page_of(owner, "/")).text


async def test_who_is_not_signed_in_is_welcomed_and_sees_no_film(browser):
    page = await page_of(browser, "/")
    assert "Sign in" in page.named("a")
    assert not any(film.title in page.text for film in EVERY)
    assert not any(tag == "img" for tag, _ in page.tags)


@pytest.mark.parametrize(
    "path", [f"/films/{BEGUN.id}", f"/watch/{BEGUN.id}", "/devices", "/pair?code=K7M4QX"]
)
async def test_who_is_not_signed_in_is_led_to_sign_in_and_back(browser, path):
    reply = await browser.get(path)
    assert reply.status == 303
    assert reply.headers["Location"].startswith("/sign-in?next=%2F")
    assert (await browser.get(reply.headers["Location"])).status == 200


async def test_who_is_signed_in_goes_straight_on(owner):
    reply = await owner.get("/sign-in?next=/devices")
    assert (reply.status, reply.headers["Location"]) == (302, "/devices")


async def test_signing_in_leads_to_no_other_site(browser):
    page = await page_of(browser, "/sign-in?next=//evil.example")
    assert next(about["data-next"] for _, about in page.tags if about.get("id") == "sign-in") == "/"


async def test_an_owned_server_asks_for_no_claim_code(browser):
    assert "claim" not in (await page_of(browser, "/sign-in")).ids


async def test_a_server_without_owner_asks_for_the_code_in_its_terminal(open_house, open_browser):
    browser = open_browser(await open_house(owner=None))
    page = await page_of(browser, "/sign-in")
    assert "claim" in page.ids
    assert "Type the code shown in the terminal" in page.text
    assert "Nobody owns this server yet" in (await page_of(browser, "/")).text


async def test_a_film_s_page_tells_everything_about_it(owner):
    page = await page_of(owner, f"/films/{BEGUN.id}")
    for words in (
        "2008",
        "1 h 04 min",
        "6+",
        "1080p",
        "English, Deutsch",
        "Subtitles: Français",
        "Animation, Comedy",
        "One acorn too many.",
        "Director: A. Maker",
        "44 min left",
        "You hold 88",
        "You can watch this film for as long as you hold it.",
        "12 more tokens unlock",
        "Holding checked at block 100",
        "Plays offline until 8 November 2025",
    ):
        assert words in page.text
    assert page.named("a")["Start over"]["href"] == f"/watch/{BEGUN.id}?from=0"
    assert "go" in page.named("button")["Play"]["class"].split()


async def test_a_row_shows_the_same_card_as_a_grid(owner):
    beside = (await page_of(owner, f"/films/{BEGUN.id}")).text.partition("Also by the makers")[2]
    assert "You hold ×250" in beside
    assert "The Meadow Small venue 4,750 more for streaming" in beside
    assert "Butterfly Weather Arriving · 64 % 99 more for small-venue shows" in beside


async def test_play_goes_on_where_the_viewer_left_off(owner):
    async def start(path):
        page = await page_of(owner, path)
        return next(about["data-start"] for _, about in page.tags if about.get("id") == "player")

    assert await start(f"/watch/{BEGUN.id}") == "1200.0"
    assert await start(f"/watch/{BEGUN.id}?from=0") == "0"
    assert await start(f"/watch/{BEGUN.id}?from=%22%3E") == "1200.0"
    assert await start(f"/watch/{STACKED.id}") == "0"


async def test_too_few_tokens_are_told_with_their_number_and_where_to_get_them(owner):
    page = await page_of(owner, f"/films/{ELSEWHERE.id}")
    assert "You hold no token of this film. 1 token lets you watch it." in page.text
    assert str(ELSEWHERE.token) in page.text
    play = page.named("button")["Play"]
    assert "disabled" not in play and "go" not in play["class"].split()
    assert "Get tokens" not in page.named("a")


async def test_a_configured_store_is_the_thing_to_press_when_tokens_are_missing(open_house, open_browser):
    chain = {"rpc": ("http://127.0.0.1:1",), "id": 31337, "store_url": "https://store.example"}
    owner = open_browser(await stocked(open_house, chain=chain))
    await owner.sign_in(OWNER)
    store = (await page_of(owner, f"/films/{ELSEWHERE.id}")).named("a")["Get tokens"]
    assert store["href"] == "https://store.example"
    assert "go" in store["class"].split()


@pytest.mark.parametrize(
    ("film", "words"),
    [
        (ARRIVING, "Arriving · 64 %"),
        (WAITING, "Waiting: The disk is full."),
    ],
    ids=lambda value: getattr(value, "title", None),
)
async def test_a_film_that_is_not_here_says_why_and_cannot_be_played(owner, film, words):
    page = await page_of(owner, f"/films/{film.id}")
    assert words in page.text
    assert "disabled" in page.named("button")["Play"]


async def test_a_broken_film_says_why_and_what_to_do_and_offers_no_play(house, owner):
    page = await page_of(owner, f"/films/{FAILED.id}")
    assert "Cannot be played The manifest is not signed. Its publisher has to" in page.text
    assert "You can watch this film" not in page.text
    assert "first Play" not in page.text
    notes = replace(OWN, state=FilmState.FAILED, reason="This file is not a film.")
    await house.storage.films.save(notes)
    page = await page_of(owner, f"/films/{notes.id}")
    assert "Cannot be played This file is not a film. Put a film that plays in the place" in page.text
    assert "plays for everybody" not in page.text
    assert "Play" not in page.named("button")
    assert not any(tag == "img" for tag, _ in page.tags)


async def test_a_broken_film_is_not_shown_beside_others_and_no_page_asks_for_its_picture(owner):
    page = await page_of(owner, f"/films/{BEGUN.id}")
    assert "Also by the makers" in page.text
    assert FAILED.title not in page.text
    shelf = await page_of(owner, "/")
    assert FAILED.title in shelf.text
    assert not any(FAILED.id in about["src"] for tag, about in shelf.tags if tag == "img")


async def test_a_language_nobody_named_is_left_out(house, owner):
    quiet = replace(OWN, description=replace(OWN.description, languages=("und",), subtitles=("und", "de")))
    await house.storage.films.save(quiet)
    page = await page_of(owner, f"/films/{OWN.id}")
    assert "Unknown language" not in page.text
    assert "Subtitles: Deutsch" in page.text


async def test_a_film_that_may_be_played_is_looked_into_before_play_is_pressed(house, owner):
    for film in (STACKED, OWN, ARRIVING, FAILED, ELSEWHERE):
        await page_of(owner, f"/films/{film.id}")
    assert house.playback.expected == [STACKED.id, OWN.id]


async def test_a_film_from_a_folder_needs_no_token(owner):
    page = await page_of(owner, f"/films/{OWN.id}")
    assert "plays for everybody who is signed in here" in page.text
    assert "What your tokens unlock" not in page.text


async def test_a_silent_chain_is_told_and_takes_nothing_away(house, owner):
    house.chain.silent = True
    house.checks.append(Check("Chain", ok=False, sentence="No RPC answers.", fix="Check chain.rpc."))
    library = await page_of(owner, "/")
    assert "No RPC answers." in library.text
    assert "Films you hold keep playing" in library.text
    assert "Your tokens cannot be counted right now" in library.text
    film = await page_of(owner, f"/films/{BEGUN.id}")
    assert "Plays offline until 8 November 2025" in film.text
    assert "disabled" not in film.named("button")["Play"]


async def test_a_film_the_registry_does_not_know_any_more_keeps_its_page(house, owner):
    """A reorganisation may take a registration back for a while."""
    house.chain.ladders.clear()
    film = await page_of(owner, f"/films/{BEGUN.id}")
    assert "Your tokens cannot be counted right now" in film.text


async def test_an_empty_library_says_what_to_do(house, owner):
    for film in EVERY:
        await house.storage.films.remove(film.id)
    page = await page_of(owner, "/")
    assert "The shelf is ready for its first film." in page.text
    assert "library.folders" in page.text


async def test_who_holds_nothing_sees_what_there_is_to_get(house, owner):
    house.chain.held.clear()
    await house.storage.films.remove(OWN.id)
    page = await page_of(owner, "/")
    assert "No film here is yours yet." in page.text
    assert ELSEWHERE.title in page.text


async def test_the_devices_page_revokes_every_device_but_this_one(owner, browsers):
    other = browsers()
    await other.sign_in(OWNER)
    page = await page_of(owner, "/devices")
    assert "This device" in page.text
    assert sum("data-device" in about for about in page.named("button").values()) == 1
    assert "Sign out" in page.named("button")


async def test_the_admin_page_is_for_admins(collector):
    assert (await collector.get("/admin")).status == 403


async def test_the_admin_page_turns_what_needs_somebody_inside_out(house, owner):
    house.checks.append(Check("Disk", ok=False, sentence="1 GB free.", fix="Free some room."))
    page = await page_of(owner, "/admin")
    assert "One thing needs you." in page.text
    assert "1 GB free. Free some room." in page.text
    assert any(about.get("class") == "stop" for tag, about in page.tags if tag == "li")
    assert OWNER in page.text


async def test_a_code_from_the_qr_stands_in_the_form(owner):
    page = await page_of(owner, "/pair?code=k7m%204qx%3Cscript%3E")
    assert next(about["value"] for _, about in page.tags if about.get("id") == "code") == "K7M4QX"


async def test_a_tv_gets_large_letters_and_goes_on_to_the_library(owner, browser):
    assert ("html", {"lang": "en", "data-distance": "tv"}) in (await page_of(browser, "/tv")).tags
    code = (await (await browser.post("/api/tv/code", {})).json())["code"]
    assert (await owner.post("/api/tv/approve", {"code": code, "name": "Sofa"})).status == 200
    assert (await (await browser.get("/api/tv/state")).json())["state"] == "approved"
    assert (await browser.get("/tv")).headers["Location"] == "/"
    assert ("html", {"lang": "en", "data-distance": "tv"}) in (await page_of(browser, "/")).tags
    assert ("html", {"lang": "en"}) in (await page_of(owner, "/")).tags


async def test_what_is_not_there_is_told_on_a_page(owner):
    page = await page_of(owner, "/films/none", status=404)
    assert "There is no such film here." in page.text
    assert "Back to the library" in page.named("a")


async def test_every_file_a_page_asks_for_is_there(owner):
    for path in ("/", f"/films/{ARRIVING.id}", f"/watch/{BEGUN.id}", "/tv", "/pair", "/devices", "/admin"):
        page = await page_of(owner, path)
        files = [
            about.get("href", about.get("src", "")) for tag, about in page.tags if tag in {"link", "script"}
        ]
        files += [
            value for _, about in page.tags for name, value in about.items() if name.startswith("data-hls")
        ]
        assert files
        for file in files:
            assert "?v=" in file, f"{file} on {path} has no version: it is not there"
            assert (await owner.get(file)).status == 200


async def test_every_module_a_script_imports_is_there(owner, house):
    import re

    from wylloh_server.web.static_files import STATIC

    begin = [
        "player",
        "sign-in",
        "tv",
        "pair",
        "devices",
        "admin",
        "navigation",
        "live",
        "live/worker",
        "transaction",
    ]
    wanted, seen = [f"{name}.js" for name in begin], set()
    while wanted:
        name = wanted.pop()
        if name in seen:
            continue
        seen.add(name)
        text = house.app[STATIC].find(name).body.decode()
        folder = name.rpartition("/")[0]
        for path in re.findall(r'from "(\.[^"]+)"', text):
            above = path.startswith("../")
            wanted.append(path[3:] if above else f"{folder}/{path[2:]}".lstrip("/"))
    assert {"player/words.js", "live/stream.js", "wallet-calls.js"} <= seen
