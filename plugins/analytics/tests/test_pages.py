"""Who sees what, and what pages say when there is nothing to see."""

from __future__ import annotations

import csv
import io
import re
import time
import zipfile
from fractions import Fraction
from itertools import product

import pytest
from plugins.analytics.tests.scenarios import DOLLAR, PEOPLE, PUBLISHERS, STORE, film_token, story_films
from plugins.analytics.tests.assertions import analytics

from wylloh_analytics import tables
from wylloh_analytics.charts import CHARTS, TITLES
from wylloh_analytics.charts.sales import _each
from wylloh_server.domain.access import Role
from wylloh_server.domain.events import PlaybackEnded, PlaybackStarted
from wylloh_server.domain.chain_events import (
    ZERO_ADDRESS,
    Contracts,
    FilmCreated,
    LadderChanged,
    TokensTransferred,
    TokensSold,
)
from wylloh_server.domain.playback import LeaseEnd
from wylloh_server.domain.rights import RightsLadder, Tier
from wylloh_server.domain.types import DeviceId
from wylloh_server.sdk import Download, Page, Slot
from wylloh_server.sdk.testing import SOMEWHERE
from wylloh_server.sdk.testing.samples import sample_viewer

FILMS = story_films()
MINE, THEIRS, _, _, HOME = FILMS
NOW = time.time()


def created(number):
    token, publisher = film_token(number), PUBLISHERS[number % 2]
    return [
        FilmCreated(SOMEWHERE, token, publisher, 1000, publisher, 500),
        LadderChanged(SOMEWHERE, token, RightsLadder((Tier(1, "personal"),))),
        TokensTransferred(SOMEWHERE, token, ZERO_ADDRESS, STORE, 100),
    ]


def bought(number, who, quantity=1, price=4_990_000):
    token, total = film_token(number), quantity * price
    return [
        TokensTransferred(SOMEWHERE, token, STORE, who, quantity),
        TokensSold(
            SOMEWHERE, token, who, PUBLISHERS[number % 2], 0, quantity, DOLLAR.address, total, total // 20,
            ZERO_ADDRESS, 0, False,
        ),
    ]  # fmt: skip


@pytest.fixture
async def store_app(tmp_path):
    """Two films that sold something, and some that did not."""
    async with analytics(tmp_path, films=FILMS) as told:
        await told.app.happened(*created(0), *created(1), at=NOW)
        await told.app.happened(*bought(0, PEOPLE[0], 3), *bought(1, PEOPLE[1]), at=NOW)
        yield told.app


async def page_of(app, path="", by=Role.OWNER, **query):
    page = await app.get(path, query=query, by=by)
    assert isinstance(page, Page), page
    return await app.render(page, by=by), page


def names(page):
    return [page.values["charts"][0]["chart"].name, *(it["name"] for it in page.values["waiting"])]


async def test_what_happens_on_chain_is_counted_when_it_is_heard_of(store_app):
    html, _ = await page_of(store_app)
    assert "19.96" in html
    await store_app.happened(*bought(0, PEOPLE[2]), at=NOW)
    html, _ = await page_of(store_app)
    assert "24.95" in html
    assert "plugin:analytics" in store_app.live.topics
    await store_app.taken_back(1)
    html, _ = await page_of(store_app)
    assert "19.96" in html
    assert "24.95" not in html


async def test_everybody_may_see_what_is_on_chain(store_app):
    for by in Role:
        html, page = await page_of(store_app, f"film/{THEIRS.id}", by)
        assert "4.99" in html
        assert set(names(page)) >= set(CHARTS) - {"plays"}
    html, _ = await page_of(store_app, f"film/{THEIRS.id}/chart/concentration")
    assert "1 wallet holds all tokens." in html


async def test_who_is_not_signed_in_sees_nothing(store_app):
    for path in ("", f"film/{MINE.id}", "chart/revenue", "chart/revenue/csv", "tables", "history"):
        assert (await store_app.get(path, by=None)).status == 401
    assert await store_app.nav_items(by=None) == ()
    assert await store_app.fragments(Slot.FILM_DETAILS, MINE, by=None) == ()


