"""What only a real browser can show: charts that are drawn, come late, fail, are saved, and follow the chain."""

from __future__ import annotations

import asyncio
import re
import time
from types import SimpleNamespace

import pytest
from playwright.async_api import expect
from plugins.analytics.tests.scenarios import (
    DOLLAR,
    LADDERS,
    PEOPLE,
    PUBLISHERS,
    STORE,
    film_token,
    story_films,
)

from tests.components.browser import chromium
from tests.components.pictures import take
from tests.components.browser_user import DESKTOP, PATIENCE_MS, PHONE, TV
from tests.web.conftest import (  # noqa: F401 - fixtures
    browser,
    browsers,
    open_browser,
    open_server_under_test,
    owner,
    settings_of,
)
from wylloh_analytics import pages
from wylloh_analytics.charts import CHARTS, TITLES
from wylloh_server.domain.errors import StorageError
from wylloh_server.domain.events import ChainAdvanced, PlaybackEnded, PlaybackStarted
from wylloh_server.domain.chain_events import (
    ZERO_ADDRESS,
    FilmCreated,
    LadderChanged,
    TokensListed,
    TokensTransferred,
    TokensSold,
)
from wylloh_server.domain.playback import LeaseEnd
from wylloh_server.domain.types import DeviceId
from wylloh_server.sdk.testing import CONTRACTS, SOMEWHERE
from wylloh_server.sdk.testing.sample_chain import SampleChain

FILMS = story_films()
HERE = "/plugins/analytics/"
DAY = 86400
ISO = r"\d{4}-\d\d-\d\d"
IN_ORDER = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
PAINTED = """() => {
  globalThis.painted = [];
  const { fillText } = CanvasRenderingContext2D.prototype;
  CanvasRenderingContext2D.prototype.fillText = function (text, ...rest) {
    painted.push(text);
    return fillText.call(this, text, ...rest);
  };
}"""
"""Notes what is written on pictures."""
IN_SIGHT = """() => {
  const { top, bottom } = document.activeElement.getBoundingClientRect();
  return top >= 0 && bottom <= innerHeight;
}"""
RING_BESIDE = """ways => {
  const [csv, png] = [...ways.children].slice(-2);
  png.focus();
  const { outlineOffset, outlineWidth } = getComputedStyle(png);
  const letters = document.createRange();
  letters.selectNodeContents(csv);
  const ring = png.getBoundingClientRect().left - parseFloat(outlineOffset) - parseFloat(outlineWidth);
  return ring - letters.getBoundingClientRect().right;
}"""
"""How far the ring around PNG is from the letters of CSV."""
DRAWN_ON = """canvas => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return new Uint32Array(data.buffer).some((pixel) => pixel !== 0);
}"""


def sale(who, quantity, price=4_990_000, *, presale=False):
    token, total = film_token(0), quantity * price
    return (
        TokensTransferred(SOMEWHERE, token, STORE, who, quantity),
        TokensSold(
            SOMEWHERE,
            token,
            who,
            PUBLISHERS[0],
            0,
            quantity,
            DOLLAR.address,
            total,
            0,
            ZERO_ADDRESS,
            0,
            presale,
        ),
    )


def resale(seller, buyer, quantity, price=6_000_000):
    token, total = film_token(0), quantity * price
    return (
        TokensListed(SOMEWHERE, token, 4, seller, quantity, DOLLAR.address, price),
        TokensTransferred(SOMEWHERE, token, seller, STORE, quantity),
        TokensTransferred(SOMEWHERE, token, STORE, buyer, quantity),
        TokensSold(
            SOMEWHERE, token, buyer, seller, 4, quantity, DOLLAR.address, total, 0, PUBLISHERS[0], total // 20, False
        ),
    )  # fmt: skip


