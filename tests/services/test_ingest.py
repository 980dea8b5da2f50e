import asyncio
from dataclasses import replace

import pytest
from eth_account import Account

from tests.components.bad_gateway import bad_gateway
from tests.components.good_gateway import good_gateway
from tests.components.registry import ACCOUNTS, open_pool
from tests.services.house import house
from tests.services.packing import MARKER, film_of, pack, published, register
from wylloh_server.adapters.chain import registry_calls
from wylloh_server.domain.access import Role
from wylloh_server.domain.errors import ChainUnavailable, ContentError
from wylloh_server.domain.events import FilmAdded, FilmReady
from wylloh_server.domain.film import Description, Film, FilmState, FolderOrigin, TokenOrigin
from wylloh_server.domain.types import BlockNumber, FilmId, Seconds, wallet_of
from wylloh_server.services.ingest import PULL

HOLDER = wallet_of(ACCOUNTS[1].address)


async def discovered(server, packed):
    await server.discovery.look()
    film = await server.storage.films.get(packed.film_id)
    assert film is not None
    return film


async def pulled(server, packed):
    await discovered(server, packed)
    await server.puller.pull(packed.film_id)
    return await server.storage.films.get(packed.film_id)


async def test_a_film_travels_from_publisher_to_holder(publisher, holder):
    packed = await published(publisher)
    found = await discovered(holder, packed)
    assert (found.state, found.title) == (FilmState.DISCOVERED, f"Film {packed.token.token_id % 10_000:04d}")
    assert holder.told(FilmAdded) == [FilmAdded(found.id, found.title)]

    shares = []
    await holder.puller.pull(found.id, lambda done, of: shares.append((done, of)))
    film = await holder.storage.films.get(found.id)
    assert (film.state, film.progress, film.reason) == (FilmState.READY, 1.0, "")
    assert (film.title, film.description.year, film.description.runtime) == ("The Film", 2008, Seconds(90))
    assert holder.told(FilmReady) == [FilmReady(film.id)]
    assert shares[-1][0] == shares[-1][1] > len(packed.plain)
    assert await holder.packages.complete(packed.root)


async def test_what_was_pulled_opens_with_the_key_and_only_then_is_readable(publisher, holder):
    packed = await published(publisher)
    await pulled(holder, packed)
    manifest = await holder.manifests.load(packed.root)
    sealed = await holder.packages.open_file(packed.root, "feature.enc")
    opened = holder.cipher.open(sealed, packed.key, manifest.encryption.associated_data.encode())
    assert await opened.read(0, opened.size) == packed.plain
    await opened.close()
    assert not any(MARKER in path.read_bytes() for path in holder.folder.rglob("*") if path.is_file())


async def test_looking_again_changes_nothing(publisher, holder):
    packed = await published(publisher)
    await pulled(holder, packed)
    told = len(holder.events)
    for _ in range(2):
        assert (await discovered(holder, packed)).state is FilmState.READY
    await holder.puller.pull(packed.film_id)
    assert len(holder.events) == told


async def test_discovery_goes_on_where_it_was_after_a_restart(publisher, holder):
    first = await published(publisher)
    await pulled(holder, first)
    holder.build(holder.registry.pool)
    second = await published(publisher)
    await holder.discovery.look()
    assert len(holder.told(FilmAdded)) == 2
    assert (await holder.storage.films.get(first.film_id)).state is FilmState.READY
    assert await holder.storage.films.get(second.film_id)


async def test_a_silent_chain_is_an_error_and_takes_nothing(publisher, holder):
    packed = await published(publisher)
    await pulled(holder, packed)
    async with open_pool("http://127.0.0.1:9", contract=holder.registry.contract) as dead:
        holder.build(dead)
        with pytest.raises(ChainUnavailable):
            await holder.discovery.look()
    assert (await holder.storage.films.get(packed.film_id)).state is FilmState.READY


# Packages that lie ------------------------------------------------------------------------------------------

STRANGER = Account.from_key("0x" + "7" * 64)


def another_feature(manifest):
    first, *rest = manifest.files
    return replace(manifest, files=(replace(first, cid=rest[0].cid), *rest))


def a_file_too_many(manifest):
    return replace(manifest, files=(*manifest.files, replace(manifest.files[-1], path="subtitles/fr.vtt")))


