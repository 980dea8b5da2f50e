from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wylloh_server.domain.transcript import subtitle_text

VTT = """WEBVTT - made by hand
Kind: captions

STYLE
::cue { color: white }

NOTE Said --- in the dark

intro
00:01.000 --> 00:03.000 line:80%
- Good <i>evening</i>.
- <v Rick>And &amp; you?</v>

00:04.000 --> 00:05.000
{\\an8}We begin.

00:05.000 --> 00:06.000
{\\an8}We begin.
"""
SRT = (
    "1\r\n00:00:01,000 --> 00:00:03,000\r\nGood evening.\r\n\r\n2\r\n00:00:04,000 --> 00:00:06,500\r\n12\r\n"
)


@pytest.mark.parametrize(
    ("subtitles", "words"),
    [
        (VTT, "- Good evening. - And & you?\nWe begin."),
        (SRT, "Good evening.\n12"),
        ("", ""),
        ("Just a text.\n\nWith nothing of a cue.", ""),
        ("00:01.000 --> 00:02.000", ""),
    ],
)
def test_the_words_are_taken_out_of_cues(subtitles, words):
    assert subtitle_text(subtitles) == words


@given(st.text(alphabet="<>{}-:&;a \n\r\t", max_size=300))
def test_nonsense_does_no_harm(text):
    assert "<a>" not in subtitle_text(f"00:01.000 --> 00:02.000\n<a>\n\n{text}")
