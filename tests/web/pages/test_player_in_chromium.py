"""The player with a real stream in a real browser: keys, remembered choices, and what comes after the end."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace

import pytest
from playwright.async_api import expect

from tests.components.axe import violations
from tests.components.browser import chromium
from tests.components.films import make_film, run_ffmpeg
from tests.fakes import FakeManifests
from tests.web.pages.samples import BEGUN, ELSEWHERE, OWNER, PUBLISHER, ROOT, STACKED
from wylloh_server.domain.film import EncryptionHeader, FileRole, Manifest, PackageFile
from wylloh_server.domain.playback import LeaseEnd, Position
from wylloh_server.domain.player_preferences import PlayerPreferences, TrackChoice
from wylloh_server.domain.rendition import Chapter
from wylloh_server.domain.types import Seconds, Timestamp
from wylloh_server.web.app_keys import SERVICES

DESKTOP, TV = {"width": 1280, "height": 800}, {"width": 1920, "height": 1080}
SECONDS = 16
MASTER = """#EXTM3U
#EXT-X-VERSION:7
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="sound",LANGUAGE="en",NAME="English",DEFAULT=YES,AUTOSELECT=YES,URI="en/playlist.m3u8"
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="sound",LANGUAGE="de",NAME="Deutsch",AUTOSELECT=YES,URI="de/playlist.m3u8"
#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="text",LANGUAGE="en",NAME="English",URI="words/playlist.m3u8"
#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="text",LANGUAGE="en",NAME="English, hard of hearing",URI="words/playlist.m3u8"
#EXT-X-STREAM-INF:BANDWIDTH=400000,CODECS="avc1.42c00c,mp4a.40.2",AUDIO="sound",SUBTITLES="text"
picture/playlist.m3u8
"""
WORDS = f"#EXTM3U\n#EXT-X-TARGETDURATION:{SECONDS}\n#EXTINF:{SECONDS},\nwords.vtt\n#EXT-X-ENDLIST\n"
CUES = f"WEBVTT\n\n00:00.000 --> 00:{SECONDS}.000\nBe kind, rewind\n"


@pytest.fixture(scope="module")
def stream(tmp_path_factory):
    """A folder with an HLS stream: a picture, two languages to hear, two kinds of subtitles."""
    folder = tmp_path_factory.mktemp("stream")
    words = ["-f", "lavfi", "-i", f"testsrc2=size=320x180:rate=12:duration={SECONDS}"]
    # The German sound is a little longer than the picture, as sound that is cut at whole frames may be.
    for pitch, length in ((220, SECONDS - 0.2), (330, SECONDS)):
        words += ["-f", "lavfi", "-i", f"sine={pitch}:duration={length}"]
    encode = ("-c:v", "libx264", "-profile:v", "baseline", "-pix_fmt", "yuv420p", "-g", "24", "-c:a", "aac")
    for number, name in enumerate(("picture", "en", "de")):
        (folder / name).mkdir()
        cut = ("-f", "hls", "-hls_time", "4", "-hls_playlist_type", "vod", "-hls_segment_type", "fmp4")
        words += ["-map", str(number), *encode, *cut, str(folder / name / "playlist.m3u8")]
    run_ffmpeg(*words)
    (folder / "words").mkdir()
    (folder / "words" / "playlist.m3u8").write_text(WORDS)
    (folder / "words" / "words.vtt").write_text(CUES)
    (folder / "master.m3u8").write_text(MASTER)
    return folder


@pytest.fixture
async def browser():
    async with chromium() as running:
        yield running


@pytest.fixture
async def open_player(server_under_test, owner, browser, stream):
    """Open a film's player, with the stream for any film: `await open_player(film, viewport, cookies)`."""
    faults = []

    async def open_(film, viewport=DESKTOP, cookies=None, query="", *, before=None):
        context = await browser.new_context(viewport=viewport, base_url=server_under_test.origin)
        given = (cookies or owner.real_cookies).items()
        await context.add_cookies(
            [{"name": name, "value": value, "url": server_under_test.origin} for name, value in given]
        )
        page = await context.new_page()
        page.on("pageerror", lambda fault: faults.append(fault))

        async def deliver(route):
            address, _, played = route.request.url.partition("/play/")
            if address.endswith("/api"):
                return await route.fallback()
            path = played.partition("/")[2]
            await route.fulfill(path=stream / path)

        await page.route("**/play/token-of-*/**", deliver)
        if before:
            await before(page)
        await page.goto(f"/watch/{film.id}{query}")
        return page

    yield open_
    assert faults == []


