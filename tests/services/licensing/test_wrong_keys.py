"""A wrong key never takes the place of the right one: it is tried first, dropped, told of and asked for elsewhere."""

from __future__ import annotations

import os
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from tests.components.bindings import bind, binding_of
from tests.components.custodian import custodian_door
from tests.components.registry import ACCOUNTS
from tests.services.licensing.test_custodian import DAY, asked, renewed
from tests.services.packing import film_of, published
from tests.services.server_environment import WINDOW
from wylloh_server.app.services import named_key_faults
from wylloh_server.domain.errors import AccessRefused, NotFound, PackageInvalid
from wylloh_server.domain.film import Custodian, FilmState
from wylloh_server.domain.license import KeyFault
from wylloh_server.domain.types import ContentKey, parse_wallet
from wylloh_server.services.library.film_sources import FilmSources
from wylloh_server.services.licensing.key_fault_retention import KEPT_FAULTS, KeyFaultRetention
from wylloh_server.services.licensing.key_retention import KEPT_AFTER_ENVELOPE, KeyRetention
from wylloh_server.services.operations.health import run_checks
from wylloh_server.services.operations.health import check_keys

WALLET = parse_wallet(ACCOUNTS[1].address)
WRONG = ContentKey(b"w" * 32)


def without_commitment(manifest):
    """As manifests were before there were key commitments."""
    return replace(manifest, encryption=replace(manifest.encryption, key_commitment=""))


async def replace_kept_key(server, packed, key):
    """What a custodian that errs, or was taken over, does."""
    await server.key_store.put(f"custody:{packed.token}", key)


async def held(publisher, holder, *, pulled=True, **lies):
    """A film of which the holder's wallet has a token, on the holder's server."""
    packed = await published(publisher, size=100_000, **lies)
    await publisher.registry.mint(packed.token, WALLET, 1)
    paths = () if pulled else ("manifest.json", "manifest.sig")
    await holder.packages.pull(packed.root, paths=paths)
    film = film_of(packed, holder.registry, FilmState.READY if pulled else FilmState.PULLING)
    await holder.storage.films.save(film)
    return packed, film


def sources_of(server):
    return FilmSources(
        packages=server.packages,
        folders=None,
        manifests=server.manifests,
        verifier=server.verifier,
        keys=server.envelope_client,
        uploads=None,
    )


async def plays(server, packed, film):
    opened = await sources_of(server).open(film)
    try:
        return await opened.read(0, opened.size) == packed.plain
    finally:
        await opened.close()


async def told(server):
    """What the owner reads, on the admin page and from `wylloh doctor`."""

    async def faults():
        return await named_key_faults(server.storage)

    async def check():
        return await check_keys(faults)

    (answer,) = await run_checks({"Keys": check})
    return answer


@asynccontextmanager
async def careless(publisher):
    """Let the custodian release whatever key it keeps, as custodians did before they looked."""

    async def verify(origin, key):
        return False

    publisher.verifier.verify, honest = verify, publisher.verifier.verify
    try:
        yield
    finally:
        publisher.verifier.verify = honest


@pytest.mark.parametrize("manifest", [lambda manifest: manifest, without_commitment])
async def test_a_bad_envelope_does_not_overwrite_a_good_key(publisher, holder, loopback, clock, manifest):
    """With a commitment in the manifest, and in films from before, by their last segment."""
    packed, film = await held(publisher, holder, custodian=loopback.url, manifest=manifest)
    await bind(holder)
    await renewed(holder)
    assert await plays(holder, packed, film)
    good = await holder.envelope_client.valid(film, WALLET)
    assert (await told(holder)).ok

    async with careless(publisher):
        await replace_kept_key(publisher, packed, WRONG)
        clock.now += WINDOW / 2 + DAY
        await renewed(holder)
        assert await plays(holder, packed, film)
        assert await holder.envelope_client.valid(film, WALLET) == good, "the bad envelope was kept"
        check = await told(holder)
        assert not check.ok
        assert f"{loopback.url} sent a wrong key of The Film (" in check.sentence
        before = loopback.asked
        await renewed(holder)
        assert loopback.asked == before, "what sends wrong keys is asked with growing pauses"

    await replace_kept_key(publisher, packed, packed.key)
    clock.now += DAY
    await renewed(holder)
    newer = await holder.envelope_client.valid(film, WALLET)
    assert newer.terms.not_after > good.terms.not_after
    assert (await told(holder)).ok, "the fault is over"


