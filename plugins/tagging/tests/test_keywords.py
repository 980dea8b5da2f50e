from __future__ import annotations

import pytest

from wylloh_tagging.keywords import MOST_KEYWORDS, keywords, phrases

RABBIT = """A giant rabbit with a heart bigger than himself meets three bullying rodents in a meadow.
When the bullying rodents harass the butterflies, the giant rabbit plans his revenge."""
TALK = "\n".join(
    ["Yeah, okay.", "I know, I know.", "The lighthouse is dark."] * 20
    + ["The lighthouse keeper never sleeps.", "Ask the lighthouse keeper, please."] * 8
    + ["Storms are coming.", "A storm!", "That storm again."] * 4
)


def found(text, language="en", least=1):
    return [word.phrase for word in keywords(text, language, least)]


def test_pairs_that_belong_together_come_first_and_swallow_their_halves():
    assert set(found(RABBIT)[:2]) == {"giant rabbit", "bullying rodents"}
    assert not {"rabbit", "rabbits", "giant", "rodents"} & set(found(RABBIT))
    assert {"meadow", "butterflies", "revenge"} <= set(found(RABBIT))


def test_what_everybody_says_is_no_keyword():
    words = found(TALK, least=4)
    assert {"lighthouse", "lighthouse keeper"} & set(words[:2])
    assert not {"yeah", "okay", "know", "the", "never", "please"} & set(words)


def test_forms_of_a_word_count_together_under_the_one_that_comes_most():
    assert "storm" in found(TALK, least=8)
    assert "storms" not in found(TALK, least=1)


def test_weights_fall_from_one():
    weights = [word.weight for word in keywords(TALK, "en")]
    assert weights[0] == 1
    assert weights == sorted(weights, reverse=True)
    assert all(0 < weight <= 1 for weight in weights)
    assert len(weights) <= MOST_KEYWORDS


@pytest.mark.parametrize(
    ("language", "text", "keyword", "common"),
    [
        ("de", "Der Hase und der große Hase im Garten. Die Hasen fressen Kohl.", "hase", "der"),
        ("de-AT", "Der Hase und die Hasen.", "hase", "und"),
        ("fr", "Le phare est loin. Le gardien du phare dort.", "phare", "le"),
        ("ru", "Кот и собака. Коты спят.", "собака", "и"),
        ("ga", "Tá an teach solais dorcha.", "teach", ""),
    ],
)
def test_languages_have_their_own_common_words(language, text, keyword, common):
    words = found(text, language)
    assert keyword in words
    assert common not in words


@pytest.mark.parametrize(
    ("text", "language"),
    [("", "en"), ("12 34 ... !", "en"), ("the and of", "en"), ("猫が好きです", "ja"), ("x" * 5000, "en")],
)
def test_what_has_no_words_has_no_keywords(text, language):
    assert keywords(text, language) == ()


def test_phrases_are_runs_of_words():
    assert phrases("Film Noir's dark-room, Rick!", 2) == {
        "film",
        "film noir",
        "noir",
        "noir dark-room",
        "dark-room",
        "dark-room rick",
        "rick",
    }