async def test_viewing_is_for_owner_and_publisher(store_app):
    for by, path, sees in (
        (Role.OWNER, "", True),
        (Role.ADMIN, "", True),
        (Role.PUBLISHER, "", True),
        (Role.VIEWER, "", False),
        (Role.OWNER, f"film/{THEIRS.id}", True),
        (Role.PUBLISHER, f"film/{MINE.id}", True),
        (Role.PUBLISHER, f"film/{THEIRS.id}", False),
        (Role.VIEWER, f"film/{MINE.id}", False),
        (Role.OWNER, f"film/{HOME.id}", True),
    ):
        assert ("plays" in names(await store_app.get(path, by=by))) is sees, (by, path)
        chart = await store_app.get(f"{path}/chart/plays".strip("/"), by=by)
        assert isinstance(chart, Page) is sees, (by, path)
        if not sees:
            assert (chart.status, chart.sentence) == (404, "There is no such chart here.")
            assert (await store_app.get(f"{path}/chart/plays/csv".strip("/"), by=by)).status == 404
    refused = await store_app.get(f"film/{HOME.id}", by=Role.PUBLISHER)
    sentence = "How often films are watched here is shown to the owner of this server."
    assert (refused.status, refused.sentence) == (403, sentence)


async def test_a_publisher_sees_their_own_films(store_app):
    html, page = await page_of(store_app, by=Role.PUBLISHER)
    assert page.values["subject"].title == "Your films"
    assert "14.97" in html
    assert "4.99 " not in html
    assert [it.film.id for it in page.values["films"].listed] == [FILMS[0].id]


async def test_a_publisher_who_has_not_published_yet(tmp_path):
    async with analytics(tmp_path, films=FILMS) as told:
        html, page = await page_of(told.app, by=Role.PUBLISHER)
        assert "You have not published a film yet." in html
        assert "Nothing of these films was sold yet." in html


async def test_plays_of_a_publisher_are_only_those_of_their_own_films(store_app):
    for film, times in ((MINE, 3), (THEIRS, 5), (HOME, 7)):
        for _ in range(times):
            await store_app.emit(PlaybackStarted(film.id, PEOPLE[0], DeviceId("tv")))
    seen = {}
    for by, path in ((Role.OWNER, ""), (Role.PUBLISHER, ""), (Role.OWNER, f"film/{HOME.id}/")):
        page = await store_app.get(f"{path}chart/plays", by=by)
        chart = page.values["charts"][0]["chart"]
        seen[by, path] = sum(row.cells[0] for row in chart.rows)
    assert list(seen.values()) == [15, 3, 7]


async def test_a_film_from_a_folder_has_only_its_viewing(store_app):
    html, page = await page_of(store_app, f"film/{HOME.id}")
    assert "This film has no token: only how often it is watched here is counted." in html
    assert page.values["waiting"] == []
    assert names(page) == ["plays"]


async def test_a_chart_without_anything_says_so(tmp_path):
    async with analytics(tmp_path, films=FILMS) as told:
        for name, path in product(CHARTS, ("", f"film/{MINE.id}/")):
            html, page = await page_of(told.app, f"{path}chart/{name}")
            chart = page.values["charts"][0]["chart"]
            assert chart.empty
            assert chart.empty.split("&")[0] in html.replace("&#39;", "'")
            assert "<table" not in html
            assert TITLES[name].split()[0] in chart.title
            file = await told.app.get(f"{path}chart/{name}/csv", by=Role.OWNER)
            (head,) = csv.reader(io.StringIO(file.body.decode("utf-8-sig")))
            assert len(head) > 2
            assert all(head)


