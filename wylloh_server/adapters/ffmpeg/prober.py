"""Look into a film: run `probe_worker` in a process of its own and judge what it saw."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wylloh_server.adapters.ffmpeg.input_options import INPUT_OPTIONS, MOST_PIXELS
from wylloh_server.adapters.ffmpeg.process import running
from wylloh_server.domain.errors import MediaRefused, ProbeInterrupted, TranscodeFailed
from wylloh_server.domain.languages import language_name, language_tag
from wylloh_server.domain.media_formats import CODECS, TrackKind, codec_label, container_of
from wylloh_server.domain.rendition import (
    AudioTrack,
    Chapter,
    Probe,
    SubtitleTrack,
    VideoTrack,
    playback_rate,
    real_rate,
)
from wylloh_server.domain.types import Seconds

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wylloh_server.adapters.ffmpeg.child_sandbox import ChildSandbox
    from wylloh_server.adapters.ffmpeg.locate import Ffmpeg
    from wylloh_server.adapters.ffmpeg.progress_watch import WatchedEncoding

_LOOK = Path(__file__).with_name("probe_worker.py")
WORKER_READS = (str(_LOOK), sys.prefix, sys.base_prefix)
"""What the worker consists of: itself, PyAV and Python."""
_SECONDS = 75
_ANSWER_BYTES = 1 << 20
_LONGEST = 24 * 3600
_MOST_TRACKS = 32
_QUARTER_TURN = 90
_COMMENTARY = re.compile(r"(?i)comment|kommentar|comentari")
_LONGEST_RUN_UP = 60.0
_RUN_UP_UNKNOWN = 15.0
"""Seconds: where no two key frames were seen at the beginning, they are further apart than what was read."""

_REFUSALS = {
    "unreadable": (
        "This file is not a film this server opens: it is empty, cut off, or of another kind",
        "Play it in another player. If it plays there, convert it to MP4 or Matroska and try again.",
    ),
    "no-picture": (
        "There is no moving picture in this file",
        "Choose the file that holds the film, not its sound.",
    ),
    "cut-short": (
        "This file ends before the film does",
        "Copy or download it again; it was probably interrupted.",
    ),
    "codec": (
        "This server does not decode the codec of the picture",
        "Convert the film to H.264 in MP4 or Matroska with another program.",
    ),
    "protected": (
        "This film is protected by encryption (DRM)",
        "Only the program it was made for can play it.",
    ),
    "fault": (
        "The server failed to look into this file, which is a fault of the server and not of the film",
        "Report this message; until it is mended, convert the film to MP4 or Matroska.",
    ),
}


async def probe_film(
    url: str, tool: Ffmpeg, sandbox: ChildSandbox | None = None, watched: WatchedEncoding | None = None
) -> Probe:
    """Read what is in the film at a loopback URL; decodes its beginning, under the restrictions of ffmpeg.

    Args:
        url: where the film is.
        tool: what is going to decode it.
        sandbox: what the worker runs in.
        watched: what is read at the URL; a worker that stands still is given up.

    Raises:
        MediaRefused: not a film we open, and why.
        ProbeInterrupted: it took too long, or crashed the worker.
    """
    playable = {name for name, codec in CODECS.items() if tool.decoders.intersection(codec.decoders)}
    answer = await _look(url, playable, sandbox, watched)
    if reason := answer.get("refused"):
        sentence, fix = _REFUSALS[reason]
        detail = codec_label(answer["detail"]) if reason == "codec" else answer["detail"]
        # How our own loopback answers for an empty file would tell nobody anything.
        telling = detail and not detail.startswith("Server returned")
        raise MediaRefused(f"{sentence}{f' ({detail})' if telling else ''}.", fix=fix)
    return _judged(answer, playable)


async def _look(
    url: str, playable: set[str], sandbox: ChildSandbox | None, watched: WatchedEncoding | None
) -> dict[str, Any]:
    request = json.dumps({"options": INPUT_OPTIONS, "codecs": sorted(playable)})
    argv = [sys.executable, "-I", str(_LOOK), url, request]
    fix = "Convert the film to MP4 or Matroska with another program."
    try:
        async with (
            asyncio.timeout(_SECONDS),
            running(argv, sandbox=sandbox, source=url, reads=WORKER_READS) as process,
        ):
            output = process.output(_ANSWER_BYTES)
            if watched is not None:
                watched.begin(process)
                output = watched.watch(output)
            answer = json.loads(await output)
    except TimeoutError as error:
        raise ProbeInterrupted("Looking into this file took too long.", fix=fix) from error
    except TranscodeFailed as error:
        raise ProbeInterrupted(f"Looking into this file crashed its reader ({error}).", fix=fix) from error
    return dict(answer)


def _judged(answer: dict[str, Any], playable: set[str]) -> Probe:
    container = str(answer["container"]).split(",")[0]
    video = _video(answer["video"], container)
    duration = float(answer["duration"])
    if max(video.width, video.height) > MOST_PIXELS:
        raise MediaRefused(
            f"The picture is {video.width}x{video.height}; this server stops at {MOST_PIXELS} pixels a side.",
            fix="Scale the film down first.",
        )
    if not 0 < duration <= _LONGEST:
        raise MediaRefused(
            "The file does not say how long the film is, or claims more than a day.",
            fix="Repackage it: ffmpeg -i film -c copy film.mkv",
        )
    sounds = list(enumerate(answer["audio"][:_MOST_TRACKS]))
    return Probe(
        container=container,
        duration=Seconds(duration),
        video=video,
        audio=tuple(_audio(index, seen) for index, seen in sounds if _is_heard(seen, playable)),
        subtitles=tuple(_subtitles(answer["subtitles"])),
        chapters=tuple(Chapter(Seconds(item["start"]), item["title"]) for item in answer["chapters"]),
        notes=tuple(dict.fromkeys(_notes(answer, playable))),
    )


def _video(seen: dict[str, Any], demuxer: str) -> VideoTrack:
    width = max(1, round(seen["width"] * Fraction(*seen["shape"])))
    height = seen["height"]
    if abs(round(seen["rotation"])) % 180 == _QUARTER_TURN:
        width, height = height, width
    average = Fraction(*seen["rate"])
    return VideoTrack(
        codec=seen["codec"],
        width=width,
        height=height,
        # The fields of interlaced pictures may have times of their own.
        frame_rate=playback_rate(average if seen["interlaced"] else real_rate(average, seen["fastest"])),
        hdr=seen["hdr"],
        index=seen["index"],
        interlaced=seen["interlaced"],
        last=Seconds(seen["last"]),
        run_up=_run_up(demuxer, seen["keys"]),
        pixels=seen["pixels"],
        rotation=round(seen["rotation"]) % 360,
    )


def _run_up(demuxer: str, keys: float) -> Seconds:
    container = container_of(demuxer)
    if container is None or container.indexed:
        return Seconds(0)
    return Seconds(min(_LONGEST_RUN_UP, 1 + (1.5 * keys or _RUN_UP_UNKNOWN)))


def _is_heard(seen: dict[str, Any], playable: set[str]) -> bool:
    plays = seen["codec"] in playable and bool(seen["channels"])
    return plays and not (seen["silent"] or seen["protected"])


def _audio(index: int, seen: dict[str, Any]) -> AudioTrack:
    flags, title = seen["flags"], seen["title"]
    return AudioTrack(
        index,
        seen["codec"],
        language_tag(seen["language"]),
        seen["channels"],
        title,
        default="default" in flags,
        commentary="comment" in flags or bool(_COMMENTARY.search(title)),
        described="visual_impaired" in flags,
    )


def _subtitles(tracks: list[dict[str, Any]]) -> list[SubtitleTrack]:
    """Keep the tracks that are text; pictures of text cannot become WebVTT."""
    return [
        SubtitleTrack(
            index,
            seen["codec"],
            language_tag(seen["language"]),
            seen["title"],
            forced="forced" in seen["flags"],
            hearing_impaired="hearing_impaired" in seen["flags"],
        )
        for index, seen in enumerate(tracks[:_MOST_TRACKS])
        if _is_text(seen)
    ]


def _is_text(seen: dict[str, Any]) -> bool:
    return seen["codec"] in CODECS and CODECS[seen["codec"]].kind is TrackKind.TEXT


def _notes(answer: dict[str, Any], playable: set[str]) -> Iterator[str]:
    """Yield a sentence for each track that is left out."""
    for seen in answer["audio"]:
        if not _is_heard(seen, playable):
            why = "is damaged" if seen["codec"] in playable else "cannot be decoded here"
            why = "is protected by encryption (DRM)" if seen["protected"] else why
            yield f"The sound{_called(seen)} in {codec_label(seen['codec'])} {why} and is left out."
    for seen in answer["subtitles"]:
        if not _is_text(seen):
            drawn = seen["codec"] in CODECS
            why = "are pictures, which cannot be shown yet" if drawn else "are of a kind that cannot be shown"
            yield f"The subtitles{_called(seen)} in {codec_label(seen['codec'])} {why}."
    if answer["video"]["captions"]:
        yield "The closed captions in the picture (CEA-608) cannot be shown yet."


def _called(seen: dict[str, Any]) -> str:
    name = " ".join(seen["title"].split())[:80] or language_name(language_tag(seen["language"]))
    return f" \N{LEFT DOUBLE QUOTATION MARK}{name}\N{RIGHT DOUBLE QUOTATION MARK}" if name else ""
