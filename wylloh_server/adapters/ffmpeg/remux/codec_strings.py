"""Names of codecs for playlists (RFC 6381), read from an init segment.

Sources: ISO/IEC 14496-12 for the boxes, 14496-15 annex E for H.264 and H.265, 14496-1 for `esds`; "AV1 Codec
ISO Media File Format Binding" §5 and "VP Codec ISO Media File Format Binding" for theirs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_PATH = (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd")
_FULL_BOX = 8
"""Bytes of `stsd` before its first entry: version, flags, number of entries."""
_ENTRY_BYTES = {b"vide": 78, b"soun": 28}
"""Bytes of a sample entry before the boxes in it."""
_AAC_OBJECT = 0x40
_HEVC_PROFILES = {1: "Main", 2: "Main 10", 3: "Main Still Picture", 4: "Rext"}
_PLAIN = {"ac-3": "ac-3", "ec-3": "ec-3", "Opus": "opus", "fLaC": "flac", "alac": "alac"}


@dataclass(frozen=True, slots=True)
class CodecName:
    """`text` as of RFC 6381; the level in the codec's own numbers, the profile by ffmpeg's name, if known."""

    text: str
    level: int = 0
    profile: str = ""


def codec_name(init: bytes) -> CodecName | None:
    """Return the name of the one stream in an init segment; None for a kind that has none here."""
    body = init
    for name in _PATH:
        found = _first(body, name)
        if found is None:
            return None
        body = found
    for entry, data in _boxes(body[_FULL_BOX:]):
        kind = b"vide" if b"vmhd" in init else b"soun"
        return _named(entry.decode("latin1"), dict(_boxes(data[_ENTRY_BYTES[kind] :])))
    return None


def dolby_vision_profile(init: bytes) -> int | None:
    """Return the Dolby Vision profile of the picture in an init segment; None without."""
    at = max(init.find(b"dvcC"), init.find(b"dvvC"))
    return init[at + 6] >> 1 if at >= 0 else None


def _named(entry: str, inside: dict[bytes, bytes]) -> CodecName | None:
    if entry in _PLAIN:
        return CodecName(_PLAIN[entry])
    readers = {b"avcC": _avc, b"hvcC": _hevc, b"av1C": _av1, b"vpcC": _vpx, b"esds": _mpeg4_sound}
    return next((read(entry, inside[box]) for box, read in readers.items() if box in inside), None)


def _avc(entry: str, record: bytes) -> CodecName:
    return CodecName(f"{entry}.{record[1:4].hex()}", record[3])


def _vpx(entry: str, record: bytes) -> CodecName:
    return CodecName(f"{entry}.{record[4]:02d}.{record[5]:02d}.{record[6] >> 4:02d}", record[5])


def _hevc(entry: str, record: bytes) -> CodecName:
    space, profile = ("", "A", "B", "C")[record[1] >> 6], record[1] & 31
    flags = int(f"{int.from_bytes(record[2:6], 'big'):032b}"[::-1], 2)
    parts = [f"{entry}.{space}{profile}", f"{flags:X}", f"{'LH'[record[1] >> 5 & 1]}{record[12]}"]
    constraints = record[6:12].rstrip(b"\0")
    text = ".".join([*parts, *(f"{byte:X}" for byte in constraints)])
    return CodecName(text, record[12], _HEVC_PROFILES.get(profile, ""))


def _av1(_entry: str, record: bytes) -> CodecName:
    profile, level, rest = record[1] >> 5, record[1] & 31, record[2]
    depth = (12 if rest & 0x20 else 10) if rest & 0x40 else 8
    return CodecName(f"av01.{profile}.{level:02d}{'MH'[rest >> 7]}.{depth:02d}", level)


def _mpeg4_sound(_entry: str, esds: bytes) -> CodecName | None:
    """Read the object type from the decoder's description, and for AAC the audio object type after it."""
    at = 4
    for tag, skip in ((3, 3), (4, 13), (5, 0)):
        if at >= len(esds) or esds[at] != tag:
            return None
        at += 1
        while esds[at] & 0x80:
            at += 1
        at += 1
        if tag == 4 and esds[at] != _AAC_OBJECT:  # noqa: PLR2004 - the tag of DecoderConfigDescriptor
            return CodecName(f"mp4a.{esds[at]:02X}")
        at += skip
    kind = esds[at] >> 3
    if kind == 31:  # noqa: PLR2004 - the escape of 14496-3
        kind = 32 + ((esds[at] & 7) << 3 | esds[at + 1] >> 5)
    return CodecName(f"mp4a.40.{kind}")


def _first(data: bytes, name: bytes) -> bytes | None:
    return next((body for found, body in _boxes(data) if found == name), None)


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 0
    while at + 8 <= len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        if size < 8:  # noqa: PLR2004 - no box is smaller than its head
            return
        yield data[at + 4 : at + 8], data[at + 8 : at + size]
        at += size
