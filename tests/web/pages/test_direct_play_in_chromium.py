"""Streams that are handed through, in a real browser: the picture of every place is the one asked for.

Each picture of these films has its number written into it in sixteen bars, white for a one.
"""

from __future__ import annotations

import json
from fractions import Fraction

import pytest
from playwright.async_api import Error

from tests.components.browser import chromium
from tests.components.films import run_ffmpeg
from tests.components.transcoding_workspace import ALICE, HOME, folder_film, transcoding_workspace
from wylloh_server.adapters.ffmpeg.remux.remuxer import PacketRemuxer
from wylloh_server.domain.client_profile import client_profile_from
from wylloh_server.domain.types import Seconds

SECONDS = 30
BARS = "geq=lum='if(bitand(N,pow(2,X)),235,16)':cb=128:cr=128,scale=320:180:flags=neighbor"
X264 = ("-c:v", "libx264", "-preset", "veryfast", "-bf", "3", "-g", "36", "-pix_fmt", "yuv420p")
FILMS = {
    "h264-aac.mp4": (24, X264, ("-c:a", "aac"), ("direct", "direct")),
    "h264-aac.mkv": ("24000/1001", X264, ("-c:a", "aac"), ("direct", "direct")),
    "vp9-opus.webm": (
        25,
        ("-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-g", "50"),
        ("-c:a", "libopus"),
        ("direct", "direct"),
    ),
    "av1-flac.mkv": (
        24,
        ("-c:v", "libsvtav1", "-preset", "13", "-g", "48"),
        ("-c:a", "flac"),
        ("direct", "direct"),
    ),
    "h264-dts.mkv": (24, X264, ("-c:a", "dca", "-strict", "-2"), ("direct", "encode")),
    "mpeg4-aac.mp4": (24, ("-c:v", "mpeg4", "-q:v", "3"), ("-c:a", "aac"), ("encode", "direct")),
}
PLACES = (0.5, 22.25, 7.75, 15.125, 3.0, 29.0)

SEEK = """async (at) => {
  const film = document.getElementById("film");
  film.pause();
  let shown = -1;
  const look = (_, { mediaTime }) => {
    shown = mediaTime;
    film.requestVideoFrameCallback(look);
  };
  film.requestVideoFrameCallback(look);
  film.currentTime = at;
  // The picture of the place that was left may still come, and hls.js may seek a little further by itself.
  while (film.seeking || Math.abs(shown - film.currentTime) > 0.1) await new Promise((go) => setTimeout(go, 20));
  const picture = document.createElement("canvas");
  picture.width = 320;
  picture.height = 180;
  const context = picture.getContext("2d");
  context.drawImage(film, 0, 0, 320, 180);
  const { data } = context.getImageData(0, 90, 320, 1);
  let number = 0;
  for (let bar = 0; bar < 16; bar++) if (data[(bar * 20 + 10) * 4] > 128) number += 2 ** bar;
  return number;
}"""


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    folder = tmp_path_factory.mktemp("films")

    def film(name):
        path = folder / name
        if not path.exists():
            rate, picture, sound, _ = FILMS[name]
            bars = f"nullsrc=s=16x2:r={rate}:d={SECONDS},{BARS}"
            tone = f"sine=440:d={SECONDS}:sample_rate=48000"
            run_ffmpeg("-f", "lavfi", "-i", bars, "-f", "lavfi", "-i", tone, *picture, *sound, str(path))
        return folder_film(path)

    return film


@pytest.fixture
async def play(films, tmp_path, server_under_test, owner):
    """Plays a film of `FILMS` in the player's page, from real playback: gives the page and what was answered."""
    remuxer = PacketRemuxer()
    async with chromium() as browser:

        async def open_(room, film):
            context = await browser.new_context(base_url=server_under_test.origin)
            cookies = owner.real_cookies.items()
            await context.add_cookies(
                [{"name": name, "value": value, "url": server_under_test.origin} for name, value in cookies]
            )
            page = await context.new_page()
            answers = await _route(page, room, film)
            (shown,) = [one for one in await server_under_test.storage.films.all()][:1]
            await page.goto(f"/watch/{shown.id}?from=0")
            return page, answers

        yield open_, remuxer
    await remuxer.close()


async def _route(page, room, film):
    """Have the page's play request and all that it fetches answered by real playback."""
    answers, tokens = [], set()

    async def start(route):
        client = client_profile_from(json.loads(route.request.post_data)["client"])
        contents = await room.playback.planner._indexes.contents(film, patience=None)
        assert contents.index is not None
        lease = await room.playback.start(ALICE, film.id, HOME, Seconds(0), client)
        played = room.playback.played_tracks(lease)
        answers.append(played)
        tokens.add(lease.token)
        body = {"url": f"/play/{lease.token}/master.m3u8", "token": lease.token, "lease_seconds": 60}
        await route.fulfill(json={**body, "title": "A film", "position": 0, "chapters": []})

    async def deliver(route):
        token, _, name = route.request.url.partition("/play/")[2].partition("/")
        if token not in tokens:  # a poster, say
            return await route.fallback()
        lease = room.playback.lease(token, ALICE.session, HOME)
        track, _, file = name.rpartition("/")
        if file == "master.m3u8":
            await route.fulfill(body=await room.playback.master(lease))
        elif file == "playlist.m3u8":
            await route.fulfill(body=await room.playback.playlist(lease, track))
        elif file.endswith(".key"):
            await route.fulfill(body=await room.playback.key(lease, track, int(file[:-4])))
        else:
            await route.fulfill(body=await room.playback.segment(lease, track, file))

    await page.route("**/api/films/*/play", start)
    await page.route("**/play/*/**", deliver)
    await page.route("**/api/play/**", lambda route: route.fulfill(json={"alive": True, "preparing": None}))
    return answers


async def reached(page, state):
    """Wait for a state of the player, however busy the machine is; what it says instead is in the error."""
    shown = "document.getElementById('player').dataset.state + ': ' + document.getElementById('message').innerText"
    try:
        await page.wait_for_selector(f"#player[data-state={state}]", timeout=150_000)
    except Error as error:
        raise AssertionError(await page.evaluate(shown)) from error


@pytest.mark.parametrize("name", FILMS)
async def test_9_every_place_shows_its_picture_and_the_end_is_reached(play, films, tmp_path, name):
    open_, remuxer = play
    film, rate = films(name), Fraction(FILMS[name][0])
    async with transcoding_workspace(tmp_path, film, remuxer=remuxer) as room:
        page, answers = await open_(room, film)
        await reached(page, "playing")
        decided = (answers[0].video.decision.action, answers[0].audio[0].decision.action)
        assert decided == FILMS[name][3], answers[0]
        for at in PLACES:
            number = await page.evaluate(SEEK, at)
            assert abs(number - int(at * rate + 0.001)) <= 1, f"at {at} s there is picture {number}"
        assert await page.evaluate("document.getElementById('film').webkitAudioDecodedByteCount") > 0
        assert abs(await page.evaluate("document.getElementById('film').duration") - SECONDS) < 0.1
        await page.evaluate("document.getElementById('film').play()")
        await reached(page, "ended")
