"""A holder of tokens signs in, reads what the tokens unlock, and watches."""

from __future__ import annotations

import asyncio
import contextlib
import io
import re

import av
from playwright.async_api import Error, expect

from demo.demo_films import LIGHT
from tests.components.server import eventually
from tests.components.browser_user import PATIENCE_MS

FILM = "Light"
LINES = re.compile(r"The light turns|Nobody can take|It is yours|Be kind, rewind")
GERMAN = re.compile(r"Das Licht|Niemand kann|Es gehört dir|Sei so nett")


async def test_the_film_page_says_what_the_tokens_unlock(demo, new_user):
    holder = await new_user(demo)
    await holder.sign_in("demo")
    await holder.open_film(FILM)
    page = holder.page.get_by_role("main")
    await expect(page).to_contain_text(LIGHT.synopsis)
    await expect(page).to_contain_text("You hold 120")
    rungs = page.locator(".scale li")
    names = [await rung.locator("b").inner_text() for rung in await rungs.all()]
    assert names == ["Personal viewing", "Small venue", "Streaming", "Theatrical", "National distribution"]
    held = [await rung.locator(".visually-hidden").text_content() for rung in await rungs.all()]
    assert held == ["Unlocked", "Unlocked", "Not unlocked", "Not unlocked", "Not unlocked"]
    await expect(page.locator(".rights, .panel").first).to_contain_text("4,880 more tokens")


async def test_it_plays_and_the_picture_is_the_film(demo, new_user, signed_in):
    holder = await new_user(demo, session=signed_in)
    await holder.play(FILM)
    await holder.plays_beyond(5)
    assert abs(await holder.film("videoWidth") / await holder.film("videoHeight") - 16 / 9) < 0.02
    assert LIGHT.seconds - 1 < await holder.film("duration") < LIGHT.seconds + 1
    assert await holder.film("error") is None


async def test_47_somebody_without_tokens_watches_the_trailer(demo, new_user, empty_handed):
    visitor = await new_user(demo, session=empty_handed)
    await visitor.open_film(FILM)
    await expect(visitor.page.get_by_role("button", name="Play", exact=True)).to_have_count(0)
    async with visitor.page.expect_response("**/trailer.mp4") as served:
        await visitor.page.get_by_role("link", name="Trailer").click()
    await visitor.plays_beyond(1)
    answer = await served.value
    assert (answer.status, answer.headers["content-type"]) == (206, "video/mp4")
    assert 5 < await visitor.film("duration") < 25
    await visitor.page.keyboard.press("9")
    await visitor.plays_beyond(0.85 * await visitor.film("duration"))
    stranger = await visitor.context.browser.new_context(base_url=demo.url)
    assert (await stranger.request.get(answer.url)).status == 403
    await stranger.close()
    assert not [url for url in visitor.requests if url.endswith("/position")]
    await visitor.page.get_by_role("link", name="Back", exact=True).click()
    await expect(visitor.page.get_by_role("heading", level=1)).to_have_text(FILM)


async def test_a_guest_of_the_store_watches_a_trailer(demo, new_user):
    guest = await new_user(demo)
    await guest.page.goto("/plugins/store/")
    await guest.page.get_by_role("link", name=f"Trailer of {FILM}").click()
    await guest.plays_beyond(1)
    await guest.page.keyboard.press("Escape")
    await expect(guest.page).to_have_url(re.compile("/plugins/store/$"))


async def test_subtitles_can_be_seen_and_change_language(demo, new_user, signed_in):
    holder = await new_user(demo, session=signed_in)
    await holder.play(FILM)
    await holder.choose("subtitles", "English")
    cue = holder.page.locator("#subtitles p")
    await expect(cue).to_have_text(LINES, timeout=PATIENCE_MS)
    await holder.page.keyboard.press("k")
    await expect(holder.page.get_by_role("button", name="Play", exact=True)).to_be_visible()
    place = await cue.bounding_box()
    assert 0 <= place["x"] and place["x"] + place["width"] <= 1280
    assert 400 <= place["y"] and place["y"] + place["height"] <= 800
    with_cue = white_in(await holder.page.screenshot(clip=place))
    await holder.choose("subtitles", "Off")
    await expect(cue).to_have_count(0)
    assert with_cue > white_in(await holder.page.screenshot(clip=place)) + 200
    await holder.choose("subtitles", "Deutsch")
    await holder.page.keyboard.press("k")
    await expect(cue).to_have_text(GERMAN, timeout=PATIENCE_MS)


