"""Numbers as they are written, and tables as files."""

from __future__ import annotations

from wylloh_server.sdk import format_count

import csv
import io
import zipfile
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wylloh_analytics.export import as_csv, as_zip
from wylloh_analytics.chart import Chart, Column, Part, ChartRow, Shape
from wylloh_analytics.number_format import grouped, in_coins, in_percent, percent, rounded, short, whole
from wylloh_server.domain.chain_events import Coin
from wylloh_server.domain.types import Wallet


@given(st.integers(-(2**256), 2**256), st.integers(0, 30))
def test_coins_are_written_exactly_and_as_the_server_writes_them(amount, decimals):
    plain = in_coins(decimals)(amount)
    assert Fraction(plain) == Fraction(amount, 10**decimals)
    coin = Coin(Wallet("0x" + "d0" * 20), "X", decimals, permits=False)
    assert grouped(plain).replace("\N{MINUS SIGN}", "-") + " X" == coin.written(amount)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("0", "0"), ("1234567.50", "1,234,567.50"), ("-1234", "\N{MINUS SIGN}1,234"), ("0.004", "0.004")],
)
def test_commas(text, expected):
    assert grouped(text) == expected


def test_rounding_takes_halves_to_the_even_neighbour():
    assert [rounded(0)(Fraction(half, 2)) for half in (1, 3, 5)] == ["0", "2", "2"]
    assert (percent(Fraction(1, 3)), rounded(2)(Fraction(2, 3)), whole(7)) == ("33.3", "0.67", "7")
    assert rounded(1)(10**40) == f"1{'0' * 40}.0"


def test_sentences():
    assert (format_count(1, "wallet"), format_count(2911, "wallet"), format_count(2, "has", "have")) == (
        "1 wallet",
        "2,911 wallets",
        "2 have",
    )
    assert (short(None), short(Fraction(1, 8), 1, 100)) == ("\N{EN DASH}", "12.5")
    parts = (None, Fraction(1), Fraction(1, 3), Fraction(1, 10), Fraction(0), Fraction(12))
    assert [in_percent(part) for part in parts] == [
        "\N{EN DASH}", "100\xa0%", "33.3\xa0%", "10\xa0%", "0\xa0%", "1,200\xa0%",
    ]  # fmt: skip


CHART = Chart(
    name="revenue",
    title="Revenue",
    note="",
    sentence="",
    shape=Shape.LINE,
    rows_are="Day (UTC)",
    columns=(Column("Paid", Part.MAIN, in_coins(6), "=cmd|' /C calc'!A0"), Column("Count")),
    rows=(ChartRow("1 Nov", "2026-11-01", (1_234_500_001, 3)), ChartRow("2 Nov", "@evil", (None, 0))),
)


def read(body):
    return list(csv.reader(io.StringIO(body.decode("utf-8-sig"))))


def test_a_table_as_csv_has_plain_numbers_and_no_formulas():
    assert read(as_csv(CHART)) == [
        ["Day (UTC)", "Paid (=cmd|' /C calc'!A0)", "Count"],
        ["2026-11-01", "1234.500001", "3"],
        ["'@evil", "", "0"],
    ]


def test_all_tables_in_one_archive_but_for_empty_ones():
    with zipfile.ZipFile(
        io.BytesIO(as_zip([CHART, Chart("holders", "Holders", "Day", CHART.columns).without_rows("Nobody.")]))
    ) as archive:
        assert archive.namelist() == ["revenue.csv"]
        assert read(archive.read("revenue.csv")) == read(as_csv(CHART))
