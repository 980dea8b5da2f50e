"""Every page in every state: right status, sound markup, and the sentences people act on."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path, PurePath

import pytest

from tests.fakes import FakeManifests
from tests.web.conftest import COLLECTOR
from tests.web.pages.conftest import stocked
from tests.web.pages.markup import Page
from tests.web.pages.samples import (
    ARRIVING,
    BEGUN,
    ELSEWHERE,
    EVERY,
    FAILED,
    HELD,
    OWN,
    OWNER,
    PUBLISHER,
    ROOT,
    STACKED,
    WAITING,
)
from wylloh_server import __version__
from wylloh_server.config import ChainSettings
from wylloh_server.domain.film import EncryptionHeader, FileRole, FilmState, Manifest, PackageFile
from wylloh_server.domain.types import short_address
from wylloh_server.services.operations.health import Check
from wylloh_server.web.app_keys import SERVICES


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
    assert bool({"Play", "Resume"} & set(page.named("button"))) is (film not in (FAILED, ELSEWHERE))
    player = await page_of(owner, f"/watch/{film.id}")
    assert {"Quality", "Audio", "Subtitles", "Play", "Full screen"} <= set(player.named("button"))


@pytest.mark.parametrize(
    "path", ["/", "/devices", "/admin", "/admin/storage", "/about", "/pair?code=k7m-4qx"]
)
async def test_the_other_pages_are_sound(owner, path):
    page = await page_of(owner, path)
    assert short_address(OWNER) in page.text


async def test_12_1_a_silent_chain_keeps_no_page_waiting(owner, collector, browsers, server_under_test):
    """Pages are drawn from what was read before; who has to ask the chain still waits meanwhile."""
    server_under_test.chain.gate = asyncio.Event()
    guest = browsers()
    asking = asyncio.create_task(guest.sign_in(COLLECTOR))
    paths = ["/", "/?q=light", "/devices", "/transactions", "/admin"]
    paths += [f"/{kind}/{film.id}" for film in EVERY for kind in ("films", "watch")]
    async with asyncio.timeout(120):
        for path in paths:
            assert (await owner.get(path)).status == 200, path
        for film in EVERY:
            assert (await collector.get(f"/films/{film.id}")).status == 200
    assert not asking.done()
    server_under_test.chain.gate.set()
    assert (await asking).status == 200


async def test_what_runs_here_is_told_to_those_who_signed_in(owner, browser):
    page = await page_of(owner, "/about")
    assert f"Wylloh server What to name when you report a fault. {__version__}" in page.text
    assert "Number 31337" in page.text
    assert "aiohttp" in page.text and page.named("a")["Its licence"]["href"].endswith("/LICENSE")
    stranger = await page_of(browser, "/about")
    assert "What leaves this server" in stranger.text and "365 for a TV" not in stranger.text
    assert "a browser 30 days at most, a TV 365" in stranger.text
    assert __version__ not in stranger.text and "aiohttp" not in stranger.text


async def test_the_owner_writes_the_terms_that_everybody_reads(owner, browser, collector):
    assert "Terms of use" not in (await page_of(browser, "/about")).text
    assert (await owner.post("/about/terms", data={"text": "Be kind,\r\nrewind. <b>"})).status == 303
    assert "Be kind,\nrewind. &lt;b&gt;" in await (await browser.get("/about")).text()
    assert "Change them" in (await page_of(owner, "/about")).text
    assert "Change them" not in (await page_of(collector, "/about")).text
    assert (await collector.post("/about/terms", data={"text": "Mine"})).status == 403
    assert (await owner.post("/about/terms", data={"text": "x" * 20_001})).status == 400
    assert "rewind" in await (await browser.get("/about")).text()
    await owner.post("/about/terms", data={"text": ""})
    assert "Terms of use" not in (await page_of(browser, "/about")).text


async def test_the_library_has_its_sections(owner):
    page = await page_of(owner, "/")
    for words in (
        "Continue watching · 44 min left",
        "Frank and the Acorn 44 min left Yours for good",
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


async def test_a_film_that_is_away_says_so_and_the_owner_alone_may_remove_it(
    owner, collector, server_under_test
):
    """On its page, and all that are away on the admin page."""
    reason = "home.mp4 is not in its folder now. Connect its disk."
    away = replace(OWN, state=FilmState.AWAY, reason=reason)
    for number in range(2):
        await server_under_test.storage.films.save(replace(away, id=f"away{number}"))
    for guest, may in ((owner, True), (collector, False)):
        page = await page_of(guest, "/films/away0")
        assert reason in page.text
        assert ("Remove from the library" in page.named("button")) is may
    assert (await collector.post("/api/films/away0/remove")).status == 403
    assert (await collector.post("/api/admin/films/remove-away")).status == 403
    assert (await owner.post(f"/api/films/{OWN.id}/remove")).status == 400
    assert (await owner.post("/api/films/away0/remove")).status == 200
    assert "Remove them all" in (await page_of(owner, "/admin")).named("button")
    assert await (await owner.post("/api/admin/films/remove-away")).json() == {"removed": 1}
    assert "Remove them all" not in (await page_of(owner, "/admin")).named("button")
    assert OWN.id in {film.id for film in await server_under_test.storage.films.all()}


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


async def test_a_server_without_owner_asks_for_the_code_in_its_terminal(open_server_under_test, open_browser):
    browser = open_browser(await open_server_under_test(owner=None))
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
        "Holding checked at block 1",
        "Plays offline until 8 November 2025",
    ):
        assert words in page.text
    assert page.named("a")["Start over"]["href"] == f"/watch/{BEGUN.id}?from=0"
    assert "button-primary" in page.named("button")["Resume"]["class"].split()


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
    assert (
        "You hold no token of this film. 1 token lets you watch it. Its publisher, 0xdddd…dddd" in page.text
    )
    assert str(ELSEWHERE.token) in page.text
    assert "Play" not in page.named("button")
    assert "Get tokens" not in page.named("a")


async def test_a_configured_store_is_the_first_thing_to_press_when_tokens_are_missing(
    open_server_under_test, open_browser
):
    chain = {"rpc": ("http://127.0.0.1:1",), "id": 31337, "store_url": "https://store.example"}
    owner = open_browser(await stocked(open_server_under_test, chain=chain))
    await owner.sign_in(OWNER)
    page = await page_of(owner, f"/films/{ELSEWHERE.id}")
    store = page.named("a")["Get tokens"]
    assert store["href"] == "https://store.example"
    assert "button-primary" in store["class"].split()
    assert "Play" not in page.named("button")


VOTER = """
from wylloh_server.sdk import *

