"""A newer package never takes a film away: it is fetched beside the one that plays, and takes its place only
when it is whole and a key here has opened it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from eth_account.messages import encode_defunct

from tests.components.bindings import bind
from tests.components.films import BUNDLED, make_film
from tests.components.registry import ACCOUNTS, set_package
from tests.services.packing import film_of, pack, published, register
from tests.services.server_environment import SOME_FILM
from wylloh_server.adapters.ffmpeg import FfmpegMediaTools, LoopbackMediaServer, find_ffmpeg
from wylloh_server.domain.errors import NotFound, PackageInvalid, RetryLater
from wylloh_server.domain.events import FilmReady
from wylloh_server.domain.film import FilmState, TokenOrigin
from wylloh_server.domain.package_version import SuccessorState
from wylloh_server.domain.types import Cid, Seconds, parse_wallet
from wylloh_server.services.operations.film_tasks import PULL

WALLET = parse_wallet(ACCOUNTS[1].address)
NOWHERE = Cid("bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi")


@pytest.fixture
async def playing(publisher, holder):
    """A film that plays on the holder's server, with its key."""
    return await played(publisher, holder, size=200_000)


async def played(publisher, holder, **parts):
    packed = await published(publisher, **parts)
    await holder.follow_chain()
    await holder.puller.pull(packed.film_id)
    await holder.film_keys.receive(origin_of(holder, packed), packed.key)
    assert (await film(holder, packed)).state is FilmState.READY
    return packed


def origin_of(server, packed):
    return film_of(packed, server.registry).origin


async def film(server, packed):
    return await server.storage.films.get(packed.film_id)


async def versions(server, packed):
    return await server.storage.versions.get(packed.film_id)


def roots(former):
    return [one.origin.root for one in former]


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    """Two encodings of one film, and another film that is much shorter."""
    folder = tmp_path_factory.mktemp("films")
    seconds = {"film": 4.0, "again": 3.8, "short": 2.0}
    plain = {"size": "160x90", "languages": (), "subtitles": False}
    return {
        name: make_film(folder / f"{name}.mp4", length, **plain).read_bytes()
        for name, length in seconds.items()
    }


@pytest.fixture
async def looking(holder):
    """The holder's server looks into films with the tools that play them."""
    async with LoopbackMediaServer() as loopback:
        holder.switch.trial.media = FfmpegMediaTools(loopback, find_ffmpeg(BUNDLED))
        yield


@pytest.fixture
def one_key(publisher, monkeypatch):
    """The publisher encrypts every package with one key: whoever can watch the film can open each of them."""
    key = publisher.cipher.new_key()
    monkeypatch.setattr(publisher.cipher, "new_key", lambda: key)


async def announce(publisher, holder, packed, **lies):
    """Register another package of the same film, and let the holder's server hear of it."""
    newer = await pack(publisher, token=packed.token, **{"size": 300_000, **lies})
    await publisher.registry.send(set_package(packed.token, newer.root, newer.sha256))
    await holder.follow_chain()
    return newer


async def fetched(holder, packed):
    """Do what the task does that fetches a film."""
    await holder.puller.pull(packed.film_id)
    await holder.switch.take_over(packed.film_id)


def stored_blocks(server):
    """The blocks on a server's disk."""
    return {path.name for path in (server.folder / "blocks" / "blocks").glob("*/*")}


async def plays(holder, packed, root):
    """Whether the film plays from a package: all of it can be decrypted here."""
    now = await film(holder, packed)
    assert isinstance(now.origin, TokenOrigin)
    manifest = await holder.manifests.load(now.origin.root)
    sealed = await holder.packages.open_file(now.origin.root, "feature.enc")
    key = await holder.envelope_client.content_key(now)
    opened = holder.cipher.open(sealed, key, manifest.encryption.associated_data.encode())
    return (
        now.state is FilmState.READY and now.origin.root == root and bool(await opened.read(0, opened.size))
    )


