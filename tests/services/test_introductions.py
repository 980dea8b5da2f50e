from tests.components.good_gateway import good_gateway
from tests.services.packing import pack, published, register
from wylloh_server.domain.events import FilmDescribed
from wylloh_server.domain.film import FilmState
from wylloh_server.services.introductions import Introductions


def introductions(server):
    return Introductions(
        films=server.storage.films,
        packages=server.packages,
        manifests=server.manifests,
        bus=server.bus,
        clock=server.clock,
    )


async def test_a_film_nobody_holds_gets_its_title_and_poster_but_not_the_film(publisher, holder):
    packed = await published(publisher)
    await holder.discovery.look()
    await introductions(holder).make()
    film = await holder.storage.films.get(packed.film_id)
    assert (film.state, film.title) == (FilmState.INTRODUCED, "The Film")
    assert holder.told(FilmDescribed) == [FilmDescribed(film.id, "The Film")]
    assert not await holder.packages.complete(packed.root)
    poster = await holder.packages.open_file(packed.root, "poster.jpg")
    assert (await poster.read(0, poster.size)).startswith(b"\xff\xd8\xff")
    await poster.close()


async def test_an_introduced_film_is_pulled_like_any_other(publisher, holder):
    packed = await published(publisher)
    await holder.discovery.look()
    await introductions(holder).make()
    await holder.puller.pull(packed.film_id)
    film = await holder.storage.films.get(packed.film_id)
    assert film.state is FilmState.READY
    assert len(holder.told(FilmDescribed)) == 1


async def test_without_a_gateway_it_is_tried_again_later(publisher, holder):
    packed = await published(publisher)
    await holder.discovery.look()
    work = introductions(holder)
    holder.gateways.use([])
    await work.make()
    async with good_gateway(publisher.packages) as gateway:
        holder.gateways.use([gateway.url])
        await work.make()
        assert (await holder.storage.films.get(packed.film_id)).state is FilmState.DISCOVERED
        holder.clock.now += 31
        await work.make()
    assert (await holder.storage.films.get(packed.film_id)).state is FilmState.INTRODUCED


async def test_a_forged_manifest_is_refused_and_shows_nothing(publisher, holder):
    packed = await pack(publisher, signature=lambda signed: signed[:-4] + "0000")
    await register(publisher.registry, packed)
    await holder.discovery.look()
    await introductions(holder).make()
    film = await holder.storage.films.get(packed.film_id)
    assert (film.state, holder.told(FilmDescribed)) == (FilmState.FAILED, [])
    assert film.title != "The Film"
