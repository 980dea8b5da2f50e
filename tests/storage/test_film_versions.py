"""Packages beside those that play, and the owner's choices, on both databases."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import insert, text

from tests.storage.conftest import upgrade_to
from tests.web.pages.samples import BEGUN
from wylloh_server.domain.film import FetchConsent, FilmState
from wylloh_server.domain.package_version import FilmVersions, FormerPackage, Successor, SuccessorState
from wylloh_server.domain.types import Cid, Timestamp
from wylloh_server.storage import open_database
from wylloh_server.storage.connections import Connections
from wylloh_server.storage.engine import engine_for
from wylloh_server.storage.films import film_row
from wylloh_server.storage.tables import films

FILM = replace(BEGUN, origin=replace(BEGUN.origin, root=Cid("bafyone")))
SECOND = replace(FILM.origin, root=Cid("bafytwo"), manifest_sha256="cd" * 32)
THIRD = replace(FILM.origin, root=Cid("bafythree"))
NOW = Timestamp(1_700_000_000.0)


@pytest.fixture
async def versions(storage):
    await storage.films.save(FILM)
    return storage.versions


async def test_a_film_has_at_most_one_successor(versions):
    assert await versions.get(FILM.id) == FilmVersions(FILM.id)
    await versions.save_successor(FILM.id, Successor(SECOND, progress=0.5))
    assert await versions.get(FILM.id) == FilmVersions(FILM.id, Successor(SECOND, progress=0.5))
    await versions.save_successor(FILM.id, Successor(THIRD))
    assert await versions.all() == {FILM.id: FilmVersions(FILM.id, Successor(THIRD))}
    here = Successor(SECOND, SuccessorState.HERE)
    assert not await versions.note_successor(FILM.id, here), "another one came in between"
    assert await versions.note_successor(FILM.id, replace(here, origin=THIRD))
    await versions.drop_successor(FILM.id, SECOND)
    assert (await versions.get(FILM.id)).successor.state is SuccessorState.HERE
    await versions.drop_successor(FILM.id, THIRD)
    assert await versions.all() == {}


async def test_a_switch_is_one_change_and_can_be_taken_back(storage, versions):
    newer = replace(FILM, origin=SECOND)
    assert not await versions.switch(FILM, newer, NOW), "there is no such successor"
    await versions.save_successor(FILM.id, Successor(SECOND))
    assert await versions.switch(FILM, newer, NOW)
    assert await storage.films.get(FILM.id) == newer
    assert await versions.get(FILM.id) == FilmVersions(FILM.id, None, (FormerPackage(FILM.origin, NOW),))
    assert not await versions.switch(FILM, newer, NOW), "the film has changed"

    assert await versions.switch_back(newer, FILM, NOW)
    assert await storage.films.get(FILM.id) == FILM
    assert await versions.get(FILM.id) == FilmVersions(FILM.id, Successor(SECOND), kept=True)


async def test_going_back_leaves_a_successor_that_the_chain_names(storage, versions):
    newer = replace(FILM, origin=SECOND)
    await versions.save_successor(FILM.id, Successor(SECOND))
    await versions.switch(FILM, newer, NOW)
    await versions.save_successor(FILM.id, Successor(THIRD))
    assert await versions.switch_back(newer, FILM, NOW)
    former = (FormerPackage(SECOND, NOW),)
    assert await versions.get(FILM.id) == FilmVersions(FILM.id, Successor(THIRD), former, kept=True)


async def test_a_film_that_does_not_play_is_not_switched(storage, versions):
    await versions.save_successor(FILM.id, Successor(SECOND))
    await storage.films.save(replace(FILM, state=FilmState.DISCOVERED))
    assert not await versions.switch(FILM, replace(FILM, origin=SECOND), NOW)


@pytest.mark.parametrize("state", [SuccessorState.REFUSED, SuccessorState.UNPROVED])
async def test_packages_that_were_not_taken_are_told_but_for_films_that_are_kept(versions, state):
    await versions.save_successor(FILM.id, Successor(SECOND, state, reason="Not signed."))
    assert await versions.held_back() == ((FILM.title, "Not signed."),)
    await versions.keep(FILM.id, kept=True)
    assert await versions.held_back() == ()
    await versions.keep(FILM.id, kept=False)
    assert len(await versions.held_back()) == 1


async def test_every_former_package_stays_with_the_time_it_was_replaced_at(storage, versions):
    second, third = replace(FILM, origin=SECOND), replace(FILM, origin=THIRD)
    first_until, second_until = (FormerPackage(FILM.origin, NOW), FormerPackage(SECOND, Timestamp(NOW + 1)))
    await versions.save_successor(FILM.id, Successor(SECOND))
    assert await versions.switch(FILM, second, NOW)
    await versions.save_successor(FILM.id, Successor(THIRD))
    assert await versions.switch(second, third, second_until.since)
    assert (await versions.get(FILM.id)).former == (second_until, first_until)
    assert (await versions.all())[FILM.id] == await versions.get(FILM.id)
    assert all([await versions.uses(root) for root in ("bafyone", "bafytwo", "bafythree")])

    await versions.save_successor(FILM.id, Successor(FILM.origin))
    await versions.drop_successor(FILM.id, FILM.origin)
    assert len((await versions.get(FILM.id)).former) == 2, "being the successor for a while changes nothing"
    await versions.drop_former(FILM.id, replace(second_until, since=NOW))
    assert len((await versions.get(FILM.id)).former) == 2, "it was replaced later than that"

    await versions.save_successor(FILM.id, Successor(FILM.origin))
    assert await versions.switch(third, FILM, Timestamp(NOW + 2))
    third_until = FormerPackage(THIRD, Timestamp(NOW + 2))
    assert (await versions.get(FILM.id)).former == (third_until, second_until), "what plays is no former one"
    await versions.drop_former(FILM.id, second_until)
    assert (await versions.get(FILM.id)).former == (third_until,)
    assert not await versions.uses("bafytwo")


async def test_a_package_is_used_by_films_successors_and_titles_but_not_where_it_was_refused(
    storage, versions
):
    await versions.save_successor(FILM.id, Successor(SECOND))
    assert [await versions.uses(root) for root in ("bafyone", "bafytwo", "bafythree")] == [True, True, False]
    await versions.save_successor(FILM.id, Successor(SECOND, SuccessorState.REFUSED))
    await storage.films.save(replace(FILM, state=FilmState.FAILED))
    assert [await versions.uses(root) for root in ("bafyone", "bafytwo")] == [False, False]


async def test_what_the_owner_says_about_fetching_is_kept_beside_other_choices(versions):
    assert await versions.consents() == {}
    await versions.set_consent(FILM.id, FetchConsent.ASKED)
    await versions.keep(FILM.id, kept=True)
    await versions.set_consent(FILM.id, FetchConsent.AGREED)
    assert await versions.consents() == {FILM.id: FetchConsent.AGREED}
    assert (await versions.get(FILM.id)).kept


async def test_what_an_older_version_has_fetched_is_not_asked_about(place):
    """Nobody was asked before there was the question; the owner's films must not stand still."""
    connections = Connections(engine_for(place, 10))
    row = """INSERT INTO films (id, token, root, publisher, manifest_sha256, path, description, state, progress,
        reason, shelf, title_key) VALUES (:id, :token, 'bafyone', '0x', '', :path, '{"title": "Old"}', :state,
        0, '', 'token', 'old')"""
    states = ("discovered", "introduced", "pulling", "waiting", "ready", "failed")
    async with connections.writing() as connection:
        await connection.run_sync(upgrade_to, "0011")
        for number, state in enumerate(states):
            token = f"eip155:1/erc1155:0x{'9' * 40}/{number}"
            values = {"id": state, "token": token, "path": None, "state": state}
            await connection.execute(text(row), values)
        folder = {"id": "folder", "token": None, "path": "/f.mp4", "state": "ready"}
        await connection.execute(text(row), folder)
    await connections.close()
    async with open_database(place) as database:
        consents = await database.storage.versions.consents()
    assert consents == dict.fromkeys(("pulling", "waiting", "ready"), FetchConsent.AGREED)


