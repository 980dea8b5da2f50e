from __future__ import annotations

import pytest

from tests.fakes import FakeSignatures
from tests.web.conftest import CHAIN, COLLECTOR, GATED, TOKEN
from wylloh_server.adapters.crypto import load_server_keys, open_key_store
from wylloh_server.domain.license import DeviceBinding, EnvelopeRequest, envelope_from_json
from wylloh_server.domain.rights import RightsLadder, Tier
from wylloh_server.domain.types import ContentKey
from wylloh_server.services.film_keys import FilmKeys


@pytest.fixture
async def holder(tmp_path):
    return await load_server_keys(await open_key_store(tmp_path / "holder"))


@pytest.fixture
async def custodian(house, tmp_path):
    """The server under test, keeping the key of a film of which somebody holds one token."""
    store = await open_key_store(tmp_path / "keys")
    await FilmKeys(store).keep_as_custodian(TOKEN, ContentKey(b"k" * 32))
    house.chain.ladders[TOKEN] = RightsLadder((Tier(1, "personal"),))
    house.chain.held[(COLLECTOR, TOKEN)] = 1
    return house


def asked(house, holder):
    binding = DeviceBinding(COLLECTOR, holder.device_public, CHAIN, int(house.clock()))
    signed = DeviceBinding(
        COLLECTOR,
        holder.device_public,
        CHAIN,
        binding.signed_at,
        FakeSignatures.sign(COLLECTOR, binding.text()),
    )
    return EnvelopeRequest(TOKEN, "personal", "", signed).as_json()


async def test_another_server_gets_the_envelope_without_cookie_or_origin(custodian, browser, holder):
    response = await browser.post("/api/custody/envelope", asked(custodian, holder), {"Origin": None})

    assert response.status == 200
    assert "Set-Cookie" not in response.headers
    envelope = envelope_from_json(await response.json())
    assert holder.unseal(envelope.sealed, envelope.terms.binding_bytes()) == b"k" * 32


async def test_who_holds_nothing_gets_nothing(custodian, browser, holder):
    custodian.chain.held.clear()

    response = await browser.post("/api/custody/envelope", asked(custodian, holder))

    assert response.status == 403


async def test_a_silent_chain_is_ask_again_later_not_no(custodian, browser, holder):
    custodian.chain.silent = True

    assert (await browser.post("/api/custody/envelope", asked(custodian, holder))).status == 503


async def test_a_film_it_keeps_no_key_of_is_not_found(house, browser, holder):
    assert GATED.token == TOKEN
    assert (await browser.post("/api/custody/envelope", asked(house, holder))).status == 404


@pytest.mark.parametrize(
    "spoil",
    [
        lambda body: {},
        lambda body: body | {"token": "eip155:1"},
        lambda body: body | {"binding": None},
        lambda body: body | {"binding": body["binding"] | {"chain_id": "one"}},
        lambda body: body | {"binding": body["binding"] | {"signed_at": 1e400}},
        lambda body: body | {"binding": body["binding"] | {"signed_at": []}},
    ],
)
async def test_a_malformed_request_is_refused(custodian, browser, holder, spoil):
    response = await browser.post("/api/custody/envelope", spoil(asked(custodian, holder)))

    assert response.status == 400


async def test_one_address_cannot_keep_the_chain_busy(house, browser, holder):
    statuses = [(await browser.post("/api/custody/envelope", {})).status for _ in range(62)]

    assert statuses[0] == 400 and statuses[-1] == 429
