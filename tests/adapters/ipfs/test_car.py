from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.adapters.ipfs.recipes import hashes
from wylloh_server.adapters.ipfs.car import car_header, car_section, read_car
from wylloh_server.adapters.ipfs.cid import RAW, IpfsBlock
from wylloh_server.domain.errors import BlockCorrupt

CONTENT = [hashes(size) for size in (0, 1, 200, 70_000)]
CIDS = [IpfsBlock.of(RAW, data).cid for data in CONTENT]
ROOT = CIDS[0]
SECTIONS = [b"".join(car_section(cid, data)) for cid, data in zip(CIDS, CONTENT)]
CAR = car_header(ROOT) + b"".join(SECTIONS)


async def pieces(data: bytes, size: int):
    for start in range(0, len(data), size):
        yield data[start : start + size]


async def read(data: bytes, size: int = 4096, root=ROOT):
    return [(item.cid, item.data) async for item in read_car(pieces(data, size), root)]


@settings(deadline=None, max_examples=30)
@given(st.integers(50, 80_000))
async def test_blocks_come_back_whatever_the_pieces(size):
    assert await read(CAR, size) == list(zip(CIDS, CONTENT))


async def test_byte_by_byte():
    short = car_header(ROOT) + SECTIONS[1]
    assert await read(short, 1) == [(CIDS[1], CONTENT[1])]


async def test_cut_in_a_block_is_noticed_and_cut_between_blocks_is_left_to_the_caller():
    boundary = len(car_header(ROOT)) + len(SECTIONS[0])
    assert await read(CAR[:boundary]) == [(CIDS[0], CONTENT[0])]
    for length in (0, 1, 10, boundary - 1, boundary + 1, boundary + 20, len(CAR) - 1):
        with pytest.raises(BlockCorrupt):
            await read(CAR[:length])


async def test_a_changed_block_is_refused_after_the_good_ones():
    changed = bytearray(CAR)
    changed[-1] ^= 1
    good = []
    with pytest.raises(BlockCorrupt):
        async for item in read_car(pieces(bytes(changed), 4096), ROOT):
            good.append((item.cid, item.data))
    assert good == list(zip(CIDS, CONTENT))[:3]


async def test_another_root_is_refused():
    with pytest.raises(BlockCorrupt):
        await read(CAR, root=CIDS[1])


@pytest.mark.parametrize("length", [b"\x00", b"\xff\xff\xff\xff\x0f", b"\x80" * 12])
async def test_impossible_lengths_are_refused_before_anything_is_kept(length):
    with pytest.raises(BlockCorrupt):
        await read(length + bytes(100))
    with pytest.raises(BlockCorrupt):
        await read(car_header(ROOT) + length + bytes(100))


@settings(deadline=None)
@given(st.binary(max_size=120), st.booleans())
async def test_no_bytes_break_the_reader(data, with_header):
    try:
        await read((car_header(ROOT) if with_header else b"") + data)
    except BlockCorrupt:
        pass