async def test_a_package_that_nobody_has_leaves_the_film_playing(publisher, holder, playing):
    """One transaction of a publisher, or of a thief with the publisher's key, takes no film away."""
    await publisher.registry.send(set_package(playing.token, NOWHERE, "ee" * 32))
    await holder.follow_chain()
    holder.gateways.use([])
    await holder.starter(everything=True).start()
    assert holder.tasks.started == [(PULL, playing.film_id)]
    with pytest.raises(RetryLater, match="No gateway has the rest yet"):
        await fetched(holder, playing)
    assert await plays(holder, playing, playing.root)
    assert (await versions(holder, playing)).successor.state is SuccessorState.WAITING


async def test_a_newer_package_takes_over_when_it_is_whole_and_opened(publisher, holder, playing):
    newer = await announce(publisher, holder, playing)
    assert await plays(holder, playing, playing.root)
    await fetched(holder, playing)
    assert await plays(holder, playing, playing.root), "no key here opens the newer one yet"
    waiting = (await versions(holder, playing)).successor
    assert waiting.state is SuccessorState.HERE
    assert "nobody who holds the film lets this server fetch its key" in waiting.reason
    await holder.registry.mint(playing.token, WALLET, 1)
    await bind(holder)
    await holder.follow_chain()
    await holder.switch.run()
    assert "no custodian has released a key" in (await versions(holder, playing)).successor.reason

    await holder.film_keys.receive(origin_of(holder, newer), newer.key)
    await holder.switch.run()
    assert await plays(holder, playing, newer.root)
    after = await versions(holder, playing)
    assert (after.successor, roots(after.former)) == (None, [playing.root])
    assert len(holder.events_of(FilmReady)) == 2


async def test_the_key_of_a_newer_package_is_fetched_for_who_holds_the_film(
    publisher, holder, playing, loopback
):
    wallet = parse_wallet(ACCOUNTS[1].address)
    await holder.registry.mint(playing.token, wallet, 1)
    await bind(holder)
    newer = await announce(publisher, holder, playing, custodian=loopback.url)
    await publisher.storage.films.save(film_of(newer, publisher.registry))
    await fetched(holder, playing)
    assert loopback.asked == 1
    assert await plays(holder, playing, newer.root)
    assert await holder.envelope_client.valid(await film(holder, playing), wallet)


@pytest.mark.parametrize("opened_by", ["a key that is here", "a custodian"])
async def test_a_newer_package_with_a_broken_film_is_refused_and_its_custodian_is_not_blamed(
    publisher, holder, playing, loopback, opened_by, monkeypatch
):
    """It is encrypted with another key than the one in custody, that the manifest commits to."""
    encrypt, other = publisher.cipher.encrypt, publisher.cipher.new_key()
    monkeypatch.setattr(
        publisher.cipher, "encrypt", lambda source, target, key, bound: encrypt(source, target, other, bound)
    )
    await holder.registry.mint(playing.token, WALLET, 1)
    await bind(holder)
    newer = await announce(publisher, holder, playing, custodian=loopback.url)
    await publisher.storage.films.save(film_of(newer, publisher.registry))
    before = stored_blocks(holder)
    if opened_by != "a custodian":
        await holder.film_keys.receive(origin_of(holder, newer), newer.key)
    with pytest.raises(PackageInvalid, match="does not open it"):
        await fetched(holder, playing)
    refused = (await versions(holder, playing)).successor
    assert refused.state is SuccessorState.REFUSED
    assert "Its publisher has to register a good one; the film plays on" in refused.reason
    assert await holder.packages.stored_bytes([newer.root]) == 0
    assert stored_blocks(holder) == before
    assert await holder.storage.key_faults.all() == ()
    assert await plays(holder, playing, playing.root)


async def test_a_switch_takes_nobodys_licence_for_outages(publisher, holder, playing, loopback, monkeypatch):
    """The key is the same, and the custodian may be gone: neither the switch nor going back ends a licence."""
    monkeypatch.setattr(publisher.cipher, "new_key", lambda: playing.key)
    newer = await announce(publisher, holder, playing, custodian=loopback.url)
    await publisher.storage.films.save(film_of(newer, publisher.registry))
    await holder.registry.mint(playing.token, WALLET, 1)
    await bind(holder)
    old = replace(await film(holder, playing), origin=origin_of(holder, playing))
    await fetched(holder, playing)
    assert await holder.envelope_client.ensure(await film(holder, playing), WALLET)
    loopback.status = 503
    assert (await film(holder, playing)).origin.root == newer.root
    await holder.switch.go_back(playing.film_id, playing.root)
    back = await film(holder, playing)
    assert back.origin == old.origin
    assert (await holder.envelope_client.valid(back, WALLET)).terms.root == newer.root
    await holder.switch.follow(playing.film_id)
    await fetched(holder, playing)
    assert await holder.envelope_client.valid(await film(holder, playing), WALLET)
    other = replace(back, origin=replace(back.origin, root=NOWHERE))
    assert await holder.envelope_client.valid(other, WALLET) is None, (
        "no key here is known to be that package's"
    )