LIES = {
    "another publisher signed": ({"signer": STRANGER}, "the publisher's signature does not fit"),
    "the signature is no signature": (
        {"signature": lambda _: "yes"},
        "the publisher's signature does not fit",
    ),
    "the signature is a picture": (
        {"spoil": lambda folder: (folder / "manifest.sig").write_bytes(b"\xff\xd8" * 99)},
        "the publisher's signature does not fit",
    ),
    "there is no signature": (
        {"spoil": lambda folder: (folder / "manifest.sig").unlink()},
        "it has no manifest.sig",
    ),
    "there is no manifest": (
        {"spoil": lambda folder: (folder / "manifest.json").unlink()},
        "it has no manifest.json",
    ),
    "the manifest is not JSON": ({"raw": lambda _: b"{" * 5000}, "The package's manifest is not JSON."),
    "the manifest is too large": (
        {"raw": lambda written: written + b" " * (1 << 20)},
        "its manifest.json is larger than 1,048,576 bytes",
    ),
    "the manifest lacks its title": (
        {"raw": lambda written: written.replace(b'"title"', b'"name"')},
        "the field 'title' is missing",
    ),
    "the manifest is of another token": (
        {"manifest": lambda manifest: _of_another_token(manifest)},
        "its manifest names another token or publisher",
    ),
    "the manifest is of another publisher": (
        {"manifest": lambda manifest: replace(manifest, publisher=wallet_of(STRANGER.address))},
        "its manifest names another token or publisher",
    ),
    "the feature is another file": (
        {"manifest": another_feature},
        "feature.enc in it is not the file its manifest describes",
    ),
    "a file is missing": (
        {"manifest": a_file_too_many},
        "subtitles/fr.vtt in it is not the file its manifest describes",
    ),
    "a file was exchanged": (
        {"spoil": lambda folder: (folder / "poster.jpg").write_bytes(b"\xff\xd8\xff else")},
        "poster.jpg in it is not the file its manifest describes",
    ),
}


def _of_another_token(manifest):
    other = replace(manifest.token, token_id=7)
    data = manifest.encryption.associated_data.replace(str(manifest.token), str(other))
    return replace(manifest, token=other, encryption=replace(manifest.encryption, associated_data=data))


@pytest.mark.parametrize("lie", LIES)
async def test_a_package_that_lies_is_refused_with_the_reason(publisher, holder, lie):
    parts, reason = LIES[lie]
    packed = await published(publisher, size=200_000, **parts)
    film = await pulled(holder, packed)
    assert film.state is FilmState.FAILED
    assert reason in film.reason
    assert film.reason.endswith("Ask the publisher to publish it again.")
    assert not holder.told(FilmReady)
    assert film.title.startswith("Film ")


async def test_a_manifest_other_than_the_registered_one_is_refused(publisher, holder):
    packed = await pack(publisher, size=200_000)
    await register(publisher.registry, packed, sha256="ee" * 32)
    film = await pulled(holder, packed)
    assert film.state is FilmState.FAILED
    assert "its manifest is not the one registered on the chain" in film.reason


async def test_a_root_that_is_no_directory_is_refused(publisher, holder):
    packed = await pack(publisher, size=200_000)
    poster = (await publisher.manifests.load(packed.root)).files[1]
    packed = replace(packed, root=poster.cid)
    await register(publisher.registry, packed)
    film = await pulled(holder, packed)
    assert film.state is FilmState.FAILED
    assert film.reason


async def test_a_refused_film_is_not_fetched_again(publisher, holder):
    packed = await published(publisher, size=200_000, signer=STRANGER)
    await pulled(holder, packed)
    await holder.starter(everything=True).start()
    assert holder.jobs.started == []


async def test_a_package_whose_publisher_cannot_be_asked_waits(publisher, holder):
    """A signature not by the publisher's own key could be a contract wallet's: only the chain can tell."""
    packed = await published(publisher, size=200_000, signer=STRANGER)
    await discovered(holder, packed)
    async with open_pool("http://127.0.0.1:9", contract=holder.registry.contract) as dead:
        holder.build(dead)
        await holder.puller.pull(packed.film_id)
    film = await holder.storage.films.get(packed.film_id)
    assert film.state is FilmState.WAITING
    assert film.reason.endswith(".")


# Pulls that stop ----------------------------------------------------------------------------------------------


async def test_an_interrupted_pull_resumes(publisher, holder):
    packed = await published(publisher, size=6_000_000)
    await discovered(holder, packed)
    async with good_gateway(publisher.packages) as good, bad_gateway(good.url, "error", honest_for=7) as bad:
        holder.gateways.use([bad.url])
        await holder.puller.pull(packed.film_id)
        film = await holder.storage.films.get(packed.film_id)
        assert film.state is FilmState.WAITING
        assert film.reason == "No gateway has the rest yet. Trying again by itself."
    assert not holder.told(FilmReady)
    kept = sum(path.stat().st_size for path in (holder.folder / "blocks").rglob("*") if path.is_file())

    async with good_gateway(publisher.packages) as good:
        holder.gateways.use([good.url])
        await holder.puller.pull(packed.film_id)
    film = await holder.storage.films.get(packed.film_id)
    assert (film.state, film.reason) == (FilmState.READY, "")
    assert kept > 0


