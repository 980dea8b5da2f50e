"""Profiles of known players, and reading what a player reports of itself."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wylloh_server.domain.client_profile import (
    CLIENT_PROFILES,
    UNKNOWN_CLIENT,
    AudioSupport,
    ClientProfile,
    VideoSupport,
    client_profile_from,
)
from wylloh_server.domain.errors import InvalidValue
from wylloh_server.domain.film_index import DynamicRange
from wylloh_server.domain.media_formats import CODECS, TrackKind

REPORT = {
    "name": "Chromium",
    "video": [
        {
            "codec": "h264",
            "profiles": ["High"],
            "level": 52,
            "bit_depth": 8,
            "width": 4096,
            "height": 2304,
            "frame_rate": 59.94,
        },
        {"codec": "vp9", "profiles": ["Profile 0"], "bit_depth": 8},
        {"codec": "vp9", "profiles": ["Profile 2"], "bit_depth": 10, "frame_rate": 30},
    ],
    "audio": [{"codec": "aac", "channels": 8}, {"codec": "opus"}],
    "dynamic_ranges": ["sdr", "hdr10"],
    "subtitles": ["webvtt"],
    "bit_rate": 20_000_000,
}


def test_a_report_is_read_whole():
    assert client_profile_from(REPORT) == ClientProfile(
        "Chromium",
        (
            VideoSupport("h264", frozenset({"High"}), 52, 8, 4096, 2304, 59.94),
            VideoSupport("vp9", frozenset({"Profile 0"}), bit_depth=8),
            VideoSupport("vp9", frozenset({"Profile 2"}), bit_depth=10, frame_rate=30),
        ),
        (AudioSupport("aac", 8), AudioSupport("opus", 0)),
        frozenset({DynamicRange.SDR, DynamicRange.HDR10}),
        frozenset({"webvtt"}),
        bit_rate=20_000_000,
    )


def test_an_empty_report_decodes_nothing_and_shows_what_every_player_does():
    assert client_profile_from({}) == ClientProfile(
        "unknown", (), (), frozenset({DynamicRange.SDR}), frozenset({"webvtt"})
    )


def test_what_is_not_known_here_is_left_out():
    report = {
        "video": [{"codec": "h267"}, {"codec": "aac"}, {"codec": ""}, {"codec": "vp8", "colour": "green"}],
        "audio": [
            {"codec": "h264"},
            {"codec": "opus\0", "channels": "many"},
            {"codec": "flac", "channels": 2},
        ],
        "dynamic_ranges": ["hdr99", "hlg"],
        "subtitles": ["smoke", "ass"],
        "telephone": {"number": 5},
    }
    profile = client_profile_from(report)
    assert profile.video == (VideoSupport("vp8"),)
    assert profile.audio == (AudioSupport("flac", 2),)
    assert profile.dynamic_ranges == {DynamicRange.SDR, DynamicRange.HLG}
    assert profile.subtitles == {"ass"}


def test_a_player_may_say_that_it_shows_no_subtitles():
    assert client_profile_from({"subtitles": []}).subtitles == frozenset()


def test_signs_that_command_the_screen_are_not_in_the_name():
    assert client_profile_from({"name": " A\x1b[2J\nB\u202e "}).name == "A[2J B"
    assert client_profile_from({"name": " \x1b"}).name == "unknown"


def video(**fields):
    return {"video": [{"codec": "h264", **fields}]}


@pytest.mark.parametrize(
    ("report", "named"),
    [
        (None, "report"),
        ([], "report"),
        ("h264", "report"),
        ({"name": 5}, "name"),
        ({"name": "x" * 61}, "name"),
        ({"name": "\ud800"}, "name"),
        ({"video": None}, "video"),
        ({"video": {"codec": "h264"}}, "video"),
        ({"video": ["h264"]}, "video"),
        ({"video": [{}]}, "codec"),
        ({"video": [{"codec": ["h264"]}]}, "codec"),
        ({"video": [{"codec": "x" * 61}]}, "codec"),
        ({"video": [{"codec": "x"}] * 41}, "video"),
        (video(profiles="High"), "profiles"),
        (video(profiles=[1]), "profiles"),
        (video(profiles=["x" * 61]), "profiles"),
        (video(profiles=["High"] * 41), "profiles"),
        (video(level=-1), "level"),
        (video(level="41"), "level"),
        (video(level=4.1), "level"),
        (video(bit_depth=True), "bit_depth"),
        (video(width=10**400), "width"),
        (video(height=None), "height"),
        (video(frame_rate=float("nan")), "frame_rate"),
        (video(frame_rate=float("inf")), "frame_rate"),
        (video(frame_rate=10**400), "frame_rate"),
        (video(frame_rate=-1), "frame_rate"),
        (video(frame_rate=True), "frame_rate"),
        (video(frame_rate="60"), "frame_rate"),
        ({"audio": [{"codec": "aac", "channels": -2}]}, "channels"),
        ({"audio": [{"codec": "aac"}] * 41}, "audio"),
        ({"dynamic_ranges": "sdr"}, "dynamic_ranges"),
        ({"dynamic_ranges": [["sdr"]]}, "dynamic_ranges"),
        ({"subtitles": {"webvtt": True}}, "subtitles"),
        ({"bit_rate": 1.5}, "bit_rate"),
        ({"bit_rate": 10**13}, "bit_rate"),
    ],
)
def test_a_malformed_report_is_refused_with_the_field_and_what_to_do(report, named):
    with pytest.raises(InvalidValue, match=f"Its {named}: ") as refused:
        client_profile_from(report)
    assert refused.value.fix
    assert len(str(refused.value)) < 250


scalars = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["h264", "aac"])
)
names = st.sampled_from(
    [*REPORT, "codec", "profiles", "level", "bit_depth", "width", "height", "frame_rate", "channels"]
)
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(names | st.text(), inner, max_size=8),
    max_leaves=40,
)
entries = st.lists(
    st.fixed_dictionaries({"codec": st.sampled_from(["h264", "aac"])}, optional={name: anything for name in (
        "profiles", "level", "bit_depth", "width", "height", "frame_rate", "channels",
    )}),
    max_size=4,
)  # fmt: skip
nearly_right = st.fixed_dictionaries({}, optional={"video": entries, "audio": entries, "bit_rate": anything})


@given(anything | nearly_right)
def test_whatever_is_reported_is_read_or_refused(report):
    try:
        profile = client_profile_from(report)
    except InvalidValue:
        return
    assert len(profile.video) <= 40
    assert len(profile.audio) <= 40
    assert len(profile.name) <= 60
    assert DynamicRange.SDR in profile.dynamic_ranges
    hash(profile)


def test_players_are_found_by_key():
    assert set(CLIENT_PROFILES) == {
        *("unknown", "chromecast", "chromecast-ultra", "apple-tv", "safari", "android-tv"),
        *("webos", "tizen", "dlna", "mpv", "vlc", "kodi"),
    }
    assert CLIENT_PROFILES["unknown"] is UNKNOWN_CLIENT
    assert len({profile.name for profile in CLIENT_PROFILES.values()}) == len(CLIENT_PROFILES)


@pytest.mark.parametrize("profile", CLIENT_PROFILES.values(), ids=CLIENT_PROFILES)
def test_each_player_decodes_what_this_server_encodes(profile):
    assert all(CODECS[support.codec].kind is TrackKind.PICTURE for support in profile.video)
    assert all(CODECS[support.codec].kind is TrackKind.SOUND for support in profile.audio)
    assert any(
        support.codec == "h264"
        and support.decodes_profile("High")
        and (not support.level or support.level >= 41)
        and (not support.width or (support.width >= 1920 and support.height >= 1080))
        for support in profile.video
    )
    assert any(support.codec == "aac" and support.channels in (0, *range(2, 9)) for support in profile.audio)
    assert DynamicRange.SDR in profile.dynamic_ranges


@pytest.mark.parametrize(
    ("codec", "decoded", "profile", "expected"),
    [
        ("h264", "High", "High", True),
        ("h264", "High", "Main", True),
        ("h264", "High", "Constrained Baseline", True),
        ("h264", "High", "Baseline", False),  # it may have slices in any order, which High does not know
        ("h264", "High", "High 10", False),
        ("h264", "High 10", "High", True),
        ("h264", "Main", "High", False),
        ("hevc", "Main 10", "Main", True),
        ("hevc", "Main", "Main 10", False),
        ("vp9", "Profile 2", "Profile 0", False),
        ("av1", "High", "Main", True),
        ("hevc", "High", "Main", False),
    ],
)
def test_a_profile_holds_smaller_ones(codec, decoded, profile, expected):
    assert VideoSupport(codec, frozenset({decoded})).decodes_profile(profile) is expected


def test_without_profiles_all_are_decoded():
    assert VideoSupport("h264").decodes_profile("High 4:4:4 Predictive")
    assert VideoSupport("h264").decodes_profile("")
    assert not VideoSupport("h264", frozenset({"High"})).decodes_profile("")
