"""Encodings are judged by decoding them with PyAV, on both ffmpegs."""

from __future__ import annotations

import asyncio
import io
import struct
from array import array
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import pytest

from tests.adapters.ffmpeg.test_corpus import PLAYABLE
from tests.components.films import hostile_files, make_film, run_ffmpeg
from wylloh_server.adapters.ffmpeg.command import MediaRoute, picture_command
from wylloh_server.adapters.ffmpeg.prober import probe_film
from wylloh_server.adapters.ffmpeg.process import running
from wylloh_server.domain.errors import TranscodeFailed
from wylloh_server.domain.playback import audio_timeline, video_timeline
from wylloh_server.domain.ports.media import VideoEncodeJob, AudioEncodeJob
from wylloh_server.domain.rendition import (
    Probe,
    SubtitleTrack,
    VideoTrack,
    bitrate_ladder,
    h264_codec,
    starting_rendition,
)
from wylloh_server.domain.types import Seconds


@pytest.fixture
def made(media, opened):
    """Encodes a film and gives the files by name."""

    async def make(path, order_of):
        files = {}

        complete = asyncio.Event()

        async def sink(name, data):
            assert name not in files
            files[name] = data
            if name == f"{order.timeline.count - 1}.m4s":
                complete.set()

        async with opened(path) as source:
            probe = await media.probe(source)
            order = order_of(probe)
            async with media.encode(source, sink, probe, order) as wait:
                await wait()
                await complete.wait()  # ffmpeg does not wait until its last segment has been read
        return files

    return make


def picture(first, rendition=-1):
    def order(probe):
        timeline = video_timeline(probe.duration, probe.video.frame_rate)
        return VideoEncodeJob(bitrate_ladder(probe.video)[rendition], timeline, first)

    return order


def sound(first, index=0):
    return lambda probe: AudioEncodeJob(probe.audio[index], audio_timeline(probe.duration), first)


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


async def test_a_trailer_becomes_what_browsers_play_and_what_they_play_already_is_copied(
    tmp_path, media, opened
):
    size = {"size": "64x36", "languages": ("eng",), "subtitles": False}
    hdr = ("-color_primaries", "bt2020", "-color_trc", "smpte2084", "-colorspace", "bt2020nc")
    params = ("-x264-params", "colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc")
    bright = make_film(tmp_path / "hdr.mkv", 1, picture=(*hdr, *params), extra=("-c:a", "ac3"), **size)
    plain = make_film(tmp_path / "plain.mkv", 1, **size)

    async def trailer(path):
        pieces = []

        async def write(piece):
            pieces.append(piece)

        async with opened(path) as source:
            await media.trailer(source, await media.probe(source), write)
        return io.BytesIO(b"".join(pieces))

    with av.open(await trailer(bright)) as container:
        assert [stream.codec_context.name for stream in container.streams] == ["h264", "aac"]
        frames = list(container.decode(video=0))
        assert (len(frames), frames[0].format.name, int(frames[0].color_trc)) == (24, "yuv420p", 1)
    with av.open(await trailer(plain)) as made, av.open(plain) as before:
        assert (
            made.streams.video[0].codec_context.extradata == before.streams.video[0].codec_context.extradata
        )
        sizes = [[packet.size for packet in one.demux(video=0) if packet.size] for one in (made, before)]
        assert sizes[0] == sizes[1]


async def test_leaving_early_ends_the_process(film, media, opened):
    begun = asyncio.Event()

    async def sink(name, data):
        begun.set()

    async with opened(film) as source:
        probe = await media.probe(source)
        async with media.encode(source, sink, probe, picture(0, 0)(probe)) as wait:
            await begun.wait()
            pid = wait.__self__.pid
    assert not Path(f"/proc/{pid}").exists()


async def test_ffmpeg_can_write_no_file(film, tool, lent, tmp_path):
    async with lent(film) as url:
        probe = await probe_film(url, tool)
        route = MediaRoute(url, f"{tmp_path}/", 2)
        with pytest.raises(TranscodeFailed):
            async with running(picture_command(tool, route, probe, picture(0)(probe))) as process:
                await process.wait()
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) == 0


@pytest.mark.parametrize("name", ["playlist", "concat-script"])
async def test_ffmpeg_itself_refuses_a_playlist_in_disguise(name, film, tmp_path, media, opened):
    path = hostile_files(tmp_path, film)[name]
    probe = Probe("mov", Seconds(4), VideoTrack("h264", 640, 360, Fraction(24)))

    async def sink(name, data):
        raise AssertionError("something was made")

    async with opened(path) as source:
        with pytest.raises(TranscodeFailed, match="ffmpeg ended with code"):
            async with media.encode(source, sink, probe, picture(0)(probe)) as wait:
                await wait()