async def test_a_pull_with_no_gateway_waits_and_says_so(publisher, holder):
    packed = await published(publisher, size=200_000)
    holder.gateways.use([])
    film = await pulled(holder, packed)
    assert film.state is FilmState.WAITING
    assert film.reason == "No gateway has the rest yet. Trying again by itself."


async def test_a_lying_gateway_brings_nothing_in(publisher, holder):
    packed = await published(publisher, size=200_000)
    async with good_gateway(publisher.packages) as good, bad_gateway(good.url, "corrupt") as bad:
        holder.gateways.use([bad.url])
        film = await pulled(holder, packed)
    assert film.state is FilmState.WAITING


async def test_a_full_store_waits_with_the_reason_and_what_to_do(publisher, registry, clock, tmp_path):
    packed = await published(publisher, size=6_000_000)
    async with (
        house(tmp_path / "small", registry, clock, bound=3_000_000) as small,
        good_gateway(publisher.packages) as gateway,
    ):
        small.gateways.use([gateway.url])
        film = await pulled(small, packed)
        assert film.state is FilmState.WAITING
        assert film.reason.startswith("The block store's bound of 3.0 MB is full")
        assert film.reason.endswith("The pull then goes on where it was.")
        assert film.title == "The Film"
        await small.starter(everything=True).start()
        assert small.jobs.started == [(PULL, packed.film_id)]


async def test_a_large_library_comes_a_few_packages_at_a_time(publisher, holder, monkeypatch):
    packed = [await published(publisher, size=20_000) for _ in range(7)]
    await holder.discovery.look()
    running, most, pull = set(), 0, holder.packages.pull

    async def watched(root, **options):
        nonlocal most
        running.add(root)
        most = max(most, len(running))
        try:
            await pull(root, **options)
        finally:
            running.discard(root)

    monkeypatch.setattr(holder.packages, "pull", watched)
    await asyncio.gather(*(holder.puller.pull(one.film_id) for one in packed))
    assert {film.state for film in await holder.storage.films.all()} == {FilmState.READY}
    assert most == 4


async def test_progress_is_saved_while_a_pull_runs(publisher, holder, monkeypatch):
    packed = await published(publisher, size=200_000)
    await discovered(holder, packed)
    going_on = asyncio.Event()
    whole = holder.packages.pull

    async def slow(root, *, paths=(), progress=None):
        if not paths:
            progress(3, 4)
            await going_on.wait()
        await whole(root, paths=paths, progress=progress)

    monkeypatch.setattr(holder.packages, "pull", slow)
    pull = asyncio.create_task(holder.puller.pull(packed.film_id))
    while (film := await holder.storage.films.get(packed.film_id)).progress != 0.75:
        await asyncio.sleep(0.02)
    assert film.state is FilmState.PULLING
    going_on.set()
    await pull
    assert (await holder.storage.films.get(packed.film_id)).progress == 1.0


# Packages that change ------------------------------------------------------------------------------------------


async def repackaged(publisher, packed):
    newer = await pack(publisher, token=packed.token, size=300_000)
    await publisher.registry.send(registry_calls.set_package(packed.token, newer.root, newer.sha256))
    return newer


async def test_a_new_package_of_a_film_is_fetched_anew(publisher, holder):
    packed = await published(publisher, size=200_000)
    await pulled(holder, packed)
    newer = await repackaged(publisher, packed)
    film = await discovered(holder, packed)
    assert (film.state, film.origin.root, film.title) == (FilmState.DISCOVERED, newer.root, "The Film")
    await holder.starter(everything=True).start()
    assert holder.jobs.started == [(PULL, packed.film_id)]
    await holder.puller.pull(packed.film_id)
    assert (await holder.storage.films.get(packed.film_id)).state is FilmState.READY
    assert len(holder.told(FilmAdded)) == 1
    assert await holder.packages.published_block(newer.root)
    assert not await holder.packages.published_block(packed.root), "the old package keeps no room"


async def test_the_older_of_two_packages_never_comes_back(publisher, holder):
    packed = await published(publisher, size=200_000)
    newer = await repackaged(publisher, packed)
    film = await pulled(holder, packed)
    assert (film.state, film.origin.root) == (FilmState.READY, newer.root)
    # As after a restart: the same range of blocks is read again, with both announcements in it.
    holder.build(holder.registry.pool)
    assert (await discovered(holder, packed)).state is FilmState.READY


