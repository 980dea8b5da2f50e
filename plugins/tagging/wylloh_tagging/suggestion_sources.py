"""What speaks for a tag on a film: its publisher's words, its file, its title, synopsis and subtitles.

Each finding has an evidence between 0 and 1. What several sources say is joined as if they were independent
(`1 - (1 - a) * (1 - b)`), and belongs to the source with the strongest evidence.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from wylloh_server.sdk import InvalidValue, english_name
from wylloh_tagging.keywords import keywords, phrases
from wylloh_tagging.tags import Tag, tag_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from wylloh_server.sdk import Film, Probe, SubtitleText


class SuggestionSource(StrEnum):
    """Where a suggestion comes from."""

    PUBLISHER = "publisher"
    FILE = "file"
    TITLE = "title"
    SYNOPSIS = "synopsis"
    SUBTITLES = "subtitles"


@dataclass(frozen=True, slots=True)
class Finding:
    """A tag that something speaks for."""

    tag: Tag
    evidence: float
    source: SuggestionSource


MOST_FINDINGS = 24
"""Most suggestions kept of a film."""

_WEIGHT = {
    SuggestionSource.PUBLISHER: 0.9,
    SuggestionSource.FILE: 0.5,
    SuggestionSource.TITLE: 0.4,
    SuggestionSource.SYNOPSIS: 0.5,
    SuggestionSource.SUBTITLES: 0.35,
}
_KNOWN = 1.6
"""A word that is a tag on this server already is worth so much more than a new one."""
_LEAST_IN_SUBTITLES = 4
"""How often a word must occur in subtitles to be a keyword: a film has thousands of words."""
_HEIGHTS = ((1600, "format/4k"), (800, "format/1080p"), (530, "format/720p"), (1, "format/sd"))
"""Wide films are lower than their kind: 800 lines of 1920 pixels are a 1080p film."""
_SHORT, _LONG = 40 * 60, 150 * 60
"""A short film runs 40 minutes or less (Academy of Motion Picture Arts and Sciences, rule nineteen)."""
_SURROUND = 6


def findings(
    film: Film,
    known: Collection[Tag],
    language: str,
    words: SubtitleText | None = None,
    probe: Probe | None = None,
) -> tuple[Finding, ...]:
    """Return what speaks for tags on a film, the strongest first. Takes up to a second: call it in a thread.

    Args:
        film: what the library knows of it.
        known: the tags in use on this server.
        language: of titles and synopses, as a BCP 47 tag.
        words: the text of its subtitles, if there are any.
        probe: what its file contains, if that is known.
    """
    about = film.description
    labels = _labels(known)
    found = [*_published(film), *_from_file(film, probe)]
    found += _in_text(about.title, SuggestionSource.TITLE, labels, language)
    found += _in_text(about.synopsis, SuggestionSource.SYNOPSIS, labels, language)
    if words is not None:
        found += _in_text(words.text, SuggestionSource.SUBTITLES, labels, words.language)
    joined = _joined(found)
    return tuple(sorted(joined, key=lambda one: (-one.evidence, one.tag))[:MOST_FINDINGS])


def _published(film: Film) -> Iterator[Finding]:
    for genre in film.description.genres:
        yield from _finding(
            f"genre/{genre.replace('/', ' ')}",
            _WEIGHT[SuggestionSource.PUBLISHER],
            SuggestionSource.PUBLISHER,
        )


def _from_file(film: Film, probe: Probe | None) -> Iterator[Finding]:
    for tag in _file_tags(film, probe):
        yield from _finding(tag, _WEIGHT[SuggestionSource.FILE], SuggestionSource.FILE)


def _file_tags(film: Film, probe: Probe | None) -> Iterator[str]:
    about = film.description
    lines = max(probe.video.height, probe.video.width * 9 // 16) if probe else about.height
    yield from [tag for least, tag in _HEIGHTS if lines >= least][:1]
    if 0 < about.runtime <= _SHORT:
        yield "length/short"
    if about.runtime >= _LONG:
        yield "length/long"
    for spoken in about.languages:
        if name := english_name(spoken).lower():
            yield f"language/{name}"
    if probe is not None:
        yield from _track_tags(probe)


def _track_tags(probe: Probe) -> Iterator[str]:
    if probe.video.hdr:
        yield "format/hdr"
    if not probe.audio:
        yield "sound/silent"
    if any(track.channels >= _SURROUND for track in probe.audio):
        yield "sound/surround"


def _in_text(
    text: str, source: SuggestionSource, labels: Mapping[str, tuple[Tag, ...]], language: str
) -> Iterator[Finding]:
    least = _LEAST_IN_SUBTITLES if source is SuggestionSource.SUBTITLES else 1
    weight = _WEIGHT[source]
    strong = {word.phrase: word.weight for word in keywords(text, language, least)}
    for label in phrases(text) & labels.keys():
        # Once in a whole film is little; being a keyword too is much.
        share = strong.get(label, 0.2 if source is SuggestionSource.SUBTITLES else 0.6)
        for tag in labels[label]:
            yield Finding(tag, weight * _KNOWN * (0.4 + 0.6 * share), source)
    for phrase, share in strong.items():
        if phrase not in labels:
            yield from _finding(phrase, weight * (0.4 + 0.6 * share), source)


def _finding(text: str, evidence: float, source: SuggestionSource) -> Iterator[Finding]:
    try:
        yield Finding(tag_of(text), evidence, source)
    except InvalidValue:
        return  # a publisher's genre may be no tag


def _labels(known: Iterable[Tag]) -> dict[str, tuple[Tag, ...]]:
    labels: dict[str, tuple[Tag, ...]] = {}
    for tag in known:
        label = tag.rpartition("/")[2]
        labels[label] = (*labels.get(label, ()), tag)
    return labels


def _joined(found: Iterable[Finding]) -> list[Finding]:
    doubt: dict[Tag, float] = {}
    strongest: dict[Tag, Finding] = {}
    for one in found:
        doubt[one.tag] = doubt.get(one.tag, 1.0) * (1 - min(one.evidence, 0.95))
        if one.tag not in strongest or one.evidence > strongest[one.tag].evidence:
            strongest[one.tag] = one
    return [Finding(tag, 1 - doubt[tag], strongest[tag].source) for tag in doubt]