@pytest.fixture
def still(media, opened):
    """Takes a still of a film."""

    async def take(path, width, **shape):
        async with opened(path) as source:
            data = await media.still(source, await media.probe(source), width, **shape)
        return _decoded(data)

    return take


def _decoded(jpeg):
    with av.open(io.BytesIO(jpeg), format="image2pipe") as container:
        return next(container.decode(video=0))


def brightness(frame):
    grey = frame.reformat(width=32, height=18, format="gray").planes[0]
    return sum(bytes(grey)) / len(bytes(grey))


async def test_a_still_is_a_jpeg_of_the_width_asked_for(film, still):
    frame = await still(film, 320)
    assert (frame.width, frame.height) == (320, 180)


async def test_a_still_has_the_shape_of_the_film(corpus, still):
    """180x144 pixels, each half as wide again as high, are 16:9."""
    frame = await still(corpus.film("anamorphic.mkv"), 320)
    assert (frame.width, frame.height) == (320, 180)


async def test_a_still_of_a_film_in_hdr_has_the_colours_of_its_playback(corpus, media, opened, made):
    """Much more so than a still whose colours are left as they are."""
    path = corpus.film("hdr.mkv")
    with av.open(io.BytesIO(joined(await made(path, picture(0, 0)), [0])), format="mp4") as container:
        shown = colours(list(container.decode(video=0))[5])
    off = []
    async with opened(path) as source:
        probe = await media.probe(source)
        for one in (probe, replace(probe, video=replace(probe.video, hdr=False))):
            off.append(distance(colours(_decoded(await media.still(source, one, 160))), shown))
    assert off[0] < off[1] / 3


def colours(frame):
    return bytes(frame.reformat(width=32, height=18, format="rgb24").planes[0])


async def test_a_still_is_not_dark_unless_the_film_is(corpus, still):
    """Where it would be taken first, and nearly everywhere, this film is black."""
    for upright in (False, True):
        assert brightness(await still(corpus.film("dark-beginning.mkv"), 160, upright=upright)) > 60
        assert brightness(await still(corpus.film("all-dark.mkv"), 160, upright=upright)) < 30


