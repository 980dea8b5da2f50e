from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wylloh_server.adapters.ipfs.varint import read_varint, varint
from wylloh_server.adapters.ipfs.cid import DAG_PB, RAW, IpfsBlock, ContentId, parse_cid, read_cid
from wylloh_server.domain.errors import BlockCorrupt, InvalidValue

EMPTY_RAW = "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku"
# The empty directory as every IPFS node knows it, in both versions.
EMPTY_DIRECTORY_V0 = "QmUNLLsPACCz1vLxQVkXqqLX5R1X345qqfHbsf67hvA3Nn"
EMPTY_DIRECTORY = "bafybeiczsscdsbs7ffqz55asqdf3smv6klcw3gofszvwlyarci47bgf354"


def test_known_cids():
    assert IpfsBlock.of(RAW, b"").cid.text == EMPTY_RAW
    assert IpfsBlock.of(DAG_PB, b"\x0a\x02\x08\x01").cid.text == EMPTY_DIRECTORY
    assert parse_cid(EMPTY_DIRECTORY_V0).text == EMPTY_DIRECTORY
    assert parse_cid(EMPTY_RAW) == ContentId(RAW, hashlib.sha256(b"").digest())


@given(codec=st.sampled_from([RAW, DAG_PB]), digest=st.binary(min_size=32, max_size=32))
def test_text_and_bytes_come_back(codec, digest):
    cid = ContentId(codec, digest)
    assert parse_cid(cid.text) == cid
    assert read_cid(b"xx" + cid.binary + b"yy", 2) == (cid, 2 + 36)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "b",
        "film",
        EMPTY_RAW.upper(),
        EMPTY_RAW[:-1],
        EMPTY_RAW + "a",
        EMPTY_RAW[:-1] + "v",  # the same bytes, other unused bits
        "z" + EMPTY_RAW[1:],
        EMPTY_DIRECTORY_V0[:-1],
        EMPTY_DIRECTORY_V0[:-1] + "0",
        "Qm" + "z" * 44,
        "bafyreigdmqpykrgxyaxtlafqpqhzrb7qy2rh75nldvfd4tucqmqqme5yje",  # dag-cbor
        "bafkqaaa",  # identity hash
        "bé" + EMPTY_RAW[2:],
        "../../etc/passwd",
    ],
)
def test_everything_else_is_refused(text):
    with pytest.raises(InvalidValue):
        parse_cid(text)


@given(st.binary(max_size=60))
def test_no_bytes_break_the_reader(data):
    try:
        cid, end = read_cid(data, 0)
    except InvalidValue:
        return
    assert end in (34, 36)
    assert len(cid.digest) == 32


@given(st.integers(0, 2**64 - 1))
def test_varints_come_back(number):
    assert read_varint(b"\xff" + varint(number), 1) == (number, 1 + len(varint(number)))


@pytest.mark.parametrize("data", [b"", b"\x80", b"\x80\x00", b"\xff" * 11, b"\xff" * 9 + b"\x02"])
def test_malformed_varints(data):
    with pytest.raises(InvalidValue):
        read_varint(data, 0)


def test_blocks_are_checked():
    cid = IpfsBlock.of(RAW, b"film").cid
    assert IpfsBlock.checked(cid, b"film").data == b"film"
    with pytest.raises(BlockCorrupt):
        IpfsBlock.checked(cid, b"fi1m")
    large = bytes((2 << 20) + 1)
    with pytest.raises(BlockCorrupt):
        IpfsBlock.checked(IpfsBlock.of(RAW, large).cid, large)
