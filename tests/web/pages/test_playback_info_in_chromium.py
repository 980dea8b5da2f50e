"""The panel over a film that tells what is played how and why, in a real browser."""

from __future__ import annotations

import asyncio
import re

import pytest
from playwright.async_api import expect

from tests.components.axe import violations
from tests.components.browser import chromium
from tests.components.films import run_ffmpeg
from tests.web.pages.samples import BEGUN

SIZES = {"phone": (390, 844), "desk": (1280, 800), "tv": (1920, 1080)}
WHY_VIDEO = "The picture is encoded: its codec is VC-1, which Chromium does not play."
WHY_AUDIO = "The sound is handed through as it is."
PLAYING = {
    "client": "Chromium",
    "video": {"action": "encode", "sentence": WHY_VIDEO, "label": "H.264 1920×1080"},
    "audio": [
        {"action": "direct", "sentence": WHY_AUDIO, "label": "English"},
        {"action": "encode", "sentence": "<b>DTS</b> is encoded to AAC.", "label": "Deutsch"},
    ],
}
MASTER = """#EXTM3U
#EXT-X-VERSION:7
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="sound",LANGUAGE="en",NAME="English",DEFAULT=YES,AUTOSELECT=YES,URI="en/playlist.m3u8"
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="sound",LANGUAGE="de",NAME="Deutsch",AUTOSELECT=YES,URI="en/playlist.m3u8"
#EXT-X-STREAM-INF:BANDWIDTH=400000,CODECS="avc1.42c00c,mp4a.40.2",AUDIO="sound"
picture/playlist.m3u8
"""


@pytest.fixture(scope="module")
def stream(tmp_path_factory):
    """A folder with an HLS stream: a picture, and one sound under two names."""
    folder = tmp_path_factory.mktemp("stream")
    source = ("-f", "lavfi", "-i", "testsrc2=size=320x180:rate=12:duration=16")
    source += ("-f", "lavfi", "-i", "sine=220:duration=16")
    encode = ("-c:v", "libx264", "-profile:v", "baseline", "-pix_fmt", "yuv420p", "-g", "24", "-c:a", "aac")
    for number, name in enumerate(("picture", "en")):
        (folder / name).mkdir()
        cut = ("-f", "hls", "-hls_time", "4", "-hls_playlist_type", "vod", "-hls_segment_type", "fmp4")
        source += ("-map", str(number), *encode, *cut, str(folder / name / "playlist.m3u8"))
    run_ffmpeg(*source)
    (folder / "master.m3u8").write_text(MASTER)
    return folder


@pytest.fixture
async def open_player(server_under_test, owner, tv_cookies, stream):
    """Open a film that plays: `page = await open_player("desk", what the play answer tells)`."""
    faults = []
    async with chromium() as browser:

        async def open_(screen="desk", playing=PLAYING):
            width, height = SIZES[screen]
            viewport = {"width": width, "height": height}
            context = await browser.new_context(viewport=viewport, base_url=server_under_test.origin)
            cookies = tv_cookies if screen == "tv" else owner.real_cookies
            await context.add_cookies(
                [
                    {"name": name, "value": value, "url": server_under_test.origin}
                    for name, value in cookies.items()
                ]
            )
            page = await context.new_page()
            page.on("pageerror", lambda fault: faults.append(fault))

            async def answer(route):
                response = await route.fetch()
                told = await response.json()
                told.pop("playing", None)
                await route.fulfill(json=told | ({"playing": playing} if playing else {}))

            async def deliver(route):
                address, _, played = route.request.url.partition("/play/")
                if address.endswith("/api"):
                    return await route.fallback()
                await route.fulfill(path=stream / played.partition("/")[2])

            await page.route(f"**/api/films/{BEGUN.id}/play", answer)
            await page.route("**/play/token-of-*/**", deliver)
            await page.goto(f"/watch/{BEGUN.id}?from=0")
            await until(page, "document.getElementById('film').currentTime > 0.2")
            return page

        yield open_
    assert faults == []


async def until(page, expression) -> None:
    """Wait for something on a page. Its policy forbids playwright's own way, which is `eval`."""
    async with asyncio.timeout(120):
        while not await page.evaluate(expression):
            await asyncio.sleep(0.05)


def panel_of(page):
    return page.get_by_role("region", name="Playback info")