@pytest.mark.parametrize("size", ["320x180", "180x320", "320x134", "200x300"])
async def test_an_upright_still_is_cut_out_of_the_middle(size, corpus, still):
    """Of wide films and of those of phones: nothing is stretched, and its middle is the film's."""
    path = corpus.folder / f"middle-{size}.mkv"
    width, height = (int(side) for side in size.split("x"))
    box = f"drawbox=x={width // 2 - 20}:y={height // 2 - 20}:w=40:h=40:color=white:t=fill"
    run_ffmpeg("-f", "lavfi", "-i", f"color=gray:s={size}:r=25:d=2,{box}", "-c:v", "libx264", str(path))
    frame = await still(path, 120, upright=True)
    assert (frame.width, frame.height) == (120, 180)
    grey = bytes(frame.reformat(format="gray").planes[0])
    stride = frame.reformat(format="gray").planes[0].line_size
    white = [
        (at % stride, at // stride) for at, value in enumerate(grey) if value > 200 and at % stride < 120
    ]
    across, down = ({place[axis] for place in white} for axis in (0, 1))
    assert abs(min(across) + max(across) - 119) <= 4
    assert abs(min(down) + max(down) - 179) <= 4
    assert abs(len(across) - len(down)) <= 4, "a square stays one"


async def test_an_upright_still_is_not_dark_where_only_the_edges_are_bright(corpus, still):
    path = corpus.folder / "bright-edges.mkv"
    edges = "color=black:s=320x180:r=25:d=4,drawbox=x=0:w=60:h=180:y=0:color=white:t=fill"
    run_ffmpeg(
        "-f", "lavfi", "-i", f"{edges}[a];testsrc2=s=320x180:r=25:d=1[b];[a][b]concat",
        "-c:v", "libx264", "-g", "25", str(path),
    )  # fmt: skip
    assert brightness(await still(path, 120, upright=True)) > 60


async def test_a_still_shows_the_film_and_not_its_cover(corpus, still):
    frame = await still(corpus.film("cover-first.mkv"), 160)
    assert (frame.width, frame.height) == (160, 90)


async def test_no_still_of_what_has_no_picture(tmp_path, media, opened):
    path = tmp_path / "noise.mkv"
    path.write_bytes(bytes(1000))
    async with opened(path) as source:
        with pytest.raises(TranscodeFailed):
            await media.still(source, Probe("mov", Seconds(4), VideoTrack("h264", 64, 36, Fraction(24))), 64)


def combs(data):
    """How much neighbouring lines differ against lines of the same field, in the picture where it is most."""
    with av.open(io.BytesIO(data), format="mp4") as container:
        worst = 0.0
        for frame in container.decode(video=0):
            plane = frame.reformat(format="gray").planes[0]
            lines = [
                bytes(plane)[at : at + frame.width] for at in range(0, plane.buffer_size, plane.line_size)
            ]
            apart = [
                sum(
                    sum(map(abs, map(int.__sub__, one, other)))
                    for one, other in zip(lines[10:50], lines[10 + by :])
                )
                for by in (1, 2)
            ]
            worst = max(worst, apart[0] / (apart[1] + 1000))
    return worst


async def test_37_what_people_have_plays_with_picture_and_sound(corpus, made, media, opened):
    """On both ffmpegs, and not only what PyAV decodes when a film is looked into."""
    for name, (_, sounds) in PLAYABLE.items():
        path = corpus.film(name)
        moving = pictures(joined(await made(path, picture(0)), [0]))
        assert moving and moving[0][0] == 0, name
        assert len({small for _, small in moving[:8]}) > 1 or len(moving) == 1, f"{name} stands still"
        if sounds:
            heard = samples(joined(await made(path, sound(0)), [0]))
            assert loudest(heard) > 0.05, name
            assert pitch(heard[4_800:19_200]) == pytest.approx(440, abs=15), name


async def test_interlaced_pictures_are_made_whole(corpus, made):
    """A bar that moves has no comb of every other line at its edge."""
    files = await made(corpus.film("interlaced.mkv"), picture(0, 0))
    assert combs(joined(files, range(1))) < 2


async def test_the_last_picture_is_held_while_the_sound_goes_on(corpus, made):
    """Whether the encoding began before that picture or long after it."""
    path = corpus.film("sound-longer.mkv")
    whole, later = await made(path, picture(0)), await made(path, picture(3))
    shown = pictures(joined(later, [3, 4]))
    assert [time for time, _ in shown] == [6 + Fraction(number, 25) for number in range(len(shown))]
    assert len(shown) in {75, 76}
    last = pictures(joined(whole, [2]))[-1][1]
    for _, one in shown:
        assert sum(abs(a - b) for a, b in zip(one, last, strict=True)) / len(one) < 3


async def test_a_seek_in_a_transport_stream_with_few_key_frames_shows_that_second(corpus, made):
    path = corpus.film("long-gop.ts")
    whole, later = await made(path, picture(0, 0)), await made(path, picture(4, 0))
    right = [small for _, small in pictures(joined(whole, [4, 5]))]
    shown = [small for _, small in pictures(joined(later, [4, 5]))]
    assert len(shown) == len(right) == 100
    for number in range(0, 90, 10):
        same, other = (distance(shown[number], right[at]) for at in (number, number + 10))
        assert same < other / 2


def distance(one, other):
    return sum(abs(a - b) for a, b in zip(one, other, strict=True))


async def test_embedded_subtitles_become_webvtt(film, media, opened):
    async with opened(film) as source:
        text = await media.subtitles(source, SubtitleTrack(0, "mov_text", "en"))
    assert text.startswith("WEBVTT")
    assert "00:00:04.000 --> 00:00:06.500\nWe begin." in text


async def test_embedded_subtitles_keep_what_looks_like_a_tag_and_lose_drawings(corpus, media, opened):
    async with opened(corpus.film("texts.mkv")) as source:
        probe = await media.probe(source)
        subrip, substation = [await media.subtitles(source, track) for track in probe.subtitles]
    assert [(track.language, track.forced) for track in probe.subtitles] == [("de", True), ("ja", False)]
    assert "line:5%\n5 &lt; 6 &amp; <b>7</b>" in subrip
    assert "A sign" in substation
    assert "m 0 0" not in substation


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
async def test_a_picture_becomes_a_jpeg_no_wider_than_asked_for(picture_files, media, opened, name):
    for wanted, size in ((1280, (300, 450)), (100, (100, 150))):
        async with opened(picture_files / name) as source:
            data = await media.jpeg(source, wanted)
        with av.open(io.BytesIO(data), format="image2pipe") as container:
            frame = next(container.decode(video=0))
        assert (frame.width, frame.height) == size


@pytest.mark.parametrize("name", ["a.bmp", "a.mp4", "cut-a.jpg", "cut-a.png", "garbage.jpg", "playlist.jpg"])
async def test_what_is_no_picture_or_only_part_of_one_is_refused(picture_files, media, opened, name):
    async with opened(picture_files / name) as source:
        with pytest.raises(TranscodeFailed):
            await media.jpeg(source, 1280)
