"""Subtitles of other formats as WebVTT, and those in old character sets."""

from __future__ import annotations

import pytest

from wylloh_server.domain.errors import InvalidValue
from wylloh_server.domain.transcript import subtitle_text
from wylloh_server.domain.webvtt import decoded_subtitles, webvtt_from

SRT = """1
00:00:00,500 --> 00:00:03,000
<i>Grüße</i> aus <font color="#ff0000">Köln</font>

2
00:00:03,500 --> 00:00:05,500
{\\an8}oben & <b>fett</b> 5 < 6 --> 7
"""
ASS = """[Script Info]
ScriptType: v4.00+
[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, Italic, Underline, \
StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, MarginL, MarginR, MarginV, Encoding
Style: Default,Arial,24,&H00FFFFFF,&H000000FF,&H00000000,&H00000000,0,0,0,0,100,100,0,0,1,2,0,2,10,10,10,1
Style: Note,Arial,24,&H00FFFFFF,&H000000FF,&H00000000,&H00000000,0,0,0,0,100,100,0,0,1,2,0,9,10,10,10,1
[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
Dialogue: 0,0:00:03.50,0:00:05.50,Default,,0,0,0,,{\\k20}ka{\\k20}ra{\\k20}oke
Dialogue: 0,0:00:00.50,0:00:03.00,Default,,0,0,0,,{\\pos(100,50)\\bord2}A {\\i1}sign{\\i0}\\Nin two lines
Dialogue: 0,0:00:00.50,0:00:03.00,Default,,0,0,0,,{\\pos(100,50)\\bord2}A {\\i1}sign{\\i0}\\Nin two lines
Dialogue: 0,0:00:01.00,0:00:03.00,Default,,0,0,0,,{\\p1}m 0 0 l 100 0 100 100 0 100{\\p0}
Dialogue: 0,0:00:02.00,0:00:03.00,Note,,0,0,0,,{\\p2}m 0 0{\\p0}a note
Comment: 0,0:00:02.00,0:00:03.00,Default,,0,0,0,,not shown
"""


def test_subrip_keeps_what_looks_like_a_tag_and_what_stands_at_the_top():
    assert webvtt_from(SRT) == (
        "WEBVTT\n\n"
        "00:00:00.500 --> 00:00:03.000\n<i>Grüße</i> aus Köln\n\n"
        "00:00:03.500 --> 00:00:05.500 line:5%\noben &amp; <b>fett</b> 5 &lt; 6 --&gt; 7\n"
    )


def test_substation_alpha_comes_without_drawings_and_comments():
    """In order, and what is drawn several times over each other once."""
    assert webvtt_from(ASS) == (
        "WEBVTT\n\n"
        "00:00:00.500 --> 00:00:03.000\nA <i>sign</i>\nin two lines\n\n"
        "00:00:02.000 --> 00:00:03.000 line:5% align:end\na note\n\n"
        "00:00:03.500 --> 00:00:05.500\nkaraoke\n"
    )
    assert subtitle_text(ASS) == "A sign in two lines\na note\nkaraoke"


def test_webvtt_stays_as_it_is():
    text = "WEBVTT\n\nNOTE x\n\n00:01.000 --> 00:02.000 line:0\n<v Ann>5 &lt; 6\n"
    assert webvtt_from("\ufeff" + text) == text


@pytest.mark.parametrize("text", ["A diary and no subtitles.", "[Events]\nno events"])
def test_what_is_in_no_format_is_refused(text):
    with pytest.raises(InvalidValue, match="neither WebVTT, SubRip nor SubStation Alpha") as caught:
        webvtt_from(text)
    assert caught.value.fix


def test_an_empty_file_has_no_cues():
    assert webvtt_from("") == "WEBVTT\n"


RUSSIAN = "1\n00:00:01,000 --> 00:00:02,000\nДобрый вечер, дорогие друзья. Как вы поживаете сегодня?\n" * 5
GREEK = "1\n00:00:01,000 --> 00:00:02,000\nΚαλησπέρα σας, αγαπητοί φίλοι. Τι κάνετε σήμερα;\n" * 5
JAPANESE = "1\n00:00:01,000 --> 00:00:02,000\nこんばんは、皆さん。今日はお元気ですか。\n" * 5


@pytest.mark.parametrize(
    ("text", "encoding", "language"),
    [
        ("Grüße – „Köln“", "cp1252", "de"),
        ("Grüße", "utf-16", "de"),
        ("Grüße", "utf-8-sig", ""),
        ("Grüße", "utf-8", "ru"),
        ("Déjà vu, c’est ça", "cp1252", "fr"),
        ("Добрый вечер", "cp1251", "ru"),
        ("Zażółć gęślą jaźń", "cp1250", "pl"),
        ("İyi akşamlar", "cp1254", "tr-TR"),
        ("こんばんは", "cp932", "ja"),
        ("晚上好", "gb18030", "zh"),
        (RUSSIAN, "cp1251", ""),
        (GREEK, "cp1253", "und"),
        (JAPANESE, "cp932", ""),
        ("Dann gehen wir über die Straße zurück in die schöne Höhle.\n" * 8, "cp1252", ""),
    ],
)
def test_usual_character_sets_are_read(text, encoding, language):
    """By the file's own mark, its language, or its letters."""
    assert decoded_subtitles(text.encode(encoding), language) == text
