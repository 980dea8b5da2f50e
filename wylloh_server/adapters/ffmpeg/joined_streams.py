"""Transport streams that are several recordings one after the other: their clocks are made to go on.

Times in a transport stream (ISO/IEC 13818-1) are a clock reference in some packets and time stamps at the
head of each picture and piece of sound, all 33 bits of a clock of 90 kHz. Where a second recording was
appended, that clock jumps, and players see the first one only. The jumps are found by looking at the clock at
a few places; what comes after one is read with its times moved.

Each program has its own clock, so the clock references of one packet id only are compared; one that does not
go with its neighbours is damaged, and no jump.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from wylloh_server.domain.rendition import ClockJump

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from wylloh_server.domain.ports.content import RandomAccess

_PACKET = 188
_STRIDES = (188, 192, 204)
"""Bytes from packet to packet: plain, with a time stamp before it (`.m2ts`), with parity bytes after it."""
_SYNC = 0x47
_IN_A_ROW = 8
"""Packets whose first byte must be right, for a file to be a transport stream."""
_CLOCK = 1 << 33
_CLOCK_BYTES = 6
_PLACES = 24
_PIECE_BYTES = 256 << 10
_MOST_PIECES = 8
"""Pieces to read until two clock references were seen."""
_LONGEST_GAP = 90_000 * 60
"""Ticks by which the clock may run on between two places more than it does elsewhere."""
_NEXT = 90_000 * 2
"""Ticks from one clock reference to the next at most; the standard says a tenth of a second."""
_STEP = 3_600
"""Ticks from the last clock reference before a jump to the first after it: one picture of 25 a second."""


class JoinedStream:
    """A transport stream whose clock goes on over its jumps. Implements `RandomAccess`."""

    def __init__(self, source: RandomAccess, jumps: Sequence[ClockJump]) -> None:
        self.size = source.size
        self.close = source.close
        self._source = source
        self._jumps = jumps
        self._stride = jumps[0].stride
        self._first = jumps[0].offset % self._stride

    async def read(self, offset: int, length: int) -> bytes:
        """Read `length` bytes from `offset`; fewer only at the end. Raises what reading the source raises."""
        start = max(0, offset - (offset - self._first) % self._stride)
        data = bytearray(await self._source.read(start, length + offset - start + 2 * self._stride))
        begin = (self._first - start) % self._stride
        for at in range(begin, len(data) - _PACKET + 1, self._stride):
            shift = next((jump.shift for jump in reversed(self._jumps) if jump.offset <= start + at), 0)
            if shift and _is_packet(data, at, self._stride):
                _move(data, at, shift)
        return bytes(data[offset - start : offset - start + length])


async def clock_jumps(source: RandomAccess) -> tuple[ClockJump, ...]:
    """Return where the clock of a transport stream jumps; nothing for any other file."""
    found = _packets_of(await source.read(0, _PIECE_BYTES))
    if found is None or source.size < 2 * _PIECE_BYTES:
        return ()
    clock = _ProgramClock(source, *found)
    step = max(_PIECE_BYTES, source.size // _PLACES)
    seen = [one for at in range(0, source.size, step) if (one := await clock.after(at))]
    usual = sorted(_ticks(later[1] - earlier[1]) for earlier, later in pairwise(seen))
    most = usual[len(usual) // 2] * 4 + _LONGEST_GAP if usual else _LONGEST_GAP
    jumps, shift = [], 0
    for earlier, later in pairwise(seen):
        if not 0 <= _ticks(later[1] - earlier[1]) <= most:
            offset, before, after = await clock.jump_between(earlier, later, most)
            shift += before + _STEP - after
            jumps.append(ClockJump(offset, shift % _CLOCK, clock.stride))
    return tuple(jumps)


def _packets_of(data: bytes) -> tuple[int, int, int] | None:
    """Return the stride of the packets, where the first one begins, and the id of those with a clock."""
    first = data.find(_SYNC)
    while first >= 0:
        for stride in _STRIDES:
            places = range(first, first + stride * _IN_A_ROW, stride)
            if places[-1] < len(data) and all(data[at] == _SYNC for at in places):
                clocks = (at for at in range(first, len(data), stride) if _clock(data, at) is not None)
                at = next(clocks, None)
                return None if at is None else (stride, first % stride, _packet_id(data, at))
        first = data.find(_SYNC, first + 1)
    return None


@dataclass(frozen=True, slots=True)
class _ProgramClock:
    """The clock references of one packet id. A place is an offset and what the clock says there."""

    source: RandomAccess
    stride: int
    first: int
    packet_id: int

    async def after(self, at: int) -> tuple[int, int] | None:
        """Return the first place from `at` on whose clock goes on to the next."""
        start, places = self._packet_from(at), list[tuple[int, int]]()
        for number in range(_MOST_PIECES):
            begin = self._packet_from(start + number * _PIECE_BYTES)
            places += await self._between(begin, self._packet_from(begin + _PIECE_BYTES))
            found = next((one for one, other in pairwise(places) if _go_together(one, other)), None)
            if found or begin >= self.source.size:
                return found
        return None

    async def jump_between(
        self, earlier: tuple[int, int], later: tuple[int, int], most: int
    ) -> tuple[int, int, int]:
        """Return the packet where the clock jumps, and what it says before and after."""
        while later[0] - earlier[0] > _PIECE_BYTES:
            middle = await self.after((earlier[0] + later[0]) // 2)
            if middle is None or middle[0] >= later[0]:
                break
            if 0 <= _ticks(middle[1] - earlier[1]) <= most:
                earlier = middle
            else:
                later = middle
        places = [*await self._between(earlier[0], later[0]), later]
        for before, after in pairwise(_undamaged(places)):
            if not 0 <= _ticks(after[1] - before[1]) <= most:
                return await self._first_table(before[0], after[0]), before[1], after[1]
        return later[0], earlier[1], later[1]

    async def _between(self, begin: int, end: int) -> list[tuple[int, int]]:
        data = await self.source.read(begin, end - begin)
        return [
            (begin + at, clock)
            for at in range(0, len(data), self.stride)
            if (clock := _clock(data, at)) is not None and _packet_id(data, at) == self.packet_id
        ]

    async def _first_table(self, before: int, after: int) -> int:
        """Return where a recording begins: with its table of programs, which is repeated now and then."""
        data = await self.source.read(before, after - before)
        tables = range(after - before - self.stride, 0, -self.stride)
        return before + next((at for at in tables if _is_first_table(data, at)), after - before)

    def _packet_from(self, at: int) -> int:
        return at + (self.first - at) % self.stride


def _go_together(one: tuple[int, int], other: tuple[int, int]) -> bool:
    return 0 <= _ticks(other[1] - one[1]) <= _NEXT


def _undamaged(places: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Leave out places, but the first and last, whose clock goes with neither neighbour."""
    yield places[0]
    for before, place, after in zip(places, places[1:], places[2:], strict=False):
        if _go_together(before, place) or _go_together(place, after):
            yield place
    yield places[-1]


