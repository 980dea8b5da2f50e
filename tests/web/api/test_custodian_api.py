from __future__ import annotations

from dataclasses import replace

import pytest

from tests.fakes import FakeChain
from tests.web.conftest import CHAIN, COLLECTOR, GATED, TOKEN
from wylloh_server.adapters.crypto import load_server_keys, open_key_store
from wylloh_server.domain.device_binding import BindingRevocation, DeviceBinding, revocation_json
from wylloh_server.domain.license import EnvelopeRequest, envelope_from_json
from wylloh_server.domain.rights import RightsLadder, Tier
from wylloh_server.domain.types import ContentKey
from wylloh_server.services.licensing.film_keys import FilmKeys


@pytest.fixture
async def holder(tmp_path):
    return await load_server_keys(await open_key_store(tmp_path / "holder"))


@pytest.fixture
async def custodian(server_under_test, tmp_path):
    """The server under test, keeping the key of a film of which somebody holds one token."""
    store = await open_key_store(tmp_path / "keys")
    await FilmKeys(store).keep_as_custodian(TOKEN, ContentKey(b"k" * 32))
    server_under_test.chain.ladders[TOKEN] = RightsLadder((Tier(1, "personal"),))
    server_under_test.chain.held[(COLLECTOR, TOKEN)] = 1
    return server_under_test


def asked(server_under_test, holder):
    now = int(server_under_test.clock())
    binding = DeviceBinding(
        COLLECTOR, holder.device_public, CHAIN, "https://home.example", "a1" * 8, now, now + 1000
    )
    signed = replace(binding, signature=FakeChain.sign(COLLECTOR, binding.text(COLLECTOR)))
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


async def test_a_film_it_keeps_no_key_of_is_not_found(server_under_test, browser, holder):
    assert GATED.token == TOKEN
    assert (await browser.post("/api/custody/envelope", asked(server_under_test, holder))).status == 404


@pytest.mark.parametrize(
    "spoil",
    [
        lambda body: {},
        lambda body: body | {"token": "eip155:1"},
        lambda body: body | {"binding": None},
        lambda body: body | {"binding": body["binding"] | {"chain_id": "one"}},
        lambda body: body | {"binding": body["binding"] | {"issued_at": 1e400}},
        lambda body: body | {"binding": body["binding"] | {"issued_at": []}},
    ],
)
async def test_a_malformed_request_is_refused(custodian, browser, holder, spoil):
    response = await browser.post("/api/custody/envelope", spoil(asked(custodian, holder)))

    assert response.status == 400


async def test_another_server_delivers_a_revocation_and_gets_no_key_any_more(custodian, browser, holder):
    now = int(custodian.clock())
    revocation = BindingRevocation(COLLECTOR, "", CHAIN, "https://home.example", "b2" * 8, now)
    signature = FakeChain.sign(COLLECTOR, revocation.text(COLLECTOR))
    signed = revocation_json(replace(revocation, signature=signature))

    forged = await browser.post("/api/custody/revocation", signed | {"issued_at": now + 1}, {"Origin": None})
    broken = await browser.post("/api/custody/revocation", signed | {"uri": "x"}, {"Origin": None})
    before = await browser.post("/api/custody/envelope", asked(custodian, holder))
    taken = await browser.post("/api/custody/revocation", signed, {"Origin": None})
    after = await browser.post("/api/custody/envelope", asked(custodian, holder))

    assert (forged.status, broken.status, before.status) == (403, 400, 200)
    assert (taken.status, after.status) == (200, 403)


async def test_one_address_cannot_keep_the_chain_busy(server_under_test, browser, holder):
    statuses = [(await browser.post("/api/custody/envelope", {})).status for _ in range(62)]

    assert statuses[0] == 400 and statuses[-1] == 429
