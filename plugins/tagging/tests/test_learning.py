from __future__ import annotations

import pytest

from wylloh_tagging.suggestion_sources import Finding, SuggestionSource
from wylloh_tagging.learning import LEAST_SCORE, Answers, about_source, about_tag, ranked
from wylloh_tagging.tags import tag_of

NOIR = Finding(tag_of("noir"), 0.5, SuggestionSource.SYNOPSIS)
RAIN = Finding(tag_of("rain"), 0.45, SuggestionSource.SUBTITLES)
WIND = Finding(tag_of("wind"), 0.4, SuggestionSource.SUBTITLES)


def order(**answers):
    named = {
        (about_tag(name) if name in {"noir", "rain", "wind"} else about_source(name)): Answers(*counts)
        for name, counts in answers.items()
    }
    return [one.tag for one in ranked([WIND, RAIN, NOIR], named)]


def test_without_answers_evidence_decides():
    assert order() == ["noir", "rain", "wind"]


def test_a_tag_that_is_often_accepted_comes_sooner():
    assert order(wind=(3, 0)) == ["wind", "noir", "rain"]


def test_a_tag_that_is_often_refused_comes_later():
    assert order(noir=(0, 1)) == ["rain", "wind", "noir"]


def test_a_source_is_trusted_by_its_answers():
    assert order(subtitles=(4, 0)) == ["rain", "wind", "noir"]
    assert order(subtitles=(0, 4), noir=(0, 1))[0] == "noir"


def test_what_is_always_refused_is_not_suggested_any_more():
    assert "noir" not in order(noir=(0, 20))
    assert ranked([Finding(tag_of("x"), LEAST_SCORE / 2, SuggestionSource.TITLE)], {}) == ()


@pytest.mark.parametrize(
    ("accepted", "refused", "trust"), [(0, 0, 1), (1, 1, 1), (8, 0, 1.8), (0, 8, 0.2), (1, 0, 4 / 3)]
)
def test_trust_lies_between_zero_and_two(accepted, refused, trust):
    assert Answers(accepted, refused).trust == pytest.approx(trust)
