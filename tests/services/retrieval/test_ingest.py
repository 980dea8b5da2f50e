import asyncio
from dataclasses import replace

import pytest
from eth_account import Account

from tests.components.bad_gateway import bad_gateway
from tests.components.good_gateway import good_gateway
from tests.components.registry import ACCOUNTS, open_pool, set_package
from tests.services.server_environment import server_environment
from tests.services.packing import MARKER, film_of, pack, published, register
from wylloh_server.adapters.chain import registry_calls
from wylloh_server.domain.access import Role
from wylloh_server.domain.errors import ChainUnavailable, ContentError, RetryLater
from wylloh_server.domain.events import FilmAdded, FilmReady
from wylloh_server.domain.film import FileRole, Description, Film, FilmState, FolderOrigin, TokenOrigin
from wylloh_server.domain.types import BlockNumber, FilmId, Seconds, parse_wallet
from wylloh_server.services.operations.film_tasks import PULL

HOLDER = parse_wallet(ACCOUNTS[1].address)


async def discovered(server, packed):
    await server.follow_chain()
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
    assert holder.events_of(FilmAdded) == [FilmAdded(found.id, found.title)]

    shares = []
    await holder.puller.pull(found.id, lambda done, of: shares.append((done, of)))
    film = await holder.storage.films.get(found.id)
    assert (film.state, film.progress, film.reason) == (FilmState.READY, 1.0, "")
    assert (film.title, film.description.year, film.description.runtime) == ("The Film", 2008, Seconds(90))
    assert holder.events_of(FilmReady) == [FilmReady(film.id)]
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


# Packages that lie ------------------------------------------------------------------------------------------

STRANGER = Account.from_key("0x" + "7" * 64)


def another_feature(manifest):
    cid = manifest.only(FileRole.POSTER).cid
    files = [replace(file, cid=cid) if file.role is FileRole.FEATURE else file for file in manifest.files]
    return replace(manifest, files=tuple(files))


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
        {"manifest": lambda manifest: replace(manifest, publisher=parse_wallet(STRANGER.address))},
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
    assert "register" not in film.reason.lower(), "what to do depends on who reads it"
    assert not holder.events_of(FilmReady)
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
    assert holder.tasks.started == []


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
    assert not holder.events_of(FilmReady)
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
        server_environment(tmp_path / "small", registry, clock, bound=3_000_000) as small,
        good_gateway(publisher.packages) as gateway,
    ):
        small.gateways.use([gateway.url])
        film = await pulled(small, packed)
        assert film.state is FilmState.WAITING
        assert film.reason.startswith("The film needs 6.0 MB more. The block store has room for ")
        assert film.reason.endswith("The pull then goes on where it was.")
        assert film.title == "The Film"
        await small.starter(everything=True).start()
        assert small.tasks.started == [(PULL, packed.film_id)]


async def test_progress_is_saved_while_a_pull_runs(publisher, holder, monkeypatch):
    packed = await published(publisher, size=200_000)
    await discovered(holder, packed)
    going_on = asyncio.Event()
    whole = holder.packages.pull

    async def slow(root, *, paths=(), progress=None, **how):
        if not paths:
            progress(3, 4)
            await going_on.wait()
        await whole(root, paths=paths, progress=progress, **how)

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
    await publisher.registry.send(set_package(packed.token, newer.root, newer.sha256))
    return newer


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

    async def overtaken(root, *, paths=(), progress=None, **how):
        if not paths:
            newer = await repackaged(publisher, packed)
            await holder.follow_chain()
            assert newer.root != root
            if fails:
                holder.gateways.use([])
        await whole(root, paths=paths, progress=progress, **how)

    monkeypatch.setattr(holder.packages, "pull", overtaken)
    await holder.puller.pull(packed.film_id)
    film = await holder.storage.films.get(packed.film_id)
    assert isinstance(film.origin, TokenOrigin)
    assert film.origin.root != packed.root
    assert film.state is FilmState.DISCOVERED
    assert not holder.events_of(FilmReady)


async def test_a_film_removed_during_its_pull_stays_removed(publisher, holder, monkeypatch):
    packed = await published(publisher, size=200_000)
    await discovered(holder, packed)
    whole = holder.packages.pull

    async def removing(root, *, paths=(), progress=None, **how):
        await holder.storage.films.remove(packed.film_id)
        await whole(root, paths=paths, progress=progress, **how)

    monkeypatch.setattr(holder.packages, "pull", removing)
    await holder.puller.pull(packed.film_id)
    assert await holder.storage.films.get(packed.film_id) is None


# Which films are wanted ---------------------------------------------------------------------------------------


async def test_everything_is_pulled_where_that_is_the_policy(publisher, holder):
    films = [await published(publisher, size=100_000) for _ in range(2)]
    await holder.follow_chain()
    await holder.starter(everything=True).start()
    assert sorted(holder.tasks.started) == sorted((PULL, packed.film_id) for packed in films)


async def test_only_what_accounts_hold_is_pulled_where_that_is_the_policy(publisher, holder):
    held, other = [await published(publisher, size=100_000) for _ in range(2)]
    await holder.registry.mint(held.token, HOLDER, 1)
    await holder.registry.mint(other.token, parse_wallet(ACCOUNTS[2].address), 1)
    await holder.follow_chain()
    starter = holder.starter(everything=False, ask=False)
    await starter.start()
    assert holder.tasks.started == []
    await holder.storage.accounts.save(HOLDER, Role.VIEWER)
    await starter.start()
    assert holder.tasks.started == [(PULL, held.film_id)]


