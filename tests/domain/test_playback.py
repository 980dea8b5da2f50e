from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wylloh_server.domain.playback import (
    AAC_FRAME,
    SAMPLE_RATE,
    Timeline,
    audio_timeline,
    video_timeline,
)
from wylloh_server.domain.types import Seconds

durations = st.floats(0.01, 3_000, allow_nan=False).map(Seconds)
rates = st.sampled_from(
    [Fraction(24), Fraction(25), Fraction(24000, 1001), Fraction(30000, 1001), Fraction(60)]
)


def check(timeline: Timeline) -> None:
    lengths = [timeline.length(number) for number in range(timeline.count)]
    assert sum(lengths) == timeline.duration
    assert all(length == timeline.segment for length in lengths[:-1])
    assert 0 < lengths[-1] <= timeline.segment
    assert timeline.start(timeline.count - 1) < timeline.duration


@given(durations, rates)
def test_segments_of_the_picture_fill_the_film_exactly(duration, rate):
    timeline = video_timeline(duration, rate)
    check(timeline)
    assert abs(timeline.duration - Fraction(duration)) <= 1 / rate


@given(durations, rates)
def test_the_picture_is_cut_between_frames(duration, rate):
    timeline = video_timeline(duration, rate)
    assert (timeline.segment * rate).denominator == 1
    assert (timeline.duration * rate).denominator == 1


@given(durations)
def test_segments_of_the_sound_fill_the_film_and_are_cut_between_frames(duration):
    timeline = audio_timeline(duration)
    check(timeline)
    assert timeline.duration >= Fraction(duration)
    assert (timeline.segment * SAMPLE_RATE / AAC_FRAME).denominator == 1


@pytest.mark.parametrize(("duration", "count"), [(4, 2), (4.01, 2), (4.1, 3), (0.001, 1)])
def test_how_many_two_second_segments(duration, count):
    assert video_timeline(Seconds(duration), Fraction(25)).count == count