WYLLOH_SDK = "1.0"

@hookimpl
async def access_vote(context, request):
    return Vote(Verdict.DENY, "Not before breakfast.") if request.film.title == %r else None

@hookimpl
async def page_fragments(context, slot, film, viewer):
    return (Fragment("one.html"),) if slot in ("film.actions", "film.details", "film.tags", "library.filters") else ()

@hookimpl
def template_dirs():
    from pathlib import Path
    return [Path(__file__).parent]
"""


@pytest.fixture
async def with_plugin(open_server_under_test, tmp_path):
    """A stocked server with a plugin that keeps one film from everybody, and adds a button to each film."""
    package = tmp_path / "plugins" / "wylloh_testvote"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(VOTER % BEGUN.title)
    (package / "one.html").write_text("<a class='button' href='/one'>From a plugin</a>")
    return await stocked(open_server_under_test, plugin_folder=tmp_path / "plugins")


async def test_a_film_that_a_plugin_keeps_back_says_why_and_offers_no_play_anywhere(
    with_plugin, open_browser
):
    owner = open_browser(with_plugin)
    await owner.sign_in(OWNER)
    page = await page_of(owner, f"/films/{BEGUN.id}")
    assert "Not before breakfast." in page.text
    assert "plays for everybody" not in page.text
    assert not {"Play", "Resume"} & set(page.named("button"))
    assert "Start over" not in page.named("a")
    library = await page_of(owner, "/")
    assert BEGUN.title in library.text
    assert not {"Play", "Resume"} & set(library.named("button"))
    assert with_plugin.playback.expected == []
    after = await page_of(owner, f"/watch/{OWN.id}")
    assert BEGUN.title not in after.text
    other = await page_of(owner, f"/films/{STACKED.id}")
    assert "Play" in other.named("button")


async def with_trailer(server_under_test, tmp_path) -> None:
    """Let a trailer lie beside the film from a folder."""
    path = tmp_path / "own-trailer.mp4"
    path.write_bytes(b"a trailer")
    server_under_test.app[SERVICES].trailers.note_folders({PurePath(OWN.origin.path): path})


async def test_47_the_trailer_beside_a_film_is_offered_after_play(server_under_test, owner, tmp_path):
    assert "Trailer" not in (await page_of(owner, f"/films/{OWN.id}")).named("a")
    await page_of(owner, f"/watch/{OWN.id}/trailer", status=404)
    assert (await owner.post(f"/api/films/{OWN.id}/trailer")).status == 404
    await with_trailer(server_under_test, tmp_path)
    page = await page_of(owner, f"/films/{OWN.id}")
    assert page.named("a")["Trailer"]["href"] == f"/watch/{OWN.id}/trailer"
    assert page.text.index("Play") < page.text.index("Trailer") < page.text.index("Send to TV")
    player = await page_of(owner, f"/watch/{OWN.id}/trailer")
    shown = next(about for tag, about in player.tags if about.get("id") == "player")
    assert (shown["data-play"], shown["data-film"]) == (f"/api/films/{OWN.id}/trailer", ""), (
        "keeps no position"
    )
    assert shown["data-back"] == f"/films/{OWN.id}"
    assert {"Back to the film"} <= set(player.named("a"))
    lease = await (await owner.post(f"/api/films/{OWN.id}/trailer")).json()
    assert (lease["title"], lease["position"]) == ("Morning Walk: trailer", 0)
    started = server_under_test.playback.leases.in_force[lease["token"]]
    assert started.film != OWN.id, "counts as no watching of the film"


def manifest(*files) -> Manifest:
    return Manifest(ELSEWHERE.description, ELSEWHERE.token, PUBLISHER, files, EncryptionHeader("", ""), ())


async def test_47_the_trailer_in_a_package_sells_the_film_to_who_holds_no_token(
    server_under_test, owner, browsers
):
    trailer = PackageFile("trailer.mp4", ROOT, 1000, "ab" * 32, FileRole.TRAILER)
    services = server_under_test.app[SERVICES]
    services.trailers.manifests = FakeManifests(manifest(trailer))
    page = await page_of(owner, f"/films/{ELSEWHERE.id}")
    assert "Play" not in page.named("button")
    assert page.named("a")["Trailer"]["href"] == f"/watch/{ELSEWHERE.id}/trailer"
    player = await page_of(owner, f"/watch/{ELSEWHERE.id}/trailer")
    shown = next(about for tag, about in player.tags if about.get("id") == "player")
    assert (shown["data-file"], shown["data-film"]) == (f"/play/{ELSEWHERE.id}.pictures/trailer.mp4", "")
    assert (await owner.post(f"/api/films/{ELSEWHERE.id}/trailer")).status == 404, "it needs no lease"
    tv = browsers()
    await paired(owner, tv)
    assert "Trailer" in (await page_of(tv, f"/films/{STACKED.id}")).named("a")
    assert (await tv.get(f"/watch/{STACKED.id}/trailer")).status == 200
    assert "Trailer" not in (await page_of(owner, f"/films/{FAILED.id}")).named("a")
    services.trailers.manifests = FakeManifests(manifest())
    assert "Trailer" not in (await page_of(owner, f"/films/{ELSEWHERE.id}")).named("a")


async def test_a_guest_watches_a_trailer_by_its_link_alone(server_under_test, browser):
    trailer = PackageFile("trailer.mp4", ROOT, 1000, "ab" * 32, FileRole.TRAILER)
    server_under_test.app[SERVICES].trailers.manifests = FakeManifests(manifest(trailer))
    link = f"/watch/{ELSEWHERE.id}/trailer?token={ELSEWHERE.id}.everybody"
    player = await page_of(browser, link)
    shown = next(about for tag, about in player.tags if about.get("id") == "player")
    assert shown["data-file"] == f"/play/{ELSEWHERE.id}.pictures/trailer.mp4"
    assert shown["data-back"] == "/"
    came = await browser.get(link, headers={"Referer": f"{server_under_test.origin}/plugins/store/?q=a"})
    assert 'data-back="/plugins/store/?q=a"' in await came.text()
    elsewhere = await browser.get(link, headers={"Referer": "https://evil.example/films"})
    assert 'data-back="/"' in await elsewhere.text()
    for query in ("", f"?token={STACKED.id}.everybody", f"?token={ELSEWHERE.id}.theirs", "?token="):
        reply = await browser.get(f"/watch/{ELSEWHERE.id}/trailer{query}")
        assert (reply.status, reply.headers["Location"][:9]) == (303, "/sign-in?")
    page = await page_of(browser, f"/watch/{OWN.id}/trailer?token={OWN.id}.everybody", status=404)
    assert "no trailer" in page.text


async def test_a_trailer_of_a_film_that_a_plugin_keeps_back_is_kept_back_too(
    with_plugin, open_browser, tmp_path
):
    owner = open_browser(with_plugin)
    await owner.sign_in(OWNER)
    await with_trailer(with_plugin, tmp_path)
    assert "Trailer" in (await page_of(owner, f"/films/{OWN.id}")).named("a")
    kept = replace(OWN, description=replace(OWN.description, title=BEGUN.title))
    await with_plugin.storage.films.save(kept)
    assert "Trailer" not in (await page_of(owner, f"/films/{OWN.id}")).named("a")
    assert "Not before breakfast." in (await page_of(owner, f"/watch/{OWN.id}/trailer", status=403)).text
    assert (await owner.post(f"/api/films/{OWN.id}/trailer")).status == 403


async def paired(owner, tv) -> None:
    """Let a browser in as a TV of the owner's."""
    code = (await (await tv.post("/api/tv/code", {})).json())["code"]
    await owner.post("/api/tv/approve", {"code": code, "name": "Sofa"})
    await tv.get("/api/tv/state")


