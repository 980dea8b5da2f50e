"""Recordings that were put one after the other into one transport stream."""

from __future__ import annotations

import io

import av
import pytest

from tests.components.films import BUNDLED, run_ffmpeg
from wylloh_server.adapters.ffmpeg import FfmpegMediaTools, find_ffmpeg
from wylloh_server.adapters.ffmpeg.joined_streams import JoinedStream, clock_jumps


@pytest.fixture
def joined(corpus):
    return corpus.film("joined.ts")


async def test_both_recordings_are_one_film(joined, loopback, opened):
    """Twice as long, and every time stamp is that of its place."""
    media = FfmpegMediaTools(loopback, find_ffmpeg(BUNDLED), threads=1)
    async with opened(joined) as source:
        probe = await media.probe(source)
    assert probe.duration == pytest.approx(28, abs=0.3)
    assert probe.video.last == pytest.approx(27.96, abs=0.3)


async def test_the_clock_goes_on_and_nothing_else_is_changed(joined, opened):
    async with opened(joined) as source:
        (jump,) = await clock_jumps(source)
        plain = await source.read(0, source.size)
        moved = await JoinedStream(source, (jump,)).read(0, source.size)
    assert 0 <= jump.offset - source.size // 2 <= 2 * 188
    assert moved[: jump.offset] == plain[: jump.offset]
    differing = sum(one != other for one, other in zip(plain, moved, strict=True))
    assert 0 < differing < len(plain) / 50
    with av.open(io.BytesIO(moved), format="mpegts") as container:
        times = [float(packet.dts * packet.time_base) for packet in container.demux(video=0) if packet.size]
    assert len(times) == 2 * 14 * 25
    assert times == sorted(times)
    assert times[-1] - times[0] == pytest.approx(27.96, abs=0.3)


@pytest.mark.parametrize(("offset", "length"), [(0, 1000), (12_345, 70_001), (187, 2), (188 * 3000, 188)])
async def test_any_piece_is_that_of_the_whole(joined, opened, offset, length):
    async with opened(joined) as source:
        stream = JoinedStream(source, await clock_jumps(source))
        half = source.size // 2
        whole = await stream.read(0, source.size)
        for start in (offset, half - 100 + offset):
            assert await stream.read(start, length) == whole[start : start + length]
        assert await stream.read(source.size - 5, 50) == whole[-5:]


@pytest.mark.parametrize("name", ["long-gop.ts", "pcm.mkv", "bluray.m2ts"])
async def test_one_recording_stays_as_it_is(name, corpus, opened):
    async with opened(corpus.film(name)) as source:
        assert await clock_jumps(source) == ()


RATES = ("-c", "copy", "-muxrate", "1500k", "-f", "mpegts")
"""At this rate, 14 s are more than 2 MB, so that several places are looked at."""


@pytest.fixture(scope="module")
def recordings(corpus):
    """Return the bytes of 14 s: plain, with time stamps before the packets, and another program."""

    def made(name, *options):
        path = corpus.folder / name
        if not path.exists():
            run_ffmpeg("-i", str(corpus.film("long-gop.ts")), *RATES, *options, str(path))
        data = path.read_bytes()
        assert len(data) > 2_000_000
        return data

    stamped = made("rate.m2ts", "-mpegts_m2ts_mode", "1")
    plain = made("rate.ts")
    other = made("other.ts", "-output_ts_offset", "5000", "-mpegts_start_pid", "0x200")
    return {"plain": plain, "stamped": stamped, "other": other}


def packets(data, size=188):
    return [data[at : at + size] for at in range(0, len(data) - size + 1, size)]


def corrected(data):
    """With room for error correction behind each packet."""
    return b"".join(packet + b"\x47" * 16 for packet in packets(data))


def both_programs(first, second):
    return b"".join(one + other for one, other in zip(packets(first), packets(second), strict=False))


def with_damaged_clocks(data):
    """The clock of every fortieth packet that has one is noise."""
    pieces, seen = packets(data), 0
    for number, packet in enumerate(pieces):
        if packet[3] & 0x20 and packet[4] > 6 and packet[5] & 0x10:
            seen += 1
            if seen % 40 == 1:
                pieces[number] = packet[:6] + b"\xaa\x55\xaa" + packet[9:]
    assert seen > 100
    return b"".join(pieces)


KINDS = {
    "m2ts": lambda made: made["stamped"],
    "ts": lambda made: made["plain"],
    "ts that begins in a packet": lambda made: made["plain"][101:],
    "m2ts that begins in a packet": lambda made: made["stamped"][77:],
    "204 bytes": lambda made: corrected(made["plain"]),
    "two programs": lambda made: both_programs(made["plain"], made["other"]),
    "damaged clocks": lambda made: with_damaged_clocks(made["plain"]),
    "no transport stream": lambda made: bytes(range(256)) * 10_000,
}


@pytest.mark.parametrize("kind", KINDS)
async def test_a_large_recording_has_no_jumps(kind, recordings, tmp_path, opened):
    (tmp_path / "film").write_bytes(KINDS[kind](recordings))
    async with opened(tmp_path / "film") as source:
        assert await clock_jumps(source) == ()


@pytest.mark.parametrize(
    ("kind", "stride", "skipped"),
    [
        ("m2ts", 192, 0),
        ("ts", 188, 0),
        ("ts that begins in a packet", 188, 87),
        ("m2ts that begins in a packet", 192, 115),
        ("204 bytes", 204, 0),
        ("damaged clocks", 188, 0),
    ],
)
async def test_two_large_recordings_go_on_whatever_their_packets_are(
    kind, stride, skipped, recordings, tmp_path, opened
):
    data = KINDS[kind](recordings)
    whole = data + data[skipped:]
    (tmp_path / "film").write_bytes(whole)
    async with opened(tmp_path / "film") as source:
        (jump,) = await clock_jumps(source)
        stream = JoinedStream(source, (jump,))
        moved = await stream.read(0, len(whole))
        for start, length in ((5, 700), (len(data) - 333, 1234), (len(whole) - 500, 500)):
            assert await stream.read(start, length) == moved[start : start + length]
    assert jump.stride == stride
    assert abs(jump.offset - len(data)) <= 4 * stride
    assert moved[: jump.offset] == whole[: jump.offset]
    assert 0 < sum(one != other for one, other in zip(whole, moved, strict=True)) < len(whole) / 20
    path = tmp_path / "moved.ts"
    path.write_bytes(moved)
    with av.open(str(path), format="mpegts") as container:
        times = [float(packet.dts * packet.time_base) for packet in container.demux(video=0) if packet.dts]
    assert times == sorted(times)
    assert times[-1] - times[0] == pytest.approx(28, abs=0.5)
