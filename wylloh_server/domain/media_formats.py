"""The one table of what films are made of: containers with their file names, codecs with their decoders.

What ffmpeg and PyAV may open, which files of a folder may be films and what a refusal calls a codec all come
from here. Rules for an entry, because films come from strangers: a container must not name other files or
addresses that its reader would open (no playlists, no scripts, no image sequences), and a codec is one that
films are really distributed or archived in. Names are ffmpeg's (`ffmpeg -demuxers`, `-codecs`, `-decoders`).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import PurePath


@dataclass(frozen=True, slots=True)
class ContainerFormat:
    """A container.

    Attributes:
        name: what people call it.
        demuxers: names under which ffmpeg's reader of it can be allowed.
        suffixes: of file names, in lower case.
        indexed: its reader seeks to a key frame; without that it lands anywhere.
    """

    name: str
    demuxers: tuple[str, ...]
    suffixes: tuple[str, ...]
    indexed: bool = True


class TrackKind(StrEnum):
    """What a track is."""

    PICTURE = "picture"
    SOUND = "sound"
    TEXT = "text"
    DRAWN_TEXT = "drawn text"


@dataclass(frozen=True, slots=True)
class MediaCodec:
    """A codec.

    Attributes:
        name: ffmpeg's name of it.
        label: what people call it.
        decoders: ffmpeg's decoders of it that are allowed; without any, tracks of it are named and left out.
    """

    name: str
    label: str
    kind: TrackKind
    decoders: tuple[str, ...] = ()


CONTAINERS = (
    ContainerFormat("Matroska", ("matroska", "webm"), (".mkv", ".webm", ".mk3d")),
    ContainerFormat(
        "MP4",
        ("mov", "mp4", "m4a", "3gp", "3g2", "mj2"),
        (".mp4", ".m4v", ".mov", ".qt", ".3gp", ".3g2", ".f4v"),
    ),
    ContainerFormat(
        "MPEG transport stream", ("mpegts",), (".ts", ".m2ts", ".mts", ".m2t", ".tp"), indexed=False
    ),
    ContainerFormat(
        "MPEG program stream", ("mpeg",), (".mpg", ".mpeg", ".mpe", ".vob", ".m2p"), indexed=False
    ),
    ContainerFormat("AVI", ("avi",), (".avi", ".divx")),
    ContainerFormat("Windows Media", ("asf",), (".wmv", ".asf")),
    ContainerFormat("Flash Video", ("flv",), (".flv",)),
    ContainerFormat("Ogg", ("ogg",), (".ogv", ".ogm"), indexed=False),
    ContainerFormat("MXF", ("mxf",), (".mxf",)),
    ContainerFormat("DV", ("dv",), (".dv",)),
)

FILM_SUFFIXES = frozenset(suffix for container in CONTAINERS for suffix in container.suffixes)
"""File names that may be films. Whether one really is, the prober finds out."""

UNPLAYABLE_FILES = {
    ".iso": "a disc image",
    ".img": "a disc image",
    ".rm": "RealMedia",
    ".rmvb": "RealMedia",
    ".wtv": "a Windows television recording",
    ".dvr-ms": "a Windows television recording",
}
"""File names that are films of a kind this server does not open, and what they are called."""

DISC_FOLDERS = {"VIDEO_TS": "a copied DVD", "BDMV": "a copied Blu-ray"}
"""Names of folders that are a copied disc, in capitals, and what it is called."""

_PICTURE = (
    ("h264", "H.264", ("h264",)),
    ("hevc", "H.265", ("hevc",)),
    ("av1", "AV1", ("av1", "libdav1d")),
    ("vp8", "VP8", ("vp8", "libvpx")),
    ("vp9", "VP9", ("vp9", "libvpx-vp9")),
    ("mpeg4", "MPEG-4", ("mpeg4",)),
    ("mpeg2video", "MPEG-2", ("mpeg2video",)),
    ("mpeg1video", "MPEG-1", ("mpeg1video",)),
    ("prores", "ProRes", ("prores",)),
    ("mjpeg", "Motion JPEG", ("mjpeg",)),
    ("msmpeg4v1", "Microsoft MPEG-4 v1", ("msmpeg4v1",)),
    ("msmpeg4v2", "Microsoft MPEG-4 v2", ("msmpeg4v2",)),
    ("msmpeg4v3", "DivX 3", ("msmpeg4",)),
    ("wmv1", "Windows Media Video 7", ("wmv1",)),
    ("wmv2", "Windows Media Video 8", ("wmv2",)),
    ("wmv3", "Windows Media Video 9", ("wmv3",)),
    ("vc1", "VC-1", ("vc1",)),
    ("dvvideo", "DV", ("dvvideo",)),
    ("h263", "H.263", ("h263",)),
    ("flv1", "Sorenson H.263", ("flv",)),
    ("vp6f", "VP6", ("vp6f",)),
    ("theora", "Theora", ("theora",)),
    ("jpeg2000", "JPEG 2000", ("jpeg2000", "libopenjpeg")),
    ("dnxhd", "DNxHD", ("dnxhd",)),
    ("ffv1", "FFV1", ("ffv1",)),
    ("rv30", "RealVideo 3", ()),
    ("rv40", "RealVideo 4", ()),
    ("vvc", "H.266", ()),
)
_PCM = (
    *("u8", "s8", "s16le", "s16be", "s24le", "s24be", "s32le", "s32be"),
    *("f32le", "f32be", "f64le", "mulaw", "alaw", "bluray", "dvd"),
)
_SOUND = (
    ("aac", "AAC", ("aac",)),
    ("aac_latm", "AAC (LATM)", ("aac_latm",)),
    ("ac3", "Dolby Digital", ("ac3",)),
    ("eac3", "Dolby Digital Plus", ("eac3",)),
    ("mp3", "MP3", ("mp3", "mp3float")),
    ("mp2", "MPEG layer 2", ("mp2", "mp2float")),
    ("mp1", "MPEG layer 1", ("mp1", "mp1float")),
    ("opus", "Opus", ("opus", "libopus")),
    ("vorbis", "Vorbis", ("vorbis", "libvorbis")),
    ("flac", "FLAC", ("flac",)),
    ("alac", "Apple Lossless", ("alac",)),
    ("dts", "DTS", ("dca",)),
    ("truehd", "Dolby TrueHD", ("truehd",)),
    ("mlp", "MLP", ("mlp",)),
    ("wmav1", "Windows Media Audio 1", ("wmav1",)),
    ("wmav2", "Windows Media Audio 2", ("wmav2",)),
    ("wmapro", "Windows Media Audio Pro", ("wmapro",)),
    ("wmalossless", "Windows Media Audio Lossless", ("wmalossless",)),
    ("amr_nb", "AMR", ("amrnb",)),
    ("amr_wb", "AMR wideband", ("amrwb",)),
    ("nellymoser", "Nellymoser", ("nellymoser",)),
    ("adpcm_ima_wav", "ADPCM", ("adpcm_ima_wav",)),
    ("adpcm_ima_qt", "ADPCM", ("adpcm_ima_qt",)),
    ("adpcm_ms", "ADPCM", ("adpcm_ms",)),
    ("adpcm_swf", "ADPCM", ("adpcm_swf",)),
    *((f"pcm_{kind}", "PCM", (f"pcm_{kind}",)) for kind in _PCM),
    ("ac4", "Dolby AC-4", ()),
    ("mpegh_3d_audio", "MPEG-H 3D Audio", ()),
    ("cook", "RealAudio", ()),
)
_TEXT = (
    ("mov_text", "MP4 text", ("mov_text",)),
    ("subrip", "SubRip", ("subrip", "srt")),
    ("ass", "SubStation Alpha", ("ass", "ssa")),
    ("webvtt", "WebVTT", ("webvtt",)),
    ("text", "text", ("text",)),
)
_DRAWN_TEXT = (
    ("hdmv_pgs_subtitle", "PGS", ()),
    ("dvd_subtitle", "VobSub", ()),
    ("dvb_subtitle", "DVB", ()),
    ("dvb_teletext", "teletext", ()),
    ("xsub", "XSUB", ()),
    ("eia_608", "CEA-608", ()),
)

CODECS = {
    name: MediaCodec(name, label, kind, decoders)
    for kind, rows in (
        (TrackKind.PICTURE, _PICTURE),
        (TrackKind.SOUND, _SOUND),
        (TrackKind.TEXT, _TEXT),
        (TrackKind.DRAWN_TEXT, _DRAWN_TEXT),
    )
    for name, label, decoders in rows
}
"""By ffmpeg's name of the codec."""


def codec_label(name: str) -> str:
    """Return what people call a codec; ffmpeg's name of one that is not in the table."""
    return CODECS[name].label if name in CODECS else name.upper() or "an unknown codec"


def container_of(demuxer: str) -> ContainerFormat | None:
    """Return the container that a reader of ffmpeg reads."""
    return next((container for container in CONTAINERS if demuxer in container.demuxers), None)


def unplayable_kind(path: PurePath) -> str:
    """Return what kind of film a file is that this server does not open; empty for all others."""
    discs = (DISC_FOLDERS.get(part.upper(), "") for part in path.parts[:-1])
    return next(filter(None, discs), "") or UNPLAYABLE_FILES.get(path.suffix.lower(), "")