async def test_what_plugins_sell_stands_in_the_card_and_is_what_somebody_without_token_is_led_to(
    with_plugin, open_browser
):
    owner = open_browser(with_plugin)
    await owner.sign_in(OWNER)
    page = await page_of(owner, f"/films/{ELSEWHERE.id}")
    assert page.named("a")["Get tokens"]["href"] == "#rights-card"
    order = [
        "Get tokens",
        "What your tokens unlock",
        "1 token lets you watch it.",
        "From a plugin",
        "Token eip155",
    ]
    places = [page.text.index(words) for words in order]
    assert places == sorted(places)
    assert page.text.count("From a plugin") == 3


async def test_a_tv_shows_of_plugins_only_what_is_for_watching(with_plugin, open_browser):
    owner, tv = open_browser(with_plugin), open_browser(with_plugin)
    await owner.sign_in(OWNER)
    await paired(owner, tv)
    page = await page_of(tv, f"/films/{STACKED.id}")
    assert "Play" in page.named("button")
    for words in ("From a plugin", "Your groups", "Send to TV", "Devices", "Token eip155"):
        assert words not in page.text
    assert set(page.named("button")) <= {"Play", "Menu"}
    assert "Send to TV" in (await page_of(owner, f"/films/{STACKED.id}")).named("button")
    assert "Get tokens" not in (await page_of(tv, f"/films/{ELSEWHERE.id}")).named("a")
    rows = ["Continue watching", "Yours for good", "Not yours yet"]
    for guest, order in ((owner, [rows[0], "From a plugin", *rows[1:]]), (tv, [*rows, "From a plugin"])):
        library = (await page_of(guest, "/")).text
        places = [library.rindex(words) for words in order]
        assert places == sorted(places)


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


