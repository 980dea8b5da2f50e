from __future__ import annotations

import asyncio
import io
import os
import random

import pytest
from cryptography.hazmat.primitives import hashes
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tink import cleartext_keyset_handle, streaming_aead
from tink.proto import aes_gcm_hkdf_streaming_pb2, common_pb2, tink_pb2

from wylloh_server.adapters.crypto import StreamParameters, TinkFilmCipher
from wylloh_server.domain.errors import SealBroken

AD = b"wylloh-film-v1|eip155:31337/erc1155:0x00000000000000000000000000000000000000aa/1|feature"
MIB = 1 << 20
FIRST = MIB - 16 - 40
REST = MIB - 16
EDGES = [0, 1, FIRST - 1, FIRST, FIRST + 1, FIRST + REST - 1, FIRST + REST, FIRST + REST + 1, 3 * MIB + 17]

# Published with Tink's cross-language tests (aes_gcm_hkdf_streaming_key_test.py, made by hand from its documentation)
# and with Tink's own test vectors for this key type. Figures only.
SHORT_KEY = bytes.fromhex("6eb56cdc726dfbe5d57f2fcdc6e9345b")
LONG_KEY = bytes.fromhex("00112233445566778899aabbccddeeff6eb56cdc726dfbe5d57f2fcdc6e9345b")
VECTORS = {
    "three segments": (
        StreamParameters(64, 16, hashes.SHA1()),
        SHORT_KEY,
        b"aad",
        b"This is a fairly long plaintext. It is of the exact length to create three output blocks. ",
        "1893b3af5e14ab378d065addfc8484da642c0862877baea8"
        "db92d9c77406a406168478821c4298eab3e6d531277f4c1a051714faebcaefcbca7b7be05e9445ea"
        "a0bb2904153398a25084dd80ae0edcd1c3079fcea2cd3770630ee36f7539207b8ec9d754956d486b71cdf989f0ed6fba"
        "6779b63558be0a66e668df14e1603cd2af8944844078345286d0b292e772e7190775c51a0f83e40c0b75821027e7e538e111",
    ),
    "empty, SHA-256": (
        StreamParameters(64, 16, hashes.SHA256()),
        SHORT_KEY,
        b"",
        b"",
        "18be78bce0cab6fd38a9041eea8ab0ffc4cf17e3c00b661d3927f5f79069f41a210fedc40b25648c",
    ),
    "first segment exactly full, 32-byte keys": (
        StreamParameters(120, 32, hashes.SHA1()),
        LONG_KEY,
        bytes([0, 1, 2, 3]),
        b"BLOCK 1.BLOCK 2.BLOCK 3.BLOCK 4.BLOCK 5.BLOCK 6.BLOCK 7.BLOCK 8.",
        "28782994617714a80fa085e15051a16854522330d6d0f26c049b2192f09cdd98b2eb90c753bfff277a29e54fa4afb15d648c28477eb07f01"
        "2535c767f5fdce24ffffae318480c1d37357d6d3c511159318afa09ef38aa3f5456fd7817c5c02dd6e1a7fef174c8bd24e38b5982ac10549"
        "7c0101ac5581fe5b",
    ),
}


def reference_implementation(key: bytes) -> streaming_aead.StreamingAead:
    """Tink's own primitive, template AES256_GCM_HKDF_1MB, over a key of ours."""
    streaming_aead.register()
    template = streaming_aead.streaming_aead_key_templates.AES256_GCM_HKDF_1MB
    params = aes_gcm_hkdf_streaming_pb2.AesGcmHkdfStreamingKeyFormat.FromString(template.value).params
    assert params.hkdf_hash_type == common_pb2.HashType.SHA256
    value = aes_gcm_hkdf_streaming_pb2.AesGcmHkdfStreamingKey(version=0, params=params, key_value=key)
    keyset = tink_pb2.Keyset(primary_key_id=1)
    keyset.key.add(
        key_data=tink_pb2.KeyData(
            type_url=template.type_url,
            value=value.SerializeToString(),
            key_material_type=tink_pb2.KeyData.SYMMETRIC,
        ),
        status=tink_pb2.ENABLED,
        key_id=1,
        output_prefix_type=tink_pb2.RAW,
    )
    handle = cleartext_keyset_handle.from_keyset(keyset)
    return handle.primitive(streaming_aead.StreamingAead)


