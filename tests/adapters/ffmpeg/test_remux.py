"""Streams that are handed through: every packet once, at its time, whatever is asked for first."""

from __future__ import annotations

import asyncio
import io
import random
from contextlib import closing
from fractions import Fraction
from functools import partial
from itertools import islice, pairwise

import av
import pytest

from tests.components.films import BUNDLED, run_ffmpeg
from tests.components.fmp4 import read_fragment, timescale
from wylloh_server.adapters.ffmpeg import FfmpegMediaTools, find_ffmpeg
from wylloh_server.adapters.ffmpeg.remux.demuxer import Demuxer
from wylloh_server.adapters.ffmpeg.remux.fragments import write_fragment
from wylloh_server.adapters.ffmpeg.remux.remuxer import PacketRemuxer
from wylloh_server.adapters.files.local_files import LocalFolders
from wylloh_server.domain.errors import ContentError, MediaRefused

SECONDS = 20
_PICTURE = f"testsrc2=s=320x180:r=24000/1001:d={SECONDS}"
_SOUND = f"sine=440:d={SECONDS}:sample_rate=48000"
_X264 = ("-c:v", "libx264", "-preset", "veryfast", "-bf", "3", "-g", "24", "-pix_fmt", "yuv420p")
_X265 = ("-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none:keyint=48:open-gop=0")
_VP9 = ("-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-g", "48")
_AV1 = ("-c:v", "libsvtav1", "-preset", "13", "-g", "48")

FILMS = {
    "aac.mp4": (*_X264, "-c:a", "aac"),
    "aac.mkv": (*_X264, "-c:a", "aac"),
    "surround.mkv": (*_X264, "-c:a", "ac3", "-ac", "6"),
    "surround.mp4": (*_X264, "-c:a", "eac3", "-ac", "6"),
    "mp3.mp4": (*_X264, "-c:a", "libmp3lame"),
    "opus.mkv": (*_X264, "-c:a", "libopus"),
    "flac.mkv": (*_X265, "-c:a", "flac"),
    "fragmented.mp4": (*_X264, "-c:a", "aac", "-movflags", "frag_keyframe+empty_moov"),
    "no-cues.mkv": (*_X264, "-c:a", "aac", "-live", "1"),
    "hevc-10.mkv": (*_X265, "-pix_fmt", "yuv420p10le", "-c:a", "eac3"),
    "vp9.webm": (*_VP9, "-c:a", "libopus"),
    "av1.mkv": (*_AV1, "-c:a", "aac"),
    "trimmed.mp4": ("-ss", "0", *_X264, "-c:a", "aac", "-output_ts_offset", "2"),
}
NAMES = {
    "aac.mp4": ("avc1.64000c", "mp4a.40.2"),
    "surround.mkv": ("avc1.64000c", "ac-3"),
    "surround.mp4": ("avc1.64000c", "ec-3"),
    "mp3.mp4": ("avc1.64000c", "mp4a.6B"),
    "opus.mkv": ("avc1.64000c", "opus"),
    "flac.mkv": ("hvc1.1.6.L60.90", "flac"),
    "hevc-10.mkv": ("hvc1.2.4.L60.90", "ec-3"),
    "vp9.webm": ("vp09.00.11.08", "opus"),
    "av1.mkv": ("av01.0.00M.08", "mp4a.40.2"),
}


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    """Gives a film of `FILMS`, made when it is wanted first."""
    folder = tmp_path_factory.mktemp("films")

    def film(name):
        path = folder / name
        if not path.exists():
            inputs = ("-f", "lavfi", "-i", _PICTURE, "-f", "lavfi", "-i", _SOUND)
            run_ffmpeg(*inputs, *FILMS[name], str(path))
        return path

    return film


@pytest.fixture
async def remuxer():
    remuxer = PacketRemuxer()
    yield remuxer
    await remuxer.close()


@pytest.fixture
async def indexed(films, remuxer, loopback):
    """Looks into a film: gives what opens it, and its index."""
    media = FfmpegMediaTools(loopback, find_ffmpeg(BUNDLED), threads=2)

    async def look(name):
        path = films(name) if isinstance(name, str) else name
        source = await LocalFolders().open(path)
        try:
            index = await remuxer.index(source, await media.probe(source))
        finally:
            await source.close()
        return partial(LocalFolders().open, path), index

    return look


@pytest.fixture
async def segments(remuxer, indexed):
    """All segments of each stream of a film, in the order of a shuffled list of numbers."""

    async def make(name):
        opens, index = await indexed(name)
        made = []
        for stream in filter(None, (index.video, *index.audio)):
            numbers = list(range(stream.timeline.count))
            random.Random(7).shuffle(numbers)
            found = {n: await remuxer.segment(str(name), opens, stream, n) for n in numbers}
            made.append((stream, [found[n] for n in sorted(found)]))
        assert made, index.obstacles
        return made

    return make