async def test_the_audio_language_changes_and_can_be_heard(demo, new_user, signed_in):
    holder = await new_user(demo, session=signed_in)
    await holder.play(FILM)
    assert set(await holder.menu("audio")) == {"English", "Deutsch"}
    await holder.page.keyboard.press("Escape")
    await heard(holder, 220)
    await holder.choose("audio", "Deutsch")
    await heard(holder, 330)
    await holder.plays_beyond(await holder.film("currentTime") + 2)
    assert any("/a1-original/" in url and url.endswith(".m4s") for url in holder.requests)


async def test_the_quality_menu_lists_the_renditions_and_each_can_be_chosen(demo, new_user, signed_in):
    holder = await new_user(demo, session=signed_in)
    await holder.play(FILM)
    labels = list(await holder.menu("quality"))
    await holder.page.keyboard.press("Escape")
    assert labels[0].startswith("Auto")
    assert labels[1:] == ["Original · 720p", "480p", "360p", "240p"]
    assert any("/v-original/" in url for url in holder.requests)  # which it begins with
    for label, height in (("240p", 240), ("Original · 720p", 720)):
        await holder.choose("quality", label)
        await holder.page.wait_for_function(
            "height => document.getElementById('film').videoHeight === height",
            arg=height,
            timeout=PATIENCE_MS,
        )
        await holder.plays_beyond(await holder.film("currentTime") + 1)


async def test_a_rendition_that_is_too_slow_is_left_in_good_order(demo, new_user, signed_in):
    holder = await new_user(demo, session=signed_in)
    await holder.page.route("**/v-original/[1-9]*.m4s", slowly(60))
    await holder.page.route("**/v-[234]*/init.mp4", slowly(2))
    await holder.play(FILM)
    await eventually(lambda: any("/v-original/" in url for url in holder.requests))  # else this shows nothing
    await holder.plays_beyond(9)
    most = max(map(holder.requests.count, [url for url in holder.requests if url.endswith("init.mp4")]))
    assert most < 10


async def test_a_segment_that_is_refused_for_now_is_asked_for_again(demo, new_user, signed_in):
    holder = await new_user(demo, session=signed_in)
    holder.expected.append("status of 503")
    refused = []

    async def refuse_once(route):
        if route.request.url in refused:
            return await route.continue_()
        refused.append(route.request.url)
        await route.fulfill(status=503, headers={"Retry-After": "1"}, json={"error": "Gone on.", "fix": ""})

    await holder.page.route("**/v-*/2.m4s", refuse_once)
    await holder.play(FILM)
    await holder.plays_beyond(6)
    assert refused
    assert holder.requests.count(refused[0]) > 1


async def test_the_film_goes_on_where_it_was_left(demo, new_user, signed_in):
    holder = await new_user(demo, session=signed_in)
    await holder.play(FILM)
    await holder.page.wait_for_function("() => document.getElementById('film').seekable.length > 0")
    await holder.page.evaluate("document.getElementById('film').currentTime = 40")
    await holder.plays_beyond(40.5)
    async with holder.page.expect_response("**/position"):
        await holder.page.keyboard.press("k")
    await holder.page.goto("/")
    await holder.page.get_by_role("button", name="Resume", exact=True).first.click()
    await holder.plays_beyond(40)


def slowly(seconds: float):
    """A network on which one kind of file takes its time."""

    async def deliver(route):
        await asyncio.sleep(seconds)
        with contextlib.suppress(Error):  # the player, or the page, has gone on without it
            await route.continue_()

    return deliver


def white_in(png: bytes) -> int:
    """How many pixels of a picture are nearly white."""
    with av.open(io.BytesIO(png)) as picture:
        grey = next(picture.decode(video=0)).reformat(format="gray").planes[0]
        return sum(value > 235 for value in bytes(grey))


async def heard(browser_user, pitch: int) -> None:
    """Wait until the loudest tone of the film is `pitch` Hz."""
    await browser_user.page.evaluate(LISTEN)
    try:
        await browser_user.page.wait_for_function(
            "pitch => Math.abs(window.pitchHeard() - pitch) < 12", arg=pitch, timeout=PATIENCE_MS
        )
    except Exception as error:
        raise AssertionError(await browser_user.page.evaluate("window.pitchHeard()")) from error


LISTEN = """() => {
  if (window.pitchHeard) return;
  const context = new AudioContext();
  const analyser = new AnalyserNode(context, { fftSize: 16384, smoothingTimeConstant: 0 });
  const source = context.createMediaElementSource(document.getElementById("film"));
  source.connect(analyser).connect(context.destination);
  const volumes = new Float32Array(analyser.frequencyBinCount);
  window.pitchHeard = () => {
    analyser.getFloatFrequencyData(volumes);
    const loudest = volumes.indexOf(Math.max(...volumes));
    return Number.isFinite(volumes[loudest]) ? loudest * context.sampleRate / analyser.fftSize : 0;
  };
}"""