class Kept(io.BytesIO):
    """Tink closes its sink; what was written is wanted afterwards."""

    def close(self) -> None:
        pass


def encrypted(key: bytes, plaintext: bytes, ad: bytes = AD, parameters=None) -> bytes:
    sink, done = io.BytesIO(), []
    TinkFilmCipher(parameters).encrypt(io.BytesIO(plaintext), sink, key, ad, done.append)
    assert done == sorted(done)
    assert done[-1] == len(plaintext)
    return sink.getvalue()


async def decrypted(memory, key: bytes, ciphertext: bytes, ad: bytes = AD, parameters=None) -> bytes:
    opened = TinkFilmCipher(parameters).open(memory(ciphertext), key, ad)
    return await opened.read(0, opened.size)


@pytest.fixture(scope="module")
def key() -> bytes:
    return os.urandom(32)


@pytest.mark.parametrize("size", EDGES)
def test_tink_opens_what_we_seal(key, size):
    plaintext = random.Random(size).randbytes(size)
    with reference_implementation(key).new_decrypting_stream(
        io.BytesIO(encrypted(key, plaintext)), AD
    ) as stream:
        assert stream.read() == plaintext


@pytest.mark.parametrize("size", EDGES)
async def test_we_open_what_tink_seals(key, size, memory):
    plaintext = random.Random(size).randbytes(size)
    sink = Kept()
    with reference_implementation(key).new_encrypting_stream(sink, AD) as stream:
        stream.write(plaintext)
    opened = TinkFilmCipher().open(memory(sink.getvalue()), key, AD)
    assert opened.size == size
    assert await opened.read(0, size) == plaintext


@pytest.mark.parametrize("name", VECTORS)
async def test_published_vectors(name, memory):
    parameters, key, ad, plaintext, ciphertext = VECTORS[name]
    assert await decrypted(memory, key, bytes.fromhex(ciphertext), ad, parameters) == plaintext


SMALL = StreamParameters(segment_bytes=100)
SMALL_PLAIN = random.Random(7).randbytes(1000)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(offset=st.integers(-5, 1100), length=st.integers(0, 1100))
async def test_any_range_reads_as_from_the_plain_file(key, offset, length, memory):
    opened = TinkFilmCipher(SMALL).open(memory(encrypted(key, SMALL_PLAIN, parameters=SMALL)), key, AD)
    expected = SMALL_PLAIN[offset : offset + length] if offset >= 0 else b""
    assert await opened.read(offset, length) == expected


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(plaintext=st.binary(max_size=500), pieces=st.integers(1, 7))
async def test_any_plaintext_comes_back_even_from_a_pipe_that_trickles(key, plaintext, pieces, memory):
    class Trickle(io.BytesIO):
        def read(self, size: int = -1) -> bytes:
            return super().read(min(size, pieces))

    sink = io.BytesIO()
    TinkFilmCipher(SMALL).encrypt(Trickle(plaintext), sink, key, AD)
    assert await decrypted(memory, key, sink.getvalue(), parameters=SMALL) == plaintext


async def test_every_truncation_is_noticed_at_the_first_read(key, memory):
    whole = encrypted(key, SMALL_PLAIN, parameters=SMALL)
    for length in range(len(whole)):
        with pytest.raises(SealBroken):
            await TinkFilmCipher(SMALL).open(memory(whole[:length]), key, AD).read(0, 1)