async def playing(page) -> None:
    await until(
        page, "!document.getElementById('film').paused && document.getElementById('film').currentTime > 0.2"
    )


async def never_seek(page) -> None:
    """Have the film stay at its beginning, as it does while a slow browser is on its way to another place."""
    await page.add_init_script(
        "const { get } = Object.getOwnPropertyDescriptor(HTMLMediaElement.prototype, 'currentTime');"
        "Object.defineProperty(HTMLMediaElement.prototype, 'currentTime', { get, set() {} });"
    )
    await page.route("**/playlist0.m4s", lambda route: None)  # nor does it play there


async def until(page, expression) -> None:
    """Wait for something on a page. Its policy forbids playwright's own way, which is `eval`."""
    async with asyncio.timeout(120):
        while not await page.evaluate(expression):
            await asyncio.sleep(0.05)


async def ended(page) -> None:
    """Go to the last moments of the film and wait for its end."""
    await until(page, "document.getElementById('film').seekable.length > 0")
    await page.evaluate(
        "document.getElementById('film').currentTime = document.getElementById('film').duration - 0.6"
    )
    await expect(page.locator("#end-card")).to_be_visible(timeout=120_000)


async def hidden_controls(page) -> None:
    await page.mouse.move(400, 300)
    await expect(page.locator("#player")).to_have_attribute("data-controls", "closed", timeout=120_000)
    assert await page.evaluate("document.activeElement === document.body")


async def test_tab_and_any_other_key_bring_the_hidden_controls(open_player):
    page = await open_player(STACKED, query="?from=0")
    await playing(page)
    await hidden_controls(page)
    await page.keyboard.press("Tab")
    await expect(page.locator("#player")).to_have_attribute("data-controls", "open")
    await expect(page.locator("#toggle")).to_be_focused()
    await page.keyboard.press("Tab")
    assert await page.evaluate("document.activeElement.getAttribute('aria-label')") == "Back 10 seconds"
    await page.evaluate("document.activeElement.blur()")
    await hidden_controls(page)
    await page.keyboard.press("x")
    await expect(page.locator("#player")).to_have_attribute("data-controls", "open")
    await page.keyboard.press("ArrowDown")
    await expect(page.locator("#level")).to_have_text("Volume 90 %")
    await page.keyboard.press("c")
    await expect(page.locator("#subtitles p")).to_have_text("Be kind, rewind")
    await expect(page.locator("[role=menu]:visible")).to_have_count(0)
    await page.keyboard.press("c")
    await expect(page.locator("#subtitles p")).to_have_count(0)


async def chosen(page, kind) -> str:
    item = page.locator(f"[data-menu={kind}] [aria-checked=true]")
    return await item.first.text_content() or ""


async def choose(page, kind, *labels) -> None:
    await page.mouse.move(300 + len(labels), 310)
    await page.locator(f"[data-menu={kind}] > button").click()
    for label in labels:
        await page.locator(f"[data-menu={kind}] [role=menu]").get_by_text(label, exact=True).click()