async def test_a_chart_has_its_table_csv_and_picture(store_app):
    html, _ = await page_of(store_app, "chart/revenue")
    assert re.search(r'<button type="button" data-table [^>]*hidden>Table</button>', html)
    assert re.search(r'<a href="/plugins/analytics/chart/revenue/csv\?period=month" download>CSV</a>', html)
    assert re.search(r'<button type="button" data-png hidden>PNG</button>', html)
    assert '<td data-value="19.96">19.96</td>' in html
    assert 'role="application"' in html
    reply = await store_app.get("chart/revenue/csv", by=Role.OWNER)
    assert isinstance(reply, Download)
    assert re.fullmatch(r"All films \d{4}-\d\d-\d\d to \d{4}-\d\d-\d\d revenue\.csv", reply.filename)
    rows = list(csv.reader(io.StringIO(reply.body.decode("utf-8-sig"))))
    assert len(rows) == 31
    assert sum(float(row[1]) for row in rows[1:]) == 19.96


async def test_velocity_compares_with_what_was_held_since_anything_was(store_app):
    gift = TokensTransferred(SOMEWHERE, film_token(0), PEOPLE[0], PEOPLE[2], 1)
    await store_app.happened(gift, at=NOW)
    for query in ({"period": "week"}, {"period": "custom", "from": "2016-01-01"}):
        html, _ = await page_of(store_app, f"film/{MINE.id}/chart/velocity", **query)
        assert "1 token went from one holder to another, 33.3\xa0% of the 3 held on average." in html


async def test_the_page_says_whom_and_what_its_figures_count(store_app):
    html, _ = await page_of(store_app, f"film/{MINE.id}")
    assert "Revenue is what buyers paid, before the store's part." in html
    assert "A film's own publisher is not counted among its holders." in html


async def test_an_average_price_has_the_digits_that_prices_have(store_app):
    await store_app.happened(
        *created(2), *bought(2, PEOPLE[3], 2, 5_020_298), *bought(2, PEOPLE[3], 1, 1), at=NOW
    )
    html, _ = await page_of(store_app, f"film/{FILMS[2].id}/chart/presale")
    exact = '<abbr class="exact" title="10.040597" tabindex="0">10.04</abbr>'
    assert f"3 tokens in regular sale for {exact} dUSD, 3.35 dUSD each on average." in html
    for units, each in (
        (4_990_000, "4.99"),
        (1_234, "0.0012"),
        (99_250, "0.099"),
        (500_000, "0.50"),
        (1, "0.000001"),
    ):
        assert _each(DOLLAR, Fraction(units)) == f"{each} dUSD"


async def test_all_tables_in_one_archive(store_app):
    reply = await store_app.get(f"film/{MINE.id}/tables", by=Role.VIEWER)
    with zipfile.ZipFile(io.BytesIO(reply.body)) as archive:
        assert "revenue.csv" in archive.namelist()
        assert "plays.csv" not in archive.namelist()


async def test_addresses_on_a_page_keep_what_was_chosen(store_app):
    html, page = await page_of(store_app, period="week", to="2025-11-02", coin=DOLLAR.address)
    for address in (page.values["earlier"], page.values["later"], page.values["waiting"][0]["page"]):
        assert "period=week" in address
        assert f"coin={DOLLAR.address}" in address
    assert "to=2025-10-26" in page.values["earlier"]
    assert "to=2025-11-09" in page.values["later"]
    assert f'href="/plugins/analytics/?coin={DOLLAR.address}&amp;to=2025-11-02&amp;period=quarter"' in html


async def test_the_newest_period_has_no_later_one(store_app):
    _, page = await page_of(store_app)
    assert page.values["later"] == ""


async def test_bad_input_is_refused_in_a_sentence(store_app):
    for query, sentence in (
        ({"period": "eternity"}, "There is no period “eternity”."),
        ({"coin": "0xnothing"}, "“0xnothing” is not an address."),
        ({"coin": "0x" + "99" * 20}, "Nothing here was paid in that coin."),
    ):
        for path in ("", "chart/holders", "chart/holders/csv", "tables"):
            reply = await store_app.get(path, query=query, by=Role.OWNER)
            assert (reply.status, reply.sentence) == (400, sentence)
            assert reply.fix
    assert store_app.record.errors == 0


