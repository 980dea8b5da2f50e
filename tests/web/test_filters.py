from __future__ import annotations

import pytest

from wylloh_server.web.filters import ago, count, date, language, languages, runtime


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (45.9, "45 s"),
        (59.99, "59 s"),
        (60, "1 min"),
        (90, "1 min 30 s"),
        (120.6, "2 min"),
        (299.9, "4 min 59 s"),
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


def test_count_and_date():
    assert count(5000) == "5,000"
    assert date(1_795_132_800) == "20 November 2026"


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
    assert ago(now - passed, now) == text
