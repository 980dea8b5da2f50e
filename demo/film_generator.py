"""Makes the demo's films on the spot: a landscape, a score, a poster and a backdrop each."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from demo.demo_films import LIGHT
from demo.landscape.layers import HEIGHT, WIDTH
from demo.landscape.scenes import Stage
from demo.landscape.score import write_score
from demo.landscape.scores import SCORES
from demo.landscape.shot import RATE, Shot, prepare_shot, raw_picture
from demo.landscape.still import still
from demo.landscape.takes import TAKES
from wylloh_server.domain.errors import MediaError

if TYPE_CHECKING:
    from demo.demo_films import DemoFilm
    from demo.landscape.noise import Field
    from demo.landscape.scenes import Scene
    from demo.landscape.takes import Take

_LINES = (
    ("The light turns all night.", "Das Licht dreht sich die ganze Nacht."),
    ("Nobody can take it back.", "Niemand kann es zurücknehmen."),
    ("It is yours for as long as you hold it.", "Es gehört dir, solange du es hältst."),
    ("Be kind, rewind.", "Sei so nett und spul zurück."),
)


def make_film(ffmpeg: str, film: DemoFilm, target: Path) -> None:
    """Make a film of the catalogue: 1080p, 24 frames a second. Poster and backdrop lie beside it.

    Light has two tracks of sound, and English subtitles.

    Raises:
        MediaError: ffmpeg failed; its last lines of stderr are in the message.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    take = TAKES[film.key]
    scene = take.scene(Stage(film.seconds * RATE))
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        _make_pictures(ffmpeg, scene, take, target)
        draft = Path(folder) / target.name
        shot = prepare_shot(scene, Path(folder))
        _run([ffmpeg, *_QUIET, *_command(shot, film, Path(folder)), f"file:{draft}"])
        draft.replace(target)


def poster_file(film: Path) -> Path:
    """Return where the poster of a film lies."""
    return film.with_suffix(".poster.jpg")


def backdrop_file(film: Path) -> Path:
    """Return where the backdrop of a film lies."""
    return film.with_suffix(".backdrop.jpg")


def light_subtitles(target: Path) -> Path:
    """Write the English subtitles of Light as SubRip and return the file."""
    target.write_text(_srt(0), encoding="utf-8")
    return target


def german_subtitles(target: Path) -> Path:
    """Write the German subtitles of Light as WebVTT and return the file."""
    text = "WEBVTT\n\n" + _srt(1).replace(",000", ".000")
    target.write_text(text, encoding="utf-8")
    return target


_QUIET = ("-hide_banner", "-nostdin", "-loglevel", "error", "-y")


def _make_pictures(ffmpeg: str, scene: Scene, take: Take, film: Path) -> None:
    """Take both pictures at one moment: the poster is an upright part of the backdrop."""
    wide = still(scene, take.frame)
    across = HEIGHT * 2 // 3
    left = min(max(take.column - across // 2, 0), WIDTH - across)
    _write_jpeg(ffmpeg, wide, backdrop_file(film))
    _write_jpeg(ffmpeg, wide[:, left : left + across], poster_file(film))


def _write_jpeg(ffmpeg: str, picture: Field, target: Path) -> None:
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        source = raw_picture(Path(folder) / "picture.raw", picture[None], "rgb24")
        _run([ffmpeg, *_QUIET, *source, "-frames:v", "1", "-q:v", "3", f"file:{target}"])


def _command(shot: Shot, film: DemoFilm, folder: Path) -> list[str]:
    """Return inputs, tracks and codecs of a film."""
    scores = SCORES[film.key]
    sounds = [folder / f"score{number}.wav" for number in range(len(scores))]
    for music, sound in zip(scores, sounds, strict=True):
        write_score(music, film.seconds, sound)
    first = shot.inputs.count("-i")
    inputs = [part for sound in sounds for part in ("-i", f"file:{sound}")]
    tracks = [
        "-map",
        "[picture]",
        *(part for at in range(len(sounds)) for part in ("-map", f"{first + at}:a")),
    ]
    tracks += ["-metadata:s:a:0", "language=eng", "-metadata:s:a:1", "language=deu"][: 2 * len(sounds)]
    if film is LIGHT:
        inputs += ["-i", f"file:{light_subtitles(folder / 'light.en.srt')}"]
        tracks += ["-map", f"{first + len(sounds)}:s", "-metadata:s:s:0", "language=eng", "-c:s", "mov_text"]
    codecs = ["-c:v", "libx264", "-preset", "ultrafast", "-crf", "28", "-g", str(2 * RATE), "-c:a", "aac"]
    return [
        *(*shot.inputs, *inputs, "-filter_complex", shot.graph),
        *(*tracks, *codecs, "-movflags", "+faststart", "-t", str(film.seconds)),
    ]


def _run(command: list[str]) -> None:
    done = subprocess.run(  # noqa: S603 - an argument list of our own
        command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )
    if done.returncode:
        raise MediaError(f"ffmpeg could not make the demo film: {done.stderr.strip()[-300:]}")


def _srt(language: int) -> str:
    """Write one cue every six seconds, each shown for five."""
    cues = []
    for number, start in enumerate(range(1, LIGHT.seconds - 6, 6)):
        line = _LINES[number % len(_LINES)][language]
        cues.append(f"{number + 1}\n{_clock(start)} --> {_clock(start + 5)}\n{line}\n")
    return "\n".join(cues)


def _clock(second: int) -> str:
    return f"00:{second // 60:02d}:{second % 60:02d},000"