def _is_packet(data: bytes | bytearray, at: int, stride: int) -> bool:
    following = at + stride
    return data[at] == _SYNC and (following >= len(data) or data[following] == _SYNC)


def _packet_id(data: bytes, at: int) -> int:
    return int.from_bytes(data[at + 1 : at + 3], "big") & 0x1FFF


def _ticks(difference: int) -> int:
    """Return a difference of clocks that may have begun again from 0 meanwhile."""
    return (difference + _CLOCK // 2) % _CLOCK - _CLOCK // 2


def _clock(data: bytes, at: int) -> int | None:
    if len(data) < at + _PACKET or data[at] != _SYNC or not _has_clock(data, at):
        return None
    return int.from_bytes(data[at + 6 : at + 11], "big") >> 7


def _has_clock(data: bytes | bytearray, at: int) -> bool:
    return bool(data[at + 3] & 0x20 and data[at + 4] > _CLOCK_BYTES and data[at + 5] & 0x10)


def _is_first_table(data: bytes, at: int) -> bool:
    return data[at] == _SYNC and data[at + 1] & 0x5F == 0x40 and data[at + 2] == 0  # noqa: PLR2004 - its mask


def _move(data: bytearray, at: int, shift: int) -> None:
    """Add ticks to the times in one packet."""
    if _has_clock(data, at):
        rest = int.from_bytes(data[at + 6 : at + 12], "big")
        moved = ((rest >> 15) + shift) % _CLOCK << 15 | rest & 0x7FFF
        data[at + 6 : at + 12] = moved.to_bytes(6, "big")
    body = at + 4 + (1 + data[at + 4] if data[at + 3] & 0x20 else 0)
    begins = data[at + 1] & 0x40 and data[at + 3] & 0x10 and body + 19 <= at + _PACKET
    if begins and data[body : body + 3] == b"\0\0\1" and data[body + 6] & 0xC0 == 0x80:  # noqa: PLR2004 - its mask
        for number in range((data[body + 7] >> 6 & 1) + 1 if data[body + 7] & 0x80 else 0):
            _move_stamp(data, body + 9 + 5 * number, shift)


def _move_stamp(data: bytearray, at: int, shift: int) -> None:
    """Add ticks to a time stamp, whose 33 bits stand in five bytes with a marker after each part."""
    first = data[at]
    high, low = (int.from_bytes(data[at + begin : at + begin + 2], "big") for begin in (1, 3))
    ticks = ((first >> 1 & 7) << 30 | high >> 1 << 15 | low >> 1) + shift
    ticks %= _CLOCK
    data[at] = first & 0xF1 | ticks >> 30 << 1
    data[at + 1 : at + 3] = ((ticks >> 15 & 0x7FFF) << 1 | 1).to_bytes(2, "big")
    data[at + 3 : at + 5] = ((ticks & 0x7FFF) << 1 | 1).to_bytes(2, "big")
