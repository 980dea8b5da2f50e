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

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import ffmpeg

from wylloh_server.adapters.ffmpeg.input_options import INPUT_OPTIONS, PICTURE_OPTIONS
from wylloh_server.domain.playback import AAC_FRAME, SAMPLE_RATE
from wylloh_server.domain.rendition import bitrate_ladder, h264_level
from wylloh_server.domain.trailer import plays_picture, plays_sound

if TYPE_CHECKING:
    from wylloh_server.adapters.ffmpeg.locate import Ffmpeg
    from wylloh_server.domain.ports.media import AudioEncodeJob, VideoEncodeJob
    from wylloh_server.domain.rendition import Probe, Rendition, SubtitleTrack, VideoTrack
    from wylloh_server.domain.types import Seconds

_RUN_UP = 0.5
"""Seconds before the first segment at which reading starts, so that no frame at the border is missed."""

_QUALITY = 21
"""Constant rate factor; the rendition's bit rate is the ceiling."""

_KEY_SECONDS = 2
"""Between key frames of a trailer."""

SOUND_BIT_RATE = 128_000

_TEXT_FORMATS = {"subrip": ("copy", "srt"), "ass": ("copy", "ass"), "webvtt": ("copy", "webvtt")}
"""Encoder and format by codec."""

_STILL_SECONDS = 5.0
_DARK = 40
"""Brightness (of 255) up to which a pixel is dark; black is 16."""
_MOST_DARK = 94
"""Per cent of a picture's pixels that may be dark, less than which it may be a poster."""


@dataclass(frozen=True, slots=True)
class MediaRoute:
    """Where the film is read from, and where segments are put: `target` is a URL that ends in '/'.

    `threads` is how many may decode, and how many encode.
    """

    source: str
    target: str
    threads: int


@dataclass(frozen=True, slots=True)
class StillShape:
    """How wide a still is in pixels, and whether it is upright: two wide by three high."""

    width: int
    upright: bool = False

    def scaled(self, video: VideoTrack) -> tuple[int, int]:
        """Return the size of a whole picture that covers the still."""
        least = self.width * 3 // 2 if self.upright else 0
        ratio = Fraction(video.width, video.height)
        width = max(Fraction(self.width), least * ratio)
        return _even(width), _even(max(Fraction(least), width / ratio))

    def cut(self, video: VideoTrack) -> tuple[int, int]:
        """Return the size of the part in the middle that is kept."""
        width, height = self.scaled(video)
        return (
            (_even(Fraction(self.width)), _even(Fraction(self.width * 3, 2)))
            if self.upright
            else (width, height)
        )


def _even(pixels: Fraction) -> int:
    return max(2, round(pixels / 2) * 2)


def picture_command(tool: Ffmpeg, route: MediaRoute, probe: Probe, order: VideoEncodeJob) -> list[str]:
    """Encode one rendition as HLS segments."""
    rate, timeline = probe.video.frame_rate, order.timeline
    start = timeline.start(order.first)
    frames = round(timeline.segment * rate)
    source = _opened(route, start - _run_up(probe), noaccurate_seek=None)
    picture = _picture(tool, source[f"v:{probe.video.index}"], probe, order)
    options = _h264(probe, order.rendition) | {
        "g": frames,
        "keyint_min": frames,
        "sc_threshold": 0,
        "frames:v": round((timeline.duration - start) * rate),
        "threads:v": route.threads,
    }
    return _compiled(tool, _segments(picture, route, order.first, options))


def sound_command(tool: Ffmpeg, route: MediaRoute, order: AudioEncodeJob) -> list[str]:
    """Encode one sound track as stereo AAC in HLS segments, one before the first wanted if there is one."""
    timeline = order.timeline
    warm_up = max(0, order.first - 1)
    start = timeline.start(warm_up)
    begin = int(max(0, start - _RUN_UP) * SAMPLE_RATE) - SAMPLE_RATE
    sound = (
        _opened(route, start - Fraction(_RUN_UP))[f"a:{order.track.index}"]
        # Holes are filled with silence, the one before the first sound too.
        .filter("aresample", SAMPLE_RATE, **{"async": 1, "min_hard_comp": 0.1, "first_pts": begin})
        .filter("aformat", sample_fmts="fltp", channel_layouts="stereo")
        .filter("atrim", start_pts=int(start * SAMPLE_RATE) + AAC_FRAME)
        .filter("apad")
        .filter("atrim", end_pts=int(timeline.duration * SAMPLE_RATE))
    )
    options = {"c:a": "aac", "b:a": SOUND_BIT_RATE, "hls_time": float(timeline.segment)}
    return _compiled(tool, _segments(sound, route, warm_up, options))


