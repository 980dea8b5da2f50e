"""Makes films for tests with ffmpeg on the spot, good ones and hostile ones."""

from __future__ import annotations

import shutil
import struct
import subprocess
from pathlib import Path

import imageio_ffmpeg
import pytest

BUNDLED = imageio_ffmpeg.get_ffmpeg_exe()

FFMPEGS = [
    pytest.param(shutil.which("ffmpeg") or "ffmpeg", id="PATH"),
    pytest.param(BUNDLED, id="imageio-ffmpeg"),
]
"""The ffmpegs that everything about encoding is tested with."""

SUBTITLES = """\
1
00:00:01,000 --> 00:00:03,000
Good evening.

2
00:00:04,000 --> 00:00:06,500
We begin.
"""


def make_film(
    path: Path,
    seconds: float = 12,
    *,
    size: str = "640x360",
    rate: str = "24",
    languages: tuple[str, ...] = ("eng", "ger"),
    subtitles: bool = True,
    title: str = "Test film",
    sound_begins: float = 0,
    extra: tuple[str, ...] = (),
    picture: tuple[str, ...] = (),
) -> Path:
    """Make a film at `path`: a moving picture with its own timecode, one tone for each language, English
    subtitles. The container follows the suffix. `title` is a marker that stands in the file in the clear.
    """
    words = ["-f", "lavfi", "-i", f"testsrc2=size={size}:rate={rate}:duration={seconds}"]
    for number, _ in enumerate(languages):
        # Each sound has a pitch of its own, and none has the sample rate it is going to be played at.
        tone = f"sine={220 * 2**number}:sample_rate=44100:duration={seconds - sound_begins}"
        words += ["-itsoffset", str(sound_begins), "-f", "lavfi", "-i", tone]
    if subtitles:
        (path.parent / f"{path.stem}.srt").write_text(SUBTITLES)
        words += ["-i", str(path.parent / f"{path.stem}.srt")]
    inputs = 1 + len(languages) + subtitles
    for number in range(inputs):
        words += ["-map", str(number)]
    for number, language in enumerate(languages):
        words += [f"-metadata:s:a:{number}", f"language={language}"]
    text = "mov_text" if path.suffix == ".mp4" else "srt"
    words += ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "100", *picture]
    words += ["-c:a", "aac", "-ac", "2", "-c:s", text, "-metadata:s:s:0", "language=eng"]
    run_ffmpeg(*words, "-metadata", f"title={title}", *extra, str(path))
    return path


def run_ffmpeg(*words: str) -> None:
    """Run the bundled ffmpeg to its end."""
    command = [BUNDLED, "-nostdin", "-v", "error", "-y", *words]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, timeout=120)


def hostile_files(folder: Path, film: Path) -> dict[str, Path]:
    """Make files that pretend to be films, from a good MP4 film with its index at the end."""
    secret = folder / "secret.ts"
    run_ffmpeg("-i", str(film), "-map", "0:v", "-c", "copy", "-t", "2", "-f", "mpegts", str(secret))
    fast = folder / "fast.mp4"
    run_ffmpeg("-i", str(film), "-c", "copy", "-map", "0", "-movflags", "+faststart", str(fast))
    sound = folder / "sound.mp4"
    run_ffmpeg("-i", str(film), "-c", "copy", "-map", "0:a", str(sound))
    whole = film.read_bytes()
    playlist = f"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nfile://{secret}\n#EXT-X-ENDLIST\n"
    contents = {
        "empty": b"",
        "text": b"This is a diary and no film.\n" * 200,
        "without-index": whole[: len(whole) // 2],
        "cut-short": fast.read_bytes()[: fast.stat().st_size // 2],
        "playlist": playlist.encode(),
        "concat-script": f"ffconcat version 1.0\nfile '{secret}'\n".encode(),
        "noise": bytes((number * 7919) % 251 for number in range(100_000)),
    }
    for name, content in contents.items():
        (folder / f"{name}.mp4").write_bytes(content)
    reference = folder / "external-reference.mov"
    reference.write_bytes(with_external_reference(whole, film))
    files = {name: folder / f"{name}.mp4" for name in contents}
    return files | {"sound-only": sound, "external-reference": reference}


def with_external_reference(film: bytes, target: Path) -> bytes:
    """Return a film whose picture lies in another file, named by its absolute path (QuickTime's `alis`).

    Args:
        film: with its index at the end, so that nothing moves when that grows.
        target: where its pictures lie, at the same places.
    """
    path = str(target).replace("/", ":").encode()
    path += bytes(len(path) % 2)
    body = bytes(10 + 1 + 27 + 12 + 1 + 63 + 16 + 4 + 16) + struct.pack(">HH", 2, len(path)) + path
    body += struct.pack(">HH", 0xFFFF, 0) + bytes(8)
    entry = struct.pack(">I4sI", 12 + len(body), b"alis", 0) + body
    table = struct.pack(">I4sII", 16 + len(entry), b"dref", 0, 1) + entry
    data, within = bytearray(film), 0
    begin = data.rindex(b"moov") - 4
    own = data.index(b"mdat") + 4
    data[own:begin] = bytes(begin - own)  # nothing to see in the file itself
    parents = []
    for name in (b"moov", b"trak", b"mdia", b"minf", b"dinf"):
        within = data.index(name, within or begin)
        parents.append(within - 4)
    old = data.index(b"dref", within) - 4
    length = int.from_bytes(data[old : old + 4], "big")
    for parent in parents:
        size = int.from_bytes(data[parent : parent + 4], "big") + len(table) - length
        data[parent : parent + 4] = size.to_bytes(4, "big")
    data[old : old + length] = table
    return bytes(data)