async def test_a_fault_ends_with_the_right_key_with_its_film_and_after_30_days(
    publisher, holder, loopback, clock
):
    packed, film = await held(publisher, holder, custodian=loopback.url)
    retention = KeyFaultRetention(
        faults=holder.storage.key_faults,
        films=holder.storage.films,
        film_keys=holder.film_keys,
        verifier=holder.verifier,
        clock=clock,
    )
    former = KeyFault(packed.token, "https://former.example", clock(), "The key does not open the film.")
    ours = replace(former, custodian="")
    gone = replace(former, token=holder.registry.new_token())
    for fault in (former, ours, gone):
        await holder.storage.key_faults.save(fault)
    await holder.key_store.put(f"custody:{packed.token}", WRONG)
    await retention.delete_over()
    assert set(await holder.storage.key_faults.all()) == {former, ours}
    clock.now += KEPT_FAULTS + DAY
    await replace_kept_key(holder, packed, packed.key)
    await retention.delete_over()
    assert await holder.storage.key_faults.all() == ()

    await holder.storage.key_faults.save(replace(former, at=clock()))
    clock.now += 1
    await bind(holder)
    assert await holder.envelope_client.ensure(film, WALLET)
    assert (await told(holder)).ok, "another custodian has sent the right key since"


async def test_a_wrong_key_is_fetched_from_the_next_custodian(publisher, holder, loopback):
    """Also while the film is still being pulled: the commitment needs nothing but the manifest."""
    async with custodian_door(publisher.custody) as second:
        loopback.tamper = spoiled_by(publisher)

        def two(manifest):
            key = manifest.custodians[0].public_key
            return replace(manifest, custodians=(Custodian(loopback.url, key), Custodian(second.url, key)))

        packed, film = await held(publisher, holder, pulled=False, manifest=two)
        await bind(holder)
        assert await holder.envelope_client.ensure(film, WALLET)
        assert (loopback.asked, second.asked) == (1, 1)
    assert await holder.envelope_client.content_key(film) == packed.key
    faults = await holder.storage.key_faults.all()
    assert [(fault.token, fault.custodian) for fault in faults] == [(packed.token, loopback.url)]


def spoiled_by(custodian):
    """Answers with the custodian's own signature, and a wrong key under it."""
    from tests.services.licensing.test_custodian import made_for

    return lambda answer: made_for(custodian, {}, answer)


async def test_a_wrong_key_of_one_film_stops_no_other_film_of_its_custodian(
    publisher, holder, loopback, clock
):
    """Nor does a custodian that has noticed it itself, and releases that one no more."""
    _, first = await held(publisher, holder, custodian=loopback.url)
    _, second = await held(publisher, holder, custodian=loopback.url)
    spoiled, fine = sorted((first, second), key=lambda film: film.token)
    await bind(holder)
    honest = spoiled_by(publisher)
    loopback.tamper = lambda answer: (
        honest(answer) if answer["terms"]["token"] == str(spoiled.token) else answer
    )
    ends = set()
    for _ in range(3):
        await renewed(holder)
        assert await holder.envelope_client.valid(spoiled, WALLET) is None
        ends.add((await holder.envelope_client.valid(fine, WALLET)).terms.not_after)
        clock.now += WINDOW / 2 + DAY
    assert len(ends) == 3, "it was renewed each time"


