"""Background tasks and the look-up of many films, on both databases."""

from __future__ import annotations

from dataclasses import replace

from tests.adapters.database.test_repositories import OTHER, PLAIN, WALLET
from wylloh_server.domain.film import Description, Film, FolderOrigin, film_id_of
from wylloh_server.domain.task import Task, TaskState

RUNNING = Task("a" * 32, "tagging.tag", "Tag “noir”", WALLET, TaskState.RUNNING, 100.5, 3, 2**53, "Third")
OLDER = Task("b" * 32, "store.sync", "Read prices", None, TaskState.WAITING, 50.0)
ENDED = replace(
    OLDER, id="c" * 32, wallet=OTHER, state=TaskState.DONE, says="Done.", link="/x", finished=60.0
)


async def test_a_task_comes_back_whole(storage):
    arguments = {"films": ["a", "ü"], "values": {"tag": None, "deep": [1, 2.5, True]}}
    await storage.tasks.add(RUNNING, arguments)
    await storage.tasks.add(OLDER, {})
    assert await storage.tasks.get(RUNNING.id) == RUNNING
    assert await storage.tasks.arguments(RUNNING.id) == arguments
    assert await storage.tasks.get("gone") is None
    assert await storage.tasks.arguments("gone") == {}
    assert await storage.tasks.all() == (RUNNING, OLDER)
    assert await storage.tasks.all(WALLET) == (RUNNING,)


async def test_only_what_has_not_ended_can_change(storage):
    await storage.tasks.add(RUNNING, {"films": ["a"]})
    further = replace(RUNNING, done=4, says="Fourth")
    assert await storage.tasks.save(further)
    assert await storage.tasks.get(RUNNING.id) == further
    assert await storage.tasks.arguments(RUNNING.id) == {"films": ["a"]}
    failed = replace(further, state=TaskState.FAILED, says="No.", finished=120.0)
    assert await storage.tasks.save(failed)
    assert not await storage.tasks.save(replace(failed, state=TaskState.CANCELLED))
    assert not await storage.tasks.save(OLDER)
    assert await storage.tasks.get(RUNNING.id) == failed
    assert await storage.tasks.arguments(RUNNING.id) == {}


async def test_those_that_ended_can_be_cleared_away(storage):
    for task in (RUNNING, OLDER, ENDED, replace(ENDED, id="d" * 32, wallet=WALLET)):
        await storage.tasks.add(task, {})
    assert await storage.tasks.unfinished() == (RUNNING, OLDER)
    await storage.tasks.clear(WALLET)
    assert await storage.tasks.all() == (RUNNING, OLDER, ENDED)
    await storage.tasks.clear()
    assert await storage.tasks.all() == (RUNNING, OLDER)


async def test_many_films_are_found_at_once(storage):
    films = [
        Film(film_id_of(f"file:/{number}"), Description(f"{number}"), FolderOrigin(f"/{number}"))
        for number in range(3)
    ]
    for film in films:
        await storage.films.save(film)
    wanted = [films[2].id, PLAIN.id, films[0].id, *(f"gone{number}" for number in range(1200))]
    found = {film.id: film for film in await storage.films.some(wanted)}
    assert found == {film.id: film for film in (films[0], films[2])}
    assert await storage.films.some([]) == ()
