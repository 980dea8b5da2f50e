"""What is done with each stream of a film, for which player, and why."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wylloh_server.domain.client_profile import (
    CLIENT_PROFILES,
    UNKNOWN_CLIENT,
    AudioSupport,
    ClientProfile,
    VideoSupport,
)
from wylloh_server.domain.film_index import (
    CutTimeline,
    DynamicRange,
    FilmIndex,
    IndexedAudio,
    IndexedVideo,
)
from wylloh_server.domain.play_decision import PlayAction, PlaybackLimits, PlayReason, decide_play
from wylloh_server.domain.rendition import AudioTrack, Probe, SubtitleTrack, VideoTrack
from wylloh_server.domain.types import Seconds

TIMELINE = CutTimeline((0, 100), Fraction(1))
SOUND_RATES = {"aac": 256_000, "eac3": 640_000, "dts": 1_509_000, "truehd": 5_000_000}


def picture(**changes) -> IndexedVideo:
    plain = {
        "stream": 0,
        "codec": "h264",
        "codec_string": "avc1.640029",
        "bit_rate": 10_000_000,
        "init": b"",
        "timeline": TIMELINE,
        "profile": "High",
        "level": 41,
        "bit_depth": 8,
        "width": 1920,
        "height": 800,
        "frame_rate": Fraction(24000, 1001),
    }
    return IndexedVideo(**plain | changes)


def sound(index=0, codec="aac", channels=2, **changes) -> IndexedAudio:
    plain = {
        "codec_string": "",
        "bit_rate": SOUND_RATES.get(codec, 192_000),
        "init": b"",
        "timeline": TIMELINE,
    }
    stream = {
        "stream": index + 1,
        "codec": codec,
        "index": index,
        "channels": channels,
        "sample_rate": 48_000,
    }
    return IndexedAudio(**plain | stream | changes)


def film(video: IndexedVideo, *audio: IndexedAudio, subtitles=()) -> tuple[Probe, FilmIndex]:
    tracks = tuple(AudioTrack(track.index, track.codec, "en", track.channels) for track in audio)
    shown = VideoTrack(video.codec, video.width, video.height, video.frame_rate, interlaced=video.interlaced)
    texts = tuple(SubtitleTrack(number, codec, "en") for number, codec in enumerate(subtitles))
    probe = Probe("Matroska", Seconds(100), shown, tracks, texts)
    return probe, FilmIndex(Fraction(0), video, audio)


H264_41 = VideoSupport("h264", frozenset({"High"}), 41, 8, 1920, 1080, 60)
PLAYER = ClientProfile(
    "player",
    (H264_41, VideoSupport("hevc", frozenset({"Main"}), 123, 8, 1920, 1080, 60)),
    (AudioSupport("aac", 6),),
    frozenset({DynamicRange.SDR}),
    frozenset({"webvtt"}),
    bit_rate=20_000_000,
)


def test_what_fits_is_direct():
    probe, index = film(picture(), sound(), sound(1, channels=6), subtitles=("subrip", "ass"))
    decision = decide_play(PLAYER, probe, index)
    streams = [decision.video, *(stream for _, stream in (*decision.audio, *decision.subtitles))]
    assert len(streams) == 5
    for stream in streams:
        assert stream.action is PlayAction.DIRECT
        assert stream.direct
        assert stream.reasons == (PlayReason.FITS,)
        assert stream.sentence == "This player plays it as it is."
    assert decision.profile == "player"
    assert [number for number, _ in decision.audio] == [0, 1]
    assert decision.direct_audio(1)
    assert not decision.direct_audio(2)
    hash(decision)


VIDEO_CASES = [
    ({"codec": "av1"}, {}, "codec", "This player does not decode AV1."),
    ({"profile": "High 10"}, {}, "profile", "This player does not decode H.264 of the kind High 10."),
    ({"profile": ""}, {}, "profile", "This player does not decode H.264 of an unknown kind."),
    ({"level": 51}, {}, "level", "The picture is H.264 of level 5.1; this player decodes up to 4.1."),
    (
        {"codec": "hevc", "profile": "Main", "level": 153},
        {},
        "level",
        "The picture is H.265 of level 5.1; this player decodes up to 4.1.",
    ),
    ({"bit_depth": 10}, {}, "bit-depth", "The picture has colours of 10 bits; this player decodes up to 8."),
    (
        {"width": 3840, "height": 1600},
        {},
        "size",
        "The picture has 3840x1600 pixels; this player decodes up to 1920x1080.",
    ),
    (
        {"frame_rate": Fraction(120_000, 1001)},
        {},
        "frame-rate",
        "The film has 119.88 pictures a second; this player decodes up to 60.",
    ),
    ({"dynamic_range": DynamicRange.HDR10}, {}, "dynamic-range", "This player does not show HDR10."),
    ({"dynamic_range": DynamicRange.HLG}, {}, "dynamic-range", "This player does not show HLG."),
    (
        {"dynamic_range": DynamicRange.DOLBY_VISION},
        {},
        "dynamic-range",
        "This player does not show Dolby Vision.",
    ),
    (
        {"interlaced": True},
        {},
        "interlaced",
        "This player does not show interlaced pictures, as television has them.",
    ),
    ({"rotated": 1}, {}, "rotated", "The picture must be turned, and this player does not do that."),
    ({"rotated": -1}, {}, "rotated", "The picture must be turned, and this player does not do that."),
    (
        {"bit_rate": 20_500_000},
        {},
        "bit-rate",
        "It needs 20.5 Mbit/s; this player takes up to 20.0 Mbit/s.",
    ),
    (
        {},
        {"bit_rate": 900_000},
        "limit-bit-rate",
        "It needs 10.0 Mbit/s; the owner of this server allows up to 900 kbit/s.",
    ),
    (
        {},
        {"height": 720},
        "limit-size",
        "The picture has 1920x800 pixels; the owner of this server allows up to 720p.",
    ),
]


@pytest.mark.parametrize(("changes", "limits", "reason", "sentence"), VIDEO_CASES)
def test_a_picture_is_encoded_for_one_reason_alone(changes, limits, reason, sentence):
    probe, index = film(picture(**changes), sound())
    decision = decide_play(PLAYER, probe, index, PlaybackLimits(**limits))
    assert decision.video.action is PlayAction.ENCODE
    assert decision.video.reasons == (PlayReason(reason),)
    assert decision.video.sentence == sentence
    assert decision.direct_audio(0)


@pytest.mark.parametrize(
    ("track", "limits", "reason", "sentence"),
    [
        (sound(codec="dts", channels=6), {}, "codec", "This player does not decode DTS."),
        (
            sound(channels=8),
            {},
            "channels",
            "The sound has 8 channels; this player takes up to 6.",
        ),
        (
            sound(bit_rate=30_000_000),
            {},
            "bit-rate",
            "It needs 30.0 Mbit/s; this player takes up to 20.0 Mbit/s.",
        ),
        (
            sound(),
            {"bit_rate": 200_000},
            "limit-bit-rate",
            "It needs 256 kbit/s; the owner of this server allows up to 200 kbit/s.",
        ),
    ],
)
def test_sound_is_encoded_for_one_reason_alone(track, limits, reason, sentence):
    probe, index = film(picture(bit_rate=100_000), track)
    decision = decide_play(PLAYER, probe, index, PlaybackLimits(**limits))
    (_, stream), = decision.audio  # fmt: skip
    assert (stream.action, stream.reasons) == (PlayAction.ENCODE, (PlayReason(reason),))
    assert stream.sentence == sentence
    assert decision.video.direct


def test_all_reasons_are_named_in_order():
    video = picture(
        profile="High 10",
        level=62,
        bit_depth=10,
        width=7680,
        height=4320,
        frame_rate=Fraction(120),
        dynamic_range=DynamicRange.HLG,
        interlaced=True,
        rotated=2,
        bit_rate=90_000_000,
    )
    probe, index = film(video)
    profile = replace(PLAYER, containers=frozenset({"mp4"}))
    decision = decide_play(profile, probe, index, PlaybackLimits(8_000_000, 1080)).video
    assert decision.reasons == tuple(map(PlayReason, (
        "profile", "level", "bit-depth", "size", "frame-rate", "dynamic-range", "interlaced", "rotated",
        "bit-rate", "limit-bit-rate", "limit-size", "container",
    )))  # fmt: skip
    assert decision.sentence.count(". ") == len(decision.reasons) - 1


def test_a_film_that_was_not_indexed_is_encoded():
    probe, _ = film(picture(), sound())
    decision = decide_play(PLAYER, probe, None)
    for stream in (decision.video, dict(decision.audio)[0]):
        assert stream.action is PlayAction.ENCODE
        assert stream.reasons == (PlayReason.NOT_INDEXED,)
        assert stream.sentence == "It is not known yet whether it can be sent as it is."


def test_a_stream_that_cannot_be_cut_is_encoded_and_the_others_are_not():
    probe, index = film(picture(), sound(), sound(1))
    decision = decide_play(PLAYER, probe, replace(index, video=None, audio=index.audio[1:]))
    for stream in (decision.video, dict(decision.audio)[0]):
        assert stream.reasons == (PlayReason.NOT_CUTTABLE,)
        assert stream.sentence == "It cannot be cut into the short pieces that players fetch."
    assert decision.direct_audio(1)


def test_what_the_probe_knows_is_named_without_an_index():
    probe, _ = film(picture(codec="mpeg2video", interlaced=True), sound(codec="dts"), sound(1, channels=8))
    decision = decide_play(PLAYER, probe, None)
    assert decision.video.reasons == (PlayReason.CODEC, PlayReason.INTERLACED, PlayReason.NOT_INDEXED)
    assert dict(decision.audio)[0].reasons == (PlayReason.CODEC, PlayReason.NOT_INDEXED)
    assert dict(decision.audio)[1].reasons == (PlayReason.CHANNELS, PlayReason.NOT_INDEXED)


def test_pictures_are_interlaced_if_either_look_found_it():
    probe, index = film(picture())
    seen = replace(probe, video=replace(probe.video, interlaced=True))
    assert decide_play(PLAYER, seen, index).video.reasons == (PlayReason.INTERLACED,)
    assert decide_play(replace(PLAYER, interlaced=True), seen, index).video.direct


def test_a_player_that_takes_no_fragments_gets_nothing_direct():
    probe, index = film(picture(), sound())
    decision = decide_play(replace(PLAYER, containers=frozenset({"mpegts"})), probe, index)
    assert decision.video.reasons == dict(decision.audio)[0].reasons == (PlayReason.CONTAINER,)


@pytest.mark.parametrize(
    ("shown", "codec", "action"),
    [
        ({"webvtt"}, "subrip", PlayAction.DIRECT),
        ({"webvtt"}, "ass", PlayAction.DIRECT),
        ({"ass"}, "ass", PlayAction.DIRECT),
        ({"ass"}, "subrip", PlayAction.BURN_IN),
        (set(), "mov_text", PlayAction.BURN_IN),
    ],
)
def test_text_is_shown_by_the_player_or_drawn_into_the_picture(shown, codec, action):
    probe, index = film(picture(), subtitles=(codec,))
    (number, decision), = decide_play(replace(PLAYER, subtitles=frozenset(shown)), probe, index).subtitles  # fmt: skip
    assert (number, decision.action) == (0, action)
    reason = PlayReason.FITS if action is PlayAction.DIRECT else PlayReason.SUBTITLE_FORMAT
    assert decision.reasons == (reason,)
    assert decision.sentence.endswith(".")


def test_the_bounds_nearest_to_the_picture_tell_what_is_in_its_way():
    ten = VideoSupport("h264", frozenset({"High 10"}), 51, 10, 1920, 1080, 60)
    probe, index = film(picture(profile="High 10", level=52, bit_depth=10))
    decision = decide_play(replace(PLAYER, video=(H264_41, ten)), probe, index).video
    assert decision.reasons == (PlayReason.LEVEL,)
    probe, index = film(picture(profile="High 10", level=51, bit_depth=10))
    assert decide_play(replace(PLAYER, video=(H264_41, ten)), probe, index).video.direct


def test_bounds_of_nothing_bound_nothing():
    probe, index = film(
        picture(level=62, bit_depth=12, width=8192, height=4320, frame_rate=Fraction(240), bit_rate=10**9),
        sound(channels=24),
    )
    profile = replace(PLAYER, video=(VideoSupport("h264"),), audio=(AudioSupport("aac"),), bit_rate=0)
    decision = decide_play(profile, probe, index)
    assert decision.video.direct
    assert decision.direct_audio(0)


@pytest.mark.parametrize(
    ("size", "direct"),
    [
        ((1920, 1088), True),  # as 1080 lines are coded
        ((1080, 1920), True),
        ((1920, 1090), False),
        ((2048, 858), False),
    ],
)
def test_the_size_that_a_player_decodes(size, direct):
    width, height = size
    probe, index = film(picture(width=width, height=height))
    assert decide_play(PLAYER, probe, index).video.direct is direct


@pytest.mark.parametrize(
    ("size", "height", "direct"),
    [
        ((1920, 1088), 1080, True),
        ((2048, 1080), 1080, True),
        ((2048, 858), 1080, True),
        ((4096, 2160), 2160, True),
        ((1080, 1920), 1080, True),
        ((2560, 1072), 1080, False),
        ((1920, 640), 720, False),
        ((1280, 544), 720, True),
        ((1440, 1080), 720, False),
    ],
)
def test_the_size_that_the_owner_allows(size, height, direct):
    width, high = size
    probe, index = film(picture(width=width, height=high))
    profile = replace(PLAYER, video=(VideoSupport("h264"),))
    assert decide_play(profile, probe, index, PlaybackLimits(height=height)).video.direct is direct


@pytest.mark.parametrize("rate", [Fraction(60), Fraction(60_000, 1001), Fraction(60_020, 1000)])
def test_a_measured_rate_may_lie_a_little_above(rate):
    probe, index = film(picture(frame_rate=rate))
    assert decide_play(PLAYER, probe, index).video.direct


@pytest.mark.parametrize("level", [-99, 0])
def test_a_level_that_is_not_known_is_no_obstacle(level):
    probe, index = film(picture(level=level))
    assert decide_play(PLAYER, probe, index).video.direct


def test_a_whole_turn_is_none():
    probe, index = film(picture(rotated=4))
    assert decide_play(PLAYER, probe, index).video.direct
    probe, index = film(picture(rotated=1))
    assert decide_play(replace(PLAYER, rotation=True), probe, index).video.direct


def test_one_of_several_bounds_of_a_codec_suffices():
    probe, index = film(picture(), sound(channels=6), sound(1, channels=8))
    decision = decide_play(
        replace(PLAYER, audio=(AudioSupport("aac", 6), AudioSupport("aac", 2))), probe, index
    )
    assert decision.direct_audio(0)
    assert dict(decision.audio)[1].sentence == "The sound has 8 channels; this player takes up to 6."


def test_levels_are_written_as_people_know_them():
    av1 = VideoSupport("av1", frozenset({"Main"}), level=9)
    probe, index = film(picture(codec="av1", profile="Main", level=13))
    decision = decide_play(replace(PLAYER, video=(av1,)), probe, index).video
    assert decision.sentence == "The picture is AV1 of level 5.1; this player decodes up to 4.1."


def test_the_tighter_limits_hold():
    assert PlaybackLimits(8, 0).tighter(PlaybackLimits(5, 720)) == PlaybackLimits(5, 720)
    assert PlaybackLimits(8, 480).tighter(PlaybackLimits(0, 720)) == PlaybackLimits(8, 480)
    assert PlaybackLimits().tighter(PlaybackLimits()) == PlaybackLimits()


def test_a_film_with_dts_on_a_browser_keeps_its_picture():
    probe, index = film(picture(), sound(codec="dts", channels=6))
    decision = decide_play(UNKNOWN_CLIENT, probe, index)
    assert decision.video.direct
    assert not decision.direct_audio(0)


DISC = film(
    picture(
        codec="hevc", codec_string="hvc1.2.4.L153.B0", profile="Main 10", level=153, bit_depth=10, width=3840,
        height=2160, bit_rate=60_000_000, dynamic_range=DynamicRange.HDR10,
    ),
    sound(0, "eac3", 6),
    sound(1, "dts", 6),
)  # fmt: skip


@pytest.mark.parametrize(
    ("key", "video", "eac3", "dts"),
    [
        ("unknown", ["codec", "dynamic-range"], ["codec"], ["codec"]),
        ("chromecast", ["codec", "dynamic-range"], ["codec"], ["codec"]),
        ("chromecast-ultra", ["fits"], ["codec"], ["codec"]),
        ("apple-tv", ["fits"], ["fits"], ["codec"]),
        ("safari", ["dynamic-range"], ["fits"], ["codec"]),
        ("android-tv", ["profile", "level", "bit-depth", "size", "dynamic-range"], ["codec"], ["codec"]),
        ("webos", ["fits"], ["fits"], ["codec"]),
        ("tizen", ["fits"], ["fits"], ["codec"]),
        ("dlna", ["codec", "dynamic-range", "container"], ["codec", "container"], ["codec", "container"]),
        ("mpv", ["fits"], ["fits"], ["fits"]),
        ("vlc", ["fits"], ["fits"], ["fits"]),
        ("kodi", ["fits"], ["fits"], ["fits"]),
    ],
)
def test_a_disc_of_4k_on_each_known_player(key, video, eac3, dts):
    probe, index = DISC
    decision = decide_play(CLIENT_PROFILES[key], probe, index)
    assert list(decision.video.reasons) == video
    assert [list(stream.reasons) for _, stream in decision.audio] == [eac3, dts]


def test_each_known_player_is_in_the_table():
    marks = test_a_disc_of_4k_on_each_known_player.pytestmark
    assert [case[0] for case in marks[0].args[1]] == list(CLIENT_PROFILES)


def test_each_reason_is_tested():
    named = {reason for _, _, reason, _ in VIDEO_CASES}
    others = {"fits", "channels", "subtitle-format", "container", "not-indexed", "not-cuttable"}
    assert named | others == set(PlayReason)


codecs = st.sampled_from(["h264", "hevc"])
profiles = st.sampled_from(["", "Main", "High", "High 10", "Main 10"])
bounds = st.integers(0, 3)
supports = st.builds(
    VideoSupport, codecs, st.frozensets(profiles, max_size=2), bounds, bounds,
    st.sampled_from([0, 16, 32]), st.sampled_from([0, 16, 32]), bounds,
)  # fmt: skip
clients = st.builds(
    ClientProfile, st.just("player"), st.lists(supports, max_size=3).map(tuple),
    st.lists(st.builds(AudioSupport, st.sampled_from(["aac", "dts"]), bounds), max_size=3).map(tuple),
    st.frozensets(st.sampled_from(DynamicRange)), st.frozensets(st.sampled_from(["webvtt", "ass"])),
    st.frozensets(st.sampled_from(["fmp4", "mp4"])), bounds, st.booleans(), st.booleans(),
)  # fmt: skip
pictures = st.builds(
    picture, codec=codecs, profile=profiles, level=st.integers(-1, 4), bit_depth=st.integers(1, 4),
    width=st.sampled_from([16, 32, 48]), height=st.sampled_from([16, 32, 48]),
    frame_rate=st.fractions(1, 4, max_denominator=10), dynamic_range=st.sampled_from(DynamicRange),
    interlaced=st.booleans(), rotated=st.integers(0, 3), bit_rate=st.integers(1, 4),
)  # fmt: skip
sounds = st.lists(
    st.tuples(st.sampled_from(["aac", "dts"]), st.integers(1, 4), st.integers(1, 4)), max_size=3
).map(
    lambda rows: [
        sound(number, codec, channels, bit_rate=rate) for number, (codec, channels, rate) in enumerate(rows)
    ]
)
films = st.builds(
    lambda video, audio, texts: film(video, *audio, subtitles=texts),
    pictures, sounds, st.lists(st.sampled_from(["ass", "subrip"]), max_size=2),
)  # fmt: skip
limits = st.builds(PlaybackLimits, bounds, st.sampled_from([0, 16, 32]))


@st.composite
def looser(draw, number):
    return draw(st.sampled_from([number, number * 2, 0]))


@st.composite
def loosened(draw, client):
    """The same player, with some bounds raised or taken away and more in its lists."""
    video = [
        VideoSupport(
            support.codec,
            draw(
                st.just(frozenset()) | profiles.map(lambda one, held=support.profiles: held and held | {one})
            ),
            *(
                draw(looser(bound))
                for bound in (support.level, support.bit_depth, support.width, support.height)
            ),
            draw(looser(support.frame_rate)),
        )
        for support in client.video
    ]
    audio = [AudioSupport(support.codec, draw(looser(support.channels))) for support in client.audio]
    other = draw(clients)
    return ClientProfile(
        client.name,
        tuple(draw(st.permutations([*video, *other.video]))),
        (*audio, *other.audio),
        client.dynamic_ranges | other.dynamic_ranges,
        client.subtitles | other.subtitles,
        client.containers | other.containers,
        draw(looser(client.bit_rate)),
        client.interlaced or other.interlaced,
        client.rotation or other.rotation,
    )


def direct_streams(decision):
    listed = [("video", 0, decision.video)]
    listed += [("audio", *row) for row in decision.audio] + [("text", *row) for row in decision.subtitles]
    return {(kind, number) for kind, number, stream in listed if stream.direct}


@given(clients, films, limits, st.data())
def test_a_player_that_can_do_more_loses_nothing(client, streams, allowed, data):
    probe, index = streams
    more = data.draw(loosened(client))
    wider = PlaybackLimits(data.draw(looser(allowed.bit_rate)), data.draw(looser(allowed.height)))
    before = direct_streams(decide_play(client, probe, index, allowed))
    assert before <= direct_streams(decide_play(more, probe, index, allowed))
    assert before <= direct_streams(decide_play(client, probe, index, wider))


@given(clients, films, limits, limits)
def test_tighter_limits_allow_what_both_allow(client, streams, one, other):
    both = direct_streams(decide_play(client, *streams, one)) & direct_streams(
        decide_play(client, *streams, other)
    )
    assert direct_streams(decide_play(client, *streams, one.tighter(other))) == both


@given(clients, films, limits, st.booleans(), st.sets(st.integers(0, 2)), st.booleans())
def test_nothing_is_direct_that_is_not_in_the_index(client, streams, allowed, cut, held, known):
    probe, index = streams
    kept = tuple(track for track in index.audio if track.index in held)
    partial = FilmIndex(index.origin, index.video if cut else None, kept) if known else None
    decision = decide_play(client, probe, partial, allowed)
    if not (known and cut):
        assert not decision.video.direct
    for number, stream in decision.audio:
        assert not stream.direct or (known and number in held)


@given(clients, films, limits, st.booleans())
def test_each_decision_says_why(client, streams, allowed, known):
    probe, index = streams
    decision = decide_play(client, probe, index if known else None, allowed)
    order = list(PlayReason)
    for stream in (decision.video, *(row[1] for row in (*decision.audio, *decision.subtitles))):
        assert list(stream.reasons) == sorted(set(stream.reasons), key=order.index)
        assert stream.direct == (stream.reasons == (PlayReason.FITS,))
        assert stream.sentence.count(". ") == len(stream.reasons) - 1
        assert stream.sentence.endswith(".")
    assert [number for number, _ in decision.audio] == [track.index for track in probe.audio]
