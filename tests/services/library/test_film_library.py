import pytest

from tests.components.registry import ACCOUNTS, CHAIN_ID
from tests.components.stacks import forget_chain, write_stacks
from tests.services.server_environment import viewer_with
from tests.services.packing import LADDER, film_of, pack, published
from wylloh_server.domain.errors import NotFound
from wylloh_server.domain.film import Description, Film, FilmState, FolderOrigin, TokenOrigin, film_id_for
from wylloh_server.domain.playback import Position
from wylloh_server.domain.rights import Stack
from wylloh_server.domain.types import Cid, FilmId, Seconds, TokenReference, parse_wallet
from wylloh_server.services.library.film_library import LibraryShelf

WALLETS = [parse_wallet(account.address) for account in ACCOUNTS]
VIEWER = viewer_with(parse_wallet(ACCOUNTS[1].address))
STRANGER = viewer_with(parse_wallet(ACCOUNTS[2].address))
HOME = Film(FilmId("h" * 16), Description("A home movie"), FolderOrigin("/home.mp4"), FilmState.READY, 1.0)


@pytest.fixture
async def film(publisher):
    """A film on the publisher's own server, of which the viewer has 88 tokens; beside it one from a folder."""
    packed = await published(publisher, size=50_000)
    await write_stacks(publisher.storage, {packed.token: LADDER}, {(VIEWER.wallet, packed.token): 88})
    await publisher.storage.films.save(HOME)
    return film_of(packed, publisher.registry)


async def test_every_film_with_ones_own_stack(publisher, film):
    home, gated = await publisher.library.films(VIEWER)
    assert (home.film, home.stack, home.theirs) == (HOME, None, True)
    assert (gated.film.id, gated.stack, gated.theirs) == (film.id, Stack(88, LADDER), True)
    _, gated = await publisher.library.films(STRANGER)
    assert (gated.stack, gated.theirs) == (Stack(0, LADDER), False)


async def test_a_chain_that_was_not_read_yet_takes_no_film_away(publisher, film):
    await forget_chain(publisher.storage)
    shelf = await publisher.library.films(STRANGER)
    assert [(item.stack, item.theirs) for item in shelf] == [(None, True), (None, True)]


async def test_one_film_the_registry_does_not_know_hides_no_others_stack(publisher, film):
    """As after a reorganisation of the chain."""
    unregistered = film_of(await pack(publisher, size=50_000), publisher.registry)
    await publisher.storage.films.save(unregistered)
    stacks = {item.film.id: item.stack for item in await publisher.library.films(VIEWER)}
    assert stacks == {HOME.id: None, film.id: Stack(88, LADDER), unregistered.id: None}


def gated_film(number, title):
    token = TokenReference(CHAIN_ID, WALLETS[3], number)
    origin = TokenOrigin(token, Cid("bafyroot"), WALLETS[0], "0" * 64)
    return Film(film_id_for(str(token)), Description(title), origin, FilmState.READY, 1.0)


def folder_film(number, title, state=FilmState.READY):
    path = f"/films/{number}.mp4"
    return Film(film_id_for(f"file:{path}"), Description(title), FolderOrigin(path), state, 1.0)


async def titles_of(library, viewer, name):
    """Return the titles of a shelf, page by page."""
    overview = await library.overview(viewer)
    pages = [await library.page(viewer, name, number + 1) for number in range(overview.shelves[name].pages)]
    assert pages[0] == overview.shelves[name]
    assert all(page.total == pages[0].total for page in pages)
    found = [item.film.title for page in pages for item in page.items]
    assert len(found) == pages[0].total
    return found


