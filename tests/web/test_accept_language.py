from __future__ import annotations

import pytest

from wylloh_server.sdk.formatting import ENGLISH, format_number
from wylloh_server.web.accept_language import preferred_locale


@pytest.mark.parametrize(
    ("header", "locale"),
    [
        ("", ENGLISH),
        ("*", ENGLISH),
        ("xx-YY, tlh;q=0.9", ENGLISH),
        ("de-AT,de;q=0.9,en;q=0.8", "de-AT"),
        ("en;q=0.5, fr-CH;q=0.9", "fr-CH"),
        ("xx, de;q=0.2", "de"),
        ("de-ZZ", "de"),
        ("de;q=0, sv", "sv"),
        ("de;q=nonsense, sv;q=0.1", "sv"),
        ("zh-Hant-TW", "zh-Hant-TW"),
        ("../../etc/passwd", ENGLISH),
        (",".join(["xx"] * 50), ENGLISH),
    ],
)
def test_the_locale_a_browser_wants_most(header, locale):
    assert preferred_locale(header) == locale


def test_the_sdk_formats_by_it():
    assert format_number(5000, preferred_locale("de-DE, en;q=0.5")) == "5.000"
    assert format_number(5000, preferred_locale("")) == "5,000"
