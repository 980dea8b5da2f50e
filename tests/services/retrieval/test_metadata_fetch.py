from tests.components.good_gateway import good_gateway
from tests.services.packing import pack, published, register
from tests.services.server_environment import server_environment
from wylloh_server.domain.events import FilmDescribed
from wylloh_server.domain.film import FilmState
from wylloh_server.services.retrieval.metadata_fetch import MetadataFetch


def introductions(server, budget=10**9):
    return MetadataFetch(
        films=server.storage.films,
        packages=server.packages,
        manifests=server.manifests,
        retention=server.retention,
        bus=server.bus,
        timer=server.clock.timer,
        budget=budget,
    )


async def test_a_film_nobody_holds_gets_its_title_and_poster_but_not_the_film(publisher, holder):
    packed = await published(publisher)
    await holder.follow_chain()
    await introductions(holder).make()
    film = await holder.storage.films.get(packed.film_id)
    assert (film.state, film.title) == (FilmState.INTRODUCED, "The Film")
    assert holder.events_of(FilmDescribed) == [FilmDescribed(film.id, "The Film")]
    assert not await holder.packages.complete(packed.root)
    poster = await holder.packages.open_file(packed.root, "poster.jpg")
    assert (await poster.read(0, poster.size)).startswith(b"\xff\xd8\xff")
    await poster.close()


async def test_an_introduced_film_is_pulled_like_any_other(publisher, holder):
    packed = await published(publisher)
    await holder.follow_chain()
    await introductions(holder).make()
    await holder.puller.pull(packed.film_id)
    film = await holder.storage.films.get(packed.film_id)
    assert film.state is FilmState.READY
    assert len(holder.events_of(FilmDescribed)) == 1


async def test_without_a_gateway_it_is_tried_again_later(publisher, holder):
    packed = await published(publisher)
    await holder.follow_chain()
    work = introductions(holder)
    holder.gateways.use([])
    await work.make()
    async with good_gateway(publisher.packages) as gateway:
        holder.gateways.use([gateway.url])
        await work.make()
        assert (await holder.storage.films.get(packed.film_id)).state is FilmState.DISCOVERED
        holder.clock.now += 40  # half a minute, give or take a quarter
        await work.make()
    assert (await holder.storage.films.get(packed.film_id)).state is FilmState.INTRODUCED


async def test_a_forged_manifest_is_refused_and_shows_nothing(publisher, holder):
    packed = await pack(publisher, signature=lambda signed: signed[:-4] + "0000")
    await register(publisher.registry, packed)
    await holder.follow_chain()
    await introductions(holder).make()
    film = await holder.storage.films.get(packed.film_id)
    assert (film.state, holder.events_of(FilmDescribed)) == (FilmState.FAILED, [])
    assert film.title != "The Film"


async def test_a_huge_signature_is_not_fetched_and_leaves_nothing(publisher, holder, monkeypatch):
    """Anybody with a publisher's role could fill every server's disk with films that nobody holds."""
    packed = await pack(publisher, size=100_000, signature=lambda signed: signed + " " * 6_000_000)
    await register(publisher.registry, packed)
    await holder.follow_chain()
    fetched, block = [], holder.gateways.block

    async def counted(cid):
        fetched.append(await block(cid))
        return fetched[-1]

    monkeypatch.setattr(holder.gateways, "block", counted)
    await introductions(holder).make()
    assert 0 < sum(len(one.data) for one in fetched) < 100_000, "its directory says how large it is"
    film = await holder.storage.films.get(packed.film_id)
    assert film.state is FilmState.FAILED
    assert "its manifest.sig is larger than 1,048,576 bytes" in film.reason
    assert [path for path in (holder.folder / "blocks" / "blocks").rglob("*") if path.is_file()] == []


async def test_pictures_that_are_too_large_are_left_out(publisher, holder):
    """They take no room from those that are not: the poster alone is more than all pictures may be."""
    packed = await published(publisher, size=100_000, poster=17 << 20)
    await holder.follow_chain()
    await introductions(holder).make()
    assert (await holder.storage.films.get(packed.film_id)).state is FilmState.INTRODUCED
    assert await holder.packages.stored_bytes([packed.root]) < 1 << 20
    backdrop = await holder.packages.open_file(packed.root, "backdrop.jpg")
    assert (await backdrop.read(0, 3)) == b"\xff\xd8\xff"


async def test_a_publisher_s_introductions_stay_within_their_budget(publisher, holder):
    films = [await published(publisher, size=100_000, poster=1 << 20) for _ in range(7)]
    await holder.follow_chain()
    work = introductions(holder, budget=2 << 20)
    for _ in range(3):
        await work.make()
    introduced = len(holder.events_of(FilmDescribed))
    assert 2 <= introduced <= 5, "those that were on their way when the budget was used up come, too"
    assert await holder.packages.stored_bytes([packed.root for packed in films]) < (introduced + 1) << 20


async def test_a_store_full_of_introductions_has_room_for_a_film_that_was_bought(
    publisher, registry, clock, tmp_path
):
    others = [await published(publisher, size=100_000, poster=1 << 20) for _ in range(3)]
    bought = await published(publisher, size=2_500_000)
    async with (
        server_environment(tmp_path / "small", registry, clock, bound=4 << 20) as small,
        good_gateway(publisher.packages) as gateway,
    ):
        small.gateways.use([gateway.url])
        await small.follow_chain()
        await introductions(small).make()
        assert await small.packages.stored_bytes([packed.root for packed in others]) > 3 << 20
        await small.puller.pull(bought.film_id)
        assert (await small.storage.films.get(bought.film_id)).state is FilmState.READY
