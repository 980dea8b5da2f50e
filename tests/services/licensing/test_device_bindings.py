"""Bindings of wallets to servers: signed like a sign-in, for 90 days, on few servers, listed and revoked."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from aiohttp import web

from tests.components.bindings import (
    HOLDER,
    SESSION,
    URI,
    bind,
    binding_of,
    personal,
    revocation_of,
    signed,
)
from tests.components.registry import ACCOUNTS, CHAIN_ID
from tests.adapters.chain.test_wallet_signatures import TEST_ARTIFACTS
from tests.components.serving import serving
from tests.services.licensing.test_custodian import DAY, asked, renewed
from tests.services.licensing.test_wrong_keys import held
from tests.services.packing import published
from tests.services.server_environment import MOST_SERVERS
from wylloh_server.adapters.chain import registry_calls
from wylloh_server.domain.access import Reason, Role
from wylloh_server.domain.device_binding import (
    LONGEST_BINDING,
    DeviceBinding,
    revocation_from_json,
    revocation_json,
)
from wylloh_server.domain.errors import AccessRefused, RetryLater, SignInRefused
from wylloh_server.domain.film import FilmState
from wylloh_server.domain.types import SessionId, parse_wallet
from wylloh_server.services.licensing.revocation_delivery import RevocationDelivery

WALLET = parse_wallet(HOLDER.address)
EMPTY = ACCOUNTS[2]


def device_key(number):
    """A public key of another server; any 32 bytes are one."""
    return f"{number + 9:064x}"


@pytest.fixture
async def packed(publisher, loopback):
    packed = await published(publisher, custodian=loopback.url, size=50_000)
    await publisher.registry.mint(packed.token, WALLET, 1)
    return packed


async def test_a_binding_is_an_eip_4361_message_of_the_servers_own_address(holder, clock):
    """A page of somebody else cannot ask for it under its own name: wallets compare domain and page."""
    text = holder.bindings.request(SESSION, WALLET, "https://evil.example")
    binding = holder.bindings._asked[SESSION, DeviceBinding]
    assert text.splitlines() == [
        "films.example wants you to sign in with your Ethereum account:",
        HOLDER.address,
        "",
        "Let this media server keep the keys of my films, until the date below. It may ask custodians for the "
        "keys of films this wallet holds. It can never move a token.",
        "",
        "URI: https://films.example",
        "Version: 1",
        f"Chain ID: {CHAIN_ID}",
        f"Nonce: {binding.nonce}",
        "Issued At: 2025-10-09T08:53:20Z",
        "Expiration Time: 2026-01-07T08:53:20Z",
        "Resources:",
        f"- urn:wylloh:device-key:{holder.server_keys.device_public}",
    ]
    assert len(binding.nonce) >= 8
    assert holder.bindings.request(SESSION, WALLET) != text, "the nonce is used once"


async def test_what_was_asked_is_answered_once_in_time_and_by_its_wallet(holder, clock):
    bindings = holder.bindings
    await holder.storage.accounts.save(WALLET, Role.VIEWER)
    good = personal(HOLDER, bindings.request(SESSION, WALLET))
    with pytest.raises(SignInRefused):
        await bindings.accept(SessionId("6" * 64), WALLET, good)
    with pytest.raises(SignInRefused):
        await bindings.accept(SESSION, parse_wallet(EMPTY.address), good)
    with pytest.raises(SignInRefused):
        await bindings.accept(SESSION, WALLET, good)
    by_another = personal(EMPTY, bindings.request(SESSION, WALLET))
    with pytest.raises(SignInRefused, match="did not sign"):
        await bindings.accept(SESSION, WALLET, by_another)
    late = personal(HOLDER, bindings.request(SESSION, WALLET))
    clock.now += 301
    with pytest.raises(SignInRefused):
        await bindings.accept(SESSION, WALLET, late)
    assert await bindings.current(WALLET) is None
    await bind(holder)
    assert await bindings.wallets() == (WALLET,)


async def test_a_binding_is_renewed_at_sign_in_and_ends_after_90_days(holder, publisher, clock):
    assert await holder.bindings.is_due(WALLET)
    await bind(holder)
    assert not await holder.bindings.is_due(WALLET)
    clock.now += 31 * DAY
    assert await holder.bindings.is_due(WALLET), "asked for again at the next sign-in"
    assert await holder.bindings.current(WALLET), "and good until then"
    clock.now += 59 * DAY
    assert await holder.bindings.current(WALLET) is None
    assert await holder.bindings.wallets() == ()
    await holder.storage.bindings.save(binding_of(publisher))
    assert await holder.bindings.current(WALLET) is None, "as after the key store was lost and made anew"


async def test_custodians_enforce_age_and_expiry(publisher, holder, packed, clock):
    """The case of the report: a binding dated 1970 released the key."""
    now = int(clock())
    for changes, words in (
        ({"issued_at": 0}, "run out"),
        ({"issued_at": now - LONGEST_BINDING}, "run out"),
        ({"expires_at": now + LONGEST_BINDING + 1}, "more than 90 days"),
        ({"issued_at": now - 10 * DAY, "expires_at": now}, "run out"),
    ):
        with pytest.raises(AccessRefused, match=words) as refusal:
            await publisher.custody.release(asked(packed, binding_of(holder, **changes)))
        assert "Sign in again" in refusal.value.fix
    await publisher.custody.release(asked(packed, binding_of(holder, issued_at=now - 89 * DAY)))


async def test_a_holding_is_served_to_a_bounded_number_of_servers(publisher, holder, packed, clock):
    """The case of the report: one wallet with one token had 40 device keys served."""

    async def release(number):
        binding = binding_of(holder, device_key=device_key(number), uri=f"https://s{number}.example")
        return await publisher.custody.release(asked(packed, binding))

    at_once = await asyncio.gather(*(release(number) for number in range(8)), return_exceptions=True)
    served = [number for number, answer in enumerate(at_once) if not isinstance(answer, Exception)]
    assert len(served) == MOST_SERVERS
    refused = next(number for number in range(8) if number not in served)
    with pytest.raises(AccessRefused) as refusal:
        await release(refused)
    assert "on 3 servers already" in str(refusal.value)
    assert all(f"https://s{number}.example" in str(refusal.value) for number in served)
    assert "The next may follow on 7 January 2026, 08:53 UTC." in str(refusal.value)
    assert "custody.servers" in refusal.value.fix
    entry = (await publisher.storage.receipts.page(1))[0].receipt
    assert (entry.allowed, entry.reason, entry.tier) == (False, Reason.TOO_MANY_SERVERS, "")
    clock.now += 60 * DAY
    await release(served[0])
    clock.now += 31 * DAY
    await publisher.custody.forget_expired()
    await release(refused)
    known = await publisher.storage.holder_servers.of_wallet(WALLET)
    assert {server.uri for server in known} == {
        f"https://s{number}.example" for number in (refused, served[0])
    }


async def test_strangers_leave_no_servers_behind(publisher, holder, packed):
    with pytest.raises(AccessRefused):
        await publisher.custody.release(asked(packed, binding_of(holder, EMPTY)))
    assert await publisher.storage.holder_servers.of_wallet(parse_wallet(EMPTY.address)) == ()


@pytest.mark.parametrize("meant", ["one", "all"])
async def test_custodians_honour_a_signed_revocation(publisher, holder, packed, clock, meant):
    binding = binding_of(holder)
    other = binding_of(holder, device_key=device_key(1), uri="https://phishing.example")
    for each in (binding, other):
        await publisher.custody.release(asked(packed, each))
    named = {"one": other.device_key, "all": ""}[meant]
    revocation = revocation_of(holder, device_key=named)
    for forged in (
        replace(revocation, signature="0x00"),
        revocation_of(holder, EMPTY, wallet=WALLET, device_key=named),
        replace(revocation, device_key=device_key(5)),
    ):
        with pytest.raises(AccessRefused, match="did not sign"):
            await publisher.custody.revoke(forged)
    for misdated in (clock() + DAY, clock() - LONGEST_BINDING):
        with pytest.raises(AccessRefused):
            await publisher.custody.revoke(revocation_of(holder, device_key=named, issued_at=int(misdated)))
    await publisher.custody.release(asked(packed, other))

    await publisher.custody.revoke(revocation_from_json(revocation_json(revocation)))
    with pytest.raises(AccessRefused, match="revoked"):
        await publisher.custody.release(asked(packed, other))
    shown = {server.uri for server in await publisher.bindings.servers(WALLET)}
    if meant == "one":
        await publisher.custody.release(asked(packed, binding))
        assert shown == {URI}
    else:
        with pytest.raises(AccessRefused, match="revoked"):
            await publisher.custody.release(asked(packed, binding))
        assert shown == set()
    await publisher.custody.revoke(revocation_of(holder, device_key=named, issued_at=int(clock()) - DAY))
    with pytest.raises(AccessRefused, match="revoked"):
        await publisher.custody.release(asked(packed, other))
    clock.now += 1
    await publisher.custody.release(asked(packed, binding_of(holder)))
    clock.now += LONGEST_BINDING
    await publisher.custody.forget_expired()
    assert await publisher.storage.revocations.of_wallet(WALLET) == {}


async def test_a_contract_wallet_binds_and_revokes(publisher, holder, packed, clock):
    """EIP-1271: the contract says whether its owner signed."""
    creation = registry_calls.deploy(TEST_ARTIFACTS / "OwnedWallet.json", [HOLDER.address])
    contract = (await publisher.registry.send(creation)).contract
    await publisher.registry.mint(packed.token, contract, 1)
    binding = signed(replace(binding_of(holder), wallet=contract))
    assert await publisher.custody.release(asked(packed, binding))
    await holder.storage.accounts.save(contract, Role.VIEWER)
    await holder.bindings.accept(
        SESSION, contract, personal(HOLDER, holder.bindings.request(SESSION, contract))
    )
    assert await holder.bindings.current(contract)
    with pytest.raises(AccessRefused, match="did not sign"):
        await publisher.custody.release(asked(packed, signed(binding, EMPTY)))
    await publisher.custody.revoke(signed(replace(revocation_of(holder), wallet=contract)))
    with pytest.raises(AccessRefused, match="revoked"):
        await publisher.custody.release(asked(packed, binding))


async def test_who_is_removed_or_takes_it_back_gets_no_renewal(publisher, holder, loopback, clock):
    await held(publisher, holder, custodian=loopback.url)
    await bind(holder)
    await holder.storage.accounts.remove(WALLET)
    await renewed(holder)
    assert loopback.asked == 0, "a wallet without an account, as one that was removed by an older version"
    await bind(holder)
    await renewed(holder)
    assert loopback.asked == 1
    clock.now += 20 * DAY
    text = holder.bindings.request_revocation(SESSION, WALLET, "")
    assert "no media server may any longer ask custodians" in text
    assert "- urn:wylloh:device-key:all" in text
    await holder.bindings.accept_revocation(SESSION, WALLET, personal(HOLDER, text))
    await renewed(holder)
    assert loopback.asked == 1


class Run:
    """A background task's side that `RevocationDelivery` uses."""

    def __init__(self, revocation):
        self.arguments = {"revocation": revocation_json(revocation)}
        self.notes = []

    def note(self, done, total, message):
        self.notes.append((done, total, message))


