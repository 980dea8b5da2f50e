"""Numbers, money, dates, plurals and lists, in English and in other languages."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wylloh_server.domain.chain_events import Coin
from wylloh_server.sdk import (
    Wallet,
    english_name,
    format_count,
    format_day,
    format_iso,
    format_list,
    format_minute,
    format_money,
    format_number,
)
from wylloh_server.sdk.formatting import language_name, plural

MOMENT = 1796320800.0
DOLLAR = Coin(Wallet("0x" + "d0" * 20), "dUSD", 6, permits=True)


@given(st.integers(min_value=-(2**256), max_value=2**256))
def test_a_number_of_any_size_is_exact(number):
    assert format_number(number) == f"{number:,}"
    assert format_number(number, "de") == f"{number:,}".replace(",", ".")


@given(st.integers(min_value=-(2**256), max_value=2**256), st.integers(min_value=0, max_value=18))
def test_money_is_exact_and_as_the_server_writes_it(amount, decimals):
    coin = Coin(DOLLAR.address, "dUSD", decimals, permits=True)
    assert format_money(amount, coin) == coin.written(amount)


def test_money_without_its_symbol_and_in_another_language():
    assert format_money(4_990_000, DOLLAR, symbol=False) == "4.99"
    assert format_money(1_234_500_000, DOLLAR, locale="de") == "1.234,50 dUSD"


def test_moments():
    assert format_day(MOMENT) == "3 December 2026"
    assert format_day(MOMENT, "de") == "3. Dezember 2026"
    assert format_minute(MOMENT) == "3 December 2026, 18:00 UTC"
    assert format_minute(MOMENT, zone=False) == "3 December 2026, 18:00"
    assert format_iso(MOMENT) == "2026-12-03T18:00:00Z"


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 tokens"), (1, "1 token"), (2, "2 tokens"), (5000, "5,000 tokens")]
)
def test_counts(count, text):
    assert format_count(count, "token") == text


def test_plurals_follow_the_language():
    assert plural(2, "territory", "territories") == "territories"
    assert (plural(0, "film", "films", "fr"), plural(0, "film", "films", "en")) == ("film", "films")


def test_lists():
    assert [format_list(things) for things in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == [
        "",
        "a",
        "a and b",
        "a, b and c",
    ]
    assert format_list(["a", "b", "c"], "de") == "a, b und c"


def test_an_unknown_language_is_english():
    assert format_number(5000, "xx-nonsense") == "5,000"
    assert format_number(5000, "") == "5,000"


@pytest.mark.parametrize(
    ("tag", "own", "english"),
    [
        ("de-AT", "Deutsch (AT)", "German"),
        ("ger", "Deutsch", "German"),
        ("und", "", ""),
        ("fil", "Filipino", "Filipino"),
    ],
)
def test_language_names(tag, own, english):
    assert (language_name(tag), english_name(tag)) == (own, english)
