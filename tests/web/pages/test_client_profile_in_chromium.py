"""What the player tells of the browser it runs in: measured in a real one, within the time it may take."""

from __future__ import annotations

import pytest

from tests.components.browser import chromium
from tests.web.pages.samples import BEGUN

MODULE = 'import("/static/player/client-profile.js").then(({ clientProfile }) => clientProfile())'
NO_ANSWER = "navigator.mediaCapabilities.decodingInfo = () => new Promise(() => {});"
REFUSED = "navigator.mediaCapabilities.decodingInfo = () => Promise.reject(new TypeError());"
ONLY_FULL_HD = """navigator.mediaCapabilities.decodingInfo = async ({ video, audio }) =>
  ({ supported: video ? video.width <= 1920 : Number(audio.channels) <= 6, smooth: false });"""
NO_VIDEO = "navigator.mediaCapabilities.decodingInfo = async ({ video }) => ({ supported: !video });"
HDR = """const ask = window.matchMedia.bind(window);
window.matchMedia = (query) => query.includes("dynamic-range") ? { matches: true } : ask(query);"""
COUNTED = """const real = navigator.mediaCapabilities.decodingInfo.bind(navigator.mediaCapabilities);
window.asked = 0;
navigator.mediaCapabilities.decodingInfo = (what) => { window.asked += 1; return real(what); };"""
NATIVE = """delete window.MediaSource; delete window.ManagedMediaSource;
HTMLMediaElement.prototype.canPlayType = (type) => /avc1|mp4a.40.2/.test(type) ? "maybe" : "";"""


@pytest.fixture
async def open_page(server_under_test, owner):
    """Open a page with the profile's module: `page = await open_page(script that runs before it)`."""
    async with chromium() as browser:
        context = await browser.new_context(base_url=server_under_test.origin)
        await context.add_cookies(
            [
                {"name": name, "value": value, "url": server_under_test.origin}
                for name, value in owner.real_cookies.items()
            ]
        )

        async def open_(script="", path="/about"):
            page = await context.new_page()
            if script:
                await page.add_init_script(script)
            await page.goto(path)
            return page

        yield open_


def entries(profile, codec, bit_depth=8):
    found = [one for one in profile["video"] if (one["codec"], one["bit_depth"]) == (codec, bit_depth)]
    assert found, (codec, bit_depth)
    return found


def channels(profile):
    return {one["codec"]: one["channels"] for one in profile["audio"]}


async def test_a_browser_reports_what_it_measured(open_page):
    page = await open_page()
    profile = await page.evaluate(MODULE)
    assert profile.keys() == {"name", "video", "audio", "dynamic_ranges", "subtitles", "bit_rate"}
    assert (profile["name"], profile["dynamic_ranges"]) == ("Chromium", ["sdr"])
    assert (profile["subtitles"], profile["bit_rate"]) == (["webvtt"], 0)
    (h264,) = entries(profile, "h264")
    assert set(h264["profiles"]) == {"Constrained Baseline", "Baseline", "Main", "High"}
    assert h264["level"] >= 41
    for one in profile["video"]:
        assert one.keys() == {"codec", "profiles", "level", "bit_depth", "width", "height", "frame_rate"}
        assert one["codec"] in {"h264", "hevc", "av1", "vp9"}
        assert one["profiles"]
        assert all(type(one[name]) is int for name in one.keys() - {"codec", "profiles"})
    assert entries(profile, "vp9", 10)[0]["profiles"] == ["Profile 2"]
    assert entries(profile, "av1")[0]["level"] >= 8
    assert channels(profile)["aac"] == 8
    assert channels(profile).keys() <= {"aac", "ac3", "eac3", "opus", "flac", "mp3"}


@pytest.mark.parametrize("script", [NO_ANSWER, REFUSED], ids=["no answer", "refused"])
async def test_a_browser_that_tells_nothing_of_sizes_reports_its_codecs_and_two_channels(open_page, script):
    page = await open_page(script)
    profile = await page.evaluate(MODULE)
    (h264,) = entries(profile, "h264")
    assert (h264["width"], h264["height"], h264["frame_rate"]) == (0, 0, 0)
    assert channels(profile)["aac"] == 2


async def test_a_size_that_is_not_supported_bounds_and_one_that_is_not_smooth_does_not(open_page):
    page = await open_page(ONLY_FULL_HD)
    profile = await page.evaluate(MODULE)
    (h264,) = entries(profile, "h264")
    assert (h264["width"], h264["height"], h264["frame_rate"]) == (1920, 1080, 60)
    assert channels(profile)["aac"] == 6


async def test_a_codec_of_which_no_size_is_supported_is_not_reported(open_page):
    profile = await (await open_page(NO_VIDEO)).evaluate(MODULE)
    assert profile["video"] == []
    assert "aac" in channels(profile)


async def test_a_screen_with_a_high_dynamic_range_shows_hdr_where_ten_bits_are_decoded(open_page):
    profile = await (await open_page(HDR)).evaluate(MODULE)
    assert profile["dynamic_ranges"] == ["sdr", "hdr10", "hlg"]
    profile = await (await open_page(HDR + NATIVE)).evaluate(MODULE)
    assert profile["dynamic_ranges"] == ["sdr"]


async def test_a_browser_that_plays_hls_itself_is_asked_what_its_video_element_plays(open_page):
    profile = await (await open_page(NATIVE)).evaluate(MODULE)
    assert {one["codec"] for one in profile["video"]} == {"h264"}
    assert channels(profile).keys() == {"aac"}


async def test_a_browser_is_measured_once_in_a_tab(open_page):
    page = await open_page(COUNTED)
    first = await page.evaluate(MODULE)
    assert await page.evaluate("window.asked") > 0
    await page.reload()
    assert await page.evaluate(MODULE) == first
    assert await page.evaluate("window.asked") == 0


@pytest.mark.parametrize("script", ["", NO_ANSWER], ids=["measured", "no answer"])
async def test_the_play_request_carries_the_profile(open_page, script):
    page = await open_page(script)
    asked = f"/api/films/{BEGUN.id}/play"
    async with page.expect_request(lambda request: request.url.endswith(asked)) as request:
        await page.goto(f"/watch/{BEGUN.id}")
    body = (await request.value).post_data_json
    assert body == {"client": await page.evaluate(MODULE)}
    assert entries(body["client"], "h264")[0]["level"] >= 41
    assert "aac" in channels(body["client"])