async def test_a_key_that_opens_nothing_switches_nothing(publisher, holder, playing):
    newer = await announce(publisher, holder, playing)
    await holder.film_keys.receive(origin_of(holder, newer), playing.key)
    await fetched(holder, playing)
    assert await plays(holder, playing, playing.root)


async def test_a_package_with_the_same_key_takes_over_at_once(publisher, holder, playing, monkeypatch):
    monkeypatch.setattr(publisher.cipher, "new_key", lambda: playing.key)
    newer = await announce(publisher, holder, playing)
    await fetched(holder, playing)
    assert await plays(holder, playing, newer.root)


async def test_where_nothing_could_be_watched_the_newer_package_needs_no_key(publisher, holder):
    """As on a server that fetches every film, and whose accounts hold none of this one."""
    packed = await published(publisher, size=100_000)
    await holder.follow_chain()
    await holder.puller.pull(packed.film_id)
    newer = await announce(publisher, holder, packed)
    await fetched(holder, packed)
    assert (await film(holder, packed)).origin.root == newer.root


async def test_a_refused_package_is_a_notice_and_the_film_plays_on(publisher, holder, playing):
    before = stored_blocks(holder)
    newer = await announce(publisher, holder, playing, signature=lambda signed: signed[:-4] + "0000")
    with pytest.raises(PackageInvalid, match="signature does not fit"):
        await fetched(holder, playing)
    assert stored_blocks(holder) == before, "what came of it is deleted"
    assert await plays(holder, playing, playing.root)
    refused = (await versions(holder, playing)).successor
    assert refused.state is SuccessorState.REFUSED
    assert "Its publisher has to register a good one; the film plays on" in refused.reason
    assert await holder.packages.stored_bytes([newer.root]) == 0
    holder.tasks.started.clear()
    await holder.starter(everything=True).start()
    assert holder.tasks.started == []


async def test_a_change_that_a_reorg_took_back_is_taken_back(publisher, holder, playing):
    newer = await announce(publisher, holder, playing)
    await holder.puller.pull(playing.film_id)
    await taken_back(holder)
    assert (await versions(holder, playing)).successor is None
    assert not await holder.packages.complete(newer.root)
    assert await plays(holder, playing, playing.root)


async def test_a_change_that_a_reorg_took_back_after_the_switch_is_taken_back(publisher, holder, playing):
    newer = await announce(publisher, holder, playing)
    await holder.film_keys.receive(origin_of(holder, newer), newer.key)
    await fetched(holder, playing)
    assert await plays(holder, playing, newer.root)
    await taken_back(holder)
    holder.gateways.use([])
    await fetched(holder, playing)
    assert await plays(holder, playing, playing.root)


async def taken_back(holder):
    """Take back the newest block with an event, as the indexer does after a reorg."""
    changes = await holder.storage.history.changes(0, limit=1_000)
    block = max(step.event.mark.block for step in changes.steps)
    await holder.storage.chain_index.roll_back(block - 1)
    await holder.film_sync.sync()


async def test_a_third_package_replaces_the_second_on_its_way(publisher, holder, playing):
    second = await announce(publisher, holder, playing)
    await holder.puller.pull(playing.film_id)
    third = await announce(publisher, holder, playing)
    assert (await versions(holder, playing)).successor.origin.root == third.root
    assert not await holder.packages.complete(second.root)
    assert await plays(holder, playing, playing.root)


async def test_the_owner_keeps_a_version_and_follows_again(publisher, holder, playing):
    await holder.switch.keep(playing.film_id)
    newer = await announce(publisher, holder, playing)
    await holder.film_keys.receive(origin_of(holder, newer), newer.key)
    await holder.starter(everything=True).start()
    assert holder.tasks.started == []
    await fetched(holder, playing)
    assert await plays(holder, playing, playing.root)
    await holder.switch.follow(playing.film_id)
    await holder.starter(everything=True).start()
    assert holder.tasks.started == [(PULL, playing.film_id)]
    await fetched(holder, playing)
    assert await plays(holder, playing, newer.root)