def still_command(
    tool: Ffmpeg, source: str, probe: Probe, at: Seconds, shape: StillShape, *, black: bool = False
) -> list[str]:
    """Write one picture as JPEG to stdout, the most typical one of the second after `at`.

    It has the film's colours on an ordinary screen. Unless `black`, dark ones are left out,
    and nothing is written if all of them are dark for some seconds.
    """
    video, run_up = probe.video, _run_up(probe)
    seek = max(0.0, float(at) - float(run_up))
    film = _input(source, **_from(seek), t=float(run_up) + _STILL_SECONDS, noaccurate_seek=None)
    picture = _deinterlaced(film[f"v:{video.index}"], probe)
    # Cut before dark ones are left out: a bright edge must not make up for a dark middle.
    picture = picture.filter("scale", *shape.scaled(video)).filter("crop", *shape.cut(video))
    if video.hdr and tool.tone_maps:
        picture = _tone_mapped(picture).filter("format", "yuv420p")
    if not black:
        picture = picture.filter("blackframe", amount=0, threshold=_DARK).filter(
            "metadata", "select", key="lavfi.blackframe.pblack", value=_MOST_DARK, function="less"
        )
    return _jpeg(tool, picture.filter("thumbnail", 24))


def picture_file_command(tool: Ffmpeg, source: str, width: int) -> list[str]:
    """Write a picture file as JPEG to stdout, at most `width` pixels wide; transparent areas become black."""
    picture = ffmpeg.input(source, **PICTURE_OPTIONS)["v:0"]
    return _jpeg(tool, picture.filter("scale", f"min({width},iw)", -2))


def trailer_command(tool: Ffmpeg, source: str, probe: Probe, threads: int) -> list[str]:
    """Write a whole short film to stdout as MP4 that browsers play; what they play already is copied.

    It is fragmented, since stdout cannot be gone back in; the index of its fragments is at its end.
    """
    film = _input(source, threads=threads)
    picture: Any = film[f"v:{probe.video.index}"]
    options: dict[str, Any] = {
        "f": "mp4",
        "movflags": "+frag_keyframe+empty_moov+default_base_moof",
        "map_metadata": -1,
        "map_chapters": -1,
    }
    if plays_picture(probe.video):
        options["c:v"] = "copy"
    else:
        picture = _trailer_picture(tool, picture, probe)
        options |= _h264(probe, bitrate_ladder(probe.video)[0]) | {"threads:v": threads}
    streams = [picture]
    if sound := next(iter(probe.audio), None):
        streams.append(film[f"a:{sound.index}"])
        options |= {"c:a": "copy"} if plays_sound(sound) else {"c:a": "aac", "b:a": SOUND_BIT_RATE, "ac": 2}
    return _compiled(tool, ffmpeg.output(*streams, "pipe:1", **options))


def _trailer_picture(tool: Ffmpeg, stream: Any, probe: Probe) -> Any:
    rendition, rate = bitrate_ladder(probe.video)[0], probe.video.frame_rate
    stream = _deinterlaced(stream, probe).filter("fps", fps=f"{rate.numerator}/{rate.denominator}")
    stream = stream.filter("scale", rendition.width, rendition.height).filter("setsar", 1)
    if probe.video.hdr and tool.tone_maps:
        stream = _tone_mapped(stream)
    return stream.filter("format", "yuv420p")


def _h264(probe: Probe, rendition: Rendition) -> dict[str, Any]:
    """Return the options of an encoding as H.264 within the bit rate of a rendition."""
    return {
        "c:v": "libx264",
        "preset": "veryfast",
        "profile:v": "high",
        "level:v": f"{h264_level(rendition, probe.video.frame_rate) / 10:.1f}",
        "crf": _QUALITY,
        "maxrate": rendition.bit_rate,
        "bufsize": rendition.bit_rate,
        "g": round(_KEY_SECONDS * probe.video.frame_rate),
    }