@pytest.mark.parametrize("name", FILMS)
async def test_9_segments_hold_every_packet_once_and_join_without_gap_or_overlap(segments, films, name):
    for stream, made in await segments(name):
        fragments = [read_fragment(stream.init, data) for data in made]
        tick = 1 / timescale(stream.init)
        for number, fragment in enumerate(fragments):
            assert abs(fragment.begins - stream.timeline.start(number)) <= tick
            if number + 1 < len(fragments):
                assert abs(fragment.ends - fragments[number + 1].begins) <= tick
            assert abs(min(fragment.shown) - fragment.begins) <= tick
            assert fragment.shown[0] == min(fragment.shown)
        bodies = b"".join(fragment.data for fragment in fragments)
        assert bodies == b"".join(packets_shown(films(name), stream.stream))


def packets_shown(path, number):
    """The packets of a stream, without those before the film begins."""
    with av.open(str(path)) as film:
        origin = (film.start_time or 0) / av.time_base
        packets = [packet for packet in film.demux(film.streams[number]) if packet.pts is not None]
        return [
            bytes(packet) for packet in packets if float(packet.pts * packet.time_base) - origin > -0.0005
        ]


@pytest.mark.parametrize("name", NAMES)
async def test_9_an_index_names_the_codecs_as_playlists_do(indexed, name):
    _, index = await indexed(name)
    assert (index.video.codec_string, index.audio[0].codec_string) == NAMES[name]
    assert index.obstacles == ()


@pytest.mark.parametrize("name", ["aac.mp4", "aac.mkv", "hevc-10.mkv"])
async def test_9_pictures_are_shown_when_the_film_shows_them(segments, films, name):
    stream, made = (await segments(name))[0]
    shown = sorted(time for data in made for time in read_fragment(stream.init, data).shown)
    with av.open(str(films(name))) as film:
        picture = film.streams.video[0]
        real = sorted(
            packet.pts * packet.time_base for packet in film.demux(picture) if packet.pts is not None
        )
    assert len(shown) == len(real)
    # The first picture is there from the beginning; all others are where they were.
    assert max(abs(ours - theirs) for ours, theirs in zip(shown[1:], real[1:], strict=True)) < 0.0005


async def test_9_segments_last_two_seconds_at_least_and_begin_with_a_key_frame(segments, indexed):
    stream, made = (await segments("aac.mkv"))[0]
    lengths = [float(stream.timeline.length(number)) for number in range(stream.timeline.count)]
    assert all(2 <= length <= 6 for length in lengths[:-1])
    for data in made:
        with av.open(io.BytesIO(stream.init + data)) as film:
            assert next(film.demux(film.streams.video[0])).is_keyframe


async def test_9_the_init_segment_is_always_the_same(indexed, films):
    _, index = await indexed("surround.mkv")
    with films("surround.mkv").open("rb") as file, closing(Demuxer(file)) as demuxer:
        for stream in index.audio:
            packets = list(islice(demuxer.packets(stream.stream, Fraction(11)), 4))
            for number, packet in enumerate(packets):
                packet.pts = packet.dts = number * 40
            assert write_fragment(demuxer.stream(stream.stream), packets)[0] == stream.init
        head = list(islice(demuxer.packets(index.video.stream, Fraction(11)), 4))
        for number, packet in enumerate(head):
            packet.pts = packet.dts = number * 40
        stream = demuxer.stream(index.video.stream)
        assert write_fragment(stream, head, "yuv420p")[0] == index.video.init


async def test_9_flac_says_how_many_bits_a_sample_has(indexed):
    """Chromium refuses a track that says 0."""
    _, index = await indexed("flac.mkv")
    init = index.audio[0].init
    assert int.from_bytes(init[(at := init.find(b"fLaC")) + 22 : at + 24], "big") == 16


