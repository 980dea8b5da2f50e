"""Making room on the disk: what each film takes, and who may remove what."""

from __future__ import annotations

from tests.web.conftest import COLLECTOR, GATED, PLAIN
from wylloh_server.domain.access import Role
from wylloh_server.domain.film import FilmState
from wylloh_server.web import app_keys


async def fill(server):
    """Have a copy of the film from the network, and some of both films prepared."""
    server.packages.whole.add(GATED.origin.root)
    await server.segments.put(f"{GATED.id}-abc", "v", "0.m4s", bytes(5000))
    await server.segments.put(f"{PLAIN.id}-abc", "v", "0.m4s", bytes(2000))


async def test_51_the_page_shows_what_films_take_and_admins_remove_what_is_prepared(
    server_under_test, owner, collector
):
    await fill(server_under_test)
    page = await (await owner.get("/admin/storage")).text()
    assert page.index("Big Buck Bunny") < page.index("Morning"), "the largest first"
    for words in (
        "1 GB of 4 GB are free.",
        "1 MB copies from the network, 7 kB prepared for players",
        "1 MB copy from the network · 5 kB prepared for players",
    ):
        assert words in page
    assert 'href="/admin/storage"' in await (await owner.get("/admin")).text()

    path = f"/api/films/{PLAIN.id}/prepared/remove"
    assert (await collector.post(path)).status == 403
    assert (await collector.get("/admin/storage")).status == 403
    await server_under_test.storage.accounts.save(COLLECTOR, Role.ADMIN)
    assert await (await collector.post(path)).json() == {"freed": "2 kB"}
    assert list(await server_under_test.segments.sizes()) == [f"{GATED.id}-abc"]
    page = await (await collector.get("/admin/storage")).text()
    assert 'data-part="prepared"' in page and 'data-part="package"' not in page


async def test_51_nothing_is_removed_of_what_somebody_watches(server_under_test, owner, collector):
    await fill(server_under_test)
    await collector.post(f"/api/films/{GATED.id}/play", {})
    for part in ("prepared", "package"):
        answer = await owner.post(f"/api/films/{GATED.id}/{part}/remove")
        assert answer.status == 400
        assert "Somebody watches this film now" in (await answer.json())["error"]
    assert "Playing now" in await (await owner.get("/admin/storage")).text()


async def test_51_the_owner_removes_a_copy_and_has_it_fetched_again(server_under_test, owner, collector):
    await fill(server_under_test)
    assert (await collector.post(f"/api/films/{GATED.id}/package/remove")).status == 403
    assert await (await owner.post(f"/api/films/{GATED.id}/package/remove")).json() == {"freed": "1 MB"}
    assert server_under_test.packages.whole == set()
    film = await server_under_test.storage.films.get(GATED.id)
    assert film.state is FilmState.STOPPED
    assert film.reason in await (await owner.get(f"/films/{GATED.id}")).text()
    page = await (await owner.get("/admin/storage")).text()
    assert "Fetch again" in page.split('id="stopped-list"')[1]
    assert (await collector.post(f"/api/films/{GATED.id}/package/fetch")).status == 403
    assert (await owner.post(f"/api/films/{GATED.id}/package/fetch")).status == 200
    assert (await server_under_test.storage.films.get(GATED.id)).state is FilmState.DISCOVERED
    assert (await owner.post(f"/api/films/{PLAIN.id}/package/remove")).status == 404


async def test_51_what_was_published_here_is_named_so_and_has_no_button_to_remove_it(
    server_under_test, owner
):
    await fill(server_under_test)
    keys = server_under_test.app[app_keys.SERVICES].film_storage.keeps_key.__self__
    await keys.keep_as_custodian(GATED.token, bytes(32))
    page = await (await owner.get("/admin/storage")).text()
    assert "1 MB published here, 7 kB prepared for players" in page
    assert "1 MB published here · 5 kB prepared for players" in page
    assert "from nobody, unless others pinned it" in page
    assert 'data-part="prepared"' in page and 'data-part="package"' not in page
    answer = await (await owner.post(f"/api/films/{GATED.id}/package/remove")).json()
    assert "was published here" in answer["error"] and "from nobody" in answer["error"]
