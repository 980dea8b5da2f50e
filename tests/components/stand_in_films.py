"""Films in the place of the demo's own: its landscapes take a minute to draw, and no test here looks at them."""

from __future__ import annotations

from pathlib import Path

from demo.demo_films import CATALOGUE, LIGHT, DemoFilm
from demo.film_generator import light_subtitles
from demo.film_maker import film_file
from tests.components.films import run_ffmpeg

_SHORT_SECONDS = 6


def lay_films(folder: Path) -> None:
    """Make a film for each of the catalogue that is missing; Light has its length, its sounds and its subtitles."""
    folder.mkdir(parents=True, exist_ok=True)
    for film in CATALOGUE:
        if not film_file(folder, film).exists():
            _make(film, folder)


def _make(film: DemoFilm, folder: Path) -> None:
    size, seconds = ("1280x720", film.seconds) if film is LIGHT else ("320x180", _SHORT_SECONDS)
    inputs = ["-f", "lavfi", "-i", f"testsrc2=s={size}:r=24:d={seconds}"]
    languages = ("eng", "deu") if film is LIGHT else ("eng",)
    for number, _ in enumerate(languages):
        inputs += ["-f", "lavfi", "-i", f"sine=f={220 + 110 * number}:r=48000:d={seconds}"]
    tracks = [part for number in range(len(languages) + 1) for part in ("-map", str(number))]
    for number, language in enumerate(languages):
        tracks += [f"-metadata:s:a:{number}", f"language={language}"]
    if film is LIGHT:
        inputs += ["-i", str(light_subtitles(folder / "light.en.srt"))]
        tracks += ["-map", str(len(languages) + 1), "-c:s", "mov_text", "-metadata:s:s:0", "language=eng"]
    codecs = ["-c:v", "libx264", "-preset", "ultrafast", "-crf", "30", "-g", "48", "-pix_fmt", "yuv420p"]
    run_ffmpeg(*inputs, *tracks, *codecs, "-c:a", "aac", "-t", str(seconds), str(film_file(folder, film)))