async def test_9_nothing_is_decoded_in_the_process_of_the_server(films):
    """What strangers put into a film meets two demuxers: a decoder's fault would have the server's keys."""
    with av.open(str(films("vp9.webm"))) as film:
        assert film.streams.video[0].codec_context.pix_fmt == "yuv420p"  # which a decoder has seen
    with films("vp9.webm").open("rb") as file, closing(Demuxer(file)) as demuxer:
        assert demuxer.kind("video")[0].codec_context.pix_fmt is None
    with pytest.raises(av.error.FFmpegError):
        Demuxer(io.BytesIO(b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n/etc/passwd\n"))


async def test_9_what_cannot_be_cut_is_said(indexed, tmp_path, films):
    far = tmp_path / "far.mkv"
    run_ffmpeg("-f", "lavfi", "-i", _PICTURE, *_X264, "-g", "10000", "-sc_threshold", "0", str(far))
    _, index = await indexed(far)
    assert index.video is None
    assert index.obstacles == ("The picture: its key frames are up to 20 s apart.",)
    stream = tmp_path / "film.ts"
    run_ffmpeg("-i", str(films("aac.mp4")), "-c", "copy", str(stream))
    _, index = await indexed(stream)
    assert index.video is None and index.obstacles == ("It is of a kind that is not cut.",)


async def test_9_a_track_that_cannot_be_put_into_fmp4_costs_no_other(indexed, tmp_path):
    path = tmp_path / "dts.mkv"
    inputs = (
        "-f",
        "lavfi",
        "-i",
        _PICTURE,
        "-f",
        "lavfi",
        "-i",
        _SOUND,
        "-map",
        "0",
        "-map",
        "1",
        "-map",
        "1",
    )
    run_ffmpeg(*inputs, *_X264, "-c:a:0", "dca", "-strict", "-2", "-c:a:1", "aac", str(path))
    _, index = await indexed(path)
    assert index.video and [stream.index for stream in index.audio] == [1]
    assert index.obstacles == ("Sound track 1: dts is not put into fMP4.",)


async def test_9_a_film_that_became_another_one_is_refused_and_one_that_is_away_says_so(
    remuxer, indexed, tmp_path, films
):
    opens, index = await indexed("aac.mp4")
    other = tmp_path / "other.mp4"
    other.write_bytes(b"no film at all" * 1000)
    with pytest.raises(MediaRefused, match="cannot be read as it is"):
        await remuxer.segment("other", partial(LocalFolders().open, other), index.video, 3)

    class Away:
        size = films("aac.mp4").stat().st_size

        async def read(self, offset, length):
            raise ContentError("A block is missing.", fix="Fetch it.")

        async def close(self):
            pass

    async def away():
        return Away()

    with pytest.raises(ContentError, match="A block is missing"):
        await remuxer.segment("away", away, index.video, 3)
    assert await remuxer.segment("aac.mp4", opens, index.video, 3)


async def test_9_sound_that_ends_long_before_the_film_ends_there(indexed, tmp_path):
    path = tmp_path / "short-sound.mkv"
    sound = ("-f", "lavfi", "-i", "sine=440:d=7:sample_rate=48000")
    run_ffmpeg("-f", "lavfi", "-i", _PICTURE, *sound, *_X264, "-c:a", "aac", str(path))
    _, index = await indexed(path)
    assert abs(index.audio[0].timeline.duration - 7) < 0.1
    assert index.video.timeline.duration > 19


async def test_9_a_hole_in_the_sound_is_a_segment_like_any_other(segments, tmp_path):
    """Players stop at an empty segment, and at one that says it cannot be made."""
    path = tmp_path / "hole.mkv"
    whole = tmp_path / "whole.mkv"
    run_ffmpeg("-f", "lavfi", "-i", _PICTURE, "-f", "lavfi", "-i", _SOUND, *_X264, "-c:a", "aac", str(whole))
    hole = ("-bsf:a", "noise=drop=between(pts*tb\\,5\\,14)")
    run_ffmpeg("-i", str(whole), "-c", "copy", *hole, str(path))
    stream, made = (await segments(path))[1]
    fragments = [read_fragment(stream.init, data) for data in made]
    assert all(fragment.sizes for fragment in fragments)
    for fragment, after in pairwise(fragments):
        assert fragment.ends <= after.begins + Fraction(1, 1000)


async def test_9_a_disk_that_fails_is_said(remuxer, indexed):
    _, index = await indexed("aac.mp4")

    class Failing:
        size = 1 << 20

        async def read(self, offset, length):
            raise OSError(5, "Input/output error")

        async def close(self):
            pass

    async def failing():
        return Failing()

    with pytest.raises(MediaRefused, match="Input/output error"):
        await remuxer.segment("failing", failing, index.video, 3)


async def test_9_who_goes_while_a_segment_is_copied_closes_nothing_under_the_thread(remuxer, indexed, films):
    opens, index = await indexed("aac.mp4")
    film = await opens()
    closed_while_reading, reading = [], []

    class Slow:
        size = film.size

        async def read(self, offset, length):
            reading.append(offset)
            await asyncio.sleep(0.2)
            data = await film.read(offset, length)
            reading.pop()
            return data

        async def close(self):
            closed_while_reading.append(bool(reading))
            await film.close()

    async def slow():
        return Slow()

    task = asyncio.create_task(remuxer.segment("slow", slow, index.video, 3))
    while not reading:
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert closed_while_reading == [False]


async def test_9_films_that_nobody_uses_are_closed(remuxer, indexed, monkeypatch):
    monkeypatch.setattr("wylloh_server.adapters.ffmpeg.remux.remuxer._IDLE_SECONDS", 0.05)
    opens, index = await indexed("aac.mp4")
    assert await remuxer.segment("aac.mp4", opens, index.video, 3)
    async with asyncio.timeout(20):
        while remuxer._idle:
            await asyncio.sleep(0.02)