async def test_each_shelf_has_its_films_by_title_on_pages_of_sixty(publisher):
    """Counts, order and pages are those of a plain sort of all films."""
    storage, library = publisher.storage, publisher.library
    words = [
        "Ärger",
        "zebra",
        "Apfel",
        "Éclair",
        "eclipse",
        "Zürich",
        "\U0001f3ac",
        "ocean",
        "Straße",
        "strasse",
    ]
    gated = [gated_film(number, f"{words[number % 10]} {number % 7}") for number in range(300)]
    folder = [folder_film(number, f"{words[number % 10]} {number}") for number in range(130)]
    broken = [folder_film(1000 + number, f"B{number}", FilmState.FAILED) for number in range(3)]
    for film in (*gated, *folder, *broken):
        await storage.films.save(film)
    known = {film.token: LADDER for film in gated[:290]}
    held = {(VIEWER.wallet, film.token): 5 for film in gated[:90]}
    await write_stacks(storage, known, held)

    def by_title(films):
        return [film.title for film in sorted(films, key=lambda film: (film.title.casefold(), film.id))]

    expected = {
        LibraryShelf.HELD: gated[:90],
        LibraryShelf.FOLDER: folder,
        LibraryShelf.UNKNOWN: gated[290:],
        LibraryShelf.OTHERS: gated[90:290],
        LibraryShelf.BROKEN: broken,
    }
    for name, films in expected.items():
        assert await titles_of(library, VIEWER, name) == by_title(films)
    overview = await library.overview(VIEWER)
    assert overview.shelves[LibraryShelf.HELD].ready == 90
    assert len(overview.shelves[LibraryShelf.OTHERS].items) == 60
    assert overview.shelves[LibraryShelf.OTHERS].items[0].stack == Stack(0, LADDER)
    assert (await library.page(VIEWER, LibraryShelf.FOLDER, 4)).items == ()


async def test_what_one_writes_is_seen_at_once(publisher):
    library, storage = publisher.library, publisher.storage
    assert (await library.overview(VIEWER)).shelves[LibraryShelf.FOLDER].total == 0
    await storage.films.save(HOME)
    first = await library.overview(VIEWER)
    assert first.shelves[LibraryShelf.FOLDER].total == 1
    assert await library.overview(VIEWER) is first
    await library.remember_position(VIEWER, HOME.id, Seconds(60), Seconds(600))
    (begun,) = (await library.overview(VIEWER)).continuing
    assert (begun.film, begun.position.at) == (HOME, 60)
    await storage.films.remove(HOME.id)
    assert (await library.overview(VIEWER)).continuing == ()


async def test_what_was_watched_last_comes_first(publisher, film, clock):
    library = publisher.library
    await library.remember_position(VIEWER, HOME.id, Seconds(60), Seconds(600))
    clock.now += 1
    await library.remember_position(VIEWER, film.id, Seconds(60), Seconds(600))
    assert [item.film.id for item in (await library.overview(VIEWER)).continuing] == [film.id, HOME.id]
    await library.remember_position(VIEWER, film.id, Seconds(599), Seconds(600))
    assert [item.film.id for item in (await library.overview(VIEWER)).continuing] == [HOME.id]


async def test_a_film_that_was_sold_is_not_offered_to_go_on_with(publisher, film):
    await publisher.library.remember_position(STRANGER, film.id, Seconds(60), Seconds(600))
    assert (await publisher.library.overview(STRANGER)).continuing == ()


async def test_more_of_the_same_publisher_or_folder(publisher):
    gated = [gated_film(number, f"G{number}") for number in range(5)]
    folder = [folder_film(number, f"F{number}") for number in range(5)]
    for one in (*gated, *folder, folder_film(9, "A", FilmState.FAILED)):
        await publisher.storage.films.save(one)
    like = await publisher.library.more_like(VIEWER, gated[0], 3)
    assert [item.film.title for item in like] == ["G1", "G2", "G3"]
    like = await publisher.library.more_like(VIEWER, folder[4], 9)
    assert [item.film.title for item in like] == ["F0", "F1", "F2", "F3"]


async def test_for_plugins_without_a_viewer_no_stacks_are_looked_up(publisher, film):
    shelf = await publisher.library.films(None)
    assert [item.film.title for item in shelf] == ["A home movie", "The Film"]
    assert [item.stack for item in shelf] == [None, None]
    assert await publisher.library.films(VIEWER) == await publisher.library.films(VIEWER)


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
    positions = {item.film.id: item.position for item in await publisher.library.films(VIEWER)}
    assert positions == {HOME.id: None, film.id: Position(film.id, Seconds(61), Seconds(90), clock())}
    assert all(item.position is None for item in await publisher.library.films(STRANGER))
    with pytest.raises(NotFound):
        await publisher.library.remember_position(VIEWER, FilmId("nothing"), Seconds(1), Seconds(2))