async def test_languages_volume_and_the_look_of_subtitles_are_remembered_for_the_next_film(
    open_player, server_under_test
):
    page = await open_player(BEGUN, query="?from=0")
    await playing(page)
    await choose(page, "audio", "Deutsch")
    await choose(page, "subtitles", "English, hard of hearing")
    await choose(page, "subtitles", "Size and background", "Large", "Shaded")
    await page.keyboard.press("Escape")
    await page.keyboard.press("m")
    await page.goto("/")  # what was chosen in the last moment is told while the page goes away
    stored = server_under_test.storage.preferences
    async with asyncio.timeout(60):
        while not (await stored.of_wallet(OWNER)).muted:
            await asyncio.sleep(0.05)
    assert await stored.of_wallet(OWNER) == PlayerPreferences(
        audio=TrackChoice("de", "Deutsch"),
        subtitles=TrackChoice("en", "English, hard of hearing"),
        muted=True,
        subtitle_size="large",
        subtitle_background="shade",
    )
    asked = []
    page = await open_player(STACKED)
    page.on("request", lambda request: asked.append(request.url))
    await playing(page)
    await expect(page.locator("#subtitles p")).to_have_text("Be kind, rewind")
    assert (await chosen(page, "audio"), await chosen(page, "subtitles")) == (
        "Deutsch",
        "English, hard of hearing",
    )
    assert await page.evaluate("document.getElementById('film').muted")
    words = page.locator("#subtitles")
    await expect(words).to_have_attribute("data-size", "large")
    shaded = "getComputedStyle(document.querySelector('#subtitles p')).backgroundColor"
    assert await page.evaluate(shaded) == "rgba(0, 0, 0, 0.6)"
    assert not any("/en/" in url for url in asked)

    await choose(page, "subtitles", "Off")
    async with asyncio.timeout(60):
        while not (await stored.of_wallet(OWNER)).subtitles_off:
            await asyncio.sleep(0.05)
    page = await open_player(BEGUN, query="?from=0")
    await playing(page)
    assert await chosen(page, "subtitles") == "Off"
    await page.keyboard.press("c")
    await expect(page.locator("[data-menu=subtitles] > button")).to_have_text(
        "Subtitles · English, hard of hearing"
    )


@pytest.mark.parametrize("screen", ["desk", "tv"])
async def test_a_film_ends_on_a_card_with_the_next_film_this_one_again_and_the_way_back(
    open_player, tv_cookies, screen
):
    tv = screen == "tv"
    page = await open_player(BEGUN, TV if tv else DESKTOP, tv_cookies if tv else None, "?from=0")
    card = page.get_by_role("region", name="The Meadow")
    await playing(page)
    await expect(card).to_be_hidden()
    await ended(page)
    await expect(card).to_be_visible()
    await expect(card.get_by_role("link", name="Play it")).to_be_focused()
    assert await card.get_by_role("link", name="Play it").get_attribute("href") == f"/watch/{STACKED.id}"
    if tv:
        await page.keyboard.press("ArrowRight")
        await expect(card.get_by_role("button", name="Watch again")).to_be_focused()
        await page.keyboard.press("Enter")
    else:
        await page.locator("#seek").click()
    await playing(page)
    await expect(card).to_be_hidden()
    await ended(page)
    await card.get_by_role("button", name="Watch again").click()
    await until(
        page, "!document.getElementById('film').paused && document.getElementById('film').currentTime < 8"
    )
    await ended(page)
    await card.get_by_role("link", name="Play it").click()
    await page.wait_for_url(f"**/watch/{STACKED.id}")


async def test_a_browser_that_tells_late_of_playing_does_not_take_the_card_away(open_player):
    page = await open_player(BEGUN, query="?from=0")
    await playing(page)
    await ended(page)
    await page.evaluate("document.getElementById('film').dispatchEvent(new Event('playing'))")
    await expect(page.locator("#end-card")).to_be_visible()


async def test_without_a_next_film_the_card_leads_back_also_where_the_sound_is_longer_than_the_picture(
    open_player, server_under_test
):
    german = PlayerPreferences(audio=TrackChoice("de", "Deutsch"))
    await server_under_test.storage.preferences.save(OWNER, german)
    for film in await server_under_test.storage.films.all():
        if film.id != STACKED.id:
            await server_under_test.storage.films.remove(film.id)
    page = await open_player(STACKED)
    await ended(page)
    card = page.get_by_role("region", name="The end.")
    await expect(card.get_by_role("button", name="Watch again")).to_be_focused()
    await card.get_by_role("link", name="Back to the film").click()
    await page.wait_for_url(f"**/films/{STACKED.id}")


