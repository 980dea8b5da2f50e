from __future__ import annotations

from fractions import Fraction

import pytest

from tests.components.films import hostile_files, make_film, run_ffmpeg
from wylloh_server.adapters.ffmpeg import AvProber
from wylloh_server.domain.errors import MediaRefused
from wylloh_server.domain.rendition import AudioTrack, SubtitleTrack, VideoTrack


async def test_what_is_in_a_film(film, lent):
    async with lent(film) as url:
        probe = await AvProber().probe(url)
    assert probe.container == "mov"
    assert probe.duration == pytest.approx(12, abs=0.1)
    assert probe.video == VideoTrack("h264", 640, 360, Fraction(24))
    assert probe.audio == (AudioTrack(0, "aac", "en", 2), AudioTrack(1, "aac", "de", 2))
    assert [(text.index, text.codec, text.language) for text in probe.subtitles] == [(0, "mov_text", "en")]


async def test_matroska_with_chapters_and_ntsc_rate(tmp_path, lent):
    chapters = tmp_path / "chapters.txt"
    chapters.write_text(";FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=1000\nEND=2000\ntitle=The door\n")
    plain = make_film(tmp_path / "plain.mkv", 3, rate="24000/1001", languages=("jpn",))
    path = tmp_path / "film.mkv"
    run_ffmpeg(
        "-i", str(plain), "-i", str(chapters), "-map", "0", "-map_metadata", "1", "-c", "copy", str(path)
    )
    async with lent(path) as url:
        probe = await AvProber().probe(url)
    assert probe.container == "matroska"
    assert probe.video.frame_rate == Fraction(24000, 1001)
    assert [(chapter.start, chapter.title) for chapter in probe.chapters] == [(1.0, "The door")]
    assert isinstance(probe.subtitles[0], SubtitleTrack)


async def test_a_picture_filmed_upright_is_seen_upright(tmp_path, lent):
    flat = make_film(tmp_path / "flat.mp4", 1, size="320x180", languages=(), subtitles=False)
    turned = tmp_path / "turned.mp4"
    run_ffmpeg("-display_rotation", "90", "-i", str(flat), "-c", "copy", str(turned))
    async with lent(turned) as url:
        probe = await AvProber().probe(url)
    assert (probe.video.width, probe.video.height) == (180, 320)


async def test_a_cover_picture_is_not_the_film(tmp_path, film, lent):
    cover, path = tmp_path / "cover.png", tmp_path / "film.mp4"
    run_ffmpeg("-f", "lavfi", "-i", "color=red:size=100x100", "-frames:v", "1", str(cover))
    run_ffmpeg(
        "-i", str(cover), "-i", str(film), "-map", "0", "-map", "1:v", "-map", "1:a",
        "-c", "copy", "-disposition:v:0", "attached_pic", str(path),
    )  # fmt: skip
    async with lent(path) as url:
        assert (await AvProber().probe(url)).video.width == 640


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
    ],
)
async def test_what_is_no_film_is_refused_with_a_reason(name, sentence, hostile, lent):
    async with lent(hostile[name]) as url:
        with pytest.raises(MediaRefused, match=sentence) as caught:
            await AvProber().probe(url)
    assert caught.value.fix


async def test_an_enormous_picture_is_refused(tmp_path, lent):
    path = tmp_path / "wide.mkv"
    run_ffmpeg("-f", "lavfi", "-i", "color=red:size=9000x16:rate=5:duration=1", "-c:v", "libx264", str(path))
    async with lent(path) as url:
        with pytest.raises(MediaRefused, match="9000x16"):
            await AvProber().probe(url)


async def test_only_the_door_is_ever_opened(film):
    with pytest.raises(MediaRefused):
        await AvProber().probe(f"file:{film}")
