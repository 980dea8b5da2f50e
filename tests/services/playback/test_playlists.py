from __future__ import annotations

import re
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from tests.components.hls import judged
from wylloh_server.domain.client_profile import UNKNOWN_CLIENT, AudioSupport
from wylloh_server.domain.film import Description, FileRole, Film, FilmState, FolderOrigin, PackageFile
from wylloh_server.domain.media_index import (
    CutTimeline,
    DynamicRange,
    IndexedAudio,
    IndexedVideo,
    MediaIndex,
)
from wylloh_server.domain.play_decision import NO_LIMITS, PlaybackLimits, decide_play
from wylloh_server.domain.rendition import (
    AudioTrack,
    Probe,
    SubtitleTrack,
    VideoTrack,
    sidecar_subtitles,
)
from wylloh_server.domain.types import FilmId, Seconds
from wylloh_server.services.library.film_contents import FilmContents
from wylloh_server.services.playback.chosen_tracks import choose_tracks
from wylloh_server.services.playback.playback_plan import make_playback_plan
from wylloh_server.services.playback.playlists import master_playlist, media_playlist, text_playlist

HOME, AWAY = "192.168.1.20", "203.0.113.9"
VIDEO = VideoTrack("h264", 640, 360, Fraction(25))
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
    return planned(Probe("mov", Seconds(95.3), video, sounds, texts), beside)


def planned(probe, beside=(), content="x"):
    return make_playback_plan(FILM, FilmContents(content, probe, None), beside)


def encoded(of):
    """The master playlist for a player to which nothing can be handed through."""
    return master_playlist(of, choose_tracks(of, decide_play(UNKNOWN_CLIENT, of.probe, None), HOME))


def test_a_strict_parser_accepts_the_master_playlist():
    french = PackageFile("subtitles/fr.vtt", "bafkfr", 1, "00", FileRole.SUBTITLES, "fr")
    read = judged(encoded(plan(beside=(french,))))
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
    silent = planned(Probe("mov", Seconds(9), VideoTrack("h264", 640, 360, Fraction(25))), ())
    text = encoded(silent)
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
        judged(encoded(plan()).replace("BANDWIDTH=", "BANDWITH="))


def test_equal_labels_are_told_apart():
    sounds = tuple(AudioTrack(n, "aac", "en", 2) for n in range(3)) + (AudioTrack(3, "aac", "und", 2),)
    of = planned(Probe("mov", Seconds(9), VideoTrack("h264", 64, 36, Fraction(25)), sounds), ())
    assert [sound.label for sound in of.sounds] == ["English", "English 2", "English 3", "Track 4"]


def test_playback_begins_with_the_sound_marked_for_it_and_never_with_a_commentary():
    sounds = (
        AudioTrack(0, "aac", "en", 2, commentary=True),
        AudioTrack(1, "aac", "de", 2),
        AudioTrack(2, "aac", "en", 6, default=True),
        AudioTrack(3, "aac", "en", 2, described=True, default=True),
    )
    of = planned(Probe("mov", Seconds(9), VIDEO, sounds), ())
    assert [(sound.name, sound.label) for sound in of.sounds] == [
        ("a2", "English"),
        ("a1", "Deutsch"),
        ("a3", "English (audio description)"),
        ("a0", "English (commentary)"),
    ]
    variant = judged(encoded(of))["variants"][0]
    assert [sound["isDefault"] for sound in variant["audio"]] == [True, False, False, False]
    assert "describes-video" in variant["audio"][2]["characteristics"]


def test_forced_subtitles_in_the_language_of_the_sound_are_shown_by_themselves():
    texts = (
        SubtitleTrack(0, "subrip", "en"),
        SubtitleTrack(1, "subrip", "de", forced=True),
        SubtitleTrack(2, "subrip", "en", "Signs", forced=True),
        SubtitleTrack(3, "subrip", "en", hearing_impaired=True),
    )
    of = planned(Probe("mov", Seconds(9), VIDEO, (AudioTrack(0, "aac", "en", 2),), texts), ())
    shown = {text["name"]: text for text in judged(encoded(of))["variants"][0]["subtitles"]}
    assert list(shown) == ["English", "Signs (forced)", "English (SDH)", "Deutsch (forced)"]
    assert [name for name, text in shown.items() if text["forced"]] == ["Signs (forced)", "Deutsch (forced)"]
    assert [name for name, text in shown.items() if text["isDefault"]] == ["Signs (forced)"]
    assert "describes-music-and-sound" in shown["English (SDH)"]["characteristics"]