@pytest.mark.parametrize("film", [BEGUN, OWN], ids=lambda film: film.title)
async def test_38_a_film_s_page_names_the_tracks_that_are_left_out(server_under_test, owner, film):
    note = "The sound “Deutsch” in AC-4 cannot be decoded here and is left out."
    assert note not in (await page_of(owner, f"/films/{film.id}")).text
    await server_under_test.storage.films.save(replace(film, notes=(note,)))
    page = await page_of(owner, f"/films/{film.id}")
    assert note in page.text
    region = next(about for _, about in page.tags if about.get("id") == "track-notes")
    assert region["data-live"] == f"film:{film.id}", "an open page draws it when it is known"


async def test_a_broken_film_says_why_and_what_to_do_and_offers_no_play(server_under_test, owner):
    page = await page_of(owner, f"/films/{FAILED.id}")
    assert (
        "Cannot be played The manifest is not signed. Nothing of yours is lost. Its publisher has to"
        in page.text
    )
    assert "you can tell them" in page.text and "You registered this package" not in page.text
    assert "You can watch this film" not in page.text
    assert "first Play" not in page.text
    notes = replace(OWN, state=FilmState.FAILED, reason="This file is not a film.")
    await server_under_test.storage.films.save(notes)
    page = await page_of(owner, f"/films/{notes.id}")
    assert "Cannot be played This file is not a film. Put a film that plays in the place" in page.text
    assert "plays for everybody" not in page.text
    assert "Play" not in page.named("button")
    assert not any(tag == "img" for tag, _ in page.tags)


