"""Encodings are judged by decoding them with PyAV, on both ffmpegs."""

from __future__ import annotations

import asyncio
import io
import struct
from array import array
from fractions import Fraction
from pathlib import Path

import av
import pytest

from tests.components.films import hostile_files, make_film, run_ffmpeg
from wylloh_server.adapters.ffmpeg import AvProber
from wylloh_server.domain.errors import TranscodeFailed
from wylloh_server.domain.playback import audio_timeline, video_timeline
from wylloh_server.domain.ports.media import PictureOrder, SoundOrder
from wylloh_server.domain.rendition import Probe, VideoTrack, bitrate_ladder, h264_codec, starting_rendition
from wylloh_server.domain.types import Seconds


@pytest.fixture
def made(encoder, door, lent):
    """Encodes a film and gives the files by name."""

    async def make(path, order_of):
        files = {}

        complete = asyncio.Event()

        async def sink(name, data):
            assert name not in files
            files[name] = data
            if name == f"{order.timeline.count - 1}.m4s":
                complete.set()

        async with lent(path) as source, door.receive(sink) as target:
            probe = await AvProber().probe(source)
            order = order_of(probe)
            async with encoder.encode(source, target, probe, order) as encoding:
                await encoding.wait()
            await complete.wait()  # ffmpeg does not wait until its last segment has been read
        return files

    return make


def picture(first, rendition=-1):
    def order(probe):
        timeline = video_timeline(probe.duration, probe.video.frame_rate)
        return PictureOrder(bitrate_ladder(probe.video)[rendition], timeline, first)

    return order


def sound(first, index=0):
    return lambda probe: SoundOrder(probe.audio[index], audio_timeline(probe.duration), first)


def joined(files, numbers):
    return b"".join([files["init.mp4"], *(files[f"{number}.m4s"] for number in numbers)])


def packets(data):
    """Time, duration and key frame flag of each packet, in exact seconds and in decoding order."""
    with av.open(io.BytesIO(data), format="mp4") as container:
        found = [packet for packet in container.demux(container.streams[0]) if packet.size]
        return [(p.pts * p.time_base, p.dts * p.time_base, bool(p.is_keyframe)) for p in found]


def pictures(data):
    """Time and a small grey copy of each picture."""
    with av.open(io.BytesIO(data), format="mp4") as container:
        frames = list(container.decode(video=0))
        small = [frame.reformat(width=64, height=36, format="gray").planes[0] for frame in frames]
        return [(f.pts * f.time_base, bytes(plane)) for f, plane in zip(frames, small, strict=True)]


def samples(data):
    """The left channel, -1…1, at 48 kHz."""
    heard = array("f")
    with av.open(io.BytesIO(data), format="mp4") as container:
        for frame in container.decode(audio=0):
            heard.frombytes(bytes(frame.planes[0])[: frame.samples * 4])
    return heard


def loudest(heard):
    return max(map(abs, heard))


def pitch(heard):
    """How often a second it swings from below zero to above."""
    return sum(before < 0 <= now for before, now in zip(heard, heard[1:])) * 48_000 / len(heard)


def base_times(segment):
    """The decode time of each fragment in a segment (ISO/IEC 14496-12, box `tfdt`)."""
    times, at = [], segment.find(b"tfdt")
    while at >= 0:
        times.append(struct.unpack(">Q", segment[at + 8 : at + 16])[0])
        at = segment.find(b"tfdt", at + 4)
    return times


async def test_the_picture_of_two_runs_joins_as_if_made_by_one(film, made):
    whole, later = await made(film, picture(0)), await made(film, picture(3))
    assert set(whole) == {"init.mp4", *(f"{number}.m4s" for number in range(6))}
    assert set(later) == {"init.mp4", *(f"{number}.m4s" for number in range(3, 6))}
    assert later["init.mp4"] == whole["init.mp4"]
    both = joined(whole | later, range(6))
    assert packets(both) == packets(joined(whole, range(6)))
    times = [time for time, _ in pictures(both)]
    assert times == [Fraction(number, 24) for number in range(288)]