WRONG_DATES = (
    ({"to": "x" * 5000}, f"“{'x' * 59}…” is no date. Write dates as in 2026-11-21."),
    ({"from": "<b>", "to": "2026-01-01"}, "“&lt;b&gt;” is no date. Write dates as in 2026-11-21."),
    ({"from": "2026-01-02", "to": "2026-01-01"}, "The first day comes after the last one."),
    ({"from": "2999-01-01", "to": "2999-02-01"}, "2999-01-01 lies in the future. Today is 20"),
    ({"from": "0001-01-01", "to": "2026-01-01"}, "Nothing is known from before 1970-01-01."),
)


async def test_dates_that_cannot_be_used_stay_in_the_form(store_app):
    for (dates, sentence), path in product(WRONG_DATES, ("", "chart/holders")):
        query = {"period": "custom", "coin": DOLLAR.address, **dates}
        html, page = await page_of(store_app, path, **query)
        assert page.status == 400
        assert f'<p class="status-message" data-problem role="alert" id="wrong">{sentence}' in html
        for name, typed in dates.items():
            assert f'name="{name}" value="{typed.replace("<", "&lt;").replace(">", "&gt;")}"' in html
        assert f'<input type="hidden" name="coin" value="{DOLLAR.address}">' in html
        assert page.values["period"].name == "month", "what is shown meanwhile is the usual time"
        assert not any("from=" in address for _, address, _ in page.values["periods"][:-1])
    for path in ("chart/holders/csv", "tables"):
        assert (await store_app.get(path, query=query, by=Role.OWNER)).status == 400
    assert store_app.record.errors == 0


async def test_the_usual_time_has_something_before_it(store_app):
    _, page = await page_of(store_app)
    assert page.values["period"].name == "month"
    token = film_token(0)
    for ago, name in ((70, "month"), (200, "quarter"), (800, "year")):
        await store_app.happened(
            TokensTransferred(SOMEWHERE, token, STORE, PEOPLE[4], 1), at=NOW - ago * 86400
        )
        for path in ("", f"film/{MINE.id}"):
            _, page = await page_of(store_app, path)
            assert page.values["period"].name == name
        _, page = await page_of(store_app, f"film/{THEIRS.id}")
        assert page.values["period"].name == "month", "another film has its own history"


async def test_a_film_or_chart_that_is_not_there(store_app):
    assert (await store_app.get("film/nowhere")).status == 404
    assert (await store_app.get("chart/weather")).status == 404
    assert (await store_app.get("film/nowhere/chart/revenue/csv")).status == 404
    assert store_app.record.errors == 0


async def test_a_coin_nobody_can_be_asked_about_is_shown_in_its_smallest_unit(store_app):
    store_app.chain.silent = True
    html, page = await page_of(store_app)
    assert page.values["figures"][0].value == "19,960,000"
    assert "units of 0xd0d0…d0d0" in html


async def test_the_page_says_from_where_the_numbers_are(store_app):
    html, page = await page_of(store_app)
    state = await store_app.context.chain.state()
    assert f"Counted from the chain up to block {state.block:,}" in html
    assert "Nobody is tracked: viewing is counted per film and day" in html
    assert page.values["counted"].complete


async def test_while_facts_are_waiting_the_page_says_so(store_app):
    await store_app.chain.happen(bought(0, PEOPLE[3]), None)  # nobody has told the plugin
    html, page = await page_of(store_app)
    assert "The chain is still being counted." in html
    assert not page.values["counted"].complete
    assert "Counted from the chain up to block 2" in html


