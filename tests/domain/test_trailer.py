from dataclasses import replace
from fractions import Fraction

import pytest

from wylloh_server.domain.errors import MediaRefused
from wylloh_server.domain.rendition import AudioTrack, Probe, VideoTrack
from wylloh_server.domain.trailer import browsers_play, check_trailer
from wylloh_server.domain.types import Seconds

VIDEO = VideoTrack("h264", 1280, 720, Fraction(24), pixels="yuv420p")
SOUND = AudioTrack(0, "aac", "en", 2)
PROBE = Probe("mov", Seconds(90), VIDEO, (SOUND,))
MP4, QUICKTIME, MATROSKA = b"\0\0\0\x20ftypisom", b"\0\0\0\x14ftypqt  ", b"\x1aE\xdf\xa3aaaaaaaa"


@pytest.mark.parametrize(
    ("probe", "header"),
    [
        (PROBE, QUICKTIME),
        (PROBE, MATROSKA),
        (PROBE, b""),
        (replace(PROBE, video=replace(VIDEO, codec="hevc")), MP4),
        (replace(PROBE, video=replace(VIDEO, pixels="yuv420p10le")), MP4),
        (replace(PROBE, video=replace(VIDEO, pixels="")), MP4),
        (replace(PROBE, video=replace(VIDEO, interlaced=True)), MP4),
        (replace(PROBE, audio=(SOUND, replace(SOUND, codec="ac3"))), MP4),
    ],
)
def test_some_browsers_do_not_play_it_as_it_is(probe, header):
    assert not browsers_play(probe, header)


def test_every_browser_plays_mp4_with_h264_and_aac():
    assert browsers_play(PROBE, MP4)
    assert browsers_play(replace(PROBE, audio=()), MP4)


def test_a_film_is_no_trailer():
    check_trailer(replace(PROBE, duration=Seconds(600)))
    with pytest.raises(MediaRefused, match="may last 10 minutes; this file lasts 92") as refused:
        check_trailer(replace(PROBE, duration=Seconds(92 * 60)))
    assert "published unencrypted" in refused.value.fix