HISTORY = (
    (150, sale(PEOPLE[0], 2, 3_500_000, presale=True)),
    (120, (*sale(PEOPLE[1], 4), *sale(PEOPLE[2], 1))),
    (80, sale(PEOPLE[2], 9, 3_500_000, presale=True)),
    (50, sale(PEOPLE[3], 3)),
    (30, (TokensTransferred(SOMEWHERE, film_token(0), PEOPLE[1], PEOPLE[4], 3),)),
    (15, resale(PEOPLE[2], PEOPLE[0], 2)),
    (9, sale(PEOPLE[0], 5)),
    (4, sale(PEOPLE[5], 1)),
)


@pytest.fixture
async def server_under_test(open_server_under_test):  # noqa: F811
    """An owned server with a film that was sold, given and watched for some months; `happen` goes on with it."""
    server_under_test = await open_server_under_test(bundled=("analytics",))
    for film in FILMS:
        await server_under_test.storage.films.save(film)
    chain = SampleChain(server_under_test.storage, CONTRACTS)

    async def tell(*events):
        for event in events:
            server_under_test.plugins.publish(event)
        await server_under_test.plugins.settled()

    async def happen(facts, ago=0.0):
        await tell(ChainAdvanced(await chain.happen(facts, time.time() - ago * DAY)))

    token, publisher = film_token(0), PUBLISHERS[0]
    created = FilmCreated(SOMEWHERE, token, publisher, 1000, publisher, 500)
    laddered = LadderChanged(SOMEWHERE, token, LADDERS[1])
    await happen((created, laddered, TokensTransferred(SOMEWHERE, token, ZERO_ADDRESS, STORE, 100)), ago=160)
    for ago, facts in HISTORY:
        await happen(facts, ago)
    for watched in (1.0, 0.3, 0.95):
        who = FILMS[0].id, PEOPLE[0], DeviceId("tv")
        await tell(PlaybackStarted(*who), PlaybackEnded(*who, LeaseEnd.STOPPED, watched))
    return SimpleNamespace(
        **vars(server_under_test),
        origin=server_under_test.origin,
        browser=server_under_test.browser,
        happen=happen,
    )


@pytest.fixture
async def open_page(server_under_test, owner):  # noqa: F811
    """Open a page as the owner. A fault in a script fails the test."""
    faults = []
    async with chromium() as program:

        async def open_(size, path="", cookies=None, **options):
            context = await program.new_context(viewport=size, base_url=server_under_test.origin, **options)
            context.set_default_timeout(PATIENCE_MS)
            await context.add_cookies(
                [
                    {"name": name, "value": value, "url": server_under_test.origin}
                    for name, value in (cookies or owner.real_cookies).items()
                ]
            )
            page = await context.new_page()
            page.on("pageerror", lambda fault: faults.append(str(fault)))
            page.on("console", lambda said: faults.append(said.text) if "Content Sec" in said.text else None)
            assert (await page.goto(f"{HERE}{path}")).status == 200
            return page

        yield open_
    assert faults == []


def section(page, name):
    return page.locator(f"section.chart#{name}")


async def seen(chart):
    """Scroll to a chart, though it may give its place to a fresh one meanwhile."""
    await chart.evaluate("chart => chart.scrollIntoView()")


async def scrolled_through(page):
    """Scroll to each chart, so that all of them come."""
    for name in CHARTS:
        await seen(section(page, name))
        await expect(section(page, name).locator("canvas")).to_be_visible()


async def test_every_chart_is_drawn_and_fits_a_phone_a_desk_and_a_tv(open_page):
    for size in (PHONE, DESKTOP, TV):
        page = await open_page(size, "?period=quarter")
        await scrolled_through(page)
        assert await page.evaluate(IN_ORDER)
        for name in CHARTS:
            chart = section(page, name)
            assert await chart.locator("canvas").evaluate(DRAWN_ON), name
            await expect(chart.locator(".sentence")).not_to_be_empty()
            await expect(chart.locator(".numbers")).to_be_hidden()
        await page.evaluate("scrollTo(0, 0)")
        await take(SimpleNamespace(page=page), "analytics-all-charts")
        await page.context.close()