async def test_what_is_resumed_says_resume_also_where_it_was_left_before_its_picture_was_there(
    open_player, server_under_test, owner, tv_cookies
):
    for cookies, viewport in ((owner.real_cookies, DESKTOP), (tv_cookies, TV)):
        page = await open_player(BEGUN, viewport, cookies, "?from=9", before=never_seek)
        await until(page, "document.getElementById('film').readyState > 0")
        for path in ("/", f"/films/{BEGUN.id}"):
            await page.goto(path)
            await expect(page.locator("main button.button-primary").first).to_have_text("Resume")
        await page.goto(f"/films/{STACKED.id}")
        await expect(page.locator("main button.button-primary").first).to_have_text("Play")
    finished = Position(BEGUN.id, Seconds(3830), Seconds(3840), Timestamp(server_under_test.clock.now))
    await server_under_test.storage.positions.save(OWNER, finished)
    await page.goto(f"/films/{BEGUN.id}")
    await expect(page.locator("main button.button-primary").first).to_have_text("Play")


@pytest.mark.parametrize("on_tv", [False, True], ids=["desk", "tv"])
async def test_47_a_trailer_plays_and_escape_leads_back_to_its_button(
    open_player, owner, tv_cookies, server_under_test, tmp_path, on_tv
):
    """Of a film without tokens, from its package: no lease, no position; the keyboard or a remote is enough."""
    trailer = PackageFile("trailer.mp4", ROOT, 1000, "ab" * 32, FileRole.TRAILER)
    about = Manifest(
        ELSEWHERE.description, ELSEWHERE.token, PUBLISHER, (trailer,), EncryptionHeader("", ""), ()
    )
    server_under_test.app[SERVICES].trailers.manifests = FakeManifests(about)
    file = make_film(tmp_path / "trailer.mp4", 8, size="320x180", languages=("eng",), subtitles=False)
    film = replace(ELSEWHERE, description=replace(ELSEWHERE.description, title="A Film"))
    await server_under_test.storage.films.save(film)
    player = await open_player(ELSEWHERE, TV if on_tv else DESKTOP, tv_cookies if on_tv else None)
    page, asked = await player.context.new_page(), []
    await player.close()
    page.on("request", lambda request: asked.append(request.url))
    await page.route("**/trailer.mp4", lambda route: route.fulfill(path=file))

    await page.goto(f"/films/{film.id}")
    button = page.get_by_role("link", name="Trailer")
    if on_tv:
        await expect(button).to_be_focused()
    else:
        await button.focus()
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(re.compile("/trailer$"))
    await playing(page)
    await expect(page.locator("#length")).to_have_text("0:08")
    assert await violations(page) == []
    await page.keyboard.press("Escape")
    if on_tv:  # the first one closes the controls
        await expect(page.locator("#player")).to_have_attribute("data-controls", "closed")
        await page.keyboard.press("Escape")
    await expect(page).to_have_url(re.compile(f"/films/{film.id}$"))
    await expect(button).to_be_focused()

    await page.keyboard.press("Enter")
    await expect(page).to_have_url(re.compile("/trailer$"))
    await playing(page)
    await ended(page)
    await expect(page.locator("#end-title")).to_have_text("A Film")
    await expect(page.get_by_role("link", name="Back to the film")).to_be_focused()
    assert await violations(page) == []
    await page.keyboard.press("Enter")
    await expect(button).to_be_focused()
    assert not [url for url in asked if "/api/films/" in url or "/api/play/" in url]


