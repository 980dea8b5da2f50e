"""Every chart shows what the reference model computes from the facts themselves, over each kind of time and films."""

from __future__ import annotations

from wylloh_server.sdk import format_count

import asyncio
from collections import Counter
from datetime import date, timedelta
from fractions import Fraction

import pytest
from plugins.analytics.tests.reference_model import DAY
from plugins.analytics.tests.scenarios import DOLLAR, EURO, PUBLISHERS, film_token, story_films
from plugins.analytics.tests.assertions import analytics, long_story
from plugins.analytics.tests.test_projection import tell

from wylloh_analytics.charts.holding import _concentration_sentence
from wylloh_analytics.time_buckets import day_of, number_of

from wylloh_server.domain.access import Role
from wylloh_server.domain.chain_events import Coin

EPOCH = date(1970, 1, 1)
COINS = (DOLLAR, Coin(EURO, "dEUR", 18, permits=False))
LOOKS = [
    ("", Role.OWNER, None),
    ("", Role.PUBLISHER, PUBLISHERS[0]),
    (f"film/{story_films()[1].id}/", Role.VIEWER, film_token(1)),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A database with a long history, counted."""
    place = tmp_path_factory.mktemp("history")

    async def told():
        async with analytics(place, films=story_films()) as story:
            await tell(story, long_story(11, 120), stretch=200)

    asyncio.run(told())
    return place


@pytest.fixture
async def story(folder):
    async with analytics(folder, films=story_films()) as told:
        for coin in COINS:
            told.app.chain.coin(coin)
        told.truth = await told.reference()
        yield told


def times(truth):
    """Periods of each kind that have something in them: `(query, first day, last day)`."""
    days = sorted({day_of(fact.mark.at) for fact in truth.facts})
    busy = Counter(day_of(fact.mark.at) for fact in truth.facts).most_common(1)[0][0]
    middle = days[len(days) // 2]
    for name, length, last in (
        ("day", 1, busy), ("week", 7, busy), ("month", 30, middle), ("quarter", 91, middle), ("year", 364, middle),
    ):  # fmt: skip
        yield {"period": name, "to": iso(last)}, last - length + 1, last
    yield {"period": "custom", "from": iso(days[0]), "to": iso(days[-1])}, days[0], days[-1]
    yield {"period": "quarter"}, day_of(truth.facts[-1].mark.at) - 90, day_of(truth.facts[-1].mark.at)


def iso(day):
    return (EPOCH + timedelta(days=day)).isoformat()


def starts_of(chart, first, last):
    """(first hour or day, last one, seconds of one) for each row, read from the rows' own keys."""
    keys = [row.key for row in chart.rows]
    if "T" in keys[0]:
        return [(first * 24 + hour, first * 24 + hour, 3600) for hour in range(24)]
    begins = [number_of(date.fromisoformat(key)) for key in keys]
    ends = [*(begin - 1 for begin in begins[1:]), last]
    return [(begin, end, DAY) for begin, end in zip(begins, ends, strict=True)]


async def seen(story, name):
    """The chart for every look and every time: `(chart, scope, first day, last day)`."""
    for path, role, scope in LOOKS:
        for query, first, last in times(story.truth):
            page = await story.app.get(f"{path}chart/{name}", query=query, by=role)
            chart = page.values["charts"][0]["chart"]
            if "to" not in query:
                await story.app.render(page, by=role)
            yield chart, scope, first, last


def parted(chart, label):
    (index,) = [number for number, column in enumerate(chart.columns) if column.label == label]
    return [row.cells[index] for row in chart.rows]


def summed(counts, name, start, end):
    return sum(row[name] for moment, row in counts.items() if start <= moment <= end)


async def test_revenue(story):
    async for chart, scope, first, last in seen(story, "revenue"):
        if chart.empty:
            continue
        coin = next(coin for coin in COINS if coin.symbol == chart.columns[0].unit)
        for label, kinds in (
            ("Revenue", ("presale", "release", "royalty")), ("First sales", ("presale", "release")),
            ("Resales", ("resale",)), ("Royalties", ("royalty",)), ("Store's part of first sales", ("fee",)),
        ):  # fmt: skip
            expected = [
                paid(story.truth, scope, seconds, kinds, coin, start, end)
                for start, end, seconds in starts_of(chart, first, last)
            ]
            assert parted(chart, label) == expected, (label, scope, first, last)
        length = last - first + 1
        before = [
            paid(
                story.truth, scope, seconds, ("presale", "release", "royalty"), coin, start - back, end - back
            )
            for start, end, seconds in starts_of(chart, first, last)
            for back in [length * (24 if seconds == 3600 else 1)]
        ]
        assert parted(chart, "Revenue before") == before


def paid(truth, scope, seconds, kinds, coin, start, end):
    return sum(
        amount
        for (moment, kind, address), amount in truth.money(scope, seconds).items()
        if kind in kinds and address == coin.address and start <= moment <= end
    )


async def test_several_coins_are_chosen_from_and_never_added_up(story):
    page = await story.app.get(
        "chart/revenue", query={"period": "custom", "from": "2025-10-01"}, by=Role.OWNER
    )
    view = page.values["scope"].view
    assert {coin.symbol for coin in view.coins} == {"dUSD", "dEUR"}
    sums = []
    for coin in COINS:
        query = {"period": "custom", "from": "2025-10-01", "coin": coin.address}
        page = await story.app.get("chart/revenue", query=query, by=Role.OWNER)
        chart = page.values["charts"][0]["chart"]
        assert {column.unit for column in chart.columns} == {coin.symbol}
        sums.append(sum(parted(chart, "First sales")))
    truth = story.truth.money(None, DAY)
    assert sums == [
        sum(amount for (_, kind, address), amount in truth.items() if kind in {"presale", "release"} and address == coin.address)
        for coin in COINS
    ]  # fmt: skip
    assert "Sums of different coins are never added together." in await story.app.render(page, by=Role.OWNER)


async def test_a_part_of_revenue_can_be_looked_at_alone(story):
    query = {"period": "custom", "from": "2025-10-01", "part": "resale"}
    page = await story.app.get("chart/revenue", query=query, by=Role.OWNER)
    chart = page.values["charts"][0]["chart"]
    assert [column.label for column in chart.columns if column.part == "main"] == ["Resales"]
    assert [choice.label for choice in chart.choices if choice.current] == ["Resales"]
    assert chart.title.startswith("Resales per ")


async def test_presale_and_release(story):
    async for chart, scope, first, last in seen(story, "presale"):
        if chart.empty:
            continue
        coin = next(coin for coin in COINS if coin.symbol == chart.columns[0].unit)
        points = starts_of(chart, first, last)
        for label, kind in (("Release", "release"), ("Presale", "presale")):
            expected = [
                paid(story.truth, scope, seconds, (kind,), coin, start, end) for start, end, seconds in points
            ]
            assert parted(chart, label) == expected
        for label, name in (("Tokens in release", "sold"), ("Tokens in presale", "presold")):
            assert parted(chart, label) == flows(story, scope, points, name)
        for label, kind in (("Release before", "release"), ("Presale before", "presale")):
            expected = [
                paid(story.truth, scope, seconds, (kind,), coin, start, end)
                for start, end, seconds in moved_back(points, first, last)
            ]
            assert parted(chart, label) == expected


def moved_back(points, first, last):
    """The same points of the period before."""
    days = last - first + 1
    return [
        (start - back, end - back, seconds)
        for start, end, seconds in points
        for back in [days * (24 if seconds == 3600 else 1)]
    ]


def flows(story, scope, points, name):
    counts = {seconds: story.truth.flow(scope, seconds) for seconds in {seconds for *_, seconds in points}}
    return [summed(counts[seconds], name, start, end) for start, end, seconds in points]


async def test_holders(story):
    async for chart, scope, first, last in seen(story, "holders"):
        if chart.empty:
            continue
        points = starts_of(chart, first, last)
        for label, name in (("Came", "came"), ("Left", "left")):
            assert parted(chart, label) == flows(story, scope, points, name)
        assert parted(chart, "Holders") == [
            len(held_at(story, scope, end, seconds)) for _, end, seconds in points
        ]
        back = last - first + 1
        assert parted(chart, "Holders before") == [
            len(held_at(story, scope, end - back * (24 if seconds == 3600 else 1), seconds))
            for _, end, seconds in points
        ]


def held_at(story, scope, end, seconds):
    """Wallet → tokens when an hour or day ended."""
    last = {}
    for at, held in story.truth.moments:
        if at // seconds <= end:
            last = held
    return {wallet: tokens for wallet, tokens in story.truth._in_scope(last, scope).items() if tokens}


async def test_concentration(story):
    async for chart, scope, first, last in seen(story, "concentration"):
        held = sorted(story.truth.held_at_end_of(last, scope).values())
        if chart.empty:
            assert not held
            continue
        assert parted(chart, "Of all tokens") == curve(held)
        before = sorted(story.truth.held_at_end_of(first - 1, scope).values())
        assert parted(chart, "At the beginning") == (curve(before) if before else [None] * 21)
        assert chart.sentence == f"{format_count(len(held), 'wallet holds', 'wallets hold')} all tokens."


def test_what_the_ten_largest_have_is_said_where_there_are_more():
    assert _concentration_sentence(11, Fraction(1, 3), None) == (
        "The ten largest of 11 holders have 33.3\xa0% of the tokens."
    )
    assert _concentration_sentence(2_000, Fraction(1, 2), Fraction(2, 3)) == (
        "The ten largest of 2,000 holders have 50\xa0% of the tokens, 66.7\xa0% at the beginning."
    )


def curve(ordered):
    found = []
    for point in range(21):
        wallets = Fraction(len(ordered) * point, 20)
        whole = int(wallets)
        part = sum(ordered[:whole]) + (wallets - whole) * (ordered[whole] if whole < len(ordered) else 0)
        found.append(part / sum(ordered))
    return found


BELOW = (1, 7, 30, 91, 182, 365, 730, 10**9)


async def test_holding_periods(story):
    async for chart, scope, first, last in seen(story, "holding-periods"):
        spans = story.truth.spans(scope)
        if chart.empty:
            continue
        for label, ages in (
            ("Tokens held", ages_at(spans, last)),
            ("Tokens held at the beginning", ages_at(spans, first - 1)),
            ("Passed on in this time", {(left - came): 0 for came, left in spans if left} | given(spans, first, last)),
        ):  # fmt: skip
            lowest, expected = 0, []
            for below in BELOW:
                expected.append(sum(tokens for days, tokens in ages.items() if lowest <= days < below))
                lowest = below
            assert parted(chart, label) == expected, (label, scope)


def ages_at(spans, day):
    found = Counter()
    for (came, left), tokens in spans.items():
        if came <= day and (left is None or left > day):
            found[day - came] += tokens
    return found


def given(spans, first, last):
    found = Counter()
    for (came, left), tokens in spans.items():
        if left is not None and first <= left <= last:
            found[left - came] += tokens
    return found


async def test_velocity(story):
    async for chart, scope, first, last in seen(story, "velocity"):
        if chart.empty:
            continue
        points = starts_of(chart, first, last)
        moved = flows(story, scope, points, "moved")
        held = [sum(held_at(story, scope, end, seconds).values()) for _, end, seconds in points]
        assert parted(chart, "Tokens that changed hands") == moved
        assert parted(chart, "Tokens held") == held
        ratios = [Fraction(some, all_) if all_ else None for some, all_ in zip(moved, held, strict=True)]
        assert parted(chart, "Velocity") == ratios


async def test_new_and_returning_wallets(story):
    async for chart, scope, first, last in seen(story, "newcomers"):
        points = starts_of(chart, first, last)
        assert parted(chart, "New") == flows(story, scope, points, "fresh")
        assert parted(chart, "Returning") == flows(story, scope, points, "again")
        if not chart.empty:
            earlier = moved_back(points, first, last)
            assert parted(chart, "New before") == flows(story, scope, earlier, "fresh")
            assert parted(chart, "Returning before") == flows(story, scope, earlier, "again")


async def test_small_holders_and_exhibitors(story):
    async for chart, scope, first, last in seen(story, "exhibitors"):
        if chart.empty:
            continue
        for label, tokens_are, day in (
            ("Holders", "Tokens they hold", last),
            ("Holders at the beginning", "Tokens they held then", first - 1),
        ):
            expected, held_by = Counter(), Counter()
            for token, ladder, held in film_holdings(story, scope, day):
                for tokens in held:
                    reached = [tier.right for tier in ladder.tiers if tier.threshold <= tokens]
                    expected[reached[-1] if reached else "none"] += 1
                    held_by[reached[-1] if reached else "none"] += tokens
            assert by_key(chart, label) == expected, (label, scope)
            assert by_key(chart, tokens_are) == held_by, (label, scope)


def by_key(chart, label):
    counts = zip(chart.rows, parted(chart, label), strict=True)
    return {row.key: count for row, count in counts if count}


async def test_geography_knows_only_places_that_rights_name(story):
    async for chart, scope, first, last in seen(story, "geography"):
        expected = Counter()
        for _, ladder, held in film_holdings(story, scope, last):
            for tokens in held:
                reached = [tier for tier in ladder.tiers if tier.threshold <= tokens]
                expected.update({code for tier in reached for code in tier.territories})
        found = (
            {}
            if chart.empty
            else dict(zip([row.key for row in chart.rows], parted(chart, "Holders"), strict=True))
        )
        assert {place: count for place, count in found.items() if count} == expected


def film_holdings(story, scope, day):
    for token in story.truth.publisher:
        ladder = story.truth.ladder(token, day)
        if story.truth.within(token, scope) and ladder:
            yield token, ladder, story.truth.held_at_end_of(day, token).values()


async def test_the_figures_above_the_charts(story):
    for path, role, scope in LOOKS:
        for query, first, last in times(story.truth):
            page = await story.app.get(path.rstrip("/"), query=query, by=role)
            figures = {figure.label: figure for figure in page.values["figures"]}
            held = story.truth.held_at_end_of(last, scope)
            assert figures["Holders"].value == f"{len(held):,}"
            assert len(held) <= 10
            share = "100\xa0%" if held else "\N{EN DASH}"
            assert figures["Held by the top ten"].value == share