async def test_tokens_that_somebody_was_given_fetch_nothing_until_the_owner_agrees(publisher, holder):
    """Anybody can send one token of a film of 100 GB to every wallet that is known."""
    packed = await published(publisher, size=100_000)
    await holder.registry.mint(packed.token, HOLDER, 1)
    await holder.storage.accounts.save(HOLDER, Role.VIEWER)
    await holder.follow_chain()
    starter = holder.starter(everything=False)
    for _ in range(2):
        await starter.start()
    assert holder.tasks.started == []
    film = await holder.storage.films.get(packed.film_id)
    assert (
        film.reason
        == "Its tokens were sent to you. Who looks after this server has to agree before it is fetched."
    )
    assert await starter.consents.asked() == (film,)
    await starter.consents.answer(film.id, agreed=False)
    await starter.start()
    assert (holder.tasks.started, await starter.consents.asked()) == ([], ())
    await starter.consents.answer(film.id, agreed=True)
    await starter.start()
    assert holder.tasks.started == [(PULL, packed.film_id)]
    assert (await holder.storage.films.get(packed.film_id)).reason == ""


async def test_a_film_that_nobody_holds_any_more_goes_when_room_is_needed(publisher, holder):
    packed, kept = [await published(publisher, size=100_000) for _ in range(2)]
    await holder.storage.accounts.save(HOLDER, Role.VIEWER)
    await holder.registry.mint(packed.token, HOLDER, 1)
    await holder.follow_chain()
    for film in (packed, kept):
        await holder.puller.pull(film.film_id)
    await holder.film_keys.keep_as_custodian(kept.token, kept.key)
    starter, store = holder.starter(everything=False), holder.packages
    await starter.start()
    assert await loose(holder) == 0, "it is held; the other one's key is kept for its holders"
    send = "safeTransferFrom(address,address,uint256,uint256,bytes)"
    values = (HOLDER, parse_wallet(ACCOUNTS[2].address), packed.token.token_id, 1, b"")
    await holder.registry.send(registry_calls.call(packed.token.contract, send, values), ACCOUNTS[1])
    await holder.follow_chain()
    await starter.start()
    assert await loose(holder) > 100_000
    await holder.starter(everything=True).start()
    assert await loose(holder) == 0, 'it is wanted again by a server with library.pull = "all"'
    await starter.start()
    assert await loose(holder) > 100_000
    assert await store.complete(packed.root)
    await asyncio.to_thread(store._store.index.evict, 1 << 30)
    await starter.start()
    assert (await holder.storage.films.get(packed.film_id)).state is FilmState.DISCOVERED
    assert (await holder.storage.films.get(kept.film_id)).state is FilmState.READY


async def loose(server):
    return await asyncio.to_thread(server.packages._store.index.unprotected)


async def test_a_publisher_s_own_film_is_fetched_without_asking(publisher, holder):
    packed = await published(publisher, size=100_000)
    account = parse_wallet(holder.registry.publisher.address)
    await holder.registry.mint(packed.token, account, 1)
    await holder.storage.accounts.save(account, Role.VIEWER)
    await holder.follow_chain()
    await holder.starter(everything=False).start()
    assert holder.tasks.started == [(PULL, packed.film_id)]


async def test_films_that_are_here_or_without_tokens_start_nothing(publisher, holder):
    packed = await published(publisher, size=100_000)
    assert (await pulled(holder, packed)).state is FilmState.READY
    folder = Film(FilmId("f" * 16), Description("Holiday"), FolderOrigin("/films/holiday.mp4"))
    await holder.storage.films.save(folder)
    await holder.starter(everything=True).start()
    assert holder.tasks.started == []


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
    assert holder.tasks.started == [(PULL, film.id)]
    async with bad_gateway("http://127.0.0.1:9", "error") as bad:
        holder.gateways.use([bad.url])
        with pytest.raises(RetryLater, match="No gateway has the rest yet"):
            await holder.puller.pull(film.id)
    assert (await holder.storage.films.get(film.id)).state is FilmState.READY, "all but one block plays"

    async with good_gateway(publisher.packages) as good:
        holder.gateways.use([good.url])
        await holder.puller.pull(film.id)
    assert lost.read_bytes() == whole
    await read_through(holder, packed)
    holder.tasks.started.clear()
    await holder.starter(everything=True).start()
    assert holder.tasks.started == []
    assert holder.events_of(FilmReady) == [FilmReady(film.id)]


async def test_a_film_of_which_nothing_is_here_is_not_ready_until_it_was_fetched(
    publisher, holder, monkeypatch
):
    """As on a server whose disk of blocks was replaced."""
    packed = await published(publisher, size=4_000_000)
    film = replace(film_of(packed, holder.registry), description=Description("Restored"))
    await holder.storage.films.save(film)
    await holder.starter(everything=True).start()
    assert holder.tasks.started == [(PULL, film.id)]
    async with bad_gateway("http://127.0.0.1:9", "error") as bad:
        holder.gateways.use([bad.url])
        await holder.puller.pull(film.id)
    waiting = await holder.storage.films.get(film.id)
    assert (waiting.state, waiting.progress) == (FilmState.WAITING, 0.0)
    assert waiting.reason.startswith("No gateway has the rest yet.")
    saved, save = [], holder.storage.films.save
    monkeypatch.setattr(holder.storage.films, "save", lambda film: saved.append(film) or save(film))
    async with good_gateway(publisher.packages) as good:
        holder.gateways.use([good.url])
        await holder.puller.pull(film.id)
    assert (saved[0].state, saved[0].progress) == (FilmState.PULLING, 0.0)
    assert (await holder.storage.films.get(film.id)).state is FilmState.READY
    assert holder.events_of(FilmReady) == [FilmReady(film.id)]


async def read_through(server, packed):
    opened = await server.packages.open_file(packed.root, "feature.enc")
    await opened.read(0, opened.size)
