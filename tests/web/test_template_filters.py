from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from markupsafe import Markup

from wylloh_server.web.template_filters import (
    ago,
    cents,
    count,
    date,
    language,
    languages,
    moment,
    runtime,
    second,
    times,
    until,
)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (45.9, "46 s"),
        (59.99, "1 min"),
        (60, "1 min"),
        (90, "1 min 30 s"),
        (120.6, "2 min 1 s"),
        (299.9, "5 min"),
        (300, "5 min"),
        (720, "12 min"),
        (3599, "1 h 00 min"),
        (3840, "1 h 04 min"),
        (36_000, "10 h 00 min"),
        (-5, "0 s"),
    ],
)
def test_runtime(seconds, text):
    assert runtime(seconds) == text


@pytest.mark.parametrize(
    ("tag", "name"),
    [
        ("de", "Deutsch"),
        ("DE", "Deutsch"),
        ("pt-BR", "Português (BR)"),
        ("ger", "Deutsch"),
        ("eng", "English"),
        ("und", "Unknown language"),
        ("", "Unknown language"),
        ("tlh", "tlh"),
    ],
)
def test_language(tag, name):
    assert language(tag) == name


def test_languages_nobody_named_are_left_out_of_a_row():
    assert languages(("en", "und", "de-AT")) == "English, Deutsch (AT)"
    assert languages(("und", "")) == ""


def test_count():
    assert count(5000) == "5,000"


MIDNIGHT = (
    '<time datetime="2026-11-20T00:00:00Z" title="20 November 2026, 00:00 UTC" data-show="{}">{}</time>'
)


def test_a_time_says_utc_for_programs_and_for_who_points_at_it():
    at = 1_795_132_800
    assert moment(at) == MIDNIGHT.format("minute", "20 November 2026, 00:00 UTC")
    assert second(at + 7) == (
        '<time datetime="2026-11-20T00:00:07Z" title="20 November 2026, 00:00:07 UTC" data-show="second">'
        "20 November 2026, 00:00:07 UTC</time>"
    )
    assert date(at) == MIDNIGHT.format("day", "20 November 2026")
    assert ago(at, at + 600) == MIDNIGHT.format("distance", "10 min ago")
    assert until(at, at - 600) == MIDNIGHT.format("distance", "in 10 min")
    assert until(at, at - 600_000) == "on " + MIDNIGHT.format("day", "20 November 2026")
    assert until(at, at + 1) == MIDNIGHT.format("distance", "any moment")


def test_times_of_a_sentence_are_shown_as_times_and_the_rest_is_escaped():
    sentence = "<b> from 20 November 2026, 00:00 UTC & on"
    shown = MIDNIGHT.format("minute", "20 November 2026, 00:00 UTC")
    assert times(sentence) == f"&lt;b&gt; from {shown} &amp; on"
    assert times(Markup("<b>20 November 2026, 00:00 UTC</b>")) == f"<b>{shown}</b>"
    assert times("20 November 2026, 00:00 UTC", "day") == MIDNIGHT.format("day", "20 November 2026")
    assert times("It is <UTC>") == "It is &lt;UTC&gt;"


@pytest.mark.parametrize(
    ("passed", "text"),
    [
        (-3, "just now"),
        (300, "just now"),
        (301, "5 min ago"),
        (3599, "59 min ago"),
        (7_300, "2 h ago"),
        (86_399, "23 h ago"),
        (86_400, "19 November 2026"),
    ],
)
def test_how_long_ago(passed, text):
    now = 1_795_132_800
    assert ago(now - passed, now).striptags() == text


def test_no_template_writes_a_time_but_by_these_filters():
    root = Path(__file__).parents[2]
    templates = [*root.glob("themes/*/templates/*.html"), *root.glob("plugins/*/wylloh_*/templates/*.html")]
    templates += root.glob("demo/plugins/*/*/templates/*.html")
    assert len(templates) > 60
    own_ways = re.compile(r"strftime|isoformat|<time datetime|\.when }}|\.at }}|type=\"datetime-local\" name")
    found = {path.name: own_ways.findall(path.read_text()) for path in templates}
    assert {name: ways for name, ways in found.items() if ways} == {}


@pytest.mark.parametrize(
    ("text", "shown", "exact"),
    [
        ("6,091.9095 dUSD", "6,091.91 dUSD", ["6,091.9095"]),
        ("0.005001 for 3.40275", "0.01 for 3.40", ["0.005001", "3.40275"]),
        ("4.99 dUSD and 5,000 tokens", "4.99 dUSD and 5,000 tokens", []),
        ("0.0004 ETH", "0.0004 ETH", []),
        ("<b>1.2345</b>", "&lt;b&gt;1.23&lt;/b&gt;", ["1.2345"]),
        ("999,999.999", "1,000,000.00", ["999,999.999"]),
    ],
)
def test_amounts_are_rounded_and_keep_their_exact_figure(text, shown, exact):
    written = str(cents(text))
    assert re.sub(r"</?abbr[^>]*>", "", written) == shown
    assert re.findall(r'title="([^"]*)"', written) == exact


@pytest.mark.parametrize(
    ("text", "up", "down"),
    [
        ("3.40275 dUSD", "3.41", "3.40"),
        ("6,091.9001 dUSD", "6,091.91", "6,091.90"),
        ("0.0004 ETH", "0.0004", "0.0004"),
        ("4.99 dUSD", "4.99", "4.99"),
        ("1.230000 dUSD", "1.23", "1.23"),
        ("0.009 dUSD", "0.01", "0.009"),
    ],
)
def test_a_price_never_looks_smaller_and_income_never_larger(text, up, down):
    assert cents(text, "up").striptags().split()[0] == up
    assert cents(text, "down").striptags().split()[0] == down


def test_bundled_pages_say_in_which_direction_amounts_are_rounded():
    files = [*Path("plugins").glob("*/*/templates/*.html"), *Path("themes").rglob("*.html")]
    undirected = re.compile(r"\|\s*cents(?!\(\s*\"(?:up|down|nearest))")
    assert len(files) > 80
    assert [str(file) for file in files if undirected.search(file.read_text())] == []


def test_a_rounded_amount_is_reached_by_keyboard_unless_a_link_around_it_is():
    assert cents("1.2345") == '<abbr class="exact" title="1.2345" tabindex="0">1.23</abbr>'
    assert cents("1.2345", in_link=True) == '<abbr class="exact" title="1.2345">1.23</abbr>'
    assert (
        cents(Markup("<b>1.2345</b>"), in_link=True)
        == '<b><abbr class="exact" title="1.2345">1.23</abbr></b>'
    )


@given(st.decimals(min_value=0, max_value=10**12, places=6))
def test_a_rounded_amount_is_less_than_a_cent_away(exact):
    up, down = (Decimal(cents(f"{exact:,.6f}", way).striptags().replace(",", "")) for way in ("up", "down"))
    assert down <= exact <= up and up - down <= Decimal("0.01")
