from __future__ import annotations

import asyncio
from dataclasses import replace
from fractions import Fraction
from itertools import islice

import av
import pytest

from tests.components.films import BUNDLED, hostile_files, make_film, run_ffmpeg
from wylloh_server.adapters.ffmpeg import find_ffmpeg
from wylloh_server.adapters.ffmpeg.input_options import INPUT_OPTIONS, PROTOCOLS
from wylloh_server.adapters.ffmpeg.prober import probe_film
from wylloh_server.domain.errors import MediaRefused
from wylloh_server.domain.rendition import AudioTrack, SubtitleTrack, VideoTrack

TOOL = find_ffmpeg(BUNDLED)


async def test_what_is_in_a_film(film, lent):
    async with lent(film) as url:
        probe = await probe_film(url, TOOL)
    assert probe.container == "mov"
    assert probe.duration == pytest.approx(12, abs=0.1)
    assert replace(probe.video, last=0) == VideoTrack("h264", 640, 360, Fraction(24), pixels="yuv420p")
    assert probe.audio == (AudioTrack(0, "aac", "en", 2, default=True), AudioTrack(1, "aac", "de", 2))
    assert [(text.index, text.codec, text.language) for text in probe.subtitles] == [(0, "mov_text", "en")]


async def test_matroska_with_chapters_and_ntsc_rate(tmp_path, lent):
    chapters = tmp_path / "chapters.txt"
    chapters.write_text(
        ";FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=1000\nEND=2000\ntitle=The loopback\n"
    )
    plain = make_film(tmp_path / "plain.mkv", 3, rate="24000/1001", languages=("jpn",))
    path = tmp_path / "film.mkv"
    run_ffmpeg(
        "-i", str(plain), "-i", str(chapters), "-map", "0", "-map_metadata", "1", "-c", "copy", str(path)
    )
    async with lent(path) as url:
        probe = await probe_film(url, TOOL)
    assert probe.container == "matroska"
    assert probe.video.frame_rate == Fraction(24000, 1001)
    assert [(chapter.start, chapter.title) for chapter in probe.chapters] == [(1.0, "The loopback")]
    assert isinstance(probe.subtitles[0], SubtitleTrack)


async def test_a_picture_filmed_upright_is_seen_upright(tmp_path, lent):
    flat = make_film(tmp_path / "flat.mp4", 1, size="320x180", languages=(), subtitles=False)
    turned = tmp_path / "turned.mp4"
    run_ffmpeg("-display_rotation", "90", "-i", str(flat), "-c", "copy", str(turned))
    async with lent(turned) as url:
        probe = await probe_film(url, TOOL)
    assert (probe.video.width, probe.video.height) == (180, 320)


async def test_a_cover_picture_is_not_the_film(tmp_path, film, lent):
    cover, path = tmp_path / "cover.png", tmp_path / "film.mp4"
    run_ffmpeg("-f", "lavfi", "-i", "color=red:size=100x100", "-frames:v", "1", str(cover))
    run_ffmpeg(
        "-i", str(cover), "-i", str(film), "-map", "0", "-map", "1:v", "-map", "1:a",
        "-c", "copy", "-disposition:v:0", "attached_pic", str(path),
    )  # fmt: skip
    async with lent(path) as url:
        assert (await probe_film(url, TOOL)).video.width == 640


@pytest.fixture(scope="module")
def hostile(tmp_path_factory, film):
    return hostile_files(tmp_path_factory.mktemp("hostile"), film)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("empty", "not a film"),
        ("text", "not a film"),
        ("noise", "not a film"),
        ("without-index", "not a film"),
        ("cut-short", "ends before the film does"),
        ("playlist", "not a film"),
        ("concat-script", "not a film"),
        ("sound-only", "no moving picture"),
        ("external-reference", "not a film"),
    ],
)
async def test_what_is_no_film_is_refused_with_a_reason(name, sentence, hostile, lent):
    async with lent(hostile[name]) as url:
        with pytest.raises(MediaRefused, match=sentence) as caught:
            await probe_film(url, TOOL)
    assert caught.value.fix


async def test_a_film_that_refers_to_another_file_opens_only_itself(hostile, lent):
    """Even if a demuxer is told to follow: of the protocols that the table lets in, none opens a file."""
    path, follow = hostile["external-reference"], {"enable_drefs": "1", "use_absolute_path": "1"}

    def pictures(url, **options):
        with av.open(url, options=options) as film:
            return sum(1 for _ in islice(film.decode(video=0), 3))

    assert pictures(str(path), **follow) == 3, "it is a trap that works"
    async with lent(path) as url:
        trapped = {**INPUT_OPTIONS, **follow, "protocol_whitelist": f"{PROTOCOLS},file"}
        assert await asyncio.to_thread(pictures, url, **trapped) == 3
        try:
            assert await asyncio.to_thread(pictures, url, **INPUT_OPTIONS, **follow) == 0
        except av.error.FFmpegError as error:
            assert "No such file" not in str(error)


async def test_an_enormous_picture_is_refused(tmp_path, lent):
    path = tmp_path / "wide.mkv"
    run_ffmpeg("-f", "lavfi", "-i", "color=red:size=9000x16:rate=5:duration=1", "-c:v", "libx264", str(path))
    async with lent(path) as url:
        with pytest.raises(MediaRefused, match="9000x16"):
            await probe_film(url, TOOL)


async def test_only_the_door_is_ever_opened(film):
    with pytest.raises(MediaRefused):
        await probe_film(f"file:{film}", TOOL)
