from __future__ import annotations

import os

import pytest

from wylloh_server.adapters.crypto import StoredServerKeys
from wylloh_server.domain.errors import InvalidValue, SealBroken

INFO = b"root|token|wallet|right|window"


def new_keys():
    return StoredServerKeys(os.urandom(32), os.urandom(32))


def test_a_sealed_key_opens_on_its_device_only():
    content, mine, other = os.urandom(32), new_keys(), new_keys()
    sealed = other.seal(content, mine.device_public, INFO)
    assert len(bytes.fromhex(sealed)) == 80
    assert content.hex() not in sealed
    assert mine.unseal(sealed, INFO) == content
    with pytest.raises(SealBroken):
        other.unseal(sealed, INFO)


def test_other_terms_or_other_bytes_do_not_open():
    mine = new_keys()
    sealed = mine.seal(os.urandom(32), mine.device_public, INFO)
    with pytest.raises(SealBroken) as refused:
        mine.unseal(sealed, INFO + b"+1 day")
    assert refused.value.fix
    for index in range(80):
        changed = bytearray.fromhex(sealed)
        changed[index] ^= 1
        with pytest.raises(SealBroken):
            mine.unseal(changed.hex(), INFO)
        with pytest.raises(SealBroken):
            mine.unseal(sealed[: 2 * index], INFO)
    with pytest.raises(SealBroken):
        mine.unseal("no hex", INFO)


def test_a_sealed_thing_that_is_no_film_key_is_refused():
    mine = new_keys()
    with pytest.raises(SealBroken, match="no film key"):
        mine.unseal(mine.seal(b"short", mine.device_public, INFO), INFO)


@pytest.mark.parametrize("public", ["", "00" * 31, "00" * 32, "no hex"])
def test_unusable_device_keys_are_refused(public):
    with pytest.raises(InvalidValue):
        new_keys().seal(bytes(32), public, INFO)


def test_signature_fits_its_key_and_message_only():
    mine, other = new_keys(), new_keys()
    signature = mine.sign(b"envelope")
    assert other.verify(mine.custodian_public, b"envelope", signature)
    assert not mine.verify(other.custodian_public, b"envelope", signature)
    assert not mine.verify(mine.custodian_public, b"envelope!", signature)
    assert not mine.verify(mine.custodian_public, b"envelope", signature[:-2])
    assert not mine.verify(mine.custodian_public, b"envelope", "no hex")
    assert not mine.verify("6b6579", b"envelope", signature)


def test_rfc_8032_vector():
    # RFC 8032 section 7.1, TEST 2.
    private = bytes.fromhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")
    keys = StoredServerKeys(os.urandom(32), private)
    assert keys.custodian_public == "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
    assert keys.sign(b"\x72") == (
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
    )