async def test_a_trailer_that_does_not_come_says_why(open_player, owner, server_under_test):
    trailer = PackageFile("trailer.mp4", ROOT, 1000, "ab" * 32, FileRole.TRAILER)
    about = Manifest(
        ELSEWHERE.description, ELSEWHERE.token, PUBLISHER, (trailer,), EncryptionHeader("", ""), ()
    )
    server_under_test.app[SERVICES].trailers.manifests = FakeManifests(about)
    page = await open_player(ELSEWHERE)
    answer = {"error": "The trailer is still on its way here.", "fix": "Try again in a minute."}
    await page.route("**/trailer.mp4", lambda route: route.fulfill(status=503, json=answer))
    await page.goto(f"/watch/{ELSEWHERE.id}/trailer")
    await expect(page.locator("#sentence")).to_have_text("The trailer is still on its way here.")
    await expect(page.get_by_role("button", name="Try again")).to_be_visible()


@pytest.mark.parametrize(
    "lost", ["**/play/token-of-*/**", "**/picture/playlist*.m4s"], ids=["all", "picture"]
)
async def test_a_server_that_is_away_is_told_of_and_the_film_goes_on_by_itself_when_it_is_back(
    open_player, tv_cookies, lost
):
    async def fail(route):
        await route.abort("connectionfailed")

    async def cut(page):
        for path in (lost, "**/api/play/*"):
            await page.route(path, fail)

    page = await open_player(BEGUN, TV, tv_cookies, "?from=4", before=cut)
    sentence = page.get_by_text("The server cannot be reached. It goes on by itself when it is back.")
    await expect(sentence).to_be_visible(timeout=120_000)
    await expect(page.locator("#message")).to_be_hidden()
    await page.keyboard.press("ArrowUp")
    await until(page, "document.getElementById('player').contains(document.activeElement)")
    ring = "getComputedStyle(document.querySelector('.ring')).boxShadow"
    assert "rgba(0, 0, 0" in await page.evaluate(ring)
    for path in (lost, "**/api/play/*"):
        await page.unroute(path, fail)
    await playing(page)
    await expect(sentence).to_be_hidden()
    assert await page.evaluate("document.getElementById('film').currentTime") >= 4


async def test_nothing_turns_behind_the_end_card(open_player):
    page = await open_player(BEGUN, query="?from=0")
    await playing(page)
    await ended(page)
    await page.evaluate("document.getElementById('player').dataset.state = 'loading'")
    await expect(page.locator(".ring")).to_be_hidden()


async def test_a_lease_that_ends_while_the_player_loads_is_told_of_and_nothing_is_fetched_under_it(
    open_player, server_under_test
):
    arrived, fetched = asyncio.Event(), []

    async def hold(page):
        page.on("request", lambda request: fetched.append(request.url) if ".m3u8" in request.url else None)

        async def later(route):
            await arrived.wait()
            await route.continue_()

        await page.route("**/hls.min.*", later)

    page = await open_player(BEGUN, before=hold)
    playback = server_under_test.playback
    async with asyncio.timeout(60):
        while not playback.leases.in_force:
            await asyncio.sleep(0.05)
    for token in list(playback.leases.in_force):
        playback.end_lease(token, LeaseEnd.SIGNED_OUT)
    await expect(page.locator("#sentence")).to_have_text("This device was signed out.", timeout=60_000)
    arrived.set()
    await until(page, "performance.getEntriesByType('resource').some(({ name }) => /hls.min/.test(name))")
    await page.evaluate("new Promise((resume) => setTimeout(resume, 500))")
    assert fetched == []
    await expect(page.locator("#sentence")).to_have_text("This device was signed out.")


@pytest.mark.parametrize("how", ["closed", "left"])
async def test_a_player_that_goes_away_ends_its_lease_and_keeps_its_place(
    open_player, server_under_test, how
):
    positions, leases = server_under_test.storage.positions, server_under_test.playback.leases
    begun = await positions.get(OWNER, BEGUN.id)
    page = await open_player(BEGUN)
    await playing(page)
    assert leases.in_force
    await (page.close() if how == "closed" else page.goto("/about"))
    async with asyncio.timeout(30):
        while leases.in_force or await positions.get(OWNER, BEGUN.id) == begun:
            await asyncio.sleep(0.05)


REMOTE = """(keys) => keys.forEach((key) => window.dispatchEvent(new KeyboardEvent("keydown", key)))"""