class Tasks:
    """Takes the kind of task, and runs none."""

    def register(self, kind, how):
        self.work = how.work


def delivery(holder, tasks, clock):
    return RevocationDelivery(
        films=holder.storage.films,
        envelopes=holder.storage.envelopes,
        manifests=holder.manifests,
        http=holder.http,
        tasks=tasks,
        clock=clock,
    )


async def test_who_sent_an_envelope_is_told_although_its_film_was_stopped(publisher, holder, loopback, clock):
    """And a door that is closed to revocations alone, by a proxy say, does not count as told."""
    told, answers = [], {"/api/custody/revocation": 404, "/api/custody/envelope": 400}

    async def hear(request):
        told.append(request.path)
        return web.json_response({}, status=answers[request.path])

    _, film = await held(publisher, holder, custodian=loopback.url)
    await bind(holder)
    assert await holder.envelope_client.ensure(film, WALLET)
    (envelope,) = await holder.storage.envelopes.of_token(film.token)
    assert await holder.storage.envelopes.custodians() == (loopback.url,)
    async with serving(hear) as url:
        await holder.storage.envelopes.save(envelope, url)
        await holder.storage.films.save(replace(film, state=FilmState.STOPPED))
        tasks = Tasks()
        delivery(holder, tasks, clock)
        with pytest.raises(RetryLater, match="cannot be told yet"):
            await tasks.work(Run(revocation_of(holder)))
        assert told == ["/api/custody/revocation", "/api/custody/envelope"]
        answers["/api/custody/envelope"] = 404
        assert await tasks.work(Run(revocation_of(holder))), "it is no custodian any more"
        answers["/api/custody/revocation"] = 200
        assert await tasks.work(Run(revocation_of(holder)))


async def test_every_custodian_is_told_until_all_know(publisher, holder, clock):
    told, up = [], {"value": False}

    async def hear(request):
        told.append(await request.json())
        return web.json_response({}, status=200 if up["value"] else 503)

    async with serving(hear) as url:
        await held(publisher, holder, pulled=False, custodian=url)
        tasks, revocation = Tasks(), revocation_of(holder)
        delivery(holder, tasks, clock)
        with pytest.raises(RetryLater, match="1 of 1 custodians cannot be told yet"):
            await tasks.work(Run(revocation))
        up["value"] = True
        result = await tasks.work(Run(revocation))
    assert result.sentence == "Every custodian known here knows it."
    assert told == [revocation_json(revocation)] * 2
    clock.now += LONGEST_BINDING
    assert await tasks.work(Run(revocation)), "nobody is told any more when it has no use"
