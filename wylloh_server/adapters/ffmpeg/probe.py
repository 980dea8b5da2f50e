"""The port `Prober`: runs `_look` in a process of its own and judges what it saw."""

from __future__ import annotations

import asyncio
import json
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

from wylloh_server.adapters.ffmpeg._guard import INPUT_OPTIONS, MOST_PIXELS, TEXT_CODECS
from wylloh_server.adapters.ffmpeg.process import running
from wylloh_server.domain.errors import MediaRefused, TranscodeFailed
from wylloh_server.domain.languages import language_tag
from wylloh_server.domain.rendition import (
    AudioTrack,
    Chapter,
    Probe,
    SubtitleTrack,
    VideoTrack,
    playback_rate,
)
from wylloh_server.domain.types import Seconds

_LOOK = Path(__file__).with_name("_look.py")
_SECONDS = 45
_ANSWER_BYTES = 1 << 20
_LONGEST = 24 * 3600
_MOST_TRACKS = 32
_QUARTER_TURN = 90

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
}


class AvProber:
    """Looks into films with PyAV, under the same restrictions as ffmpeg."""

    async def probe(self, url: str) -> Probe:
        """Read what is inside; decodes one picture.

        Raises:
            MediaRefused: not a film we open, and why.
        """
        answer = await self._look(url)
        if reason := answer.get("refused"):
            sentence, fix = _REFUSALS[reason]
            # How our own door answers for an empty file would tell nobody anything.
            telling = answer["detail"] and not answer["detail"].startswith("Server returned")
            detail = f" ({answer['detail']})" if telling else ""
            raise MediaRefused(f"{sentence}{detail}.", fix=fix)
        return _judged(answer)

    async def _look(self, url: str) -> dict[str, Any]:
        argv = [sys.executable, "-I", str(_LOOK), url, json.dumps(INPUT_OPTIONS)]
        try:
            async with asyncio.timeout(_SECONDS), running(argv) as process:
                answer = json.loads(await process.output(_ANSWER_BYTES))
        except (TimeoutError, TranscodeFailed) as error:
            raise MediaRefused(
                "Looking into this file took too long or crashed.",
                fix="Convert the film to MP4 or Matroska with another program.",
            ) from error
        return dict(answer)


def _judged(answer: dict[str, Any]) -> Probe:
    video = _video(answer["video"])
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
    return Probe(
        container=str(answer["container"]).split(",")[0],
        duration=Seconds(duration),
        video=video,
        audio=tuple(_audio(answer["audio"])),
        subtitles=tuple(_subtitles(answer["subtitles"])),
        chapters=tuple(Chapter(Seconds(item["start"]), item["title"]) for item in answer["chapters"]),
    )


def _video(seen: dict[str, Any]) -> VideoTrack:
    width = max(1, round(seen["width"] * Fraction(*seen["shape"])))
    height = seen["height"]
    if abs(round(seen["rotation"])) % 180 == _QUARTER_TURN:
        width, height = height, width
    return VideoTrack(seen["codec"], width, height, playback_rate(Fraction(*seen["rate"])), hdr=seen["hdr"])


def _audio(tracks: list[dict[str, Any]]) -> list[AudioTrack]:
    return [
        AudioTrack(index, track["codec"], language_tag(track["language"]), track["channels"], track["title"])
        for index, track in enumerate(tracks[:_MOST_TRACKS])
        if track["decoder"] and track["channels"]
    ]


def _subtitles(tracks: list[dict[str, Any]]) -> list[SubtitleTrack]:
    """Keep the tracks that are text; pictures of text cannot become WebVTT."""
    return [
        SubtitleTrack(index, track["codec"], language_tag(track["language"]), track["title"])
        for index, track in enumerate(tracks[:_MOST_TRACKS])
        if track["decoder"] in TEXT_CODECS
    ]