async def test_a_later_run_shows_the_same_pictures(film, made):
    whole, later = await made(film, picture(0)), await made(film, picture(3))
    for (_, one), (_, other) in zip(pictures(joined(whole, [3])), pictures(joined(later, [3])), strict=True):
        # The timecode in the picture moves with every frame: another frame would differ far more.
        assert sum(abs(a - b) for a, b in zip(one, other, strict=True)) / len(one) < 3


async def test_renditions_have_their_key_frames_at_the_same_times(film, made):
    keys = []
    for rendition in (0, -1):
        files = await made(film, picture(0, rendition))
        keys.append([pts for pts, _, key in packets(joined(files, range(6))) if key])
    assert keys[0] == keys[1] == [Fraction(2 * number) for number in range(6)]


async def test_an_ntsc_film_is_cut_at_whole_frames(tmp_path, made):
    path = make_film(
        tmp_path / "ntsc.mkv", 7, size="320x180", rate="30000/1001", languages=(), subtitles=False
    )
    whole, later = await made(path, picture(0)), await made(path, picture(2))
    assert packets(joined(whole | later, range(4))) == packets(joined(whole, range(4)))
    times = [pts for pts, _, key in packets(joined(later, [2, 3])) if key]
    assert times == [pytest.approx(4.004, abs=1e-4), pytest.approx(6.006, abs=1e-4)]


async def test_the_sound_of_two_runs_joins_as_if_made_by_one(tmp_path, made):
    # Not Matroska: it rounds times to milliseconds, so that a run there begins up to half of one off.
    path = make_film(tmp_path / "film.mp4", 28, size="160x90", rate="5", languages=("eng",), subtitles=False)
    whole, later = await made(path, sound(0)), await made(path, sound(2))
    assert later["init.mp4"] == whole["init.mp4"]
    assert base_times(whole["0.m4s"]) == [0]
    assert base_times(later["2.m4s"]) == base_times(whole["2.m4s"]) == [2 * 8 * 48_000]
    # The first segment of the later run is its run-in and is not used.
    both = joined({**later, **{name: whole[name] for name in ("init.mp4", "0.m4s", "1.m4s")}}, range(4))
    assert packets(both) == packets(joined(whole, range(4)))
    one, other = samples(joined(whole, range(4))), samples(both)
    assert loudest(a - b for a, b in zip(one, other, strict=True)) < 0.02, "a click would be louder"
    assert loudest(other) > 0.05


async def test_each_language_has_its_own_tone(film, made):
    pitches = []
    for index in (0, 1):
        heard = samples(joined(await made(film, sound(0, index)), range(2)))
        pitches.append(pitch(heard[48_000:96_000]))
    assert pitches == [pytest.approx(220, abs=2), pytest.approx(440, abs=2)]


async def test_sound_that_begins_late_is_silent_until_then(tmp_path, made):
    path = make_film(
        tmp_path / "late.mkv",
        20,
        size="160x90",
        rate="5",
        languages=("eng",),
        subtitles=False,
        sound_begins=10,
    )
    whole, later = await made(path, sound(0)), await made(path, sound(1))
    for files in (whole, later):
        heard = samples(joined({**files, "0.m4s": whole["0.m4s"]}, range(3)))
        assert loudest(heard[: int(9.9 * 48_000)]) < 0.001
        assert loudest(heard[int(10.1 * 48_000) : 15 * 48_000]) > 0.05


async def test_the_announced_codec_is_the_one_in_the_init_segment(film, made):
    for rendition in (0, -1):
        init = (await made(film, picture(5, rendition)))["init.mp4"]
        profile = init[init.index(b"avcC") + 5 :][:3].hex()
        video = VideoTrack("h264", 640, 360, Fraction(24))
        assert h264_codec(bitrate_ladder(video)[rendition], Fraction(24)) == f"avc1.{profile}"


async def test_a_film_of_high_dynamic_range_becomes_an_ordinary_one(tmp_path, made):
    hdr = ("-color_primaries", "bt2020", "-color_trc", "smpte2084", "-colorspace", "bt2020nc")
    path = make_film(
        tmp_path / "hdr.mkv", 1, size="320x180", languages=(), subtitles=False,
        picture=(*hdr, "-x264-params", "colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc"),
    )  # fmt: skip
    files = await made(path, picture(0))
    with av.open(io.BytesIO(joined(files, [0])), format="mp4") as container:
        frame = next(container.decode(video=0))
    assert int(frame.color_trc) == 1, "BT.709"
    assert frame.format.name == "yuv420p"


