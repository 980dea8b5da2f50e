"""Reads the times in fMP4 (ISO/IEC 14496-12), as a player does."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

_INSIDE = {b"moov", b"trak", b"mdia", b"moof", b"traf"}


def boxes(data, start=0, end=None):
    """Yield each box with its kind and content, those in boxes that hold others too."""
    end = len(data) if end is None else end
    while start < end:
        size, kind = int.from_bytes(data[start : start + 4], "big"), data[start + 4 : start + 8]
        assert 8 <= size <= end - start, kind
        yield kind, data[start + 8 : start + size]
        if kind in _INSIDE:
            yield from boxes(data, start + 8, start + size)
        start += size


def timescale(init) -> int:
    """Ticks a second of the one track in an init segment."""
    body = next(body for kind, body in boxes(init) if kind == b"mdhd")
    at = 20 if body[0] else 12
    return int.from_bytes(body[at : at + 4], "big")


@dataclass
class Fragment:
    """Times in seconds: when decoding begins, how long each sample lasts, when each is shown; its bytes."""

    begins: Fraction
    lengths: list[Fraction]
    shown: list[Fraction]
    sizes: list[int]
    data: bytes

    @property
    def ends(self) -> Fraction:
        return self.begins + sum(self.lengths)


def read_fragment(init, fragment) -> Fragment:
    """Read a segment of one `moof` with one `trun`."""
    scale, found = timescale(init), dict(boxes(fragment))
    tfhd, tfdt, trun = found[b"tfhd"], found[b"tfdt"], found[b"trun"]
    default_length, default_size = _defaults(tfhd)
    begins = int.from_bytes(tfdt[4 : 12 if tfdt[0] else 8], "big")
    flags, count = int.from_bytes(trun[1:4], "big"), int.from_bytes(trun[4:8], "big")
    at = 8 + 4 * bool(flags & 1) + 4 * bool(flags & 4)
    lengths, sizes, offsets = [], [], []
    for _ in range(count):
        fields = {}
        for bit in (0x100, 0x200, 0x400, 0x800):
            if flags & bit:
                fields[bit] = int.from_bytes(trun[at : at + 4], "big", signed=bit == 0x800 and trun[0] == 1)
                at += 4
        lengths.append(fields.get(0x100, default_length))
        sizes.append(fields.get(0x200, default_size))
        offsets.append(fields.get(0x800, 0))
    decoded = [begins + sum(lengths[:number]) for number in range(count)]
    shown = [Fraction(time + offset, scale) for time, offset in zip(decoded, offsets, strict=True)]
    seconds = [Fraction(length, scale) for length in lengths]
    return Fragment(Fraction(begins, scale), seconds, shown, sizes, found[b"mdat"])


def _defaults(tfhd):
    flags, at = int.from_bytes(tfhd[1:4], "big"), 8
    values = {}
    for bit, size in ((1, 8), (2, 4), (8, 4), (0x10, 4), (0x20, 4)):
        if flags & bit:
            values[bit] = int.from_bytes(tfhd[at : at + size], "big")
            at += size
    return values.get(8, 0), values.get(0x10, 0)