def test_files_beside_a_film_come_into_the_menu_and_change_no_name():
    """What was taken out of the film is kept under its name."""
    inside = (SubtitleTrack(0, "subrip", "en"), SubtitleTrack(1, "subrip", "de"))
    probe = Probe("mov", Seconds(9), VIDEO, (AudioTrack(0, "aac", "en", 2),), inside)
    beside = [
        sidecar_subtitles(Path(f"/f/Film.{name}.srt"), Path("/f/Film.mkv")) for name in ("de", "fr.forced")
    ]
    alone, together = (planned(probe, files) for files in ((), beside))
    assert [(text.name, text.label) for text in alone.subtitles] == [("s0", "English"), ("s1", "Deutsch")]
    assert [(text.name, text.label) for text in together.subtitles] == [
        ("s0", "English"), ("s1", "Deutsch"), ("x0", "Deutsch 2"), ("x1", "Français (forced)")
    ]  # fmt: skip
    assert alone.store == together.store


def test_another_file_or_encoder_is_another_name_in_the_store():
    probe = Probe("mov", Seconds(9), VideoTrack("h264", 640, 360, Fraction(25)))
    assert planned(probe).store != planned(probe, content="y").store


def originals(address, bit_rate=6_000_000, spread=DynamicRange.SDR, limits=NO_LIMITS):
    """The pictures in the master playlist of a film of 720p that can be handed through."""
    cuts = CutTimeline((0, 5, 9), Fraction(1))
    video = IndexedVideo(
        0, "h264", "avc1.64001f", bit_rate, b"", cuts, "High", 31, 8, 1280, 720, Fraction(25), spread
    )
    sound = IndexedAudio(1, "eac3", "ec-3", 640_000, b"", cuts, 0, 6, 48_000)
    probe = Probe(
        "mov", Seconds(9), VideoTrack("h264", 1280, 720, Fraction(25)), (AudioTrack(0, "eac3", "en", 6),)
    )
    index = MediaIndex(Fraction(0), video, (sound,))
    of = make_playback_plan(FILM, FilmContents("x", probe, index), ())
    client = replace(UNKNOWN_CLIENT, audio=(AudioSupport("eac3", 6),), dynamic_ranges=frozenset(DynamicRange))
    return judged(
        master_playlist(of, choose_tracks(of, decide_play(client, probe, index, limits), address, limits))
    )["variants"]


def test_9_playback_begins_with_the_original_at_home_and_with_less_on_lines_from_elsewhere():
    at_home, away = ([one["uri"].partition("/")[0] for one in originals(address)] for address in (HOME, AWAY))
    assert at_home[0] == "v-original"
    assert away[:2] == ["v-480p-1200k", "v-original"]
    assert set(at_home) == set(away)


def test_9_beside_the_original_there_are_only_encodings_that_are_less():
    assert [one["uri"].partition("/")[0] for one in originals(HOME, bit_rate=1_000_000)] == [
        "v-original", "v-360p-700k", "v-240p-350k"
    ]  # fmt: skip
    assert [one["resolution"]["height"] for one in originals(HOME, bit_rate=4_000_000)] == [
        720,
        480,
        360,
        240,
    ]


def test_9_the_original_has_its_own_codecs_channels_and_rates():
    first = originals(HOME)[0]
    assert first["codecs"] == "avc1.64001f,ec-3"
    assert first["bandwidth"] == 6_640_000
    assert first["audio"][0]["uri"] == "a0-original/playlist.m3u8"
    assert first["audio"][0]["channels"] == "6"


def test_9_the_owner_bounds_what_players_from_elsewhere_get():
    def heights(**limits):
        return [one["resolution"]["height"] for one in originals(AWAY, limits=PlaybackLimits(**limits))]

    assert heights() == [480, 720, 720, 360, 240]
    assert heights(height=480) == [480, 360, 240]
    assert heights(bit_rate=800_000) == [360, 240]
    assert heights(bit_rate=1_000) == [240]