async def rows_of(page) -> dict[str, str]:
    rows = (
        await panel_of(page)
        .locator("dl > div")
        .evaluate_all(
            "(all) => all.map(({ children: [name, ...texts] }) =>"
            " [name.textContent, texts.map((one) => one.textContent).join(' | ')])"
        )
    )
    return dict(rows)


async def test_the_key_i_shows_what_is_played_how_and_why_and_escape_closes(open_player):
    page = await open_player()
    panel = panel_of(page)
    await expect(panel).to_be_hidden()
    await page.keyboard.press("i")
    await expect(panel).to_be_focused()
    rows = await rows_of(page)
    assert rows["Player"] == "Chromium"
    assert rows["Video"] == f"Encoded · H.264 1920×1080 | {WHY_VIDEO}"
    assert rows["Audio"] == f"Direct · English | {WHY_AUDIO}"
    assert rows["Quality now"] == "320×180"
    assert re.fullmatch(r"\d+\xa0s ahead", rows["Buffer"])
    assert await violations(page) == []
    await page.keyboard.press("Escape")
    await expect(panel).to_be_hidden()
    await page.keyboard.press("i")
    await expect(panel).to_be_visible()
    await page.keyboard.press(" ")
    await until(page, "document.getElementById('film').paused")
    await panel.get_by_role("button", name="Close playback info").click()
    await expect(panel).to_be_hidden()


async def test_the_panel_follows_what_is_heard_and_measured_while_it_is_open(open_player):
    page = await open_player()
    await page.keyboard.press("i")
    await page.evaluate(
        "HTMLVideoElement.prototype.getVideoPlaybackQuality ="
        " () => ({ droppedVideoFrames: 3, totalVideoFrames: 1200 })"
    )
    await expect(panel_of(page)).to_contain_text("3 of 1200")
    await page.locator("[data-menu=audio] > button").click()
    await page.locator("[data-menu=audio] [role=menu]").get_by_text("Deutsch", exact=True).click()
    await expect(panel_of(page)).to_contain_text("Encoded · Deutsch")
    await expect(panel_of(page)).to_contain_text("<b>DTS</b> is encoded to AAC.")


async def test_the_panel_measures_also_where_the_server_tells_nothing(open_player):
    page = await open_player(playing=None)
    await page.keyboard.press("i")
    rows = await rows_of(page)
    assert rows.keys() >= {"Quality now", "Buffer"}
    assert rows.keys() <= {"Quality now", "Buffer", "Dropped frames", "Bandwidth"}


async def test_the_panel_is_gone_when_the_film_is_over(open_player):
    page = await open_player()
    await page.keyboard.press("i")
    await page.keyboard.press("9")
    await expect(page.locator("#end-card")).to_be_visible(timeout=120_000)
    await expect(panel_of(page)).to_be_hidden()
    await expect(page.locator("#end-card .button-primary")).to_be_focused()


@pytest.mark.parametrize("screen", SIZES)
async def test_the_menu_opens_the_panel_which_fits(open_player, screen):
    page = await open_player(screen)
    width, height = SIZES[screen]
    panel = panel_of(page)
    quality = page.locator("[data-menu=quality] > button")
    if screen == "tv":
        await page.keyboard.press("ArrowUp")
        await quality.focus()
        await page.keyboard.press("Enter")
        await expect(page.locator("[data-menu=quality] [aria-checked=true]")).to_be_focused()
        await page.keyboard.press("ArrowUp")  # round and round: the last entry
        await page.keyboard.press("Enter")
        await expect(panel.get_by_role("button", name="Close playback info")).to_be_focused()
    else:
        await page.mouse.move(200, 300)
        await quality.click()
        await page.get_by_role("menuitem", name="Playback info").click()
    await expect(panel).to_be_visible()
    await expect(page.locator("[role=menu]:visible")).to_have_count(0)
    await page.evaluate("document.getElementById('film').pause()")
    box = await panel.bounding_box()
    bar = await page.locator(".seek").bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= width
    assert box["y"] >= 0
    assert box["y"] + box["height"] <= bar["y"]
    fits = "(panel) => panel.scrollHeight <= panel.clientHeight && panel.scrollWidth <= panel.clientWidth"
    assert await panel.evaluate(fits)
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert await violations(page) == []
    await page.keyboard.press("Escape")
    await expect(panel).to_be_hidden()
    await expect(quality).to_be_focused()
    assert page.url.endswith(f"/watch/{BEGUN.id}?from=0")