@pytest.mark.parametrize("fails", [False, True])
async def test_a_package_that_changes_during_its_pull_is_not_overwritten(
    publisher, holder, monkeypatch, fails
):
    packed = await published(publisher, size=200_000)
    await discovered(holder, packed)
    whole = holder.packages.pull

    async def overtaken(root, *, paths=(), progress=None):
        if not paths:
            newer = await repackaged(publisher, packed)
            await holder.discovery.look()
            assert newer.root != root
            if fails:
                holder.gateways.use([])
        await whole(root, paths=paths, progress=progress)

    monkeypatch.setattr(holder.packages, "pull", overtaken)
    await holder.puller.pull(packed.film_id)
    film = await holder.storage.films.get(packed.film_id)
    assert isinstance(film.origin, TokenOrigin)
    assert film.origin.root != packed.root
    assert film.state is FilmState.DISCOVERED
    assert not holder.told(FilmReady)


async def test_a_film_removed_during_its_pull_stays_removed(publisher, holder, monkeypatch):
    packed = await published(publisher, size=200_000)
    await discovered(holder, packed)
    whole = holder.packages.pull

    async def removing(root, *, paths=(), progress=None):
        await holder.storage.films.remove(packed.film_id)
        await whole(root, paths=paths, progress=progress)

    monkeypatch.setattr(holder.packages, "pull", removing)
    await holder.puller.pull(packed.film_id)
    assert await holder.storage.films.get(packed.film_id) is None


# Which films are wanted ---------------------------------------------------------------------------------------


async def test_everything_is_pulled_where_that_is_the_policy(publisher, holder):
    films = [await published(publisher, size=100_000) for _ in range(2)]
    await holder.discovery.look()
    await holder.starter(everything=True).start()
    assert sorted(holder.jobs.started) == sorted((PULL, packed.film_id) for packed in films)


async def test_only_what_accounts_hold_is_pulled_where_that_is_the_policy(publisher, holder):
    held, other = [await published(publisher, size=100_000) for _ in range(2)]
    await holder.registry.mint(held.token, HOLDER, 1)
    await holder.registry.mint(other.token, wallet_of(ACCOUNTS[2].address), 1)
    await holder.discovery.look()
    starter = holder.starter(everything=False)
    await starter.start()
    assert holder.jobs.started == []
    await holder.storage.accounts.save(HOLDER, Role.VIEWER)
    await starter.start()
    assert holder.jobs.started == [(PULL, held.film_id)]


async def test_films_that_are_here_or_without_tokens_start_nothing(publisher, holder):
    packed = await published(publisher, size=100_000)
    assert (await pulled(holder, packed)).state is FilmState.READY
    folder = Film(FilmId("f" * 16), Description("Holiday"), FolderOrigin("/films/holiday.mp4"))
    await holder.storage.films.save(folder)
    await holder.starter(everything=True).start()
    assert holder.jobs.started == []


@pytest.mark.parametrize("harm", ["damaged", "deleted"])
async def test_a_block_lost_on_the_disk_is_fetched_again_and_the_film_stays(publisher, holder, harm):
    packed = await published(publisher, size=4_000_000)
    film = await pulled(holder, packed)
    lost = max((holder.folder / "blocks" / "blocks").glob("*/*"), key=lambda path: path.stat().st_size)
    whole = lost.read_bytes()
    lost.write_bytes(b"\0" * len(whole)) if harm == "damaged" else lost.unlink()
    with pytest.raises(ContentError):
        await read_through(holder, packed)

    await holder.starter(everything=True).start()
    assert holder.jobs.started == [(PULL, film.id)]
    async with bad_gateway("http://127.0.0.1:9", "error") as bad:
        holder.gateways.use([bad.url])
        await holder.puller.pull(film.id)
    assert (await holder.storage.films.get(film.id)).state is FilmState.READY, "all but one block plays"

    async with good_gateway(publisher.packages) as good:
        holder.gateways.use([good.url])
        await holder.puller.pull(film.id)
    assert lost.read_bytes() == whole
    await read_through(holder, packed)
    holder.jobs.started.clear()
    await holder.starter(everything=True).start()
    assert holder.jobs.started == []
    assert holder.told(FilmReady) == [FilmReady(film.id)]


async def read_through(server, packed):
    opened = await server.packages.open_file(packed.root, "feature.enc")
    await opened.read(0, opened.size)


async def test_a_long_chain_is_read_to_its_end_at_the_first_look(publisher, holder):
    """The adapter answers in pieces; a person does not wait a round for each."""
    packed = await published(publisher, size=100_000)
    asked = []
    whole = holder.chain.films

    async def in_pieces(since):
        asked.append(since)
        found = await whole(since)
        if len(asked) < 3:
            return replace(found, films=(), next_block=BlockNumber(since + 10_000))
        return replace(await whole(BlockNumber(0)), next_block=BlockNumber(since + 7))

    holder.chain.films = in_pieces
    await holder.discovery.look()
    assert asked == [0, 10_000, 20_000]
    assert await holder.storage.films.get(packed.film_id)
    assert await holder.storage.cursors.get("chain.next_block") == 20_007