async def test_leaving_early_ends_the_process(film, encoder, door, lent):
    begun = asyncio.Event()

    async def sink(name, data):
        begun.set()

    async with lent(film) as source, door.receive(sink) as target:
        probe = await AvProber().probe(source)
        async with encoder.encode(source, target, probe, picture(0, 0)(probe)) as encoding:
            await begun.wait()
            pid = encoding.pid
    assert not Path(f"/proc/{pid}").exists()


async def test_ffmpeg_can_write_no_file(film, encoder, door, lent, tmp_path):
    async with lent(film) as source:
        probe = await AvProber().probe(source)
        with pytest.raises(TranscodeFailed):
            async with encoder.encode(source, f"{tmp_path}/", probe, picture(0)(probe)) as encoding:
                await encoding.wait()
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) == 0


@pytest.mark.parametrize("name", ["playlist", "concat-script"])
async def test_ffmpeg_itself_refuses_a_playlist_in_disguise(name, film, tmp_path, encoder, door, lent):
    path = hostile_files(tmp_path, film)[name]
    probe = Probe("mov", Seconds(4), VideoTrack("h264", 640, 360, Fraction(24)))

    async def sink(name, data):
        raise AssertionError("something was made")

    async with lent(path) as source, door.receive(sink) as target:
        with pytest.raises(TranscodeFailed, match="ffmpeg ended with code"):
            async with encoder.encode(source, target, probe, picture(0)(probe)) as encoding:
                await encoding.wait()


async def test_a_still_is_a_jpeg_of_the_width_asked_for(film, encoder, lent):
    async with lent(film) as source:
        data = await encoder.still(source, Seconds(4), 320)
        with av.open(io.BytesIO(data), format="image2pipe") as container:
            frame = next(container.decode(video=0))
        assert (frame.width, frame.height) == (320, 180)
        with pytest.raises(TranscodeFailed, match="no picture"):
            await encoder.still(source, Seconds(1000), 320)


async def test_embedded_subtitles_become_webvtt(film, encoder, lent):
    async with lent(film) as source:
        text = await encoder.subtitles(source, 0)
    assert text.startswith("WEBVTT")
    assert "00:04.000 --> 00:06.500\nWe begin." in text


def test_playback_starts_with_a_middle_rendition():
    ladder = bitrate_ladder(VideoTrack("h264", 1280, 720, Fraction(24)))
    assert [rendition.label for rendition in ladder] == ["720p", "480p", "360p", "240p"]
    assert starting_rendition(ladder).label == "480p"


@pytest.fixture(scope="module")
def picture_files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    for name in ("a.jpg", "a.png", "a.webp", "a.bmp", "a.mp4"):
        picture = ("-f", "lavfi", "-i", "testsrc2=size=300x450:rate=5:duration=1")
        frames = () if name == "a.mp4" else ("-frames:v", "1")
        run_ffmpeg(*picture, *frames, str(folder / name))
    for name in ("a.jpg", "a.png"):
        (folder / f"cut-{name}").write_bytes((folder / name).read_bytes()[:1500])
    (folder / "garbage.jpg").write_bytes(b"\xff\xd8\xff garbage")
    (folder / "playlist.jpg").write_text(f"#EXTM3U\n#EXTINF:2,\n{folder}/a.mp4\n")
    return folder


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.webp"])
async def test_a_picture_becomes_a_jpeg_no_wider_than_asked_for(picture_files, encoder, lent, name):
    for wanted, size in ((1280, (300, 450)), (100, (100, 150))):
        async with lent(picture_files / name) as source:
            data = await encoder.jpeg(source, wanted)
        with av.open(io.BytesIO(data), format="image2pipe") as container:
            frame = next(container.decode(video=0))
        assert (frame.width, frame.height) == size


@pytest.mark.parametrize("name", ["a.bmp", "a.mp4", "cut-a.jpg", "cut-a.png", "garbage.jpg", "playlist.jpg"])
async def test_what_is_no_picture_or_only_part_of_one_is_refused(picture_files, encoder, lent, name):
    async with lent(picture_files / name) as source:
        with pytest.raises(TranscodeFailed):
            await encoder.jpeg(source, 1280)
