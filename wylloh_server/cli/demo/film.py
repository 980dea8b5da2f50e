"""The demo's own film: moving light with a timecode, two languages of sound, subtitles. Made on the spot."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from wylloh_server.domain.errors import MediaError

if TYPE_CHECKING:
    from pathlib import Path

    from wylloh_server.cli.demo.catalogue import DemoFilm

SECONDS = 90
_RATE = 24

# A gradient drawn small and enlarged is quick to make; the grain hides the steps between its tones.
_LIGHT = (
    f"gradients=s=480x270:r={_RATE}:d={SECONDS}:speed=0.006:n=5:type=spiral:seed=7"
    ":c0=0x0b1d3a:c1=0x2f5d7c:c2=0xd98e5f:c3=0xf2d0a4:c4=0x1b2a41"
)
# testsrc2 writes the time with a font of its own, so that none has to be installed.
_CLOCK = f"testsrc2=s=160x90:r={_RATE}:d={SECONDS}"
_PICTURE = (
    "[0:v]scale=1280:720:flags=bicubic,format=yuv420p,noise=alls=5:allf=t[light];"
    "[1:v]crop=98:14:3:2,scale=294:42:flags=neighbor,format=gray,format=yuv420p[clock];"
    "[light][clock]overlay=x=64:y=608[picture]"
)
_TONE = "sine=f={pitch}:r=48000:d={seconds},tremolo=f=0.5:d=0.6,volume=-9dB,aformat=channel_layouts=stereo"

_LINES = (
    ("The light turns once a minute.", "Das Licht dreht sich einmal in der Minute."),
    ("Nobody can take it back.", "Niemand kann es zurücknehmen."),
    ("It is yours for as long as you hold it.", "Es gehört dir, solange du es hältst."),
    ("Be kind, rewind.", "Sei so nett und spul zurück."),
)


def make_film(ffmpeg: str, target: Path) -> None:
    """Make the film: 720p, 24 frames a second, 90 s, English and German sound, English subtitles.

    Raises:
        MediaError: ffmpeg failed; its last words are in the message.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    subtitles = target.with_suffix(".en.srt")
    subtitles.write_text(_srt(0), encoding="utf-8")
    draft = target.with_suffix(".part.mp4")
    _run(_command(ffmpeg, subtitles, draft))
    draft.replace(target)


def make_short(ffmpeg: str, film: DemoFilm, target: Path) -> None:
    """Make one of the short films: 360p, 24 frames a second, one tone.

    Raises:
        MediaError: ffmpeg failed; its last words are in the message.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_suffix(".part.mp4")
    sources = (film.picture, _TONE.format(pitch=film.pitch, seconds=film.seconds))
    inputs = [part for source in sources for part in ("-f", "lavfi", "-i", source)]
    picture = ["-vf", "scale=640:360:flags=neighbor,format=yuv420p", "-metadata:s:a:0", "language=eng"]
    codecs = ["-c:v", "libx264", "-preset", "ultrafast", "-crf", "28", "-g", "48", "-c:a", "aac"]
    quiet = [ffmpeg, "-hide_banner", "-nostdin", "-loglevel", "error", "-y"]
    _run([*quiet, *inputs, *picture, *codecs, "-t", str(film.seconds), f"file:{draft}"])
    draft.replace(target)


def make_poster(ffmpeg: str, target: Path) -> Path:
    """Make the poster, a picture of the light without its clock, and give the file."""
    source = ["-f", "lavfi", "-ss", "18", "-i", _LIGHT]
    still = ["-frames:v", "1", "-vf", "scale=1280:720:flags=bicubic", "-q:v", "3", f"file:{target}"]
    _run([ffmpeg, "-hide_banner", "-nostdin", "-loglevel", "error", "-y", *source, *still])
    return target


def german_subtitles(target: Path) -> Path:
    """Write the German subtitles as WebVTT and give the file."""
    text = "WEBVTT\n\n" + _srt(1).replace(",000", ".000")
    target.write_text(text, encoding="utf-8")
    return target


def _run(command: list[str]) -> None:
    done = subprocess.run(  # noqa: S603 - an argument list of our own
        command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )
    if done.returncode:
        raise MediaError(f"ffmpeg could not make the demo film: {done.stderr.strip()[-300:]}")


def _command(ffmpeg: str, subtitles: Path, target: Path) -> list[str]:
    sources = [
        _LIGHT,
        _CLOCK,
        _TONE.format(pitch=220, seconds=SECONDS),
        _TONE.format(pitch=330, seconds=SECONDS),
    ]
    inputs = [part for source in sources for part in ("-f", "lavfi", "-i", source)]
    tracks = ["-map", "[picture]", "-map", "2:a", "-map", "3:a", "-map", "4:s"]
    languages = [
        "-metadata:s:a:0",
        "language=eng",
        "-metadata:s:a:1",
        "language=deu",
        "-metadata:s:s:0",
        "language=eng",
    ]
    codecs = [
        "-c:v",
        "libx264",
        "-preset",
        "ultrafast",
        "-crf",
        "26",
        "-g",
        "48",
        "-c:a",
        "aac",
        "-c:s",
        "mov_text",
    ]
    return [
        *[ffmpeg, "-hide_banner", "-nostdin", "-loglevel", "error", "-y", *inputs, "-i", f"file:{subtitles}"],
        *["-filter_complex", _PICTURE, *tracks, *languages, *codecs, "-t", str(SECONDS), f"file:{target}"],
    ]


def _srt(language: int) -> str:
    """Write one cue every six seconds, each shown for five."""
    cues = []
    for number, start in enumerate(range(1, SECONDS - 6, 6)):
        line = _LINES[number % len(_LINES)][language]
        cues.append(f"{number + 1}\n{_clock(start)} --> {_clock(start + 5)}\n{line}\n")
    return "\n".join(cues)


def _clock(second: int) -> str:
    return f"00:{second // 60:02d}:{second % 60:02d},000"
