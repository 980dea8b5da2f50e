from fractions import Fraction
from pathlib import PurePath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wylloh_server.domain.rendition import (
    Rendition,
    VideoTrack,
    bitrate_ladder,
    h264_codec,
    h264_level,
    playback_rate,
    real_rate,
    sidecar_subtitles,
    starting_rendition,
)

sides = st.integers(2, 7680)
videos = st.builds(VideoTrack, st.just("h264"), sides, sides, st.just(Fraction(25)))


def track(width, height):
    return VideoTrack("h264", width, height, Fraction(25))


@given(videos)
def test_every_film_gets_three_or_four_distinct_renditions_best_first(video):
    ladder = bitrate_ladder(video)
    assert len(ladder) in (3, 4)
    assert len({rendition.name for rendition in ladder}) == len(ladder)
    rates = [rendition.bit_rate for rendition in ladder]
    assert rates == sorted(set(rates), reverse=True)


@given(videos)
def test_no_rendition_is_larger_than_the_film_or_odd(video):
    for rendition in bitrate_ladder(video):
        assert rendition.width % 2 == rendition.height % 2 == 0
        # A pixel of rounding to even sizes aside.
        assert rendition.width <= max(2, video.width + 1)
        assert rendition.height <= max(2, video.height + 1)


@given(videos.filter(lambda video: min(video.width, video.height) >= 144))
def test_the_picture_keeps_its_shape(video):
    for rendition in bitrate_ladder(video):
        wide, high = video.width * rendition.height, video.height * rendition.width
        assert abs(wide - high) <= 2 * max(video.width, video.height)


@pytest.mark.parametrize(
    ("size", "labels"),
    [
        ((1920, 1080), ["1080p", "720p", "480p", "360p"]),
        ((1920, 800), ["1080p", "720p", "480p", "360p"]),
        ((3840, 2160), ["1080p", "720p", "480p", "360p"]),
        ((1280, 720), ["720p", "480p", "360p", "240p"]),
        ((720, 1280), ["720p", "480p", "360p", "240p"]),
        ((854, 480), ["480p", "360p", "240p", "144p"]),
    ],
)
def test_what_the_quality_menu_shows(size, labels):
    assert [rendition.label for rendition in bitrate_ladder(track(*size))] == labels


@given(videos)
def test_playback_starts_with_one_of_the_ladder(video):
    ladder = bitrate_ladder(video)
    assert starting_rendition(ladder) in ladder[1:]


@given(st.fractions(Fraction(1, 10), 240, max_denominator=10**6))
def test_a_film_is_played_at_a_constant_rate_of_at_most_60(measured):
    rate = playback_rate(measured)
    assert 0 < rate <= 60
    if 1 <= measured <= 60:
        assert abs(rate - measured) <= measured / 100


@pytest.mark.parametrize(
    ("measured", "rate"),
    [
        (Fraction(23976, 1000), Fraction(24000, 1001)),
        (Fraction(2997, 100), Fraction(30000, 1001)),
        (Fraction(25001, 1000), Fraction(25)),
        (Fraction(120), Fraction(60)),
    ],
)
def test_usual_rates_are_recognised(measured, rate):
    assert playback_rate(measured) == rate


@pytest.mark.parametrize(
    ("size", "rate", "bits", "level"),
    [
        ((640, 360), 25, 700_000, 30),
        ((1280, 720), 30, 2_800_000, 31),
        ((1920, 1080), 30, 5_000_000, 40),
        ((1920, 1080), 60, 5_000_000, 42),
    ],
)
def test_h264_levels_of_table_a_1(size, rate, bits, level):
    rendition = Rendition("x", *size, bits, size[1])
    assert h264_level(rendition, Fraction(rate)) == level


def test_the_codec_as_rfc_6381_writes_it():
    assert h264_codec(Rendition("x", 1920, 1080, 5_000_000, 1080), Fraction(24)) == "avc1.640028"


@pytest.mark.parametrize(
    ("average", "fastest", "rate"),
    [
        (25, 25.0, 25),
        (Fraction(24000, 1001), 24.39, Fraction(24000, 1001)),  # Matroska rounds times to milliseconds
        (25, 0.0, 25),
        (Fraction(1, 5), 0.0, Fraction(1, 5)),
        (15, 15.0, 15),
        (Fraction(35040, 1333), 60.0, 60),
        (Fraction("28.03"), 30.3, 30),
        (Fraction("7.2"), 30.3, 30),
        (Fraction(24000, 1001), 30.3, Fraction(24000, 1001)),
        (25, 50.0, 50),
        (10, 12.5, Fraction(25, 2)),
    ],
)
def test_a_variable_rate_is_that_of_the_quickest_part(average, fastest, rate):
    assert real_rate(Fraction(average), fastest) == rate


@pytest.mark.parametrize(
    ("name", "language", "title", "marks"),
    [
        ("Film.srt", "und", "", (False, False)),
        ("Film.de.srt", "de", "", (False, False)),
        ("Film.ger.forced.srt", "de", "", (True, False)),
        ("Film.pt-BR.sdh.vtt", "pt-BR", "", (False, True)),
        ("Film.Director.en.cc.ass", "en", "Director", (False, True)),
        ("Film.signs.srt", "und", "signs", (False, False)),
    ],
)
def test_the_name_of_a_subtitle_file_says_what_it_is(name, language, title, marks):
    found = sidecar_subtitles(PurePath("/films") / name, PurePath("/films/Film.mkv"))
    assert (found.language, found.title, (found.forced, found.hearing_impaired)) == (language, title, marks)
    assert found.path == f"/films/{name}"