async def test_an_envelope_without_its_key_is_fetched_again_at_once(publisher, holder, loopback):
    packed, film = await held(publisher, holder, custodian=loopback.url)
    await bind(holder)
    assert await holder.envelope_client.ensure(film, WALLET)
    for spoil in (lambda name: holder.key_store.remove(name), lambda name: holder.key_store.put(name, WRONG)):
        await spoil(f"film:{packed.token}@{packed.root}")
        before = loopback.asked
        loopback.status = 503
        assert not await holder.envelope_client.ensure(film, WALLET), "nothing here opens the film"
        loopback.status = None
        assert await holder.envelope_client.ensure(film, WALLET)
        assert loopback.asked == before + 2
        assert await plays(holder, packed, film)


async def test_an_envelope_for_another_device_key_is_none(publisher, holder, loopback):
    """As after a key store that was lost, beside a database that was not."""
    _, film = await held(publisher, holder, custodian=loopback.url)
    await bind(holder)
    assert await holder.envelope_client.ensure(film, WALLET)
    envelope = await holder.envelope_client.valid(film, WALLET)
    other = replace(envelope, terms=replace(envelope.terms, device_key="ab" * 32))
    await holder.storage.envelopes.save(other, loopback.url)
    assert await holder.envelope_client.valid(film, WALLET) is None
    assert await holder.envelope_client.ensure(film, WALLET)
    assert await holder.envelope_client.valid(film, WALLET)


def damage(server, name):
    """Cut the file of an entry of the key store short, as a power cut may."""
    path = server.key_store._path(name)
    path.write_bytes(path.read_bytes()[:20])


async def test_a_damaged_entry_hides_no_other_key_of_its_film(publisher, holder, loopback):
    packed, film = await held(publisher, holder, custodian=loopback.url)
    await holder.key_store.put(f"film:{packed.token}", packed.key)
    await holder.film_keys.receive(film.origin, packed.key)
    damage(holder, f"film:{packed.token}@{packed.root}")
    assert await plays(holder, packed, film)
    damage(holder, f"film:{packed.token}")
    await bind(holder)
    assert await holder.envelope_client.ensure(film, WALLET), "and is replaced by what a custodian sends"
    assert await plays(holder, packed, film)


@pytest.mark.parametrize("manifest", [lambda manifest: manifest, without_commitment])
async def test_playback_that_meets_a_wrong_key_fetches_another(publisher, holder, loopback, manifest):
    """As after an update of a server whose good key was overwritten before."""
    packed, film = await held(publisher, holder, custodian=loopback.url, manifest=manifest)
    await bind(holder)
    assert await holder.envelope_client.ensure(film, WALLET)
    await holder.key_store.put(f"film:{packed.token}@{packed.root}", WRONG)
    assert await plays(holder, packed, film)
    assert loopback.asked == 2
    assert await holder.film_keys.candidates(film.origin) == (packed.key,)
    assert await plays(holder, packed, film)
    assert loopback.asked == 2, "the key that was fetched is there to stay"

    await holder.key_store.put(f"film:{packed.token}@{packed.root}", WRONG)
    loopback.status = 503
    with pytest.raises(AccessRefused):
        await plays(holder, packed, film)
    loopback.status = None
    assert await holder.envelope_client.ensure(film, WALLET)
    assert await plays(holder, packed, film)


async def test_the_committed_key_is_not_discarded_for_a_broken_ciphertext(publisher, holder, loopback):
    """The publisher's own fault: no other key would open it."""

    def spoil(folder):
        path = folder / "feature.enc"
        data = path.read_bytes()
        path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))

    packed, film = await held(publisher, holder, custodian=loopback.url, spoil=spoil)
    await holder.film_keys.receive(film.origin, packed.key)
    await bind(holder)
    with pytest.raises(PackageInvalid):
        await plays(holder, packed, film)
    assert await holder.film_keys.candidates(film.origin) == (packed.key,)
    assert loopback.asked == 0
    assert await holder.envelope_client.ensure(film, WALLET)
    assert (await told(holder)).ok, "its custodian sent the right key"