async def test_every_chart_gives_its_table_a_csv_and_a_picture(open_page, tmp_path):
    from PIL import Image

    page = await open_page(DESKTOP, f"film/{FILMS[0].id}")
    await scrolled_through(page)
    await page.evaluate(PAINTED)
    dates = await page.locator(".time p span").inner_text()
    for name in CHARTS:
        chart = section(page, name)
        button = chart.get_by_role("button", name="Table")
        await button.click()
        await expect(chart.get_by_role("table")).to_be_visible()
        rows = await chart.locator("tbody tr").count()
        await button.click()
        await expect(chart.locator(".numbers")).to_be_hidden()

        link = chart.get_by_role("link", name="CSV")
        csv = await page.context.request.get(await link.get_attribute("href"))
        assert len((await csv.body()).decode("utf-8-sig").splitlines()) == rows + 1, name

        async with page.expect_download() as png:
            await chart.get_by_role("button", name="PNG").click()
        picture = await png.value
        assert re.fullmatch(rf"{FILMS[0].title} {ISO} to {ISO} {name}\.png", picture.suggested_filename)
        heading = await chart.get_by_role("heading").inner_text()
        assert f"{FILMS[0].title} · {heading} · {dates}" in await page.evaluate("painted.splice(0)")
        await picture.save_as(tmp_path / f"{name}.png")
        with Image.open(tmp_path / f"{name}.png") as drawn:
            assert drawn.width > 1000
            assert len(drawn.convert("L").getcolors()) > 8, name

    async with page.expect_download() as saved:  # once: Chromium drops downloads that come very quickly
        await section(page, "revenue").get_by_role("link", name="CSV").click()
    assert (await saved.value).suggested_filename.endswith(" revenue.csv")


async def test_a_chart_that_is_not_there_yet_says_so_and_keeps_the_focus_when_it_comes(open_page):
    page = await open_page(DESKTOP)
    coming = asyncio.Event()

    async def later(route):
        await coming.wait()
        await route.continue_()

    await page.route("**/chart/geography*", later)
    chart = section(page, "geography")
    await seen(chart)
    await expect(chart).to_have_attribute("aria-busy", "true")
    await expect(chart.get_by_role("status")).to_have_text("This chart is being counted.")
    await expect(chart.get_by_role("heading")).to_have_text(TITLES["geography"])
    await chart.get_by_role("link").focus()
    coming.set()
    await expect(chart.locator("canvas")).to_be_visible()
    await expect(chart.get_by_role("status")).to_have_count(0)
    assert await chart.get_attribute("aria-busy") is None
    await expect(chart.get_by_role("heading").get_by_role("link")).to_be_focused()


async def test_a_chart_that_could_not_be_counted_says_so_and_is_tried_again(open_page, monkeypatch):
    async def broken(_view):
        raise StorageError("The disk is gone.", fix="Plug it in.")

    monkeypatch.setattr(pages, "CHARTS", {**CHARTS, "geography": broken})
    page = await open_page(DESKTOP)
    chart = section(page, "geography")
    await seen(chart)
    alert = chart.get_by_role("alert")
    await expect(alert).to_contain_text("This chart could not be counted just now.")
    await take(SimpleNamespace(page=page), "analytics-failed", whole=False)
    await alert.get_by_role("button", name="Try again").click()
    await expect(alert).to_contain_text("This chart could not be counted just now.")
    monkeypatch.setattr(pages, "CHARTS", CHARTS)
    await alert.get_by_role("button", name="Try again").click()
    await expect(chart.locator("canvas")).to_be_visible()
    await expect(alert).to_have_count(0)


async def test_open_charts_follow_the_chain(open_page, server_under_test):
    page = await open_page(DESKTOP, "?period=month")
    figure = page.locator("#figures div", has_text="Revenue").locator("b")
    await expect(figure).to_have_text("30.54 dUSD")
    await server_under_test.happen(sale(PEOPLE[3], 2))
    await expect(figure).to_have_text("40.52 dUSD")
    await expect(section(page, "revenue").locator(".sentence")).to_contain_text(
        "First sales of 39.92 dUSD and royalties of 0.60 dUSD"
    )
    await expect(section(page, "revenue").locator("canvas")).to_be_visible()