async def test_the_list_of_films_can_be_searched(store_app):
    html, page = await page_of(store_app, find="film 1")
    assert [it.film.id for it in page.values["films"].listed] == [THEIRS.id]
    (found,) = page.values["films"].listed
    assert (found.holders, found.sold) == (1, 1)
    html, page = await page_of(store_app, find="<b>")
    assert "No film&#39;s title has “&lt;b&gt;” in it." in html or "title has “&lt;b&gt;” in it." in html


async def test_an_owner_who_publishes_chooses_between_their_films_and_all(store_app):
    _, page = await page_of(store_app)
    assert not page.values["subject"].may_choose, "the owner has not published yet"
    owner, token = sample_viewer(Role.OWNER).wallet, film_token(9)
    await store_app.happened(FilmCreated(SOMEWHERE, token, owner, 9, owner, 0), at=NOW)
    html, page = await page_of(store_app)
    assert page.values["subject"].may_choose
    assert 'href="/plugins/analytics/?period=month&amp;of=mine"' in html
    html, page = await page_of(store_app, of="mine")
    assert page.values["subject"].title == "Your films"
    assert "Nothing of these films was sold yet." in html


async def test_the_navigation_leads_makers_to_the_charts(store_app):
    for by in (Role.OWNER, Role.ADMIN, Role.PUBLISHER):
        assert [(item.label, item.path) for item in await store_app.nav_items(by=by)] == [
            ("Analytics", "/plugins/analytics/")
        ]
    assert await store_app.nav_items(by=Role.VIEWER) == ()


async def test_a_film_s_page_leads_to_its_charts(store_app):
    (link,) = await store_app.fragments(Slot.FILM_DETAILS, MINE, by=Role.VIEWER)
    html = await store_app.render(type(link)(link.template, {"film": MINE}))
    assert f'href="/plugins/analytics/film/{MINE.id}"' in html
    assert await store_app.fragments(Slot.FILM_DETAILS, HOME, by=Role.VIEWER) == ()
    assert len(await store_app.fragments(Slot.FILM_DETAILS, HOME, by=Role.OWNER)) == 1
    assert await store_app.fragments(Slot.FILM_TAGS, MINE, by=Role.OWNER) == ()


async def test_without_a_chain_there_are_only_plays(tmp_path):
    async with analytics(tmp_path, films=FILMS, contracts=Contracts(None, None, None)) as told:
        app = told.app
        await app.emit(PlaybackStarted(HOME.id, PEOPLE[0], DeviceId("tv")))
        html, page = await page_of(app)
        assert names(page) == ["plays"]
        assert "This server reads no chain: only how often films are watched here is counted." in html
        for of_the_chain in ("Revenue", "Counted from the chain", "holder"):
            assert of_the_chain not in html
        assert "Begun 1 time." in html
        for by, shown in ((Role.OWNER, 1), (Role.ADMIN, 1), (Role.PUBLISHER, 0), (Role.VIEWER, 0)):
            assert len(await app.nav_items(by=by)) == shown
            assert len(await app.fragments(Slot.FILM_DETAILS, MINE, by=by)) == shown
        assert (await app.get(by=Role.VIEWER)).status == 403


async def test_it_runs_as_the_server_installs_it(tmp_path):
    async with analytics(tmp_path) as told:
        assert (told.app.record.status, told.app.record.errors) == ("running", 0)
        assert await told.rows(tables.flow) == ()


async def test_playback_is_counted_by_film_and_day_only(store_app):
    ended = PlaybackEnded(MINE.id, PEOPLE[0], DeviceId("tv"), LeaseEnd.STOPPED, 0.95)
    await store_app.emit(PlaybackStarted(MINE.id, PEOPLE[0], DeviceId("tv")), ended)
    page = await store_app.get(f"film/{MINE.id}/chart/plays", by=Role.OWNER)
    chart = page.values["charts"][0]["chart"]
    assert chart.rows[-1].cells[:2] == (1, 1)
    assert (
        chart.sentence
        == "Begun 1 time. 100\xa0% were watched to the end, and 95\xa0% of the film on average."
    )