async def test_keys_from_before_they_were_stored_by_package_still_open(publisher, holder):
    packed, film = await held(publisher, holder)
    await holder.key_store.put(f"film:{packed.token}", packed.key)
    assert await plays(holder, packed, film)


async def test_a_key_that_cannot_be_tried_yet_takes_no_keys_place(publisher, holder, loopback):
    """A film without commitment whose last segment is not here: the key that is here may be the right one."""
    loopback.tamper = spoiled_by(publisher)
    packed, film = await held(
        publisher, holder, pulled=False, custodian=loopback.url, manifest=without_commitment
    )
    await holder.film_keys.receive(film.origin, packed.key)
    await bind(holder)
    await holder.envelope_client.ensure(film, WALLET)
    assert await holder.film_keys.candidates(film.origin) == (packed.key,)


async def test_a_custodian_checks_its_key_before_it_releases_it(publisher, holder, loopback):
    packed, film = await held(publisher, holder, custodian=loopback.url)
    await replace_kept_key(publisher, packed, WRONG)
    with pytest.raises(NotFound, match="wrong key"):
        await publisher.custody.release(asked(packed, binding_of(holder)))
    check = await told(publisher)
    assert (check.ok, check.sentence[:41]) == (False, "This server keeps a wrong key of The Film")
    damage(publisher, f"custody:{packed.token}")
    with pytest.raises(NotFound, match="wrong key"):
        await publisher.custody.release(asked(packed, binding_of(holder)))
    assert await publisher.film_keys.keeps(packed.token), "its blocks stay"
    await replace_kept_key(publisher, packed, packed.key)
    assert await publisher.custody.release(asked(packed, binding_of(holder)))
    assert (await told(publisher)).ok


async def test_a_key_in_custody_is_never_replaced(publisher):
    """Two commands that stage one film at the same time encrypt with the same key."""
    token = publisher.registry.new_token()
    first = await publisher.film_keys.keep_as_custodian(token, ContentKey(os.urandom(32)))
    assert await publisher.film_keys.keep_as_custodian(token, WRONG) == first
    assert await publisher.film_keys.in_custody(token) == first


async def test_keys_are_deleted_30_days_after_the_last_envelope_unless_somebody_holds_the_film(
    publisher, holder, loopback, clock
):
    packed, film = await held(publisher, holder, custodian=loopback.url)
    await bind(holder)
    retention = KeyRetention(
        film_keys=holder.film_keys,
        envelopes=holder.storage.envelopes,
        bindings=holder.storage.bindings,
        accounts=holder.storage.accounts,
        stacks=holder.storage.stacks,
        clock=clock,
    )
    assert await holder.envelope_client.ensure(film, WALLET)
    clock.now += WINDOW + KEPT_AFTER_ENVELOPE + DAY
    await retention.delete_expired()
    assert await plays(holder, packed, film), "nobody knows yet who holds it"
    await holder.indexer.catch_up()
    await retention.delete_expired()
    assert await plays(holder, packed, film), "its custodian may be gone for good, its holder is not"

    await holder.storage.bindings.remove(WALLET)
    await retention.delete_expired()
    assert await plays(holder, packed, film)
    await holder.storage.accounts.remove(WALLET)
    clock.now -= 2 * DAY
    await retention.delete_expired()
    assert await holder.film_keys.candidates(film.origin), "29 days"
    clock.now += 2 * DAY
    await retention.delete_expired()
    assert await holder.film_keys.candidates(film.origin) == ()
    assert await holder.storage.envelopes.of_token(packed.token) == ()
    await publisher.indexer.catch_up()
    assert await publisher.film_keys.in_custody(packed.token) == packed.key
