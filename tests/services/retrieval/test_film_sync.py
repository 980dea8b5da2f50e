"""Films on chain and in the library: what is added, what follows a newer package, and what is left alone."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from tests.components.registry import open_pool, set_package
from tests.services.packing import pack, published
from wylloh_server.domain.errors import ChainUnavailable
from wylloh_server.domain.events import ChainAdvanced, FilmAdded
from wylloh_server.domain.film import FilmState
from wylloh_server.domain.ports.chain import ChainHead


async def discovered(server, packed):
    await server.follow_chain()
    film = await server.storage.films.get(packed.film_id)
    assert film is not None
    return film


async def pulled(server, packed):
    await discovered(server, packed)
    await server.puller.pull(packed.film_id)
    return await server.storage.films.get(packed.film_id)


async def repackaged(publisher, packed):
    newer = await pack(publisher, token=packed.token, size=300_000)
    await publisher.registry.send(set_package(packed.token, newer.root, newer.sha256))
    return newer


async def test_looking_again_changes_nothing(publisher, holder):
    packed = await published(publisher)
    await pulled(holder, packed)
    told = len(holder.events)
    for _ in range(2):
        assert (await discovered(holder, packed)).state is FilmState.READY
    await holder.puller.pull(packed.film_id)
    assert len(holder.events) == told


async def test_finding_films_goes_on_after_a_restart(publisher, holder):
    first = await published(publisher)
    await pulled(holder, first)
    holder.build(holder.registry.pool)
    second = await published(publisher)
    await holder.follow_chain()
    assert len(holder.events_of(FilmAdded)) == 2
    assert (await holder.storage.films.get(first.film_id)).state is FilmState.READY
    assert await holder.storage.films.get(second.film_id)


async def test_a_silent_chain_is_an_error_and_takes_nothing(publisher, holder):
    packed = await published(publisher)
    await pulled(holder, packed)
    async with open_pool("http://127.0.0.1:9", contract=holder.registry.contract) as dead:
        holder.build(dead)
        with pytest.raises(ChainUnavailable):
            await holder.follow_chain()
    assert (await holder.storage.films.get(packed.film_id)).state is FilmState.READY


async def test_a_stopped_film_stays_stopped_when_it_is_packaged_again(publisher, holder):
    packed = await published(publisher, size=200_000)
    film = await discovered(holder, packed)
    await holder.storage.films.save(replace(film, state=FilmState.STOPPED, reason="You stopped it."))
    newer = await repackaged(publisher, packed)
    film = await discovered(holder, packed)
    assert (film.state, film.reason, film.origin.root) == (FilmState.STOPPED, "You stopped it.", newer.root)
    await holder.starter(everything=True).start()
    assert holder.tasks.started == []


async def test_reading_the_chain_again_never_goes_back_to_an_older_package(publisher, holder):
    """As when another store is configured: everything is read from the first block on."""
    packed = await published(publisher, size=200_000)
    await discovered(holder, packed)
    newer = await repackaged(publisher, packed)
    film = await pulled(holder, packed)
    assert (film.state, film.origin.root) == (FilmState.READY, newer.root)
    await holder.storage.chain_index.set_source("with another store")
    reader = holder.indexer.logs
    head = await reader.head()
    before = ChainHead((await reader.headers([head.newest.number - 1]))[head.newest.number - 1], head.final)
    (registration,) = await _first_stretch(holder, before)
    assert registration.last.number < head.newest.number
    await holder.film_sync.sync()
    assert await holder.storage.films.get(packed.film_id) == film
    holder.build(holder.registry.pool)
    assert await discovered(holder, packed) == film


async def _first_stretch(server, before):
    """Add the history up to a block before the newest one, as if more was to be read."""
    stretch = await server.indexer.logs.read(0, ())
    events = tuple(event for event in stretch.events if event.mark.block <= before.newest.number)
    blocks = [block for block in stretch.blocks if block.number < before.newest.number]
    shorter = replace(stretch, events=events, blocks=(*blocks, before.newest))
    await server.storage.chain_index.extend(shorter, ChainHead(stretch.last, before.final))
    return (shorter,)


async def test_a_registration_that_a_reorg_moves_is_added_once(publisher, holder):
    packed = await published(publisher, size=100_000)
    film = await discovered(holder, packed)
    newest = (await holder.storage.chain_index.newest(1))[0]
    await holder.storage.chain_index.roll_back(newest.number - 1)
    await holder.film_sync.sync()
    assert await discovered(holder, packed) == film
    assert len(holder.events_of(FilmAdded)) == 1


async def test_open_work_follows_the_chain_as_it_advances(publisher, holder):
    packed = await published(publisher, size=100_000)
    async with holder.film_sync.running():
        await holder.indexer.catch_up()
        assert holder.events_of(ChainAdvanced)
        async with asyncio.timeout(10):
            while await holder.storage.films.get(packed.film_id) is None:
                await asyncio.sleep(0.01)
