from __future__ import annotations

import pytest

from wylloh_server.domain.languages import UNKNOWN, sort_subtitles_by_audio, language_name, language_tag


@pytest.mark.parametrize(
    ("text", "tag", "name"),
    [
        ("ger", "de", "Deutsch"),
        ("deu", "de", "Deutsch"),
        ("ENG", "en", "English"),
        ("pt-BR", "pt-BR", "Português (BR)"),
        ("yue", "yue", "粵語"),
        ("und", UNKNOWN, ""),
        ("", UNKNOWN, ""),
        ('en",URI="http://elsewhere', UNKNOWN, ""),
        ("e", UNKNOWN, ""),
    ],
)
def test_what_a_file_says_becomes_a_tag_and_a_name(text, tag, name):
    assert language_tag(text) == tag
    assert language_name(tag) == name


def test_subtitles_stand_in_the_order_of_the_sound():
    written = ("de", "en", "fr", "pt-BR", "und")
    assert sort_subtitles_by_audio(written, ("en", "pt", "de"), str) == ("en", "pt-BR", "de", "fr", "und")
    assert sort_subtitles_by_audio(written, ("und",), str) == written
