import json
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from wylloh_server.domain.device_binding import (
    BindingRevocation,
    DeviceBinding,
    binding_from_json,
    revocation_from_json,
    revocation_json,
)
from wylloh_server.domain.errors import InvalidValue
from wylloh_server.domain.license import (
    Envelope,
    EnvelopeRequest,
    EnvelopeTerms,
    canonical,
    envelope_from_json,
    request_from_json,
)
from wylloh_server.domain.types import ChainId, Cid, Timestamp, TokenReference, parse_wallet

WALLET = parse_wallet("0x" + "ab" * 20)
ADDRESS = "0x" + "aB" * 20
TOKEN = TokenReference(ChainId(31337), parse_wallet("0x" + "9a" * 20), 7)
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
BINDING = DeviceBinding(
    wallet=WALLET,
    device_key="11" * 32,
    chain_id=ChainId(31337),
    uri="https://films.example:8484",
    nonce="8fj2k3l4m5n6",
    issued_at=1_760_000_000,
    expires_at=1_767_776_000,
    signature="0x" + "55" * 65,
)
REVOCATION = BindingRevocation(
    WALLET, "", ChainId(31337), "https://films.example", "8fj2k3l4m5n6", 1_760_000_000, "0x" + "55" * 65
)
REQUEST = EnvelopeRequest(TOKEN, "small-venue", "AT", BINDING)

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
"""Any JSON value, with the numbers and lone surrogates that Python's reader lets through."""

almost = st.from_regex(r"https?://[a0.:\[\]_-]{1,8}", fullmatch=True) | st.from_regex(
    r"[0-9a-f]{64}", fullmatch=True
)
"""What has the form of an address or a key."""


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
    for request in (REQUEST, replace(REQUEST, root=TERMS.root)):
        assert request_from_json(json.loads(json.dumps(request.as_json()))) == request
    with pytest.raises(InvalidValue):
        request_from_json({**REQUEST.as_json(), "root": 7})


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


@given(st.sampled_from(list(paths_in(REQUEST.as_json()))), anything | almost)
@example(("binding", "uri"), "http://[")
@example(("binding", "uri"), "http://a:99999")
def test_a_malformed_request_is_an_invalid_value_and_nothing_else(path, value):
    data = with_value(REQUEST.as_json(), path, value)
    try:
        request = request_from_json(data)
    except (KeyError, InvalidValue):
        return
    assert request.as_json() == data
    assert request.binding.text(ADDRESS).encode()


@given(st.sampled_from(list(paths_in(revocation_json(REVOCATION)))), anything | almost)
@example(("uri",), "https://]:[")
def test_a_malformed_revocation_is_an_invalid_value_and_nothing_else(path, value):
    data = with_value(revocation_json(REVOCATION), path, value)
    try:
        revocation = revocation_from_json(data)
    except (KeyError, InvalidValue):
        return
    assert revocation_json(revocation) == data
    assert revocation.text(ADDRESS).encode()


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
    {"wallet": parse_wallet("0x" + "cd" * 20)},
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


@pytest.mark.parametrize(
    "change",
    [
        {"device_key": "12" * 32},
        {"chain_id": ChainId(1)},
        {"uri": "http://films.example:8484"},
        {"uri": "https://films.example"},
        {"nonce": "8fj2k3l4m5n7"},
        {"issued_at": 1_760_000_001},
        {"expires_at": 1_767_776_001},
    ],
)
def test_every_field_of_a_binding_is_in_the_signed_text(change):
    """The wallet is the address in the text, with its checksum."""
    assert replace(BINDING, **change).text(ADDRESS) != BINDING.text(ADDRESS)
    assert BINDING.text(ADDRESS) != BINDING.text("0x" + "cd" * 20)


@pytest.mark.parametrize(
    "change",
    [
        {"uri": "https://films.example\nURI: https://other.example"},
        {"uri": "https://films.example/path"},
        {"uri": "https://user@films.example"},
        {"uri": "ftp://films.example"},
        {"nonce": "8fj2k3l4\nIssued At: 1970-01-01T00:00:00Z"},
        {"nonce": "short"},
        {"device_key": "11" * 31},
        {"device_key": ""},
        {"issued_at": -1},
        {"expires_at": 253_402_300_800},
    ],
)
def test_no_field_of_a_binding_can_write_a_line_of_its_own(change):
    with pytest.raises(InvalidValue):
        binding_from_json({**REQUEST.as_json()["binding"], **change})


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
