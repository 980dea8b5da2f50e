"""Small films of the kinds that people have, made with ffmpeg on the spot: each once, when a test wants it."""

from __future__ import annotations

import struct
from pathlib import Path

from tests.components.films import run_ffmpeg

_X264 = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p")
_MOTION = "testsrc2=s=160x90:r=25:d=2"
_FIELDS = "testsrc2=s=320x180:r=50:d=2,tinterlace=interleave_top,fieldorder=tff"
_BAR = (
    "color=gray:s=320x180:r=50:d=2[b];color=white:s=20x180:r=50:d=2[w];[b][w]overlay=x='mod(t*300,300)':y=0"
)
_TONE = "sine=f=440:d=2:sample_rate=44100"
_CENC = (
    "-encryption_scheme", "cenc-aes-ctr", "-encryption_key", "76a6c65c5ea762046bd749a2e632ccbb",
    "-encryption_kid", "a7e61c373e219033c21091fa607bf3b8",
)  # fmt: skip


def _film(*words: str, picture: str = _MOTION, sound: str = _TONE) -> tuple[str, ...]:
    inputs = ("-f", "lavfi", "-i", picture, *(("-f", "lavfi", "-i", sound) if sound else ()))
    return (*inputs, *words)


_TRACKS = ("-map", "0", "-map", "1", "-map", "2")

RECIPES = {
    "nosar.mp4": _film("-vf", "setsar=0", *_X264, "-c:a", "aac"),
    "mp2.ts": _film("-c:v", "mpeg2video", "-c:a", "mp2"),
    "pcm.mkv": _film(*_X264, "-c:a", "pcm_u8"),
    "wma.mkv": _film("-c:v", "wmv2", "-c:a", "wmav2"),
    "divx3.avi": _film("-c:v", "msmpeg4", "-c:a", "mp2"),
    "dv.avi": _film("-c:v", "dvvideo", "-c:a", "pcm_s16le", picture="testsrc2=s=720x576:r=25:d=0.4"),
    "camcorder.dv": _film("-c:v", "dvvideo", "-c:a", "pcm_s16le", "-ar", "48000", "-ac", "2", "-f", "dv",
                          picture="testsrc2=s=720x576:r=25:d=0.6", sound="sine=d=0.6:sample_rate=48000"),
    "program.mpg": _film("-c:v", "mpeg2video", "-c:a", "mp2", "-f", "vob"),
    "dvd.vob": _film("-c:v", "mpeg2video", "-c:a", "ac3", "-f", "vob"),
    "bluray.m2ts": _film(*_X264, "-c:a", "ac3", "-mpegts_m2ts_mode", "1", "-f", "mpegts"),
    "camcorder.MTS": _film(*_X264, "-c:a", "ac3", "-mpegts_m2ts_mode", "1", "-f", "mpegts"),
    "windows.wmv": _film("-c:v", "wmv2", "-c:a", "wmav2"),
    "flash.flv": _film("-c:v", "flv", "-c:a", "aac"),
    "theora.ogv": _film("-c:v", "libtheora", "-c:a", "libvorbis"),
    "phone.3gp": _film(
        "-c:v", "h263", "-c:a", "libopencore_amrnb", "-ar", "8000", "-ac", "1",
        picture="testsrc2=s=176x144:r=15:d=2",
    ),
    "broadcast.mxf": _film("-c:v", "mpeg2video", "-c:a", "pcm_s16le", "-ar", "48000"),
    "dcp.mxf": _film("-c:v", "libopenjpeg", "-pix_fmt", "yuv444p", picture="testsrc2=s=64x36:r=24:d=1", sound=""),
    "latm.ts": _film(*_X264, "-c:a", "aac", "-mpegts_flags", "latm", "-f", "mpegts"),
    "anamorphic.mkv": _film("-vf", "setsar=64/45", *_X264, picture="testsrc2=s=180x144:r=25:d=1", sound=""),
    "one-picture.mp4": _film("-frames:v", "1", *_X264, sound=""),
    "variable.mp4": _film(
        "-vf", "select='if(lt(t,1),1,not(mod(n,30)))'", "-fps_mode", "vfr", *_X264, "-c:a", "aac",
        picture="testsrc2=s=160x90:r=60:d=6",
    ),
    "interlaced.mkv": _film(*_X264, "-flags", "+ildct+ilme", "-x264-params", "tff=1", "-vf",
                            "tinterlace=interleave_top,fieldorder=tff", picture=_BAR, sound=""),
    "hdr.mkv": _film(
        "-vf", "zscale=tin=bt709:min=bt709:pin=bt709:t=smpte2084:m=2020_ncl:p=2020:npl=203,format=yuv420p10le",
        "-c:v", "libx265", "-preset", "ultrafast", "-x265-params",
        "log-level=error:colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc:hdr10=1",
        picture="testsrc2=s=160x90:r=24:d=1", sound="",
    ),
    "dark-beginning.mkv": _film(
        *_X264, "-g", "25", picture="color=black:s=160x90:r=25:d=3[k];testsrc2=s=160x90:r=25:d=1[m];[k][m]concat", sound=""
    ),
    "all-dark.mkv": _film(*_X264, picture="color=black:s=160x90:r=25:d=1", sound=""),
    "sound-longer.mkv": _film(*_X264, "-c:a", "aac", sound="sine=f=440:d=9:sample_rate=44100"),
    "long-gop.ts": _film(
        *_X264, "-g", "125", "-keyint_min", "125", "-sc_threshold", "0", "-c:a", "ac3",
        picture="testsrc2=s=160x90:r=25:d=14", sound="sine=f=440:d=14:sample_rate=48000",
    ),
    "two-sounds.mkv": _film(
        "-f", "lavfi", "-i", _TONE, *_TRACKS, *_X264, "-c:a", "aac",
        "-metadata:s:a:0", "language=eng", "-metadata:s:a:0", "title=Director's commentary",
        "-disposition:a:0", "comment", "-metadata:s:a:1", "language=eng", "-metadata:s:a:1", "title=Main",
        "-disposition:a:1", "default",
    ),
    "unplayable-sound.mkv": _film(
        "-f", "lavfi", "-i", _TONE, *_TRACKS, *_X264, "-c:a:0", "adpcm_yamaha", "-ac:a:0", "1", "-c:a:1", "aac",
        "-metadata:s:a:0", "language=ger", "-metadata:s:a:1", "language=eng",
    ),
    "unplayable-picture.mkv": _film("-c:v", "magicyuv", "-pix_fmt", "yuv420p", sound=""),
    "protected.mp4": _film(*_X264, "-c:a", "aac", *_CENC),
}  # fmt: skip
"""ffmpeg's words for each file, without its name."""