async def test_the_owner_goes_back_to_the_former_version(publisher, holder, playing):
    newer = await announce(publisher, holder, playing)
    await holder.film_keys.receive(origin_of(holder, newer), newer.key)
    await fetched(holder, playing)
    await holder.switch.go_back(playing.film_id, playing.root)
    assert await plays(holder, playing, playing.root)
    await holder.follow_chain()
    await holder.switch.run()
    assert await plays(holder, playing, playing.root), "it is kept"
    await holder.switch.follow(playing.film_id)
    await fetched(holder, playing)
    assert await plays(holder, playing, newer.root)


async def test_the_former_version_goes_after_its_days(publisher, holder, playing):
    newer = await announce(publisher, holder, playing)
    await holder.film_keys.receive(origin_of(holder, newer), newer.key)
    await fetched(holder, playing)
    holder.clock.now += 6 * 86_400
    await holder.switch.run()
    assert await holder.packages.complete(playing.root)
    holder.clock.now += 2 * 86_400
    await holder.switch.run()
    assert not await holder.packages.complete(playing.root)
    with pytest.raises(NotFound, match="not here any more"):
        await holder.switch.go_back(playing.film_id, playing.root)


async def test_two_package_changes_within_minutes_leave_the_good_package_here(
    one_key, publisher, holder, playing
):
    """A newer switch lets no older package go before its own days are over."""
    second = await announce(publisher, holder, playing)
    await fetched(holder, playing)
    holder.clock.now += 60
    third = await announce(publisher, holder, playing)
    await fetched(holder, playing)
    assert await plays(holder, playing, third.root)
    former = (await versions(holder, playing)).former
    assert roots(former) == [second.root, playing.root], "the one replaced last comes first"
    assert former[0].since - former[1].since == 60
    assert all([await holder.packages.complete(root) for root in roots(former)])
    assert await holder.storage.versions.uses(playing.root)

    await holder.switch.go_back(playing.film_id, playing.root)
    assert await plays(holder, playing, playing.root)
    after = await versions(holder, playing)
    assert (after.successor.origin.root, roots(after.former)) == (third.root, [second.root])


async def test_each_former_package_has_days_of_its_own(one_key, publisher, holder, playing):
    second = await announce(publisher, holder, playing)
    await fetched(holder, playing)
    holder.clock.now += 5 * 86_400
    await announce(publisher, holder, playing)
    await fetched(holder, playing)
    holder.clock.now += 3 * 86_400
    await holder.switch.run()
    assert not await holder.packages.complete(playing.root)
    assert roots((await versions(holder, playing)).former) == [second.root]
    holder.clock.now += 5 * 86_400
    await holder.switch.run()
    assert (await versions(holder, playing)).former == ()
    assert not await holder.packages.complete(second.root)


async def test_a_former_package_that_the_chain_names_for_a_moment_stays(one_key, publisher, holder, playing):
    """That it is the successor no longer does not make it less of a former one."""
    await announce(publisher, holder, playing)
    await fetched(holder, playing)
    await publisher.registry.send(set_package(playing.token, playing.root, playing.sha256))
    await holder.follow_chain()
    assert (await versions(holder, playing)).successor.origin.root == playing.root
    await announce(publisher, holder, playing)
    assert roots((await versions(holder, playing)).former) == [playing.root]
    assert await holder.packages.complete(playing.root)


async def test_noise_is_not_taken_for_a_film_and_waits_as_a_notice(
    one_key, publisher, holder, looking, films
):
    """Whole, signed and opened by its key: but what plays is a film, and this is none."""
    playing = await played(publisher, holder, film=films["film"])
    noise = await announce(publisher, holder, playing, size=310_000)
    await fetched(holder, playing)
    await holder.switch.run()
    assert await plays(holder, playing, playing.root)
    successor = (await versions(holder, playing)).successor
    assert (successor.state, successor.origin.root) == (SuccessorState.UNPROVED, noise.root)
    assert successor.reason.startswith("What is in it does not play here: This file is not a film")
    assert await holder.storage.versions.held_back() == (("The Film", successor.reason),)
    holder.tasks.started.clear()
    await holder.starter(everything=True).start()
    assert holder.tasks.started == [], "it is not fetched again and again"


