from __future__ import annotations

import os

import pytest

from wylloh_server.adapters.crypto.sealing import device_key, device_public, open_key, seal_key
from wylloh_server.adapters.crypto.signing import sign, signing_key, signing_public, verify
from wylloh_server.domain.errors import InvalidValue, SealBroken

INFO = b"root|token|wallet|right|window"


def test_a_sealed_key_opens_on_its_device_only():
    content, mine, other = os.urandom(32), device_key(), device_key()
    sealed = seal_key(content, device_public(mine), INFO)
    assert len(sealed) == 80
    assert content not in sealed
    assert open_key(sealed, mine, INFO) == content
    with pytest.raises(SealBroken):
        open_key(sealed, other, INFO)


def test_other_terms_or_other_bytes_do_not_open():
    mine = device_key()
    sealed = seal_key(os.urandom(32), device_public(mine), INFO)
    with pytest.raises(SealBroken) as refused:
        open_key(sealed, mine, INFO + b"+1 day")
    assert refused.value.fix
    for index in range(len(sealed)):
        changed = bytearray(sealed)
        changed[index] ^= 1
        with pytest.raises(SealBroken):
            open_key(bytes(changed), mine, INFO)
        with pytest.raises(SealBroken):
            open_key(sealed[:index], mine, INFO)


def test_a_sealed_thing_that_is_no_film_key_is_refused():
    mine = device_key()
    with pytest.raises(SealBroken):
        open_key(seal_key(b"short", device_public(mine), INFO), mine, INFO)


@pytest.mark.parametrize("public", [b"", bytes(31), bytes(32)])
def test_unusable_device_keys_are_refused(public):
    with pytest.raises(InvalidValue):
        seal_key(bytes(32), public, INFO)


def test_signature_fits_its_key_and_message_only():
    mine, other = signing_key(), signing_key()
    signature = sign(mine, b"envelope")
    assert verify(signing_public(mine), b"envelope", signature)
    assert not verify(signing_public(other), b"envelope", signature)
    assert not verify(signing_public(mine), b"envelope!", signature)
    assert not verify(signing_public(mine), b"envelope", signature[:-1])
    assert not verify(b"no key", b"envelope", signature)


def test_rfc_8032_vector():
    # RFC 8032 section 7.1, TEST 2.
    private = bytes.fromhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")
    assert signing_public(private).hex() == "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
    assert sign(private, b"\x72").hex() == (
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
    )
