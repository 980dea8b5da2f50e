import pytest

from tests.components.registry import ACCOUNTS, open_pool
from tests.services.house import viewer_with
from tests.services.packing import LADDER, film_of, pack, published
from wylloh_server.domain.errors import NotFound
from wylloh_server.domain.film import Description, Film, FilmState, FolderOrigin
from wylloh_server.domain.playback import Position
from wylloh_server.domain.rights import Stack
from wylloh_server.domain.types import FilmId, Seconds, wallet_of

VIEWER = viewer_with(wallet_of(ACCOUNTS[1].address))
STRANGER = viewer_with(wallet_of(ACCOUNTS[2].address))
HOME = Film(FilmId("h" * 16), Description("A home movie"), FolderOrigin("/home.mp4"), FilmState.READY, 1.0)


@pytest.fixture
async def film(publisher):
    """A film on the publisher's own server, of which the viewer has 88 tokens; beside it one from a folder."""
    packed = await published(publisher, size=50_000)
    await publisher.registry.mint(packed.token, VIEWER.wallet, 88)
    await publisher.storage.films.save(HOME)
    return film_of(packed, publisher.registry)


async def test_the_shelf_shows_every_film_with_ones_own_stack(publisher, film):
    home, gated = await publisher.library.shelf(VIEWER)
    assert (home.film, home.stack, home.theirs) == (HOME, None, True)
    assert (gated.film.id, gated.stack, gated.theirs) == (film.id, Stack(88, LADDER), True)
    _, gated = await publisher.library.shelf(STRANGER)
    assert (gated.stack, gated.theirs) == (Stack(0, LADDER), False)


async def test_a_silent_chain_takes_no_film_away(publisher, film):
    async with open_pool("http://127.0.0.1:9", contract=publisher.registry.contract) as dead:
        publisher.build(dead)
        shelf = await publisher.library.shelf(STRANGER)
    assert [(item.stack, item.theirs) for item in shelf] == [(None, True), (None, True)]


async def test_one_film_the_registry_does_not_know_hides_no_others_stack(publisher, film):
    """As after a reorganisation of the chain."""
    unregistered = film_of(await pack(publisher, size=50_000), publisher.registry)
    await publisher.storage.films.save(unregistered)
    stacks = {item.film.id: item.stack for item in await publisher.library.shelf(VIEWER)}
    assert stacks == {HOME.id: None, film.id: Stack(88, LADDER), unregistered.id: None}


async def test_for_plugins_without_a_viewer_no_stacks_are_looked_up(publisher, film):
    shelf = await publisher.library.films(None)
    assert [item.film.title for item in shelf] == ["A home movie", "The Film"]
    assert [item.stack for item in shelf] == [None, None]
    assert await publisher.library.films(VIEWER) == await publisher.library.shelf(VIEWER)


async def test_some_films_in_the_order_asked_for(publisher, film):
    asked = [film.id, FilmId("gone"), HOME.id, film.id]
    mine = await publisher.library.cards(VIEWER, asked)
    assert [(item.film.id, item.stack) for item in mine] == [(film.id, Stack(88, LADDER)), (HOME.id, None)]
    await publisher.library.remember_position(VIEWER, HOME.id, Seconds(60), Seconds(600))
    (begun,) = await publisher.library.cards(VIEWER, [HOME.id])
    assert begun.position.at == 60
    assert [item.stack for item in await publisher.library.cards(None, asked)] == [None, None]


async def test_a_film_by_its_id(publisher, film):
    assert await publisher.library.film(HOME.id) == HOME
    with pytest.raises(NotFound) as caught:
        await publisher.library.film(FilmId("nothing"))
    assert caught.value.fix == "Go back to the library."


async def test_how_far_somebody_watched_is_theirs_alone(publisher, film, clock):
    await publisher.library.remember_position(VIEWER, film.id, Seconds(60), Seconds(90))
    await publisher.library.remember_position(VIEWER, film.id, Seconds(61), Seconds(90))
    positions = {item.film.id: item.position for item in await publisher.library.shelf(VIEWER)}
    assert positions == {HOME.id: None, film.id: Position(film.id, Seconds(61), Seconds(90), clock())}
    assert all(item.position is None for item in await publisher.library.shelf(STRANGER))
    with pytest.raises(NotFound):
        await publisher.library.remember_position(VIEWER, FilmId("nothing"), Seconds(1), Seconds(2))
