"""The trailer in a package: offered to everybody, fetched when somebody watches it, and nothing else with it."""

import os
from dataclasses import replace

import pytest

from tests.services.packing import pack, register
from wylloh_server.adapters.files.local_files import LocalFolders
from wylloh_server.domain.errors import BlockUnavailable, NotFound
from wylloh_server.domain.film import FileRole, FilmState
from wylloh_server.services.library.trailers import Trailers

TRAILER = os.urandom(2_500_000)


def trailers_of(server):
    return Trailers(folders=LocalFolders(), packages=server.packages, manifests=server.manifests)


async def introduced(publisher, holder, **lies):
    """Announce a package; the holder's server knows its manifest and nothing else of it."""
    packed = await pack(publisher, **lies)
    await register(publisher.registry, packed)
    await holder.follow_chain()
    film = await holder.storage.films.get(packed.film_id)
    await holder.manifests.fetch(film.origin, lasting=False)
    return packed, replace(film, state=FilmState.INTRODUCED)


async def content(trailers, film):
    source = await trailers.open(film)
    try:
        return await source.read(0, source.size)
    finally:
        await source.close()


async def test_47_a_trailer_is_watched_where_the_film_is_not(publisher, holder):
    packed, film = await introduced(publisher, holder, trailer=TRAILER)
    trailers = trailers_of(holder)
    assert await trailers.offers(film)
    before = await holder.packages.stored_bytes([packed.root])
    assert await content(trailers, film) == TRAILER
    assert await holder.packages.stored_bytes([packed.root]) == before, "leaves room for introductions"
    with pytest.raises(BlockUnavailable):
        sealed = await holder.packages.open_file(packed.root, "feature.enc")
        await sealed.read(0, sealed.size)
    holder.gateways.use([])
    assert await content(trailers_of(holder), film) == TRAILER, "it is here"
    assert not await trailers.offers(replace(film, state=FilmState.FAILED))
    with pytest.raises(NotFound):
        await trailers.open(replace(film, state=FilmState.DISCOVERED))


async def test_a_trailer_that_no_gateway_has_says_so(publisher, holder):
    _, film = await introduced(publisher, holder, trailer=TRAILER)
    holder.gateways.use([])
    trailers = trailers_of(holder)
    for _ in range(2):
        with pytest.raises(BlockUnavailable):
            await trailers.open(film)


async def test_a_holder_has_the_trailer_with_the_film(publisher, holder):
    packed, _ = await introduced(publisher, holder, trailer=TRAILER)
    await holder.puller.pull(packed.film_id)
    film = await holder.storage.films.get(packed.film_id)
    holder.gateways.use([])
    assert await trailers_of(holder).offers(film)
    assert await content(trailers_of(holder), film) == TRAILER


@pytest.mark.parametrize("root", ["bafystock", "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku"])
async def test_the_page_of_a_film_whose_package_cannot_be_read_is_there_without_a_trailer(
    publisher, holder, root
):
    _, film = await introduced(publisher, holder, trailer=TRAILER)
    odd = replace(film, origin=replace(film.origin, root=root))
    assert not await trailers_of(holder).offers(odd)
    with pytest.raises(NotFound):
        await trailers_of(holder).open(odd)


@pytest.mark.parametrize("change", [{"path": "page.html"}, {"size": 1 << 30}, {"role": FileRole.POSTER}])
async def test_a_package_without_a_proper_trailer_offers_none(publisher, change):
    """An older server's manifest gave the role to whatever else there was; too large a file is not fetched."""

    def lie(manifest):
        files = (
            replace(file, **change) if file.role is FileRole.TRAILER else file for file in manifest.files
        )
        return replace(manifest, files=tuple(files))

    packed = await pack(publisher, trailer=TRAILER, manifest=lie)
    await register(publisher.registry, packed)
    await publisher.follow_chain()
    film = replace(await publisher.storage.films.get(packed.film_id), state=FilmState.READY)
    assert not await trailers_of(publisher).offers(film)
    with pytest.raises(NotFound, match="no trailer"):
        await trailers_of(publisher).open(film)