async def test_the_publisher_of_a_broken_film_reads_what_to_do_as_its_publisher(server_under_test, owner):
    mine = replace(FAILED, origin=replace(FAILED.origin, publisher=OWNER))
    await server_under_test.storage.films.save(mine)
    page = await page_of(owner, f"/films/{mine.id}")
    assert "The manifest is not signed. You registered this package: publish the film again" in page.text
    assert "you can tell them" not in page.text


async def test_a_broken_film_is_not_shown_beside_others_and_no_page_asks_for_its_picture(owner):
    page = await page_of(owner, f"/films/{BEGUN.id}")
    assert "Also by the makers" in page.text
    assert FAILED.title not in page.text
    shelf = await page_of(owner, "/")
    assert FAILED.title in shelf.text
    assert not any(FAILED.id in about["src"] for tag, about in shelf.tags if tag == "img")


async def test_a_language_nobody_named_is_left_out(server_under_test, owner):
    quiet = replace(OWN, description=replace(OWN.description, languages=("und",), subtitles=("und", "de")))
    await server_under_test.storage.films.save(quiet)
    page = await page_of(owner, f"/films/{OWN.id}")
    assert "Unknown language" not in page.text
    assert "Subtitles: Deutsch" in page.text


async def test_a_film_that_may_be_played_is_looked_into_before_play_is_pressed(server_under_test, owner):
    for film in (STACKED, OWN, ARRIVING, FAILED, ELSEWHERE):
        await page_of(owner, f"/films/{film.id}")
    assert server_under_test.playback.expected == [STACKED.id, OWN.id]


async def test_a_film_from_a_folder_needs_no_token(owner):
    page = await page_of(owner, f"/films/{OWN.id}")
    assert "plays for everybody who is signed in here" in page.text
    assert "What your tokens unlock" not in page.text


async def test_a_chain_that_was_never_read_is_told_and_takes_nothing_away(server_under_test, owner):
    await server_under_test.storage.chain_index.set_source("contracts that were never read")
    server_under_test.checks.append(
        Check("Chain", ok=False, sentence="No RPC answers.", fix="Check chain.rpc.")
    )
    library = await page_of(owner, "/")
    assert "No RPC answers." in library.text
    assert "Films you hold keep playing" in library.text
    assert "Your tokens cannot be counted right now" in library.text
    film = await page_of(owner, f"/films/{BEGUN.id}")
    assert "Plays offline until 8 November 2025" in film.text
    assert "disabled" not in film.named("button")["Resume"]


async def test_a_chain_that_cannot_be_asked_now_shows_what_was_read(server_under_test, owner):
    server_under_test.chain.silent = True
    server_under_test.checks.append(
        Check("Chain", ok=False, sentence="No RPC answers.", fix="Check chain.rpc.")
    )
    library = await page_of(owner, "/")
    assert "Your tokens cannot be counted right now" not in library.text
    film = await page_of(owner, f"/films/{BEGUN.id}")
    assert "You hold 88" in film.text
    assert "Holding checked at block 1" in film.text


