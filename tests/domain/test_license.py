import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wylloh_server.domain.errors import InvalidValue
from wylloh_server.domain.license import (
    DeviceBinding,
    Envelope,
    EnvelopeRequest,
    EnvelopeTerms,
    canonical,
    envelope_from_json,
    request_from_json,
)
from wylloh_server.domain.types import ChainId, Cid, Timestamp, TokenReference, wallet_of

WALLET = wallet_of("0x" + "ab" * 20)
TOKEN = TokenReference(ChainId(31337), wallet_of("0x" + "9a" * 20), 7)
TERMS = EnvelopeTerms(
    root=Cid("bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi"),
    token=TOKEN,
    wallet=WALLET,
    right="personal",
    territory="",
    device_key="11" * 32,
    not_before=1_000,
    not_after=2_000,
)
ENVELOPE = Envelope(TERMS, "22" * 80, "33" * 32, "44" * 64)
BINDING = DeviceBinding(WALLET, "11" * 32, ChainId(31337), 1_760_000_000, "0x" + "55" * 65)
REQUEST = EnvelopeRequest(TOKEN, "small-venue", "AT", BINDING)

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
"""Any JSON value, with the numbers and lone surrogates that Python's reader lets through."""


def paths_in(value, path=()):
    yield path
    if isinstance(value, dict):
        for key, item in value.items():
            yield from paths_in(item, (*path, key))


def with_value(value, path, new):
    if not path:
        return new
    return {**value, path[0]: with_value(value[path[0]], path[1:], new)}


def without(value, path):
    if len(path) == 1:
        return {key: item for key, item in value.items() if key != path[0]}
    return {**value, path[0]: without(value[path[0]], path[1:])}


def test_an_envelope_survives_its_json():
    assert envelope_from_json(json.loads(json.dumps(ENVELOPE.as_json()))) == ENVELOPE


def test_a_request_survives_its_json():
    assert request_from_json(json.loads(json.dumps(REQUEST.as_json()))) == REQUEST


@given(st.sampled_from(list(paths_in(ENVELOPE.as_json()))), anything)
def test_a_malformed_envelope_is_an_invalid_value_and_nothing_else(path, value):
    data = with_value(ENVELOPE.as_json(), path, value)
    try:
        envelope = envelope_from_json(data)
    except (KeyError, InvalidValue):
        return
    assert envelope.as_json() == data
    assert envelope.signed_bytes()
    assert envelope.terms.binding_bytes()


@given(st.sampled_from(list(paths_in(REQUEST.as_json()))), anything)
def test_a_malformed_request_is_an_invalid_value_and_nothing_else(path, value):
    data = with_value(REQUEST.as_json(), path, value)
    try:
        request = request_from_json(data)
    except (KeyError, InvalidValue):
        return
    assert request.as_json() == data
    assert request.binding.text().encode()


@pytest.mark.parametrize("path", [path for path in paths_in(ENVELOPE.as_json()) if path])
def test_an_envelope_needs_every_field(path):
    with pytest.raises((KeyError, InvalidValue)):
        envelope_from_json(without(ENVELOPE.as_json(), path))


@pytest.mark.parametrize("path", [path for path in paths_in(REQUEST.as_json()) if path])
def test_a_request_needs_every_field(path):
    with pytest.raises((KeyError, InvalidValue)):
        request_from_json(without(REQUEST.as_json(), path))


def test_a_term_nobody_here_knows_could_be_a_limit_and_is_refused():
    data = ENVELOPE.as_json()
    data["terms"] = {**data["terms"], "only_on_sundays": True}
    with pytest.raises(InvalidValue, match="only_on_sundays"):
        envelope_from_json(data)


CHANGES = [
    {"root": Cid("bafybeihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku")},
    {"token": replace(TOKEN, token_id=8)},
    {"wallet": wallet_of("0x" + "cd" * 20)},
    {"right": "theatrical"},
    {"territory": "AT"},
    {"device_key": "12" * 32},
    {"not_before": 1_001},
    {"not_after": 2_001},
]


@pytest.mark.parametrize("change", CHANGES)
def test_every_term_is_bound_by_seal_and_signature(change):
    """DESIGN §4: root CID, token reference, wallet, right, territory, device key, not-before, not-after."""
    other = replace(TERMS, **change)
    assert other.binding_bytes() != TERMS.binding_bytes()
    assert replace(ENVELOPE, terms=other).signed_bytes() != ENVELOPE.signed_bytes()


@pytest.mark.parametrize("change", [{"sealed": "23" * 80}, {"custodian_key": "34" * 32}])
def test_the_signature_covers_what_is_sealed_and_by_whom(change):
    assert replace(ENVELOPE, **change).signed_bytes() != ENVELOPE.signed_bytes()


@pytest.mark.parametrize(("now", "covered"), [(999.9, False), (1_000, True), (1_999.9, True), (2_000, False)])
def test_the_window_is_open_from_its_first_second_and_before_its_last(now, covered):
    assert TERMS.covers(Timestamp(now)) is covered


def test_the_binding_is_the_text_a_person_can_read_before_signing():
    assert replace(BINDING, signature="").text() == (
        "Let this media server keep the keys of my films.\n\n"
        "It may ask custodians for the keys of films this wallet holds. It can never move a token.\n\n"
        f"Server key: {'11' * 32}\n"
        f"Wallet: 0x{'ab' * 20}\n"
        "Chain ID: 31337\n"
        "Signed at: 1760000000"
    )


@pytest.mark.parametrize(
    "change",
    [
        {"wallet": wallet_of("0x" + "cd" * 20)},
        {"device_key": "12" * 32},
        {"chain_id": ChainId(1)},
        {"signed_at": 1_760_000_001},
    ],
)
def test_every_field_of_a_binding_is_in_the_signed_text(change):
    assert replace(BINDING, **change).text() != BINDING.text()


def test_canonical_json_in_bytes():
    """RFC 8785 for the subset used, except that beyond ASCII everything is escaped."""
    assert canonical({"b": 1, "a": {"z": None, "y": ["ö", "€"]}}) == (
        b'{"a":{"y":["\\u00f6","\\u20ac"],"z":null},"b":1}'
    )


@given(st.dictionaries(st.text(), st.integers() | st.text() | st.lists(st.text()), max_size=6))
def test_canonical_json_does_not_depend_on_the_order_of_writing(value):
    backwards = dict(reversed(value.items()))
    assert canonical(value) == canonical(backwards)
    assert json.loads(canonical(value)) == value
