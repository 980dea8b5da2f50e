"""The command lines, as pure functions: from orders to argument lists, with ffmpeg-python.

How segments made by different runs join exactly:

- Timestamps stay those of the film (`-copyts -start_at_zero`, `-avoid_negative_ts disabled`, `frag_discont`).
- The picture is brought to a constant frame rate whose grid starts at 0, begins at exactly the first frame
  of segment `first` and has a key frame every so many frames and nowhere else; the muxer cuts at every one.
- The sound starts one segment early, because an AAC encoder needs a frame of run-in. It starts one frame late
  in that segment: the encoder puts its run-in frame before the first sample, thus exactly at the boundary.
- Both are padded to the announced end, so that every segment of the playlist comes into being.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import ffmpeg

from wylloh_server.adapters.ffmpeg._guard import INPUT_OPTIONS, PICTURE_OPTIONS
from wylloh_server.domain.playback import AAC_FRAME, SAMPLE_RATE
from wylloh_server.domain.rendition import h264_level

if TYPE_CHECKING:
    from fractions import Fraction

    from wylloh_server.adapters.ffmpeg.resolve import Ffmpeg
    from wylloh_server.domain.ports.media import PictureOrder, SoundOrder
    from wylloh_server.domain.rendition import Probe
    from wylloh_server.domain.types import Seconds

_RUN_UP = 0.5
"""Seconds before the first segment at which reading starts, so that no frame at the border is missed."""

_QUALITY = 21
"""Constant rate factor; the rendition's bit rate is the ceiling."""

SOUND_BIT_RATE = 128_000


@dataclass(frozen=True, slots=True)
class Route:
    """Where the film is read from, and where segments are put: `target` is a URL that ends in '/'.

    `threads` is how many may decode, and how many encode.
    """

    source: str
    target: str
    threads: int


def picture_command(tool: Ffmpeg, route: Route, probe: Probe, order: PictureOrder) -> list[str]:
    """Encode one rendition as HLS segments."""
    rate, timeline = probe.video.frame_rate, order.timeline
    start = timeline.start(order.first)
    frames = round(timeline.segment * rate)
    picture = _picture(tool, _opened(route, start)["V:0"], probe, order)
    options = {
        "c:v": "libx264",
        "preset": "veryfast",
        "profile:v": "high",
        "level:v": f"{h264_level(order.rendition, rate) / 10:.1f}",
        "crf": _QUALITY,
        "maxrate": order.rendition.bit_rate,
        "bufsize": order.rendition.bit_rate,
        "g": frames,
        "keyint_min": frames,
        "sc_threshold": 0,
        "frames:v": round((timeline.duration - start) * rate),
        "threads:v": route.threads,
    }
    return _compiled(tool, _segments(picture, route, order.first, options))


def sound_command(tool: Ffmpeg, route: Route, order: SoundOrder) -> list[str]:
    """Encode one sound track as stereo AAC in HLS segments, one before the first wanted if there is one."""
    timeline = order.timeline
    warm_up = max(0, order.first - 1)
    start = timeline.start(warm_up)
    begin = int(max(0, start - _RUN_UP) * SAMPLE_RATE) - SAMPLE_RATE
    sound = (
        _opened(route, start)[f"a:{order.track.index}"]
        # Holes are filled with silence, the one before the first sound too.
        .filter("aresample", SAMPLE_RATE, **{"async": 1, "min_hard_comp": 0.1, "first_pts": begin})
        .filter("aformat", sample_fmts="fltp", channel_layouts="stereo")
        .filter("atrim", start_pts=int(start * SAMPLE_RATE) + AAC_FRAME)
        .filter("apad")
        .filter("atrim", end_pts=int(timeline.duration * SAMPLE_RATE))
    )
    options = {"c:a": "aac", "b:a": SOUND_BIT_RATE, "hls_time": float(timeline.segment)}
    return _compiled(tool, _segments(sound, route, warm_up, options))