@pytest.mark.parametrize("named", [True, False], ids=["names", "codes"])
async def test_every_media_key_of_a_remote_does_what_it_says(
    open_player, server_under_test, tv_cookies, named
):
    codes = {"MediaPlay": 415, "MediaPause": 19, "MediaStop": 413, "MediaRewind": 412}
    codes |= {"MediaFastForward": 417, "MediaPlayPause": 10252}
    codes |= {"MediaTrackPrevious": 10232, "MediaTrackNext": 10233}

    async def press(name):
        key = {"key": name} if named else {"key": "Unidentified", "keyCode": codes[name]}
        await page.evaluate(REMOTE, [key])

    async def at(least, below):
        time = "document.getElementById('film').currentTime"
        await until(page, f"{time} >= {least} && {time} < {below}")

    server_under_test.playback.marks = (Chapter(Seconds(0), "One"), Chapter(Seconds(9), "Two"))
    page = await open_player(BEGUN, TV, tv_cookies, "?from=0")
    await playing(page)
    await press("MediaPause")
    await until(page, "document.getElementById('film').paused")
    await press("MediaPause")
    await page.evaluate("document.getElementById('film').currentTime = 0.5")
    await press("MediaFastForward")
    await at(10, 12)
    await press("MediaRewind")
    await at(0, 2)
    await press("MediaTrackNext")
    await at(9, 9.5)
    await press("MediaTrackPrevious")
    await at(0, 0.5)
    assert await page.evaluate("document.getElementById('film').paused")
    await press("MediaPlay")
    await playing(page)
    await press("MediaPlayPause")
    await until(page, "document.getElementById('film').paused")
    await press("MediaStop")
    await page.wait_for_url(f"**/films/{BEGUN.id}")


SYSTEM = """
navigator.mediaSession.setActionHandler = (action, handler) => ((window.system ??= {})[action] = handler);
"""


async def test_the_system_shows_the_film_and_steers_it(open_player):
    page = await open_player(STACKED, before=lambda page: page.add_init_script(SYSTEM))
    await playing(page)
    shown = await page.evaluate(
        "(({ title, artwork }) => [title, artwork[0].src])(navigator.mediaSession.metadata)"
    )
    assert (shown[0], shown[1].endswith("/poster.jpg")) == (STACKED.title, True)
    await page.evaluate("system.pause()")
    await until(page, "document.getElementById('film').paused")
    await page.evaluate("system.seekto({ seekTime: 5 })")
    await until(page, "document.getElementById('film').currentTime === 5")
    await page.evaluate("system.seekforward({})")
    await until(page, "document.getElementById('film').currentTime > 14")
    await page.evaluate("system.seekbackward({ seekOffset: 4 })")
    await until(page, "document.getElementById('film').currentTime < 12")
    await page.evaluate("system.play()")
    await playing(page)


@pytest.mark.parametrize("size", [(390, 844), (844, 390), (360, 640)], ids=str)
async def test_the_controls_stand_in_even_rows_on_a_phone(open_player, size):
    page = await open_player(BEGUN, {"width": size[0], "height": size[1]}, query="?from=0")
    await playing(page)
    await page.keyboard.press("c")
    await expect(page.locator("[data-menu=subtitles] > button")).to_have_text("Subtitles · English")
    await expect(page.locator("[data-menu=audio] > button")).to_have_text("Audio · English")
    await page.evaluate("document.getElementById('film').pause()")
    boxes = await page.locator(".keys button:visible").evaluate_all(
        "(all) => all.map((e) => e.getBoundingClientRect()).map(({ left, right, y, height }) =>"
        " [left, right, Math.round(y + height / 2)])"
    )
    assert all(left >= 0 and right <= size[0] for left, right, _ in boxes)
    rows = sorted({middle for *_, middle in boxes})
    assert len(rows) == (1 if size[0] > 720 else 2)
    assert all(sum(middle == row for *_, middle in boxes) > 1 for row in rows)
    assert await violations(page) == []