def _jpeg(tool: Ffmpeg, stream: Any) -> list[str]:
    # What reads a JPEG takes its colours for those of BT.601, in full range (JFIF).
    picture = stream.filter("scale", out_color_matrix="bt601", out_range="full")
    picture = picture.filter("setsar", 1).filter("format", "yuvj420p")
    output = ffmpeg.output(picture, "pipe:1", **{"frames:v": 1, "f": "image2pipe", "c:v": "mjpeg", "q:v": 3})
    return _compiled(tool, output)


def subtitles_command(tool: Ffmpeg, source: str, track: SubtitleTrack) -> list[str]:
    """Write one embedded text track to stdout, in the text format it is in, or else as SubRip.

    It is not decoded where that can be avoided: ffmpeg's decoders lose what looks like a tag.
    """
    encoder, muxer = _TEXT_FORMATS.get(track.codec, ("subrip", "srt"))
    output = ffmpeg.output(_input(source)[f"s:{track.index}"], "pipe:1", **{"f": muxer, "c:s": encoder})
    return _compiled(tool, output)


def _input(source: str, **options: Any) -> Any:
    return ffmpeg.input(source, **INPUT_OPTIONS, **options)


def _run_up(probe: Probe) -> Fraction:
    """Return how many seconds before a picture reading begins, so that a key frame comes before it."""
    return max(Fraction(_RUN_UP), Fraction(probe.video.run_up).limit_denominator(1000))


def _opened(route: MediaRoute, seek: Fraction, **options: Any) -> Any:
    beginning = _from(float(seek))
    return _input(
        route.source, **beginning, copyts=None, start_at_zero=None, threads=route.threads, **options
    )


def _from(seconds: float) -> dict[str, str]:
    """Return the option to begin reading there; none at 0, where a seek loses the beginning of FLV."""
    return {"ss": f"{seconds:.6f}"} if seconds > 0 else {}


def _picture(tool: Ffmpeg, stream: Any, probe: Probe, order: VideoEncodeJob) -> Any:
    rate, start = probe.video.frame_rate, order.timeline.start(order.first)
    begin = min(start, _before_last(probe))
    stream = _deinterlaced(stream, probe)
    stream = stream.filter(
        "fps", fps=f"{rate.numerator}/{rate.denominator}", start_time=f"{float(begin):.6f}"
    )
    stream = stream.filter("scale", order.rendition.width, order.rendition.height).filter("setsar", 1)
    if probe.video.hdr and tool.tone_maps:
        stream = _tone_mapped(stream)
    stream = stream.filter("format", "yuv420p").filter("tpad", stop=-1, stop_mode="clone")
    return stream if begin == start else stream.filter("trim", start=f"{float(start):.6f}")


def _before_last(probe: Probe) -> Fraction:
    """Return the frame a second before the last picture: who begins after it still meets that picture."""
    rate = probe.video.frame_rate
    return max(Fraction(0), Fraction(math.floor((Fraction(probe.video.last) - 1) * rate)) / rate)


def _deinterlaced(stream: Any, probe: Probe) -> Any:
    """Make whole pictures of frames that are marked as two fields."""
    if not probe.video.interlaced:
        return stream
    return stream.filter("bwdif", mode="send_frame", parity="auto", deint="interlaced")


def _tone_mapped(stream: Any) -> Any:
    """Bring HDR into the range of an ordinary screen, after scaling down because it is slow."""
    return (
        stream.filter("zscale", transfer="linear", npl=100)
        .filter("format", "gbrpf32le")
        .filter("zscale", primaries="bt709")
        .filter("tonemap", "hable", desat=0)
        .filter("zscale", transfer="bt709", matrix="bt709", range="tv")
    )


def _segments(stream: Any, route: MediaRoute, first: int, options: dict[str, Any]) -> Any:
    """Cut at every key frame, unless the options say when, and put the pieces through the loopback."""
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