async def test_the_keyboard_reads_a_chart_point_by_point_and_lines_stand_at_round_numbers(open_page):
    page = await open_page(DESKTOP, "chart/holders?period=week")
    chart = section(page, "holders")
    await chart.locator("figure").focus()
    reading = chart.locator(".reading")
    await expect(reading).to_contain_text("Holders 6, Holders before 5")
    for key, said in (("Home", "Holders 5"), ("ArrowRight", "Holders 5"), ("End", "Holders 6")):
        await page.keyboard.press(key)
        await expect(reading).to_contain_text(said)
    find = """async ([highest, counted]) => {
      const { src } = document.querySelector("script[src*='analytics.js']");
      return (await import(new URL("plot.js", src))).steps(highest, counted);
    }"""
    for highest, counted, lines in (
        (1, True, [0, 1]),
        (2, True, [0, 1, 2]),
        (12, True, [0, 5, 10]),
        (12, False, [0, 2.5, 5, 7.5, 10, 12.5]),
        (0.02, False, [0, 0.005, 0.01, 0.015, 0.02]),
        (1400, True, [0, 500, 1000, 1500]),
    ):
        assert await page.evaluate(find, [highest, counted]) == lines


async def test_parts_of_revenue_change_without_leaving_the_page(open_page, server_under_test):
    page = await open_page(DESKTOP, "?period=quarter")
    chart = section(page, "revenue")
    await chart.get_by_role("link", name="First sales").click()
    await expect(chart.get_by_role("heading")).to_have_text("First sales per day")
    await expect(chart.get_by_role("link", name="First sales", exact=True)).to_be_focused()
    assert page.url.endswith(f"{HERE}?period=quarter")
    await server_under_test.happen(sale(PEOPLE[3], 1))
    await expect(chart.locator(".sentence")).to_contain_text("First sales of 81.40 dUSD")
    await expect(chart.get_by_role("heading")).to_have_text("First sales per day")
    await chart.get_by_role("link", name="First sales per day").click()
    await expect(page.locator("section.chart")).to_have_count(1)
    await chart.get_by_role("link", name="Resales").click()
    await page.wait_for_url(f"**{HERE}chart/revenue?part=resale&period=quarter")


async def test_without_scripts_every_table_is_one_tap_away_and_any_two_dates_can_be_chosen(open_page):
    page = await open_page(PHONE, java_script_enabled=False)
    await expect(section(page, "revenue").get_by_role("table")).to_be_visible()
    assert await page.evaluate(IN_ORDER)
    await section(page, "geography").get_by_role("link").click()
    await expect(section(page, "geography").get_by_role("table")).to_contain_text("DE")
    await page.goto(f"{HERE}?period=custom")
    await page.get_by_role("textbox", name="From").fill("2025-03-01")
    await page.get_by_role("textbox", name="To").fill("2025-03-31")
    await page.get_by_role("button", name="Show").click()
    await expect(page.locator(".time")).to_contain_text("1 Mar 2025 to 31 Mar 2025")
    await expect(section(page, "revenue")).to_contain_text("Nothing of these films was sold in this time.")
    assert await page.evaluate(IN_ORDER)


async def test_a_keyboard_reaches_every_chart(open_page):
    page = await open_page(TV, f"film/{FILMS[0].id}")
    reached = []
    for _ in range(200):
        await page.keyboard.press("Tab")
        inside = await page.evaluate("document.activeElement.closest('section.chart')?.id ?? ''")
        if inside:
            await expect(section(page, inside).locator("canvas")).to_be_visible()
            assert await page.evaluate("document.activeElement !== document.body"), inside
            await page.wait_for_function(IN_SIGHT)
            reached += [inside] if inside not in reached else []
        if inside == "geography":
            break
    shown = await page.evaluate("[...document.querySelectorAll('section.chart')].map(({ id }) => id)")
    assert reached == shown
    assert set(shown) >= set(CHARTS)
    assert await section(page, "geography").locator(".chart-actions").evaluate(RING_BESIDE) > 0