async def test_missing_swapped_or_repeated_segments_are_noticed(key, memory):
    whole = encrypted(key, SMALL_PLAIN, parameters=SMALL)
    pieces = [whole[start : start + 100] for start in range(0, len(whole), 100)]
    for index in range(len(pieces)):
        with pytest.raises(SealBroken):
            await decrypted(memory, key, b"".join(pieces[:index] + pieces[index + 1 :]), parameters=SMALL)
    pieces[1], pieces[2] = pieces[2], pieces[1]
    with pytest.raises(SealBroken):
        await decrypted(memory, key, b"".join(pieces), parameters=SMALL)
    with pytest.raises(SealBroken):
        await decrypted(memory, key, whole + pieces[-1], parameters=SMALL)


@settings(deadline=None, max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(where=st.integers(0), bit=st.integers(0, 7))
async def test_any_flipped_bit_is_noticed(key, where, bit, memory):
    changed = bytearray(encrypted(key, SMALL_PLAIN, parameters=SMALL))
    changed[where % len(changed)] ^= 1 << bit
    with pytest.raises(SealBroken):
        await decrypted(memory, key, bytes(changed), parameters=SMALL)


async def test_wrong_key_and_wrong_associated_data_are_refused_with_advice(key, memory):
    whole = encrypted(key, b"film")
    for wrong_key, ad in ((bytes(32), AD), (key, AD + b"x")):
        with pytest.raises(SealBroken) as refused:
            await TinkFilmCipher().open(memory(whole), wrong_key, ad).read(0, 1)
        assert refused.value.fix


async def test_the_film_differs_every_time_it_is_encrypted(key):
    assert encrypted(key, b"film") != encrypted(key, b"film")


async def test_readers_of_one_segment_share_the_work_and_a_leaving_one_takes_nothing_away(key, memory):
    source = memory(encrypted(key, SMALL_PLAIN, parameters=SMALL))
    opened = TinkFilmCipher(SMALL).open(source, key, AD)
    await opened.read(0, 0)
    source.reads.clear()
    leaving = asyncio.create_task(opened.read(0, 10))
    staying = asyncio.create_task(opened.read(5, 10))
    await asyncio.sleep(0)
    leaving.cancel()
    assert await staying == SMALL_PLAIN[5:15]
    assert source.reads.count((40, 60)) == 1


async def test_a_read_that_failed_is_tried_again(key, memory):
    whole = encrypted(key, SMALL_PLAIN, parameters=SMALL)
    source = memory(whole)
    opened = TinkFilmCipher(SMALL).open(source, key, AD)
    await opened.read(0, 0)
    source.content = bytes(len(whole))
    with pytest.raises(SealBroken):
        await opened.read(100, 10)
    source.content = whole
    assert await opened.read(100, 10) == SMALL_PLAIN[100:110]


async def test_few_opened_segments_are_kept(key, memory):
    opened = TinkFilmCipher(SMALL).open(memory(encrypted(key, SMALL_PLAIN, parameters=SMALL)), key, AD)
    await opened.read(0, opened.size)
    assert len(opened._opened) <= 4


async def test_closing_closes_the_ciphertext_and_forgets_the_plaintext(key, memory):
    source = memory(encrypted(key, SMALL_PLAIN, parameters=SMALL))
    opened = TinkFilmCipher(SMALL).open(source, key, AD)
    await opened.read(0, 10)
    await opened.close()
    await opened.close()
    assert source.closed
    assert not opened._opened
    with pytest.raises(ValueError):
        await opened.read(0, 10)


def test_new_keys_differ_and_are_32_bytes():
    assert len({TinkFilmCipher().new_key() for _ in range(10)}) == 10
    assert len(TinkFilmCipher().new_key()) == 32


async def test_reading_on_finds_the_next_segment_already_asked_for_and_jumping_about_does_not(key, memory):
    source = memory(encrypted(key, SMALL_PLAIN, parameters=SMALL))
    opened = TinkFilmCipher(SMALL).open(source, key, AD)
    await opened.read(300, 10)
    source.reads.clear()
    await opened.read(310, 10)
    await asyncio.sleep(0)
    assert source.reads == [(500, 100)]
    source.reads.clear()
    await opened.read(700, 1)
    await asyncio.sleep(0)
    assert source.reads == [(800, 100)]
