from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from wylloh_server.domain.key_commitment import fits_commitment, key_commitment
from wylloh_server.domain.types import ChainId, ContentKey, TokenReference, parse_wallet

TOKEN = TokenReference(ChainId(31337), parse_wallet("0x" + "9a" * 20), 7)
KEY = ContentKey(bytes(range(32)))
COMMITMENT = "681bf940288241af5557482d2e208d13ab859c0d0bd66e265562cd44f3762a4a"


def test_a_commitment_is_hmac_sha256_over_domain_and_token():
    """Computed with OpenSSL: printf '%s' "<text>" | openssl dgst -sha256 -mac HMAC -macopt hexkey:<key>."""
    assert key_commitment(KEY, TOKEN) == COMMITMENT


@given(st.binary(min_size=32, max_size=32))
def test_only_the_committed_key_fits(key):
    assert fits_commitment(ContentKey(key), TOKEN, key_commitment(KEY, TOKEN)) is (key == KEY)


def test_a_commitment_is_for_one_film():
    """The same key under two tokens is not recognisable, and one film's value is none of another's."""
    assert not fits_commitment(KEY, replace(TOKEN, token_id=8), key_commitment(KEY, TOKEN))
