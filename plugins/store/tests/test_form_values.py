from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wylloh_server.sdk import Coin, InvalidValue, Wallet, format_exact, format_percent
from wylloh_store.form_values import (
    LARGEST,
    amount_of,
    moment_of,
    quantity_of,
    typed_moment,
)

USDC = Coin(Wallet("0x" + "d0" * 20), "USDC", 6, permits=True)
WHOLE = Coin(Wallet("0x" + "d1" * 20), "PTS", 0, permits=False)


@pytest.mark.parametrize(("text", "number"), [("1", 1), (" 12 ", 12), ("007", 7), (str(LARGEST), LARGEST)])
def test_a_quantity_is_read(text, number):
    assert quantity_of(text) == number


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "The number of tokens is missing."),
        ("   ", "The number of tokens is missing."),
        ("0", "The number of tokens must be more than 0."),
        ("-1", "A number of tokens cannot be negative."),
        ("\u2212 1", "A number of tokens cannot be negative."),
        ("1.5", "“1.5” is not a number of tokens: tokens cannot be divided."),
        ("1e3", "“1e3” is not a number of tokens: tokens cannot be divided."),
        ("twelve", "“twelve” is not a number of tokens: tokens cannot be divided."),
        ("\u0663", "“\u0663” is not a number of tokens: tokens cannot be divided."),
        ("0x10", "“0x10” is not a number of tokens: tokens cannot be divided."),
        (str(LARGEST + 1), "That number of tokens is larger than any contract can take."),
        ("9" * 5000, "That number of tokens is larger than any contract can take."),
        ("x\x00" * 40, "“" + "x " * 19 + "x…” is not a number of tokens: tokens cannot be divided."),
    ],
)
def test_what_is_no_quantity_gets_a_sentence_and_a_fix(text, sentence):
    with pytest.raises(InvalidValue) as refused:
        quantity_of(text)
    assert (str(refused.value), refused.value.fix) == (sentence, "Write a whole number such as 12.")


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("4.99", 4_990_000),
        ("5", 5_000_000),
        (".5", 500_000),
        ("0.000001", 1),
        ("1.0000000000", 1_000_000),
        (" 4.99 USDC ", 4_990_000),
    ],
)
def test_an_amount_is_read_to_the_last_unit(text, amount):
    assert amount_of(text, USDC) == amount


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "The price is missing."),
        ("0", "The price must be more than 0."),
        ("0.00", "The price must be more than 0."),
        ("-1", "A price cannot be negative."),
        ("4,99", "“4,99” is not a price. A point parts the decimals."),
        ("1,000.00", "“1,000.00” is not a price. A point parts the decimals."),
        ("a lot", "“a lot” is not a price."),
        ("1e6", "“1e6” is not a price."),
        ("NaN", "“NaN” is not a price."),
        (".", "“.” is not a price."),
        ("4.9999999", "USDC has 6 decimals, “4.9999999” has more."),
        (str(2**256), "That price is larger than any contract can take."),
    ],
)
def test_what_is_no_amount_gets_a_sentence_and_a_fix(text, sentence):
    with pytest.raises(InvalidValue) as refused:
        amount_of(text, USDC)
    assert (str(refused.value), refused.value.fix) == (sentence, "Write an amount of USDC such as 4.99.")


def test_a_coin_without_decimals_takes_whole_numbers_only():
    assert amount_of("7", WHOLE) == 7
    with pytest.raises(InvalidValue, match="PTS has no decimals, “7.5” has more.") as refused:
        amount_of("7.5", WHOLE)
    assert refused.value.fix == "Write an amount of PTS such as 5."


@given(st.integers(1, LARGEST), st.integers(0, 30))
def test_an_amount_survives_being_written_and_read(amount, decimals):
    coin = Coin(USDC.address, "C", decimals, permits=False)
    text = format_exact(amount, coin)
    if len(text) <= 100:
        assert amount_of(text, coin) == amount
        assert Fraction(text) * 10**decimals == amount


@given(st.text(max_size=60))
def test_no_text_is_taken_for_something_it_is_not(text):
    try:
        amount = amount_of(text, USDC)
    except InvalidValue as refused:
        assert refused.fix
        return
    assert Fraction(text.strip().removesuffix("USDC").strip()) * 10**6 == amount > 0


@pytest.mark.parametrize(
    ("basis_points", "text"),
    [
        (0, "0\xa0%"),
        (1, "0.01\xa0%"),
        (25, "0.25\xa0%"),
        (250, "2.5\xa0%"),
        (500, "5\xa0%"),
        (10_000, "100\xa0%"),
    ],
)
def test_basis_points_are_written_as_percent(basis_points, text):
    assert format_percent(basis_points) == text


def test_a_moment_survives_the_way_through_a_field():
    moment = moment_of("2026-12-03T18:00", "date")
    assert typed_moment(moment) == "2026-12-03T18:00"
    assert moment == 1_796_320_800


@pytest.mark.parametrize(
    "text", ["", "tomorrow", "2026-13-01T00:00", "2026-12-03", "2026-12-03T25:00", "1" * 99]
)
def test_what_is_no_moment_gets_a_sentence(text):
    with pytest.raises(InvalidValue, match="is not a date") as refused:
        moment_of(text, "date")
    assert refused.value.fix == "Write it like 2026-12-03T18:00Z, in UTC."
