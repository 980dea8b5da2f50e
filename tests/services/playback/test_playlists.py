from __future__ import annotations

import re
from fractions import Fraction

import pytest

from tests.components.hls import judged
from wylloh_server.domain.film import Description, Film, FilmState, FolderOrigin
from wylloh_server.domain.rendition import AudioTrack, Probe, SubtitleTrack, VideoTrack
from wylloh_server.domain.types import FilmId, Seconds
from wylloh_server.services.playback.plan import plan_of
from wylloh_server.services.playback.playlists import master_playlist, media_playlist, text_playlist
from wylloh_server.services.sources import SideText

FILM = Film(FilmId("f"), Description("Film"), FolderOrigin("/film.mp4"), FilmState.READY)


def plan(rate=Fraction(24), audio=2, beside=()):
    video = VideoTrack("h264", 1280, 720, rate)
    sounds = tuple(
        AudioTrack(n, "aac", language, 2) for n, language in enumerate(("en", "de", "und")[:audio])
    )
    texts = (
        SubtitleTrack(0, "mov_text", "en"),
        SubtitleTrack(2, "srt", "en", 'for "all",\nsince it\'s late'),
    )
    return plan_of(FILM, Probe("mov", Seconds(95.3), video, sounds, texts), "x", beside)


def test_a_strict_parser_accepts_the_master_playlist():
    read = judged(master_playlist(plan(beside=(SideText("subtitles/fr.vtt", "fr"),))))
    variants = read["variants"]
    assert [variant["resolution"]["height"] for variant in variants] == [480, 720, 360, 240]
    assert (
        variants[0]["codecs"] == "avc1.64001f,mp4a.40.2" or variants[0]["codecs"] == "avc1.64001e,mp4a.40.2"
    )
    assert [variant["frameRate"] for variant in variants] == [24, 24, 24, 24]
    assert [sound["language"] for sound in variants[0]["audio"]] == ["en", "de"]
    assert [sound["name"] for sound in variants[0]["audio"]] == ["English", "Deutsch"]
    assert [sound["isDefault"] for sound in variants[0]["audio"]] == [True, False]
    assert [text["name"] for text in variants[0]["subtitles"]] == [
        "English",
        "for ”all”, since it’s late",
        "Français",
    ]
    assert variants[0]["uri"] == "v-480p-1200k/playlist.m3u8"
    rates = {variant["resolution"]["height"]: variant["bandwidth"] for variant in variants}
    assert rates[240] < rates[360] < rates[480] < rates[720]


def test_a_film_without_sound_and_text_has_no_groups():
    silent = plan_of(FILM, Probe("mov", Seconds(9), VideoTrack("h264", 640, 360, Fraction(25))), "x", ())
    text = master_playlist(silent)
    judged(text)
    assert "EXT-X-MEDIA" not in text
    assert "mp4a" not in text


@pytest.mark.parametrize("rate", [Fraction(24), Fraction(24000, 1001), Fraction(30000, 1001), Fraction(60)])
def test_a_strict_parser_accepts_the_media_playlists(rate):
    of = plan(rate)
    for track in of.in_order:
        read = judged(media_playlist(track.timeline))
        assert read["endlist"]
        assert len(read["segments"]) == track.timeline.count
        assert sum(segment["duration"] for segment in read["segments"]) == pytest.approx(95.3, abs=0.05)
        assert max(segment["duration"] for segment in read["segments"]) <= read["targetDuration"]


def test_keys_change_every_thirty_segments_and_come_after_the_map():
    text = media_playlist(plan().start.timeline)
    assert text.index("#EXT-X-MAP") < text.index("#EXT-X-KEY")
    assert re.findall(r'METHOD=AES-128,URI="(\d+\.key)"', text) == ["0.key", "1.key"]
    assert "IV=" not in text, "a segment's IV is its sequence number"
    assert text.index("1.key") > text.index("29.m4s")
    assert text.index("1.key") < text.index("30.m4s")


def test_a_strict_parser_accepts_the_subtitles():
    read = judged(text_playlist(Seconds(95.3)))
    assert [segment["uri"] for segment in read["segments"]] == ["subtitles.vtt"]


def test_a_strict_parser_would_notice():
    with pytest.raises(AssertionError):
        judged(master_playlist(plan()).replace("BANDWIDTH=", "BANDWITH="))


def test_equal_labels_are_told_apart():
    sounds = tuple(AudioTrack(n, "aac", "en", 2) for n in range(3)) + (AudioTrack(3, "aac", "und", 2),)
    of = plan_of(FILM, Probe("mov", Seconds(9), VideoTrack("h264", 64, 36, Fraction(25)), sounds), "x", ())
    assert [sound.label for sound in of.sounds] == ["English", "English 2", "English 3", "Track 4"]


def test_another_file_or_encoder_is_another_name_in_the_store():
    probe = Probe("mov", Seconds(9), VideoTrack("h264", 640, 360, Fraction(25)))
    assert plan_of(FILM, probe, "x", ()).store != plan_of(FILM, probe, "y", ()).store
