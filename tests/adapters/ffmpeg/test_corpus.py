"""Films of the kinds that people have, real ones and made ones' like, looked into with the locked PyAV."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import pytest

from tests.components.corpus import RECIPES
from tests.components.films import BUNDLED, FFMPEGS
from wylloh_server.adapters.ffmpeg import FfmpegMediaTools, find_ffmpeg
from wylloh_server.adapters.ffmpeg.probe_worker import _Beginning, _End
from wylloh_server.adapters.ffmpeg.prober import _is_heard, _notes, probe_film
from wylloh_server.adapters.ffmpeg.input_options import INPUT_OPTIONS
from wylloh_server.domain.errors import MediaRefused
from wylloh_server.domain.media_formats import (
    CODECS,
    CONTAINERS,
    FILM_SUFFIXES,
    UNPLAYABLE_FILES,
    TrackKind,
    codec_label,
    container_of,
)

PLAYABLE = {
    # name: codec of the picture, codecs of the sounds
    "nosar.mp4": ("h264", ["aac"]),
    "mp2.ts": ("mpeg2video", ["mp2"]),
    "pcm.mkv": ("h264", ["pcm_u8"]),
    "wma.mkv": ("wmv2", ["wmav2"]),
    "divx3.avi": ("msmpeg4v3", ["mp2"]),
    "dv.avi": ("dvvideo", ["pcm_s16le"]),
    "camcorder.dv": ("dvvideo", ["pcm_s16le"]),
    "program.mpg": ("mpeg2video", ["mp2"]),
    "dvd.vob": ("mpeg2video", ["ac3"]),
    "bluray.m2ts": ("h264", ["ac3"]),
    "camcorder.MTS": ("h264", ["ac3"]),
    "windows.wmv": ("wmv2", ["wmav2"]),
    "flash.flv": ("flv1", ["aac"]),
    "theora.ogv": ("theora", ["vorbis"]),
    "phone.3gp": ("h263", ["amr_nb"]),
    "broadcast.mxf": ("mpeg2video", ["pcm_s16le"]),
    "dcp.mxf": ("jpeg2000", []),
    "latm.ts": ("h264", ["aac_latm"]),
    "one-picture.mp4": ("h264", []),
    "between-key-frames.ts": ("h264", ["ac3"]),
    "no-duration.mkv": ("h264", ["pcm_u8"]),
}


@pytest.fixture
def media(loopback):
    return FfmpegMediaTools(loopback, find_ffmpeg(BUNDLED), threads=1)


@pytest.fixture
def probe(media, corpus, opened):
    """Probe a film of the corpus."""

    async def probe_named(name):
        async with opened(corpus.film(name)) as source:
            return await media.probe(source)

    return probe_named


@pytest.mark.parametrize("name", PLAYABLE)
async def test_what_people_have_is_accepted_and_its_pictures_are_decoded(name, media, corpus, opened):
    async with opened(corpus.film(name)) as source:
        probe = await media.probe(source)
        picture = await media.still(source, probe, 64)
    assert (probe.video.codec, [sound.codec for sound in probe.audio]) == PLAYABLE[name]
    assert probe.notes == ()
    assert 0 < probe.duration < 15
    assert picture.startswith(b"\xff\xd8")


def test_what_people_have_has_a_name_that_is_looked_at():
    assert {name[name.rindex(".") :].lower() for name in PLAYABLE} <= FILM_SUFFIXES


@pytest.mark.parametrize(
    ("name", "sentence", "fix"),
    [
        (
            "unplayable-picture.mkv",
            r"does not decode the codec of the picture \(MAGICYUV\)",
            "Convert the film",
        ),
        ("protected.mp4", "protected by encryption", "Only the program"),
        ("cut-short.mkv", "ends before the film does", "Copy or download it again"),
    ],
)
async def test_what_does_not_play_is_refused_when_it_is_looked_at_with_its_reason(name, sentence, fix, probe):
    with pytest.raises(MediaRefused, match=sentence) as caught:
        await probe(name)
    assert caught.value.fix.startswith(fix)


async def test_one_track_that_cannot_be_decoded_costs_that_track_with_a_word(probe):
    seen = await probe("unplayable-sound.mkv")
    assert [(sound.index, sound.language) for sound in seen.audio] == [(1, "en")]
    assert seen.notes == ("The sound “Deutsch” in ADPCM_YAMAHA cannot be decoded here and is left out.",)


async def test_a_damaged_track_costs_that_track_with_a_word(probe):
    """Also where only trying shows it."""
    seen = await probe("damaged-sound.mkv")
    assert [sound.title for sound in seen.audio] == ["Main"]
    assert seen.notes == ("The sound “Director's commentary” in AAC is damaged and is left out.",)


@pytest.mark.parametrize(
    ("name", "note"),
    [
        (
            "drawn-subtitles.mkv",
            "The subtitles “Deutsch” in PGS are pictures, which cannot be shown yet.",
        ),
        (
            "unknown-subtitles.mkv",
            "The subtitles “Deutsch” in an unknown codec are of a kind that cannot be shown.",
        ),
        ("captions.mkv", "The closed captions in the picture (CEA-608) cannot be shown yet."),
    ],
)
async def test_what_is_left_out_is_named(name, note, probe):
    seen = await probe(name)
    assert seen.notes == (note,)
    assert not seen.subtitles


def test_a_sound_that_is_protected_is_named_and_left_out(corpus):
    with av.open(str(corpus.film("protected.mp4"))) as container:
        (video,), (sound,) = container.streams.video, container.streams.audio
        beginning = _Beginning(container, video, frozenset({"aac"}))
        assert not beginning.is_locked(sound)
        for _ in beginning._packets():
            pass
        assert beginning.is_locked(sound)
    seen = {"codec": "aac", "language": "eng", "title": "", "channels": 2, "silent": False}
    answer = {"subtitles": [], "video": {"captions": False}}
    answer["audio"] = [seen | {"protected": protected} for protected in (False, True)]
    assert [*_notes(answer, {"aac"})] == [
        "The sound “English” in AAC is protected by encryption (DRM) and is left out."
    ]
    assert [_is_heard(one, {"aac"}) for one in answer["audio"]] == [True, False]


async def test_an_unexpected_error_of_the_probe_says_that_it_is_the_server_s_fault(film, lent, monkeypatch):
    """It does not read as "took too long"."""
    monkeypatch.setattr("wylloh_server.adapters.ffmpeg.prober.INPUT_OPTIONS", {"protocol_whitelist": 5})
    async with lent(film) as url:
        with pytest.raises(MediaRefused, match="a fault of the server and not of the film .TypeError"):
            await probe_film(url, find_ffmpeg(BUNDLED))


async def test_the_cover_is_not_the_film_even_where_nobody_marked_it(probe):
    seen = await probe("cover-first.mkv")
    assert (seen.video.index, seen.video.width) == (1, 160)


@pytest.mark.parametrize(
    ("name", "rate", "interlaced"),
    [
        ("variable.mp4", 60, False),
        ("interlaced.mkv", 25, True),
        ("phone.3gp", 15, False),
        ("camcorder.dv", 25, True),
    ],
)
async def test_the_rate_is_that_of_the_quickest_part_and_fields_are_noticed(name, rate, interlaced, probe):
    video = (await probe(name)).video
    assert (video.frame_rate, video.interlaced) == (Fraction(rate), interlaced)


async def test_where_the_picture_ends_and_where_key_frames_are_is_known(probe):
    assert (await probe("sound-longer.mkv")).video.last == pytest.approx(1.96, abs=0.05)
    assert (await probe("long-gop.ts")).video.run_up == pytest.approx(8.5)
    assert (await probe("pcm.mkv")).video.run_up == 0


@pytest.mark.parametrize(("reached", "early"), [(0.0, False), (40.0, True), (99.0, False)])
def test_a_film_none_of_whose_places_can_be_reached_is_not_called_cut_short(reached, early):
    class Container:
        start_time = 0

        def seek(self, at):
            raise av.error.FFmpegError(1, "cannot seek")

    end = _End(Container(), None, 100.0)
    end.find()
    end.any = reached
    assert end.is_early is early


async def test_commentary_and_the_track_to_begin_with_are_known(probe):
    first, second = (await probe("two-sounds.mkv")).audio
    assert (first.commentary, first.default) == (True, False)
    assert (second.commentary, second.default) == (False, True)


@pytest.mark.parametrize("program", FFMPEGS)
def test_every_codec_of_the_table_is_decoded_by_the_ffmpegs_that_are_tested(program):
    """What is in the table plays."""
    decoders = find_ffmpeg(program).decoders
    allowed = [codec for codec in CODECS.values() if codec.decoders]
    assert [codec.name for codec in allowed if not decoders.intersection(codec.decoders)] == []


def test_the_table_lets_in_nothing_that_opens_other_files_or_addresses():
    """Containers are opened by whitelist, and none of them is a list, a script or a protocol."""
    opening = {
        "hls", "applehttp", "concat", "dash", "imf", "image2", "sdp", "rtsp", "rtp", "tedcaptions", "lavfi",
        "webm_dash_manifest", "ffmetadata", "vobsub", "smoothstreaming", "xv", "tty", "libopenmpt", "mpegtsraw",
    }  # fmt: skip
    demuxers = [name for container in CONTAINERS for name in container.demuxers]
    assert not opening.intersection(demuxers)
    assert INPUT_OPTIONS["format_whitelist"].split(",") == demuxers, "and nothing else is opened"


def test_the_table_says_each_thing_once():
    demuxers = [name for container in CONTAINERS for name in container.demuxers]
    suffixes = [suffix for container in CONTAINERS for suffix in container.suffixes]
    assert len(demuxers) == len(set(demuxers))
    assert len(suffixes) == len(set(suffixes)) == len(FILM_SUFFIXES)
    assert not FILM_SUFFIXES & UNPLAYABLE_FILES.keys()
    assert all(suffix == suffix.lower() for suffix in FILM_SUFFIXES | UNPLAYABLE_FILES.keys())
    assert INPUT_OPTIONS["codec_whitelist"].split(",") == [
        decoder for codec in CODECS.values() for decoder in codec.decoders
    ]
    assert not [codec for codec in CODECS.values() if codec.kind is TrackKind.DRAWN_TEXT and codec.decoders]


def test_codecs_and_containers_have_names_for_people():
    assert (codec_label("mp2"), codec_label("ac4"), codec_label("magicyuv")) == (
        "MPEG layer 2", "Dolby AC-4", "MAGICYUV",
    )  # fmt: skip
    assert container_of("webm").name == "Matroska"
    assert container_of("hls") is None


def test_every_recipe_is_used_by_a_test():
    used = Path(__file__).read_text() + Path(__file__).with_name("test_media_tools.py").read_text()
    assert [name for name in RECIPES if f'"{name}"' not in used] == []