async def test_packages_beside_a_film_come_through_from_older_versions(place):
    """An older version had room for one former package a film, in the table of the newer ones."""
    connections = Connections(engine_for(place, 10))
    row = """INSERT INTO film_packages (film, role, root, publisher, manifest_sha256, state, progress, reason, since)
        VALUES (:film, :role, :root, :publisher, :sha256, :state, :progress, :reason, :since)"""
    async with connections.writing() as connection:
        await connection.run_sync(upgrade_to, "0023")
        await connection.execute(insert(films).values(film_row(FILM)))
        about = {"film": FILM.id, "publisher": FILM.origin.publisher}
        newer = {"state": "refused", "progress": 0.5, "reason": "Not signed.", "since": 0.0}
        older = {"state": "here", "progress": 1.0, "reason": "", "since": NOW}
        second, third = (
            {"root": origin.root, "sha256": origin.manifest_sha256} for origin in (SECOND, THIRD)
        )
        await connection.execute(text(row), {**about, **second, **older, "role": "former"})
        await connection.execute(text(row), {**about, **third, **newer, "role": "successor"})
    await connections.close()
    async with open_database(place) as database:
        assert await database.storage.versions.get(FILM.id) == FilmVersions(
            FILM.id,
            Successor(THIRD, SuccessorState.REFUSED, 0.5, "Not signed."),
            (FormerPackage(SECOND, NOW),),
        )
