from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from wylloh_server.domain.film import Description, Film, FilmState, FolderOrigin
from wylloh_server.domain.rendition import AudioTrack, Probe, VideoTrack
from wylloh_server.domain.types import Seconds
from wylloh_server.sdk import FilmId, SubtitleText
from wylloh_tagging.suggestion_sources import MOST_FINDINGS, SuggestionSource, findings
from wylloh_tagging.tags import tag_of

ABOUT = Description(
    "The Lighthouse Keeper",
    synopsis="In a storm a detective comes to a lighthouse. A film noir.",
    year=1947,
    runtime=Seconds(95 * 60),
    languages=("en", "de-AT", "xx"),
    height=800,
    genres=("Film Noir", "Crime/Drama", "\x07"),
)
FILM = Film(FilmId("f"), ABOUT, FolderOrigin("/f.mkv"), FilmState.READY)
KNOWN = [tag_of(tag) for tag in ("genre/noir", "mood/stormy", "harbour", "people/detective")]
PROBE = Probe("matroska", Seconds(5700), VideoTrack("hevc", 3840, 1600, Fraction(24), hdr=True))


def found(film=FILM, known=KNOWN, **more):
    return {one.tag: one for one in findings(film, known, "en", **more)}


def test_the_publisher_the_file_and_the_words_speak():
    tags = found()
    assert tags["genre/film noir"].source is SuggestionSource.PUBLISHER
    assert "genre/crime drama" in tags
    assert tags["format/1080p"].source is SuggestionSource.FILE
    assert {"language/english", "language/german"} <= tags.keys()
    assert tags["people/detective"].source is SuggestionSource.SYNOPSIS
    assert "genre/noir" in tags
    assert "mood/stormy" not in tags
    assert "detective" not in tags
    assert "lighthouse" in tags or "lighthouse keeper" in tags
    assert not {"length/short", "length/long"} & tags.keys()


def test_a_tag_in_use_is_worth_more_than_a_new_word():
    tags = found()
    assert tags["people/detective"].evidence > tags["storm"].evidence


def test_what_several_sources_say_is_surer():
    title_only = found(replace(FILM, description=replace(ABOUT, synopsis="")), known=[tag_of("lighthouse")])
    both = found(known=[tag_of("lighthouse")])
    assert both["lighthouse"].evidence > title_only["lighthouse"].evidence
    assert all(0 < one.evidence < 1 for one in both.values())


def test_subtitles_must_say_a_word_often_or_name_a_tag():
    words = SubtitleText(
        "en", "To the harbour!\n" + "The smugglers are coming.\nSmugglers again.\n" * 6 + "A parrot."
    )
    tags = found(words=words)
    assert tags["smugglers"].source is SuggestionSource.SUBTITLES
    assert "harbour" in tags
    assert "parrot" not in tags
    assert "harbour" not in found()


@pytest.mark.parametrize(
    ("height", "width", "tag"),
    [(2160, 3840, "format/4k"), (1600, 3840, "format/4k"), (800, 1920, "format/1080p"), (576, 720, "format/720p"),
     (480, 640, "format/sd")],
)  # fmt: skip
def test_the_format_is_that_of_the_frame_it_fits_into(height, width, tag):
    lower = replace(FILM, description=replace(ABOUT, height=height))
    assert tag in found(lower)
    probe = replace(PROBE, video=replace(PROBE.video, height=height, width=width))
    assert tag in found(probe=probe)


def test_the_file_tells_of_light_and_sound():
    silent = found(probe=PROBE)
    assert {"format/hdr", "sound/silent"} <= silent.keys()
    loud = replace(PROBE, audio=(AudioTrack(0, "eac3", "en", 6),), video=replace(PROBE.video, hdr=False))
    assert "sound/surround" in found(probe=loud)
    assert not {"format/hdr", "sound/silent"} & found(probe=loud).keys()


@pytest.mark.parametrize(
    ("minutes", "tag"), [(40, "length/short"), (41, None), (149, None), (150, "length/long"), (0, None)]
)
def test_short_and_long_films(minutes, tag):
    film = replace(FILM, description=replace(ABOUT, runtime=Seconds(minutes * 60)))
    assert {"length/short", "length/long"} & found(film).keys() == ({tag} if tag else set())


def test_a_film_that_says_nothing_gets_nothing():
    assert findings(Film(FilmId("x"), Description(""), FolderOrigin("/x"), FilmState.READY), (), "en") == ()


def test_there_are_never_too_many():
    synopsis = ". ".join(f"{a}{b}word" for a in "abcdefgh" for b in "klmnopqr")
    many = findings(replace(FILM, description=replace(ABOUT, synopsis=synopsis)), KNOWN, "en")
    assert len(many) == MOST_FINDINGS
    assert [one.evidence for one in many] == sorted((one.evidence for one in many), reverse=True)