def still_command(tool: Ffmpeg, source: str, at: Seconds, width: int) -> list[str]:
    """Write one picture as JPEG to stdout; the most typical one of the second after `at`."""
    picture = (
        _input(source, ss=max(0.0, float(at)))["V:0"]
        .filter("thumbnail", 24)
        .filter("scale", width, -2)
        .filter("setsar", 1)
        .filter("format", "yuvj420p")
    )
    output = ffmpeg.output(picture, "pipe:1", **{"frames:v": 1, "f": "image2pipe", "c:v": "mjpeg", "q:v": 3})
    return _compiled(tool, output)


def picture_file_command(tool: Ffmpeg, source: str, width: int) -> list[str]:
    """Write a picture file as JPEG to stdout, at most `width` pixels wide; what shows through is black."""
    picture = (
        ffmpeg.input(source, **PICTURE_OPTIONS)["v:0"]
        .filter("scale", f"min({width},iw)", -2)
        .filter("setsar", 1)
        .filter("format", "yuvj420p")
    )
    output = ffmpeg.output(picture, "pipe:1", **{"frames:v": 1, "f": "image2pipe", "c:v": "mjpeg", "q:v": 3})
    return _compiled(tool, output)


def subtitles_command(tool: Ffmpeg, source: str, index: int) -> list[str]:
    """Write one embedded text track as WebVTT to stdout."""
    output = ffmpeg.output(_input(source)[f"s:{index}"], "pipe:1", **{"f": "webvtt", "c:s": "webvtt"})
    return _compiled(tool, output)


def _input(source: str, **options: Any) -> Any:
    return ffmpeg.input(source, **INPUT_OPTIONS, **options)


def _opened(route: Route, start: Fraction) -> Any:
    seek = float(max(0, start - _RUN_UP))
    return _input(route.source, ss=f"{seek:.6f}", copyts=None, start_at_zero=None, threads=route.threads)


def _picture(tool: Ffmpeg, stream: Any, probe: Probe, order: PictureOrder) -> Any:
    rate = probe.video.frame_rate
    start = float(order.timeline.start(order.first))
    stream = stream.filter("fps", fps=f"{rate.numerator}/{rate.denominator}", start_time=f"{start:.6f}")
    stream = stream.filter("scale", order.rendition.width, order.rendition.height).filter("setsar", 1)
    if probe.video.hdr and tool.tone_maps:
        stream = _tone_mapped(stream)
    return stream.filter("format", "yuv420p").filter("tpad", stop=-1, stop_mode="clone")


def _tone_mapped(stream: Any) -> Any:
    """Bring HDR into the range of an ordinary screen, after scaling down because it is slow."""
    return (
        stream.filter("zscale", transfer="linear", npl=100)
        .filter("format", "gbrpf32le")
        .filter("zscale", primaries="bt709")
        .filter("tonemap", "hable", desat=0)
        .filter("zscale", transfer="bt709", matrix="bt709", range="tv")
    )


def _segments(stream: Any, route: Route, first: int, options: dict[str, Any]) -> Any:
    """Cut at every key frame, unless the options say when, and put the pieces through the door."""
    hls = {
        "f": "hls",
        # Shorter than any segment: the muxer then cuts at every key frame, and only there.
        "hls_time": 0.2,
        "hls_segment_type": "fmp4",
        "hls_list_size": 1,
        "hls_fmp4_init_filename": "init.mp4",
        "hls_segment_filename": f"{route.target}%d.m4s",
        "hls_segment_options": "movflags=+frag_discont",
        "start_number": first,
        "avoid_negative_ts": "disabled",
        # A connection of its own for each file: on a kept one, ffmpeg's hanging up at the end with an unread
        # answer would make the kernel throw away what we have not read yet.
        "method": "PUT",
        "http_persistent": 0,
        "map_metadata": -1,
        "map_chapters": -1,
    }
    return ffmpeg.output(stream, f"{route.target}list.m3u8", **{**hls, **options})


def _compiled(tool: Ffmpeg, output: Any) -> list[str]:
    quiet = output.global_args("-nostdin", "-hide_banner", "-loglevel", "error")
    return [str(word) for word in quiet.compile(cmd=tool.path)]