class Corpus:
    """Makes films in a folder and remembers them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def film(self, name: str) -> Path:
        """Return one of `RECIPES`, or one of those made of them by a method of this name."""
        path = self.folder / name
        if not path.exists():
            if name in RECIPES:
                run_ffmpeg(*RECIPES[name], str(path))
            else:
                getattr(self, f"_{path.stem.replace('-', '_')}")(path)
        return path

    def _between_key_frames(self, path: Path) -> None:
        """A transport stream whose first key frame is missing."""
        whole = self.film("long-gop.ts").read_bytes()
        path.write_bytes(whole[188 * (len(whole) // 188 // 40) :])

    def _joined(self, path: Path) -> None:
        """A transport stream behind itself, as when two recordings were put into one file."""
        path.write_bytes(self.film("long-gop.ts").read_bytes() * 2)

    def _no_duration(self, path: Path) -> None:
        """Matroska as browsers record it: without a length and without cues."""
        run_ffmpeg("-i", str(self.film("pcm.mkv")), "-c", "copy", "-f", "matroska", "-live", "1", str(path))

    def _cut_short(self, path: Path) -> None:
        """Matroska of which the last part is missing."""
        whole = self.film("sound-longer.mkv").read_bytes()
        path.write_bytes(whole[: len(whole) * 6 // 10])

    def _cover_first(self, path: Path) -> None:
        """A film behind a picture that is not marked as a cover."""
        cover = path.with_name("cover.jpg")
        run_ffmpeg("-f", "lavfi", "-i", "color=red:s=320x320:r=1:d=1", "-frames:v", "1", str(cover))
        run_ffmpeg(
            "-i", str(cover), "-i", str(self.film("pcm.mkv")), "-map", "0", "-map", "1", "-c", "copy",
            "-disposition:v:0", "0", str(path),
        )  # fmt: skip

    def _drawn_subtitles(self, path: Path) -> None:
        """With subtitles that are pictures, as on Blu-ray (PGS): their ends only, which no decoder is asked for."""
        drawn = path.with_suffix(".sup")
        drawn.write_bytes(b"".join(struct.pack(">2sIIBH", b"PG", 9000 * n, 0, 0x80, 0) for n in range(1, 9)))
        run_ffmpeg(
            "-i", str(self.film("pcm.mkv")), "-f", "sup", "-i", str(drawn), "-map", "0", "-map", "1",
            "-c", "copy", "-metadata:s:s:0", "language=ger", str(path),
        )  # fmt: skip

    def _unknown_subtitles(self, path: Path) -> None:
        """With text that no ffmpeg here knows by its name, like WebVTT as mkvmerge writes it."""
        srt = path.with_suffix(".srt")
        srt.write_text("1\n00:00:00,500 --> 00:00:01,000\nHi\n")
        run_ffmpeg(
            "-i", str(self.film("pcm.mkv")), "-i", str(srt), "-map", "0", "-map", "1", "-c", "copy",
            "-metadata:s:s:0", "language=ger", str(path),
        )  # fmt: skip
        path.write_bytes(path.read_bytes().replace(b"S_TEXT/UTF8", b"S_TEXT/WEBV"))

    def _captions(self, path: Path) -> None:
        """With closed captions in the pictures (ATSC A/53, part 4): one message before each key frame."""
        plain = path.with_name("plain.h264")
        run_ffmpeg(
            "-i",
            str(self.film("pcm.mkv")),
            "-map",
            "0:v",
            "-c",
            "copy",
            "-bsf:v",
            "h264_mp4toannexb",
            str(plain),
        )
        words = b"\xb5\x00\x31GA94\x03\x42\xff\xfc\x94\x20\xfc\xc8\xe5\xff"
        message = b"\x00\x00\x00\x01\x06\x04" + bytes([len(words)]) + words + b"\x80"
        key_frame = b"\x00\x00\x01\x65"
        plain.write_bytes(plain.read_bytes().replace(key_frame, message + key_frame))
        run_ffmpeg("-r", "25", "-i", str(plain), "-c", "copy", str(path))

    def _damaged_sound(self, path: Path) -> None:
        """Two sounds, the packets of the first of which are noise."""
        run_ffmpeg(
            "-i", str(self.film("two-sounds.mkv")), "-map", "0", "-c", "copy",
            "-bsf:a:0", "noise=amount=1", str(path),
        )  # fmt: skip

    def _texts(self, path: Path) -> None:
        """Forced SubRip in German, SubStation Alpha in Japanese."""
        srt, ass = path.with_suffix(".srt"), path.with_suffix(".ass")
        srt.write_text("1\n00:00:00,500 --> 00:00:01,000\n{\\an8}5 < 6 & <b>7</b>\n")
        ass.write_text(
            "[Script Info]\nScriptType: v4.00+\n\n[V4+ Styles]\n"
            "Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, "
            "Italic, Underline, StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, "
            "Alignment, MarginL, MarginR, MarginV, Encoding\n"
            "Style: Default,Arial,24,&H00FFFFFF,&H000000FF,&H00000000,&H00000000,"
            "0,0,0,0,100,100,0,0,1,2,0,2,10,10,10,1\n\n[Events]\n"
            "Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n"
            "Dialogue: 0,0:00:00.50,0:00:01.00,Default,,0,0,0,,A sign\n"
            "Dialogue: 0,0:00:00.50,0:00:01.00,Default,,0,0,0,,{\\p1}m 0 0 l 100 0{\\p0}\n"
        )
        run_ffmpeg(
            "-i", str(self.film("pcm.mkv")), "-i", str(srt), "-i", str(ass), "-map", "0", "-map", "1", "-map", "2",
            "-c", "copy", "-metadata:s:s:0", "language=ger", "-disposition:s:0", "forced",
            "-metadata:s:s:1", "language=jpn", str(path),
        )  # fmt: skip
