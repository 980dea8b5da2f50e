"""Keywords of a text: words and pairs of words that occur more often than by chance.

Words are counted under their stem (Snowball), pairs are collocations by Dunning's log-likelihood ratio
("Accurate Methods for the Statistics of Surprise and Coincidence", 1993). Stop words of 33 languages come
from the package `stop-words`, stems from `snowballstemmer`.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass
from functools import cache
from itertools import chain, pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

MOST_KEYWORDS = 20
"""Most keywords of a text."""

_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")  # noqa: RUF001 - subtitles have typographic apostrophes
_SHORTEST, _LONGEST = 3, 30
_SURPRISING = 10.83
"""The ratio that chance reaches once in a thousand (chi-squared, one degree of freedom)."""
_UNSEGMENTED = frozenset({"zh", "ja", "th"})
"""Languages written without spaces: without a dictionary nobody can tell their words apart."""
_SPOKEN = frozenset(
    {
        *("yeah", "okay", "gonna", "wanna", "gotta", "hey", "huh", "hmm", "uh", "um", "oh", "ah", "wow"),
        *("hello", "bye", "goodbye", "please", "sorry", "thank", "thanks", "sir", "madam", "mister", "miss"),
        *("mrs", "guy", "guys", "man", "look", "listen", "wait", "come", "let", "tell", "know", "think"),
        *("mean", "want", "need"),
    }
)
"""What people say in every film, and lists of stop words made from written text leave out."""


@dataclass(frozen=True, slots=True)
class Keyword:
    """A word or a pair of words, lower case; `weight` is from 0 to 1, the strongest of a text has 1."""

    phrase: str
    weight: float


def phrases(text: str, most: int = 4) -> frozenset[str]:
    """Return every run of up to so many words of a text, lower case, to look for tags in it."""
    words = _lower_words(text)
    return frozenset(
        " ".join(words[start : start + length])
        for start in range(len(words))
        for length in range(1, min(most, len(words) - start) + 1)
    )


def keywords(text: str, language: str, least: int = 1) -> tuple[Keyword, ...]:
    """Find the keywords of a text, the strongest first. Takes up to a second: call it in a thread.

    Args:
        text: sentences, or the lines of a film.
        language: its BCP 47 tag; what is common in that language is left out.
        least: how often a word must come at least.
    """
    primary = language.partition("-")[0].lower()
    if primary in _UNSEGMENTED:
        return ()
    lines = [_lower_words(line) for line in re.split(r"[.!?:;\n]+", text)]
    common = _common(primary)
    stem = _stemmer(primary)
    singles = _singles(lines, common, stem, least)
    found = _without_halves(singles, _pairs(lines, common, max(2, least)), stem)
    if not found:
        return ()
    top = max(found.values())
    ranked = sorted(found, key=lambda phrase: (-found[phrase], phrase))[:MOST_KEYWORDS]
    return tuple(Keyword(phrase, found[phrase] / top) for phrase in ranked)


def _singles(
    lines: Iterable[Sequence[str]], common: frozenset[str], stem: Callable[[str], str], least: int
) -> dict[str, float]:
    """Count words under their stem, and name each by the form that comes most."""
    forms: dict[str, Counter[str]] = {}
    counts = Counter(word for line in lines for word in line if _is_meaningful(word, common))
    for word, times in counts.items():
        forms.setdefault(stem(word), Counter())[word] += times
    return {
        max(sorted(each), key=each.__getitem__): math.log1p(total)
        for each in forms.values()
        if (total := each.total()) >= least
    }


def _pairs(lines: Iterable[Sequence[str]], common: frozenset[str], least: int) -> dict[str, float]:
    words = Counter(chain.from_iterable(lines))
    found = Counter(pair for line in lines for pair in pairwise(line))
    return {
        " ".join(pair): 1.5 * math.log1p(times)
        for pair, times in found.items()
        if times >= least
        and all(_is_meaningful(word, common) for word in pair)
        and _surprise(times, words[pair[0]], words[pair[1]], words.total()) > _SURPRISING
    }


def _surprise(both: int, first: int, second: int, total: int) -> float:
    """Return the log-likelihood ratio of two words that come `both` times side by side, of `total` words."""
    observed = (both, second - both, first - both, total - first - second + both)
    rows, columns = (second, total - second), (first, total - first)
    expected = (row * column / total for row in rows for column in columns)
    counted = zip(observed, expected, strict=True)
    return 2 * sum(seen * math.log(seen / by_chance) for seen, by_chance in counted if seen)


def _without_halves(
    singles: dict[str, float], pairs: dict[str, float], stem: Callable[[str], str]
) -> dict[str, float]:
    """Leave out words that hardly ever come without their partner: `buck` beside `buck bunny`."""
    joined: dict[str, float] = {}
    for pair, weight in pairs.items():
        for word in pair.split():
            joined[stem(word)] = max(joined.get(stem(word), 0.0), weight / 1.5)
    alone = {word: weight for word, weight in singles.items() if weight > joined.get(stem(word), 0.0) * 1.2}
    return {**alone, **pairs}


def _lower_words(text: str) -> list[str]:
    words = [match[0].lower().replace("’", "'") for match in _WORD.finditer(text)]  # noqa: RUF001 - as `_WORD`
    return [word.removesuffix("'s") for word in words]


def _is_meaningful(word: str, common: frozenset[str]) -> bool:
    if word.partition("'")[0] in common or word in common:
        return False
    # A syllabary needs fewer letters for a word than an alphabet does.
    return len(word) <= _LONGEST and (len(word) >= _SHORTEST or not word.isascii())


@cache
def _common(primary: str) -> frozenset[str]:
    from stop_words import LANGUAGE_MAPPING, get_stop_words  # noqa: PLC0415 - imported when first needed

    listed = frozenset(get_stop_words(primary)) if primary in LANGUAGE_MAPPING else frozenset()
    return listed | _SPOKEN if primary in {"en", "und", ""} else listed


@cache
def _stemmer(primary: str) -> Callable[[str], str]:
    """Return what cuts words down to their stem; without one for the language, words stay as they are."""
    import snowballstemmer  # noqa: PLC0415 - imported when first needed, for who never asks for suggestions
    from stop_words import LANGUAGE_MAPPING  # noqa: PLC0415 - as above

    name = LANGUAGE_MAPPING.get(primary, "")
    known = name in snowballstemmer.algorithms()
    return snowballstemmer.stemmer(name).stemWord if known else str