async def test_a_much_shorter_film_waits_for_the_owner(one_key, publisher, holder, looking, films):
    playing = await played(publisher, holder, film=films["film"])
    short = await announce(publisher, holder, playing, film=films["short"])
    await fetched(holder, playing)
    assert await plays(holder, playing, playing.root)
    successor = (await versions(holder, playing)).successor
    assert successor.state is SuccessorState.UNPROVED
    assert successor.reason == "It runs for 0:00:02, the version that plays for 0:00:04."

    with pytest.raises(NotFound, match="does not wait here any more"):
        await holder.switch.take(playing.film_id, NOWHERE)
    await holder.switch.take(playing.film_id, short.root)
    assert await plays(holder, playing, short.root)
    after = await versions(holder, playing)
    assert (after.successor, roots(after.former)) == (None, [playing.root])
    with pytest.raises(NotFound, match="does not wait here any more"):
        await holder.switch.take(playing.film_id, short.root)


async def test_another_encoding_of_the_film_is_taken_by_itself(one_key, publisher, holder, looking, films):
    playing = await played(publisher, holder, film=films["film"])
    again = await announce(publisher, holder, playing, film=films["again"])
    await fetched(holder, playing)
    assert await plays(holder, playing, again.root)


async def test_a_package_that_plays_nothing_is_replaced_by_any_film(
    one_key, publisher, holder, looking, films
):
    """As after a publisher's mistake: where the present one is no film, there is no length to keep to."""
    broken = await played(publisher, holder, size=200_000)
    film_again = await announce(publisher, holder, broken, film=films["short"])
    await fetched(holder, broken)
    assert await plays(holder, broken, film_again.root)


async def test_where_the_present_package_has_gaps_its_manifest_tells_how_long_the_film_is(
    publisher, holder, playing
):
    newer = await announce(publisher, holder, playing)
    await fetched(holder, playing)
    await holder.film_keys.receive(origin_of(holder, newer), newer.key)
    await holder.packages.forget(playing.root)
    holder.media.probe_or_error = replace(SOME_FILM, duration=Seconds(120))
    await holder.switch.run()
    successor = (await versions(holder, playing)).successor
    assert successor.state is SuccessorState.UNPROVED
    assert successor.reason == "It runs for 0:02:00, the version that plays for 0:01:30."


async def test_who_holds_a_film_without_its_key_is_given_no_package_that_nobody_looked_into(
    publisher, holder
):
    """Its custodian may be away for an hour: what it cannot open now must not cost it the film."""
    packed = await published(publisher, size=100_000)
    await holder.registry.mint(packed.token, WALLET, 1)
    await bind(holder)
    await holder.follow_chain()
    await holder.puller.pull(packed.film_id)
    await announce(publisher, holder, packed)
    await fetched(holder, packed)
    assert (await film(holder, packed)).origin.root == packed.root
    assert "no custodian has released a key" in (await versions(holder, packed)).successor.reason


async def test_a_package_registered_again_by_a_stranger_is_not_forgotten(publisher, holder, playing):
    """Anybody may register a token of theirs with another film's package, and then name another one."""
    stolen = replace(playing, token=publisher.registry.new_token())
    await register(publisher.registry, stolen)
    await holder.follow_chain()
    await holder.puller.pull(stolen.film_id)
    assert (await film(holder, stolen)).state is FilmState.FAILED
    await publisher.registry.send(set_package(stolen.token, NOWHERE, "ee" * 32))
    await holder.follow_chain()
    assert await holder.packages.complete(playing.root)
    assert await plays(holder, playing, playing.root)


async def test_keys_are_kept_for_each_package(publisher, holder, playing):
    newer = await announce(publisher, holder, playing)
    await holder.film_keys.receive(origin_of(holder, newer), newer.key)
    assert await holder.film_keys.candidates(origin_of(holder, playing)) == (playing.key,)
    assert await holder.film_keys.candidates(origin_of(holder, newer)) == (newer.key,)