async def test_a_film_the_registry_does_not_know_any_more_keeps_its_page(server_under_test, owner):
    """A reorganisation may take a registration back for a while."""
    await server_under_test.storage.chain_index.roll_back(None)
    await server_under_test.on_chain()
    film = await page_of(owner, f"/films/{BEGUN.id}")
    assert "Your tokens cannot be counted right now" in film.text


async def test_pages_say_where_to_add_a_folder(server_under_test, owner):
    server_under_test.settings._file = Path("/etc/wylloh/wylloh.toml")
    page = await page_of(owner, "/admin")
    assert "name it under library.folders in /etc/wylloh/wylloh.toml" in page.text
    assert "and restart the server" in page.text
    server_under_test.settings._file = None
    assert "wylloh serve --config wylloh.toml" in (await page_of(owner, "/admin")).text


async def test_a_server_of_folders_alone_speaks_of_no_tokens(server_under_test, browser):
    assert "holds your film tokens" in (await page_of(browser, "/")).text
    server_under_test.settings.__dict__["chain"] = ChainSettings()
    page = await page_of(browser, "/")
    assert "token" not in page.text
    assert "Sign in with the wallet that its owner has let in." in page.text


async def test_the_stage_of_a_film_that_is_away_has_no_play_button(server_under_test, owner):
    for film in EVERY:
        await server_under_test.storage.films.save(replace(film, state=FilmState.AWAY))
    page = await page_of(owner, "/")
    assert "Away: its disk or file is not here" in page.text
    assert not {"Play", "Resume"} & set(page.named("button"))


async def test_an_empty_library_says_what_to_do(server_under_test, owner):
    for film in EVERY:
        await server_under_test.storage.films.remove(film.id)
    page = await page_of(owner, "/")
    assert "The shelf is ready for its first film." in page.text
    assert 'folders = ["~/Films", "/media/disk/Films"]' in page.text


async def test_who_holds_nothing_sees_what_there_is_to_get(server_under_test, owner):
    for film in HELD:
        await server_under_test.hold(OWNER, film.token, 0)
    await server_under_test.storage.films.remove(OWN.id)
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


async def test_the_admin_page_turns_what_needs_somebody_inside_out(server_under_test, owner):
    server_under_test.checks.append(Check("Disk", ok=False, sentence="1 GB free.", fix="Free some room."))
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
    library = await page_of(browser, "/")
    assert ("html", {"lang": "en", "data-distance": "tv"}) in library.tags
    assert library.named("a")["Search"]["href"] == "/search"
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


async def test_every_module_a_script_imports_is_there(owner, server_under_test):
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
        "live/shared-worker",
        "transaction",
    ]
    wanted, seen = [f"{name}.js" for name in begin], set()
    while wanted:
        name = wanted.pop()
        if name in seen:
            continue
        seen.add(name)
        text = server_under_test.app[STATIC].find(name).body.decode()
        folder = name.rpartition("/")[0]
        for path in re.findall(r'from "(\.[^"]+)"', text):
            above = path.startswith("../")
            wanted.append(path[3:] if above else f"{folder}/{path[2:]}".lstrip("/"))
    assert {"player/format.js", "live/event-stream.js", "wallet-requests.js"} <= seen


async def test_a_search_is_an_address(owner, browser):
    assert (await browser.get("/search", allow_redirects=False)).status == 303
    page = await page_of(owner, f"/search?q={STACKED.title.split()[-1].lower()}&sort=title&show=all")
    assert STACKED.title in page.text and "1 film for" in page.text
    assert page.named("a")["Yours"]["href"].endswith("&sort=title&show=mine")
    nothing = await page_of(owner, "/search?q=zzzz&show=mine&page=x&sort=oddly")
    assert "0 films for “zzzz”" in nothing.text and "all films" in nothing.text
    assert "Search" in (await page_of(owner, "/")).named("a")
